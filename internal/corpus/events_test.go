package corpus_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// shownAll is an index that shows everything.
type shownAll struct{}

func (shownAll) Through() (int64, bool) { return 1 << 40, true }

func (shownAll) Holds(_ context.Context, keys []string) (map[string]bool, error) {
	held := map[string]bool{}
	for _, key := range keys {
		held[key] = true
	}
	return held, nil
}

// What the server does of its own, and what others say of a document, is no upload.
func TestReindexingIsNoUpload(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page("a", everyone)}, 0))
		w.must(w.PutMetadataSchema(w.ctx, maintenance, "Legal", []corpus.PropertyDefinition{{Name: "owner", Type: corpus.TypeText}}))
		w.must(w.PutMetadata(w.ctx, maintenance, "wiki/Page/a", "legal", []corpus.Property{{Name: "owner", Value: jsontext.Value(`"Ann"`)}}))
		w.run(corpus.ReindexDatasource, "wiki")
		events, err := w.Events(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "a"}, shownAll{}, time.Time{}, 100)
		w.must(err)
		var kinds []corpus.EventKind
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if len(kinds) != 2 || kinds[0] != corpus.Indexed || kinds[1] != corpus.Uploaded {
			t.Errorf("Events() of a document that was uploaded once = %v, want INDEXED and UPLOADED", kinds)
		}
		a, err := w.Activity(w.ctx, admin, "wiki", 1)
		if err != nil || a.Days[0].Uploads != 1 {
			t.Errorf("Activity() = %+v, %v, want one upload", a.Days, err)
		}
	})
}
