package console

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Searcher answers the search page. Package server adapts the search room to it, so that a person finds here what their programs find
// over the API.
type Searcher interface {
	// Search answers q as caller sees it. Its faults are shown to the person.
	Search(ctx context.Context, caller grant.Caller, q SearchQuery) (SearchResult, error)
	// Suggest completes what stands in the box, the best first; with nothing in it, it offers what the person searched for before.
	Suggest(ctx context.Context, caller grant.Caller, text string) ([]Suggestion, error)
	// Viewed notes that the caller opened the document with this id, where they may see it.
	Viewed(ctx context.Context, caller grant.Caller, document string) error
}

// SearchQuery is one question of the search page.
type SearchQuery struct {
	Text     string
	Filters  []SearchFilter // all must hold; within one, any value
	Cursor   string         // "" for the first page, else SearchResult.Next
	PageSize int
	// Tab is the SearchTab.ID to stay within, "" for everything.
	Tab string
	// Sort is "" for the best first, or SortNewest or SortOldest.
	Sort string
	// Changed narrows to a span that ends now, such as past_week; Since and Until, each YYYY-MM-DD or "", to a range of days, both included.
	Changed, Since, Until string
	// Exact searches the words as typed, even where a near spelling finds more.
	Exact bool
	// Facet and Prefix ask for the values of one facet that have a word with this beginning.
	Facet, Prefix string
}

// Orders of results beside the best first.
const (
	SortNewest = "newest"
	SortOldest = "oldest"
)

// SearchFilter narrows a search to documents whose field has one of the values.
type SearchFilter struct {
	Field  string
	Values []string
}

// SearchResult is one page of hits. The zero value says that nothing was found.
type SearchResult struct {
	Hits   []SearchHit
	Facets []SearchFacet // counted over all matching documents, in the order to show them
	People []SearchPerson
	// Total is the number of matching documents, or less than zero where it was not counted.
	Total int
	Next  string // the cursor of the next page, "" when there is none
	// Tabs are kinds of results with more than none, the whole first.
	Tabs []SearchTab
	// Corrected is the query that was searched instead, and Suggested one that might be meant. Both may be empty.
	Corrected, Suggested string
	// Ignored are pieces of the query that could not be used.
	Ignored []string
}

// SearchTab is a kind of results. Its Count is less than zero where it was not counted.
type SearchTab struct {
	ID, Name string
	Count    int
}

// SearchHit is one document.
type SearchHit struct {
	ID         string // names the document in Viewed, and for explanations
	Title, URL string
	Source     string   // the datasource's name as people know it
	Path       []string // containers within it, outermost first
	Kind       string   // the object type, to choose a picture by
	Author     string
	Updated    time.Time // zero when unknown
	Status     string    // as the datasource says it, or ""
	Snippet    []Run
}

// Run is a piece of a snippet, marked where it matches the query.
type Run struct {
	Text   string
	Marked bool
}

// SearchFacet is a field with the values it has among the matching documents.
type SearchFacet struct {
	Field, Name string
	Values      []SearchValue
	More        bool // whether there are further values, so that it helps to look for one
}

// SearchValue is a value with the number of matching documents that have it.
type SearchValue struct {
	Value, Name string
	Count       int
}

// SearchPerson is somebody whom the query seems to mean.
type SearchPerson struct{ Name, Title, Email, Department, Location string }

// Suggestion is one way to go on from what stands in the box.
type Suggestion struct {
	Kind SuggestionKind
	Text string
	// About says more in a few words: where a document is, what somebody does.
	About string
	// Query is what to search for; for an operator, what the box holds from then on. Documents have a URL and an ID instead.
	Query   string
	URL, ID string
}

// SuggestionKind is what sort of thing is suggested.
type SuggestionKind string

// The kinds of suggestion.
const (
	SuggestDocument SuggestionKind = "document"
	SuggestPerson   SuggestionKind = "person"
	SuggestSearch   SuggestionKind = "search"
	SuggestHistory  SuggestionKind = "history"
	SuggestOperator SuggestionKind = "operator"
)

// Limits of the search page. They are below those of the search room, so that a refusal reads like a page.
const (
	maxQuery   = 1000
	maxFilters = 32
	maxValues  = 64
	maxPrefix  = 100 // characters of what a facet's box or a tab holds
	pageSize   = 10
)
