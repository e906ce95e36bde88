package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/query"
)

// show prints a plan: wishes and demands by their groups' texts, and pairs.
func show(p *Plan) string {
	var parts []string
	for _, g := range p.Wishes {
		parts = append(parts, p.Groups[g].Text)
	}
	for i := range p.Demands {
		parts = append(parts, showDemand(p, &p.Demands[i]))
	}
	for _, pair := range p.Pairs {
		parts = append(parts, fmt.Sprintf("%s+%d+%s", p.Groups[pair.First].Text, pair.Distance, p.Groups[pair.Second].Text))
	}
	return strings.Join(parts, " ")
}

func showDemand(p *Plan, d *Demand) string {
	if d.Op == Has {
		return "must:" + p.Groups[d.Group].Text
	}
	var parts []string
	for i := range d.Parts {
		parts = append(parts, showDemand(p, &d.Parts[i]))
	}
	return []string{"", "and", "or", "none"}[d.Op] + "(" + strings.Join(parts, " ") + ")"
}

func TestNew(t *testing.T) {
	for _, c := range [][2]string{
		{"parental leave", "parental leave parental+1+leave"},
		{"types of leave", "types leave types+2+leave"},
		{"who is it", "who is it who+1+is is+1+it"},
		{`the "parental leave"`, `must:"parental leave"`},
		{"word word word", "word word+1+word"},
		{"a-1 x*", "a-1 x*"},
		{"wi-fi", "wi fi wi+1+fi"},
		{"plan -draft", "plan none(and(must:draft))"},
		{"a1 OR (b1 c1)", "or(and(must:a1) and(and(must:b1) and(must:c1)))"},
		{"-(x1 OR y1)", "none(or(and(must:x1) and(must:y1)))"},
		{"??? -!!!", ""},
		{"status:ada", "status ada status+1+ada"},
	} {
		if got := show(New(query.Parse(c[0]).Root, nil)); got != c[1] {
			t.Errorf("New(%q) = %s, want %s", c[0], got, c[1])
		}
	}
}

func TestOpen(t *testing.T) {
	for text, want := range map[string]bool{"": true, "-a1": true, "a1": false, `"a1 b1"`: false, "(-a1 b1) OR c1": false, "-(-a1 -b1)": false, "a1 -b1": false} {
		if got := New(query.Parse(text).Root, nil).Open(); got != want {
			t.Errorf("New(%q).Open() = %v, want %v", text, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range [][3]string{{"", "", ""}, {"dep", "", "dep"}, {"search dep", "search ", "dep"}, {"search ", "search ", ""}, {"a\u3000b", "a\u3000", "b"}} {
		before, last := Split(c[0])
		if d := cmp.Diff([]string{c[1], c[2]}, []string{before, last}); d != "" {
			t.Errorf("Split(%q) (-want +got):\n%s", c[0], d)
		}
	}
}
