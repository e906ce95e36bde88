package permissions

import (
	"context"
	"errors"
	"fmt"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// MaxPage is how many users, groups or memberships one page of a bulk upload may hold.
const MaxPage = 50_000

// BulkUsersRequest is a page of an upload that replaces all users of a datasource.
type BulkUsersRequest struct {
	upload.Head
	Datasource                    string           `json:"datasource"`
	Users                         []DatasourceUser `json:"users"`
	DisableStaleDataDeletionCheck bool             `json:"disableStaleDataDeletionCheck,omitzero"`
}

// AuditSubject names the datasource.
func (r BulkUsersRequest) AuditSubject() string { return r.Datasource }

// BulkGroupsRequest is a page of an upload that replaces all groups of a datasource.
type BulkGroupsRequest struct {
	upload.Head
	Datasource                    string            `json:"datasource"`
	Groups                        []DatasourceGroup `json:"groups"`
	DisableStaleDataDeletionCheck bool              `json:"disableStaleDataDeletionCheck,omitzero"`
}

// AuditSubject names the datasource.
func (r BulkGroupsRequest) AuditSubject() string { return r.Datasource }

// BulkMembershipsRequest is a page of an upload that replaces all members of one group.
type BulkMembershipsRequest struct {
	upload.Head
	Datasource  string           `json:"datasource"`
	Group       string           `json:"group,omitzero"`
	Memberships []BulkMembership `json:"memberships"`
}

// AuditSubject names the group.
func (r BulkMembershipsRequest) AuditSubject() string { return r.Datasource + "/" + r.Group }

// BulkMembership is exactly one member of the group that its page is about.
type BulkMembership struct {
	MemberUserID    string `json:"memberUserId,omitzero"`
	MemberGroupName string `json:"memberGroupName,omitzero"`
}

// takes refuses a page of a datasource that the token does not cover, and one that holds more than it may.
func takes(c grant.Caller, datasource string, n int, field string) error {
	if n > MaxPage {
		return fault.Newf(fault.TooLarge, "A page has at most %d %s.", MaxPage, field).WithField(field)
	}
	return covers(c, datasource)
}

// ofPage says of a fault about one of many that it is, and that none of them was written.
func ofPage(err error, field string) error {
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field == "uploadId" || f.Field == "datasource" || f.Field == "forceRestartUpload" {
		return err
	}
	g := *f
	g.Message += " Nothing of this page was written."
	g.Field = field
	return &g
}

func (s *Service) bulkUsers(ctx context.Context, c grant.Caller, req BulkUsersRequest) (rpc.None, error) {
	if err := takes(c, req.Datasource, len(req.Users), "users"); err != nil {
		return rpc.None{}, err
	}
	page := req.Page(req.Users)
	page.Datasource, page.SkipStaleCheck = req.Datasource, req.DisableStaleDataDeletionCheck
	list := make([]directory.Identity, len(req.Users))
	for i := range req.Users {
		u := &req.Users[i]
		list[i] = directory.Identity{Email: u.Email, UserID: u.UserID, Name: u.Name, Active: u.IsActive == nil || *u.IsActive}
	}
	return rpc.None{}, ofPage(s.directory.UploadIdentities(ctx, page, list), "users")
}

func (s *Service) bulkGroups(ctx context.Context, c grant.Caller, req BulkGroupsRequest) (rpc.None, error) {
	if err := takes(c, req.Datasource, len(req.Groups), "groups"); err != nil {
		return rpc.None{}, err
	}
	page := req.Page(req.Groups)
	page.Datasource, page.SkipStaleCheck = req.Datasource, req.DisableStaleDataDeletionCheck
	list := make([]directory.Group, len(req.Groups))
	for i := range req.Groups {
		if reserved(req.Groups[i].Name) {
			return rpc.None{}, fault.New(fault.Invalid, `Names of groups do not start with "scio". Nothing of this page was written.`).
				WithField(fmt.Sprintf("groups[%d].name", i))
		}
		list[i] = directory.Group{Name: req.Groups[i].Name}
	}
	return rpc.None{}, ofPage(s.directory.UploadGroups(ctx, page, list), "groups")
}

func (s *Service) bulkMemberships(ctx context.Context, c grant.Caller, req BulkMembershipsRequest) (rpc.None, error) {
	if err := takes(c, req.Datasource, len(req.Memberships), "memberships"); err != nil {
		return rpc.None{}, err
	}
	if req.Group == "" {
		return rpc.None{}, fault.New(fault.Invalid, "Name the group whose members these are.").WithField("group")
	}
	page := req.Page(req.Memberships)
	page.Datasource, page.Part = req.Datasource, req.Group
	list := make([]directory.Membership, len(req.Memberships))
	for i, m := range req.Memberships {
		list[i] = directory.Membership{User: m.MemberUserID, MemberGroup: m.MemberGroupName}
	}
	return rpc.None{}, ofPage(s.directory.UploadMemberships(ctx, page, list), "memberships")
}
