package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// ProvisionedGroup is a group as an identity provider describes it by SCIM. It opens no document; its members may get a role.
type ProvisionedGroup struct {
	ID         string
	Name       string
	ExternalID string
	// Role is what a Super Admin gives the members; RoleMember for nothing.
	Role             grant.Role
	Members          []string // ids of provisioned people, sorted; read where it is asked for
	Size             int      // how many they are
	Created, Updated int64    // microseconds
}

const (
	// MaxProvisionedMembers bounds the members of a group. A change of one reads them all.
	MaxProvisionedMembers = 50_000
	// maxRoleMembers bounds those of a group that gives a role: who administers is a short list, and each costs statements.
	maxRoleMembers = 500
)

var errSameGroup = fault.New(fault.Conflict, "There is a group with this displayName and externalId already.").WithCode("uniqueness").WithField("displayName")

var errNoGroup = fault.New(fault.NotFound, "There is no such group.")

const groupColumns = `g.id, g.name, g.external_id, g.role, g.created_at, g.updated_at,
	(SELECT COUNT(*) FROM provisioned_members c WHERE c.group_id = g.id) FROM provisioned_groups g`

func scanGroup(row sqldb.Scanner) (g ProvisionedGroup, err error) {
	var role int64
	err = row.Scan(&g.ID, &g.Name, &g.ExternalID, &role, &g.Created, &g.Updated, &g.Size)
	g.Role = grant.Role(role) //nolint:gosec // written from a role
	return g, err
}

func groupByID(ctx context.Context, tx *sqldb.Tx, id string, members bool) (ProvisionedGroup, error) {
	g, err := sqldb.One(ctx, tx, scanGroup, "SELECT "+groupColumns+" WHERE g.id = $1", id)
	if fault.KindOf(err) == fault.NotFound {
		return g, errNoGroup.Wrap(err)
	}
	if err == nil && members {
		g.Members, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT person_id FROM provisioned_members WHERE group_id = $1 ORDER BY person_id", id)
	}
	return g, err
}

func (g *ProvisionedGroup) check() error {
	if g.Name == "" || len(g.Name) > maxName || strings.ContainsFunc(g.Name, isControl) || len(g.ExternalID) > maxName {
		return fault.Newf(fault.Invalid, "A group has a displayName of one line and at most %d bytes; so is an externalId.", maxName).WithField("displayName")
	}
	slices.Sort(g.Members)
	g.Members = slices.Compact(g.Members)
	if g.Size = len(g.Members); g.Size > MaxProvisionedMembers {
		return fault.Newf(fault.Invalid, "A group has at most %d members.", MaxProvisionedMembers).WithField("members")
	}
	if g.Role > grant.RoleMember && g.Size > maxRoleMembers {
		return errRoleMembers
	}
	return nil
}

var errRoleMembers = fault.Newf(fault.Invalid, "A group that gives a role has at most %d members.", maxRoleMembers).WithField("members")

// ProvisionGroup makes a group. Members must be provisioned people. Names may repeat, as they do at providers, but a group of the same name and
// externalId is the same one asked for again: fault.Conflict.
func (d *Directory) ProvisionGroup(ctx context.Context, g ProvisionedGroup) (ProvisionedGroup, error) {
	g.Role = grant.RoleMember
	if err := g.check(); err != nil {
		return g, err
	}
	err := d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM provisioned_groups WHERE name_key = $1 AND external_id = $2", FoldKey(g.Name), g.ExternalID)
		if err == nil && n > 0 {
			err = errSameGroup
		}
		if err != nil {
			return err
		}
		g.ID, g.Created = sqldb.NewID(), now()
		g.Updated = g.Created
		_, err = tx.Exec(ctx, `INSERT INTO provisioned_groups (id, name, name_key, external_id, role, created_at, updated_at) VALUES ($1, $2, $3, $4, 0, $5, $5)`,
			g.ID, g.Name, FoldKey(g.Name), g.ExternalID, g.Created)
		if err != nil {
			return err
		}
		return enter(ctx, tx, g.ID, g.Members)
	})
	return g, err
}

// ReprovisionGroup changes a group and who is in it, all of it or nothing. edit returns the new state of what it is given; it may run
// more than once. Whoever enters or leaves a group that gives a role gets or loses it with that, as changes says; the last Super Admin
// keeps theirs.
func (d *Directory) ReprovisionGroup(ctx context.Context, id string, edit func(ProvisionedGroup) (ProvisionedGroup, error)) (before, after ProvisionedGroup, changes []RoleChange, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if before, err = groupByID(ctx, tx, id, true); err != nil {
			return err
		}
		given := before
		given.Members = slices.Clone(before.Members)
		if after, err = edit(given); err != nil {
			return err
		}
		after.ID, after.Role, after.Created, after.Updated = before.ID, before.Role, before.Created, before.Updated
		if err = after.check(); err != nil {
			return err
		}
		came, left := apart(after.Members, before.Members), apart(before.Members, after.Members)
		if after.Name == before.Name && after.ExternalID == before.ExternalID && len(came)+len(left) == 0 {
			return nil
		}
		after.Updated = now()
		_, err = tx.Exec(ctx, "UPDATE provisioned_groups SET name = $2, name_key = $3, external_id = $4, updated_at = $5 WHERE id = $1",
			id, after.Name, FoldKey(after.Name), after.ExternalID, after.Updated)
		if err != nil {
			return err
		}
		if err = withdrawMembers(ctx, tx, id, left); err != nil {
			return err
		}
		if err = enter(ctx, tx, id, came); err != nil || after.Role == grant.RoleMember {
			return err
		}
		changes, err = followGroups(ctx, tx, append(came, left...))
		return err
	})
	return before, after, changes, err
}

