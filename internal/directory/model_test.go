package directory_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// company of the model: plain maps of what was said last, and nothing derived. Times are steps of the game.
type (
	modelPerson struct {
		active    bool
		addresses map[string]int // since when datasources speak of this holder
	}
	modelUser struct {
		id     string
		active bool
		at     int
	}
	modelMember struct{ group, kind, text string } // kind: "g", or "m" or "u" as the setting was
	modelRealm  struct {
		source                            string
		byEmail, visible, undecided, test bool
		testers                           map[string]int
		users                             map[string]modelUser // by address
		groups                            map[string]bool
		members                           map[modelMember]bool
		docs                              []directory.Permissions
	}
	model map[string]*modelRealm
)

// sees is the whole of what decides who may read a document.
func (m model) sees(p *modelPerson, ds string, doc directory.Permissions) bool {
	d, lender := m[ds], m[m[ds].source]
	narrowed := (d.test || d.undecided) && len(d.testers) > 0
	isTester := slices.ContainsFunc(slices.Collect(maps.Keys(p.addresses)), func(a string) bool { return d.testers[a] > p.addresses[a] })
	if !p.active || narrowed && !isTester || !d.visible && !(d.undecided && narrowed) {
		return false
	}
	var mails, ids, called []string
	for address, since := range p.addresses {
		if u := lender.users[address]; u.active && u.at > since {
			mails, ids = append(mails, address), append(ids, u.id)
		}
	}
	if called = ids; lender.byEmail {
		called = mails
	}
	in := func(g string) bool { return lender.holds(g, called, nil) }
	named := func(r directory.UserRef) bool {
		mail, id := slices.Contains(mails, r.Email), slices.Contains(ids, r.UserID)
		return mail && (r.UserID == "" || d.byEmail) || id && (r.Email == "" || !d.byEmail)
	}
	return doc.Everyone || doc.AllUsers && len(mails) > 0 || slices.ContainsFunc(doc.Users, named) || slices.ContainsFunc(doc.Groups, in) ||
		slices.ContainsFunc(doc.Intersections, func(gs []string) bool { return !slices.ContainsFunc(gs, func(g string) bool { return !in(g) }) })
}

// holds reports whether a group exists that one of the users is in, through groups that exist.
func (r *modelRealm) holds(group string, users, path []string) bool {
	if !r.groups[group] || slices.Contains(path, group) {
		return false
	}
	for m := range r.members {
		if m.group == group && (m.kind != "g" && slices.Contains(users, m.text) || m.kind == "g" && r.holds(m.text, users, append(path, group))) {
			return true
		}
	}
	return false
}

// TestAccessAgainstTheModel plays random changes of everything that Access depends on, and after each compares what everybody
// sees of every document.
func TestAccessAgainstTheModel(t *testing.T) {
	rounds, steps := 6, 1000
	if testing.Short() {
		rounds, steps = 2, 400
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
				if db.Engine() == sqldb.PostgreSQL { // asks over a socket: the same game, not as long
					newGame(t, db, seed).play(150)
					return
				}
				newGame(t, db, seed).play(steps)
			})
		})
	}
}

// game is a directory and its model, in the same state.
type game struct {
	*world
	*rand.Rand
	model
	now     int
	people  []*directory.Person
	states  []*modelPerson
	former  map[string]map[int]bool // who held an address before
	readers map[string][][]uint32
	yes, no int
}

func newGame(t *testing.T, db *sqldb.DB, seed uint64) *game {
	g := &game{world: newWorld(t, db), Rand: rand.New(rand.NewPCG(seed, 7)), model: model{}, former: map[string]map[int]bool{}, readers: map[string][][]uint32{}}
	for i, ds := range []string{"a", "b", "c"} {
		g.model[ds] = &modelRealm{source: ds, visible: i < 2, undecided: i == 2, users: map[string]modelUser{}, groups: map[string]bool{}, members: map[modelMember]bool{}}
		g.realm(directory.Realm{Datasource: ds, Visible: i < 2})
	}
	for i := range 4 {
		p := g.add(fmt.Sprintf("p%d@example.com", i))
		g.people = append(g.people, p)
		g.states = append(g.states, &modelPerson{active: true, addresses: map[string]int{p.Email: 0}})
	}
	for _, ds := range []string{"a", "b", "c"} { // something to change
		for range 20 {
			g.now++
			g.changeUser(ds)
			g.changeGroup(ds)
			g.changeMember(ds)
		}
		for range 8 {
			g.changeDocument(ds)
		}
	}
	return g
}

func (g *game) one(form string, n int) string { return fmt.Sprintf(form, g.IntN(n)) }

// address is somebody's main one, or one of those that change hands.
func (g *game) address() string {
	if g.IntN(2) == 0 {
		return g.one("x%d@example.com", 2)
	}
	return g.one("p%d@example.com", 4)
}

