package search

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
)

// Explain answers a search with the keys of its hits and how each of their scores came about, for the caller's eyes as any search. What it
// returns tells of scores, and scores tell of all documents: it is for administrators, and goes to nobody else.
func (s *Service) Explain(ctx context.Context, c grant.Caller, req Request, size int) (index.Result, error) {
	if req.Options == nil {
		req.Options = &Options{}
	}
	understood, err := s.understand(ctx, c, &req, s.now())
	if err != nil {
		return index.Result{}, err
	}
	q := understood.ask
	q.Size, q.Explain, q.Total, q.Highlight, q.Facets = size, true, true, nil, nil
	return s.index.Search(ctx, c, q)
}
