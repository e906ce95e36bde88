// Package permissions is the part of the Indexing API in which a connector names the users, groups
// and memberships of its datasource, so that the permissions of documents mean somebody. A connector
// changes those datasources that its token covers, and no other caller is admitted.
//
// Nothing here makes a person or lets anybody sign in: a user of a datasource grants something to
// the person who holds the user's address, once there is one.
package permissions

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Service changes the users and groups of one directory.
type Service struct{ directory *directory.Directory }

// New returns a Service.
func New(d *directory.Directory) *Service { return &Service{d} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/indexuser", "Adds or replaces a user of a datasource.", s.putUser).Audited(),
		rpc.JSON("POST /api/index/v1/indexgroup", "Adds a group of a datasource.", s.putGroup).Audited(),
		rpc.JSON("POST /api/index/v1/indexmembership", "Puts a user or a group into a group.", s.putMembership).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexusers", "Replaces all users of a datasource, page by page.", s.bulkUsers).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexgroups", "Replaces all groups of a datasource, page by page.", s.bulkGroups).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexmemberships", "Replaces all members of a group, page by page.", s.bulkMemberships).Audited(),
		rpc.JSON("POST /api/index/v1/deleteuser", "Removes a user of a datasource with its memberships.", s.deleteUser).Audited(),
		rpc.JSON("POST /api/index/v1/deletegroup", "Removes a group of a datasource with its memberships.", s.deleteGroup).Audited(),
		rpc.JSON("POST /api/index/v1/deletemembership", "Takes a user or a group out of a group.", s.deleteMembership).Audited(),
		rpc.JSON("POST /api/index/v1/betausers", "Names the people who may see a datasource before others.", s.setTesters).Audited(),
	)
}

func covers(c grant.Caller, datasource string) error {
	if !c.MayIndex(datasource) {
		return fault.Newf(fault.Forbidden, "This token does not cover the datasource %q.", datasource).WithField("datasource")
	}
	return nil
}

func (s *Service) putUser(ctx context.Context, c grant.Caller, req IndexUserRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.PutIdentities(ctx, req.Datasource, []directory.Identity{{
		Email: req.User.Email, UserID: req.User.UserID, Name: req.User.Name,
		Active: req.User.IsActive == nil || *req.User.IsActive, Version: req.Version,
	}})
}

func (s *Service) putGroup(ctx context.Context, c grant.Caller, req IndexGroupRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	if reserved(req.Group.Name) {
		return rpc.None{}, fault.New(fault.Invalid, `Names of groups do not start with "scio".`).WithField("group.name")
	}
	return rpc.None{}, s.directory.PutGroups(ctx, req.Datasource, []directory.Group{{Name: req.Group.Name, Version: req.Version}})
}

func (s *Service) putMembership(ctx context.Context, c grant.Caller, req MembershipRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.PutMemberships(ctx, req.Datasource, []directory.Membership{req.membership()})
}

func (s *Service) deleteUser(ctx context.Context, c grant.Caller, req DeleteUserRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteIdentity(ctx, req.Datasource, req.Email, req.Version)
}

func (s *Service) deleteGroup(ctx context.Context, c grant.Caller, req DeleteGroupRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteGroup(ctx, req.Datasource, req.GroupName, req.Version)
}

func (s *Service) deleteMembership(ctx context.Context, c grant.Caller, req MembershipRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.DeleteMembership(ctx, req.Datasource, req.membership())
}
