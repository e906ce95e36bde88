package indextest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
)

// vocabulary has words that share no stem, no prefix of two letters, and are far from each other.
func vocabulary() []string {
	return []string{"banjo", "cobalt", "dwarf", "ember", "fjord", "glyph", "haiku", "icicle", "jumbo", "krill", "lymph", "mambo"}
}

// model is the documents as a list.
type model map[string]*index.Document

func (m model) readable(a grant.Access) (list []*index.Document) {
	for _, d := range m {
		if a.Admits(d.Readers) {
			list = append(list, d)
		}
	}
	return list
}

func hasWord(d *index.Document, word string) bool {
	return slices.Contains(strings.Fields(d.Title+" "+d.Body), word)
}

// testModel makes random changes and asks random callers everything there is to ask.
func testModel(t *testing.T, b *bench) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	r := rand.New(rand.NewPCG(1, 2))
	m := model{}
	for range rounds {
		b.mutate(r, m)
		s := b.snapshot()
		for range 8 {
			a := randomAccess(r)
			b.checkSearch(r, s, m, a)
			b.checkWords(r, s, m, a)
		}
		b.close(s)
		if t.Failed() {
			return
		}
	}
}

func randomAccess(r *rand.Rand) grant.Access {
	switch r.IntN(12) {
	case 0:
		return grant.MintFullAccess()
	case 1:
		return grant.Access{}
	}
	var held []uint32
	for range r.IntN(5) {
		held = append(held, r.Uint32N(20))
	}
	return access(held...)
}

func pick(r *rand.Rand) string { return vocabulary()[r.IntN(len(vocabulary()))] }

// mutate changes some documents in the engine and in the model.
func (b *bench) mutate(r *rand.Rand, m model) {
	for range 1 + r.IntN(3) {
		var put []*index.Document
		for range r.IntN(12) {
			d := &index.Document{
				Key:   fmt.Sprintf("k%d", r.IntN(80)),
				Title: pick(r), Updated: int64(r.IntN(5)), Popularity: r.Float64(),
				Facets: map[string][]string{"type": {fmt.Sprintf("t%d", r.IntN(3))}},
			}
			var words []string
			for range r.IntN(8) {
				words = append(words, pick(r))
			}
			d.Body = strings.Join(words, " ")
			for range r.IntN(4) {
				d.Readers = append(d.Readers, r.Uint32N(20))
			}
			for range r.IntN(3) {
				d.Facets["tag"] = append(d.Facets["tag"], fmt.Sprintf("v%d", r.IntN(4)))
			}
			put = append(put, d)
			m[d.Key] = d
		}
		b.put(put...)
		var gone []string
		for range r.IntN(4) {
			gone = append(gone, fmt.Sprintf("k%d", r.IntN(80)))
			delete(m, gone[len(gone)-1])
		}
		b.remove(gone...)
	}
}

// checkSearch compares hits, total, facets and highlights with the model.
func (b *bench) checkSearch(r *rand.Rand, s index.Snapshot, m model, a grant.Access) {
	b.Helper()
	words := []string{pick(r), pick(r)}[:r.IntN(3)]
	kinds := []string{fmt.Sprintf("t%d", r.IntN(3)), fmt.Sprintf("t%d", r.IntN(3))}
	q := text(strings.Join(words, " "))
	q.Total, q.Highlight, q.Now = true, &index.Highlight{Size: 30, Number: 2}, 100
	q.Facets = []index.FacetRequest{{Field: "tag", Size: 10}, {Field: "type", Size: 10, Lift: true}}
	filtered := r.IntN(2) == 0
	if filtered {
		q.Filter = index.Has{Field: "type", Values: kinds}
	}
	want := []string{}
	tags, types := map[string]int{}, map[string]int{}
	for _, d := range m.readable(a) {
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return hasWord(d, w) }) {
			continue
		}
		types[d.Facets["type"][0]]++
		if filtered && !slices.Contains(kinds, d.Facets["type"][0]) {
			continue
		}
		want = append(want, d.Key)
		values := slices.Clone(d.Facets["tag"])
		slices.Sort(values)
		for _, tag := range slices.Compact(values) {
			tags[tag]++
		}
	}
	got := b.ask(s, a, q)
	found := keys(got)
	slices.Sort(found)
	slices.Sort(want)
	what := fmt.Sprintf("%q, filter %v, principals %v, everything %v", words, q.Filter, a.Principals(), a.Everything())
	b.equal("hits of "+what, want, found)
	b.equal("total of "+what, len(want), got.Total)
	b.equal("facets of "+what, []index.Facet{{Field: "tag", Buckets: buckets(tags)}, {Field: "type", Buckets: buckets(types)}}, got.Facets)
	for _, h := range got.Hits {
		b.sound(h)
		if d := m[h.Key]; h.Title.Text != d.Title || slices.ContainsFunc(h.Snippets, func(s index.Snippet) bool { return !strings.Contains(d.Body, s.Text) }) {
			b.Errorf("hit %s shows text of another document: %q %v", h.Key, h.Title.Text, h.Snippets)
		}
	}
}

