package analysis

import "unicode/utf8"

// Beginnings are how the terms that somebody looks for begin, so that a Finder can tell from the first letters of a word that it is none of
// them. The zero value is of no terms.
type Beginnings struct {
	// second has, for each first byte of a word, a bit for each second one that a term goes on with.
	second [utf8.RuneSelf]uint32
}

// Add puts a term in: an exact form, a stem, or a prefix of exact forms.
func (b *Beginnings) Add(term string) {
	if term == "" || term[0] >= utf8.RuneSelf {
		return // no word of ASCII has such a form
	}
	bits := ^uint32(0) // a prefix or a stem of one letter says nothing of the second
	if len(term) > 1 {
		bits = 1 << slot(term[1])
	}
	first := term[0]
	b.second[first] |= bits
	if 'a' <= first && first <= 'z' {
		b.second[first-'a'+'A'] |= bits
	}
}

// has reports whether a word of ASCII letters and digits may have one of the terms as its exact form, its stem, or a prefix.
func (b *Beginnings) has(word string) bool {
	bits := b.second[word[0]]
	return bits != 0 && (len(word) == 1 || bits&(1<<slot(word[1])) != 0)
}

// slot is the bit of a second byte, the same for a capital letter as for a small one, and the same for i as for y, which stemmers
// exchange: dying is die. Other bytes may share a bit, for a word too many costs only time.
func slot(c byte) uint8 {
	if c &= 31; c == 'y'&31 {
		c = 'i' & 31
	}
	return c
}

// keepsBeginnings reports whether a stemmer leaves the first two letters of a word of ASCII as they are, but for an i in place of a y
// or a second letter that goes. These look for endings behind the first vowels only, or for letters of another script; a test tries
// every short word. Irish takes mutations off the front, Finnish and Turkish were found to change the second letter, Tamil was left out.
func keepsBeginnings(lang string) bool {
	switch lang {
	case "ar", "da", "de", "en", "es", "fr", "hu", "it", "nb", "nl", "nn", "no", "pt", "ro", "ru", "sv":
		return true
	}
	return false
}

// Finder goes through texts of one language for someone who looks for few terms. It remembers the words that it works out, so that it is for
// one query and one goroutine.
type Finder struct {
	analyzer *Analyzer
	wanted   *Beginnings
	forms    map[string]forms
}

// Finder returns a Finder of terms that begin as wanted says. Nil wants all.
func (a *Analyzer) Finder(wanted *Beginnings) *Finder {
	if !a.keeps {
		wanted = nil
	}
	return &Finder{a, wanted, map[string]forms{}}
}

// Tokens is Analyzer.Tokens, but that it may leave out tokens whose exact form and stem begin like none of what is wanted.
func (f *Finder) Tokens(text string, yield func(Token) bool) int {
	w := walker{a: f.analyzer, text: text, wanted: f.wanted, yield: yield, forms: f.forms}
	return w.walk()
}

// wants reports whether a word may be wanted. One that is not of ASCII alone may always.
func (w *walker) wants(s span) bool {
	if w.wanted == nil {
		return true
	}
	word := w.text[s.start:s.end]
	for i := range len(word) {
		if !alphanumeric(word[i]) {
			return true
		}
	}
	return w.wanted.has(word)
}

// wantsCompound is wants for a compound, whose second letter may stand behind a sign.
func (w *walker) wantsCompound(s span) bool {
	first := w.text[s.start]
	return w.wanted == nil || !alphanumeric(first) || w.wanted.second[first] != 0
}

// pass moves on by the position of a word that is not wanted.
func (w *walker) pass() {
	w.done = w.done || w.position >= MaxWords
	w.position++
}

// skip returns where the next segment begins that matters, at or behind the boundary at. It passes over what stands between words, and over
// plain words of ASCII that are not wanted. What might be part of something larger is for segment to see.
func (w *walker) skip(at int) int {
	if w.wanted == nil || len(w.chain) > 0 || w.denseCount > 0 {
		return at
	}
	text := w.text
	for at < len(text) {
		if !alphanumeric(text[at]) {
			end, _, ok := simple(text, at)
			if !ok {
				return at
			}
			at = end
			continue
		}
		end := at + 1
		for end < len(text) && ('a' <= text[end] && text[end] <= 'z' || '0' <= text[end] && text[end] <= '9') {
			end++
		}
		if w.wanted.has(text[at:end]) || !ends(text, end) {
			return at
		}
		if w.pass(); w.done {
			return len(text)
		}
		at = end
	}
	return at
}

// ends reports whether a word is over at end, whatever follows: neither UAX #29, nor a compound, a capital letter or a symbol goes on with it.
func ends(text string, end int) bool {
	if end == len(text) {
		return true
	}
	switch c := text[end]; {
	case c >= utf8.RuneSelf || 'A' <= c && c <= 'Z':
		return false
	case c == '_' || c == '-' || c == '@' || c == '#' || c == '+':
		return false
	case c == '.' || c == ':' || c == ',' || c == ';' || c == '\'':
		return !joins(text, end)
	}
	return true
}
