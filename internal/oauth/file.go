package oauth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// File are the settings of a configuration file. What it sets is read-only everywhere else.
type File struct{ form Form }

// fileSettings is a File that was checked and read.
type fileSettings struct {
	settings Settings
	secrets  map[string]string // by provider
}

// maxSecretFile bounds a file that holds a client secret.
const maxSecretFile = 4096

// ParseFile reads the settings of a configuration file from JSON: a Form, whose client secrets may be in files of their own.
func ParseFile(text []byte) (*File, error) {
	var f File
	if err := json.Unmarshal(text, &f.form, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	if _, err := f.read(); err != nil {
		return nil, err
	}
	return &f, nil
}

// read checks the settings, and reads the secrets that are in files.
func (f *File) read() (fileSettings, error) {
	if f == nil {
		return fileSettings{}, nil
	}
	settings, secrets, err := f.form.Settings()
	if err != nil {
		return fileSettings{}, fileError(err)
	}
	for i, form := range f.form.Providers {
		settings.Providers[i].FromFile = true
		if path := form.ClientSecretFile; path != "" {
			if form.ClientSecret != nil {
				return fileSettings{}, fmt.Errorf("oauth: provider %s has a clientSecret and a clientSecretFile: one of them is enough", quote(form.Name))
			}
			text, err := os.ReadFile(filepath.Clean(path))
			if err == nil && len(text) > maxSecretFile {
				err = errors.New("too large")
			}
			if err != nil {
				return fileSettings{}, fmt.Errorf("oauth: the secret of provider %s: %w", quote(form.Name), err)
			}
			secrets[form.Name] = strings.TrimSpace(string(text))
		}
		settings.Providers[i].HasSecret = secrets[form.Name] != ""
	}
	settings.Fixed = Fixed{f.form.Enabled != nil, f.form.AdmitUnknown != nil, f.form.SignInLinksOff != nil}
	if err := check(&settings); err != nil {
		return fileSettings{}, fileError(err)
	}
	if err := checkSecrets(secrets); err != nil {
		return fileSettings{}, fileError(err)
	}
	return fileSettings{settings, secrets}, nil
}

func fileError(err error) error {
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Field != "" {
		return fmt.Errorf("oauth: %s: %w", f.Field, err)
	}
	return fmt.Errorf("oauth: %w", err)
}
