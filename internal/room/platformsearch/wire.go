package platformsearch

import (
	"time"

	"github.com/sheafsearch/sheaf/internal/wire"
)

// SearchRequest asks for documents.
type SearchRequest struct {
	Query       string     `json:"query"`
	Size        *int       `json:"page_size,omitzero"` // 10 where it is absent
	Cursor      string     `json:"cursor,omitzero"`
	Datasources []string   `json:"datasources,omitzero"`
	Filters     []Filter   `json:"filters,omitzero"`
	TimeRange   *TimeRange `json:"time_range,omitzero"`
}

// Filter is a condition on one field.
type Filter struct {
	Field    string   `json:"field"`
	Operator Operator `json:"operator,omitzero"` // EQUALS where it is absent
	Values   []string `json:"values"`
}

// Operator says how a value is compared.
type Operator string

// The operators.
const (
	Equals         Operator = "EQUALS"
	NotEquals      Operator = "NOT_EQUALS"
	Greater        Operator = "GT"
	GreaterOrEqual Operator = "GTE"
	Less           Operator = "LT"
	LessOrEqual    Operator = "LTE"
)

// TimeRange is when a document was last changed: from Start on, before End.
type TimeRange struct {
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

// SearchResponse is a page of results.
type SearchResponse struct {
	Results    []Result  `json:"results"`
	HasMore    bool      `json:"has_more"`
	NextCursor *string   `json:"next_cursor"` // null at the end
	RequestID  string    `json:"request_id"`
	Warnings   []Warning `json:"warnings"`
}

// Result is a document found.
type Result struct {
	URL          string    `json:"url"`
	Title        string    `json:"title"`
	Snippets     []string  `json:"snippets,omitempty"`
	Datasource   string    `json:"datasource"`
	DocumentType string    `json:"document_type,omitzero"`
	Creator      *Person   `json:"creator,omitzero"`
	Owner        *Person   `json:"owner,omitzero"`
	UpdatedAt    time.Time `json:"updated_at,omitzero"`
	CreatedAt    time.Time `json:"created_at,omitzero"`
}

// Person is somebody whom a document names.
type Person struct {
	ID   string `json:"id,omitzero"`
	Name string `json:"name"`
}

// Warning says what of a request was left out.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// FiltersRequest asks for the catalogue.
type FiltersRequest struct {
	Datasources []string `query:"datasources" json:"-"`
	Query       string   `query:"query" json:"-"`
}

// FiltersResponse is the catalogue.
type FiltersResponse struct {
	Datasources []SourceFilters `json:"datasources"`
	RequestID   string          `json:"request_id"`
}

// SourceFilters are the filters of one datasource.
type SourceFilters struct {
	Datasource string       `json:"datasource"`
	Filters    []FilterInfo `json:"filters"`
}

// FilterInfo is one filter.
type FilterInfo struct {
	Field     string     `json:"field"`
	Type      string     `json:"type"`
	Operators []Operator `json:"operators"`
	Values    []string   `json:"values,omitempty"`
}

func equalities(relation wire.RelationType, values []string) []wire.FacetFilterValue {
	list := make([]wire.FacetFilterValue, 0, len(values))
	for _, v := range values {
		list = append(list, wire.FacetFilterValue{Value: v, RelationType: relation})
	}
	return list
}
