package query

import "strings"

// String prints the query. Parse of the result gives the same tree, as long as the result is within MaxLength.
func (q Query) String() string { return Print(q.Root) }

// Print prints a tree as text.
func Print(n Node) string {
	var b strings.Builder
	write(&b, n)
	return b.String()
}

func write(b *strings.Builder, n Node) {
	switch n := n.(type) {
	case All:
		for i, part := range n {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, part)
		}
	case Any:
		for i, part := range n {
			if i > 0 {
				b.WriteString(" OR ")
			}
			writePart(b, part)
		}
	case Not:
		b.WriteByte('-')
		writePart(b, n.Node)
	case Word:
		b.WriteString(string(n))
	case Prefix:
		b.WriteString(string(n) + "*")
	case Phrase:
		quote(b, string(n))
	case Field:
		b.WriteString(n.Name + ":")
		if isBareValue(n.Value) {
			b.WriteString(n.Value)
		} else {
			quote(b, n.Value)
		}
	}
}

// quote writes text in quotes, so that whatever stands in it is taken literally.
func quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for _, r := range text {
		if isQuote(r) || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
}

// writePart writes a part that binds more tightly than a list.
func writePart(b *strings.Builder, n Node) {
	switch n.(type) {
	case All, Any:
		b.WriteByte('(')
		write(b, n)
		b.WriteByte(')')
	default:
		write(b, n)
	}
}
