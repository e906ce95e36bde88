package directory

import (
	"context"
	"iter"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// user is one user of a datasource: one name by address, one by the datasource's own id.
type user struct{ email, id string }

// called returns the name by which a datasource with this setting refers to the user.
func (u user) called(byEmail bool) string {
	if byEmail {
		return u.email
	}
	return u.id
}

// identitiesOf returns the users of datasources that a person is, by datasource. An identity that was indexed while somebody
// else held the address names that other person, until its connector sends it again.
func identitiesOf(ctx context.Context, tx *sqldb.Tx, person string) (map[string][]user, error) {
	type row struct {
		datasource string
		user
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.datasource, &r.email, &r.id); return r, err }
	users := map[string][]user{}
	for r, err := range sqldb.Each(ctx, tx, scan, `SELECT i.datasource, i.email, i.user_id FROM addresses a
		JOIN identities i ON i.email = a.address AND i.seq > a.held_from WHERE a.person_id = $1 AND i.active ORDER BY i.datasource, i.email`, person) {
		if err != nil {
			return nil, err
		}
		users[r.datasource] = append(users[r.datasource], r.user)
	}
	return users, nil
}

// expand returns the principals of r's datasource that a person holds who is the given users of its identity source.
func expand(ctx context.Context, tx *sqldb.Tx, r *realmNow, users []user) ([]uint32, error) {
	list := []uint32{r.everyone}
	if len(users) == 0 {
		return list, nil
	}
	list = append(list, r.allUsers)
	var names []name
	for _, u := range users {
		names = append(names, name{kindMail, u.email}, name{kindUser, u.id})
	}
	ids, err := lookup(ctx, tx, r.Datasource, names)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		list = append(list, id)
	}
	both, err := bothOf(ctx, tx, r, users)
	if err != nil {
		return nil, err
	}
	groups, named, err := groupsOf(ctx, tx, r, users)
	if err != nil {
		return nil, err
	}
	met, err := intersectionsOf(ctx, tx, r.Datasource, groups)
	if err != nil {
		return nil, err
	}
	list = slices.Concat(list, both, named, met)
	slices.Sort(list)
	return slices.Compact(list), nil
}

