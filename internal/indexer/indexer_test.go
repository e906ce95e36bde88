package indexer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/indexer"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

var (
	connector   = grant.Mint(&grant.Facts{Kind: grant.Indexing})
	maintenance = grant.Mint(&grant.Facts{Kind: grant.Maintenance})
)

// node is one process of a server.
type node struct {
	t      *testing.T
	corpus *corpus.Corpus
	dir    *directory.Directory
	index  *index.Index
	*indexer.Indexer
	stop func()
}

func start(t *testing.T, db *sqldb.DB, engine func() index.Engine) *node {
	t.Helper()
	n := &node{t: t, dir: directory.New(db)}
	var err error
	if n.corpus, err = corpus.Open(t.Context(), db, n.dir, corpus.Config{}); err != nil {
		t.Fatal(err)
	}
	n.index = index.New(engine(), n.dir.Access)
	n.Indexer = indexer.New(indexer.Config{
		Corpus: n.corpus, Directory: n.dir, Index: n.index, Caller: maintenance,
		Fresh: func() (index.Engine, error) { return engine(), nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v, want nil after its context ended", err)
		}
		n.stop = func() {}
	}
	t.Cleanup(func() { n.stop() })
	return n
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) put(docs ...corpus.Document) {
	n.t.Helper()
	n.must(n.corpus.Put(n.t.Context(), connector, "wiki", docs, 0))
}

func (n *node) datasource() {
	n.t.Helper()
	n.must(n.corpus.PutDatasource(n.t.Context(), connector, jsontext.Value(`{"name":"wiki","datasourceCategory":"TICKETS","urlRegex":".","isUserReferencedByEmail":true,
		"objectDefinitions":[{"name":"Page","propertyDefinitions":[{"name":"Due","propertyType":"DATE"},{"name":"secret","skipIndexing":true}]}]}`)))
}

func (n *node) catchUp() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
	defer cancel()
	if err := n.CatchUp(ctx); err != nil {
		n.t.Fatalf("CatchUp() = %v, status %+v", err, n.Status())
	}
}

// found lists what a caller finds, by key.
func (n *node) found(c grant.Caller) []string {
	n.t.Helper()
	r, err := n.index.Search(n.t.Context(), c, index.Query{Size: index.MaxSize, Sort: index.ByKey})
	n.must(err)
	keys := []string{}
	for _, h := range r.Hits {
		keys = append(keys, h.Key)
	}
	return keys
}

func newPlain() index.Engine { return plain.New() }

func page(id string, p directory.Permissions) corpus.Document {
	return corpus.Document{ObjectType: "Page", ID: id, Title: "Page " + id, ViewURL: "https://wiki/" + id, Body: "Text of " + id, Permissions: p}
}

var everyone = directory.Permissions{Everyone: true}

func TestChangesAreFoundByWhoMaySeeThem(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		n := start(t, db, newPlain)
		n.datasource()
		p, err := n.dir.Add(t.Context(), directory.NewPerson{Email: "ann@example.com"})
		n.must(err)
		ann := grant.Mint(&grant.Facts{Kind: grant.User, Person: p.ID})
		n.must(n.dir.PutIdentities(t.Context(), "wiki", []directory.Identity{{Email: "ann@example.com", Active: true}}))
		n.put(page("a", everyone), page("b", directory.Permissions{Groups: []string{"staff"}}), page("c", directory.Permissions{}))
		check := func(what string, want ...string) {
			t.Helper()
			n.catchUp()
			if diff := cmp.Diff(want, n.found(ann)); diff != "" {
				t.Errorf("%s: found differs (-want +got):\n%s", what, diff)
			}
		}
		check("at first", "wiki/Page/a")
		n.must(n.dir.PutGroups(t.Context(), "wiki", []directory.Group{{Name: "staff"}}))
		n.must(n.dir.PutMemberships(t.Context(), "wiki", []directory.Membership{{Group: "staff", User: "ann@example.com"}}))
		check("as a member", "wiki/Page/a", "wiki/Page/b")
		n.must(n.corpus.SetPermissions(t.Context(), connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "C"}, everyone))
		n.must(n.corpus.Delete(t.Context(), connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "a"}, 0))
		check("after changes", "wiki/Page/b", "wiki/Page/c")
		if lag, err := n.Lag(t.Context()); err != nil || lag != 0 {
			t.Errorf("Lag() = %d, %v, want 0", lag, err)
		}
	})
}

