// Package plan turns a query's tree into what an engine has to look up: terms, where they stand, and what of them a
// document must have.
//
// Its one idea is the Group: one thing that was asked for, in all the forms that count as it. A document matches when it has enough of
// the wished groups and meets each demand; which documents those are is thereby the same in every engine. Engines and
// highlight call it.
package plan

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/query"
)

// Form says which of a document's terms is meant. Engines keep the forms apart.
type Form uint8

// The forms.
const (
	Exact  Form = iota // a word as written, or a character or a pair of them
	Stem               // the stem of a word
	Joined             // a compound without its signs
)

// Term is a term of a form.
type Term struct {
	Form Form
	Text string
}

// Slot is a term at a distance from the beginning of an Alternative.
type Slot struct {
	Term
	Offset int
}

// Alternative is one way of having a group: all of its slots at their distances, in one field. One slot is a plain word.
type Alternative struct {
	Slots []Slot
	// Weight is what an occurrence counts against one of the exact word.
	Weight float64
}

// Group is one thing that was asked for. A document has it when it has one of the alternatives, or a term that begins with
// Prefix. Its frequency is that of the best alternative; a prefix counts all terms that begin with it, exact and joined, together.
type Group struct {
	Text         string // as typed, for explanations
	Alternatives []Alternative
	Prefix       string
	// Negative groups are only looked up to exclude; they do not score and are not marked. A document never matches for having
	// one, so that those that have none of the other groups match only if the plan is open.
	Negative bool

	stop bool // a stop word
}

// Pair is two groups that score more where the second follows the first at a distance.
type Pair struct{ First, Second, Distance int }

// Plan is what to look up for a query.
type Plan struct {
	Groups []Group
	// Wishes are the groups of which a document needs Need. Both are empty when there are demands only, or nothing at all.
	Wishes []int
	Need   int
	// Demands must all hold.
	Demands []Demand
	Pairs   []Pair
}

// Demand is a condition on the groups that a document has.
type Demand struct {
	Op    Op
	Group int      // of Has
	Parts []Demand // of the others
}

// Op is the way in which a Demand combines its parts.
type Op uint8

// The ways.
const (
	Has Op = iota
	And
	Or
	None // none of the parts hold
)

// stemWeight is what a word with the same stem counts against the exact word.
const stemWeight = 0.9

// New plans the search for a tree in the given languages (BCP 47 tags; none means English). One of the wished words is enough: asking for
// more loses answers to long questions (a third of the words costs 0.14 of Recall@100 on cranfield and 0.25 on qmsum, whose queries are
// sentences), and coverage already puts those that have more of them first.
func New(tree query.All, languages []string) *Plan {
	b := newBuilder(languages)
	var wishes []occurrence
	for _, n := range tree {
		switch n := n.(type) {
		case query.Word, query.Prefix, query.Field:
			wishes = append(wishes, b.words(n)...)
		default:
			if d := b.demand(n); !d.empty() {
				b.Demands = append(b.Demands, d)
			}
		}
	}
	wishes = b.dropStopWords(b.once(wishes))
	for _, w := range wishes {
		if !slices.Contains(b.Wishes, w.group) {
			b.Wishes = append(b.Wishes, w.group)
		}
	}
	b.Need = min(1, len(b.Wishes))
	b.pairs(wishes)
	return &b.Plan
}

// once lets wishes for the same thing share a group: saying a word again asks for nothing more.
func (b *builder) once(wishes []occurrence) []occurrence {
	if len(wishes) < 2 {
		return wishes
	}
	first := make(map[string]int, len(wishes))
	for i, w := range wishes {
		g := &b.Groups[w.group]
		same := g.sameness()
		if group, known := first[same]; !known {
			first[same] = w.group
		} else if group != w.group {
			wishes[i].group = group
			*g = Group{Negative: true}
		}
	}
	return wishes
}

