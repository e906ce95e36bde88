package corpus_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/upload"
	"github.com/sheafsearch/sheaf/internal/upload/uploadtest"
)

func (w *world) removals() *upload.Removals {
	return upload.NewRemovals(w.db, map[upload.Kind]upload.Remover{upload.Documents: w.Remover()})
}

func (w *world) texts(query string, args ...any) (list []string) {
	w.t.Helper()
	w.must(w.db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(w.ctx, tx, sqldb.ScanText, query, args...)
		return err
	}))
	return list
}

func pages(ids ...string) (docs []corpus.Document) {
	for _, id := range ids {
		docs = append(docs, page(id, everyone))
	}
	return docs
}

// TestUploadModel holds documents to the model of bulk uploads.
func TestUploadModel(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		for seed := range uint64(4) {
			w := newWorld(t, db)
			w.must(w.Put(w.ctx, connector, "wiki", nil, 0))
			s := uploadtest.Store{
				DB: db, Removals: w.removals(), Page: upload.Page{Datasource: "wiki"},
				Upload: func(p upload.Page, names []string) error { return w.Upload(w.ctx, connector, p, pages(names...)) },
				Put:    func(name string) { w.must(w.Put(w.ctx, connector, "wiki", pages(name), 0)) },
				Delete: func(name string) {
					w.must(w.Delete(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: name}, 0))
				},
				List: func() []string {
					list := w.texts("SELECT doc_id FROM documents ORDER BY doc_id")
					urls := w.texts("SELECT REPLACE(url, 'https://wiki/', '') FROM document_urls ORDER BY url")
					if !slices.Equal(list, urls) {
						t.Fatalf("documents = %v, addresses = %v", list, urls)
					}
					return list
				},
			}
			uploadtest.Run(t, s, seed, 100)
			w.must(w.Upload(w.ctx, connector, upload.Page{Datasource: "wiki", ID: "end", First: true, Last: true, Restart: true, SkipStaleCheck: true}, nil))
			uploadtest.Drain(t, db, s.Removals)
			w.must(db.Write(w.ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(w.ctx, "DELETE FROM uploads")
				return err
			}))
		}
	})
}

// TestUploadAtOnce sends middle pages at the same time, as connectors do.
func TestUploadAtOnce(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.must(w.Put(w.ctx, connector, "wiki", pages("old", "n0x0", "single"), 0))
		p := upload.Page{Datasource: "wiki", ID: "u", First: true}
		w.must(w.Upload(w.ctx, connector, p, nil))
		p.First = false
		var wait sync.WaitGroup
		for n := range 8 {
			wait.Go(func() {
				var ids []string
				for i := range 60 {
					ids = append(ids, fmt.Sprintf("n%dx%d", n, i))
				}
				if err := w.Upload(w.ctx, connector, p, pages(ids...)); err != nil {
					t.Error(err)
				}
			})
		}
		w.must(w.Put(w.ctx, connector, "wiki", pages("single"), 0))
		wait.Wait()
		p.Last, p.SkipStaleCheck = true, true
		w.must(w.Upload(w.ctx, connector, p, pages("last")))
		uploadtest.Drain(t, db, w.removals())
		got := w.texts("SELECT doc_id FROM documents")
		if len(got) != 8*60+2 || slices.Contains(got, "old") || !slices.Contains(got, "single") {
			t.Errorf("%d documents are left, want 482 without the old one and with what was written between", len(got))
		}
		if s, err := upload.Recent(w.ctx, db, "wiki", upload.Documents, 1); err != nil || s[0].Pages != 10 || s[0].Items != 481 || s[0].Removed != 1 {
			t.Errorf("Recent() = %+v, %v, want 10 pages, 481 items, 1 removed", s, err)
		}
	})
}

// TestUnchanged sends a document as it was: it is touched, and not indexed again. Whatever differs is.
func TestUnchanged(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		head := func() int64 {
			t.Helper()
			h, err := w.Head(w.ctx, maintenance)
			w.must(err)
			return h.Position
		}
		touched := func() string { return strings.Join(w.texts("SELECT CAST(touched AS TEXT) FROM documents"), " ") }
		put := func(what string, again bool, change func(d *corpus.Document)) {
			t.Helper()
			d := page("1", user("ann@example.com"))
			change(&d)
			at, mark := head(), touched()
			w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{d}, 0))
			if got := head() > at; got != again {
				t.Errorf("%s: indexed again = %v, want %v", what, got, again)
			}
			if touched() == mark {
				t.Errorf("%s: the mark is as it was", what)
			}
		}
		same := func(*corpus.Document) {}
		put("new", true, same)
		put("as it was", false, same)
		for what, change := range map[string]func(*corpus.Document){
			"title": func(d *corpus.Document) { d.Title = "Other" }, "body": func(d *corpus.Document) { d.Body += "." },
			"address": func(d *corpus.Document) { d.ViewURL += "2" }, "more addresses": func(d *corpus.Document) { d.AdditionalURLs = []string{"https://wiki/x"} },
			"permissions": func(d *corpus.Document) { d.Permissions = everyone }, "tags": func(d *corpus.Document) { d.Tags = []string{"a"} },
			"update": func(d *corpus.Document) { d.UpdatedAt = 7 }, "creation": func(d *corpus.Document) { d.CreatedAt = 7 },
			"views": func(d *corpus.Document) { d.Interactions.Views = 7 },
		} {
			put(what, true, change)
			put(what+" as it was", false, change)
			put(what+" and back", true, same)
		}
		w.must(w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "1"}, everyone))
		put("after other permissions", true, same)
		w.must(w.PutDatasource(w.ctx, connector, []byte(`{"name":"wiki","datasourceCategory":"TICKETS","urlRegex":"https://wiki/.*","isUserReferencedByEmail":true}`)))
		put("after another configuration", true, same)
		put("as it was in the end", false, same)

		at := head()
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page("2", everyone), page("1", everyone), page("1", user("ann@example.com"))}, 0))
		if got := head(); got != at+1 {
			t.Errorf("two documents, of which one is new and the last of the other as it was, moved the queue by %d, want 1", got-at)
		}
	})
}

