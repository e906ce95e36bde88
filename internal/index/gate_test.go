package index_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/query"
)

// gate returns an index of two documents for a caller who holds principal 1.
func gate(t *testing.T) *index.Index {
	t.Helper()
	engine := plain.New()
	batch := index.Batch{Incarnation: "x", Through: 2, Changes: []index.Change{
		{Position: 1, Key: "open", Document: &index.Document{Key: "open", Title: "travel plan", Readers: []uint32{1}}},
		{Position: 2, Key: "closed", Document: &index.Document{Key: "closed", Title: "travel ban", Readers: []uint32{2}}},
	}}
	if err := engine.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	x := index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) {
		return grant.MintAccess([]uint32{1}, ""), nil
	})
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return x
}

func TestGateAsksForAccess(t *testing.T) {
	x := gate(t)
	r, err := x.Search(t.Context(), grant.Caller{}, index.Query{Text: query.Parse("travel").Root, Size: 10, Total: true})
	if err != nil || r.Total != 1 || len(r.Hits) != 1 || r.Hits[0].Key != "open" {
		t.Errorf("Search() = %+v, %v, want the open document alone", r, err)
	}
	s, err := x.Suggest(t.Context(), grant.Caller{}, index.SuggestQuery{Text: "tr", Titles: 5, Words: 5})
	if err != nil || len(s.Titles) != 1 || len(s.Words) != 1 || s.Words[0].Documents != 1 {
		t.Errorf("Suggest() = %+v, %v, want the open document alone", s, err)
	}
	spelt, err := x.Spell(t.Context(), grant.Caller{}, index.SpellQuery{Words: []string{"plan", "ban"}})
	want := []index.Spelling{{Word: "plan", Known: true}, {Word: "ban"}}
	if d := cmp.Diff(want, spelt); err != nil || d != "" {
		t.Errorf("Spell() = %v (-want +got):\n%s", err, d)
	}
	denied := index.New(plain.New(), func(context.Context, grant.Caller) (grant.Access, error) {
		return grant.Access{}, fault.New(fault.Unavailable, "away")
	})
	if _, err := denied.Search(t.Context(), grant.Caller{}, index.Query{}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Search() without access = %v, want the fault of access", err)
	}
}

func TestGateRefusesWriters(t *testing.T) {
	x := gate(t)
	if err := x.Apply(t.Context(), grant.Caller{}, index.Batch{}); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Apply() by nobody = %v, want forbidden", err)
	}
	if err := x.Replace(grant.Caller{}, plain.New()); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Replace() by nobody = %v, want forbidden", err)
	}
	if s := x.State(); s.Documents != 2 || s.Position != 2 {
		t.Errorf("State() = %+v, want 2 documents at 2", s)
	}
}

func TestGateLimits(t *testing.T) {
	x := gate(t)
	deep := index.Filter(index.Keys{"a"})
	for range index.MaxFilterDepth + 1 {
		deep = index.Not{Filter: deep}
	}
	for name, q := range map[string]index.Query{
		"size":        {Size: index.MaxSize + 1},
		"negative":    {Size: -1},
		"facets":      {Facets: make([]index.FacetRequest, index.MaxFacets+1)},
		"buckets":     {Facets: []index.FacetRequest{{Size: index.MaxBuckets + 1}}},
		"snippet":     {Highlight: &index.Highlight{Size: index.MaxSnippet + 1}},
		"no snippet":  {Highlight: &index.Highlight{}},
		"snippets":    {Highlight: &index.Highlight{Size: 1, Number: index.MaxSnippets + 1}},
		"languages":   {Languages: make([]string, index.MaxLanguages+1)},
		"order":       {Sort: index.ByKey + 1},
		"deep filter": {Filter: deep},
		"wide filter": {Filter: index.Any{index.Keys(make([]string, index.MaxTests)), index.Keys{"a"}}},
	} {
		if _, err := x.Search(t.Context(), grant.Caller{}, q); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Search() over the limit of %s = %v, want invalid", name, err)
		}
	}
	if _, err := x.Suggest(t.Context(), grant.Caller{}, index.SuggestQuery{Titles: index.MaxSize + 1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Suggest() over its limit = %v, want invalid", err)
	}
	if _, err := x.Spell(t.Context(), grant.Caller{}, index.SpellQuery{Words: strings.Fields(strings.Repeat("a ", index.MaxSpell+1))}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Spell() over its limit = %v, want invalid", err)
	}
}

