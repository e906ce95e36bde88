// Package similar turns a document's text into a question for documents like it.
//
// Its one idea is that the question is words: those that stand often in the document, and seldom in what the caller can
// see. It is asked like any other, so permissions, filters and explanations hold for it as they are; no engine has to know of
// likeness. The search room calls it.
package similar

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/query"
)

// What decides how well the question finds what is alike, as TestLikeness measures it. Of 12 to 80 words, 20 do best over its
// four collections; more candidates than twice to three times as many gain nothing.
const (
	// MaxWords is how many words the question has.
	MaxWords = 20
	// candidates is how many words are counted to choose these from.
	candidates = 60
	// titleWeight is what a word of the title counts against one of the text.
	titleWeight = 4
	// saturation is how quickly repeating a word stops to count. It is slower than in ranking: what a text says often it is about.
	saturation = 2.5
)

// maxText bounds the text that is read, in bytes. A document says what it is about well before.
const maxText = 64 << 10

// minLetters is how long a word is at least. Shorter ones are mostly parts of something else.
const minLetters = 3

// Text is what is known of a document.
type Text struct {
	Title, Body string
	Tags        []string
	// Languages are BCP 47 tags; the first says how the text is taken apart.
	Languages []string
}

// Count says how many documents the caller can see that have a word.
type Count func(ctx context.Context, word string) (int, error)

// Question returns the words to ask for, in the order of the text. It is empty where the text has no word that another
// document can be found by. Total is how many documents the caller can see.
func Question(ctx context.Context, text Text, total int, count Count) (query.All, error) {
	var chosen []candidate
	for _, w := range frequent(text) {
		n, err := count(ctx, w.word)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		frequency := w.weight * (saturation + 1) / (w.weight + saturation)
		// The root, since rarity counts once more when the question is asked: the rarest words are often accidents.
		w.weight = frequency * math.Sqrt(math.Log(1+(float64(max(total-n, 0))+0.5)/(float64(n)+0.5)))
		chosen = append(chosen, w)
	}
	slices.SortStableFunc(chosen, heavier)
	var words query.All
	chosen = chosen[:min(len(chosen), MaxWords)]
	// In the order of the text, words that follow each other there count as pairs.
	slices.SortFunc(chosen, func(a, b candidate) int { return cmp.Compare(a.place, b.place) })
	for _, w := range chosen {
		words = append(words, query.Word(w.word))
	}
	return words, nil
}

// candidate is a word in the forms in which it stands in the text.
type candidate struct {
	word   string // the form that stands there most often
	most   int
	weight float64
	place  int // of its first occurrence
}

func heavier(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.place, b.place))
}

// frequent returns the words that weigh most by how often and where they stand.
func frequent(text Text) []candidate {
	var locale string
	if len(text.Languages) > 0 {
		locale = text.Languages[0]
	}
	a := analysis.For(locale)
	found, forms := map[string]*candidate{}, map[string]int{}
	place := 0
	read := func(part string, weight float64) {
		a.Tokens(cut(part), func(t analysis.Token) bool {
			place++
			if t.Kind == analysis.Soft || t.Kind == analysis.Single || !telling(t, text.Languages) {
				return true
			}
			name := t.Stem
			if name == "" {
				name = t.Term
			}
			c := found[name]
			if c == nil {
				c = &candidate{place: place}
				found[name] = c
			}
			c.weight += weight
			if forms[t.Term]++; forms[t.Term] > c.most {
				c.word, c.most = t.Term, forms[t.Term]
			}
			return true
		})
	}
	read(text.Title, titleWeight)
	for _, tag := range text.Tags {
		read(tag, 1)
	}
	read(text.Body, 1)
	list := make([]candidate, 0, len(found))
	for _, c := range found {
		list = append(list, *c)
	}
	slices.SortFunc(list, heavier)
	return list[:min(len(list), candidates)]
}

// telling reports whether a word can say what a text is about.
func telling(t analysis.Token, languages []string) bool {
	if analysis.IsStopWord(t.Term, languages) {
		return false
	}
	letters, digits := 0, 0
	for _, r := range t.Term {
		letters++
		if unicode.IsDigit(r) {
			digits++
		}
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
			return true // written without spaces, a pair of characters is a word
		}
	}
	return letters >= minLetters && digits < letters
}

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText]
	for i := range utf8.UTFMax {
		if utf8.RuneStart(text[len(text)-1-i]) {
			return text[:len(text)-1-i]
		}
	}
	return text
}
