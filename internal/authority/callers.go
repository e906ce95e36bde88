package authority

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// actor is who asks for a change, with the role that they have at that moment.
type actor struct {
	id   string // audit.Host for the host
	role grant.Role
}

// actor returns who c is, by what tx sees: a role that was lowered a moment ago counts as lowered. Only
// signed-in people and the host are actors; no token administers.
func (a *Authority) actor(ctx context.Context, tx *sqldb.Tx, c grant.Caller) (actor, error) {
	return actorOf(ctx, tx, c)
}

func actorOf(ctx context.Context, tx *sqldb.Tx, c grant.Caller) (actor, error) {
	if c.Is(grant.Maintenance) {
		return actor{id: audit.Host, role: grant.RoleSuperAdmin}, nil
	}
	if !c.Is(grant.Session) {
		return actor{}, forbidden("This takes a signed-in person.")
	}
	person, err := directory.LookupID(ctx, tx, c.Person())
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return actor{}, err
	}
	if err != nil || !person.Active {
		return actor{}, signedOut()
	}
	return actor{id: person.ID, role: person.Role}, nil
}

// Maintenance returns the caller that the server itself is: queue, reindex, check, backup, and the
// commands given on its host. It reads everything and may do what a Super Admin may.
func (a *Authority) Maintenance() grant.Caller {
	return grant.Mint(&grant.Facts{Kind: grant.Maintenance, Holder: "the host"})
}

// AdminSearch returns a caller who searches past permissions: c, who must act for a Super Admin in
// person, by a session or a USER or OAuth token. The query is in the audit log before it runs.
func (a *Authority) AdminSearch(ctx context.Context, c grant.Caller, query string) (grant.Caller, error) {
	if !c.Is(grant.Session|grant.User) || c.Role() != grant.RoleSuperAdmin {
		return grant.Caller{}, forbidden("Searching past permissions is for Super Admins.")
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
	entry.Action, entry.Detail = "admin.search", "“"+query+"”"
	if err := a.cfg.Audit.Record(ctx, entry); err != nil {
		return grant.Caller{}, err
	}
	return grant.Mint(&grant.Facts{
		Kind: grant.AdminSearch, Scopes: grant.ScopesOf(grant.Search), Person: c.Person(), Email: c.Email(), Role: c.Role(),
		Token: c.Token(), Holder: c.Holder(), Recheck: recheck,
	}), nil
}

// stillSuperAdmin asks SQL, for admin search is rare and reads everything.
func (a *Authority) stillSuperAdmin(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), admitTime)
	defer cancel()
	var person *directory.Person
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		person, err = directory.LookupID(ctx, tx, id)
		return err
	})
	switch {
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return away(ctx, err)
	case err != nil || !person.Active || person.Role != grant.RoleSuperAdmin:
		return forbidden("Searching past permissions is for Super Admins.")
	}
	return nil
}
