package server

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/why"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// explainer is what says why, for the admin API and the pages.
func (s *Server) explainer() *why.Service {
	return why.New(why.Config{
		Authority: s.Authority, Corpus: s.Corpus, Directory: s.People, Ranker: ranker{s.finder}, Audit: s.Audit,
		Indexed: func() int64 { return s.Index.State().Position },
	})
}

// ranker lets explanations search as the search room does.
type ranker struct{ room *search.Service }

// Rank answers with hits and how they came about.
func (r ranker) Rank(ctx context.Context, c grant.Caller, q why.Question, size int) (index.Result, error) {
	req := search.Request{Query: q.Query, Options: &search.Options{}}
	for _, f := range q.Filters {
		filter := wire.FacetFilter{FieldName: f.Field}
		for _, v := range f.Values {
			filter.Values = append(filter.Values, wire.FacetFilterValue{Value: v})
		}
		req.Options.FacetFilters = append(req.Options.FacetFilters, filter)
	}
	return r.room.Explain(ctx, c, req, size)
}
