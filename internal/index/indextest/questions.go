package indextest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
)

func testWords(_ *testing.T, b *bench) {
	path := doc("path", "", "")
	path.Path, path.Authors, path.Tags = "handbook/benefits", []string{"Ada Lovelace", "Bob"}, []string{"quick start", "guide"}
	b.put(
		doc("leave", "Parental leave policy", "Germany and France have their own rules."),
		doc("leaf", "A tree", "The leave of absence; a parent's duty, not a parental one."),
		doc("ident", "Ticket ABC-123", "Calls getUserName on wi-fi, mail ann.lee@example.com, version 2.6.3."),
		doc("spaced", "abc 999", "get user name of the wireless, abc 123 too"),
		doc("accent", "Café Zürich", "C++ and naïve"),
		doc("cjk", "東京都の休暇", "한국어 문서"),
		path,
	)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"parental", []string{"leave", "leaf"}},
		{"PARENTAL Policies", []string{"leave", "leaf"}},
		{"france duty", []string{"leave", "leaf"}},
		{`"parental leave"`, []string{"leave"}},
		{`"leave parental"`, nil},
		{`"leave of absence"`, []string{"leaf"}},
		{"leave -policy", []string{"leaf"}},
		{"leave -(policy OR tree)", nil},
		{`leave -"parental leave"`, []string{"leaf"}},
		{"(germany OR absence) leave", []string{"leave", "leaf"}},
		{"germany OR 999", []string{"leave", "spaced"}},
		{"(leave policy) OR 999", []string{"leave", "spaced"}},
		{"-(-germany -999)", []string{"leave", "spaced"}},
		{"paren*", []string{"leave", "leaf"}},
		{"germ* xyz", []string{"leave"}},
		{"abc-123", []string{"ident", "spaced"}},
		{"ABC123", []string{"ident"}},
		{"getUserName", []string{"ident", "spaced"}},
		{"username", nil},
		{"wifi", []string{"ident"}},
		{"Wi-Fi", []string{"ident"}},
		{"ann.lee@example.com", []string{"ident"}},
		{"2.6.3", []string{"ident"}},
		{"cafe zurich", []string{"accent"}},
		{"CAFÉ", []string{"accent"}},
		{"c++", []string{"accent"}},
		{"naive", []string{"accent"}},
		{"東京", []string{"cjk"}},
		{"京", []string{"cjk"}},
		{"休暇", []string{"cjk"}},
		{"문서", []string{"cjk"}},
		{"benefits", []string{"path"}},
		{"lovelace", []string{"path"}},
		{`"quick start"`, []string{"path"}},
		{`"start guide"`, nil},
		{`"lovelace bob"`, nil},
		{"the", []string{"leaf", "spaced"}},
		{"the tree", []string{"leaf"}},
		{"absent", nil},
		{"!!! ???", []string{"leave", "leaf", "ident", "spaced", "accent", "cjk", "path"}},
	} {
		b.finds(text(c.text), c.want...)
	}
}

func testLanguages(_ *testing.T, b *bench) {
	german := doc("de", "Urlaub", "Die Häuser der Verwaltung")
	german.Locale = "de-DE"
	french := doc("fr", "", "l'assurance et les assurances")
	french.Locale = "fr"
	b.put(german, french)
	q := text("häusern")
	b.finds(q)
	q.Languages = []string{"en", "de"}
	b.finds(q, "de")
	b.finds(text("häuser"), "de")
	b.finds(text("hauser"), "de")
	q = text("assurance")
	q.Languages = []string{"fr-CA"}
	b.finds(q, "fr")
}

