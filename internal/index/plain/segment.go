package plain

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/index/rank"
)

// document is a document with what is worked out from it once.
type document struct {
	*index.Document
	lengths rank.Lengths
	facets  map[string][]string // without repeats and empty values
	folded  map[string][]string // the same in the form that filters compare
}

func newDocument(d *index.Document) *document {
	doc := &document{Document: d, facets: map[string][]string{}, folded: map[string][]string{}}
	for field, values := range d.Facets {
		for _, value := range values {
			if value == "" || slices.Contains(doc.facets[field], value) {
				continue
			}
			doc.facets[field] = append(doc.facets[field], value)
			doc.folded[field] = append(doc.folded[field], analysis.Fold(value))
		}
	}
	return doc
}

// texts returns the texts of a field. Those of a list do not run into each other.
func (d *document) texts(f rank.Field) []string {
	switch f {
	case rank.Title:
		return []string{d.Title}
	case rank.Body:
		return []string{d.Body}
	case rank.Path:
		return []string{d.Path}
	case rank.Author:
		return d.Authors
	case rank.Tags:
		return d.Tags
	}
	return nil
}

// number returns a document's number of that name, and false when it has none.
func (d *document) number(field string) (int64, bool) {
	switch field {
	case index.FieldUpdated:
		return d.Updated, d.Updated != 0
	case index.FieldCreated:
		return d.Created, d.Created != 0
	}
	n, ok := d.Numbers[field]
	return n, ok
}

// posting says where a term stands in a document: counts positions from offset on, field after field.
type posting struct {
	doc    uint32
	offset uint32
	counts rank.Counts
}

// segment is some documents and where their terms stand. It never changes.
type segment struct {
	docs      []*document
	terms     map[plan.Term][]posting
	positions []uint32

	sortOnce sync.Once
	sorted   [plan.Joined + 1][]entry // the terms of each form, worked out when first needed
}

// entry is a term with its postings.
type entry struct {
	text     string
	postings []posting
}

// gap lies between the texts of one field, so that no phrase and no pair reaches across.
const gap = 16

func newSegment(docs []*document) *segment {
	s := &segment{docs: docs, terms: map[plan.Term][]posting{}}
	for i, d := range docs {
		s.add(uint32(i), d)
	}
	return s
}

// add takes the text of a document apart.
func (s *segment) add(number uint32, d *document) {
	analyzer := analysis.For(d.Locale)
	found := map[plan.Term]*[rank.Fields][]uint32{}
	for f := range rank.Fields {
		from, words := 0, 0
		note := func(t plan.Term, position int) {
			at := found[t]
			if at == nil {
				at = new([rank.Fields][]uint32)
				found[t] = at
			}
			at[f] = append(at[f], uint32(position)) //nolint:gosec // bounded by analysis.MaxWords
		}
		for _, text := range d.texts(f) {
			n := analyzer.Tokens(text, func(t analysis.Token) bool {
				position := from + t.Position
				switch t.Kind {
				case analysis.Soft, analysis.Hard:
					note(plan.Term{Form: plan.Joined, Text: t.Term}, position)
				default:
					note(plan.Term{Form: plan.Exact, Text: t.Term}, position)
				}
				if t.Stem != "" {
					note(plan.Term{Form: plan.Stem, Text: t.Stem}, position)
				}
				return true
			})
			words += n
			from += n + gap
		}
		d.lengths[f] = rank.EncodeLength(words)
	}
	for t, at := range found {
		p := posting{doc: number, offset: uint32(len(s.positions))} //nolint:gosec // memory ends first
		for f, list := range at {
			p.counts[f] = uint32(len(list)) //nolint:gosec // bounded by analysis.MaxWords
			s.positions = append(s.positions, list...)
		}
		s.terms[t] = append(s.terms[t], p)
	}
}

// at returns the positions of a posting in a field.
func (s *segment) at(p *posting, f rank.Field) []uint32 {
	from := p.offset
	for i := range f {
		from += p.counts[i]
	}
	return s.positions[from : from+p.counts[f]]
}

// withPrefix returns the terms of a form that begin with prefix.
func (s *segment) withPrefix(form plan.Form, prefix string) []entry {
	s.sortOnce.Do(func() {
		for t, postings := range s.terms {
			s.sorted[t.Form] = append(s.sorted[t.Form], entry{t.Text, postings})
		}
		for i := range s.sorted {
			slices.SortFunc(s.sorted[i], func(a, b entry) int { return strings.Compare(a.text, b.text) })
		}
	})
	list := s.sorted[form]
	list = list[sort.Search(len(list), func(i int) bool { return list[i].text >= prefix }):]
	return list[:sort.Search(len(list), func(i int) bool { return !strings.HasPrefix(list[i].text, prefix) })]
}

// prefixPostings adds up the exact and joined terms that begin with prefix.
func (s *segment) prefixPostings(prefix string) []posting {
	sums := make([]rank.Counts, len(s.docs))
	for _, form := range []plan.Form{plan.Exact, plan.Joined} {
		for _, e := range s.withPrefix(form, prefix) {
			for i := range e.postings {
				p := &e.postings[i]
				sum := &sums[p.doc]
				for f, n := range &p.counts {
					sum[f] += n
				}
			}
		}
	}
	var list []posting
	for doc, counts := range sums {
		if counts != (rank.Counts{}) {
			list = append(list, posting{doc: uint32(doc), counts: counts})
		}
	}
	return list
}

// part is a segment within a view, with the documents that are dead in that view.
type part struct {
	*segment
	dead []uint64 // bits; nil when none is
	live int
}

func (p *part) isDead(doc uint32) bool {
	return p.dead != nil && p.dead[doc/64]&(1<<(doc%64)) != 0
}

// without returns the part with more documents dead.
func (p part) without(docs []uint32) part {
	dead := make([]uint64, (len(p.docs)+63)/64)
	copy(dead, p.dead)
	for _, doc := range docs {
		dead[doc/64] |= 1 << (doc % 64)
	}
	return part{p.segment, dead, p.live - len(docs)}
}

// join makes one part of the live documents of several, and tells places.
func join(parts []part, places map[string]place) part {
	s := &segment{terms: map[plan.Term][]posting{}}
	for i := range parts {
		p := &parts[i]
		numbers := make([]uint32, len(p.docs))
		for doc, d := range p.docs {
			if !p.isDead(uint32(doc)) {
				numbers[doc] = uint32(len(s.docs)) //nolint:gosec // likewise
				places[d.Key] = place{s, numbers[doc]}
				s.docs = append(s.docs, d)
			}
		}
		for t, list := range p.terms {
			kept := s.terms[t]
			for j := range list {
				from := &list[j]
				if p.isDead(from.doc) {
					continue
				}
				to := posting{doc: numbers[from.doc], offset: uint32(len(s.positions)), counts: from.counts} //nolint:gosec // memory ends first
				for f := range rank.Fields {
					s.positions = append(s.positions, p.at(from, f)...)
				}
				kept = append(kept, to)
			}
			if len(kept) > 0 {
				s.terms[t] = kept
			}
		}
	}
	return part{segment: s, live: len(s.docs)}
}
