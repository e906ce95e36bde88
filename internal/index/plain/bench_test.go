package plain

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
)

// sample makes documents of some 150 words, with words as frequent as they are in natural texts.
func sample(n int) []index.Change {
	r := rand.New(rand.NewPCG(3, 4))
	zipf := rand.NewZipf(r, 1.1, 4, 20000)
	text := func(words int) string {
		var b strings.Builder
		for range words {
			fmt.Fprintf(&b, "word%d ", zipf.Uint64())
		}
		return b.String()
	}
	changes := make([]index.Change, n)
	for i := range changes {
		key := fmt.Sprintf("wiki/page/%05d", i)
		changes[i] = index.Change{Position: int64(i + 1), Key: key, Document: &index.Document{
			Key: key, Title: text(5), Body: text(150), Path: text(3), Updated: int64(i) * 1000, Readers: []uint32{r.Uint32N(100), r.Uint32N(100)},
			Facets: map[string][]string{"datasource": {fmt.Sprint(r.IntN(8))}, "type": {fmt.Sprint(r.IntN(12))}},
		}}
	}
	return changes
}

func filled(b *testing.B, n int) index.Snapshot {
	b.Helper()
	e := New()
	if err := e.Apply(b.Context(), index.Batch{Incarnation: "bench", Changes: sample(n), Through: int64(n)}); err != nil {
		b.Fatal(err)
	}
	s, err := e.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkSearch(b *testing.B) {
	var held []uint32
	for i := range uint32(50) {
		held = append(held, i*2)
	}
	access := grant.MintAccess(held, "bench")
	facets := []index.FacetRequest{{Field: "datasource", Size: 10}, {Field: "type", Size: 10}}
	for _, n := range []int{600, 5000} {
		s := filled(b, n)
		for _, c := range []struct {
			name string
			q    index.Query
		}{
			{"words", index.Query{Text: query.Parse("word3 word40 word700").Root, Size: 10}},
			{"facets+highlights", index.Query{
				Text: query.Parse("word3 word40 word700").Root, Size: 10, Total: true, Facets: facets, Highlight: &index.Highlight{Size: 200, Number: 2},
			}},
			{"phrase", index.Query{Text: query.Parse(`"word3 word4"`).Root, Size: 10}},
			{"prefix", index.Query{Text: query.Parse("word12*").Root, Size: 10}},
			{"recent", index.Query{Size: 10, Total: true, Facets: facets}},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Search(b.Context(), access, c.q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("%d/suggest", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Suggest(b.Context(), access, index.SuggestQuery{Text: "word3 word1", Titles: 5, Words: 5}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d/spell", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Spell(b.Context(), access, index.SpellQuery{Words: []string{"wrod1234"}, Corrections: 3}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApply puts documents into a filled engine one by one.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{600, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := New()
			changes := sample(n)
			if err := e.Apply(b.Context(), index.Batch{Incarnation: "bench", Changes: changes, Through: int64(n)}); err != nil {
				b.Fatal(err)
			}
			at := int64(n)
			for b.Loop() {
				at++
				c := changes[at%int64(n)]
				c.Position = at
				if err := e.Apply(b.Context(), index.Batch{Incarnation: "bench", Changes: []index.Change{c}, Through: at}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
