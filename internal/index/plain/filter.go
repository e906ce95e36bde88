package plain

import (
	"math"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// test is a condition on a document.
type test func(*document) bool

func always(*document) bool { return true }

func never(*document) bool { return false }

// compile makes a test of a filter.
func compile(f index.Filter) test {
	switch f := f.(type) {
	case index.All:
		return all(f)
	case index.Any:
		return anyOf(f)
	case index.Not:
		inner := compile(f.Filter)
		return func(d *document) bool { return !inner(d) }
	case index.Has:
		return has(f)
	case index.Missing:
		return func(d *document) bool {
			_, number := d.number(f.Field)
			return !number && len(d.facets[f.Field]) == 0
		}
	case index.Within:
		return func(d *document) bool {
			n, ok := d.number(f.Field)
			return ok && f.From <= n && (n < f.To || f.To == math.MaxInt64)
		}
	case index.Keys:
		keys := map[string]bool{}
		for _, key := range f {
			keys[key] = true
		}
		return func(d *document) bool { return keys[d.Key] }
	case nil:
		return always
	}
	return never
}

func all(list []index.Filter) test {
	tests := make([]test, len(list))
	for i, f := range list {
		tests[i] = compile(f)
	}
	return func(d *document) bool {
		return !slices.ContainsFunc(tests, func(t test) bool { return !t(d) })
	}
}

func anyOf(list []index.Filter) test {
	tests := make([]test, len(list))
	for i, f := range list {
		tests[i] = compile(f)
	}
	return func(d *document) bool {
		return slices.ContainsFunc(tests, func(t test) bool { return t(d) })
	}
}

func has(f index.Has) test {
	values := map[string]bool{}
	for _, value := range f.Values {
		values[analysis.Fold(value)] = true
	}
	return func(d *document) bool {
		return slices.ContainsFunc(d.folded[f.Field], func(value string) bool { return values[value] })
	}
}

// counter counts the values of one facet.
type counter struct {
	request index.FacetRequest
	lifted  test // nil when the query's own filter counts
	counts  map[string]int
}

func newCounter(r index.FacetRequest, f index.Filter) *counter {
	c := &counter{request: r, counts: map[string]int{}}
	if r.Lift {
		c.lifted = compile(index.Lift(f, r.Field))
	}
	return c
}

// add counts a document that matches but for the filter; holds says whether it meets that too.
func (c *counter) add(d *document, holds bool) {
	if c.lifted != nil {
		holds = c.lifted(d)
	}
	if !holds {
		return
	}
	for _, value := range d.facets[c.request.Field] {
		c.counts[value]++
	}
}

func (c *counter) facet() index.Facet {
	f := index.Facet{Field: c.request.Field, Buckets: []index.Bucket{}}
	prefix := analysis.Fold(c.request.Prefix)
	for value, n := range c.counts {
		if analysis.HasWordPrefix(analysis.Fold(value), prefix) {
			f.Buckets = append(f.Buckets, index.Bucket{Value: value, Count: n})
		}
	}
	slices.SortFunc(f.Buckets, func(a, b index.Bucket) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Value, b.Value)
	})
	if len(f.Buckets) > c.request.Size {
		f.Buckets, f.More = f.Buckets[:c.request.Size], true
	}
	return f
}
