package directory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// walk finds chains from identities upward to groups, those with fewer flaws before others and among them the shortest.
// Without flaws it reaches what groupsOf reaches.
type walk struct {
	source  string
	byEmail bool // how the source's memberships name users
	groups  map[string]*trail
}

// trail is a place that was reached, and from where.
type trail struct {
	step  Step
	from  *trail
	flaws int
}

func newWalk(source string, byEmail bool) walk {
	return walk{source: source, byEmail: byEmail, groups: map[string]*trail{}}
}

// run spreads from the sound identities through groups that exist, then from what has one flaw, and so on. Each group is entered
// once, so circles end.
func (w *walk) run(ctx context.Context, tx *sqldb.Tx, identities []KnownUser) error {
	var now, later []*trail
	for _, u := range identities {
		t := &trail{step: Step{User: u, Flaw: u.State}}
		if u.State == Sound {
			now = append(now, t)
		} else {
			t.flaws, later = 1, append(later, t)
		}
	}
	for len(now) > 0 || len(later) > 0 {
		if len(now) == 0 {
			now, later = w.enter(later), nil
			continue
		}
		edges, err := w.above(ctx, tx, now)
		if err != nil {
			return err
		}
		now = now[:0:0]
		for _, t := range edges {
			switch {
			case w.groups[t.step.Group] != nil:
			case t.step.Flaw == Sound:
				w.groups[t.step.Group] = t
				now = append(now, t)
			default:
				later = append(later, t)
			}
		}
	}
	return nil
}

// enter marks the groups that were not reached in a better way meanwhile.
func (w *walk) enter(list []*trail) (entered []*trail) {
	for _, t := range list {
		if g := t.step.Group; g != "" {
			if w.groups[g] != nil {
				continue
			}
			w.groups[g] = t
		}
		entered = append(entered, t)
	}
	return entered
}

// above returns a trail for each group that something reached is a member of.
func (w *walk) above(ctx context.Context, tx *sqldb.Tx, reached []*trail) (list []*trail, err error) {
	members := map[string]map[string]*trail{kindMail: {}, kindUser: {}, kindGroup: {}}
	for _, t := range reached {
		if t.step.Group != "" {
			members[kindGroup][t.step.Group] = t
		} else {
			called := user{t.step.User.Email, t.step.User.UserID}.called(w.byEmail)
			members[kindMail][called], members[kindUser][called] = t, t
		}
	}
	type row struct {
		member, group string
		known         int
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.member, &r.group, &r.known); return r, err }
	for _, kind := range []string{kindMail, kindUser, kindGroup} {
		for part := range slices.Chunk(slices.Sorted(maps.Keys(members[kind])), listParameters) {
			for r, err := range sqldb.Each(ctx, tx, scan, `SELECT m.member, m.group_name, CASE WHEN g.name IS NULL THEN 0 ELSE 1 END
				FROM memberships m LEFT JOIN realm_groups g ON g.datasource = m.datasource AND g.name = m.group_name
				WHERE m.datasource = $1 AND m.member_kind = $2 AND m.member IN `+sqldb.In(3, len(part))+" ORDER BY m.group_name, m.member",
				sqldb.Args(part, w.source, kind)...) {
				if err != nil {
					return nil, err
				}
				from := members[kind][r.member]
				t := &trail{step: Step{Group: r.group}, from: from, flaws: from.flaws}
				if r.known == 0 {
					t.step.Flaw, t.flaws = UnknownGroup, from.flaws+1
				}
				list = append(list, t)
			}
		}
	}
	return list, nil
}

// to returns the chain to a group, nil where nothing leads there, and how many flaws it has.
func (w *walk) to(group string) (chain []Step, flaws int) {
	t := w.groups[group]
	if t == nil {
		return nil, 0
	}
	flaws = t.flaws
	for ; t != nil; t = t.from {
		chain = append(chain, t.step)
	}
	slices.Reverse(chain)
	return chain, flaws
}

// maxNamed bounds how many of the users and of the groups that a document names are looked at for what they are.
const maxNamed = 2000

// strangers says who and what is named that the person is not.
func (x *explainer) strangers(e *Explanation, named []namedReader) error {
	texts := map[string][]string{}
	for _, n := range named {
		texts[n.name.kind] = append(texts[n.name.kind], n.name.text)
	}
	for kind := range texts {
		slices.Sort(texts[kind])
		texts[kind] = texts[kind][:min(len(texts[kind]), maxNamed)]
	}
	groups, err := x.known(e.IdentitySource, texts[kindGroup])
	if err != nil {
		return err
	}
	for _, g := range texts[kindGroup] {
		e.Groups = append(e.Groups, NamedGroup{g, groups[g]})
	}
	// What is unknown comes first: it is what an administrator can mend.
	slices.SortStableFunc(e.Groups, func(a, b NamedGroup) int { return order(a.Known, b.Known) })
	e.Groups = e.Groups[:min(len(e.Groups), maxWays)]
	for column, list := range map[string][]string{"email": texts[kindMail], "user_id": texts[kindUser]} {
		users, err := x.users(e.IdentitySource, column, list)
		if err != nil {
			return err
		}
		for _, text := range list {
			u, known := users[text]
			n := NamedUser{Name: text, Known: known, User: u, Own: slices.Contains(e.Addresses, text)}
			n.Alike = known && !n.Own && x.alike(u, e.Addresses)
			e.Users = append(e.Users, n)
		}
	}
	slices.SortFunc(e.Users, func(a, b NamedUser) int {
		if by := order(!a.Own, !b.Own); by != 0 {
			return by
		}
		if by := order(!a.Alike, !b.Alike); by != 0 {
			return by
		}
		return strings.Compare(a.Name, b.Name)
	})
	e.Users = e.Users[:min(len(e.Users), maxWays)]
	return nil
}

// order puts false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// alike reports whether a user seems to be the person under another address.
func (x *explainer) alike(u KnownUser, addresses []string) bool {
	if slices.Contains(addresses, u.Email) {
		return false // it is the person, and in Identities
	}
	if u.Name != "" && strings.EqualFold(u.Name, x.person.Name) {
		return true
	}
	box, _, _ := strings.Cut(u.Email, "@")
	return slices.ContainsFunc(addresses, func(a string) bool { own, _, _ := strings.Cut(a, "@"); return own == box })
}

// known tells which groups a datasource has.
func (x *explainer) known(source string, names []string) (map[string]bool, error) {
	known := map[string]bool{}
	for part := range slices.Chunk(names, listParameters) {
		found, err := sqldb.All(x.ctx, x.tx, sqldb.ScanText, "SELECT name FROM realm_groups WHERE datasource = $1 AND name IN "+sqldb.In(2, len(part)),
			sqldb.Args(part, source)...)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			known[g] = true
		}
	}
	return known, nil
}

// users finds users of a datasource by their address or id.
func (x *explainer) users(source, column string, names []string) (map[string]KnownUser, error) {
	type row struct {
		text string
		user KnownUser
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		var active bool
		err = s.Scan(&r.text, &r.user.Email, &r.user.UserID, &r.user.Name, &active)
		if !active {
			r.user.State = Inactive
		}
		return r, err
	}
	users := map[string]KnownUser{}
	for part := range slices.Chunk(names, listParameters) {
		for r, err := range sqldb.Each(x.ctx, x.tx, scan, "SELECT "+column+", email, user_id, name, active FROM identities WHERE datasource = $1 AND "+column+" IN "+
			sqldb.In(2, len(part)), sqldb.Args(part, source)...) {
			if err != nil {
				return nil, err
			}
			users[r.text] = r.user
		}
	}
	return users, nil
}
