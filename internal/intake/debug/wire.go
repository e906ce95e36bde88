package debug

import "github.com/sheafsearch/sheaf/internal/directory"

// DatasourceRequest names a datasource in the path.
type DatasourceRequest struct {
	Datasource string `path:"datasource" json:"-"`
}

// DocumentRequest names a document.
type DocumentRequest struct {
	Datasource string `path:"datasource" json:"-"`
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
}

// DocumentsRequest names documents of one datasource.
type DocumentsRequest struct {
	Datasource string     `path:"datasource" json:"-"`
	Documents  []Document `json:"debugDocuments"`
}

// Document names a document of a datasource.
type Document struct {
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
}

// DocumentResponse says where a document stands.
type DocumentResponse struct {
	Status              DocumentStatus `json:"status,omitzero"`
	UploadedPermissions *Permissions   `json:"uploadedPermissions,omitzero"`
}

// DocumentStatus says where a document stands. PermissionIdentityStatus is UPLOADED once every user and group that its
// permissions name was sent.
type DocumentStatus struct {
	UploadStatus             string `json:"uploadStatus,omitzero"`
	LastUploadedAt           string `json:"lastUploadedAt,omitzero"`
	IndexingStatus           string `json:"indexingStatus,omitzero"`
	LastIndexedAt            string `json:"lastIndexedAt,omitzero"`
	PermissionIdentityStatus string `json:"permissionIdentityStatus,omitzero"`
}

// Permissions says who may read a document.
type Permissions struct {
	AllowedUsers                  []User         `json:"allowedUsers,omitzero"`
	AllowedGroups                 []string       `json:"allowedGroups,omitzero"`
	AllowedGroupIntersections     []Intersection `json:"allowedGroupIntersections,omitzero"`
	AllowAnonymousAccess          bool           `json:"allowAnonymousAccess,omitzero"`
	AllowAllDatasourceUsersAccess bool           `json:"allowAllDatasourceUsersAccess,omitzero"`
}

// User names a user of a datasource.
type User struct {
	Email            string `json:"email,omitzero"`
	DatasourceUserID string `json:"datasourceUserId,omitzero"`
}

// Intersection is met by those who are in all of its groups.
type Intersection struct {
	RequiredGroups []string `json:"requiredGroups,omitzero"`
}

func permissionsOf(p *directory.Permissions) Permissions {
	out := Permissions{AllowedGroups: p.Groups, AllowAnonymousAccess: p.Everyone, AllowAllDatasourceUsersAccess: p.AllUsers}
	for _, u := range p.Users {
		out.AllowedUsers = append(out.AllowedUsers, User{u.Email, u.UserID})
	}
	for _, groups := range p.Intersections {
		out.AllowedGroupIntersections = append(out.AllowedGroupIntersections, Intersection{groups})
	}
	return out
}

// DocumentsResponse says where documents stand, in the order asked.
type DocumentsResponse struct {
	Statuses []DocumentsItem `json:"documentStatuses"`
}

// DocumentsItem says where one document stands.
type DocumentsItem struct {
	DocID      string           `json:"docId"`
	ObjectType string           `json:"objectType"`
	Info       DocumentResponse `json:"debugInfo"`
}

// UserRequest names a user of a datasource.
type UserRequest struct {
	Datasource string `path:"datasource" json:"-"`
	Email      string `json:"email"`
}

// UserResponse says where a user stands, and in which groups, through others too.
type UserResponse struct {
	Status UserStatus `json:"status"`
	Groups []Group    `json:"uploadedGroups"`
}

// UserStatus says where a user stands.
type UserStatus struct {
	IsActiveUser   bool   `json:"isActiveUser"`
	UploadStatus   string `json:"uploadStatus"`
	LastUploadedAt string `json:"lastUploadedAt,omitzero"`
}

// Group is a group of a datasource.
type Group struct {
	Name string `json:"name"`
}

// EventsRequest asks what happened to a document since a date.
type EventsRequest struct {
	Datasource string `path:"datasource" json:"-"`
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
	StartDate  string `json:"startDate,omitzero"`
	MaxEvents  *int   `json:"maxEvents,omitzero"`
}

// EventsResponse is what happened, the newest first.
type EventsResponse struct {
	Events []LifeCycleEvent `json:"lifeCycleEvents"`
}

// LifeCycleEvent is one thing that happened.
type LifeCycleEvent struct {
	Event     string `json:"event"`
	Timestamp string `json:"timestamp"`
}

// AccessRequest names a document and a person.
type AccessRequest struct {
	Datasource string `json:"datasource"`
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
	UserEmail  string `json:"userEmail"`
}

// AccessResponse says whether the person may read the document.
type AccessResponse struct {
	HasAccess bool `json:"hasAccess"`
}

// StatusRequest names a document.
type StatusRequest struct {
	Datasource string `json:"datasource"`
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
}

// StatusResponse says where a document stands. Times are Unix seconds.
type StatusResponse struct {
	UploadStatus   string `json:"uploadStatus"`
	LastUploadedAt int64  `json:"lastUploadedAt,omitzero"`
	IndexingStatus string `json:"indexingStatus"`
	LastIndexedAt  int64  `json:"lastIndexedAt,omitzero"`
}

// CountRequest names a datasource.
type CountRequest struct {
	Datasource string `json:"datasource"`
}

// DocumentCount is how many documents a datasource has.
type DocumentCount struct {
	DocumentCount int64 `json:"documentCount"`
}

// UserCount is how many users were sent for a datasource.
type UserCount struct {
	UserCount int64 `json:"userCount"`
}

// DatasourceStatus says where a datasource stands.
type DatasourceStatus struct {
	Documents  DocumentsPart `json:"documents"`
	Identity   Identity      `json:"identity"`
	Visibility string        `json:"datasourceVisibility"`
}

// DocumentsPart is what there is to say of the documents. Indexed is absent while the index is being filled.
type DocumentsPart struct {
	Uploads    []BulkUpload   `json:"bulkUploadHistory"`
	Counts     DocumentCounts `json:"counts"`
	Processing []Processing   `json:"processingHistory"`
}

// DocumentCounts counts documents by object type.
type DocumentCounts struct {
	Uploaded []TypeCount `json:"uploaded"`
	Indexed  []TypeCount `json:"indexed,omitzero"`
}

// TypeCount is how many documents have an object type.
type TypeCount struct {
	ObjectType string `json:"objectType"`
	Count      int64  `json:"count"`
}

// Identity is what there is to say of users, groups and memberships.
type Identity struct {
	Processing  []Processing `json:"processingHistory"`
	Users       IdentityPart `json:"users"`
	Groups      IdentityPart `json:"groups"`
	Memberships IdentityPart `json:"memberships"`
}

// IdentityPart is what there is to say of one kind.
type IdentityPart struct {
	Uploads []BulkUpload  `json:"bulkUploadHistory"`
	Counts  UploadedCount `json:"counts"`
}

// UploadedCount is how many there are.
type UploadedCount struct {
	Uploaded int64 `json:"uploaded"`
}

// BulkUpload is one bulk upload. End is "NA" while it is open.
type BulkUpload struct {
	UploadID string `json:"uploadId"`
	Start    string `json:"startTime"`
	End      string `json:"endTime"`
	Status   string `json:"status"`
	State    string `json:"processingState"`
}

// Processing is one time that everything was gone through again.
type Processing struct {
	Start string `json:"startTime"`
	End   string `json:"endTime,omitzero"`
}
