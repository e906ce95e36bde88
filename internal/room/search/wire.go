package search

import (
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Request asks for documents. It is the body of search, and of adminsearch to come.
type Request struct {
	Query  string `json:"query"`
	Cursor string `json:"cursor,omitzero"`
	// PageSize is a wish. Absent is not 0: with facets, a page of 0 asks for them alone.
	PageSize      *int     `json:"pageSize,omitzero"`
	MaxSnippet    int      `json:"maxSnippetSize,omitzero"` // characters
	TimeoutMillis int      `json:"timeoutMillis,omitzero"`
	Options       *Options `json:"requestOptions,omitzero"`
	Locale        string   `query:"locale" json:"-"`
}

// Options narrow a request and say what its answer holds.
type Options struct {
	DatasourceFilter  string                `json:"datasourceFilter,omitzero"`
	DatasourcesFilter []string              `json:"datasourcesFilter,omitzero"`
	FacetFilters      []wire.FacetFilter    `json:"facetFilters,omitzero"`
	FacetFilterSets   []wire.FacetFilterSet `json:"facetFilterSets,omitzero"`
	FacetBucketSize   int                   `json:"facetBucketSize,omitzero"`
	FacetBucketFilter *BucketFilter         `json:"facetBucketFilter,omitzero"`
	DefaultFacets     []string              `json:"defaultFacets,omitzero"`
	ResponseHints     []string              `json:"responseHints,omitzero"`
	TimezoneOffset    int                   `json:"timezoneOffset,omitzero"` // minutes east of UTC
	Inclusions        *Restriction          `json:"inclusions,omitzero"`
	Exclusions        *Restriction          `json:"exclusions,omitzero"`
}

// Restriction names containers and documents that a search is limited to, or leaves out.
type Restriction struct {
	ContainerSpecs []wire.DocumentSpec `json:"containerSpecs,omitzero"`
}

// BucketFilter keeps the buckets of one facet that have a word with this prefix.
type BucketFilter struct {
	Facet  string `json:"facet,omitzero"`
	Prefix string `json:"prefix,omitzero"`
}

// Hints about what an answer holds.
const (
	hintResults = "RESULTS"
	hintFacets  = "FACET_RESULTS"
	hintCounts  = "ALL_RESULT_COUNTS"
)

// Response is a page of results.
type Response struct {
	Results       []Result           `json:"results"`
	FacetResults  []wire.FacetResult `json:"facetResults,omitzero"`
	Metadata      Metadata           `json:"metadata"`
	Cursor        string             `json:"cursor,omitzero"`
	HasMore       bool               `json:"hasMoreResults"`
	RequestID     string             `json:"requestID,omitzero"`
	TrackingToken string             `json:"trackingToken,omitzero"`
	BackendMillis int64              `json:"backendTimeMillis,omitzero"`
	// Total is the number of matching documents, where the hint ALL_RESULT_COUNTS asks for it. It is for the search
	// page: the contract has no place for it.
	Total int `json:"-"`
}

// Metadata says how the query was understood. Clients read its first field unguarded.
type Metadata struct {
	SearchedQuery   string   `json:"searchedQuery"`
	WithoutNegation string   `json:"searchedQueryWithoutNegation"`
	OriginalQuery   string   `json:"originalQuery,omitzero"`
	NegatedTerms    []string `json:"negatedTerms,omitzero"`
	Warning         *Warning `json:"searchWarning,omitzero"`
}

// Warning says what of a query was left out.
type Warning struct {
	Type         string   `json:"warningType"`
	IgnoredTerms []string `json:"ignoredTerms,omitzero"`
}

// Kinds of warning.
const (
	warnLong     = "LONG_QUERY"
	warnOperator = "INVALID_OPERATOR"
)

// Result is one document found.
type Result struct {
	Title         string        `json:"title,omitzero"`
	URL           string        `json:"url"`
	Document      wire.Document `json:"document"`
	Snippets      []Snippet     `json:"snippets,omitzero"`
	TrackingToken string        `json:"trackingToken,omitzero"`
}

// Snippet is a part of a document's text.
type Snippet struct {
	// Old is the form of a snippet before ranges. It is always there, and empty.
	Old      string           `json:"snippet"`
	MimeType string           `json:"mimeType,omitzero"`
	Text     string           `json:"text,omitzero"`
	Order    int              `json:"snippetTextOrdering"` // its place among the document's snippets, in reading order
	Ranges   []wire.TextRange `json:"ranges,omitzero"`
}

// AutocompleteRequest is what stands in the search box.
type AutocompleteRequest struct {
	Query             string   `json:"query,omitzero"`
	Datasource        string   `json:"datasource,omitzero"`
	DatasourcesFilter []string `json:"datasourcesFilter,omitzero"`
	ResultSize        int      `json:"resultSize,omitzero"`
	ResultTypes       []string `json:"resultTypes,omitzero"`
	Locale            string   `query:"locale" json:"-"`
}

// AutocompleteResponse completes it. The groups partition the results.
type AutocompleteResponse struct {
	Results       []Completion `json:"results"`
	Groups        []Group      `json:"groups,omitzero"`
	TrackingToken string       `json:"trackingToken,omitzero"`
	BackendMillis int64        `json:"backendTimeMillis,omitzero"`
}

// Completion is one way to go on.
type Completion struct {
	Result     string           `json:"result"`
	ResultType string           `json:"resultType,omitzero"`
	Document   *wire.Document   `json:"document,omitzero"`
	URL        string           `json:"url,omitzero"`
	Ranges     []wire.TextRange `json:"ranges,omitzero"`
}

// Types of completion.
const (
	typeDocument   = "DOCUMENT"
	typeSuggestion = "SUGGESTION"
)

// Group is a run of completions of one type.
type Group struct {
	StartIndex int    `json:"startIndex"`
	EndIndex   int    `json:"endIndex,omitzero"` // not included
	Title      string `json:"title,omitzero"`
}
