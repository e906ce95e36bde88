package search_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

var update = flag.Bool("update", false, "write the files of requests anew")

// TestWire runs the files of requests, each against a sample company of its own on the morning of sheaftest.Now, in which Sofie has
// opened two documents.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.wire")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of requests: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wire"), func(t *testing.T) {
			t.Parallel()
			s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
			sofie := personOf(t, s, "sofie.lund@quillmere.example")
			for _, key := range []string{"wiki/page/w4-field-calibration", "tickets/task/svc-604"} {
				s.Activity.View(sofie, key)
			}
			if err := s.Activity.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Wire(t, file, *update)
		})
	}
}

// personOf is a person of the company as a caller.
func personOf(t *testing.T, s *sheaftest.Server, email string) grant.Caller {
	t.Helper()
	roster, err := s.People.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := roster.ByEmail(email)
	if !ok {
		t.Fatalf("nobody is %s", email)
	}
	return grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.AllScopes, Person: p.ID, Email: email, Role: p.Role})
}