func buckets(counts map[string]int) []index.Bucket {
	list := []index.Bucket{}
	for value, n := range counts {
		list = append(list, index.Bucket{Value: value, Count: n})
	}
	slices.SortFunc(list, func(a, b index.Bucket) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Value, b.Value)) })
	return list
}

// checkWords compares suggestions and spellings with the model.
func (b *bench) checkWords(r *rand.Rand, s index.Snapshot, m model, a grant.Access) {
	b.Helper()
	word := pick(r)
	known, titled, titles := false, 0, []string{}
	for _, d := range m.readable(a) {
		known = known || hasWord(d, word)
		if d.Title == word {
			titled++
			titles = append(titles, d.Key)
		}
	}
	spelt, err := s.Spell(b.Context(), a, index.SpellQuery{Words: []string{word, word + "x"}, Corrections: 5})
	if err != nil {
		b.Fatalf("Spell(%q) = %v", word, err)
	}
	var corrections []string
	if known {
		corrections = []string{word}
	}
	if spelt[0].Known != known || spelt[1].Known || !slices.Equal(spelt[1].Corrections, corrections) {
		b.Errorf("Spell(%q) by %v = %+v, want known %v", word, a.Principals(), spelt, known)
	}
	got, err := s.Suggest(b.Context(), a, index.SuggestQuery{Text: word[:3], Titles: 1000, Words: 10})
	if err != nil {
		b.Fatalf("Suggest(%q) = %v", word, err)
	}
	var suggested []string
	for _, title := range got.Titles {
		suggested = append(suggested, title.Key)
	}
	slices.Sort(suggested)
	slices.Sort(titles)
	wantWords := []index.WordSuggestion{}
	if titled > 0 {
		wantWords = append(wantWords, index.WordSuggestion{Word: word, Documents: titled})
	}
	if !slices.Equal(suggested, titles) || !slices.Equal(got.Words, wantWords) {
		b.Errorf("Suggest(%q) by %v = %v and %v, want %v and %v", word[:3], a.Principals(), suggested, got.Words, titles, wantWords)
	}
}

// testConcurrency changes documents while others ask: each answer is of one moment. Run with the race detector, it also
// shows that nothing is shared unguarded.
func testConcurrency(_ *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	// Every batch writes the same generation into all documents.
	write := func(generation int) {
		var docs []*index.Document
		for i := range 20 {
			docs = append(docs, doc(fmt.Sprintf("d%d", i), fmt.Sprintf("thing gen%d", generation), "body text"))
		}
		b.put(docs...)
	}
	write(0)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				b.readGeneration(ctx)
			}
		})
	}
	for generation := range 60 {
		write(generation + 1)
	}
	cancel()
	readers.Wait()
}

func (b *bench) readGeneration(ctx context.Context) {
	s, err := b.engine.Snapshot(ctx)
	if err != nil {
		b.Errorf("Snapshot() = %v", err)
		return
	}
	defer b.close(s)
	q := index.Query{Text: query.All{query.Word("thing")}, Size: 50, Total: true, Highlight: &index.Highlight{Size: 20, Number: 1}}
	r, err := s.Search(ctx, access(everyone), q)
	if err != nil {
		if ctx.Err() == nil {
			b.Errorf("Search() = %v", err)
		}
		return
	}
	if r.Total != 20 || len(r.Hits) != 20 {
		b.Errorf("a snapshot amid changes has %d of %d documents, want 20", len(r.Hits), r.Total)
		return
	}
	for _, h := range r.Hits {
		if h.Title.Text != r.Hits[0].Title.Text {
			b.Errorf("a snapshot mixes %q and %q", h.Title.Text, r.Hits[0].Title.Text)
			return
		}
	}
}
