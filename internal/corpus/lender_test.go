package corpus_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// A token that may write one datasource learns nothing of another's users by having the one borrow them.
func TestLender(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	limited := grant.Mint(&grant.Facts{Kind: grant.Indexing, Datasources: []string{"blog"}})
	both := grant.Mint(&grant.Facts{Kind: grant.Indexing, Datasources: []string{"blog", "wiki"}})
	own := jsontext.Value(`{"name":"blog","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"https://blog/.*"}`)
	borrowed := jsontext.Value(`{"name":"blog","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"https://blog/.*","identityDatasourceName":"wiki"}`)
	for _, step := range []struct {
		name   string
		caller grant.Caller
		config jsontext.Value
		may    bool
	}{
		{"a new datasource that borrows", limited, borrowed, false},
		{"its own identities", limited, own, true},
		{"to borrow later", limited, borrowed, false},
		{"with a token over both", both, borrowed, true},
		{"the same again", limited, borrowed, true},
		{"its own identities again", limited, own, true},
		{"to borrow once more", limited, borrowed, false},
	} {
		err := w.PutDatasource(w.ctx, step.caller, step.config)
		if refused := fault.KindOf(err) == fault.Forbidden; err != nil && !refused || refused == step.may {
			t.Errorf("%s: PutDatasource() = %v, want admitted to be %v", step.name, err, step.may)
		}
	}
}
