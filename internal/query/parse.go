package query

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what is said about ignored pieces.
const (
	maxIgnored     = 32
	maxIgnoredText = 64
)

// Parse reads a text. It takes any text at all.
func Parse(text string) Query {
	p := parser{}
	if len(text) > MaxLength {
		cut := MaxLength
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		p.ignore(text[cut:], TooLong)
		text = text[:cut]
	}
	p.scan.text = strings.ToValidUTF8(text, " ")
	var root All
	for {
		list, closing := p.list(0)
		root = append(root, list...)
		if closing.kind != closed {
			break
		}
		p.ignore(closing.text, Dangling)
	}
	return Query{Root: root, Ignored: p.ignored}
}

type parser struct {
	scan    scanner
	nodes   int
	skipped int // open parentheses that were too deep
	ignored []Ignored
}

func (p *parser) ignore(text string, why Reason) {
	if len(p.ignored) == maxIgnored {
		return
	}
	if len(text) > maxIgnoredText {
		cut := maxIgnoredText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	p.ignored = append(p.ignored, Ignored{strings.ToValidUTF8(text, ""), why})
}

// list reads up to the end of the text or of the group, and returns the token that ended it.
func (p *parser) list(depth int) (All, token) {
	var items All
	or, not := false, false
	for {
		t := p.scan.next()
		var item Node
		switch t.kind {
		case end, closed:
			if t.kind == closed && p.skipped > 0 {
				p.skipped--
				continue
			}
			if or {
				p.ignore("OR", Dangling)
			}
			if not {
				p.ignore("NOT", Dangling)
			}
			return flatten(items), t
		case lone:
			p.ignore(t.text, t.reason)
			continue
		case minus:
			not = true
			continue
		case open:
			item = p.group(depth, t)
		default:
			if !not && p.keyword(t, items, &or, &not) {
				continue
			}
			item = p.leaf(t)
		}
		if item == nil {
			not = false
			continue
		}
		if not {
			item = negate(item)
		}
		items = p.join(items, item, or)
		or, not = false, false
	}
}

// keyword takes t if it is one of AND, OR and NOT.
func (p *parser) keyword(t token, items All, or, not *bool) bool {
	if t.kind != run {
		return false
	}
	switch t.text {
	case "AND":
	case "OR":
		if len(items) == 0 || *or {
			p.ignore(t.text, Dangling)
		} else {
			*or = true
		}
	case "NOT":
		*not = true
	default:
		return false
	}
	return true
}

// group reads what stands in parentheses. It returns nil when there is nothing in them.
func (p *parser) group(depth int, t token) Node {
	if depth == MaxDepth {
		p.skipped++
		p.ignore(t.text, TooDeep)
		return nil
	}
	items, closing := p.list(depth + 1)
	if closing.kind != closed && p.nodes <= MaxNodes {
		p.ignore(t.text, Dangling)
	}
	switch len(items) {
	case 0:
		p.ignore("()", Empty)
		return nil
	case 1:
		return items[0]
	}
	return items
}

// leaf makes a node of one token, or returns nil when there are too many.
func (p *parser) leaf(t token) Node {
	if p.nodes++; p.nodes > MaxNodes {
		p.ignore(p.scan.text[t.at:], TooMany)
		p.scan.at = len(p.scan.text)
		return nil
	}
	switch t.kind {
	case quoted:
		return Phrase(t.text)
	case field:
		return Field{t.name, t.text}
	}
	if stem := strings.TrimRight(t.text, "*"); stem != t.text {
		if stem == "" {
			p.ignore(t.text, Empty)
			return nil
		}
		return Prefix(stem)
	}
	return Word(t.text)
}

func negate(n Node) Node {
	if n, is := n.(Not); is {
		return n
	}
	return Not{n}
}

// join puts item behind items, or beside the last of them when OR stood between.
func (p *parser) join(items All, item Node, or bool) All {
	if !or {
		return append(items, item)
	}
	last := len(items) - 1
	if onlyNegative(item) {
		p.ignore(Print(item), Negated)
		return items
	}
	if onlyNegative(items[last]) {
		p.ignore(Print(items[last]), Negated)
		return p.join(items[:last], item, false)
	}
	either := Any{}
	for _, n := range []Node{items[last], item} {
		if list, is := n.(Any); is {
			either = append(either, list...)
		} else {
			either = append(either, n)
		}
	}
	items[last] = either
	return items
}

// flatten puts the parts of groups in their place. It comes last, since an OR may follow a group.
func flatten(items All) All {
	var list All
	for _, item := range items {
		if group, is := item.(All); is {
			list = append(list, group...)
		} else {
			list = append(list, item)
		}
	}
	return list
}

// onlyNegative reports whether n asks for everything except something.
func onlyNegative(n Node) bool {
	switch n := n.(type) {
	case Not:
		return true
	case All:
		return !slices.ContainsFunc(n, func(part Node) bool { return !onlyNegative(part) })
	}
	return false
}