func testFilters(_ *testing.T, b *bench) {
	with := func(key, kind string, tags []string, updated int64, numbers map[string]int64) *index.Document {
		d := doc(key, "thing", "")
		d.Facets = map[string][]string{"type": {kind}, "tag": tags}
		d.Updated, d.Numbers = updated, numbers
		return d
	}
	b.put(
		with("a", "PDF", []string{"red", "blue", ""}, 100, map[string]int64{"due": 0}),
		with("b", "pdf", []string{"red"}, 200, map[string]int64{"due": 50}),
		with("c", "wiki", nil, 300, nil),
		with("d", "Café", []string{"Blue"}, 0, nil),
	)
	for _, c := range []struct {
		filter index.Filter
		want   []string
	}{
		{nil, []string{"a", "b", "c", "d"}},
		{index.Has{Field: "type", Values: []string{"Pdf"}}, []string{"a", "b"}},
		{index.Has{Field: "type", Values: []string{"wiki", "CAFE"}}, []string{"c", "d"}},
		{index.Has{Field: "type"}, nil},
		{index.Has{Field: "nothing", Values: []string{"x", ""}}, nil},
		{index.Not{Filter: index.Has{Field: "tag", Values: []string{"red"}}}, []string{"c", "d"}},
		{index.Missing{Field: "tag"}, []string{"c"}},
		{index.Missing{Field: index.FieldUpdated}, []string{"d"}},
		{index.Missing{Field: "due"}, []string{"c", "d"}},
		{index.Within{Field: index.FieldUpdated, From: 100, To: 300}, []string{"a", "b"}},
		{index.Within{Field: index.FieldUpdated, From: math.MinInt64, To: math.MaxInt64}, []string{"a", "b", "c"}},
		{index.Within{Field: index.FieldUpdated, From: 300, To: 100}, nil},
		{index.Within{Field: "due", From: 0, To: 50}, []string{"a"}},
		{index.Keys{"b", "d", "zzz"}, []string{"b", "d"}},
		{index.Keys{}, nil},
		{index.All{}, []string{"a", "b", "c", "d"}},
		{index.Any{}, nil},
		{index.All{
			index.Has{Field: "tag", Values: []string{"red", "blue"}},
			index.Any{index.Has{Field: "type", Values: []string{"café"}}, index.Within{Field: index.FieldUpdated, From: 150, To: math.MaxInt64}},
		}, []string{"b", "d"}},
		{index.Not{Filter: index.Any{index.Keys{"a"}, index.Missing{Field: "tag"}}}, []string{"b", "d"}},
	} {
		q := text("thing")
		q.Filter = c.filter
		b.finds(q, c.want...)
		q.Text = nil
		b.finds(q, c.want...)
	}
}

func testFacets(_ *testing.T, b *bench) {
	with := func(key, title, kind string, tags ...string) *index.Document {
		d := doc(key, title, "")
		d.Facets = map[string][]string{"type": {kind}, "tag": tags}
		return d
	}
	hidden := with("z", "plan", "secret", "red")
	hidden.Readers = []uint32{99}
	b.put(
		with("a", "plan", "pdf", "red", "red", "Navy Blue"),
		with("b", "plan", "pdf", "red", "green"),
		with("c", "plan", "wiki", "Red"),
		with("d", "other", "chat", "red"),
		hidden,
	)
	count := func(q index.Query) []index.Facet { return b.search(access(everyone), q).Facets }
	q := text("plan")
	q.Size = 0
	q.Facets = []index.FacetRequest{{Field: "tag", Size: 2}, {Field: "type", Size: 10}, {Field: "absent", Size: 3}}
	b.equal("facets", []index.Facet{
		{Field: "tag", Buckets: []index.Bucket{{Value: "red", Count: 2}, {Value: "Navy Blue", Count: 1}}, More: true},
		{Field: "type", Buckets: []index.Bucket{{Value: "pdf", Count: 2}, {Value: "wiki", Count: 1}}},
		{Field: "absent", Buckets: []index.Bucket{}},
	}, count(q))
	q.Filter = index.All{index.Has{Field: "type", Values: []string{"wiki"}}}
	q.Facets = []index.FacetRequest{{Field: "type", Size: 10}, {Field: "type", Size: 10, Lift: true}, {Field: "tag", Size: 10, Lift: true}}
	b.equal("facets with a filter", []index.Facet{
		{Field: "type", Buckets: []index.Bucket{{Value: "wiki", Count: 1}}},
		{Field: "type", Buckets: []index.Bucket{{Value: "pdf", Count: 2}, {Value: "wiki", Count: 1}}},
		{Field: "tag", Buckets: []index.Bucket{{Value: "Red", Count: 1}}},
	}, count(q))
	q.Filter = nil
	q.Facets = []index.FacetRequest{{Field: "tag", Size: 10, Prefix: "BL"}, {Field: "tag", Size: 10, Prefix: "re"}, {Field: "tag", Prefix: "x", Size: 1}, {Field: "tag"}}
	b.equal("facets by prefix", []index.Facet{
		{Field: "tag", Buckets: []index.Bucket{{Value: "Navy Blue", Count: 1}}},
		{Field: "tag", Buckets: []index.Bucket{{Value: "red", Count: 2}, {Value: "Red", Count: 1}}},
		{Field: "tag", Buckets: []index.Bucket{}},
		{Field: "tag", Buckets: []index.Bucket{}, More: true},
	}, count(q))
}

