package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/demo/load"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// open returns the company, loaded into a database of its own.
func open(tb testing.TB, db *sqldb.DB) (*demo.Sample, *directory.Directory, *corpus.Corpus) {
	tb.Helper()
	company, err := demo.Company(time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC))
	if err != nil {
		tb.Fatal(err)
	}
	people := directory.New(db)
	documents, err := corpus.Open(tb.Context(), db, people, corpus.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	if err := load.Into(tb.Context(), people, documents, grant.Mint(&grant.Facts{Kind: grant.Maintenance}), company); err != nil {
		tb.Fatal(err)
	}
	return company, people, documents
}

// TestEveryoneSeesWhatTheCompanySays compares what each person can read in the corpus with the company's own, independent
// reckoning of its permissions: every person, every document.
func TestEveryoneSeesWhatTheCompanySays(t *testing.T) {
	company, people, documents := open(t, sqldbtest.Open(t))
	keys := make([]string, 0, len(company.Documents))
	for _, d := range company.Documents {
		keys = append(keys, corpus.Ref{Datasource: d.Datasource, ObjectType: d.Type, ID: d.ID}.Key())
	}
	for _, p := range company.People {
		seen := map[string]*corpus.Document{}
		if person, err := people.ByEmail(t.Context(), p.Email); err != nil {
			t.Fatal(err)
		} else if person.Active {
			seen = get(t, documents, grant.Mint(&grant.Facts{Kind: grant.User, Person: person.ID, Email: p.Email}), keys)
		}
		for i, d := range company.Documents {
			if _, sees := seen[keys[i]]; sees != company.Sees(p.Email, d.ID) {
				t.Errorf("%s sees %s = %v, want %v", p.Email, d.ID, sees, !sees)
			}
		}
	}
}

func get(t *testing.T, documents *corpus.Corpus, c grant.Caller, keys []string) map[string]*corpus.Document {
	t.Helper()
	found, err := documents.Get(context.Background(), c, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		open(b, sqldbtest.Open(b))
	}
}
