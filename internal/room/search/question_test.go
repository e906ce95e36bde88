package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/wire"
)

func TestLanguages(t *testing.T) {
	for _, c := range []struct {
		locale, accepts string
		want            []string
	}{
		{"", "", nil},
		{"de", "fr", []string{"de"}},
		{"de_DE\xff", "fr", nil},
		{"", "*", nil},
		{"", "fr", []string{"fr"}},
		{"", "fr;q=0.2, de-AT, *;q=0.1, en ; q=0.75", []string{"de-AT", "en", "fr"}},
		{"", "fr;q=0, en;q=0.000", nil},
		{"", ",,;q=1,en;q=oops-what", nil},
		{"", strings.Repeat("en,", 50), slices.Repeat([]string{"en"}, index.MaxLanguages)},
		{"", strings.Repeat("x-", 50) + ",de", []string{"de"}},
	} {
		got := languages(c.locale, c.accepts)
		if len(got) == 0 {
			got = nil
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("languages(%q, %.40q) (-want +got):\n%s", c.locale, c.accepts, d)
		}
	}
}

// TestTrackingTokens holds that the token of a result tells the query, the document and its place over all pages, to the caller who got it.
func TestTrackingTokens(t *testing.T) {
	s, people := newService(t, shelf{})
	ada, bo := caller(t, people, "ada@harbour.example"), caller(t, people, "bo@harbour.example")
	query := strings.Repeat("tide ", 60)
	position := 0
	for cursor := ""; ; {
		page, err := s.Search(t.Context(), ada, Request{Query: query, PageSize: new(7), Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Results {
			got, err := s.Resolve(ada, r.TrackingToken)
			if want := (Tracked{Query: query[:maxTracked], Document: r.Document.ID, Position: position}); err != nil || got != want {
				t.Fatalf("Resolve() = %+v, %v, want %+v", got, err, want)
			}
			if _, err := s.Resolve(bo, r.TrackingToken); fault.KindOf(err) != fault.Invalid || err == nil {
				t.Fatalf("Resolve() for another = %v, want invalid", err)
			}
			position++
		}
		whole, err := s.Resolve(ada, page.TrackingToken)
		if err != nil || whole.Document != "" || !strings.HasPrefix(query, whole.Query) {
			t.Fatalf("Resolve() of the search = %+v, %v", whole, err)
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if position != 30 {
		t.Errorf("%d results, want 30", position)
	}
}

// TestCursorAmidChanges holds that pages end, never show a document twice, never one that the caller may not read at that moment, and
// show every document that stayed as it was, however many others come, go, move and are hidden between two pages.
func TestCursorAmidChanges(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 30 {
		engine := plain.New()
		position := int64(0)
		readable := map[string]bool{}
		put := func(key string, readers ...uint32) {
			t.Helper()
			position++
			change := index.Change{Position: position, Key: key}
			if readers != nil {
				change.Document = &index.Document{
					Key: key, Title: "Log " + key, Body: strings.Repeat("tide ", 1+r.IntN(4)), Readers: readers, Updated: now.Unix() - r.Int64N(1e7),
				}
			}
			readable[key] = slices.Contains(readers, 1)
			if err := engine.Apply(t.Context(), index.Batch{Incarnation: "x", Changes: []index.Change{change}, Through: position}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 40 {
			put(fmt.Sprintf("log/still/%02d", i), 1)
			put(fmt.Sprintf("log/moving/%02d", i), 1)
		}
		s.index = index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) {
			return grant.MintAccess([]uint32{1}, ""), nil
		})
		query := []string{"tide", ""}[round%2]
		seen := map[string]bool{}
		still := 0
		pages := 0
		for cursor := ""; ; pages++ {
			page, err := s.Search(t.Context(), ada, Request{Query: query, PageSize: new(1 + r.IntN(9)), Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keysOf(page) {
				if seen[key] || !readable[key] {
					t.Fatalf("round %d, page %d shows %s: seen %v, readable %v", round, pages, key, seen[key], readable[key])
				}
				seen[key] = true
				if strings.HasPrefix(key, "log/still/") {
					still++
				}
			}
			if cursor = page.Cursor; cursor == "" || pages > 200 {
				break
			}
			for range r.IntN(6) {
				key := fmt.Sprintf("log/moving/%02d", r.IntN(50))
				switch r.IntN(3) {
				case 0:
					put(key, 1)
				case 1:
					put(key, 2)
				default:
					put(key)
				}
			}
		}
		// By recency nothing that stays can move; by relevance the lengths of the others move its score a little.
		if pages > 200 || query == "" && still != 40 {
			t.Fatalf("round %d: %d pages, %d of 40 documents that stayed", round, pages, still)
		}
	}
}

// FuzzCursor holds that a cursor is either one that the server made for this caller and question, or a 400.
func FuzzCursor(f *testing.F) {
	s, people := newService(f, shelf{})
	ada, bo := caller(f, people, "ada@harbour.example"), caller(f, people, "bo@harbour.example")
	first, err := s.Search(f.Context(), ada, Request{Query: "tide", PageSize: new(3)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first.Cursor, "tide")
	f.Add(first.Cursor, "tides")
	f.Add(first.Cursor[:20], "tide")
	f.Add("", "log")
	f.Add("0", "\xdc")
	f.Fuzz(func(t *testing.T, cursor, query string) {
		for _, c := range []grant.Caller{ada, bo} {
			page, err := s.Search(t.Context(), c, Request{Query: query, PageSize: new(3), Cursor: cursor})
			fits := cursor == "" || cursor == first.Cursor && query == "tide" && c == ada
			if fits != (err == nil) || err != nil && fault.KindOf(err) != fault.Invalid {
				t.Fatalf("Search(%q) with the cursor %q = %v", query, cursor, err)
			}
			if len(page.Results) > 3 {
				t.Fatalf("Search(%q) has %d results", query, len(page.Results))
			}
		}
	})
}

// TestRewritten holds that the request that an answer says was meant finds what the request found: the rewritten query alone, and the words
// with the rewritten filters.
func TestRewritten(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	r := rand.New(rand.NewPCG(8, 9))
	operators := []string{
		"type:page", "-type:sheet", "from:me", `from:"Bo Anker"`, "after:2026-03-10", "before:2026-03-25", "updated:past_2_weeks", "-updated:yesterday",
		"depth:4 OR depth:5", "type:page OR from:me", `app:"Ship's log"`, "my:history", "-from:adam",
	}
	filters := []wire.FacetFilter{
		{FieldName: "type", Values: []wire.FacetFilterValue{{Value: "Sheet"}}},
		{FieldName: "from", Values: []wire.FacetFilterValue{{Value: "me", RelationType: wire.NotEquals}}},
		{FieldName: "app", Values: []wire.FacetFilterValue{{Value: "log"}, {Value: "nowhere"}}},
		{FieldName: "last_updated_at", Values: []wire.FacetFilterValue{{Value: "2026-03-05", RelationType: wire.GreatThan}, {Value: "2026-03-28", RelationType: wire.LessThan}}},
		{FieldName: "suggested", Values: []wire.FacetFilterValue{{Value: "my history", IsNegated: true}}},
	}
	for range 400 {
		words := []string{"", "tide", "log -7"}[r.IntN(3)]
		query := words
		for range r.IntN(3) {
			query += " " + operators[r.IntN(len(operators))]
		}
		options := Options{QueryOverrides: true}
		for _, f := range filters {
			if r.IntN(3) == 0 {
				options.FacetFilters = append(options.FacetFilters, f)
			}
		}
		want, err := s.Search(t.Context(), ada, Request{Query: query, PageSize: new(100), Options: &options})
		if err != nil {
			t.Fatalf("Search(%q) = %v", query, err)
		}
		rewritten := want.Metadata.RewrittenQuery
		if rewritten == "" {
			rewritten = want.Metadata.SearchedQuery
		}
		alone, err := s.Search(t.Context(), ada, Request{Query: rewritten, PageSize: new(100)})
		if d := cmp.Diff(keysOf(want), keysOf(alone)); err != nil || d != "" {
			t.Fatalf("%q with %+v is rewritten as %q, %v (-first +rewritten):\n%s", query, options.FacetFilters, rewritten, err, d)
		}
		if strings.Contains(query, "OR from:") {
			continue // alternatives of several fields are left to the query
		}
		filtered, err := s.Search(t.Context(), ada, Request{Query: words, PageSize: new(100), Options: &Options{FacetFilters: want.RewrittenFilters}})
		if d := cmp.Diff(keysOf(want), keysOf(filtered)); err != nil || d != "" {
			t.Fatalf("%q with %+v is rewritten as %+v, %v (-first +rewritten):\n%s", query, options.FacetFilters, want.RewrittenFilters, err, d)
		}
	}
}
