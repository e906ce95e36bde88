package index

import "github.com/sheafsearch/sheaf/internal/query"

// Limits of a question. The gate refuses what is over them.
const (
	MaxSize        = 1000  // hits of one answer
	MaxFacets      = 64    // fields counted in one answer
	MaxBuckets     = 1000  // buckets of one facet
	MaxTests       = 20000 // values and keys in one filter
	MaxFilterDepth = 16    // All, Any and Not within each other
	MaxSnippet     = 10000 // code points of one snippet
	MaxSnippets    = 20    // snippets of one hit
	MaxLanguages   = 8     // languages of one query
	MaxSpell       = 32    // words looked up in one question
	MaxValue       = 8192  // bytes of a facet's value that every engine keeps
)

// Query asks for documents.
type Query struct {
	// Text is what is sought; an empty tree means every document. A document matches when it has one of the query's words
	// (stop words count only where there is nothing else), each of its phrases, one of each OR, and nothing that is negated. A query.Field left in the tree
	// counts as ordinary words.
	Text query.All
	// Languages are BCP 47 tags of the languages the caller reads: words match by the stems of each of them. Empty means English.
	Languages []string
	// Filter narrows the documents; nil does not.
	Filter Filter
	// Size is how many hits to return, at most MaxSize. 0 returns none, for counts alone.
	Size int
	// Sort is the order of the hits.
	Sort Sort
	// After goes on behind the last hit of an earlier answer to the same question: Result.Next. Counts are those of the whole.
	After *Cursor
	// Now is the moment that freshness is reckoned from, in Unix seconds. 0 means that fresh documents are not preferred;
	// After brings its own.
	Now int64
	// Facets are the fields to count.
	Facets []FacetRequest
	// Total asks for the number of all matching documents.
	Total bool
	// Highlight asks for marked titles and snippets of the hits.
	Highlight *Highlight
	// Explain asks how each hit's score came about.
	Explain bool
}

// Sort is an order of hits. Equal ones are ordered by key.
type Sort uint8

// The orders. A query without words is ordered by recency in place of relevance.
const (
	ByRelevance Sort = iota
	ByNewest         // Updated, latest first, unknown last
	ByOldest         // Updated, earliest first, unknown last
	ByKey
)

// FacetRequest asks for the values of one field among the matching documents, each with its number of documents.
type FacetRequest struct {
	Field string
	// Size is how many buckets to return, the greatest first, equal ones in byte order of their values.
	Size int
	// Prefix keeps only buckets that have a word beginning so, regardless of case and accents.
	Prefix string
	// Lift counts as if the filter's own tests of this field were not there, for lists in which several
	// values can be ticked. Only tests at the top of the filter, in an All, are lifted: a Has, Missing or Within of the field, and an Any or Not of such.
	Lift bool
}

// Highlight says how hits are shown.
type Highlight struct {
	// Size is the greatest length of a snippet in code points.
	Size int
	// Number is how many snippets of the body to return at most, the best first.
	Number int
}

// SuggestQuery asks for completions of what someone is typing.
type SuggestQuery struct {
	// Text is what stands in the box; its last word may be half typed.
	Text string
	// Languages as in Query.
	Languages []string
	// Filter narrows the documents that completions come from; nil does not.
	Filter Filter
	// Titles and Words are how many of each to return.
	Titles, Words int
	// Now as in Query.
	Now int64
}

// SpellQuery asks which words are known.
type SpellQuery struct {
	// Words as typed, at most MaxSpell of them, one word each.
	Words []string
	// Languages as in Query: a word is known by its stem too.
	Languages []string
	// Corrections is how many near words to offer for an unknown one.
	Corrections int
}
