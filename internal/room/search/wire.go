package search

import (
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Request asks for documents. It is the body of search and adminsearch. What else a body has, such as who typed it
// where, changes no answer.
type Request struct {
	Query  string `json:"query"`
	Cursor string `json:"cursor,omitzero"`
	// PageSize is a wish. Absent is not 0: with facets, a page of 0 asks for them alone.
	PageSize      *int          `json:"pageSize,omitzero"`
	MaxSnippet    int           `json:"maxSnippetSize,omitzero"` // characters
	TimeoutMillis int           `json:"timeoutMillis,omitzero"`
	TabIDs        []string      `json:"resultTabIds,omitzero"` // before both datasource filters
	NoSpellcheck  bool          `json:"disableSpellcheck,omitzero"`
	InputDetails  *InputDetails `json:"inputDetails,omitzero"`
	Options       *Options      `json:"requestOptions,omitzero"`
	Locale        string        `query:"locale" json:"-"`
	Accepts       string        `header:"Accept-Language" json:"-"` // where there is no locale
	// Sort is for the search page: the contract has no place for it.
	Sort index.Sort `json:"-"`
	// Also is a further condition, in the index's own words, for callers inside the server. Cursors are not bound to it.
	Also index.Filter `json:"-"`
}

// InputDetails says how a query was typed.
type InputDetails struct {
	HasCopyPaste bool `json:"hasCopyPaste,omitzero"`
}

// Options narrow a request and say what its answer holds.
type Options struct {
	DatasourceFilter  string                `json:"datasourceFilter,omitzero"`
	DatasourcesFilter []string              `json:"datasourcesFilter,omitzero"`
	FacetFilters      []wire.FacetFilter    `json:"facetFilters,omitzero"`
	FacetFilterSets   []wire.FacetFilterSet `json:"facetFilterSets,omitzero"`
	// QueryOverrides drops the facet filters of fields that the query has operators for.
	QueryOverrides    bool          `json:"queryOverridesFacetFilters,omitzero"`
	FacetBucketSize   int           `json:"facetBucketSize,omitzero"`
	FacetBucketFilter *BucketFilter `json:"facetBucketFilter,omitzero"`
	DefaultFacets     []string      `json:"defaultFacets,omitzero"`
	// AllDatasourceCounts counts what each datasource has, past the datasources that the request is narrowed to.
	AllDatasourceCounts bool     `json:"fetchAllDatasourceCounts,omitzero"`
	ResponseHints       []string `json:"responseHints,omitzero"`
	TimezoneOffset      int      `json:"timezoneOffset,omitzero"` // minutes east of UTC
	NoSpellcheck        bool     `json:"disableSpellcheck,omitzero"`
	NoAutocorrect       bool     `json:"disableQueryAutocorrect,omitzero"` // suggest other spellings, and never search for them
	// LongText gives of each document one long piece without marks, for a language model to read.
	LongText   bool              `json:"returnLlmContentOverSnippets,omitzero"`
	Inclusions *wire.Restriction `json:"inclusions,omitzero"`
	Exclusions *wire.Restriction `json:"exclusions,omitzero"` // these win over whatever else holds
}

// BucketFilter keeps the buckets of one facet that have a word with this prefix.
type BucketFilter struct {
	Facet  string `json:"facet,omitzero"`
	Prefix string `json:"prefix,omitzero"`
}

// Hints about what an answer holds.
const (
	hintResults  = "RESULTS"
	hintFacets   = "FACET_RESULTS"
	hintCounts   = "ALL_RESULT_COUNTS"
	hintMetadata = "QUERY_METADATA"
	hintSpelling = "SPELLCHECK_METADATA"
)

// Response is a page of results.
type Response struct {
	Results      []Result           `json:"results"`
	Structured   []Structured       `json:"structuredResults,omitzero"`
	FacetResults []wire.FacetResult `json:"facetResults,omitzero"`
	// Tabs have what each datasource finds, with QUERY_METADATA of what the request is narrowed to, with ALL_RESULT_COUNTS past it.
	Tabs             []Tab              `json:"resultTabs,omitzero"`
	TabIDs           []string           `json:"resultTabIds,omitzero"` // the tabs that the results are of
	Metadata         Metadata           `json:"metadata"`
	RewrittenFilters []wire.FacetFilter `json:"rewrittenFacetFilters,omitzero"`
	Cursor           string             `json:"cursor,omitzero"`
	HasMore          bool               `json:"hasMoreResults"`
	RequestID        string             `json:"requestID,omitzero"`
	TrackingToken    string             `json:"trackingToken,omitzero"`
	BackendMillis    int64              `json:"backendTimeMillis,omitzero"`
	// Total is the number of matching documents, where the hints ALL_RESULT_COUNTS or QUERY_METADATA ask for it. It is for the search
	// page: the contract has no place for it but the tab "all".
	Total int `json:"-"`
}

// Tab counts the results of one datasource, or of all of them.
type Tab struct {
	ID         string `json:"id,omitzero"` // a datasource's name, or "all"
	Count      int    `json:"count,omitzero"`
	Datasource string `json:"datasource,omitzero"`
	Instance   string `json:"datasourceInstance,omitzero"`
}

// Structured is a result that is no document: somebody whom the query names.
type Structured struct {
	Person        *wire.Person `json:"person,omitzero"`
	TrackingToken string       `json:"trackingToken,omitzero"`
	Prominence    string       `json:"prominence,omitzero"`
}

// Prominences of structured results.
const (
	prominent = "HERO"     // all of the query is the person's name
	ordinary  = "STANDARD" // the name is among other words, or that of several people
)

// Metadata says how the query was understood. Clients read its first field unguarded.
type Metadata struct {
	SearchedQuery   string           `json:"searchedQuery"`
	WithoutNegation string           `json:"searchedQueryWithoutNegation"`
	SearchedRanges  []wire.TextRange `json:"searchedQueryRanges,omitzero"` // the words that were typed otherwise
	OriginalQuery   string           `json:"originalQuery,omitzero"`
	// RewrittenQuery has every filter that holds as an operator, where the query has operators or overrides filters.
	RewrittenQuery string      `json:"rewrittenQuery,omitzero"`
	Suggestion     *Suggestion `json:"querySuggestion,omitzero"`
	NegatedTerms   []string    `json:"negatedTerms,omitzero"`
	// ModifiedUsed and OriginalEmpty say that the query as typed found nothing and the suggestion was searched for instead.
	ModifiedUsed  bool     `json:"modifiedQueryWasUsed,omitzero"`
	OriginalEmpty bool     `json:"originalQueryHadNoResults,omitzero"`
	WithoutQuotes bool     `json:"isNoQuotesSuggestion,omitzero"` // the suggestion only takes quotes away
	Warning       *Warning `json:"searchWarning,omitzero"`
}

// Suggestion is another query that may be meant.
type Suggestion struct {
	Query  string           `json:"query"`
	Label  string           `json:"label,omitzero"`
	Ranges []wire.TextRange `json:"ranges,omitzero"` // the words that differ
}

// Warning says what of a query was left out.
type Warning struct {
	Type          string   `json:"warningType"`
	LastUsedTerm  string   `json:"lastUsedTerm,omitzero"`
	WithoutQuotes string   `json:"quotesIgnoredQuery,omitzero"`
	IgnoredTerms  []string `json:"ignoredTerms,omitzero"`
}

// Kinds of warning.
const (
	warnLong        = "LONG_QUERY"
	warnOperator    = "INVALID_OPERATOR"
	warnPunctuation = "PUNCTUATION_ONLY"
	warnQuoted      = "QUOTED_PUNCTUATION"
	warnPasted      = "COPYPASTED_QUOTES"
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
	Accepts           string   `header:"Accept-Language" json:"-"` // where there is no locale
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
	Result     string `json:"result"` // the whole text, or the title or name of what it leads to
	ResultType string `json:"resultType,omitzero"`
	// Operator says what an operator, or its value, is.
	Operator      *Operator             `json:"operatorMetadata,omitzero"`
	Document      *wire.Document        `json:"document,omitzero"`
	URL           string                `json:"url,omitzero"`
	Structured    *StructuredCompletion `json:"structuredResult,omitzero"`
	TrackingToken string                `json:"trackingToken,omitzero"`
	Ranges        []wire.TextRange      `json:"ranges,omitzero"`

	key, person string // of what it leads to
}

// StructuredCompletion is a person or a datasource.
type StructuredCompletion struct {
	Person *wire.Person `json:"person,omitzero"`
	App    *App         `json:"app,omitzero"`
}

// App is a datasource.
type App struct {
	Datasource string `json:"datasource"`
}

// Operator is a word before a colon, or one of its values.
type Operator struct {
	Name         string          `json:"name"`
	Custom       bool            `json:"isCustom,omitzero"` // a property that a datasource declares
	Type         string          `json:"operatorType,omitzero"`
	Help         string          `json:"helpText,omitzero"`
	Scopes       []OperatorScope `json:"scopes,omitzero"` // which documents have it; none for all
	Value        string          `json:"value,omitzero"`
	DisplayValue string          `json:"displayValue,omitzero"` // where it is another text
}

// OperatorScope is the documents of a datasource, or of one type of it.
type OperatorScope struct {
	Datasource string `json:"datasource,omitzero"`
	DocType    string `json:"docType,omitzero"`
}

// Types of completion.
const (
	typeDocument      = "DOCUMENT"
	typeSuggestion    = "SUGGESTION"
	typeHistory       = "HISTORY"
	typeEntity        = "ENTITY"
	typeDatasource    = "DATASOURCE"
	typeOperator      = "OPERATOR"
	typeOperatorValue = "OPERATOR_VALUE"
)

// Group is a run of completions of one type.
type Group struct {
	StartIndex int    `json:"startIndex"`
	EndIndex   int    `json:"endIndex,omitzero"` // not included
	Title      string `json:"title,omitzero"`
}
