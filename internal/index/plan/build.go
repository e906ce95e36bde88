package plan

import (
	"slices"

	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/query"
)

type builder struct {
	Plan
	languages []string
	analyzers []*analysis.Analyzer
	position  int
	negative  int // how many Nots are around
}

// occurrence is a group at a position of the query, counted in words.
type occurrence struct{ group, position int }

func newBuilder(languages []string) *builder {
	b := &builder{languages: languages}
	for _, tag := range languages {
		b.analyzers = append(b.analyzers, analysis.For(tag))
	}
	if len(languages) == 0 {
		b.analyzers = []*analysis.Analyzer{analysis.For("")}
	}
	return b
}

// words adds the groups of a word, a prefix or an operator that nobody took.
func (b *builder) words(n query.Node) []occurrence {
	switch n := n.(type) {
	case query.Word:
		return b.text(string(n), false)
	case query.Prefix:
		return b.text(string(n), true)
	case query.Field:
		return b.text(n.Name+" "+n.Value, false)
	}
	return nil
}

// demand returns the condition that a node makes. It is empty when nothing is left of the node's text.
func (b *builder) demand(n query.Node) Demand {
	switch n := n.(type) {
	case query.Phrase:
		return b.phrase(string(n))
	case query.Any:
		return b.parts(Or, n)
	case query.All:
		return b.parts(And, n)
	case query.Not:
		b.negative++
		inner := b.demand(n.Node)
		b.negative--
		if inner.empty() {
			return Demand{Op: None}
		}
		return Demand{Op: None, Parts: []Demand{inner}}
	}
	d := Demand{Op: And}
	for _, w := range b.words(n) {
		d.Parts = append(d.Parts, Demand{Op: Has, Group: w.group})
	}
	return d
}

func (b *builder) parts(op Op, nodes []query.Node) Demand {
	d := Demand{Op: op}
	for _, n := range nodes {
		if part := b.demand(n); !part.empty() {
			d.Parts = append(d.Parts, part)
		}
	}
	return d
}

// phrase adds the group of words that follow each other.
func (b *builder) phrase(text string) Demand {
	slots := b.slots(b.tokens(text))
	if len(slots) == 0 {
		return Demand{Op: And}
	}
	return Demand{Op: Has, Group: b.add(Group{
		Text:         `"` + text + `"`,
		Alternatives: []Alternative{{Slots: slots, Weight: 1}},
	})}
}

// slots lists the words among tokens with their distances. A word with its sign (C++) stands for itself.
func (b *builder) slots(tokens []analysis.Token) []Slot {
	var list []Slot
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.Kind == analysis.Word:
			list = append(list, Slot{Term{Exact, t.Term}, t.Position - tokens[0].Position})
		case t.Kind == analysis.Hard && t.Span == 1:
			list = append(list, Slot{Term{Joined, t.Term}, t.Position - tokens[0].Position})
			i++ // the bare word behind it
		}
	}
	return list
}

func (b *builder) tokens(text string) []analysis.Token {
	var list []analysis.Token
	positions := b.analyzers[0].Tokens(text, func(t analysis.Token) bool {
		list = append(list, t)
		return len(list) < maxTokens
	})
	for i := range list {
		list[i].Position += b.position
	}
	b.position += positions
	return list
}

// maxTokens bounds what one piece of a query can come apart into.
const maxTokens = 1024

// add puts a group into the plan and returns its number. Beyond maxGroups it returns that of the last one.
func (b *builder) add(g Group) int {
	if len(b.Groups) >= maxGroups {
		return len(b.Groups) - 1
	}
	g.Negative = b.negative%2 == 1
	b.Groups = append(b.Groups, g)
	return len(b.Groups) - 1
}

// maxGroups bounds a plan. query.MaxNodes words can be compounds of several.
const maxGroups = 512

// text adds the groups of a run of text.
func (b *builder) text(text string, prefix bool) []occurrence {
	tokens := b.tokens(text)
	var list []occurrence
	note := func(t analysis.Token, g Group) { list = append(list, occurrence{b.add(g), t.Position}) }
	var soft *Term
	softLeft := 0
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		written := text[t.Start:t.End]
		switch t.Kind {
		case analysis.Single:
			continue
		case analysis.Soft:
			soft, softLeft = &Term{Joined, t.Term}, t.Span
			continue
		case analysis.Hard:
			parts := tokens[i+1 : min(i+1+t.Span, len(tokens))]
			i += len(parts)
			if prefix && i == len(tokens)-1 {
				note(t, Group{Text: written + "*", Prefix: t.Term})
				continue
			}
			note(t, Group{Text: written, Alternatives: b.compound(t, parts)})
			continue
		}
		if prefix && i == len(tokens)-1 {
			note(t, Group{Text: written + "*", Prefix: t.Term})
			continue
		}
		alternatives := b.word(t, written)
		if softLeft > 0 {
			softLeft--
			alternatives = append(alternatives, plain(*soft, 1), plain(Term{Exact, soft.Text}, 1))
		}
		note(t, Group{Text: written, Alternatives: alternatives, stop: analysis.IsStopWord(t.Term, b.languages)})
	}
	return list
}

// word lists the forms that count as a word.
func (b *builder) word(t analysis.Token, written string) []Alternative {
	list := []Alternative{plain(Term{Exact, t.Term}, 1), plain(Term{Joined, t.Term}, 1)}
	var stems []string
	for i, a := range b.analyzers {
		stem := t.Stem
		if i > 0 {
			stem = a.Stem(written)
		}
		if stem != "" && !slices.Contains(stems, stem) {
			stems = append(stems, stem)
			list = append(list, plain(Term{Stem, stem}, stemWeight))
		}
	}
	return list
}

// compound lists the forms that count as a compound: as it is, without its signs, and its words one after another.
func (b *builder) compound(t analysis.Token, parts []analysis.Token) []Alternative {
	list := []Alternative{plain(Term{Joined, t.Term}, 1)}
	if t.Span == 1 {
		return list
	}
	list = append(list, plain(Term{Exact, t.Term}, 1))
	if slots := b.slots(parts); len(slots) > 0 {
		list = append(list, Alternative{Slots: slots, Weight: 1})
	}
	return list
}

func plain(t Term, weight float64) Alternative {
	return Alternative{Slots: []Slot{{Term: t}}, Weight: weight}
}
