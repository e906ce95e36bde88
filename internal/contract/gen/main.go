// Command gen reduces the descriptions of the outside API to the facts that package contract holds:
// operations.tsv and one .shape file per API, one fact a line, sorted, no prose.
//
// It reads a directory with client.openapi.yaml, indexing.openapi.yaml, platform.openapi.yaml and
// operations.tsv, named by -from or the environment variable CONTRACT_DIR. Where neither is given
// it says so and leaves the committed files as they are, so that go generate works everywhere.
package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("contract/gen: ")
	from := flag.String("from", os.Getenv("CONTRACT_DIR"), "directory of the API descriptions")
	to := flag.String("to", ".", "directory of package contract")
	flag.Parse()
	if *from == "" {
		log.Print("skipped: neither -from nor CONTRACT_DIR names the directory of the API descriptions")
		return
	}
	if err := run(os.DirFS(*from), *to); err != nil {
		log.Fatal(err)
	}
}

func run(from fs.FS, to string) error {
	for _, api := range []string{"client", "indexing", "platform"} {
		text, err := fs.ReadFile(from, api+".openapi.yaml")
		if err != nil {
			return fmt.Errorf("read description: %w", err)
		}
		var doc document
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return fmt.Errorf("parse description of %s: %w", api, err)
		}
		lines, err := reduce(api, &doc)
		if err != nil {
			return fmt.Errorf("reduce %s: %w", api, err)
		}
		if err := write(filepath.Join(to, api+".shape"), lines); err != nil {
			return err
		}
	}
	lines, err := operations(from)
	if err != nil {
		return err
	}
	return write(filepath.Join(to, "operations.tsv"), lines)
}

func write(path string, lines []string) error {
	text := []byte(strings.Join(lines, "\n") + "\n")
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	return nil
}

// columns are those of operations.tsv that sheaf acts on.
var columns = []string{"api", "method", "path", "scope", "anonymous", "deprecated", "experimental"}

func operations(from fs.FS) ([]string, error) {
	file, err := from.Open("operations.tsv")
	if err != nil {
		return nil, fmt.Errorf("open operations: %w", err)
	}
	defer func() { _ = file.Close() }()
	reader := csv.NewReader(file)
	reader.Comma = '\t'
	reader.LazyQuotes = true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	lines := []string{strings.Join(columns, "\t")}
	for _, row := range rows[1:] {
		cells := make([]string, len(columns))
		for i, name := range columns {
			j, ok := at[name]
			if !ok {
				return nil, fmt.Errorf("operations.tsv has no column %q", name)
			}
			cells[i] = row[j]
		}
		lines = append(lines, strings.Join(cells, "\t"))
	}
	return lines, nil
}
