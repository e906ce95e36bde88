package server_test

import (
	"slices"
	"testing"

	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestPostgres holds that a whole server on PostgreSQL keeps the sample company's promises, and that a second node on the same
// database learns of a revocation and of new documents.
func TestPostgres(t *testing.T) {
	url := sqldbtest.Postgres(t)
	on := func(cfg *server.Config) { cfg.Database = url }
	s := sheaftest.Demo(t, on)
	for _, p := range demo.Promises() {
		if active(t, s, p.Email) {
			if found := slices.Contains(searchAll(t, s, s.As(p.Email), p.Query), p.Document); found != p.Sees {
				t.Errorf("%s searching %q finds %s: %v, want %v (%s)", p.Email, p.Query, p.Document, found, p.Sees, p.Why)
			}
		}
	}
	second := sheaftest.Open(t, on)
	second.CatchUp()
	e := demo.Examples()[0]
	token, secret := s.Token("USER", e.Email)
	if ids := searchAll(t, second, secret, e.Query); !slices.Contains(ids, e.Document) {
		t.Errorf("the second node finds %v for %q, want %s among them", ids, e.Query, e.Document)
	}
	if err := s.Authority.RevokeToken(t.Context(), s.Authority.Maintenance(), token.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return second.Do("POST", "/rest/api/v1/search", secret, `{"query":""}`).Status == 401 })
}
