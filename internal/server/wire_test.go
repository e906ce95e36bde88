package server_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestWire runs the files of requests, each against a sample company of its own on the morning of sheaftest.Now.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.wire")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of requests: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wire"), func(t *testing.T) {
			t.Parallel()
			s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
			s.Wire(t, file, *update)
		})
	}
}
