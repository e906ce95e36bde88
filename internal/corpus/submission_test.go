package corpus_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestManySubmissions holds that what waits is bounded in bytes, and that what was worked on makes room.
func TestManySubmissions(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		body := jsontext.Value(`{"a":"` + strings.Repeat("x", 8<<20-100) + `"}`)
		first, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, body)
		w.must(err)
		for range 31 {
			_, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, body)
			w.must(err)
		}
		if _, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, body); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Submit() beyond the bound = %v, want unavailable", err)
		}
		w.must(w.WorkOn(w.ctx, maintenance, first, func(context.Context, corpus.Submission) error { return nil }))
		_, err = w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, body)
		w.must(err)
	})
}

// TestForgottenSubmission holds that check finds a submission that was acknowledged and that nothing will come of.
func TestForgottenSubmission(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		_, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, jsontext.Value(`{}`))
		w.must(err)
		lost, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, jsontext.Value(`{}`))
		w.must(err)
		strays := func() (all []string) {
			for _, r := range corpus.Rules() {
				all = append(all, w.texts(r.Query)...)
			}
			return all
		}
		if got := strays(); got != nil {
			t.Errorf("what is broken while all wait = %v, want nothing", got)
		}
		w.must(db.Write(w.ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(w.ctx, "UPDATE jobs SET state = 'failed' WHERE args = $1", lost)
			return err
		}))
		if got := strays(); !slices.Equal(got, []string{lost}) {
			t.Errorf("what is broken = %v, want %s", got, lost)
		}
	})
}
