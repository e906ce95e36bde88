package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which words and values are compared: lower case, without accents, with compatible forms made one
// (full width letters, ligatures), and without space around it. Folding twice is folding once.
func Fold(s string) string {
	s = strings.TrimSpace(s)
	if lowered, ok := foldASCII(s); ok {
		return lowered
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(s))) {
		switch {
		case 0x300 <= r && r <= 0x36F:
			// An accent: leave it out.
		case unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			// Marks of direction, soft hyphens and the like are not seen.
		default:
			writeBare(&b, unicode.ToLower(r))
		}
	}
	return strings.TrimSpace(norm.NFC.String(b.String()))
}

// foldASCII folds a string of ASCII only.
func foldASCII(s string) (string, bool) {
	upper := false
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
		upper = upper || 'A' <= s[i] && s[i] <= 'Z'
	}
	if upper {
		return strings.ToLower(s), true
	}
	return strings.Clone(s), true
}

// writeBare writes a letter that has no decomposition in the way that people write it without its stroke or tie.
func writeBare(b *strings.Builder, r rune) {
	switch r {
	case 'ß':
		b.WriteString("ss")
	case 'æ':
		b.WriteString("ae")
	case 'œ':
		b.WriteString("oe")
	case 'þ':
		b.WriteString("th")
	case 'ø':
		b.WriteByte('o')
	case 'đ', 'ð':
		b.WriteByte('d')
	case 'ł':
		b.WriteByte('l')
	case 'ħ':
		b.WriteByte('h')
	case 'ı':
		b.WriteByte('i')
	case 'ς':
		b.WriteRune('σ')
	default:
		b.WriteRune(r)
	}
}

// HasWordPrefix reports whether value, or a word in it, begins with prefix. Both are folded already.
func HasWordPrefix(value, prefix string) bool {
	inWord := false
	for i, r := range value {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
		if (i == 0 || letter && !inWord) && strings.HasPrefix(value[i:], prefix) {
			return true
		}
		inWord = letter
	}
	return prefix == ""
}
