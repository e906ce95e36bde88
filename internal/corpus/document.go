package corpus

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// Document is a document as its connector sent it, with its text extracted. Its JSON is how the
// parts without a column of their own are stored.
type Document struct {
	// Key is the document's name in sheaf: "datasource/objectType/id" with the id folded. Put sets it.
	Key        string `json:"-"`
	Datasource string `json:"-"`
	ObjectType string `json:"-"`
	ID         string `json:"-"` // as sent; two ids never differ in case alone

	Title     string `json:"-"`
	ViewURL   string `json:"-"`
	Body      string `json:"-"` // plain text
	CreatedAt int64  `json:"-"` // Unix seconds, 0 when unknown
	UpdatedAt int64  `json:"-"`

	Permissions directory.Permissions `json:"-"`
	// Readers are the permissions as principals, on documents that were read.
	Readers    []uint32 `json:"-"`
	UploadedAt int64    `json:"-"` // microseconds, of the last Put
	Position   int64    `json:"-"` // of the document's latest change in the queue

	MimeType            string       `json:"mimeType,omitzero"` // of the body, without parameters
	Summary             string       `json:"summary,omitzero"`
	Filename            string       `json:"filename,omitzero"`
	Container           string       `json:"container,omitzero"`
	ContainerID         string       `json:"containerDatasourceId,omitzero"`
	ContainerObjectType string       `json:"containerObjectType,omitzero"`
	Author              User         `json:"author,omitzero"`
	Owner               User         `json:"owner,omitzero"`
	UpdatedBy           User         `json:"updatedBy,omitzero"`
	Tags                []string     `json:"tags,omitzero"`
	Status              string       `json:"status,omitzero"`
	AdditionalURLs      []string     `json:"additionalUrls,omitzero"`
	NativeAppURL        string       `json:"nativeAppUrl,omitzero"`
	Interactions        Interactions `json:"interactions,omitzero"`
	Comments            []Comment    `json:"comments,omitzero"`
	Properties          []Property   `json:"customProperties,omitzero"`

	// Metadata is what was said of the document by groups of custom metadata, on documents that were read whole.
	Metadata []Metadata `json:"-"`
}

// User is somebody as a connector refers to them. On documents that were read, Email is filled in
// where the datasource knows the id.
type User struct {
	Email  string `json:"email,omitzero"`
	UserID string `json:"datasourceUserId,omitzero"`
	Name   string `json:"name,omitzero"`
}

// Interactions counts what people did with a document in its datasource.
type Interactions struct {
	Views    int64 `json:"numViews,omitzero"`
	Likes    int64 `json:"numLikes,omitzero"`
	Comments int64 `json:"numComments,omitzero"`
}

// Comment is a remark on a document.
type Comment struct {
	ID        string `json:"id"`
	Author    User   `json:"author,omitzero"`
	Text      string `json:"text,omitzero"`
	CreatedAt int64  `json:"createdAt,omitzero"`
	UpdatedAt int64  `json:"updatedAt,omitzero"`
	UpdatedBy User   `json:"updatedBy,omitzero"`
}

// Property is a custom property: any JSON value.
type Property struct {
	Name  string         `json:"name"`
	Value jsontext.Value `json:"value,omitzero"`
}

// Ref names a document as its connector does.
type Ref struct {
	Datasource string
	ObjectType string
	ID         string
	// ViewURL names the document where the id is not given.
	ViewURL string
}

// Key returns the document's name in sheaf.
func (r Ref) Key() string { return r.Datasource + "/" + r.ObjectType + "/" + foldID(r.ID) }

// foldID is the form of an id by which ids are compared: they are case-insensitive.
func foldID(id string) string { return strings.ToLower(id) }

// ParseKey takes a document's name in sheaf apart, and reports whether it is one.
func ParseKey(key string) (Ref, bool) {
	datasource, rest, ok := strings.Cut(key, "/")
	objectType, id, ok2 := strings.Cut(rest, "/")
	return Ref{Datasource: datasource, ObjectType: objectType, ID: id}, ok && ok2 && datasource != "" && id != "" &&
		len(key) <= 1024 && utf8.ValidString(key) && strings.IndexByte(key, 0) < 0
}
