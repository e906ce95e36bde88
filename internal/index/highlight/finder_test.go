package highlight

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/query"
)

// both marks texts with a Finder that leaves out what is not wanted, kept for all of them, and with one that looks at every word,
// and fails where they differ.
type both struct {
	marker     Marker
	text       string
	fast, slow *analysis.Finder
}

func newBoth(text string, locale string, languages ...string) both {
	wants, begin := plan.New(query.Parse(text).Root, languages).Wants()
	weight := func(g int) float64 { return 1 / float64(1+g) }
	return both{Marker{wants, weight}, text, analysis.For(locale).Finder(begin), analysis.For(locale).Finder(nil)}
}

func (b both) compare(t *testing.T, text string, size, number int) (marks int) {
	t.Helper()
	fast, slow := b.marker.Mark(b.fast, text), b.marker.Mark(b.slow, text)
	if d := cmp.Diff(slow, fast); d != "" {
		t.Fatalf("Mark of %q (-every word +some):\n%s", b.text, d)
	}
	var pieces, all []index.Snippet = b.marker.Snippets(b.fast, text, size, number), b.marker.Snippets(b.slow, text, size, number)
	if d := cmp.Diff(all, pieces); d != "" {
		t.Fatalf("Snippets of %q (-every word +some):\n%s", b.text, d)
	}
	return len(fast.Ranges)
}

// TestFinderOnDemo marks the sample company's documents for its own queries, and for words of the documents.
func TestFinderOnDemo(t *testing.T) {
	company, err := demo.Company(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 7))
	queries := []string{"dep* sta*", `"time series" -gateway`, "wi-fi HW-2207 3.1", "(relay OR sensor) dying", "a", "y*"}
	for _, e := range demo.Examples() {
		queries = append(queries, e.Query)
	}
	for range 20 {
		words := strings.Fields(company.Documents[random.IntN(len(company.Documents))].Body)
		at := random.IntN(len(words))
		queries = append(queries, strings.Join(words[at:min(len(words), at+1+random.IntN(4))], " "))
	}
	marks := 0
	for _, q := range queries {
		b := newBoth(q, "en")
		for _, d := range company.Documents {
			marks += b.compare(t, d.Title, 100, 1) + b.compare(t, d.Body, 300, 3)
		}
	}
	if marks < 1000 {
		t.Errorf("%d places marked in all, want a thousand at least", marks)
	}
}

// TestFinderOnRandomTexts does so with what words and signs can make, in several languages.
func TestFinderOnRandomTexts(t *testing.T) {
	words := strings.Fields("run running runs Run RUN ran skies sky dying die day days y yes by being l'avion d'eau naïve café déjà Häuser Haus " +
		"straße wi-fi ABC-123 userName HTTPServer foo_bar a.b 3.5 1,000 v2 C++ C# F# x@y.example don't Ann’s 東京都 한국어 สวัส 🚀 \xff a b 1 é\u0301 ngy kkiy ebe")
	between := []string{" ", " ", " ", ", ", ". ", "-", "'", "", "@", "\r\n", "_", "\u00a0", "…", ":", "+"}
	random := rand.New(rand.NewPCG(5, 5))
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(words[random.IntN(len(words))] + between[random.IntN(len(between))])
		}
		return b.String()
	}
	locales := strings.Fields("en de fr fi ga tr hu it xx")
	for range 3000 {
		locale := locales[random.IntN(len(locales))]
		newBoth(text(1+random.IntN(4)), locale, locale).compare(t, text(random.IntN(60)), 1+random.IntN(80), 1+random.IntN(4))
	}
	long := strings.Repeat("run y-day ", 2*maxMatches)
	newBoth("day run", "en").compare(t, long, 200, 5)
}
