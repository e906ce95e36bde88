package directory

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Groups give roles: those that are provisioned, and those that a provider tells of at sign-in. Each giver is kept apart, and so is the
// role that a person has of their own: the greatest of all counts, and no giver takes back what is another's.

// giverSCIM is the giver of what provisioned groups give.
const giverSCIM = "scim"

// givenRoles are the roles of a person by giver; that of giver "" is their own.
type givenRoles map[string]grant.Role

// groups is the greatest role that groups give.
func (r givenRoles) groups() grant.Role {
	most := grant.RoleMember
	for giver, role := range r {
		if giver != "" {
			most = max(most, role)
		}
	}
	return most
}

func givenTo(ctx context.Context, tx *sqldb.Tx, p *Person) (givenRoles, error) {
	type row struct {
		giver string
		role  int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.giver, &r.role); return r, err }
	rows, err := sqldb.All(ctx, tx, scan, "SELECT giver, role FROM given_roles WHERE person_id = $1", p.ID)
	if err != nil {
		return nil, err
	}
	given := givenRoles{"": p.Role}
	for _, r := range rows {
		given[r.giver] = grant.Role(r.role) //nolint:gosec // written from a role
	}
	// A role that is not what own and groups amount to was changed by hand since, and is the person's own.
	if p.Role != max(given[""], given.groups()) {
		given[""] = p.Role
	}
	return given, nil
}

// give makes role what a giver gives to p, and returns what follows for p's own row, which settle writes.
func give(ctx context.Context, tx *sqldb.Tx, p *Person, giver string, role grant.Role) (grant.Role, error) {
	given, err := givenTo(ctx, tx, p)
	if err != nil {
		return p.Role, err
	}
	if given[giver] = role; role == grant.RoleMember {
		delete(given, giver)
	}
	own, groups := given[""], given.groups()
	if _, err = tx.Exec(ctx, "DELETE FROM given_roles WHERE person_id = $1 AND giver IN ('', $2)", p.ID, giver); err != nil {
		return p.Role, err
	}
	put := func(giver string, role grant.Role) error {
		_, err := tx.Exec(ctx, "INSERT INTO given_roles (person_id, giver, role) VALUES ($1, $2, $3)", p.ID, giver, int64(role))
		return err
	}
	if groups > grant.RoleMember {
		err = put("", own)
	}
	if err == nil && role > grant.RoleMember {
		err = put(giver, role)
	}
	return max(own, groups), err
}

// GiveRole makes role what the groups of a giver give a person, in the place of what they gave before; RoleMember is nothing. It returns the
// person as before and after. The last Super Admin keeps theirs: fault.Conflict. giver is a name of the caller's own that no other giver has.
func (d *Directory) GiveRole(ctx context.Context, id, giver string, role grant.Role) (before, after *Person, err error) {
	after, err = d.change(ctx, id, func(tx *sqldb.Tx, p *Person) (err error) {
		held := *p
		before = &held
		p.Role, err = give(ctx, tx, &held, giver, role)
		return err
	})
	return before, after, err
}

// Givers lists who gives a person a role by groups.
func (d *Directory) Givers(ctx context.Context, id string) (list []string, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT giver FROM given_roles WHERE person_id = $1 AND giver <> '' ORDER BY giver", id)
		return err
	})
	return list, err
}

// RoleChange is a role that a group gave or took back.
type RoleChange struct {
	ID, Email     string
	Before, After grant.Role
}

// Words says in the audit log what a change of that group did.
func (c RoleChange) Words(group string) string {
	return c.Before.String() + " → " + c.After.String() + ", by the group " + group
}

// followGroups gives people the roles that their groups give now, and says whose changed. A role that the last Super Admin kept, though no
// group gives it any more, goes with the next change, once there is another.
func followGroups(ctx context.Context, tx *sqldb.Tx, people []string) (changes []RoleChange, err error) {
	const gives = `COALESCE((SELECT MAX(g.role) FROM provisioned_members m JOIN provisioned_groups g ON g.id = m.group_id WHERE m.person_id = `
	follow := func(id string) error {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT "+gives+"$1), 0)", id)
		if err != nil {
			return err
		}
		had, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COALESCE(MAX(role), 0) FROM given_roles WHERE person_id = $1 AND giver = $2", id, giverSCIM)
		if err != nil || n == had {
			return err
		}
		change, err := promote(ctx, tx, id, grant.Role(n)) //nolint:gosec // written from a role
		if err == nil && change.Before != change.After {
			changes = append(changes, change)
		}
		return err
	}
	for _, id := range people {
		if err := follow(id); err != nil {
			return nil, err
		}
	}
	late, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT r.person_id FROM given_roles r WHERE r.giver = $1 AND r.role > "+gives+"r.person_id), 0) ORDER BY r.person_id", giverSCIM)
	if err != nil {
		return nil, err
	}
	for _, id := range late {
		if err := follow(id); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// promote gives a person the role that provisioned groups give, in the place of the one that they gave before. The last Super Admin stays as they are.
func promote(ctx context.Context, tx *sqldb.Tx, id string, role grant.Role) (c RoleChange, err error) {
	held, err := personByID(ctx, tx, id)
	if err != nil {
		return c, err
	}
	if err = complete(ctx, tx, held); err != nil {
		return c, err
	}
	c = RoleChange{ID: id, Email: held.Email, Before: held.Role, After: held.Role}
	given, err := givenTo(ctx, tx, held)
	if err != nil {
		return c, err
	}
	given[giverSCIM] = role
	if max(given[""], given.groups()) < held.Role {
		if last, err := lastSuperAdmin(ctx, tx, held); err != nil || last {
			return c, err
		}
	}
	p := *held
	if p.Role, err = give(ctx, tx, held, giverSCIM, role); err != nil {
		return c, err
	}
	c.After = p.Role
	return c, settle(ctx, tx, held, &p)
}

// beyondSCIM is the role that a person has without what provisioned groups give.
func beyondSCIM(ctx context.Context, tx *sqldb.Tx, p *Person) (grant.Role, error) {
	given, err := givenTo(ctx, tx, p)
	delete(given, giverSCIM)
	return max(given[""], given.groups()), err
}

var errOwnRole = fault.New(fault.Conflict, "This person has a role that no provisioned group gives, and whoever holds a new address would have it. "+
	"A Super Admin makes them a Member first, and gives the role anew afterwards.").WithField("userName")