// sameness is equal for groups that ask for the same thing.
func (g *Group) sameness() string {
	b := strconv.AppendQuote(make([]byte, 0, 96), g.Prefix)
	for _, a := range g.Alternatives {
		b = strconv.AppendFloat(append(b, '|'), a.Weight, 'g', -1, 64)
		for _, s := range a.Slots {
			b = strconv.AppendQuote(append(b, ' ', '0'+byte(s.Form)), s.Text)
			b = strconv.AppendInt(b, int64(s.Offset), 10)
		}
	}
	return string(b)
}

// pairs notes the wishes that follow each other.
func (b *builder) pairs(wishes []occurrence) {
	seen := map[Pair]bool{}
	for i, second := range wishes {
		if i == 0 {
			continue
		}
		first := wishes[i-1]
		p := Pair{first.group, second.group, second.position - first.position}
		if p.Distance < 1 || p.Distance > maxDistance || seen[p] || b.Groups[p.First].Prefix != "" || b.Groups[p.Second].Prefix != "" {
			continue
		}
		seen[p] = true
		b.Pairs = append(b.Pairs, p)
	}
}

// maxDistance is how far apart two words of a query, with stop words between them, still make a pair.
const maxDistance = 4

// Strict plans the search for documents that have each word of text. With prefix, the last word may be the beginning
// of one.
func Strict(text string, prefix bool, languages []string) *Plan {
	b := newBuilder(languages)
	for _, w := range b.text(text, prefix) {
		b.Wishes = append(b.Wishes, w.group)
	}
	b.Need = len(b.Wishes)
	return &b.Plan
}

// dropStopWords takes stop words out of the wishes, unless nothing else is asked for.
func (b *builder) dropStopWords(wishes []occurrence) []occurrence {
	isStop := func(w occurrence) bool { return b.Groups[w.group].stop }
	kept := slices.DeleteFunc(slices.Clone(wishes), isStop)
	if len(kept) == 0 && !b.demandsSomething(wishes) {
		return wishes
	}
	for _, w := range wishes {
		if isStop(w) {
			b.Groups[w.group] = Group{Negative: true, stop: true}
		}
	}
	return kept
}

// demandsSomething reports whether there is a group to find beside the wishes.
func (b *builder) demandsSomething(wishes []occurrence) bool {
	for i, g := range b.Groups {
		if !g.Negative && !slices.ContainsFunc(wishes, func(w occurrence) bool { return w.group == i }) {
			return true
		}
	}
	return false
}

// Positive reports whether the plan asks for anything, rather than only excluding or nothing at all.
func (p *Plan) Positive() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return !g.Negative })
}

// Open reports whether a document can match that has none of the positive groups: by a negation within a group of OR, say.
func (p *Plan) Open() bool { return p.Matches(make([]bool, len(p.Groups))) }

// Matches reports whether a document matches that has the groups for which has is true.
func (p *Plan) Matches(has []bool) bool {
	count := 0
	for _, g := range p.Wishes {
		if has[g] {
			count++
		}
	}
	if count < p.Need {
		return false
	}
	for i := range p.Demands {
		if !p.Demands[i].holds(has) {
			return false
		}
	}
	return true
}

func (d *Demand) holds(has []bool) bool {
	switch d.Op {
	case Has:
		return has[d.Group]
	case And:
		for i := range d.Parts {
			if !d.Parts[i].holds(has) {
				return false
			}
		}
		return true
	}
	for i := range d.Parts {
		if d.Parts[i].holds(has) {
			return d.Op == Or
		}
	}
	return d.Op == None
}

func (d *Demand) empty() bool { return d.Op != Has && len(d.Parts) == 0 }

// Wants returns which group a token of a document stands for, and false when for none, and how the tokens begin that stand for any.
// Markers of hits use both.
func (p *Plan) Wants() (wants func(analysis.Token) (group int, ok bool), begin *analysis.Beginnings) {
	m := newMarker(p)
	return m.group, m.beginnings()
}

// Split cuts what someone is typing into the text before the last word and that word, which may be half typed. It is
// empty when the text ends in a space.
func Split(text string) (before, last string) {
	i := strings.LastIndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return "", text
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return text[:i+size], text[i+size:]
}
