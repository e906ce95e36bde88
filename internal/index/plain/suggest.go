package plain

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/index/rank"
)

func (v *view) Suggest(ctx context.Context, access grant.Access, q index.SuggestQuery) (index.Suggestions, error) {
	answer := index.Suggestions{Titles: []index.TitleSuggestion{}, Words: []index.WordSuggestion{}}
	before, last := plan.Split(q.Text)
	if before+last == "" {
		return answer, ctx.Err()
	}
	holds := compile(q.Filter)
	admits := func(d *document) bool { return access.Admits(d.Readers) && holds(d) }
	if q.Titles > 0 {
		titles, err := v.titles(ctx, q, before+last, last != "", admits)
		if err != nil {
			return index.Suggestions{}, err
		}
		answer.Titles = append(answer.Titles, titles...)
	}
	if q.Words > 0 && last != "" {
		words, err := v.completions(ctx, q, before, last, admits)
		if err != nil {
			return index.Suggestions{}, err
		}
		answer.Words = append(answer.Words, words...)
	}
	return answer, nil
}

// titles finds the documents that have all of text in their titles.
func (v *view) titles(ctx context.Context, q index.SuggestQuery, text string, prefix bool, admits test) ([]index.TitleSuggestion, error) {
	p := plan.Strict(text, prefix, q.Languages)
	if !p.Positive() {
		return nil, nil
	}
	title := fieldSet{rank.Title: true}
	s := newScorer(v, p, title)
	var list []found
	err := v.each(ctx, p, title, admits, func(m *matcher, number uint32) {
		list = append(list, found{doc: m.part.docs[number], score: s.score(m, number, q.Now, nil)})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.doc.Key, b.doc.Key))
	})
	show := newShower(p, nil)
	var titles []index.TitleSuggestion
	for _, f := range list[:min(len(list), q.Titles)] {
		titles = append(titles, index.TitleSuggestion{Key: f.doc.Key, Title: show.title(f.doc)})
	}
	return titles, nil
}

// each visits the admitted documents that match a plan of at least one group in some fields. A plan without any visits all.
func (v *view) each(ctx context.Context, p *plan.Plan, fields fieldSet, admits test, visit func(*matcher, uint32)) error {
	for i := range v.segments {
		m := newMatcher(&v.segments[i], p, fields)
		for n, number := range m.candidates() {
			if n%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if !admits(m.part.docs[number]) {
				continue
			}
			m.load(number, v.norms)
			if p.Matches(m.has) {
				visit(m, number)
			}
		}
	}
	return ctx.Err()
}

// completions lists the words of short fields that begin with last, among the documents that have all of before.
func (v *view) completions(ctx context.Context, q index.SuggestQuery, before, last string, admits test) ([]index.WordSuggestion, error) {
	inside := map[*part][]bool{} // by the document's number
	err := v.each(ctx, plan.Strict(before, false, q.Languages), allFields(), admits, func(m *matcher, number uint32) {
		if inside[m.part] == nil {
			inside[m.part] = make([]bool, len(m.part.docs))
		}
		inside[m.part][number] = true
	})
	if err != nil {
		return nil, err
	}
	half := plan.Strict(last, true, q.Languages)
	if len(half.Groups) != 1 || half.Groups[0].Prefix == "" {
		return nil, nil
	}
	prefix := half.Groups[0].Prefix
	short := allFields()
	short[rank.Body] = false
	documents := map[string]int{}
	for i := range v.segments {
		p := &v.segments[i]
		in := inside[p]
		if in == nil {
			continue
		}
		for _, e := range p.withPrefix(plan.Exact, prefix) {
			n := 0
			for j := range e.postings {
				if at := &e.postings[j]; in[at.doc] {
					if _, some := short.only(at.counts); some {
						n++
					}
				}
			}
			if n > 0 {
				documents[e.text] += n
			}
		}
	}
	words := make([]index.WordSuggestion, 0, len(documents))
	for word, n := range documents {
		words = append(words, index.WordSuggestion{Word: word, Documents: n})
	}
	slices.SortFunc(words, func(a, b index.WordSuggestion) int {
		return cmp.Or(b.Documents-a.Documents, strings.Compare(a.Word, b.Word))
	})
	return words[:min(len(words), q.Words)], nil
}
