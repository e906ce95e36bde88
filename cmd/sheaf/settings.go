package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

const envPrefix = "SHEAF_"

// masterKeyVariable holds the key that secrets of third parties are kept under. It is no flag, for command lines can be read by others.
const masterKeyVariable = "SHEAF_MASTER_KEY"

// maxConfig bounds the configuration file, in bytes.
const maxConfig = 1 << 20

// injected are variables that orchestrators set for a service named "sheaf". No setting is called
// so, and a warning about them would be noise.
var injected = []string{"SHEAF_PORT", "SHEAF_SERVICE_HOST", "SHEAF_SERVICE_PORT"}

// sources are where settings come from beside the command line: SHEAF_ variables, then the configuration file.
type sources struct {
	env, file map[string]string
	path      string // of the file
}

// readSources reads the variables of environ, and the file that --config or its variable names.
func readSources(cmd *cobra.Command, environ []string) (sources, error) {
	s := sources{env: map[string]string{}}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix) {
			s.env[name] = value
		}
	}
	if s.path, _ = cmd.Flags().GetString("config"); s.path == "" {
		s.path = s.env[variable("config")]
	}
	var err error
	s.file, err = readConfig(s.path)
	return s, err
}

// fill sets a flag that the command line leaves out, and takes what it is called out of the sources.
func (s sources) fill(flags *pflag.FlagSet, f *pflag.Flag) error {
	source := variable(f.Name)
	value, set := s.env[source]
	if !set {
		source = f.Name + " in " + s.path
		value, set = s.file[f.Name]
	}
	delete(s.env, variable(f.Name))
	delete(s.file, f.Name)
	if f.Changed || !set {
		return nil
	}
	if err := flags.Set(f.Name, value); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return nil
}

// settle fills each flag of cmd that the command line leaves out: from its SHEAF_ variable, else from
// the configuration file, else with its default. The names are the same in all three. A key
// of the file that is no flag of any serving command is an error; so is a value that does not parse.
// It returns the names of SHEAF_ variables that mean nothing here.
func settle(cmd *cobra.Command, environ []string) (unknown []string, err error) {
	s, err := readSources(cmd, environ)
	if err != nil {
		return nil, err
	}
	var errs []error
	flags := cmd.Flags()
	flags.VisitAll(func(f *pflag.Flag) { errs = append(errs, s.fill(flags, f)) })
	for key := range s.file {
		errs = append(errs, fmt.Errorf("%s: unknown setting %q", s.path, key))
	}
	for name := range s.env {
		if name != masterKeyVariable && !slices.Contains(injected, name) && !strings.HasPrefix(name, "SHEAF_PORT_") && !strings.HasPrefix(name, "SHEAF_TEST_") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return unknown, nil
}

// settleOffline fills the flags that a command shares with the server from the same sources, and lets the
// server's other settings be.
func settleOffline(cmd *cobra.Command) error {
	s, err := readSources(cmd, os.Environ())
	if err != nil {
		return err
	}
	var errs []error
	serving, flags := newServe().Flags(), cmd.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		if serving.Lookup(f.Name) != nil {
			errs = append(errs, s.fill(flags, f))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// variable is the name of a setting's environment variable.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// mappingJSON is a mapping of the file as the flag of its name takes it.
func mappingJSON(node *yaml.Node) (string, error) {
	var v map[string]any
	if err := node.Decode(&v); err != nil {
		return "", err
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	return string(text), err
}

// readConfig reads a YAML mapping of setting names to values. Lists become comma-separated text, and the mapping oauth
// JSON, as flags take them.
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
		case yaml.MappingNode:
			if key != "oauth" {
				return nil, usagef("configuration file %s: %s is neither a value nor a list", path, key)
			}
			if values[key], err = mappingJSON(&node); err != nil {
				return nil, usagef("configuration file %s: %s: %v", path, key, err)
			}
		default:
			return nil, usagef("configuration file %s: %s is neither a value nor a list", path, key)
		}
	}
	return values, nil
}
