package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// TestHiddenDocumentsTellNothing asks two searches that differ only in documents hidden from the caller for everything there is to ask:
// results, counts, facets, tabs, spellings, people, restrictions, rewritten queries. They answer alike. Only the order of results may follow how
// rare words are in all documents, which the design accepts; results are compared without it.
func TestHiddenDocumentsTellNothing(t *testing.T) {
	one, people := newService(t, shelf{})
	other, _ := newService(t, shelf{})
	other.people = one.people
	ada := caller(t, people, "ada@harbour.example")
	r := rand.New(rand.NewPCG(21, 22))
	words := []string{"harbour", "lantern", "mooring", "quay", "rudder", "tiller", "lanterns", "moorings", "harbor", "ruder"}
	for range 8 {
		var seen, hidden []*index.Document
		for i := range 40 {
			d := randomDocument(r, words[:6], i)
			d.Readers = []uint32{1}
			seen = append(seen, d)
		}
		for i := range 40 {
			d := randomDocument(r, words, 100+i)
			d.Readers = []uint32{2}
			hidden = append(hidden, d)
		}
		one.index, other.index = filled(t, seen), filled(t, append(slices.Clone(seen), hidden...))
		for range 60 {
			req := randomRequest(r, words)
			want, err := one.Search(t.Context(), ada, req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := other.Search(t.Context(), ada, req)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(bare(want), bare(got)); d != "" {
				t.Fatalf("Search(%q, %+v) with hidden documents (-without +with):\n%s", req.Query, req.Options, d)
			}
		}
	}
}

func randomDocument(r *rand.Rand, words []string, n int) *index.Document {
	some := func() string {
		var list []string
		for range 1 + r.IntN(4) {
			list = append(list, words[r.IntN(len(words))])
		}
		return strings.Join(list, " ")
	}
	kinds := []string{"Page", "Sheet", "Chart"}
	return &index.Document{
		Key: fmt.Sprintf("log/%s/%d", kinds[n%3], n), Title: some(), Body: some(), Updated: now.Unix() - r.Int64N(1e7),
		Facets: map[string][]string{
			"datasource": {[]string{"log", "secret"}[r.IntN(2)]}, "type": {kinds[n%3]}, "author": {[]string{"ada", "bo", "adam"}[r.IntN(3)] + "@harbour.example"},
			"sea": {words[r.IntN(len(words))]}, index.FieldWithin: {fmt.Sprintf("log/Page/%d", r.IntN(140)/3*3)},
		},
	}
}

func filled(t *testing.T, docs []*index.Document) *index.Index {
	t.Helper()
	engine := plain.New()
	batch := index.Batch{Incarnation: "x", Through: int64(len(docs))}
	for i, d := range docs {
		batch.Changes = append(batch.Changes, index.Change{Position: int64(i + 1), Key: d.Key, Document: d})
	}
	if err := engine.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) {
		return grant.MintAccess([]uint32{1}, ""), nil
	})
}

func randomRequest(r *rand.Rand, words []string) Request {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	query := pick("", pick(words...), pick(words...)+" "+pick(words...), `"`+pick(words...)+" "+pick(words...)+`"`, "-"+pick(words...), pick(words...)+"x") +
		pick("", " type:page", " sea:"+pick(words...), " from:skipper", " unseen:thing", " app:secret", " my:history", " adam berg")
	o := &Options{
		FacetBucketSize: 1 + r.IntN(5), ResponseHints: []string{hintResults, hintFacets, hintCounts, hintMetadata, hintSpelling}[:1+r.IntN(5)],
		AllDatasourceCounts: r.IntN(2) == 0, QueryOverrides: r.IntN(2) == 0, NoAutocorrect: r.IntN(3) == 0,
	}
	if r.IntN(3) == 0 {
		o.FacetBucketFilter = &BucketFilter{Facet: pick("sea", "from", "app", "type"), Prefix: pick("l", "ad", "sec", "")}
	}
	if r.IntN(3) == 0 {
		o.FacetFilters = []wire.FacetFilter{{FieldName: pick("sea", "type", "app"), Values: []wire.FacetFilterValue{{Value: pick(append(words, "Page", "secret")...)}}}}
	}
	if r.IntN(3) == 0 {
		o.Inclusions = &wire.Restriction{ContainerSpecs: []wire.DocumentSpec{{ID: fmt.Sprintf("log/Page/%d", r.IntN(140)/3*3)}}}
	}
	if r.IntN(4) == 0 {
		o.Exclusions = &wire.Restriction{ContainerSpecs: []wire.DocumentSpec{{ID: fmt.Sprintf("log/Page/%d", r.IntN(140)/3*3)}}, Datasources: []string{"secret"}}
	}
	return Request{Query: query, PageSize: new(100), Options: o}
}

// bare is an answer without what differs each time, and its results in the order of their keys.
func bare(r Response) Response {
	r.TrackingToken, r.BackendMillis = "", 0
	for i := range r.Results {
		r.Results[i].TrackingToken = ""
		slices.SortFunc(r.Results[i].Snippets, func(a, b Snippet) int { return a.Order - b.Order })
	}
	for i := range r.Structured {
		r.Structured[i].TrackingToken = ""
	}
	slices.SortFunc(r.Results, func(a, b Result) int { return strings.Compare(a.Document.ID, b.Document.ID) })
	return r
}
