package directory

import (
	"cmp"
	"slices"
)

// narrowing is what people or teams must hold to be matches, and what is counted of them.
type narrowing[T any] struct {
	tests []fieldTest[T]
	tally []*tally[T]
}

type fieldTest[T any] struct {
	field string // as facets name it
	holds func(T) bool
}

// takes reports whether all tests hold, and counts the thing in the facets of which it is: each is counted as if its own
// filter were not there.
func (n *narrowing[T]) takes(thing T) bool {
	missed, misses := "", 0
	for _, t := range n.tests {
		if t.holds(thing) || misses > 0 && t.field == missed {
			continue
		}
		if misses++; misses > 1 || len(n.tally) == 0 {
			return false
		}
		missed = t.field
	}
	for _, t := range n.tally {
		if misses == 0 || t.field == missed {
			t.add(thing)
		}
	}
	return misses == 0
}

// tally counts the values of one field.
type tally[T any] struct {
	name, field string
	of          func(T, func(string))
	counts      map[string]int
	own         []string // the values of the one that is counted
}

// add counts the values that one thing has, each once however it is spelt.
func (t *tally[T]) add(thing T) {
	t.own = t.own[:0]
	t.of(thing, func(v string) {
		if v != "" && !slices.ContainsFunc(t.own, func(o string) bool { return o == v || fold(o) == fold(v) }) {
			t.own = append(t.own, v)
		}
	})
	for _, v := range t.own {
		t.counts[v]++
	}
}

// facets makes the buckets of each field, the largest first. Values that a filter takes for one are one, in the
// spelling that most have.
func (n *narrowing[T]) facets() map[string][]Bucket {
	facets := make(map[string][]Bucket, len(n.tally))
	for _, t := range n.tally {
		spelt := make([]Bucket, 0, len(t.counts))
		for v, count := range t.counts {
			spelt = append(spelt, Bucket{v, count})
		}
		slices.SortFunc(spelt, byCount)
		at := make(map[string]int, len(spelt))
		buckets := spelt[:0]
		for _, b := range spelt {
			key := fold(b.Value)
			if i, met := at[key]; met {
				buckets[i].Count += b.Count
				continue
			}
			at[key] = len(buckets)
			buckets = append(buckets, b)
		}
		slices.SortFunc(buckets, byCount)
		facets[t.name] = buckets
	}
	return facets
}

func byCount(a, b Bucket) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
}
