package server_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestRoutes holds that every change of who may call what is a line in a diff.
func TestRoutes(t *testing.T) {
	var lines []string
	for _, op := range sheaftest.Open(t).Operations() {
		who := op.Kinds.String()
		switch {
		case op.Bare:
			who = "everybody"
		case !op.Built:
			who += " (not built)"
		}
		lines = append(lines, fmt.Sprintf("%-7s %-70s %-15s %s", op.Method, op.Path, op.Scope, who))
	}
	slices.Sort(lines)
	golden(t, "routes.golden", strings.Join(lines, "\n")+"\n")
}

// TestContract holds the operations that are built against the facts of the outside API.
func TestContract(t *testing.T) {
	differences := contract.Check(sheaftest.Open(t).Rooms())
	for _, d := range differences {
		t.Error(d)
	}
}

// refusing fails the test when a body is read.
type refusing struct{ t *testing.T }

func (r refusing) Read([]byte) (int, error) {
	r.t.Error("the body was read before the lock")
	return 0, io.EOF
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// changed returns a secret with one character changed.
func changed(secret string) string {
	i := len(secret) / 2
	c := byte('A')
	if secret[i] == c {
		c = 'B'
	}
	return secret[:i] + string(c) + secret[i+1:]
}

// TestUnbuilt holds that what this server does not have is 404 to whoever is admitted, and never an empty success.
func TestUnbuilt(t *testing.T) {
	s := sheaftest.Open(t)
	s.Person("ada@quillmere.example", grant.RoleMember)
	indexing := s.Indexing()
	n := 0
	for _, op := range s.Operations() {
		if op.Built {
			continue
		}
		n++
		token := s.As("ada@quillmere.example")
		if op.Family == rpc.IndexingAPI {
			token = indexing
		}
		path := wildcard.ReplaceAllString(op.Path, "x")
		if a := s.Do(op.Method, path, token, nil); a.Status != http.StatusNotFound {
			t.Errorf("%s %s = %d %q, want 404", op.Method, path, a.Status, a.Body)
		}
		if a := s.Do(op.Method, path, "", nil); a.Status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token = %d, want 401", op.Method, path, a.Status)
		}
	}
	if n == 0 {
		t.Error("every operation is built: this test has nothing to hold any more")
	}
	for _, path := range []string{"/rest/api/v1/nothing", "/api/index/v1/nothing", "/api/nothing", "/api/admin/v1/nothing", "/nothing"} {
		for _, token := range []string{"", s.As("ada@quillmere.example")} {
			if a := s.Do("POST", path, token, nil); a.Status != http.StatusNotFound {
				t.Errorf("POST %s = %d, want 404", path, a.Status)
			}
		}
	}
}

func deactivate(t *testing.T, s *sheaftest.Server, email string) {
	t.Helper()
	inactive := false
	_, err := s.Authority.UpdatePerson(t.Context(), s.Authority.Maintenance(), email, patch(&inactive))
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what must hold within a second on every node. It allows three on a busy machine.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not hold within three seconds")
		}
	}
}