func testTies(_ *testing.T, b *bench) {
	for _, key := range []string{"m", "é", "a/2", "B", "z", "a/10", "a"} {
		b.put(doc(key, "same title", "same body"))
	}
	b.lists(text("same"), "B", "a", "a/10", "a/2", "m", "z", "é")
}

func testSort(_ *testing.T, b *bench) {
	for key, updated := range map[string]int64{"old": 10, "new": 99, "mid": 50, "unknown": 0, "before": -5, "alike": 50} {
		d := doc(key, "thing", "")
		d.Updated = updated
		b.put(d)
	}
	q := text("thing")
	q.Sort = index.ByNewest
	b.lists(q, "new", "alike", "mid", "old", "before", "unknown")
	q.Sort = index.ByOldest
	b.lists(q, "before", "old", "alike", "mid", "new", "unknown")
	q.Sort = index.ByKey
	b.lists(q, "alike", "before", "mid", "new", "old", "unknown")
}

func testEmptyQuery(_ *testing.T, b *bench) {
	if r := b.search(access(everyone), index.Query{Size: 10, Total: true}); len(r.Hits) != 0 || r.Total != 0 || r.Next != nil {
		b.Errorf("an empty engine answers %+v", r)
	}
	for i, key := range []string{"c", "a", "b"} {
		d := doc(key, "title", "body")
		d.Updated = int64(i + 1)
		b.put(d)
	}
	b.lists(index.Query{Size: 10}, "b", "a", "c")
	b.lists(text("-absent"), "b", "a", "c")
	q := index.Query{Total: true}
	if r := b.search(access(everyone), q); r.Total != 3 || len(r.Hits) != 0 || r.Next != nil {
		b.Errorf("Size 0 answers %d of %d, want 0 of 3 and no cursor", len(r.Hits), r.Total)
	}
}

func testBoosts(_ *testing.T, b *bench) {
	const now = 1_900_000_000
	fresh, popular, verified, deprecated := doc("fresh", "plan", ""), doc("popular", "plan", ""), doc("verified", "plan", ""), doc("deprecated", "plan", "")
	fresh.Updated = now - 60
	popular.Popularity = 1
	verified.Verification, deprecated.Verification = index.Verified, index.Deprecated
	b.put(doc("plain", "plan", ""), fresh, popular, verified, deprecated)
	q := text("plan")
	q.Now = now
	b.lists(q, "popular", "fresh", "verified", "plain", "deprecated")
	// Bounded: what answers the query better stays before what is only popular.
	popular.Popularity = 1e12
	b.put(doc("better", "plan of attack", "plan of attack"))
	q = text("attack plan")
	q.Now = now
	if got := keys(b.search(access(everyone), q)); got[0] != "better" {
		b.Errorf("Search(attack plan) begins with %q, want better", got[0])
	}
}