func TestLift(t *testing.T) {
	kind := index.Has{Field: "type", Values: []string{"pdf"}}
	tag := index.Has{Field: "tag", Values: []string{"red"}}
	f := index.All{kind, tag, index.Not{Filter: kind}, index.Any{kind, index.Missing{Field: "type"}}, index.Any{kind, tag}}
	if d := cmp.Diff(index.Filter(index.All{tag, index.Any{kind, tag}}), index.Lift(f, "type")); d != "" {
		t.Errorf("Lift (-want +got):\n%s", d)
	}
	for _, whole := range []index.Filter{nil, kind} {
		if d := cmp.Diff(index.Filter(index.All{}), index.Lift(whole, "type")); d != "" {
			t.Errorf("Lift(%v) (-want +got):\n%s", whole, d)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}, {"éa", "ae", 2}, {"abcdef", "x", 3}} {
		if got := index.Edits([]rune(c.a), []rune(c.b), 3); min(got, 3) != c.want {
			t.Errorf("Edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestGateIsChangedByMaintenanceAlone holds that whoever is not the server itself changes nothing, and that it changes nothing
// when it is refused.
func TestGateIsChangedByMaintenanceAlone(t *testing.T) {
	x := gate(t)
	batch := index.Batch{Incarnation: "x", Through: 3, Changes: []index.Change{{Position: 3, Key: "open"}}}
	before := x.State()
	spare := plain.New()
	for kind := grant.Kind(1); kind < grant.Maintenance; kind <<= 1 {
		c := grant.Mint(&grant.Facts{Kind: kind, Scopes: grant.AllScopes, Person: "p", Role: grant.RoleSuperAdmin})
		if err := x.Apply(t.Context(), c, batch); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("Apply() by %s = %v, want forbidden", kind, err)
		}
		if err := x.Replace(c, spare); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("Replace() by %s = %v, want forbidden", kind, err)
		}
	}
	if err := x.Apply(t.Context(), grant.Caller{}, batch); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Apply() by nobody = %v, want forbidden", err)
	}
	if err := x.Replace(grant.Caller{}, spare); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Replace() by nobody = %v, want forbidden", err)
	}
	if d := cmp.Diff(before, x.State()); d != "" {
		t.Errorf("State() after refusals (-want +got):\n%s", d)
	}
	server := grant.Mint(&grant.Facts{Kind: grant.Maintenance})
	if err := x.Apply(t.Context(), server, batch); err != nil || x.State().Documents != 1 {
		t.Errorf("Apply() by the server = %v with %d documents left, want 1", err, x.State().Documents)
	}
	if err := x.Replace(server, spare); err != nil || x.State().Documents != 0 {
		t.Errorf("Replace() by the server = %v with %d documents, want none", err, x.State().Documents)
	}
}

// fleeting is an engine whose views cost something to hold.
type fleeting struct {
	index.Engine
	moments, snapshots int
}

func (f *fleeting) Moment(ctx context.Context) (index.Snapshot, error) {
	f.moments++
	return f.Engine.Snapshot(ctx)
}

func (f *fleeting) Snapshot(ctx context.Context) (index.Snapshot, error) {
	f.snapshots++
	return f.Engine.Snapshot(ctx)
}

// TestGateHoldsNoViewForOneQuestion holds that a single question takes a view of the moment where the engine has one, and a reader of several
// questions a snapshot.
func TestGateHoldsNoViewForOneQuestion(t *testing.T) {
	engine := &fleeting{Engine: plain.New()}
	x := index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) { return grant.Access{}, nil })
	if _, err := x.Search(t.Context(), grant.Caller{}, index.Query{}); err != nil || engine.moments != 1 || engine.snapshots != 0 {
		t.Errorf("Search() = %v with %d moments and %d snapshots, want one moment", err, engine.moments, engine.snapshots)
	}
	r, err := x.Reader(t.Context(), grant.Caller{})
	if err != nil || engine.moments != 1 || engine.snapshots != 1 {
		t.Fatalf("Reader() = %v with %d moments and %d snapshots, want one snapshot more", err, engine.moments, engine.snapshots)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
