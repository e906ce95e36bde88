package search

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Filter returns the condition that sets of filters, one of which must hold, state at a moment: what facetFilterSets mean in
// a search. It is for rooms that list documents without words. Values that mean nothing are a fault.Unprocessable; nil holds
// for every document.
func (s *Service) Filter(ctx context.Context, c grant.Caller, now time.Time, datasources []string, sets []wire.FacetFilterSet) (index.Filter, error) {
	q, err := s.narrowing(ctx, c, &Options{DatasourcesFilter: datasources, FacetFilterSets: sets}, nil)
	if err != nil {
		return nil, err
	}
	return s.narrowed(ctx, q, nil, now)
}

// narrowing is a question that has no words yet, of this caller and with these options. A tree is given where operators are to be
// taken out of it.
func (s *Service) narrowing(ctx context.Context, c grant.Caller, o *Options, typed query.All) (*question, error) {
	q := &question{caller: c, options: o, req: &Request{Options: o}, parsed: query.Query{Root: typed}}
	var err error
	if q.people, err = s.people.Roster(ctx); err != nil {
		return nil, err
	}
	q.known, err = s.catalog(ctx, c, q)
	return q, err
}

// narrowed is the condition that a question's options and some operators state.
func (s *Service) narrowed(ctx context.Context, q *question, clauses []query.Clause, now time.Time) (index.Filter, error) {
	f := filters{ctx: ctx, service: s, question: q, now: now.In(zone(q.options.TimezoneOffset))}
	f.clauses(clauses)
	f.options(q.req)
	return f.result()
}
