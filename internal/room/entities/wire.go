package entities

import "github.com/sheafsearch/sheaf/internal/wire"

// ListRequest asks for a page of the directory.
type ListRequest struct {
	EntityType    EntityType         `json:"entityType,omitzero"`
	RequestType   RequestType        `json:"requestType,omitzero"`
	Query         string             `json:"query,omitzero"`
	Filter        []wire.FacetFilter `json:"filter,omitzero"`
	Sort          []SortOptions      `json:"sort,omitzero"`
	IncludeFields []Field            `json:"includeFields,omitzero"`
	PageSize      int                `json:"pageSize,omitzero"`
	Cursor        string             `json:"cursor,omitzero"`
}

// EntityType is a kind of thing in the directory. Empty means People.
type EntityType string

// People is the entity type that sheaf has.
const People EntityType = "PEOPLE"

// RequestType says how far a list goes. Empty means Standard.
type RequestType string

// The request types.
const (
	Standard      RequestType = "STANDARD"       // the first 10,000 matches
	FullDirectory RequestType = "FULL_DIRECTORY" // everyone, by first or last name
)

// Field asks for more than the profiles. Those that sheaf has nothing for add nothing.
type Field string

// The fields that add something.
const (
	Facets            Field = "FACETS"
	ManagementDetails Field = "MANAGEMENT_DETAILS"
)

// SortOptions is a key and a direction. Empty directions are ascending, save for sizes.
type SortOptions struct {
	SortBy  SortKey `json:"sortBy,omitzero"`
	OrderBy string  `json:"orderBy,omitzero"`
}

// The directions.
const (
	Ascending  = "ASC"
	Descending = "DESC"
)

// SortKey is what a list of people is sorted by.
type SortKey string

// The keys. Relevance is by name: every match has all the words of the query.
const (
	ByRelevance SortKey = "RELEVANCE"
	ByName      SortKey = "ENTITY_NAME"
	ByFirstName SortKey = "FIRST_NAME"
	ByLastName  SortKey = "LAST_NAME"
	ByOrgSize   SortKey = "ORG_SIZE_COUNT"
	ByStartDate SortKey = "START_DATE"
)

// ListResponse is a page of people.
type ListResponse struct {
	Results        []wire.Person      `json:"results"`
	TotalCount     int                `json:"totalCount"`
	HasMoreResults bool               `json:"hasMoreResults"`
	Cursor         string             `json:"cursor,omitzero"`
	FacetResults   []wire.FacetResult `json:"facetResults,omitzero"`
	SortOptions    []SortKey          `json:"sortOptions"`
}
