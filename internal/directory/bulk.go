package directory

import (
	"context"
	"fmt"

	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// UploadIdentities takes a page of a bulk upload that replaces the users of a datasource. Users that are in none of its
// pages are removed with their memberships once it has ended, in the background.
func (d *Directory) UploadIdentities(ctx context.Context, p upload.Page, records []Identity) error {
	p.Kind, p.Items = upload.Users, len(records)
	return d.putIdentities(ctx, intake[Identity]{datasource: p.Datasource, records: records, page: &p})
}

// UploadGroups takes a page of a bulk upload that replaces the groups of a datasource. Groups that are in none of its
// pages are removed with their memberships once it has ended, in the background; until then one of them is as it was,
// and stays so if it is sent again.
func (d *Directory) UploadGroups(ctx context.Context, p upload.Page, records []Group) error {
	p.Kind, p.Items = upload.Groups, len(records)
	return d.putGroups(ctx, intake[Group]{datasource: p.Datasource, records: records, page: &p})
}

// UploadMemberships takes a page of a bulk upload that replaces the members of one group, whose name is the page's Part. Who
// is in none of its pages is a member no more when the last one is acknowledged, or soon after it where they are many.
func (d *Directory) UploadMemberships(ctx context.Context, p upload.Page, records []Membership) error {
	if err := CheckName(p.Part); err != nil {
		return err
	}
	p.Kind, p.Items, p.SkipStaleCheck = upload.Memberships, len(records), true
	list := make([]Membership, len(records))
	for i := range records {
		list[i] = records[i]
		list[i].Group = p.Part
	}
	return d.putMemberships(ctx, intake[Membership]{
		datasource: p.Datasource, records: list, page: &p,
		clear: func(ctx context.Context, tx *sqldb.Tx, s *upload.Session) (int64, error) {
			return endMemberships(ctx, tx, *s)
		},
	})
}

// staleRows says where the things of a session are kept, with the parameters that name them.
func staleRows(s *upload.Session) (table, where string, args []any) {
	args = []any{s.Datasource}
	switch s.Kind {
	case upload.Users:
		return "identities", "datasource = $1", args
	case upload.Groups:
		return "realm_groups", "datasource = $1", args
	}
	return "memberships", "datasource = $1 AND group_name = $2", append(args, s.Part)
}

// countUntouched counts the stale things of a session, up to most where that is above zero, and all of them where it is not.
func countUntouched(ctx context.Context, tx *sqldb.Tx, s upload.Session, most int) (stale, all int64, err error) {
	table, where, args := staleRows(&s)
	counted := fmt.Sprintf("SELECT 1 FROM %s WHERE %s AND touched < $%d", table, where, len(args)+1)
	if most > 0 {
		counted += fmt.Sprintf(" LIMIT %d", most)
	}
	stale, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM ("+counted+") AS stale", append(args[:len(args):len(args)], s.Mark)...)
	if err != nil || most > 0 {
		return stale, stale, err
	}
	all, err = sqldb.One(ctx, tx, sqldb.ScanInt, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", table, where), args...)
	return stale, all, err
}

// RealmRemovers says how users, groups and memberships that a bulk upload left stale are removed, for upload.Removals.
func (d *Directory) RealmRemovers() map[upload.Kind]upload.Remover {
	count := func(ctx context.Context, tx *sqldb.Tx, s upload.Session) (stale, all int64, err error) {
		return countUntouched(ctx, tx, s, 0)
	}
	return map[upload.Kind]upload.Remover{
		upload.Users:  {Count: count, Remove: removeUsers},
		upload.Groups: {Count: count, Remove: removeGroups},
		upload.Memberships: {Count: count, Remove: func(ctx context.Context, tx *sqldb.Tx, s upload.Session) (int64, bool, error) {
			n, err := endMemberships(ctx, tx, s)
			if err != nil || n == 0 {
				return n, false, err
			}
			return n, n >= departStep, raiseMembers(ctx, tx, s.Datasource)
		}},
	}
}

// endMemberships removes stale memberships of a group, at most departStep.
func endMemberships(ctx context.Context, tx *sqldb.Tx, s upload.Session) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM memberships WHERE datasource = $1 AND (member_kind, member, group_name) IN
		(SELECT member_kind, member, group_name FROM memberships WHERE datasource = $1 AND group_name = $2 AND touched < $3 LIMIT $4)`,
		s.Datasource, s.Part, s.Mark, departStep)
}

// removeStep is how many users or groups one transaction removes.
const removeStep = 50

func removeUsers(ctx context.Context, tx *sqldb.Tx, s upload.Session) (int64, bool, error) {
	type user struct{ email, id string }
	scan := func(row sqldb.Scanner) (u user, err error) { err = row.Scan(&u.email, &u.id); return u, err }
	return removeStale(ctx, tx, s, scan, "email, user_id", func(u user, mark, limit int64) (int64, error) {
		return deleteIdentity(ctx, tx, s.Datasource, u.email, u.id, mark, limit)
	})
}

func removeGroups(ctx context.Context, tx *sqldb.Tx, s upload.Session) (int64, bool, error) {
	return removeStale(ctx, tx, s, sqldb.ScanText, "name", func(group string, mark, limit int64) (int64, error) {
		return deleteGroup(ctx, tx, s.Datasource, group, mark, limit)
	})
}

// removeStale settles what is left of earlier departures and then removes stale things one by one, until the transaction
// has done enough.
func removeStale[T any](ctx context.Context, tx *sqldb.Tx, s upload.Session, scan func(sqldb.Scanner) (T, error), columns string,
	remove func(thing T, mark, limit int64) (int64, error),
) (removed int64, more bool, err error) {
	spent, left, err := settleSome(ctx, tx, s.Datasource, departStep)
	if err != nil || left {
		return 0, left, err
	}
	mark, err := upload.Touch(ctx, tx)
	if err != nil {
		return 0, false, err
	}
	table, where, args := staleRows(&s)
	list, err := sqldb.All(ctx, tx, scan, fmt.Sprintf("SELECT %s FROM %s WHERE %s AND touched < $%d ORDER BY touched LIMIT %d",
		columns, table, where, len(args)+1, removeStep), append(args, s.Mark)...)
	if err != nil || len(list) == 0 {
		return 0, false, err
	}
	for _, thing := range list {
		n, err := remove(thing, mark, departStep-spent)
		if err != nil {
			return removed, false, err
		}
		removed++
		if spent += n; spent >= departStep {
			break
		}
	}
	return removed, true, raiseMembers(ctx, tx, s.Datasource)
}