func TestWhatIsFoundByFacets(t *testing.T) {
	n := start(t, sqldbtest.Open(t), newPlain)
	n.datasource()
	_, err := n.dir.Add(t.Context(), directory.NewPerson{Email: "ann@example.com", Name: "Ann Bee"})
	n.must(err)
	d := page("a", everyone)
	d.Author, d.Status, d.Container, d.Tags = corpus.User{Email: "ANN@example.com"}, "open", "Plans", []string{"x", "y"}
	d.Properties = []corpus.Property{
		{Name: "due", Value: jsontext.Value(`"2026-03-01"`)},
		{Name: "secret", Value: jsontext.Value(`"s"`)},
		{Name: "Teams", Value: jsontext.Value(`["red",7,["no"],{"a":1},null,true]`)},
		{Name: "Status", Value: jsontext.Value(`"other"`)},
	}
	n.put(d)
	n.catchUp()
	fields := []string{"datasource", "type", "author", "status", "container", "tag", "due", "secret", "teams"}
	var q index.Query
	for _, f := range fields {
		q.Facets = append(q.Facets, index.FacetRequest{Field: f, Size: 10})
	}
	r, err := n.index.Search(t.Context(), maintenance, q)
	n.must(err)
	got := map[string][]string{}
	for _, f := range r.Facets {
		for _, b := range f.Buckets {
			got[f.Field] = append(got[f.Field], b.Value)
		}
	}
	want := map[string][]string{
		"datasource": {"wiki"}, "type": {"Page"}, "author": {"ann@example.com"}, "status": {"open"}, "container": {"Plans"},
		"tag": {"x", "y"}, "due": {"2026-03-01"}, "teams": {"7", "red", "true"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facets differ (-want +got):\n%s", diff)
	}
	r, err = n.index.Search(t.Context(), maintenance, index.Query{Size: 5, Filter: index.Within{Field: "due", From: 1772323200, To: 1772323201}})
	if err != nil || len(r.Hits) != 1 {
		t.Errorf("Search(due on 2026-03-01) = %+v, %v, want the document", r, err)
	}
}

func TestARestartFillsTheIndexAgainToTheSame(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		n := start(t, db, newPlain)
		n.datasource()
		rnd := rand.New(rand.NewPCG(1, 2))
		change := func(n *node) {
			id := fmt.Sprint("d", rnd.IntN(40))
			switch rnd.IntN(4) {
			case 0:
				n.must(n.corpus.Delete(t.Context(), connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: id}, 0))
			case 1:
				docs := []corpus.Document{page(id, everyone)}
				for j := range 70 {
					docs = append(docs, page(fmt.Sprint(id, "-", j), everyone))
				}
				n.put(docs...)
			default:
				n.put(page(id, everyone))
			}
		}
		for range 5 {
			for range 15 {
				change(n)
			}
			n.stop() // wherever it is in the queue
			n = start(t, db, newPlain)
			for range 5 {
				change(n) // while it is filling
			}
		}
		n.catchUp()
		want := []string{}
		for after := ""; ; {
			docs, err := n.corpus.Scan(t.Context(), maintenance, after, 100)
			n.must(err)
			if len(docs) == 0 {
				break
			}
			for _, d := range docs {
				want, after = append(want, d.Key), d.Key
			}
		}
		if diff := cmp.Diff(want[:min(len(want), index.MaxSize)], n.found(maintenance)); diff != "" {
			t.Errorf("the index differs from the corpus (-corpus +index):\n%s", diff)
		}
		if got := n.index.State().Documents; got != len(want) {
			t.Errorf("State().Documents = %d, want %d", got, len(want))
		}
	})
}

func TestAnotherNodeFollowsWithinASecond(t *testing.T) {
	path := sqldbtest.File(t)
	a := start(t, sqldbtest.OpenURL(t, path), newPlain)
	a.datasource()
	b := start(t, sqldbtest.OpenURL(t, path), newPlain)
	a.catchUp()
	b.catchUp()
	a.put(page("a", everyone))
	deadline := time.Now().Add(time.Second)
	for len(b.found(maintenance)) == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("the other node does not find the document within a second: %+v", b.Status())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAnotherHistoryEmptiesTheIndexFirst(t *testing.T) {
	db := sqldbtest.Open(t)
	n := start(t, db, newPlain)
	n.datasource()
	n.put(page("a", everyone), page("b", everyone))
	n.catchUp()
	n.must(db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(t.Context(), "DELETE FROM documents WHERE doc_id = 'a'"); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "UPDATE queue SET incarnation = 'restored'")
		return err
	}))
	n.put(page("c", everyone))
	n.catchUp()
	if got, want := n.found(maintenance), []string{"wiki/Page/b", "wiki/Page/c"}; !slices.Equal(got, want) || n.index.State().Incarnation != "restored" {
		t.Errorf("found = %v of %q, want %v of the restored history", got, n.index.State().Incarnation, want)
	}
}

// fussy is an engine that does not take some documents, and now and then nothing at all.
type fussy struct {
	index.Engine
	broken *atomic.Bool
}

func (f fussy) Apply(ctx context.Context, b index.Batch) error {
	if f.broken.Load() {
		return errors.New("disk full")
	}
	for _, c := range b.Changes {
		if c.Document != nil && c.Document.Title == "fails" {
			return errors.New("cannot analyse")
		}
		if c.Document != nil && c.Document.Title == "panics" {
			panic("cannot analyse")
		}
	}
	return f.Engine.Apply(ctx, b)
}

func TestABadDocumentDoesNotStopTheLine(t *testing.T) {
	broken := &atomic.Bool{}
	n := start(t, sqldbtest.Open(t), func() index.Engine { return fussy{plain.New(), broken} })
	n.datasource()
	n.put(page("a", everyone), page("b", everyone))
	n.catchUp()
	bad, worse := page("b", everyone), page("c", everyone)
	bad.Title, worse.Title = "fails", "panics"
	n.put(bad, page("d", everyone), worse, page("e", everyone))
	n.catchUp()
	if got, want := n.found(maintenance), []string{"wiki/Page/a", "wiki/Page/d", "wiki/Page/e"}; !slices.Equal(got, want) || n.Status().Failed != 2 {
		t.Errorf("found = %v, status %+v, want %v and two that failed", got, n.Status(), want)
	}
	broken.Store(true)
	n.put(page("f", everyone))
	for deadline := time.Now().Add(5 * time.Second); n.Status().Err == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Status().Err is nil while the engine is broken")
		}
	}
	broken.Store(false)
	n.catchUp()
	if got := n.found(maintenance); !slices.Contains(got, "wiki/Page/f") || n.Status().Err != nil || n.Status().Failed != 2 {
		t.Errorf("found = %v, status %+v, want f, and no error any more", got, n.Status())
	}
}
