// Package indextest states what a search engine owes to sheaf, as tests that every adapter runs.
//
// Its one idea is a model that is too simple to be wrong: a list of documents, walked from end to end, with words compared as
// text. Where the suite speaks of order it tells only what the interface promises; that order is equal between engines is tested by
// comparing them with index/plain. Only tests call it.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
)

// Run holds the engines that open returns, each of them new and empty, to the whole suite.
func Run(t *testing.T, open func(t *testing.T) index.Engine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"state", testState},
		{"replay", testReplay},
		{"order within a batch", testBatchOrder},
		{"deletes", testDeletes},
		{"readers change", testReaders},
		{"who may see what", testInspector},
		{"views of a moment", testMoment},
		{"snapshot isolation", testIsolation},
		{"words and phrases", testWords},
		{"languages", testLanguages},
		{"filters", testFilters},
		{"facets", testFacets},
		{"ties", testTies},
		{"sort", testSort},
		{"empty query", testEmptyQuery},
		{"boosts", testBoosts},
		{"explain", testExplain},
		{"statistics", testStatistics},
		{"cursors", testCursors},
		{"highlights", testHighlights},
		{"suggest", testSuggest},
		{"spell", testSpell},
		{"many principals", testManyPrincipals},
		{"hostile input", testHostile},
		{"cancelled context", testCancelled},
		{"permissions against the model", testModel},
		{"apply beside search", testConcurrency},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := open(t)
			t.Cleanup(func() {
				if err := engine.Close(); err != nil {
					t.Errorf("Close() = %v", err)
				}
			})
			test.run(t, &bench{T: t, engine: engine})
		})
	}
}

// bench is an engine under test with short forms for what the tests do.
type bench struct {
	*testing.T
	engine   index.Engine
	position int64
}

const incarnation = "first"

// everyone is the principal that most test documents are readable by.
const everyone = 1

func access(principals ...uint32) grant.Access {
	slices.Sort(principals)
	return grant.MintAccess(slices.Compact(principals), "")
}

// doc returns a document that everyone reads.
func doc(key, title, body string) *index.Document {
	return &index.Document{Key: key, Title: title, Body: body, Readers: []uint32{everyone}}
}

func (b *bench) put(docs ...*index.Document) {
	b.Helper()
	batch := index.Batch{Incarnation: incarnation}
	for _, d := range docs {
		b.position++
		batch.Changes = append(batch.Changes, index.Change{Position: b.position, Key: d.Key, Document: d})
	}
	batch.Through = b.position
	b.apply(batch)
}

func (b *bench) remove(keys ...string) {
	b.Helper()
	batch := index.Batch{Incarnation: incarnation}
	for _, key := range keys {
		b.position++
		batch.Changes = append(batch.Changes, index.Change{Position: b.position, Key: key})
	}
	batch.Through = b.position
	b.apply(batch)
}

func (b *bench) apply(batch index.Batch) {
	b.Helper()
	if err := b.engine.Apply(b.Context(), batch); err != nil {
		b.Fatalf("Apply(through %d) = %v", batch.Through, err)
	}
}

func (b *bench) snapshot() index.Snapshot {
	b.Helper()
	s, err := b.engine.Snapshot(b.Context())
	if err != nil {
		b.Fatalf("Snapshot() = %v", err)
	}
	return s
}

// search asks a new snapshot.
func (b *bench) search(a grant.Access, q index.Query) index.Result {
	b.Helper()
	s := b.snapshot()
	defer b.close(s)
	return b.ask(s, a, q)
}

func (b *bench) close(s index.Snapshot) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Errorf("Snapshot.Close() = %v", err)
	}
}

func (b *bench) ask(s index.Snapshot, a grant.Access, q index.Query) index.Result {
	b.Helper()
	r, err := s.Search(b.Context(), a, q)
	if err != nil {
		b.Fatalf("Search(%q) = %v", query.Print(q.Text), err)
	}
	if r.Hits == nil {
		b.Errorf("Search(%q).Hits is nil", query.Print(q.Text))
	}
	return r
}

// text is a query of the search language for up to 100 hits.
func text(s string) index.Query { return index.Query{Text: query.Parse(s).Root, Size: 100} }

// finds checks which documents everyone finds, in any order.
func (b *bench) finds(q index.Query, want ...string) {
	b.Helper()
	got := keys(b.search(access(everyone), q))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("Search(%q, filter %+v) found %q, want %q", query.Print(q.Text), q.Filter, got, want)
	}
}

// lists checks which documents everyone finds, in order.
func (b *bench) lists(q index.Query, want ...string) {
	b.Helper()
	if got := keys(b.search(access(everyone), q)); !slices.Equal(got, want) {
		b.Errorf("Search(%q) listed %q, want %q", query.Print(q.Text), got, want)
	}
}

