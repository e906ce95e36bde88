package analysis

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// locales are all that have a stemmer, and two that have none.
var locales = strings.Fields("ar da de en es fi fr ga hu it nb nl pt ro ru sv ta tr ca xx")

// TestKeepsBeginnings tries what a Finder relies on, on every word of up to four letters, and on longer ones with the endings that
// stemmers look for.
func TestKeepsBeginnings(t *testing.T) {
	var words []string
	level := []string{""}
	for range 4 {
		var next []string
		for _, w := range level {
			for c := byte('a'); c <= 'z'; c++ {
				next = append(next, w+string(c))
			}
		}
		words, level = append(words, next...), next
	}
	if testing.Short() {
		words = words[:26*27*27]
	}
	random := rand.New(rand.NewPCG(1, 2))
	endings := strings.Fields("s es ed ing ly ies ied y ation ement ment aux euse erons iez issait heid lijk en ern e er est lich keit ung isch " +
		"ando endo iendo aremos zione amente mente idade ar ir or hed ende erne ssa ssä lla tta minen")
	for _, w := range words[:26*27*27] {
		words = append(words, w+endings[random.IntN(len(endings))], w+endings[random.IntN(len(endings))]+endings[random.IntN(len(endings))])
	}
	for _, locale := range locales {
		a := For(locale)
		if !a.keeps || a.stem == nil {
			continue
		}
		for _, word := range words {
			stem := Fold(a.stem(word))
			var b Beginnings
			if b.Add(stem); stem != "" && !b.has(word) {
				t.Errorf("in %s the stem of %q is %q, which begins otherwise", locale, word, stem)
				break
			}
		}
	}
}

// FuzzFind holds a Finder to Tokens: what it is asked for must be the same.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"plain words, here. And 3.5 or 1,000; it's a_b c: d:e f.g", "wi-fi at wi- fi and user@example.com, C++ c# d#1 D+ userName HTTPServer iPhone",
		"The stations' y dying lay café déjà-vu naïve’s 東京abc 1a a1 x\r\ny", strings.Repeat("running ", 20),
	} {
		for _, wanted := range []string{"words", "fi d c 1", "die café user", "run abc y"} {
			f.Add("en", wanted, "fir", seed)
		}
	}
	f.Fuzz(func(t *testing.T, locale, wanted, prefix, text string) {
		a := For(locale)
		terms := map[string]bool{}
		var begin Beginnings
		add := func(term string) {
			terms[term] = true
			begin.Add(term)
		}
		a.Tokens(wanted, func(tok Token) bool {
			add(tok.Term)
			add(tok.Stem)
			return true
		})
		if prefix = Fold(prefix); prefix != "" {
			begin.Add(prefix)
		}
		gather := func(list *[]Token) func(Token) bool {
			return func(tok Token) bool {
				if terms[tok.Term] || tok.Stem != "" && terms[tok.Stem] || prefix != "" && strings.HasPrefix(tok.Term, prefix) {
					*list = append(*list, tok)
				}
				return true
			}
		}
		var found, all []Token
		n, m := a.Finder(&begin).Tokens(text, gather(&found)), a.Tokens(text, gather(&all))
		if d := cmp.Diff(all, found); d != "" || n != m {
			t.Fatalf("Find(%q, %q) = %d, Tokens %d (-Tokens +Find):\n%s", text, wanted, n, m, d)
		}
	})
}

func TestFindBounds(t *testing.T) {
	var begin Beginnings
	begin.Add("last")
	text := strings.Repeat("x ", MaxWords-1) + "last last"
	words := 0
	count := For("en").Finder(&begin).Tokens(text, func(Token) bool { words++; return true })
	if want := For("en").Tokens(text, func(Token) bool { return true }); words != 1 || count != want {
		t.Errorf("Find in a long text gave %d words and %d, want 1 and %d", words, count, want)
	}
	text = strings.Repeat("x ", MaxWords+10)
	if n, m := For("en").Finder(&begin).Tokens(text, nil), For("en").Tokens(text, func(Token) bool { return true }); n != m {
		t.Errorf("Find of a long text = %d, Tokens %d", n, m)
	}
}

func BenchmarkFind(b *testing.B) {
	text := strings.Repeat("The quick deployments of our search service were running in the eu-west-1 region. ", 100)
	a := For("en")
	var begin Beginnings
	begin.Add("deploy")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		a.Finder(&begin).Tokens(text, func(Token) bool { return true })
	}
}
