// Package wire holds the nouns that two or more rooms put on the wire: data only, no logic, one file
// per family of nouns. Names and kinds are those of the outside API; optional fields are omitted
// when zero, since clients refuse null.
package wire

import "time"

// Document is a document as its reader sees it.
type Document struct {
	// ID is sheaf's own name for the document: "datasource/objectType/id".
	ID            string           `json:"id,omitzero"`
	Datasource    string           `json:"datasource,omitzero"`
	ConnectorType string           `json:"connectorType,omitzero"`
	DocType       string           `json:"docType,omitzero"`
	Title         string           `json:"title,omitzero"`
	URL           string           `json:"url,omitzero"`
	Content       *DocumentContent `json:"content,omitzero"`
	Metadata      DocumentMetadata `json:"metadata,omitzero"`
}

// PushAPI is the connector type of everything that comes in through the Indexing API.
const PushAPI = "PUSH_API"

// DocumentContent is the text of a document.
type DocumentContent struct {
	FullTextList []string `json:"fullTextList"`
}

// DocumentMetadata is what is known about a document. Times are RFC 3339.
type DocumentMetadata struct {
	Datasource   string                     `json:"datasource,omitzero"`
	DatasourceID string                     `json:"datasourceId,omitzero"` // the id that the connector gave
	DocumentID   string                     `json:"documentId,omitzero"`
	ObjectType   string                     `json:"objectType,omitzero"`
	Container    string                     `json:"container,omitzero"`
	ContainerID  string                     `json:"containerId,omitzero"`
	MimeType     string                     `json:"mimeType,omitzero"`
	Status       string                     `json:"status,omitzero"`
	Labels       []string                   `json:"labels,omitzero"`
	Author       *Person                    `json:"author,omitzero"`
	Owner        *Person                    `json:"owner,omitzero"`
	UpdatedBy    *Person                    `json:"updatedBy,omitzero"`
	CreateTime   time.Time                  `json:"createTime,omitzero"`
	UpdateTime   time.Time                  `json:"updateTime,omitzero"`
	CustomData   map[string]CustomDataValue `json:"customData,omitzero"`
	Interactions *DocumentInteractions      `json:"interactions,omitzero"`
	ViewerInfo   *ViewerInfo                `json:"viewerInfo,omitzero"`
}

// DocumentInteractions is what people did with a document. Shares is there, if only empty, where it was asked for.
type DocumentInteractions struct {
	Shares       []Share    `json:"shares,omitzero"`
	VisitorCount *CountInfo `json:"visitorCount,omitzero"`
}

// Share says that somebody passed a document on.
type Share struct {
	NumDaysAgo int     `json:"numDaysAgo"`
	Sharer     *Person `json:"sharer,omitzero"`
}

// CountInfo is a number of things.
type CountInfo struct {
	Count int64 `json:"count"`
}

// ViewerInfo is what the caller did with a document.
type ViewerInfo struct {
	LastViewedTime time.Time `json:"lastViewedTime,omitzero"`
}

// CustomDataValue is the value of a custom property.
type CustomDataValue struct {
	DisplayLabel string   `json:"displayLabel,omitzero"`
	StringValue  string   `json:"stringValue,omitzero"`
	StringList   []string `json:"stringListValue,omitzero"`
	NumberValue  *float64 `json:"numberValue,omitzero"`
	BooleanValue *bool    `json:"booleanValue,omitzero"`
}

// DocumentSpec names one document: by id, by address, or, for what people write in sheaf itself, by kind
// and id. Where several are given the first of these counts.
type DocumentSpec struct {
	ID        string `json:"id,omitzero"`
	URL       string `json:"url,omitzero"`
	UGCType   string `json:"ugcType,omitzero"`
	UGCID     string `json:"ugcId,omitzero"`
	ContentID int64  `json:"contentId,omitzero"`
}
