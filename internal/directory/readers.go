package directory

import (
	"context"
	"maps"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Readership is who may read a document.
type Readership struct {
	// Everyone says that all who may see the datasource may, and that it is not narrowed to testers. Emails is empty then.
	Everyone bool
	// Emails are the main addresses of the people who may, sorted.
	Emails []string
}

// ReadersOf expands the readers of a document, principals of its datasource, downward to people: those active now whose
// Access holds one of them. It costs a read of the groups' members and, where these are many, of the datasource's users: about
// a second for a hundred thousand. The answer is bounded by the number of people.
func (d *Directory) ReadersOf(ctx context.Context, datasource string, principals []uint32) (r Readership, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		x := explainer{ctx: ctx, tx: tx, datasource: datasource}
		realm, err := x.realm()
		if err != nil || realm.audience() == NotVisible {
			return err
		}
		x.byEmail = realm.ByEmail
		named, err := x.named(principals)
		if err != nil || len(named) == 0 {
			return err
		}
		b := below{ctx: ctx, tx: tx, source: realm.IdentitySource, byEmail: realm.membersByEmail}
		if realm.narrowed() {
			if err := b.readTesters(datasource); err != nil {
				return err
			}
		}
		everyone := slices.ContainsFunc(named, func(n namedReader) bool { return n.name.kind == kindEveryone })
		switch {
		case everyone && b.testers == nil:
			r.Everyone = true
			return nil
		case everyone:
			r.Emails = slices.Sorted(maps.Values(b.testers))
			return nil
		}
		people, err := b.people(named)
		if err != nil {
			return err
		}
		r.Emails = slices.Sorted(maps.Values(people))
		return nil
	})
	return r, err
}

// manyNames is how many users one looks up by name before it is cheaper to read all of a datasource.
const manyNames = 5000

// below walks from the readers of one document down to people, within one snapshot.
type below struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call
	tx      *sqldb.Tx
	source  string            // of identities
	byEmail bool              // how its memberships name users
	testers map[string]string // active people by id, with their main address; nil where the datasource is not narrowed
}

// readTesters reads the people a datasource is narrowed to. Whoever took an address over is not one by it.
func (b *below) readTesters(datasource string) error {
	b.testers = map[string]string{}
	for r, err := range sqldb.Each(b.ctx, b.tx, scanPair, `SELECT p.id, p.email FROM realm_testers t JOIN addresses a ON a.address = t.email AND t.seq > a.held_from
		JOIN people p ON p.id = a.person_id WHERE t.datasource = $1 AND p.active`, datasource) {
		if err != nil {
			return err
		}
		b.testers[r[0]] = r[1]
	}
	return nil
}

func scanPair(row sqldb.Scanner) (pair [2]string, err error) {
	err = row.Scan(&pair[0], &pair[1])
	return pair, err
}

// people returns the main addresses of those who hold one of the readers, by person.
func (b *below) people(named []namedReader) (map[string]string, error) {
	users, groups := map[name]bool{}, []string{}
	for _, n := range named {
		switch n.name.kind {
		case kindAllUsers:
			return b.identities(nil)
		case kindMail, kindUser:
			users[n.name] = true
		case kindGroup:
			groups = append(groups, n.name.text)
		}
	}
	members, err := b.members(groups)
	if err != nil {
		return nil, err
	}
	maps.Copy(users, members)
	found, err := b.named(users)
	if err != nil {
		return nil, err
	}
	intersections, err := groupsMet(b.ctx, b.tx, b.source, named)
	if err != nil {
		return nil, err
	}
	for _, parts := range intersections {
		both, err := b.meet(parts)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, both)
	}
	return found, nil
}

// meet returns the people who are in all of the groups. Somebody may be in one under one address and in the next under
// another.
func (b *below) meet(parts []Part) (all map[string]string, err error) {
	for i, p := range parts {
		users, err := b.members([]string{p.Group})
		if err != nil {
			return nil, err
		}
		in, err := b.named(users)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			all = in
			continue
		}
		maps.DeleteFunc(all, func(id, _ string) bool { _, too := in[id]; return !too })
	}
	return all, nil
}

// members walks downward from groups to the users in them, through groups that exist. Each group is visited once, so
// circles end.
func (b *below) members(groups []string) (map[name]bool, error) {
	type row struct{ kind, member string }
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.kind, &r.member); return r, err }
	users, seen := map[name]bool{}, map[string]bool{}
	var frontier []string
	enter := func(g string) {
		if !seen[g] {
			seen[g] = true
			frontier = append(frontier, g)
		}
	}
	for _, g := range groups {
		enter(g)
	}
	for len(frontier) > 0 {
		now := frontier
		frontier = nil
		for part := range slices.Chunk(now, listParameters) {
			for r, err := range sqldb.Each(b.ctx, b.tx, scan, `SELECT m.member_kind, m.member FROM memberships m
				JOIN realm_groups g ON g.datasource = m.datasource AND g.name = m.group_name
				WHERE m.datasource = $1 AND m.group_name IN `+sqldb.In(2, len(part)), sqldb.Args(part, b.source)...) {
				if err != nil {
					return nil, err
				}
				switch {
				case r.kind == kindGroup:
					enter(r.member)
				case b.byEmail:
					users[name{kindMail, r.member}] = true
				default:
					users[name{kindUser, r.member}] = true
				}
			}
		}
	}
	return users, nil
}

// named returns the people whom these names of users mean.
func (b *below) named(users map[name]bool) (map[string]string, error) {
	if len(users) > manyNames {
		return b.identities(users)
	}
	found := map[string]string{}
	texts := map[string][]string{}
	for n := range users {
		texts[n.kind] = append(texts[n.kind], n.text)
	}
	for kind, column := range map[string]string{kindMail: "i.email", kindUser: "i.user_id"} {
		for part := range slices.Chunk(texts[kind], listParameters) {
			for r, err := range sqldb.Each(b.ctx, b.tx, scanKnown, identified+" AND "+column+" IN "+sqldb.In(2, len(part)), sqldb.Args(part, b.source)...) {
				if err != nil {
					return nil, err
				}
				b.admit(found, r)
			}
		}
	}
	return found, nil
}

// identified finds users of a datasource with the active people who hold their addresses, since before the datasource
// spoke of them.
const identified = `SELECT i.email, i.user_id, p.id, p.email FROM identities i JOIN addresses a ON a.address = i.email
	JOIN people p ON p.id = a.person_id WHERE i.datasource = $1 AND i.active AND i.seq > a.held_from AND p.active`

type knownPerson struct{ email, user, id, main string }

func scanKnown(row sqldb.Scanner) (k knownPerson, err error) {
	err = row.Scan(&k.email, &k.user, &k.id, &k.main)
	return k, err
}

// identities returns the people whom the datasource knows under one of these names, or all of them for nil.
func (b *below) identities(users map[name]bool) (map[string]string, error) {
	found := map[string]string{}
	for r, err := range sqldb.Each(b.ctx, b.tx, scanKnown, identified, b.source) {
		if err != nil {
			return nil, err
		}
		if users == nil || users[name{kindMail, r.email}] || users[name{kindUser, r.user}] {
			b.admit(found, r)
		}
	}
	return found, nil
}

func (b *below) admit(found map[string]string, p knownPerson) {
	if b.testers == nil || b.testers[p.id] != "" {
		found[p.id] = p.main
	}
}