func testExplain(_ *testing.T, b *bench) {
	d := doc("a", "attack plan", "the plan of attack")
	d.Popularity = 0.5
	b.put(d, doc("b", "plan", ""))
	q := text("attack plan")
	q.Explain = true
	for _, h := range b.search(access(everyone), q).Hits {
		e := h.Explanation
		if e == nil {
			b.Fatalf("hit %s has no explanation", h.Key)
		}
		sum := 0.0
		for _, part := range append(e.Words, e.Pairs...) {
			sum += part.Score
		}
		if math.Abs(sum-e.Text) > 1e-5 || math.Abs(e.Text*e.Coverage*e.Boost-h.Score) > 1e-5 || h.Score <= 0 {
			b.Errorf("hit %s: parts %v, text %v × %v × %v, score %v", h.Key, sum, e.Text, e.Coverage, e.Boost, h.Score)
		}
		if (len(e.Pairs) > 0) != (h.Key == "a") {
			b.Errorf("hit %s has pairs %v", h.Key, e.Pairs)
		}
	}
}

func testManyPrincipals(_ *testing.T, b *bench) {
	var docs []*index.Document
	for i := range 200 {
		d := doc(fmt.Sprintf("d%03d", i), "word", "")
		d.Readers = []uint32{uint32(i * 100)}
		docs = append(docs, d)
	}
	b.put(docs...)
	var held []uint32
	for i := range uint32(5000) {
		held = append(held, i*2+1)
	}
	held = append(held, 0, 200, math.MaxUint32)
	q := text("word")
	q.Total = true
	r := b.search(access(held...), q)
	b.equal("keys found with 5,003 principals", []string{"d000", "d002"}, keys(r))
	if r.Total != 2 {
		b.Errorf("Total = %d, want 2", r.Total)
	}
}

func testHostile(_ *testing.T, b *bench) {
	weird := []string{
		strings.Repeat("word ", 5000), strings.Repeat("x", 20000), strings.Repeat("(", 3000), strings.Repeat("a-", 4000), strings.Repeat("a OR ", 1000),
		"\x00", "a\x00b", "\xff\xfe", "\u202e\u2066word", "🚀🚀", "ﷺ", "İıſK", "e\u0301\u0301\u0301", strings.Repeat("\u0300", 500),
		`"`, `"" ""`, "*", "-", "- -", "a* b* c*", strings.Repeat("東", 3000), "-(-(-word))", "OR", "%_'\"\\", "type:", ":::", "𝔘𝔫𝔦", "ก็็็็็็็",
	}
	for i, s := range weird {
		d := doc(fmt.Sprintf("w%02d", i), s, s)
		d.Path, d.Tags, d.Authors = s, []string{s}, []string{s}
		d.Facets = map[string][]string{s: {s}, "f": {s}}
		d.Popularity, d.Updated = math.NaN(), math.MinInt64
		b.put(d)
	}
	s := b.snapshot()
	defer b.close(s)
	for _, w := range weird {
		q := text(w)
		q.Total, q.Explain, q.Now = true, true, math.MaxInt64
		q.Highlight = &index.Highlight{Size: 50, Number: 3}
		q.Facets = []index.FacetRequest{{Field: "f", Size: 5, Prefix: w, Lift: true}, {Field: w, Size: 5}}
		q.Filter = index.Not{Filter: index.Has{Field: w, Values: []string{"other"}}}
		q.Languages = []string{w, "", "en", "zz-\xff"}
		r := b.ask(s, access(everyone), q)
		for _, h := range r.Hits {
			if math.IsNaN(h.Score) || math.IsInf(h.Score, 0) {
				b.Errorf("Search(%.20q): score %v", w, h.Score)
			}
			b.sound(h)
		}
		if r.Total < len(r.Hits) {
			b.Errorf("Search(%.20q): total %d, %d hits", w, r.Total, len(r.Hits))
		}
		if _, err := s.Suggest(b.Context(), access(everyone), index.SuggestQuery{Text: w, Titles: 5, Words: 5, Languages: []string{w}}); err != nil {
			b.Errorf("Suggest(%.20q) = %v", w, err)
		}
		if _, err := s.Spell(b.Context(), access(everyone), index.SpellQuery{Words: []string{w}, Corrections: 3}); err != nil {
			b.Errorf("Spell(%.20q) = %v", w, err)
		}
	}
	if got := keys(b.search(grant.Access{}, text("word"))); len(got) > 0 {
		b.Errorf("nobody finds %q", got)
	}
}
