package documents

import "github.com/sheafsearch/sheaf/internal/wire"

// GetRequest names documents.
type GetRequest struct {
	Specs         []wire.DocumentSpec `json:"documentSpecs"`
	IncludeFields []Field             `json:"includeFields,omitzero"`
}

// Field asks for more than title, address and metadata. Unknown ones add nothing.
type Field string

// The fields.
const (
	DocumentContent Field = "DOCUMENT_CONTENT" // the text
	LastViewedAt    Field = "LAST_VIEWED_AT"   // when the caller last opened it, as far as sheaf knows
	VisitorsCount   Field = "VISITORS_COUNT"   // how many people opened it through sheaf
	CustomMetadata  Field = "CUSTOM_METADATA"  // what groups of custom metadata say of it, among customData
	RecentShares    Field = "RECENT_SHARES"    // no datasource tells, so the list is empty
)

// GetResponse holds every document asked for, under the id or address it was asked by.
type GetResponse struct {
	Documents map[string]DocumentOrError `json:"documents"`
}

// DocumentOrError is a document, or why it is not there. Error is empty on success.
type DocumentOrError struct {
	wire.Document
	Error string `json:"error,omitzero"`
}
