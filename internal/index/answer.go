package index

import (
	"unicode/utf16"

	"github.com/sheafsearch/sheaf/internal/index/rank"
)

// Result answers a Query.
type Result struct {
	// Hits in the order asked for, never nil.
	Hits []Hit
	// Next goes on behind the last of Hits; nil when nothing follows.
	Next *Cursor
	// Total is the number of matching documents, when asked for.
	Total int
	// Facets answer Query.Facets, in the same order.
	Facets []Facet
	// Position is the place in the change queue that the answer reflects.
	Position int64
}

// Hit is one document found.
type Hit struct {
	Key string
	// Score orders hits by relevance and is 0 in the other orders. It tells of all documents, so it must never go to a caller.
	Score float64
	// Title is the document's title with the query's words marked, and Snippets the best parts of its body, best first.
	// Both only when highlights were asked for.
	Title    Marked
	Snippets []Snippet
	// Explanation says how Score came about, when asked for.
	Explanation *rank.Explanation
}

// KeysOf returns the keys of hits, in their order.
func KeysOf(hits []Hit) []string {
	keys := make([]string, len(hits))
	for i := range hits {
		keys[i] = hits[i].Key
	}
	return keys
}

// Marked is text with ranges to emphasise. The ranges are ascending, do not touch and are not empty.
type Marked struct {
	Text   string
	Ranges []Range
}

// Range is a part of a text: bytes Start to End, the latter not included. Both lie on boundaries of runes. What goes to
// clients is converted by Marked.UTF16.
type Range struct{ Start, End int }

// UTF16 returns the ranges counted in UTF-16 code units, the way strings are indexed in JavaScript and Java. It is the
// unit of every range that sheaf sends to clients.
func (m Marked) UTF16() []Range {
	list := make([]Range, len(m.Ranges))
	at, units := 0, 0
	upTo := func(end int) int {
		for _, r := range m.Text[at:end] {
			units += utf16.RuneLen(r)
		}
		at = end
		return units
	}
	for i, r := range m.Ranges {
		list[i] = Range{upTo(r.Start), upTo(r.End)}
	}
	return list
}

// Snippet is a part of a body.
type Snippet struct {
	Marked
	// Offset is the byte of the body at which the snippet begins; sorted by it, snippets stand in reading order.
	Offset int
}

// Cursor is a place in an ordered list of hits. Rooms seal it before it goes to a caller, for it tells a score.
type Cursor struct {
	Score float64 // by relevance
	Time  int64   // by recency
	Key   string
	Now   int64
	// Position is the place in the change queue that the earlier answer reflected. An engine does not need it.
	Position int64
}

// Facet is the counted values of one field. Counts are exact, however many parts an engine keeps its documents in.
type Facet struct {
	Field   string
	Buckets []Bucket
	// More says that further buckets exist beyond those asked for.
	More bool
}

// Bucket is a value and the number of matching documents that have it.
type Bucket struct {
	Value string
	Count int
}

// Suggestions answer a SuggestQuery.
type Suggestions struct {
	// Titles are documents whose title has all the words typed, best first.
	Titles []TitleSuggestion
	// Words complete the last word typed, each with the number of documents that it would find, most first.
	Words []WordSuggestion
}

// TitleSuggestion is a document whose title completes the text.
type TitleSuggestion struct {
	Key   string
	Title Marked
}

// WordSuggestion is a word that completes the last one typed.
type WordSuggestion struct {
	// Word is the whole word in lower case, without accents.
	Word string
	// Documents counts the documents that have this word and all the words before it.
	Documents int
}

// Spelling says whether a word is known.
type Spelling struct {
	Word  string
	Known bool
	// Corrections are near words that the access can see, nearest first and among those the most frequent. Only for unknown words.
	Corrections []string
}
