package corpus_test

import (
	"fmt"
	"testing"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestOutlineFollowsChanges holds that what is remembered of documents never outlives a change of them.
func TestOutlineFollowsChanges(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann := w.person("ann@example.com")
		const key = "wiki/Page/a"
		title := func() string {
			t.Helper()
			docs, err := w.Outline(w.ctx, ann, key, "wiki/Page/none")
			w.must(err)
			if d := docs[key]; d != nil {
				return d.Title + " " + d.Author.Email
			}
			return ""
		}
		hold := func(step, want string) {
			t.Helper()
			for range 3 {
				if got := title(); got != want {
					t.Errorf("Outline after %s = %q, want %q", step, got, want)
				}
			}
		}
		hold("nothing", "")
		p := page("a", everyone)
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{p}, 0))
		hold("put", "Page a ")
		p.Title, p.Author = "New", corpus.User{UserID: "u1"}
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{p}, 0))
		hold("another put", "New ")
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "u1@example.com", UserID: "u1", Active: true}}))
		hold("the user was named", "New u1@example.com")
		ref := corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "a"}
		w.must(w.SetPermissions(w.ctx, connector, ref, user("bob@example.com")))
		hold("its permissions were taken away", "")
		w.must(w.SetPermissions(w.ctx, connector, ref, user("ann@example.com")))
		hold("they were given", "New u1@example.com")
		w.must(w.Delete(w.ctx, connector, ref, 0))
		hold("delete", "")
	})
}

// TestOutlineOfMany reads more than is remembered.
func TestOutlineOfMany(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann := w.person("ann@example.com")
		var docs []corpus.Document
		var keys []string
		for i := range 2500 {
			docs = append(docs, page(fmt.Sprint(i), everyone))
			keys = append(keys, fmt.Sprintf("wiki/Page/%d", i))
		}
		w.must(w.Put(w.ctx, connector, "wiki", docs, 0))
		for range 2 {
			for _, part := range [][]string{keys, keys[:100], keys[2000:]} {
				found, err := w.Outline(w.ctx, ann, part...)
				if err != nil || len(found) != len(part) {
					t.Errorf("Outline of %d keys = %d, %v", len(part), len(found), err)
				}
			}
		}
	})
}