// bothOf returns the principals that name users by address and by id at once. The setting of the documents' own datasource
// says which of the two counts.
func bothOf(ctx context.Context, tx *sqldb.Tx, r *realmNow, users []user) (list []uint32, err error) {
	kind := kindUser
	if r.ByEmail {
		kind = kindMail
	}
	for part := range slices.Chunk(users, listParameters) {
		args := []any{r.Datasource, kind}
		for _, u := range part {
			args = append(args, u.called(r.ByEmail))
		}
		found, err := sqldb.All(ctx, tx, scanPrincipal, "SELECT principal_id FROM principal_users WHERE datasource = $1 AND kind = $2 AND name IN "+
			sqldb.In(3, len(part)), args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func scanPrincipal(s sqldb.Scanner) (id uint32, err error) { err = s.Scan(&id); return id, err }

// walkStep is how many names one statement of a walk takes. Few more make SQLite search its list of parameters for longer
// than the tables, and a connection would not keep the statement.
const walkStep = 200

// padded returns names as the parameters of statements of walkStep, the last filled up with a repeat, so that one prepared
// statement serves all. Each chunk has room for the parameters before it.
func padded(first []any, names []string) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		args := make([]any, 0, len(first)+walkStep)
		for part := range slices.Chunk(names, walkStep) {
			args = append(args[:0], first...)
			for _, n := range part {
				args = append(args, n)
			}
			for len(args) < len(first)+walkStep {
				args = append(args, part[0])
			}
			if !yield(args) {
				return
			}
		}
	}
}

// groupsOf walks upward from users to every group that they are in, through groups that exist, and returns the groups and
// those of their principals that documents name. Each group is visited once, so circles end and the work is bounded by
// what is found.
//
// A membership counts by what its identity source calls users now, however it was meant when it was sent, so that a change
// of the setting holds at once and for all of them.
func groupsOf(ctx context.Context, tx *sqldb.Tx, r *realmNow, users []user) (groups []string, principals []uint32, err error) {
	type row struct {
		group string
		id    *uint32
	}
	scan := func(s sqldb.Scanner) (v row, err error) { err = s.Scan(&v.group, &v.id); return v, err }
	seen := map[string]bool{}
	next := make([]string, len(users))
	for i, u := range users {
		next[i] = u.called(r.membersByEmail)
	}
	kinds := "('" + kindMail + "', '" + kindUser + "')"
	for len(next) > 0 {
		query := `SELECT m.group_name, p.id FROM memberships m
			JOIN realm_groups g ON g.datasource = m.datasource AND g.name = m.group_name
			LEFT JOIN principals p ON p.datasource = $2 AND p.kind = '` + kindGroup + `' AND p.name = m.group_name
			WHERE m.datasource = $1 AND m.member_kind IN ` + kinds + " AND m.member IN " + sqldb.In(3, walkStep)
		from := len(groups)
		for args := range padded([]any{r.IdentitySource, r.Datasource}, next) {
			for v, err := range sqldb.Each(ctx, tx, scan, query, args...) {
				if err != nil {
					return nil, nil, err
				}
				if seen[v.group] {
					continue
				}
				seen[v.group] = true
				groups = append(groups, v.group)
				if v.id != nil {
					principals = append(principals, *v.id)
				}
			}
		}
		next, kinds = groups[from:], "('"+kindGroup+"')"
	}
	return groups, principals, nil
}

// intersectionsOf returns the intersections all of whose groups are among those given.
func intersectionsOf(ctx context.Context, tx *sqldb.Tx, datasource string, groups []string) ([]uint32, error) {
	some, err := someRow(ctx, tx, "SELECT 1 FROM intersection_parts WHERE datasource = $1 LIMIT 1", datasource)
	if err != nil || !some {
		return nil, err
	}
	type row struct {
		id           uint32
		parts, found int
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.id, &r.parts, &r.found); return r, err }
	query := `SELECT principal_id, parts, COUNT(*) FROM intersection_parts
		WHERE datasource = $1 AND group_name IN ` + sqldb.In(2, walkStep) + " GROUP BY principal_id, parts"
	missing := map[uint32]int{}
	var met []uint32
	for args := range padded([]any{datasource}, groups) {
		for r, err := range sqldb.Each(ctx, tx, scan, query, args...) {
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

// UserEmails returns the folded addresses of users of a datasource by their ids there. Unknown ids are missing from the
// answer, and so are those whose address somebody else holds now: the user is not that person. byEmail says that the
// datasource refers to users by address, which therefore counts where both are given.
func UserEmails(ctx context.Context, tx *sqldb.Tx, datasource string, ids []string) (emails map[string]string, byEmail bool, err error) {
	r, err := realm(ctx, tx, datasource)
	if err != nil {
		return nil, false, err
	}
	args := make([]any, 0, len(ids))
	for _, id := range ids {
		if CheckName(id) == nil { // no user has another, and SQL may refuse it
			args = append(args, id)
		}
	}
	type row struct{ id, email string }
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.id, &r.email); return r, err }
	emails = make(map[string]string, len(ids))
	for part := range slices.Chunk(args, listParameters) {
		for v, err := range sqldb.Each(ctx, tx, scan, `SELECT i.user_id, i.email FROM identities i
			LEFT JOIN addresses a ON a.address = i.email
			WHERE i.datasource = $1 AND i.user_id IN `+sqldb.In(2, len(part))+" AND (a.address IS NULL OR i.seq > a.held_from)",
			append([]any{r.IdentitySource}, part...)...) {
			if err != nil {
				return nil, false, err
			}
			emails[v.id] = v.email
		}
	}
	return emails, r.ByEmail, nil
}