// TestStale removes hundreds of documents, and the index hears of each.
func TestStale(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.must(w.PutDatasource(w.ctx, connector, []byte(`{"name":"other","datasourceCategory":"TICKETS","urlRegex":".*"}`)))
		w.must(w.Put(w.ctx, connector, "other", pages("1", "2"), 0))
		var ids []string
		for i := range 350 {
			ids = append(ids, fmt.Sprint("d", i))
		}
		w.must(w.Put(w.ctx, connector, "wiki", pages(ids...), 0))
		before, err := w.Head(w.ctx, maintenance)
		w.must(err)
		p := upload.Page{Datasource: "wiki", ID: "u", First: true, Last: true}
		w.must(w.Upload(w.ctx, connector, p, pages(ids[:3]...)))
		uploadtest.Drain(t, db, w.removals())
		if got := len(w.texts("SELECT key FROM documents")); got != 352 {
			t.Errorf("%d documents before anybody decides, want all 352", got)
		}
		admin := grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleAdmin})
		paused, err := w.removals().Paused(w.ctx, admin, "wiki")
		if err != nil || len(paused) != 1 || paused[0].Stale != 347 {
			t.Fatalf("Paused() = %+v, %v, want 347 documents", paused, err)
		}
		w.must(w.removals().Run(w.ctx, admin, paused[0].Seq))
		uploadtest.Drain(t, db, w.removals())
		if got := w.texts("SELECT doc_id FROM documents ORDER BY doc_id"); strings.Join(got, " ") != "1 2 d0 d1 d2" {
			t.Errorf("documents = %v, want three of the wiki and both others", got)
		}
		if got := len(w.texts("SELECT key FROM changes WHERE op = 'delete' AND pos > $1", before.Position)); got != 347 {
			t.Errorf("the queue has %d removals, want 347", got)
		}
	})
}

func TestUploadRefused(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	p := upload.Page{Datasource: "wiki", ID: "u", First: true, Last: true}
	elsewhere := grant.Mint(&grant.Facts{Kind: grant.Indexing, Datasources: []string{"other"}})
	bad := append(pages("1"), corpus.Document{ID: "2"})
	for _, c := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"another token", w.Upload(w.ctx, elsewhere, p, nil), fault.Forbidden},
		{"a bad document", w.Upload(w.ctx, connector, p, bad), fault.Invalid},
		{"no id", w.Upload(w.ctx, connector, upload.Page{Datasource: "wiki", First: true}, nil), fault.Invalid},
		{"no datasource", w.Upload(w.ctx, connector, upload.Page{Datasource: "nowhere", ID: "u", First: true}, nil), fault.Invalid},
	} {
		if fault.KindOf(c.err) != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.err, c.want)
		}
	}
	if list, err := upload.Recent(w.ctx, w.db, "wiki", upload.Documents, 10); err != nil || len(list) != 0 {
		t.Errorf("Recent() = %v, %v, want no upload begun", list, err)
	}
	var f *fault.Fault
	if err := w.Upload(w.ctx, connector, p, bad); !errors.As(err, &f) || !strings.Contains(f.Message, `"2"`) {
		t.Errorf("a bad document among good ones = %v, want it named", err)
	}
}

// TestUploadOverARestore holds that an upload does not go on over a restored backup: what its lost pages held would be stale.
func TestUploadOverARestore(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.must(w.Put(w.ctx, connector, "wiki", pages("a", "b", "c", "d", "e", "f"), 0))
	send := func(p upload.Page, ids ...string) error {
		p.Datasource, p.ID = "wiki", "u"
		return w.Upload(w.ctx, connector, p, pages(ids...))
	}
	w.must(send(upload.Page{First: true}, "a", "b"))
	w.must(w.Renew(w.ctx, maintenance)) // and the page with c was lost
	for what, p := range map[string]upload.Page{"middle": {}, "last": {Last: true}} {
		if err := send(p, "d", "e", "f"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("the %s page of an upload that was open = %v, want a conflict", what, err)
		}
	}
	w.must(send(upload.Page{First: true, Last: true}, "a", "b", "c", "d", "e"))
	uploadtest.Drain(t, w.db, w.removals())
	if got := w.texts("SELECT doc_id FROM documents ORDER BY doc_id"); !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("documents after the upload began anew = %v, want a to e", got)
	}
}