// apart returns what of a is not in b; both are sorted.
func apart(a, b []string) (list []string) {
	for _, x := range a {
		if _, met := slices.BinarySearch(b, x); !met {
			list = append(list, x)
		}
	}
	return list
}

// part is how many members go into one statement.
const part = 400

// enter puts people into a group that they are not in, or refuses one whom SCIM does not know.
func enter(ctx context.Context, tx *sqldb.Tx, group string, people []string) error {
	for some := range slices.Chunk(people, part) {
		args := make([]any, 1, 1+len(some))
		args[0] = group
		for _, id := range some {
			args = append(args, id)
		}
		n, err := tx.Exec(ctx, `INSERT INTO provisioned_members (group_id, person_id) SELECT $1, n.person_id FROM provisioned_people n
			WHERE n.person_id IN `+sqldb.In(2, len(some)), args...)
		if err != nil {
			return err
		}
		if n == int64(len(some)) {
			continue
		}
		known, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT person_id FROM provisioned_people WHERE person_id IN "+sqldb.In(1, len(some))+" ORDER BY person_id", args[1:]...)
		if err != nil {
			return err
		}
		strange := "one of them"
		if list := apart(some, known); len(list) > 0 {
			strange = fmt.Sprintf("%.40q", list[0])
		}
		return fault.Newf(fault.Invalid, "%s is the id of no user. Make the user before the membership.", strange).WithCode("invalidValue").WithField("members")
	}
	return nil
}

func withdrawMembers(ctx context.Context, tx *sqldb.Tx, group string, people []string) error {
	for some := range slices.Chunk(people, part) {
		args := make([]any, 1, 1+len(some))
		args[0] = group
		for _, id := range some {
			args = append(args, id)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM provisioned_members WHERE group_id = $1 AND person_id IN "+sqldb.In(2, len(some)), args...); err != nil {
			return err
		}
	}
	return nil
}

// DeprovisionGroup removes a group. A role that it gave goes with it, save from the last Super Admin.
func (d *Directory) DeprovisionGroup(ctx context.Context, id string) (before ProvisionedGroup, changes []RoleChange, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if before, err = groupByID(ctx, tx, id, false); err != nil {
			return err
		}
		var members []string
		if before.Role > grant.RoleMember {
			g, err := groupByID(ctx, tx, id, true)
			if err != nil {
				return err
			}
			members = g.Members
		}
		for _, q := range []string{"DELETE FROM provisioned_members WHERE group_id = $1", "DELETE FROM provisioned_groups WHERE id = $1"} {
			if _, err = tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		if before.Role > grant.RoleMember {
			changes, err = followGroups(ctx, tx, members)
		}
		return err
	})
	return before, changes, err
}

// SetGroupRole gives the members of a group a role, now and as they come and go; RoleMember takes it back. Nobody gets a lesser role than
// their own by it.
func (d *Directory) SetGroupRole(ctx context.Context, id string, role grant.Role) (before, after ProvisionedGroup, changes []RoleChange, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if before, err = groupByID(ctx, tx, id, false); err != nil {
			return err
		}
		if after = before; before.Role == role {
			return nil
		}
		if role > grant.RoleMember && before.Size > maxRoleMembers {
			return errRoleMembers
		}
		g, err := groupByID(ctx, tx, id, true)
		if err != nil {
			return err
		}
		after.Role = role
		if _, err = tx.Exec(ctx, "UPDATE provisioned_groups SET role = $2 WHERE id = $1", id, int64(role)); err != nil {
			return err
		}
		changes, err = followGroups(ctx, tx, g.Members)
		return err
	})
	return before, after, changes, err
}

// ProvisionedGroup returns a group, with its members where they are asked for.
func (d *Directory) ProvisionedGroup(ctx context.Context, id string, members bool) (g ProvisionedGroup, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		g, err = groupByID(ctx, tx, id, members)
		return err
	})
	return g, err
}

// ProvisionedGroups lists groups without their members, as Provisions lists people.
func (d *Directory) ProvisionedGroups(ctx context.Context, k ProvisionKey, keep func(*ProvisionedGroup) (bool, error), offset, limit int) (list []ProvisionedGroup, total int, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		where, args := k.where("g", "name_key")
		list, total, err = listed[ProvisionedGroup]{
			scan: scanGroup, columns: groupColumns, table: "provisioned_groups g", id: "g.id", order: "g.created_at, g.id", where: where, args: args,
		}.page(ctx, tx, keep, offset, limit)
		return err
	})
	return list, total, err
}

// GroupsOf returns the groups of provisioned people, by person, without members.
func (d *Directory) GroupsOf(ctx context.Context, people []string) (map[string][]ProvisionedGroup, error) {
	of := make(map[string][]ProvisionedGroup, len(people))
	type link struct{ person, id, name string }
	scan := func(row sqldb.Scanner) (l link, err error) { err = row.Scan(&l.person, &l.id, &l.name); return l, err }
	err := d.db.Read(ctx, func(tx *sqldb.Tx) error {
		for some := range slices.Chunk(people, part) {
			args := make([]any, len(some))
			for i, id := range some {
				args[i] = id
			}
			links, err := sqldb.All(ctx, tx, scan, `SELECT m.person_id, g.id, g.name FROM provisioned_members m JOIN provisioned_groups g ON g.id = m.group_id
				WHERE m.person_id IN `+sqldb.In(1, len(some))+" ORDER BY m.person_id, g.id", args...)
			if err != nil {
				return err
			}
			for _, l := range links {
				of[l.person] = append(of[l.person], ProvisionedGroup{ID: l.id, Name: l.name})
			}
		}
		return nil
	})
	return of, err
}
