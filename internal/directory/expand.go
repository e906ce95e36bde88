package directory

import (
	"context"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// identitiesOf returns the names by which datasources know someone with these addresses, by
// datasource. An identity that was indexed while somebody else held the address names that other
// person, until its connector sends it again.
func identitiesOf(ctx context.Context, tx *sqldb.Tx, addresses []held) (map[string][]name, error) {
	from := make(map[string]int64, len(addresses))
	args := make([]any, 0, len(addresses))
	for _, h := range addresses {
		from[h.address] = h.from
		args = append(args, h.address)
	}
	type row struct {
		datasource, email, user string
		seq                     int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.datasource, &r.email, &r.user, &r.seq)
		return r, err
	}
	names := map[string][]name{}
	for part := range slices.Chunk(args, listParameters) {
		query := "SELECT datasource, email, user_id, seq FROM identities WHERE active AND email IN " + sqldb.In(1, len(part))
		for r, err := range sqldb.Each(ctx, tx, scan, query, part...) {
			if err != nil {
				return nil, err
			}
			if r.seq > from[r.email] {
				names[r.datasource] = append(names[r.datasource], name{kindMail, r.email}, name{kindUser, r.user})
			}
		}
	}
	return names, nil
}

// expand returns the principals of r's datasource that someone holds whom its identity source knows
// by the given names.
func expand(ctx context.Context, tx *sqldb.Tx, r *realmNow, users []name) ([]uint32, error) {
	list := []uint32{r.everyone}
	if len(users) == 0 {
		return list, nil
	}
	list = append(list, r.allUsers)
	groups, err := groupsOf(ctx, tx, r.IdentitySource, users)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(users)
	for _, g := range groups {
		names = append(names, name{kindGroup, g})
	}
	ids, err := lookup(ctx, tx, r.Datasource, names)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		list = append(list, id)
	}
	met, err := intersectionsOf(ctx, tx, r.Datasource, groups)
	if err != nil {
		return nil, err
	}
	list = append(list, met...)
	slices.Sort(list)
	return list, nil
}

// groupsOf walks upward from users to every group that they are in, through groups that exist. Each
// group is visited once, so circles end and the work is bounded by what is found.
func groupsOf(ctx context.Context, tx *sqldb.Tx, datasource string, users []name) ([]string, error) {
	frontier := map[string][]any{}
	for _, u := range users {
		frontier[u.kind] = append(frontier[u.kind], u.text)
	}
	seen := map[string]bool{}
	var groups []string
	for len(frontier) > 0 {
		var next []any
		for kind, members := range frontier {
			for part := range slices.Chunk(members, listParameters) {
				args := append([]any{datasource, kind}, part...)
				for g, err := range sqldb.Each(ctx, tx, sqldb.ScanText, `SELECT m.group_name FROM memberships m
					JOIN realm_groups g ON g.datasource = m.datasource AND g.name = m.group_name
					WHERE m.datasource = $1 AND m.member_kind = $2 AND m.member IN `+sqldb.In(3, len(part)), args...) {
					if err != nil {
						return nil, err
					}
					if !seen[g] {
						seen[g] = true
						groups, next = append(groups, g), append(next, g)
					}
				}
			}
		}
		clear(frontier)
		if len(next) > 0 {
			frontier[kindGroup] = next
		}
	}
	return groups, nil
}

// intersectionsOf returns the intersections all of whose groups are among those given.
func intersectionsOf(ctx context.Context, tx *sqldb.Tx, datasource string, groups []string) ([]uint32, error) {
	type row struct {
		id           uint32
		parts, found int
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.id, &r.parts, &r.found); return r, err }
	args := make([]any, len(groups))
	for i, g := range groups {
		args[i] = g
	}
	missing := map[uint32]int{}
	var met []uint32
	for part := range slices.Chunk(args, listParameters) {
		for r, err := range sqldb.Each(ctx, tx, scan, `SELECT principal_id, parts, COUNT(*) FROM intersection_parts
			WHERE datasource = $1 AND group_name IN `+sqldb.In(2, len(part))+" GROUP BY principal_id, parts",
			append([]any{datasource}, part...)...) {
			if err != nil {
				return nil, err
			}
			if _, begun := missing[r.id]; !begun {
				missing[r.id] = r.parts
			}
			if missing[r.id] -= r.found; missing[r.id] == 0 {
				met = append(met, r.id)
			}
		}
	}
	return met, nil
}

// UserEmails returns the folded addresses of users of a datasource by their ids there. Unknown ids
// are missing from the answer.
func UserEmails(ctx context.Context, tx *sqldb.Tx, datasource string, ids []string) (map[string]string, error) {
	args := make([]any, 0, len(ids))
	for _, id := range ids {
		if CheckName(id) == nil { // no user has another, and SQL may refuse it
			args = append(args, id)
		}
	}
	type row struct{ id, email string }
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.id, &r.email); return r, err }
	emails := make(map[string]string, len(ids))
	for part := range slices.Chunk(args, listParameters) {
		for r, err := range sqldb.Each(ctx, tx, scan, `SELECT i.user_id, i.email FROM identities i
			JOIN realms r ON r.identity_source = i.datasource WHERE r.datasource = $1 AND i.user_id IN `+sqldb.In(2, len(part)),
			append([]any{datasource}, part...)...) {
			if err != nil {
				return nil, err
			}
			emails[r.id] = r.email
		}
	}
	return emails, nil
}
