package analysis

import (
	"strings"
	"testing"

	"github.com/blevesearch/segment"
)

// FuzzSegments holds the fast way of cutting to the general one. Only words matter: what lies between them may be cut differently.
func FuzzSegments(f *testing.F) {
	for _, seed := range []string{
		"plain words, here. And 3.5 or 1,000; it's a_b c: d:e f.g", "a\u0301 b \u0301c d.\u0301e", "x\r\ny \u200d z", "1.a a.1 _a a_ a._b", "日 a. é",
		"a\xffb", "a'b' 'c", "A\u00adb c\u200b", "x- -y a@b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var fast, general []string
		collect := func(list *[]string) func(int, int, int) bool {
			return func(start, end, kind int) bool {
				r := []rune(text[start:end])
				if kind != segment.None || isDense(r[0]) {
					*list = append(*list, text[start:end])
				}
				return true
			}
		}
		segments(text, func(at int) int { return at }, collect(&fast))
		whole(text, collect(&general))
		if a, b := strings.Join(fast, "|"), strings.Join(general, "|"); a != b {
			t.Fatalf("segments(%q) =\n%s, in general\n%s", text, a, b)
		}
	})
}

func whole(text string, yield func(start, end, kind int) bool) { general(text, 0, yield) }
