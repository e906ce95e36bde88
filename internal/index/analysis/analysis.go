// Package analysis takes text apart into the terms that are indexed and sought, the same way for documents and
// for queries, in every engine that promises equal order.
//
// Its one idea is that a word is kept in two forms: its exact form (folded: lower case, no accents) always, and its stem
// in the text's language beside it. Compounds are kept whole and in parts: ABC-123, camelCase, wi-fi, ann@example.com. Scripts without
// spaces between words give pairs of characters. Words are found by UAX #29 and stemmed by Snowball. Engines, plan and highlight call it,
// and whoever compares values the way filters do (Fold).
package analysis

import (
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/segment"
)

// Version changes whenever the same text would give other terms: an index made with another version is built again.
const Version = 1

// Limits on the text of one field.
const (
	MaxWords = 1 << 18 // words; what lies behind is not searched
	MaxTerm  = 64      // bytes of a term; longer ones are cut
)

// Kind says what a token stands for.
type Kind uint8

// The kinds of token.
const (
	// Word is a word, or a pair of characters of a script without spaces.
	Word Kind = iota
	// Soft is a compound of ordinary words written together, such as wi-fi; its Span words follow.
	Soft
	// Hard is a compound that means something as a whole only, such as ABC-123 or userName; its Span words follow.
	Hard
	// Single is one character of a script without spaces, within a run that the pairs stand for too.
	Single
)

// Token is a term at its place in a text.
type Token struct {
	Kind Kind
	Term string // exact form
	Stem string // stem; "" for all but a Word that has one
	// Position counts words from 0. A compound has the position of its first word.
	Position int
	// Span is the number of words in a compound, and 1 for other kinds.
	Span int
	// Start and End are the bytes of the text.
	Start, End int
}

// Analyzer takes texts of one language apart. It may be used by many at once.
type Analyzer struct {
	stem   func(string) string // nil where the language has no stemmer
	elides bool                // l'avion is avion
	keeps  bool                // stems begin as their words do; see keepsBeginnings
}

// For returns the analyzer for a BCP 47 tag; an empty tag means English. A language without a stemmer keeps exact forms only.
func For(locale string) *Analyzer {
	lang := language(locale)
	stem := stemmer(lang)
	return &Analyzer{stem: stem, elides: lang == "fr" || lang == "it" || lang == "ca", keeps: stem == nil || keepsBeginnings(lang)}
}

// Tokens calls yield for each token of text, by position, compounds before their words. It stops when yield returns false.
// It returns the number of positions that it went through.
func (a *Analyzer) Tokens(text string, yield func(Token) bool) int {
	w := walker{a: a, text: text, yield: yield, forms: map[string]forms{}}
	return w.walk()
}

// Stem returns the stem of one word as written, or "".
func (a *Analyzer) Stem(word string) string {
	w := walker{a: a, forms: map[string]forms{}}
	return w.form(word).stem
}

type forms struct{ term, stem string }

// walker gathers segments into chains of words that are written together, and runs of scripts without spaces.
type walker struct {
	a        *Analyzer
	text     string
	wanted   *Beginnings // what words may begin with to be given; nil gives all
	yield    func(Token) bool
	forms    map[string]forms // what was already worked out, by the word as written
	position int
	done     bool

	chain      []span // the words of the present chain
	parts      []span // what the words of the chain are cut into
	chainEnd   int
	joiner     bool // a joiner stands behind the chain
	dense      int  // where the present run without spaces begins
	denseEnd   int
	denseCount int
}

type span struct{ start, end int }

// walk goes through the text and returns the number of positions.
func (w *walker) walk() int {
	segments(w.text, w.skip, func(start, end, kind int) bool {
		w.segment(start, end, kind)
		return !w.done
	})
	w.flush()
	return w.position
}

// segment takes in the next piece of text that UAX #29 finds.
func (w *walker) segment(start, end, kind int) {
	r, _ := utf8.DecodeRuneInString(w.text[start:end])
	switch {
	case isDense(r):
		w.flushChain()
		if w.denseCount == 0 {
			w.dense = start
		}
		w.denseEnd = end
		w.denseCount += utf8.RuneCountInString(w.text[start:end])
		return
	case kind != segment.None:
		w.flushDense()
		if len(w.chain) > 0 && !w.joiner {
			w.flushChain()
		}
		w.chain = append(w.chain, span{start, end})
		w.chainEnd, w.joiner = end, false
		return
	}
	w.flushDense()
	if len(w.chain) == 0 {
		return
	}
	if !w.joiner && end-start == 1 && (r == '-' || r == '@') && len(w.chain) < maxParts {
		w.joiner = true
		return
	}
	if w.symbol(end, r) {
		return
	}
	w.flushChain()
}

// symbol takes in the sign behind C++ and C#. UAX #29 gives the signs one by one.
func (w *walker) symbol(end int, r rune) bool {
	if len(w.chain) != 1 || w.joiner || w.chainEnd-w.chain[0].start > 2 {
		return false
	}
	if r == '#' && !w.alphanumericAt(end) {
		w.sign(end)
		return true
	}
	if r == '+' && end < len(w.text) && w.text[end] == '+' && !w.alphanumericAt(end+1) {
		w.sign(end + 1)
		return true
	}
	return false
}

func (w *walker) alphanumericAt(i int) bool {
	r, _ := utf8.DecodeRuneInString(w.text[i:])
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// sign gives the present word with its sign as a compound of one word, then the word.
func (w *walker) sign(end int) {
	word := w.chain[0]
	if w.form(w.text[word.start:word.end]).term == "" {
		return
	}
	w.emit(Token{Kind: Hard, Term: clip(Fold(w.text[word.start:end])), Span: 1, Start: word.start, End: end})
	w.flushChain()
}

func (w *walker) flush() {
	w.flushDense()
	w.flushChain()
}

func (w *walker) emit(t Token) {
	if w.done || w.position >= MaxWords {
		w.done = true
		return
	}
	t.Position = w.position
	w.done = !w.yield(t)
}

// word gives one plain word and moves on by one position.
func (w *walker) word(s span) {
	if !w.wants(s) {
		w.pass()
		return
	}
	f := w.form(w.text[s.start:s.end])
	if f.term == "" {
		return
	}
	w.emit(Token{Kind: Word, Term: f.term, Stem: f.stem, Span: 1, Start: s.start, End: s.end})
	w.position++
}

// flushDense gives a run of a script without spaces: each character, and each two neighbours.
func (w *walker) flushDense() {
	n := w.denseCount
	if n == 0 {
		return
	}
	run, at := w.text[w.dense:w.denseEnd], w.dense
	w.denseCount = 0
	for i := range n {
		_, first := utf8.DecodeRuneInString(run)
		_, second := utf8.DecodeRuneInString(run[first:])
		kind := Single
		if n == 1 {
			kind = Word
		}
		if i < n-1 {
			w.emit(Token{Kind: Word, Term: clip(Fold(run[:first+second])), Span: 1, Start: at, End: at + first + second})
		}
		w.emit(Token{Kind: kind, Term: clip(Fold(run[:first])), Span: 1, Start: at, End: at + first})
		w.position++
		run, at = run[first:], at+first
	}
}

// isDense reports whether r is of a script that puts no spaces between words, or, as Korean does, hangs
// endings on its words that no stemmer here knows.
func isDense(r rune) bool {
	return r >= 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
