package plain

import (
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/index/rank"
)

// scorer knows what each group of a plan weighs in a view.
type scorer struct {
	view   *view
	plan   *plan.Plan
	rarity []float64 // by group; 0 where no document has it
	asked  float64   // the sum of them
}

func newScorer(v *view, p *plan.Plan, fields fieldSet) scorer {
	s := scorer{view: v, plan: p, rarity: make([]float64, len(p.Groups))}
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Negative {
			continue
		}
		if df := v.groupDocuments(g, fields); df > 0 {
			s.rarity[i] = v.stats.Rarity(df)
			s.asked += s.rarity[i]
		}
	}
	return s
}

// groupDocuments counts the documents of a group: those of its most frequent term; where that is of several words and no
// term stands for it, those of the rarest of the words; those of all terms together for a prefix.
func (v *view) groupDocuments(g *plan.Group, fields fieldSet) int {
	if g.Prefix != "" {
		return v.prefixDocuments(g.Prefix, fields)
	}
	most, rarest := 0, -1
	for _, a := range g.Alternatives {
		least := -1
		for _, s := range a.Slots {
			if df := v.documents(s.Term, fields); least < 0 || df < least {
				least = df
			}
		}
		if len(a.Slots) == 1 {
			most = max(most, least)
		} else if rarest < 0 {
			rarest = least
		}
	}
	if most > 0 {
		return most
	}
	return max(rarest, 0)
}

// documents counts the live documents that have a term in one of the fields.
func (v *view) documents(t plan.Term, fields fieldSet) int {
	df := 0
	for i := range v.segments {
		df += v.segments[i].count(v.segments[i].terms[t], fields)
	}
	return df
}

func (v *view) prefixDocuments(prefix string, fields fieldSet) int {
	df := 0
	for i := range v.segments {
		df += v.segments[i].count(v.segments[i].prefixPostings(prefix), fields)
	}
	return df
}

// count counts the live documents of postings in one of the fields.
func (p *part) count(list []posting, fields fieldSet) int {
	n := 0
	for i := range list {
		if _, some := fields.only(list[i].counts); some && !p.isDead(list[i].doc) {
			n++
		}
	}
	return n
}

// score scores the document that m has loaded. It explains itself when asked to.
func (s *scorer) score(m *matcher, number uint32, now int64, e *rank.Explanation) float64 {
	d := m.part.docs[number]
	text, has := 0.0, 0.0
	for i := range s.plan.Groups {
		if s.rarity[i] == 0 || !m.has[i] {
			continue
		}
		has += s.rarity[i]
		score := rank.Word(s.rarity[i], m.freq[i])
		text += score
		if e != nil {
			e.Words = append(e.Words, rank.Part{Text: s.plan.Groups[i].Text, Rarity: s.rarity[i], Frequency: m.freq[i], Score: score})
		}
	}
	for _, p := range s.plan.Pairs {
		if !m.has[p.First] || !m.has[p.Second] {
			continue
		}
		counts, some := m.pair(number, p)
		if !some {
			continue
		}
		frequency := s.view.norms.Frequency(&counts, &d.lengths)
		score := rank.Pair(s.rarity[p.First], s.rarity[p.Second], frequency)
		text += score
		if e != nil {
			words := s.plan.Groups[p.First].Text + " " + s.plan.Groups[p.Second].Text
			e.Pairs = append(e.Pairs, rank.Part{
				Text: words, Rarity: (s.rarity[p.First] + s.rarity[p.Second]) / 2, Frequency: frequency, Score: score,
			})
		}
	}
	coverage := rank.Coverage(has, s.asked)
	boosts := rank.BoostsOf(d.Updated, now, d.Popularity, int(d.Verification))
	if e != nil {
		e.Text, e.Coverage, e.Boost, e.Boosts = text, coverage, boosts.Factor(), boosts
	}
	return text * coverage * boosts.Factor()
}
