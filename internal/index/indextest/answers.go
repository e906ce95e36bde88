package indextest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/index"
)

func testCursors(_ *testing.T, b *bench) {
	for i := range 137 {
		// Many equal scores and times, so that pages end among them.
		d := doc(fmt.Sprintf("k%03d", i*7919%1000), "thing", strings.Repeat("thing ", i%5))
		d.Updated = int64(i % 4)
		b.put(d)
	}
	s := b.snapshot()
	defer b.close(s)
	for _, order := range []index.Sort{index.ByRelevance, index.ByNewest, index.ByOldest, index.ByKey} {
		for _, words := range []string{"thing", ""} {
			q := text(words)
			q.Sort, q.Size, q.Now, q.Total = order, 1000, 1000, true
			whole := b.ask(s, access(everyone), q)
			if len(whole.Hits) != 137 || whole.Next != nil {
				b.Fatalf("order %d: one page has %d of 137, next %v", order, len(whole.Hits), whole.Next)
			}
			for _, size := range []int{1, 10, 136, 137} {
				q.Size, q.After, q.Now = size, nil, 1000
				var got []string
				for range 200 {
					r := b.ask(s, access(everyone), q)
					got = append(got, keys(r)...)
					if r.Total != 137 {
						b.Fatalf("order %d: total %d on a later page, want 137", order, r.Total)
					}
					if q.After = r.Next; r.Next == nil {
						break
					}
					if len(r.Hits) != size {
						b.Fatalf("order %d: a page of %d that goes on, want %d", order, len(r.Hits), size)
					}
					q.Now = 5 // the cursor's own moment counts
				}
				if !slices.Equal(got, keys(whole)) {
					b.Errorf("order %d, words %q: pages of %d differ from one page:\n%v\n%v", order, words, size, got, keys(whole))
				}
			}
		}
	}
}

// testStatistics checks that scores are those of the live documents, however often others came and went.
func testStatistics(_ *testing.T, b *bench) {
	scores := func() map[string]float64 {
		m := map[string]float64{}
		for _, words := range []string{"plan travel", "plan*", `"travel plan"`} {
			for _, h := range b.search(access(everyone), text(words)).Hits {
				m[words+" "+h.Key] = h.Score
			}
		}
		return m
	}
	docs := []*index.Document{doc("a", "travel plan", "a plan to travel"), doc("b", "plan", "travel by train"), doc("c", "other", "planned")}
	b.put(docs...)
	want := scores()
	for i := range 30 {
		key := fmt.Sprintf("x%d", i)
		b.put(doc(key, "travel planning", strings.Repeat("travel plan ", i)), docs[i%3])
		b.put(doc(key, "travel", ""))
		b.remove(key)
	}
	got := scores()
	if len(got) != len(want) {
		b.Fatalf("scores %v, want %v", got, want)
	}
	for key, score := range want {
		if math.Abs(got[key]-score) > 1e-5 {
			b.Errorf("score of %q = %v after others came and went, want %v", key, got[key], score)
		}
	}
}

func testHighlights(_ *testing.T, b *bench) {
	hidden := doc("hidden", "budget secret", "The budget secret.")
	hidden.Readers = []uint32{99}
	b.put(doc("a", "The budget of Zürich", strings.Repeat("Filler goes on here. ", 30)+"A budgét was set for 2026. "+strings.Repeat("More of it. ", 30)), hidden)
	q := text("budgets zurich -filling")
	q.Highlight = &index.Highlight{Size: 60, Number: 2}
	r := b.search(access(everyone), q)
	if len(r.Hits) != 1 {
		b.Fatalf("%d hits, want 1", len(r.Hits))
	}
	h := r.Hits[0]
	b.sound(h)
	b.equal("title ranges", []index.Range{{Start: 4, End: 10}, {Start: 14, End: 21}}, h.Title.Ranges)
	if len(h.Snippets) != 1 || !strings.Contains(h.Snippets[0].Text, "A budgét was set") || utf8.RuneCountInString(h.Snippets[0].Text) > 60 {
		b.Errorf("snippets %v", h.Snippets)
	}
	q.Highlight = nil
	if h := b.search(access(everyone), q).Hits[0]; h.Title.Text != "" || h.Snippets != nil {
		b.Errorf("highlights %v that nobody asked for", h)
	}
}

