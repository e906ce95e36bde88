package entities

import "github.com/sheafsearch/sheaf/internal/wire"

// ListRequest asks for a page of the directory.
type ListRequest struct {
	EntityType    EntityType         `json:"entityType,omitzero"`
	RequestType   RequestType        `json:"requestType,omitzero"`
	Datasource    string             `json:"datasource,omitzero"` // of custom entities
	Query         string             `json:"query,omitzero"`
	Filter        []wire.FacetFilter `json:"filter,omitzero"`
	Sort          []SortOptions      `json:"sort,omitzero"`
	IncludeFields []Field            `json:"includeFields,omitzero"`
	PageSize      int                `json:"pageSize,omitzero"`
	Cursor        string             `json:"cursor,omitzero"`
}

// EntityType is a kind of thing in the directory. Empty means People.
type EntityType string

// The entity types.
const (
	People         EntityType = "PEOPLE"
	Teams          EntityType = "TEAMS"
	CustomEntities EntityType = "CUSTOM_ENTITIES" // documents of entity datasources
)

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
	PeopleOfTeams     Field = "PEOPLE" // the profiles of teams' members
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

// SortKey is what a list is sorted by.
type SortKey string

// The keys. Relevance has no direction, and is by name where there is no query.
const (
	ByRelevance SortKey = "RELEVANCE"
	ByName      SortKey = "ENTITY_NAME"
	ByFirstName SortKey = "FIRST_NAME"
	ByLastName  SortKey = "LAST_NAME"
	ByOrgSize   SortKey = "ORG_SIZE_COUNT"
	ByStartDate SortKey = "START_DATE"
	ByTeamSize  SortKey = "TEAM_SIZE"
)

// ListResponse is a page of entities of the type asked for.
type ListResponse struct {
	Results        []wire.Person      `json:"results"`
	Teams          []wire.Team        `json:"teamResults,omitzero"`
	CustomEntities []CustomEntity     `json:"customEntityResults,omitzero"`
	TotalCount     int                `json:"totalCount"`
	HasMoreResults bool               `json:"hasMoreResults"`
	Cursor         string             `json:"cursor,omitzero"`
	FacetResults   []wire.FacetResult `json:"facetResults,omitzero"`
	SortOptions    []SortKey          `json:"sortOptions"`
	// CustomFacets are the names of the company's own fields, which filters take too.
	CustomFacets []string `json:"customFacetNames,omitzero"`
}

// CustomEntity is a thing of a datasource that the company made an entity of.
type CustomEntity struct {
	ID         string               `json:"id"`
	Title      string               `json:"title,omitzero"`
	Datasource string               `json:"datasource,omitzero"`
	ObjectType string               `json:"objectType,omitzero"`
	Metadata   CustomEntityMetadata `json:"metadata,omitzero"`
}

// CustomEntityMetadata is the custom properties of an entity.
type CustomEntityMetadata struct {
	CustomData map[string]wire.CustomDataValue `json:"customData,omitzero"`
}
