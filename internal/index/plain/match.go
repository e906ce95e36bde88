package plain

import (
	"slices"

	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/index/rank"
)

// matcher walks through the documents of one part that have any group of a plan.
type matcher struct {
	part   *part
	plan   *plan.Plan
	groups []groupCursor
	fields fieldSet

	// What the present document has, by group.
	has    []bool
	counts []rank.Counts // of the alternative that counts most
	freq   []float64
}

// fieldSet says which fields count.
type fieldSet [rank.Fields]bool

func allFields() fieldSet { return fieldSet{true, true, true, true, true} }

func (s fieldSet) only(c rank.Counts) (kept rank.Counts, some bool) {
	for f, n := range c {
		if s[f] && n > 0 {
			kept[f], some = n, true
		}
	}
	return kept, some
}

// groupCursor stands on the postings of each slot of each alternative, and on those of the prefix.
type groupCursor struct {
	alternatives [][]cursor
	prefix       cursor // all terms with the prefix as if they were one, without positions
}

// cursor stands on the first posting not before the present document.
type cursor struct{ rest []posting }

func (c *cursor) seek(doc uint32) *posting {
	for len(c.rest) > 0 && c.rest[0].doc < doc {
		c.rest = c.rest[1:]
	}
	if len(c.rest) > 0 && c.rest[0].doc == doc {
		return &c.rest[0]
	}
	return nil
}

func newMatcher(p *part, pl *plan.Plan, fields fieldSet) *matcher {
	m := &matcher{part: p, plan: pl, fields: fields, groups: make([]groupCursor, len(pl.Groups))}
	m.has = make([]bool, len(pl.Groups))
	m.counts = make([]rank.Counts, len(pl.Groups))
	m.freq = make([]float64, len(pl.Groups))
	for i := range pl.Groups {
		g, c := &pl.Groups[i], &m.groups[i]
		for _, a := range g.Alternatives {
			slots := make([]cursor, len(a.Slots))
			for j, s := range a.Slots {
				slots[j].rest = p.terms[s.Term]
			}
			c.alternatives = append(c.alternatives, slots)
		}
		if g.Prefix != "" {
			c.prefix.rest = p.prefixPostings(g.Prefix)
		}
	}
	return m
}

// candidates returns the live documents that have any slot of any group that is not there to exclude, in order; all of
// them when the plan is open.
func (m *matcher) candidates() []uint32 {
	if m.plan.Open() {
		return m.part.lives()
	}
	bits := make([]uint64, (len(m.part.docs)+63)/64)
	add := func(c cursor) {
		for i := range c.rest {
			bits[c.rest[i].doc/64] |= 1 << (c.rest[i].doc % 64)
		}
	}
	for i := range m.groups {
		if m.plan.Groups[i].Negative {
			continue
		}
		for _, slots := range m.groups[i].alternatives {
			add(slots[0]) // all slots must be there, the first among them
		}
		add(m.groups[i].prefix)
	}
	var list []uint32
	for doc := range uint32(len(m.part.docs)) { //nolint:gosec // as many as were added
		if bits[doc/64]&(1<<(doc%64)) != 0 && !m.part.isDead(doc) {
			list = append(list, doc)
		}
	}
	return list
}

func (p *part) lives() []uint32 {
	var list []uint32
	for doc := range uint32(len(p.docs)) { //nolint:gosec // as many as were added
		if !p.isDead(doc) {
			list = append(list, doc)
		}
	}
	return list
}

// load works out what the document has of each group. Documents come in rising order.
func (m *matcher) load(doc uint32, norms *rank.Norms) {
	lengths := &m.part.docs[doc].lengths
	for i := range m.groups {
		m.has[i], m.freq[i] = false, 0
		consider := func(c rank.Counts, weight float64) {
			c, some := m.fields.only(c)
			if !some {
				return
			}
			if f := weight * norms.Frequency(&c, lengths); f > m.freq[i] || !m.has[i] {
				m.has[i], m.freq[i], m.counts[i] = true, f, c
			}
		}
		for j, slots := range m.groups[i].alternatives {
			a := &m.plan.Groups[i].Alternatives[j]
			if c, ok := m.count(doc, a, slots); ok {
				consider(c, a.Weight)
			}
		}
		if p := m.groups[i].prefix.seek(doc); p != nil {
			consider(p.counts, 1)
		}
	}
}

// count counts an alternative in a document.
func (m *matcher) count(doc uint32, a *plan.Alternative, slots []cursor) (rank.Counts, bool) {
	first := slots[0].seek(doc)
	if first == nil || len(slots) == 1 {
		if first == nil {
			return rank.Counts{}, false
		}
		return first.counts, true
	}
	found := make([]*posting, len(slots))
	for i := range slots {
		if found[i] = slots[i].seek(doc); found[i] == nil {
			return rank.Counts{}, false
		}
	}
	var counts rank.Counts
	some := false
	for f := range rank.Fields {
	positions:
		for _, at := range m.part.at(first, f) {
			begin := int(at) - a.Slots[0].Offset
			for i := 1; i < len(found); i++ {
				if !contains(m.part.at(found[i], f), begin+a.Slots[i].Offset) {
					continue positions
				}
			}
			counts[f]++
			some = true
		}
	}
	return counts, some
}

func contains(positions []uint32, position int) bool {
	if position < 0 {
		return false
	}
	_, found := slices.BinarySearch(positions, uint32(position)) //nolint:gosec // a position and a small offset
	return found
}

// pair counts how often the second group stands at its distance from the first in the present document, by plain words only.
func (m *matcher) pair(doc uint32, p plan.Pair) (counts rank.Counts, some bool) {
	for f := range rank.Fields {
		if !m.fields[f] {
			continue
		}
		second := m.positions(doc, p.Second, f)
		if len(second) == 0 {
			continue
		}
		for _, at := range m.positions(doc, p.First, f) {
			if contains(second, int(at)+p.Distance) {
				counts[f]++
				some = true
			}
		}
	}
	return counts, some
}

// positions returns where a group begins in a field of the present document, by its alternatives of one slot.
func (m *matcher) positions(doc uint32, group int, f rank.Field) []uint32 {
	var list []uint32
	lists := 0
	for _, slots := range m.groups[group].alternatives {
		if len(slots) != 1 {
			continue
		}
		if p := slots[0].seek(doc); p != nil && p.counts[f] > 0 {
			if lists++; lists == 1 {
				list = m.part.at(p, f)
				continue
			}
			list = slices.Concat(list, m.part.at(p, f))
			slices.Sort(list)
			list = slices.Compact(list)
		}
	}
	return list
}
