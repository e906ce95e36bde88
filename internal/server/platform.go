package server

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/room/platformsearch"
	"github.com/sheafsearch/sheaf/internal/room/search"
)

// platformFinder lets the Platform API ask the search room.
type platformFinder struct{ room *search.Service }

// facetValues is how many values of a filter the catalogue lists at most.
const facetValues = 100

// Find answers the Platform API.
func (f platformFinder) Find(ctx context.Context, c grant.Caller, q platformsearch.Question) (platformsearch.Found, error) {
	req := search.Request{Query: q.Text, Cursor: q.Cursor, PageSize: &q.Size, Also: q.Also, Options: &search.Options{
		DatasourcesFilter: q.Datasources, FacetFilters: q.Filters, ResponseHints: []string{"RESULTS"},
	}}
	if len(q.Facets) > 0 {
		req.Options.ResponseHints, req.Options.DefaultFacets, req.Options.FacetBucketSize = []string{"FACET_RESULTS"}, q.Facets, facetValues
	}
	found, err := f.room.Search(ctx, c, req)
	if err != nil {
		return platformsearch.Found{}, err
	}
	answer := platformsearch.Found{Facets: found.FacetResults, Next: found.Cursor}
	if w := found.Metadata.Warning; w != nil {
		answer.Long, answer.Ignored = w.Type == "LONG_QUERY", w.IgnoredTerms
	}
	for i := range found.Results {
		r := &found.Results[i]
		d := platformsearch.FoundDocument{Document: r.Document}
		for _, s := range r.Snippets {
			d.Snippets = append(d.Snippets, s.Text)
		}
		answer.Results = append(answer.Results, d)
	}
	return answer, nil
}