// sound checks that the ranges of a hit are in order, apart, within their texts and on boundaries of runes.
func (b *bench) sound(h index.Hit) {
	b.Helper()
	texts := []index.Marked{h.Title}
	for _, s := range h.Snippets {
		texts = append(texts, s.Marked)
	}
	for _, m := range texts {
		end := -1
		for _, r := range m.Ranges {
			if r.Start <= end || r.End <= r.Start || r.End > len(m.Text) || !utf8.RuneStart(m.Text[r.Start]) ||
				r.End < len(m.Text) && !utf8.RuneStart(m.Text[r.End]) {
				b.Errorf("hit %s: ranges %v of %.80q", h.Key, m.Ranges, m.Text)
				return
			}
			end = r.End
		}
	}
}

func testSuggest(_ *testing.T, b *bench) {
	hidden := doc("hidden", "Deploy the secret deployer", "")
	hidden.Readers = []uint32{99}
	guide := doc("guide", "Deployment guide for search", "deplorable")
	guide.Tags = []string{"depot"}
	search := doc("search", "Search depth", "")
	search.Facets = map[string][]string{"type": {"wiki"}}
	gone := doc("gone", "Depression", "")
	b.put(hidden, guide, search, gone)
	b.remove("gone")
	s := b.snapshot()
	defer b.close(s)
	suggest := func(q index.SuggestQuery) ([]string, []index.WordSuggestion) {
		b.Helper()
		answer, err := s.Suggest(b.Context(), access(everyone), q)
		if err != nil {
			b.Fatalf("Suggest(%q) = %v", q.Text, err)
		}
		list := []string{}
		for _, title := range answer.Titles {
			list = append(list, title.Key)
			b.sound(index.Hit{Key: title.Key, Title: title.Title})
		}
		slices.Sort(list)
		return list, answer.Words
	}
	titles, words := suggest(index.SuggestQuery{Text: "dep", Titles: 5, Words: 5})
	b.equal("titles for dep", []string{"guide", "search"}, titles)
	b.equal("words for dep", []index.WordSuggestion{{Word: "deployment", Documents: 1}, {Word: "depot", Documents: 1}, {Word: "depth", Documents: 1}}, words)
	titles, words = suggest(index.SuggestQuery{Text: "search Dép", Titles: 5, Words: 1})
	b.equal("titles for search dep", []string{"guide", "search"}, titles)
	b.equal("words for search dep", []index.WordSuggestion{{Word: "deployment", Documents: 1}}, words)
	titles, _ = suggest(index.SuggestQuery{Text: "guide depth", Titles: 5})
	b.equal("titles for guide depth", []string{}, titles)
	titles, words = suggest(index.SuggestQuery{Text: "dep", Titles: 5, Words: 5, Filter: index.Has{Field: "type", Values: []string{"wiki"}}})
	b.equal("filtered titles", []string{"search"}, titles)
	b.equal("filtered words", []index.WordSuggestion{{Word: "depth", Documents: 1}}, words)
	titles, words = suggest(index.SuggestQuery{Text: "  ", Titles: 5, Words: 5})
	b.equal("titles for nothing", []string{}, titles)
	b.equal("words for nothing", []index.WordSuggestion{}, words)
	titles, words = suggest(index.SuggestQuery{Text: "search ", Titles: 5, Words: 5})
	b.equal("titles for a finished word", []string{"guide", "search"}, titles)
	b.equal("words for a finished word", []index.WordSuggestion{}, words)
}

func testSpell(_ *testing.T, b *bench) {
	hidden := doc("hidden", "reactor", "deploymant")
	hidden.Readers = []uint32{99}
	b.put(doc("a", "deployments", "factor"), doc("b", "deployments", "facts"), doc("c", "tractor", ""), hidden)
	b.put(doc("gone", "policy", ""))
	b.remove("gone")
	s := b.snapshot()
	defer b.close(s)
	got, err := s.Spell(b.Context(), access(everyone), index.SpellQuery{
		Words: []string{"Deployment", "deploymants", "reactor", "policy", "??", "fcator", "ab"}, Corrections: 2,
	})
	if err != nil {
		b.Fatalf("Spell() = %v", err)
	}
	b.equal("spellings", []index.Spelling{
		{Word: "Deployment", Known: true},
		{Word: "deploymants", Corrections: []string{"deployments"}},
		{Word: "reactor", Corrections: []string{"factor", "tractor"}},
		{Word: "policy"},
		{Word: "??", Known: true},
		{Word: "fcator", Corrections: []string{"factor"}},
		{Word: "ab"},
	}, got)
	got, err = s.Spell(b.Context(), access(99), index.SpellQuery{Words: []string{"reactor", "factor"}, Corrections: 5})
	if err != nil {
		b.Fatalf("Spell() = %v", err)
	}
	b.equal("spellings of another", []index.Spelling{{Word: "reactor", Known: true}, {Word: "factor", Corrections: []string{"reactor"}}}, got)
}