// id is a datasource's own id. Some look like addresses, of the user or of others.
func (g *game) id() string {
	if g.IntN(4) == 0 {
		return g.address()
	}
	return g.one("U%d", 4)
}

func (g *game) group() string { return g.one("g%d", 4) }

func (g *game) play(steps int) {
	sources := []string{"a", "b", "c"}
	for step := range steps {
		g.now++
		ds := sources[g.IntN(len(sources))]
		what := g.step(ds)
		for i, p := range g.people {
			a := g.access(as(grant.User, p.ID))
			for _, ds := range sources {
				for j, doc := range g.model[ds].docs {
					if i == 0 && step%5 == 0 {
						g.checkReaders(ds, doc, g.readers[ds][j])
					}
					want := g.sees(g.states[i], ds, doc)
					if got := a.Admits(g.readers[ds][j]); got != want {
						g.t.Fatalf("step %d, %s in %s: %s sees %+v of %s = %v, want %v", step, what, ds, p.Email, doc, ds, got, want)
					}
					if want {
						g.yes++
					} else {
						g.no++
					}
				}
			}
		}
	}
	if g.t.Logf("%d seen and %d not", g.yes, g.no); min(g.yes, g.no) < 2*steps {
		g.t.Errorf("%d seen and %d not: the game is too simple", g.yes, g.no)
	}
	fresh := directory.New(g.db)
	for _, p := range g.people {
		cached := g.access(as(grant.User, p.ID))
		cold, err := fresh.Access(g.ctx, as(grant.User, p.ID))
		g.must(err)
		if diff := cmp.Diff(cold.Principals(), cached.Principals()); diff != "" || cold.Key() != cached.Key() {
			g.t.Errorf("the cached set differs from the one made anew (-anew +cached):\n%s", diff)
		}
	}
}

// checkReaders holds that the way down from a document leads to those whom the way up leads to it.
func (g *game) checkReaders(ds string, doc directory.Permissions, readers []uint32) {
	g.t.Helper()
	r, err := g.dir.ReadersOf(g.ctx, ds, readers)
	g.must(err)
	want := []string{}
	for i, p := range g.people {
		if g.sees(g.states[i], ds, doc) {
			want = append(want, p.Email)
		}
	}
	d := g.model[ds]
	narrowed := (d.test || d.undecided) && len(d.testers) > 0
	if everyone := doc.Everyone && d.visible && !narrowed; everyone != r.Everyone || !everyone && !slices.Equal(want, append([]string{}, r.Emails...)) {
		g.t.Fatalf("ReadersOf(%+v of %s) = %+v, want everyone %v or %v", doc, ds, r, everyone, want)
	}
}

// sees shadows world's.
func (g *game) sees(p *modelPerson, ds string, doc directory.Permissions) bool {
	return g.model.sees(p, ds, doc)
}

// step changes one thing, in the directory and in the model, and says what.
func (g *game) step(ds string) string {
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return g.changeUser(ds)
	case 4, 5:
		return g.changeGroup(ds)
	case 6, 7, 8:
		return g.changeMember(ds)
	case 9, 10:
		return g.changeSettings(ds)
	case 11:
		return g.changeAudience(ds)
	case 12, 13:
		return g.changePerson()
	}
	return g.changeDocument(ds)
}

func (g *game) changeUser(ds string) string {
	r, address := g.model[ds], g.address()
	if g.IntN(4) == 0 {
		g.must(g.dir.DeleteIdentity(g.ctx, ds, address, 0))
		u, known := r.users[address]
		called := address
		if !r.byEmail {
			called = u.id
		}
		for m := range r.members {
			if m.kind == "m" && m.text == address || known && m.kind == "u" && m.text == u.id || m.kind != "g" && m.text == called {
				delete(r.members, m)
			}
		}
		delete(r.users, address)
		return "user deleted"
	}
	u := modelUser{g.id(), g.IntN(5) > 0, g.now}
	if g.IntN(3) == 0 {
		u.id = address
	}
	g.must(g.dir.PutIdentities(g.ctx, ds, []directory.Identity{{Email: address, UserID: u.id, Active: u.active}}))
	for other, o := range r.users {
		if o.id == u.id {
			delete(r.users, other)
		}
	}
	r.users[address] = u
	return "user"
}

func (g *game) changeGroup(ds string) string {
	r, group := g.model[ds], g.group()
	if g.IntN(4) > 0 {
		g.must(g.dir.PutGroups(g.ctx, ds, []directory.Group{{Name: group}}))
		r.groups[group] = true
		return "group"
	}
	g.must(g.dir.DeleteGroup(g.ctx, ds, group, 0))
	delete(r.groups, group)
	for m := range r.members {
		if m.group == group || m.kind == "g" && m.text == group {
			delete(r.members, m)
		}
	}
	return "group deleted"
}

