package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	end    tokenKind = iota
	open             // (
	closed           // )
	minus            // - directly before something
	run              // text without space
	quoted           // "text"
	field            // name:value or name:"text"
	lone             // a sign that means nothing where it stands
)

type token struct {
	kind   tokenKind
	text   string // without quotes
	name   string // of a field
	at     int    // where the token begins
	reason Reason // of a lone token
}

// scanner cuts a text into tokens.
type scanner struct {
	text string
	at   int
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func isQuote(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' || r == '‟' }

func endsRun(r rune) bool { return isSpace(r) || isQuote(r) || r == '(' || r == ')' }

func (s *scanner) next() token {
	s.at += len(s.text[s.at:]) - len(strings.TrimLeftFunc(s.text[s.at:], isSpace))
	begin := s.at
	rest := s.text[s.at:]
	if rest == "" {
		return token{kind: end, at: begin}
	}
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == '(':
		s.at += size
		return token{kind: open, text: "(", at: begin}
	case r == ')':
		s.at += size
		return token{kind: closed, text: ")", at: begin}
	case r == '-':
		s.at += len(rest) - len(strings.TrimLeft(rest, "-"))
		if after, _ := utf8.DecodeRuneInString(s.text[s.at:]); s.at == len(s.text) || isSpace(after) || after == ')' {
			return token{kind: lone, text: "-", at: begin, reason: Empty}
		}
		return token{kind: minus, text: "-", at: begin}
	case isQuote(r):
		text, ok := s.quote()
		if !ok {
			s.at += size
			return token{kind: lone, text: rest[:size], at: begin, reason: Dangling}
		}
		if text == "" {
			return token{kind: lone, text: s.text[begin:s.at], at: begin, reason: Empty}
		}
		return token{kind: quoted, text: text, at: begin}
	}
	return s.word(begin)
}

// word reads a run of text, or an operator with its value.
func (s *scanner) word(begin int) token {
	rest := s.text[begin:]
	n := strings.IndexFunc(rest, endsRun)
	if n < 0 {
		n = len(rest)
	}
	text := rest[:n]
	s.at += n
	name, value, found := strings.Cut(text, ":")
	if !found || !isName(name) {
		return token{kind: run, text: text, at: begin}
	}
	if value == "" {
		before := s.at
		if after, _ := utf8.DecodeRuneInString(s.text[s.at:]); !isQuote(after) {
			return token{kind: run, text: text, at: begin}
		}
		value, ok := s.quote()
		if !ok {
			s.at = before
			return token{kind: run, text: text, at: begin}
		}
		if value == "" {
			return token{kind: lone, text: s.text[begin:s.at], at: begin, reason: Empty}
		}
		return token{kind: field, name: strings.ToLower(name), text: value, at: begin}
	}
	if !isBareValue(value) {
		return token{kind: run, text: text, at: begin}
	}
	return token{kind: field, name: strings.ToLower(name), text: value, at: begin}
}

// quote reads the text between two quotes and evens out its space. A backslash before a quote or a backslash takes it literally;
// before anything else it is one, and so it is where no second quote would be left: "C:\temp\". Without a second quote it reads nothing.
func (s *scanner) quote() (string, bool) {
	_, size := utf8.DecodeRuneInString(s.text[s.at:])
	inside := s.text[s.at+size:]
	var text strings.Builder
	for i := 0; i < len(inside); {
		r, width := utf8.DecodeRuneInString(inside[i:])
		if isQuote(r) {
			s.at += size + i + width
			return strings.Join(strings.FieldsFunc(text.String(), isSpace), " "), true
		}
		if r == '\\' {
			if next, wide := utf8.DecodeRuneInString(inside[i+width:]); next == '\\' || isQuote(next) {
				text.WriteString(inside[i+width : i+width+wide])
				i += width + wide
				continue
			}
		}
		text.WriteString(inside[i : i+width])
		i += width
	}
	n := strings.IndexFunc(inside, isQuote)
	if n < 0 {
		return "", false
	}
	_, closing := utf8.DecodeRuneInString(inside[n:])
	s.at += size + n + closing
	return strings.Join(strings.FieldsFunc(inside[:n], isSpace), " "), true
}

// isName reports whether an operator can be called so: letters of any script first, then digits, "-" and "_" too.
func isName(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && r != '-' && r != '_') {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 64
}

// isBareValue reports whether a value without quotes makes an operator: http://host and std::vector are words.
func isBareValue(s string) bool {
	return s != "" && !strings.ContainsFunc(s, endsRun) && s[0] != ':' && s[0] != '/' && s[0] != '\\'
}
