package permissions

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// IndexUserRequest adds or replaces a user.
type IndexUserRequest struct {
	Version    int64          `json:"version,omitzero"`
	Datasource string         `json:"datasource"`
	User       DatasourceUser `json:"user"`
}

// AuditSubject names the user.
func (r IndexUserRequest) AuditSubject() string { return r.Datasource + "/" + r.User.Email }

// DatasourceUser is a user of a datasource. The address maps it to a person.
type DatasourceUser struct {
	Email    string `json:"email"`
	UserID   string `json:"userId,omitzero"` // the datasource's own id; the address where it has none
	Name     string `json:"name"`
	IsActive *bool  `json:"isActive,omitzero"` // absent means true
}

// IndexGroupRequest adds a group.
type IndexGroupRequest struct {
	Version    int64           `json:"version,omitzero"`
	Datasource string          `json:"datasource"`
	Group      DatasourceGroup `json:"group"`
}

// AuditSubject names the group.
func (r IndexGroupRequest) AuditSubject() string { return r.Datasource + "/" + r.Group.Name }

// DatasourceGroup is a group of a datasource.
type DatasourceGroup struct {
	Name string `json:"name"`
}

// reserved reports whether a name is kept for the server's own groups.
func reserved(name string) bool { return strings.HasPrefix(strings.ToLower(name), "scio") }

// MembershipRequest adds or ends a membership.
type MembershipRequest struct {
	Version    int64                `json:"version,omitzero"`
	Datasource string               `json:"datasource"`
	Membership DatasourceMembership `json:"membership"`
}

// AuditSubject names the group.
func (r MembershipRequest) AuditSubject() string {
	return r.Datasource + "/" + r.Membership.GroupName
}

// DatasourceMembership puts exactly one member into a group.
type DatasourceMembership struct {
	GroupName       string `json:"groupName"`
	MemberUserID    string `json:"memberUserId,omitzero"`
	MemberGroupName string `json:"memberGroupName,omitzero"`
}

func (r *MembershipRequest) membership() directory.Membership {
	m := &r.Membership
	return directory.Membership{Group: m.GroupName, User: m.MemberUserID, MemberGroup: m.MemberGroupName, Version: r.Version}
}

// DeleteUserRequest removes a user.
type DeleteUserRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	Email      string `json:"email"`
}

// AuditSubject names the user.
func (r DeleteUserRequest) AuditSubject() string { return r.Datasource + "/" + r.Email }

// DeleteGroupRequest removes a group.
type DeleteGroupRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	GroupName  string `json:"groupName"`
}

// AuditSubject names the group.
func (r DeleteGroupRequest) AuditSubject() string { return r.Datasource + "/" + r.GroupName }
