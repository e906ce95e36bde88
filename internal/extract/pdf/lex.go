package pdf

import (
	"bytes"
	"strconv"
)

// object is nil, a bool, a number, a name, a text, an array, a dict, a ref, an operator or a *stream.
type object any

type (
	number   float64
	name     string
	text     []byte
	array    []object
	dict     map[string]object
	ref      int // the number of an object
	operator string
)

// stream is data with a dictionary. raw is as in the file.
type stream struct {
	dict dict
	raw  []byte
}

// lexer cuts data into objects. It never fails: what makes no sense is skipped.
type lexer struct {
	data []byte
	at   int
	// refs says whether "12 0 R" is a reference. Content streams have none.
	refs bool
	made int // members of arrays and dictionaries so far
}

// maxMembers bounds the members of arrays and dictionaries of one object, each of which takes many times the memory of its text.
const maxMembers = 500_000

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func (l *lexer) skip() {
	for l.at < len(l.data) {
		c := l.data[l.at]
		if c == '%' {
			for l.at < len(l.data) && l.data[l.at] != '\n' && l.data[l.at] != '\r' {
				l.at++
			}
		} else if isSpace(c) {
			l.at++
		} else {
			return
		}
	}
}

// end is what next returns after the last object, and at a closing bracket.
type end byte

// next returns the next object.
func (l *lexer) next(depth int) object {
	l.skip()
	if l.at >= len(l.data) {
		return end(0)
	}
	c := l.data[l.at]
	switch {
	case c == '/':
		l.at++
		return l.name()
	case c == '(':
		l.at++
		return l.literal()
	case c == '<' && l.peek(1) == '<':
		l.at += 2
		return l.dict(depth + 1)
	case c == '<':
		l.at++
		return l.hex()
	case c == '[':
		l.at++
		return l.array(depth + 1)
	case c == '>' && l.peek(1) == '>':
		l.at += 2
		return end('>')
	case c == ']' || c == '>' || c == ')' || c == '{' || c == '}':
		l.at++
		return end(c)
	case c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9':
		return l.number()
	}
	word := l.word()
	switch word {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	return operator(word)
}

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.data) {
		return l.data[l.at+n]
	}
	return 0
}

func (l *lexer) word() string {
	begin := l.at
	for l.at < len(l.data) && !isSpace(l.data[l.at]) && !isDelimiter(l.data[l.at]) {
		l.at++
	}
	if l.at == begin {
		l.at++
	}
	return string(l.data[begin:l.at])
}

func (l *lexer) number() object {
	word := l.word()
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return number(0)
	}
	if l.refs && n >= 0 && n == float64(int(n)) {
		if after, ok := l.reference(); ok {
			l.at = after
			return ref(int(n))
		}
	}
	return number(n)
}

// reference reports whether a generation and an R follow.
func (l *lexer) reference() (after int, ok bool) {
	ahead := lexer{data: l.data, at: l.at}
	for ahead.at < len(ahead.data) && isSpace(ahead.data[ahead.at]) {
		ahead.at++
	}
	digits := ahead.at
	for ahead.at < len(ahead.data) && ahead.data[ahead.at] >= '0' && ahead.data[ahead.at] <= '9' && ahead.at < digits+6 {
		ahead.at++
	}
	if ahead.at == digits || ahead.at >= len(ahead.data) || !isSpace(ahead.data[ahead.at]) {
		return 0, false
	}
	for ahead.at < len(ahead.data) && isSpace(ahead.data[ahead.at]) {
		ahead.at++
	}
	if ahead.peek(0) != 'R' {
		return 0, false
	}
	if c := ahead.peek(1); c != 0 && !isSpace(c) && !isDelimiter(c) {
		return 0, false
	}
	return ahead.at + 1, true
}

func (l *lexer) name() object {
	var out []byte
	for l.at < len(l.data) && !isSpace(l.data[l.at]) && !isDelimiter(l.data[l.at]) {
		c := l.data[l.at]
		if c == '#' && l.at+2 < len(l.data) {
			if n, err := strconv.ParseUint(string(l.data[l.at+1:l.at+3]), 16, 8); err == nil {
				c = byte(n)
				l.at += 2
			}
		}
		out = append(out, c)
		l.at++
	}
	return name(out)
}

func (l *lexer) hex() object {
	var out text
	half, have := byte(0), false
	for l.at < len(l.data) {
		c := l.data[l.at]
		l.at++
		var digit byte
		switch {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c >= 'a' && c <= 'f':
			digit = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			digit = c - 'A' + 10
		case c == '>':
			if have {
				out = append(out, half<<4)
			}
			return out
		default:
			continue
		}
		if have {
			out = append(out, half<<4|digit)
		}
		half, have = digit, !have
	}
	return out
}

// literal reads a text in brackets, which may hold brackets.
func (l *lexer) literal() object {
	var out text
	for open := 1; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.at++
				return out
			}
		case '\\':
			l.at++
			if b, ok := l.escape(); ok {
				out = append(out, b)
			}
			continue
		}
		out = append(out, l.data[l.at])
	}
	return out
}

// escape reads what follows a backslash. It leaves at on the last byte read.
func (l *lexer) escape() (byte, bool) {
	if l.at >= len(l.data) {
		return 0, false
	}
	c := l.data[l.at]
	if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
		return "\n\r\t\b\f"[i], true
	}
	switch {
	case c == '\r':
		if l.peek(1) == '\n' {
			l.at++
		}
		return 0, false
	case c == '\n':
		return 0, false
	case c >= '0' && c <= '7':
		n := int(c - '0')
		for range 2 {
			if d := l.peek(1); d >= '0' && d <= '7' {
				n = n*8 + int(d-'0')
				l.at++
			}
		}
		return byte(n), true // more than a byte is cut, as the format says
	}
	return c, true
}

func (l *lexer) array(depth int) object {
	out := array{}
	for l.at < len(l.data) && depth < maxDepth && l.made < maxMembers {
		l.made++
		v := l.next(depth)
		if e, ok := v.(end); ok {
			if e == 0 || e == ']' {
				break
			}
			continue
		}
		out = append(out, v)
	}
	return out
}

func (l *lexer) dict(depth int) object {
	out := dict{}
	for l.at < len(l.data) && depth < maxDepth && l.made < maxMembers {
		l.made++
		key := l.next(depth)
		if e, ok := key.(end); ok {
			if e == 0 || e == '>' {
				break
			}
			continue
		}
		k, ok := key.(name)
		if !ok {
			if key == operator("endobj") || key == operator("stream") {
				break // an unclosed dictionary does not swallow the file
			}
			continue
		}
		v := l.next(depth)
		if e, ok := v.(end); ok {
			if e == 0 || e == '>' {
				break
			}
			continue
		}
		out[string(k)] = v
	}
	return out
}
