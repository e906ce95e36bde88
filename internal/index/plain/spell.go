package plain

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/index/plan"
)

func (v *view) Spell(ctx context.Context, access grant.Access, q index.SpellQuery) ([]index.Spelling, error) {
	admits := func(d *document) bool { return access.Admits(d.Readers) }
	list := make([]index.Spelling, 0, len(q.Words))
	for _, word := range q.Words {
		s := index.Spelling{Word: word}
		p := plan.Strict(word, false, q.Languages)
		if !p.Positive() { // nothing to know, and nothing to correct
			s.Known = true
			list = append(list, s)
			continue
		}
		if s.Known = v.knows(p, admits); !s.Known && !single(p) {
			if err := v.each(ctx, p, allFields(), admits, func(*matcher, uint32) { s.Known = true }); err != nil {
				return nil, err
			}
		}
		if !s.Known && len(p.Groups) == 1 && q.Corrections > 0 {
			s.Corrections = v.corrections(word, q.Corrections, admits)
		}
		list = append(list, s)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return list, ctx.Err()
}

// single reports whether a plan asks for one thing whose forms are single terms, as a word does.
func single(p *plan.Plan) bool {
	return len(p.Groups) == 1 && p.Groups[0].Prefix == "" &&
		!slices.ContainsFunc(p.Groups[0].Alternatives, func(a plan.Alternative) bool { return len(a.Slots) > 1 })
}

// knows reports whether an admitted document has one of the single terms of the plan's only group. It stops at the first.
func (v *view) knows(p *plan.Plan, admits test) bool {
	if len(p.Groups) != 1 {
		return false
	}
	for _, a := range p.Groups[0].Alternatives {
		if len(a.Slots) != 1 {
			continue
		}
		for i := range v.segments {
			part := &v.segments[i]
			for _, at := range part.terms[a.Slots[0].Term] {
				if !part.isDead(at.doc) && admits(part.docs[at.doc]) {
					return true
				}
			}
		}
	}
	return false
}

// corrections lists the near words that are in admitted documents.
func (v *view) corrections(word string, limit int, admits test) []string {
	folded := []rune(analysis.Fold(word))
	allowed := index.MaxEdits(len(folded))
	if allowed == 0 {
		return nil
	}
	type candidate struct {
		edits, documents int
	}
	near := map[string]*candidate{}
	for i := range v.segments {
		p := &v.segments[i]
		for _, e := range p.withPrefix(plan.Exact, "") {
			term := e.text
			edits := index.Edits(folded, []rune(term), allowed)
			if edits > allowed {
				continue
			}
			for _, at := range e.postings {
				if p.isDead(at.doc) || !admits(p.docs[at.doc]) {
					continue
				}
				if near[term] == nil {
					near[term] = &candidate{edits: edits}
				}
				near[term].documents++
			}
		}
	}
	var terms []string
	for term := range near {
		terms = append(terms, term)
	}
	slices.SortFunc(terms, func(a, b string) int {
		return cmp.Or(near[a].edits-near[b].edits, near[b].documents-near[a].documents, strings.Compare(a, b))
	})
	return terms[:min(len(terms), limit)]
}
