package plan

import (
	"sort"
	"strings"

	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// marker knows the terms that a plan asks for.
type marker struct {
	terms    map[Term]int
	prefixes []prefix
}

type prefix struct {
	text  string
	group int
}

func newMarker(p *Plan) *marker {
	m := &marker{terms: map[Term]int{}}
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Negative {
			continue
		}
		if g.Prefix != "" {
			m.prefixes = append(m.prefixes, prefix{g.Prefix, i})
		}
		for _, a := range g.Alternatives {
			for _, s := range a.Slots {
				if _, taken := m.terms[s.Term]; !taken {
					m.terms[s.Term] = i
				}
			}
		}
	}
	sort.SliceStable(m.prefixes, func(i, j int) bool { return m.prefixes[i].group < m.prefixes[j].group })
	return m
}

// beginnings says how the forms begin that the marker knows.
func (m *marker) beginnings() *analysis.Beginnings {
	b := new(analysis.Beginnings)
	for t := range m.terms {
		b.Add(t.Text)
	}
	for _, p := range m.prefixes {
		b.Add(p.text)
	}
	return b
}

func (m *marker) group(t analysis.Token) (int, bool) {
	form := Exact
	if t.Kind == analysis.Soft || t.Kind == analysis.Hard {
		form = Joined
	}
	if g, ok := m.terms[Term{form, t.Term}]; ok {
		return g, true
	}
	if t.Stem != "" {
		if g, ok := m.terms[Term{Stem, t.Stem}]; ok {
			return g, true
		}
	}
	for _, p := range m.prefixes {
		if strings.HasPrefix(t.Term, p.text) {
			return p.group, true
		}
	}
	return 0, false
}
