package authority

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// SearchAs returns a caller who searches as another person would, and may do nothing else: for a Super Admin's session, which has
// to hold at each read of data. It is in the audit log, with the query, before it runs.
func (a *Authority) SearchAs(ctx context.Context, c grant.Caller, person *directory.Person, query string) (grant.Caller, error) {
	if !c.Is(grant.Session) || c.Role() != grant.RoleSuperAdmin {
		return grant.Caller{}, forbidden("Searching as another person is for Super Admins.")
	}
	recheck := func() error {
		if err := c.Recheck(); err != nil {
			return err
		}
		return a.stillSuperAdmin(c.Person())
	}
	if err := recheck(); err != nil {
		return grant.Caller{}, err
	}
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "admin.search_as", person.ID, person.Email, "“"+query+"”"
	if err := a.cfg.Audit.Record(ctx, entry); err != nil {
		return grant.Caller{}, err
	}
	return grant.Mint(&grant.Facts{
		Kind: grant.User, Scopes: grant.ScopesOf(grant.Search), Person: person.ID, Email: person.Email,
		Token: c.Token(), Holder: c.Holder(), Recheck: recheck,
	}), nil
}
