package analysis

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxParts is the number of words up to which things written together count as a compound.
const maxParts = 8

// flushChain gives the words of the present chain, after the compound that they make.
func (w *walker) flushChain() {
	if len(w.chain) == 0 {
		return
	}
	w.parts = w.parts[:0]
	hard := false
	for _, word := range w.chain {
		if w.split(word) {
			hard = true
		}
	}
	if len(w.parts) == 1 {
		w.chain, w.joiner = w.chain[:0], false
		w.word(w.parts[0])
		return
	}
	parts := slices.DeleteFunc(w.parts, w.isEmpty)
	whole := span{w.chain[0].start, w.chainEnd}
	w.chain, w.joiner = w.chain[:0], false
	if len(parts) > 1 && len(parts) <= maxParts && w.wantsCompound(whole) {
		text := w.text[whole.start:whole.end]
		digits := strings.ContainsFunc(text, unicode.IsDigit)
		kind := Soft
		if hard || digits || strings.Contains(text, "@") {
			kind = Hard
		}
		w.emit(Token{Kind: kind, Term: clip(Fold(joined(text, digits))), Span: len(parts), Start: whole.start, End: whole.end})
	}
	for _, part := range parts {
		w.word(part)
	}
}

// isEmpty reports whether nothing is left of a word but signs that are not seen.
func (w *walker) isEmpty(s span) bool {
	return !alphanumeric(w.text[s.start]) && w.form(w.text[s.start:s.end]).term == ""
}

// joined leaves the signs out of a compound; a point between digits means something and stays.
func joined(text string, digits bool) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '.' && digits {
			return r
		}
		return -1
	}, text)
}

// split adds to parts a word of UAX #29, cut at the signs within it and where a small letter meets a capital one. It reports
// whether the word was written like a name for machines: foo_bar, example.com, userName.
func (w *walker) split(word span) (hard bool) {
	start, previous, before := word.start, rune(0), rune(0)
	cut := func(end int) {
		if end > start {
			w.parts = append(w.parts, span{start, end})
		}
	}
	for i, r := range w.text[word.start:word.end] {
		at := word.start + i
		switch {
		case isApostrophe(r):
			// Stays within the word; form takes it out.
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			cut(at)
			start = at + utf8.RuneLen(r)
			hard = hard || r == '_' || r == '.'
		case unicode.IsUpper(r) && unicode.IsLower(previous):
			cut(at)
			start, hard = at, true
		case unicode.IsLower(r) && unicode.IsUpper(previous) && unicode.IsUpper(before):
			// The last capital of several begins the next word: HTTPServer.
			last := at - utf8.RuneLen(previous)
			cut(last)
			start, hard = last, true
		}
		before, previous = previous, r
	}
	cut(word.end)
	return hard
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' || r == 'ʼ' }

// form works out the exact form and the stem of a word.
func (w *walker) form(raw string) forms {
	if f, known := w.forms[raw]; known {
		return f
	}
	word := raw
	if strings.ContainsFunc(word, isApostrophe) {
		word = w.a.apostrophe(word)
	}
	f := forms{term: clip(Fold(word))}
	if w.a.stem != nil && f.term != "" && len(word) <= MaxTerm && !strings.ContainsFunc(word, unicode.IsDigit) {
		f.stem = clip(Fold(w.a.stem(strings.ToLower(word))))
	}
	w.forms[raw] = f
	return f
}

// apostrophe takes apostrophes out of a word, with the 's behind it, and with the article before it where the language elides.
func (a *Analyzer) apostrophe(word string) string {
	parts := strings.FieldsFunc(word, isApostrophe)
	if n := len(parts); n > 1 && strings.EqualFold(parts[n-1], "s") {
		parts = parts[:n-1]
	}
	if a.elides && len(parts) == 2 && utf8.RuneCountInString(parts[0]) <= 2 {
		parts = parts[1:]
	}
	return strings.Join(parts, "")
}

// clip cuts a term to MaxTerm.
func clip(term string) string {
	if len(term) <= MaxTerm {
		return term
	}
	cut := MaxTerm
	for !utf8.RuneStart(term[cut]) {
		cut--
	}
	return term[:cut]
}
