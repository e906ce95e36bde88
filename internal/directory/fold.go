package directory

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold takes away case, accents and the strokes and ties of Latin letters, as people type names.
func fold(text string) string {
	if ascii(text) {
		return strings.ToLower(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		switch r = unicode.ToLower(r); {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
		case bare[r] != "":
			b.WriteString(bare[r])
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// bare is how letters without a decomposition are written where the keyboard lacks them.
var bare = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'ħ': "h", 'ı': "i", 'ς': "σ",
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// folds reports whether text folds to want, which is folded.
func folds(text, want string) bool {
	if ascii(text) {
		return len(text) == len(want) && strings.EqualFold(text, want) && ascii(want)
	}
	return fold(text) == want
}

// splitWords folds text and cuts it at everything that is neither letter nor digit. An address
// stays whole.
func splitWords(text string) []string {
	var words []string
	for _, part := range strings.Fields(fold(text)) {
		if strings.Contains(part, "@") {
			words = append(words, part)
			continue
		}
		words = append(words, strings.FieldsFunc(part, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return words
}

// nameWords are the words of a name, and what a name written with a hyphen or an apostrophe is without it.
func nameWords(name string) []string {
	words := splitWords(name)
	for _, part := range strings.Fields(fold(name)) {
		if inner := splitWords(part); len(inner) > 1 {
			words = append(words, strings.Join(inner, ""))
		}
	}
	return words
}

// wordLine joins words so that " "+w is in the line where a word begins with w, and " "+w+" " where
// one is w. Repeated words stand in it once.
func wordLine(words []string) string {
	seen := make(map[string]bool, len(words))
	var b strings.Builder
	for _, w := range words {
		if w == "" || seen[w] {
			continue
		}
		seen[w] = true
		b.WriteByte(' ')
		b.WriteString(w)
	}
	if b.Len() == 0 {
		return ""
	}
	b.WriteByte(' ')
	return b.String()
}
