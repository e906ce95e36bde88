package documents

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
)

// IndexRequest adds or replaces one document.
type IndexRequest struct {
	Version  int64    `json:"version,omitzero"` // 0 for unchecked
	Document Document `json:"document"`
}

// AuditSubject names the document.
func (r IndexRequest) AuditSubject() string {
	return corpus.Ref{Datasource: r.Document.Datasource, ObjectType: r.Document.ObjectType, ID: r.Document.ID}.Key()
}

// IndexManyRequest adds or replaces documents.
type IndexManyRequest struct {
	UploadID   string     `json:"uploadId,omitzero"` // means nothing to sheaf
	Datasource string     `json:"datasource"`
	Documents  []Document `json:"documents"`
}

// RateDocuments is how many documents the request holds, which have a rate of their own.
func (r IndexManyRequest) RateDocuments() int { return len(r.Documents) }

// AuditSubject names the datasource.
func (r IndexManyRequest) AuditSubject() string { return r.Datasource }

// UpdatePermissionsRequest replaces who may read a document, which is named by id or by viewURL.
type UpdatePermissionsRequest struct {
	Datasource  string      `json:"datasource"`
	ObjectType  string      `json:"objectType,omitzero"`
	ID          string      `json:"id,omitzero"`
	ViewURL     string      `json:"viewURL,omitzero"`
	Permissions Permissions `json:"permissions"`
}

// AuditSubject names the document.
func (r UpdatePermissionsRequest) AuditSubject() string {
	if r.ID == "" {
		return r.ViewURL
	}
	return corpus.Ref{Datasource: r.Datasource, ObjectType: r.ObjectType, ID: r.ID}.Key()
}

// DeleteRequest removes a document.
type DeleteRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	ObjectType string `json:"objectType"`
	ID         string `json:"id"`
}

// AuditSubject names the document.
func (r DeleteRequest) AuditSubject() string {
	return corpus.Ref{Datasource: r.Datasource, ObjectType: r.ObjectType, ID: r.ID}.Key()
}

// Document is a document as a connector sends it. Times are Unix seconds.
type Document struct {
	Title                 string           `json:"title,omitzero"`
	Filename              string           `json:"filename,omitzero"`
	Container             string           `json:"container,omitzero"`
	ContainerDatasourceID string           `json:"containerDatasourceId,omitzero"`
	ContainerObjectType   string           `json:"containerObjectType,omitzero"`
	Datasource            string           `json:"datasource"`
	ObjectType            string           `json:"objectType,omitzero"`
	ViewURL               string           `json:"viewURL,omitzero"`
	ID                    string           `json:"id,omitzero"`
	Summary               Content          `json:"summary,omitzero"`
	Body                  Content          `json:"body,omitzero"`
	Author                UserReference    `json:"author,omitzero"`
	Owner                 UserReference    `json:"owner,omitzero"`
	Permissions           Permissions      `json:"permissions,omitzero"` // none means that nobody may read it
	CreatedAt             int64            `json:"createdAt,omitzero"`
	UpdatedAt             int64            `json:"updatedAt,omitzero"`
	UpdatedBy             UserReference    `json:"updatedBy,omitzero"`
	Tags                  []string         `json:"tags,omitzero"`
	Interactions          Interactions     `json:"interactions,omitzero"`
	Status                string           `json:"status,omitzero"`
	AdditionalURLs        []string         `json:"additionalUrls,omitzero"`
	NativeAppURL          string           `json:"nativeAppUrl,omitzero"`
	Comments              []Comment        `json:"comments,omitzero"`
	CustomProperties      []CustomProperty `json:"customProperties,omitzero"`
}

// Content is text, as it stands or in base64.
type Content struct {
	MimeType      string `json:"mimeType"`
	TextContent   string `json:"textContent,omitzero"`
	BinaryContent string `json:"binaryContent,omitzero"`
}

// UserReference names somebody as the datasource does.
type UserReference struct {
	Email  string `json:"email,omitzero"`
	UserID string `json:"datasourceUserId,omitzero"`
	Name   string `json:"name,omitzero"`
}

// Interactions counts what people did with a document.
type Interactions struct {
	NumViews    int64 `json:"numViews,omitzero"`
	NumLikes    int64 `json:"numLikes,omitzero"`
	NumComments int64 `json:"numComments,omitzero"`
}

// Comment is a remark on a document.
type Comment struct {
	ID        string        `json:"id"`
	Author    UserReference `json:"author,omitzero"`
	Content   Content       `json:"content,omitzero"`
	CreatedAt int64         `json:"createdAt,omitzero"`
	UpdatedAt int64         `json:"updatedAt,omitzero"`
	UpdatedBy UserReference `json:"updatedBy,omitzero"`
}

// CustomProperty is a property of the connector's own.
type CustomProperty struct {
	Name  string         `json:"name,omitzero"`
	Value jsontext.Value `json:"value,omitzero"`
}

// Permissions says who may read a document. All parts are OR-ed.
type Permissions struct {
	AllowedUsers   []UserReference     `json:"allowedUsers,omitzero"`
	AllowedGroups  []string            `json:"allowedGroups,omitzero"`
	Intersections  []GroupIntersection `json:"allowedGroupIntersections,omitzero"`
	AllowAnonymous bool                `json:"allowAnonymousAccess,omitzero"`
	AllowAllUsers  bool                `json:"allowAllDatasourceUsersAccess,omitzero"`
}

// GroupIntersection means those who are in all of its groups.
type GroupIntersection struct {
	RequiredGroups []string `json:"requiredGroups,omitzero"`
}

func (p *Permissions) permissions() directory.Permissions {
	out := directory.Permissions{Groups: p.AllowedGroups, AllUsers: p.AllowAllUsers, Everyone: p.AllowAnonymous}
	for _, u := range p.AllowedUsers {
		out.Users = append(out.Users, directory.UserRef{Email: u.Email, UserID: u.UserID})
	}
	for _, i := range p.Intersections {
		out.Intersections = append(out.Intersections, i.RequiredGroups)
	}
	return out
}
