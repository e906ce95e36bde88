package index

import (
	"github.com/sheafsearch/sheaf/internal/fault"
)

func (q *Query) check() error {
	switch {
	case q.Size < 0 || q.Size > MaxSize:
		return fault.Newf(fault.Invalid, "ask for 0 to %d results", MaxSize)
	case len(q.Facets) > MaxFacets:
		return fault.Newf(fault.Invalid, "ask for at most %d facets", MaxFacets)
	case len(q.Languages) > MaxLanguages:
		return fault.Newf(fault.Invalid, "ask in at most %d languages", MaxLanguages)
	case q.Sort > ByKey:
		return fault.New(fault.Invalid, "unknown order of results")
	}
	for _, f := range q.Facets {
		if f.Size < 0 || f.Size > MaxBuckets {
			return fault.Newf(fault.Invalid, "ask for 0 to %d buckets of a facet", MaxBuckets)
		}
	}
	if h := q.Highlight; h != nil {
		if h.Size < 1 || h.Size > MaxSnippet {
			return fault.Newf(fault.Invalid, "ask for snippets of 1 to %d characters", MaxSnippet)
		}
		if h.Number < 0 || h.Number > MaxSnippets {
			return fault.Newf(fault.Invalid, "ask for 0 to %d snippets", MaxSnippets)
		}
	}
	return checkFilter(q.Filter)
}

func (q *SuggestQuery) check() error {
	switch {
	case q.Titles < 0 || q.Titles > MaxSize || q.Words < 0 || q.Words > MaxSize:
		return fault.Newf(fault.Invalid, "ask for 0 to %d suggestions", MaxSize)
	case len(q.Languages) > MaxLanguages:
		return fault.Newf(fault.Invalid, "ask in at most %d languages", MaxLanguages)
	}
	return checkFilter(q.Filter)
}

func (q *SpellQuery) check() error {
	switch {
	case len(q.Words) > MaxSpell:
		return fault.Newf(fault.Invalid, "ask for at most %d words", MaxSpell)
	case q.Corrections < 0 || q.Corrections > MaxSize:
		return fault.Newf(fault.Invalid, "ask for 0 to %d corrections", MaxSize)
	case len(q.Languages) > MaxLanguages:
		return fault.Newf(fault.Invalid, "ask in at most %d languages", MaxLanguages)
	}
	return nil
}

func checkFilter(f Filter) error {
	tests := 0
	if !bounded(f, 0, &tests) {
		return fault.Newf(fault.Invalid, "the filter is too large: at most %d values, nested %d deep", MaxTests, MaxFilterDepth)
	}
	return nil
}

// bounded adds the size of f to tests and reports whether the limits hold.
func bounded(f Filter, depth int, tests *int) bool {
	*tests++
	if depth > MaxFilterDepth {
		return false
	}
	parts := func(list []Filter) bool {
		for _, part := range list {
			if !bounded(part, depth+1, tests) {
				return false
			}
		}
		return true
	}
	switch f := f.(type) {
	case All:
		return parts(f) && *tests <= MaxTests
	case Any:
		return parts(f) && *tests <= MaxTests
	case Not:
		return bounded(f.Filter, depth+1, tests)
	case Has:
		*tests += len(f.Values)
	case Keys:
		*tests += len(f)
	}
	return *tests <= MaxTests
}