func keys(r index.Result) []string {
	list := make([]string, 0, len(r.Hits))
	for _, h := range r.Hits {
		list = append(list, h.Key)
	}
	return list
}

func (b *bench) equal(what string, want, got any) {
	b.Helper()
	if d := cmp.Diff(want, got); d != "" {
		b.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func testState(_ *testing.T, b *bench) {
	if s := b.engine.State(); s.Position != 0 || s.Incarnation != "" || s.Documents != 0 {
		b.Errorf("State() of an empty engine = %+v", s)
	}
	b.put(doc("a", "one", ""), doc("b", "two", ""))
	s := b.engine.State()
	if s.Incarnation != incarnation || s.Position != 2 || s.Documents != 2 || s.Durable > s.Position {
		b.Errorf("State() = %+v, want 2 documents at 2", s)
	}
	b.apply(index.Batch{Incarnation: incarnation, Through: 9})
	if s := b.engine.State(); s.Position != 9 || s.Documents != 2 {
		b.Errorf("State() after an empty batch through 9 = %+v", s)
	}
	snapshot := b.snapshot()
	defer b.close(snapshot)
	if snapshot.Position() != 9 {
		b.Errorf("Position() = %d, want 9", snapshot.Position())
	}
	if r := b.ask(snapshot, access(everyone), text("one")); r.Position != 9 {
		b.Errorf("Result.Position = %d, want 9", r.Position)
	}
}

func testReplay(_ *testing.T, b *bench) {
	// A first fill: all changes carry one position, and only the last batch goes through it.
	b.apply(index.Batch{Incarnation: incarnation, Changes: []index.Change{{Position: 5, Key: "a", Document: doc("a", "old", "")}}})
	b.apply(index.Batch{Incarnation: incarnation, Changes: []index.Change{{Position: 5, Key: "b", Document: doc("b", "old", "")}}, Through: 5})
	b.finds(text("old"), "a", "b")
	later := index.Batch{Incarnation: incarnation, Changes: []index.Change{
		{Position: 6, Key: "a", Document: doc("a", "new", "")},
		{Position: 7, Key: "b"},
	}, Through: 7}
	for range 2 {
		b.apply(later)
		b.finds(text("old"))
		b.finds(text("new"), "a")
	}
	// A replay from further back brings what is old, and one change that is not.
	b.apply(index.Batch{Incarnation: incarnation, Changes: []index.Change{
		{Position: 5, Key: "b", Document: doc("b", "old", "")},
		{Position: 6, Key: "a", Document: doc("a", "old", "")},
		{Position: 8, Key: "c", Document: doc("c", "new", "")},
	}, Through: 8})
	b.finds(text("old"))
	b.finds(text("new"), "a", "c")

	err := b.engine.Apply(b.Context(), index.Batch{Incarnation: "second", Through: 99, Changes: []index.Change{{Position: 99, Key: "a"}}})
	if !errors.Is(err, index.ErrIncarnation) {
		b.Errorf("Apply of another incarnation = %v, want ErrIncarnation", err)
	}
	b.finds(text("new"), "a", "c")
}

func testBatchOrder(_ *testing.T, b *bench) {
	b.apply(index.Batch{Incarnation: incarnation, Through: 5, Changes: []index.Change{
		{Position: 1, Key: "a", Document: doc("a", "first", "")},
		{Position: 2, Key: "b", Document: doc("b", "first", "")},
		{Position: 3, Key: "a", Document: doc("a", "second", "")},
		{Position: 4, Key: "b"},
		{Position: 5, Key: "c"},
	}})
	b.finds(text("first"))
	b.finds(text("second"), "a")
}

func testDeletes(_ *testing.T, b *bench) {
	var docs []*index.Document
	for i := range 20 {
		docs = append(docs, doc(fmt.Sprintf("d%02d", i), "common word", strings.Repeat("text ", i)))
	}
	b.put(docs...)
	for i := 0; i < 20; i += 2 {
		b.remove(docs[i].Key)
	}
	b.remove("never there")
	q := text("common")
	q.Total = true
	if r := b.search(access(everyone), q); r.Total != 10 || len(r.Hits) != 10 {
		b.Errorf("after deletes: total %d and %d hits, want 10", r.Total, len(r.Hits))
	}
	if n := b.engine.State().Documents; n != 10 {
		b.Errorf("State().Documents = %d, want 10", n)
	}
	b.put(docs[0])
	if r := b.search(access(everyone), q); r.Total != 11 {
		b.Errorf("total %d after one came back, want 11", r.Total)
	}
}

func testReaders(_ *testing.T, b *bench) {
	d := doc("a", "secret plan", "")
	d.Readers = []uint32{7, 3}
	b.put(d, &index.Document{Key: "nobody", Title: "secret plan"})
	for _, c := range []struct {
		access grant.Access
		want   []string
	}{
		{access(3), []string{"a"}},
		{access(2, 7, 9), []string{"a"}},
		{access(2, 4), []string{}},
		{access(), []string{}},
		{grant.Access{}, []string{}},
		{grant.MintFullAccess(), []string{"a", "nobody"}},
	} {
		b.equal(fmt.Sprintf("found by %v", c.access.Principals()), c.want, keys(b.search(c.access, text("secret"))))
	}
	changed := *d
	changed.Readers = []uint32{4}
	b.put(&changed)
	if got := keys(b.search(access(3, 7), text("secret"))); len(got) > 0 {
		b.Errorf("former readers find %q", got)
	}
	b.equal("found by the new reader", []string{"a"}, keys(b.search(access(4), text("secret"))))
}

// testInspector checks what an engine says of the readers of its live documents, if it says it.
func testInspector(t *testing.T, b *bench) {
	kept, replaced := doc("kept", "a", ""), doc("replaced", "a", "")
	kept.Readers, replaced.Readers = []uint32{2, 1}, []uint32{1}
	b.put(kept, replaced, doc("gone", "a", ""), &index.Document{Key: "nobody's", Title: "a"})
	before := b.snapshot()
	defer b.close(before)
	if _, can := before.(index.Inspector); !can {
		t.Skip("the engine does not say who may see a document")
	}
	again := *replaced
	again.Readers = []uint32{7}
	b.put(&again)
	b.remove("gone")
	after := b.snapshot()
	defer b.close(after)
	readers := func(s index.Snapshot) map[string][]uint32 {
		found, err := s.(index.Inspector).Readers(b.Context(), []string{"kept", "replaced", "gone", "nobody's", "never there"})
		if err != nil {
			b.Fatalf("Readers() = %v", err)
		}
		for key := range found {
			found[key] = slices.Sorted(slices.Values(found[key]))
		}
		return found
	}
	b.equal("readers in an earlier snapshot", map[string][]uint32{"kept": {1, 2}, "replaced": {1}, "gone": {1}, "nobody's": nil}, readers(before))
	b.equal("readers", map[string][]uint32{"kept": {1, 2}, "replaced": {7}, "nobody's": nil}, readers(after))
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if _, err := after.(index.Inspector).Readers(ctx, []string{"kept"}); !errors.Is(err, context.Canceled) {
		b.Errorf("Readers with a cancelled context = %v", err)
	}
}

// testMoment checks the views for a single question of an engine that offers them: they show what was applied, under permissions.
func testMoment(t *testing.T, b *bench) {
	e, can := b.engine.(index.Momentary)
	if !can {
		t.Skip("the engine's snapshots cost nothing to hold")
	}
	for i := range 3 {
		b.put(doc(fmt.Sprintf("d%d", i), "word", ""), &index.Document{Key: "hidden", Title: "word", Readers: []uint32{9}})
		s, err := e.Moment(b.Context())
		if err != nil {
			b.Fatalf("Moment() = %v", err)
		}
		q := text("word")
		q.Total = true
		if r := b.ask(s, access(everyone), q); r.Total != i+1 || r.Position != b.position || s.Position() != b.position {
			b.Errorf("a moment has %d documents at %d, want %d at %d", r.Total, r.Position, i+1, b.position)
		}
		b.close(s)
	}
}

func testIsolation(_ *testing.T, b *bench) {
	b.put(doc("a", "alpha", ""), doc("b", "alpha", ""))
	before := b.snapshot()
	defer b.close(before)
	b.remove("a")
	changed := doc("b", "beta", "")
	changed.Readers = []uint32{9}
	b.put(changed, doc("c", "alpha", ""))
	q := text("alpha")
	q.Total = true
	r := b.ask(before, access(everyone), q)
	b.equal("hits of the earlier snapshot", []string{"a", "b"}, keys(r))
	if r.Total != 2 || before.Position() != 2 {
		b.Errorf("the earlier snapshot has total %d at %d, want 2 at 2", r.Total, before.Position())
	}
	b.finds(q, "c")
}

func testCancelled(_ *testing.T, b *bench) {
	b.put(doc("a", "word", "word"))
	s := b.snapshot()
	defer b.close(s)
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if _, err := s.Search(ctx, access(everyone), text("word")); !errors.Is(err, context.Canceled) {
		b.Errorf("Search with a cancelled context = %v", err)
	}
	if _, err := s.Suggest(ctx, access(everyone), index.SuggestQuery{Text: "wo", Titles: 5, Words: 5}); !errors.Is(err, context.Canceled) {
		b.Errorf("Suggest with a cancelled context = %v", err)
	}
	if _, err := s.Spell(ctx, access(everyone), index.SpellQuery{Words: []string{"wrd"}, Corrections: 3}); !errors.Is(err, context.Canceled) {
		b.Errorf("Spell with a cancelled context = %v", err)
	}
}
