package documents

import "github.com/sheafsearch/sheaf/internal/wire"

// GetRequest names documents.
type GetRequest struct {
	Specs         []wire.DocumentSpec `json:"documentSpecs"`
	IncludeFields []Field             `json:"includeFields,omitzero"`
}

// Field asks for more than title, address and metadata. Those that sheaf has nothing for add nothing.
type Field string

// DocumentContent asks for the text of the documents.
const DocumentContent Field = "DOCUMENT_CONTENT"

// GetResponse holds every document asked for, under the id or address it was asked by.
type GetResponse struct {
	Documents map[string]DocumentOrError `json:"documents"`
}

// DocumentOrError is a document, or why it is not there. Error is empty on success.
type DocumentOrError struct {
	wire.Document
	Error string `json:"error,omitzero"`
}
