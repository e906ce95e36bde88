package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

const envPrefix = "SHEAF_"

// maxConfig bounds the configuration file, in bytes.
const maxConfig = 1 << 20

// injected are variables that orchestrators set for a service named "sheaf". No setting is called
// so, and a warning about them would be noise.
var injected = []string{"SHEAF_PORT", "SHEAF_SERVICE_HOST", "SHEAF_SERVICE_PORT"}

// settle fills each flag of cmd that the command line leaves out: from its SHEAF_ variable, else from
// the configuration file, else with its default. The names are the same in all three. A key
// of the file that is no flag of any serving command is an error; so is a value that does not parse.
// It returns the names of SHEAF_ variables that mean nothing here.
func settle(cmd *cobra.Command, environ []string) (unknown []string, err error) {
	flags := cmd.Flags()
	env := map[string]string{}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix) {
			env[name] = value
		}
	}
	path, _ := flags.GetString("config")
	if path == "" {
		path = env[variable("config")]
	}
	file, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		value, source := env[variable(f.Name)], variable(f.Name)
		_, set := env[variable(f.Name)]
		delete(env, variable(f.Name))
		if !set {
			value, set = file[f.Name]
			source = f.Name + " in " + path
		}
		delete(file, f.Name)
		if f.Changed || !set {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", source, err))
		}
	})
	for key := range file {
		errs = append(errs, fmt.Errorf("%s: unknown setting %q", path, key))
	}
	for name := range env {
		if !slices.Contains(injected, name) && !strings.HasPrefix(name, "SHEAF_PORT_") && !strings.HasPrefix(name, "SHEAF_TEST_") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return unknown, nil
}

// variable is the name of a setting's environment variable.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readConfig reads a YAML mapping of setting names to values. Lists become comma-separated text, as
// flags take them.
func readConfig(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxConfig {
		err = fmt.Errorf("larger than %d bytes", maxConfig)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Clean(path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("the configuration file %s does not exist", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration file %s: %w", path, err)
	}
	var raw map[string]yaml.Node
	if err := yaml.Unmarshal(text, &raw); err != nil {
		return nil, usagef("configuration file %s: %v", path, err)
	}
	values := make(map[string]string, len(raw))
	for key, node := range raw {
		switch node.Kind {
		case yaml.ScalarNode:
			values[key] = node.Value
		case yaml.SequenceNode:
			var list []string
			if err := node.Decode(&list); err != nil {
				return nil, usagef("configuration file %s: %s: %v", path, key, err)
			}
			values[key] = strings.Join(list, ",")
		default:
			return nil, usagef("configuration file %s: %s is neither a value nor a list", path, key)
		}
	}
	return values, nil
}

// settleOffline fills the flags that a command shares with the server from the same places, and lets the
// server's other settings be.
func settleOffline(cmd *cobra.Command) error {
	serving := newServe().Flags()
	flags := cmd.Flags()
	path, _ := flags.GetString("config")
	if path == "" {
		path = os.Getenv(variable("config"))
	}
	file, err := readConfig(path)
	if err != nil {
		return err
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || serving.Lookup(f.Name) == nil {
			return
		}
		value, set := os.LookupEnv(variable(f.Name))
		if !set {
			value, set = file[f.Name]
		}
		if set {
			errs = append(errs, flags.Set(f.Name, value))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}