func (g *game) changeMember(ds string) string {
	r := g.model[ds]
	ms, m := directory.Membership{Group: g.group()}, modelMember{}
	switch {
	case g.IntN(2) == 0:
		ms.MemberGroup = g.group()
		m = modelMember{ms.Group, "g", ms.MemberGroup}
	case r.byEmail:
		ms.User = strings.ToUpper(g.address())
		m = modelMember{ms.Group, "m", strings.ToLower(ms.User)}
	default:
		ms.User = g.id()
		m = modelMember{ms.Group, "u", ms.User}
	}
	if g.IntN(4) > 0 {
		g.must(g.dir.PutMemberships(g.ctx, ds, []directory.Membership{ms}))
		r.members[m] = true
		return "membership"
	}
	g.must(g.dir.DeleteMembership(g.ctx, ds, ms))
	for o := range r.members {
		if o.group == m.group && o.text == m.text && (o.kind == "g") == (m.kind == "g") {
			delete(r.members, o)
		}
	}
	return "membership deleted"
}

// changeSettings is what adddatasource does: who lends identities, and how users are named.
func (g *game) changeSettings(ds string) string {
	r := g.model[ds]
	realm := directory.Realm{Datasource: ds, IdentitySource: r.source, ByEmail: g.IntN(2) == 0, Test: g.IntN(3) == 0, Visible: g.IntN(2) == 0}
	if g.IntN(2) == 0 {
		realm.IdentitySource = string("abc"[g.IntN(3)])
	}
	err := g.db.Write(g.ctx, sqldb.Security, func(tx *sqldb.Tx) error { return directory.PutRealm(g.ctx, tx, realm) })
	lends := false
	for name, o := range g.model {
		lends = lends || name != ds && o.source == ds
	}
	if realm.IdentitySource != ds && (lends || g.model[realm.IdentitySource].source != realm.IdentitySource) {
		if f := fault.KindOf(err); f != fault.Invalid {
			g.t.Fatalf("PutRealm(%+v) = %v, want a fault.Invalid: it makes a chain or a circle", realm, err)
		}
		return "settings refused"
	}
	g.must(err)
	r.source, r.byEmail, r.test = realm.IdentitySource, realm.ByEmail, realm.Test
	return "settings"
}

func (g *game) changeAudience(ds string) string {
	r := g.model[ds]
	if g.IntN(3) == 0 {
		r.visible, r.undecided = g.IntN(4) > 0, false
		g.visible(ds, r.visible, false)
		return "visibility"
	}
	r.testers = map[string]int{}
	for range g.IntN(4) {
		r.testers[g.address()] = g.now
	}
	g.must(g.dir.SetTesters(g.ctx, ds, slices.Collect(maps.Keys(r.testers))))
	return "testers"
}

func (g *game) changePerson() string {
	i := g.IntN(len(g.people))
	p, state, address := g.people[i], g.states[i], g.one("x%d@example.com", 2)
	switch g.IntN(4) {
	case 0:
		_, err := g.dir.AddAddress(g.ctx, p.ID, address)
		if slices.ContainsFunc(g.states, func(s *modelPerson) bool { _, held := s.addresses[address]; return held }) {
			if fault.KindOf(err) != fault.Conflict {
				g.t.Fatalf("AddAddress(%s) = %v, want a conflict", address, err)
			}
			return "address taken"
		}
		g.must(err)
		state.addresses[address] = 0
		for who := range g.former[address] {
			if who != i {
				state.addresses[address] = g.now
			}
		}
		return "address"
	case 1:
		_, err := g.dir.RemoveAddress(g.ctx, p.ID, address)
		if _, held := state.addresses[address]; held {
			g.must(err)
			delete(state.addresses, address)
			if g.former[address] == nil {
				g.former[address] = map[int]bool{}
			}
			g.former[address][i] = true
		}
		return "address released"
	}
	state.active = g.IntN(3) > 0
	_, err := g.dir.SetActive(g.ctx, p.ID, state.active)
	g.must(err)
	return "person"
}

func (g *game) changeDocument(ds string) string {
	var p directory.Permissions
	for range 1 + g.IntN(2) {
		switch g.IntN(8) {
		case 0:
			p.Users = append(p.Users, directory.UserRef{UserID: g.id()})
		case 1:
			p.Users = append(p.Users, directory.UserRef{Email: g.address()})
		case 2, 3:
			p.Users = append(p.Users, directory.UserRef{Email: g.address(), UserID: g.id()})
		case 4:
			p.Groups = append(p.Groups, g.group())
		case 5, 6:
			p.Intersections = append(p.Intersections, []string{g.group(), g.group()}, []string{g.group(), g.group(), g.group()})
		case 7:
			p.AllUsers, p.Everyone = true, g.IntN(4) == 0
		}
	}
	r, readers := g.model[ds], g.world.readers(ds, p)
	if len(r.docs) < 8 {
		r.docs, g.readers[ds] = append(r.docs, p), append(g.readers[ds], readers)
	} else {
		i := g.IntN(8)
		r.docs[i], g.readers[ds][i] = p, readers
	}
	return "document"
}
