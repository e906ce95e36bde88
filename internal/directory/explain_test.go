package directory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

func (w *world) explain(person, datasource string, readers []uint32) directory.Explanation {
	w.t.Helper()
	e, err := w.dir.Explain(w.ctx, person, datasource, readers)
	w.must(err)
	return e
}

// chainText is a chain in short: "ann@example.com > g1 > g2!unknown-group".
func chainText(chain []directory.Step) string {
	var parts []string
	for _, s := range chain {
		text := s.Group
		if text == "" {
			text = s.User.Email
		}
		if s.Flaw != "" {
			text += "!" + string(s.Flaw)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " > ")
}

func waysText(ways []directory.Way) (list []string) {
	for _, w := range ways {
		text := string(w.Reader) + " " + w.Name + ": " + chainText(w.Chain)
		for _, p := range w.Parts {
			text += "[" + p.Group + ": " + chainText(p.Chain) + "]"
		}
		list = append(list, text)
	}
	return list
}

// TestExplainAgreesWithAccess plays random changes of everything that Access depends on.
func TestExplainAgreesWithAccess(t *testing.T) {
	rounds, steps := 2, 160
	if testing.Short() {
		rounds, steps = 1, 80
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) { playExplain(t, db, rand.New(rand.NewPCG(seed, 160)), steps) })
		})
	}
}

type explained struct {
	w          *world
	rnd        *rand.Rand
	people     []*directory.Person
	readers    map[string][][]uint32
	yes, no    int
	near, ways int
}

func playExplain(t *testing.T, db *sqldb.DB, rnd *rand.Rand, steps int) {
	x := &explained{w: newWorld(t, db), rnd: rnd, readers: map[string][][]uint32{}}
	sources := []string{"a", "b", "c", "d"}
	x.w.realm(directory.Realm{Datasource: "d"}) // hidden because it is new, so for its testers
	x.w.realm(directory.Realm{Datasource: "a", Visible: true})
	x.w.realm(directory.Realm{Datasource: "b", Visible: true, ByEmail: true, Test: true})
	x.w.realm(directory.Realm{Datasource: "c", IdentitySource: "a", Visible: true})
	for i := range 4 {
		x.people = append(x.people, x.w.add(fmt.Sprintf("p%d@example.com", i)))
	}
	for range steps {
		x.step(sources[rnd.IntN(len(sources))])
		for _, p := range x.people {
			x.compare(p, sources)
		}
	}
	if x.yes == 0 || x.no == 0 || x.near == 0 || x.ways == 0 {
		t.Errorf("%d seen, %d not, %d near ways and %d ways: the game is too simple", x.yes, x.no, x.near, x.ways)
	}
}

func (x *explained) compare(p *directory.Person, sources []string) {
	access := x.w.access(as(grant.User, p.ID))
	for _, ds := range sources {
		for i, readers := range x.readers[ds] {
			e := x.w.explain(p.ID, ds, readers)
			if want := access.Admits(readers); e.Sees != want {
				x.w.t.Fatalf("Explain(%s, %s, document %d).Sees = %v, Access says %v:\n%+v", p.Email, ds, i, e.Sees, want, e)
			}
			if e.Sees {
				x.yes++
			} else {
				x.no++
			}
			x.near, x.ways = x.near+len(e.Near), x.ways+len(e.Ways)
			for _, w := range e.Ways {
				if text := waysText([]directory.Way{w})[0]; strings.Contains(text, "!") || strings.Contains(text, ": ]") {
					x.w.t.Fatalf("Explain(%s, %s) says that a broken way holds: %s", p.Email, ds, text)
				}
			}
			for _, w := range e.Near {
				if text := waysText([]directory.Way{w})[0]; !strings.Contains(text, "!") && !strings.Contains(text, ": ]") {
					x.w.t.Fatalf("Explain(%s, %s) says that a sound way is broken: %s", p.Email, ds, text)
				}
			}
		}
	}
}

// step changes one thing.
func (x *explained) step(ds string) {
	w, rnd := x.w, x.rnd
	pick := func(n int, form string) string { return fmt.Sprintf(form, rnd.IntN(n)) }
	group := func() string { return pick(5, "g%d") }
	who := rnd.IntN(len(x.people))
	switch rnd.IntN(13) {
	case 10: // what users are called by changes
		r := directory.Realm{Datasource: ds, ByEmail: rnd.IntN(2) == 0, Test: ds == "b", Visible: true}
		if ds == "c" {
			r.IdentitySource = "a"
		}
		w.realm(r)
	case 0, 1:
		w.must(w.dir.PutIdentities(w.ctx, ds, []directory.Identity{{
			Email: pick(6, "p%d@example.com"), UserID: pick(4, "U%d"), Active: rnd.IntN(4) > 0,
		}}))
	case 2:
		w.must(w.dir.DeleteIdentity(w.ctx, ds, pick(6, "p%d@example.com"), 0))
	case 3, 4:
		w.must(w.dir.PutGroups(w.ctx, ds, []directory.Group{{Name: group()}}))
	case 5:
		if rnd.IntN(3) == 0 {
			w.must(w.dir.DeleteGroup(w.ctx, ds, group(), 0))
		}
	case 6, 7:
		ms := directory.Membership{Group: group(), User: pick(4, "U%d")}
		if rnd.IntN(2) == 0 {
			ms.User = pick(6, "p%d@example.com")
		}
		if rnd.IntN(2) == 0 {
			ms = directory.Membership{Group: group(), MemberGroup: group()}
		}
		_ = w.dir.PutMemberships(w.ctx, ds, []directory.Membership{ms}) // an id where addresses are wanted is refused
	case 8:
		if rnd.IntN(2) == 0 {
			w.visible(ds, rnd.IntN(4) > 0, false)
		}
		if rnd.IntN(2) == 0 {
			testers := []string{pick(6, "p%d@example.com"), strings.Replace(pick(2, "p%d@example.com"), "p", "extra", 1)}
			w.must(w.dir.SetTesters(w.ctx, []string{"b", "d"}[rnd.IntN(2)], testers[:rnd.IntN(3)]))
		}
	case 9: // an address moves, or somebody leaves or comes back
		p := x.people[who]
		address := pick(2, "p%d@example.com")
		address = strings.Replace(address, "p", "extra", 1)
		switch rnd.IntN(4) {
		case 0:
			_, _ = w.dir.AddAddress(w.ctx, p.ID, address) // somebody else may have it
		case 1:
			_, _ = w.dir.RemoveAddress(w.ctx, p.ID, address) // or nobody
		default:
			_, err := w.dir.SetActive(w.ctx, p.ID, rnd.IntN(3) > 0)
			w.must(err)
		}
		w.must(w.dir.PutIdentities(w.ctx, ds, []directory.Identity{{Email: address, UserID: pick(4, "U%d"), Active: true}}))
	default:
		var p directory.Permissions
		switch rnd.IntN(6) {
		case 0:
			p.Users = []directory.UserRef{{UserID: pick(4, "U%d")}, {Email: pick(6, "p%d@example.com")}, {UserID: pick(4, "U%d"), Email: pick(6, "p%d@example.com")}}
		case 1, 2:
			p.Groups = []string{group(), group()}
		case 3:
			p.Intersections = [][]string{{group(), group()}, {group(), group(), group()}}
		case 4:
			p.AllUsers = true
		case 5:
			p.Everyone = rnd.IntN(2) == 0
		}
		if len(x.readers[ds]) < 6 {
			x.readers[ds] = append(x.readers[ds], w.readers(ds, p))
		} else {
			x.readers[ds][rnd.IntN(6)] = w.readers(ds, p)
		}
	}
}

// TestExplainWays holds the shortest way through nested groups, and what is said where there is none.
func TestExplainWays(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true})
		ann := w.add("ann@example.com")
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{
			{Email: "ann@example.com", UserID: "u1", Active: true},
			{Email: "bob@example.com", UserID: "u2", Active: true},
			{Email: "ann@old.example", UserID: "u3", Active: true},
		}))
		for _, g := range []string{"team", "office", "staff", "board", "guild"} {
			w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: g}}))
		}
		for _, m := range []directory.Membership{
			{Group: "team", User: "u1"},
			{Group: "office", MemberGroup: "team"},
			{Group: "staff", MemberGroup: "office"},
			{Group: "guild", User: "u1"},
			{Group: "staff", MemberGroup: "guild"},
			{Group: "team", MemberGroup: "staff"},
			{Group: "lost", MemberGroup: "guild"},
			{Group: "beyond", MemberGroup: "lost"},
			{Group: "board", User: "u2"},
		} {
			w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{m}))
		}
		for _, test := range []struct {
			name       string
			p          directory.Permissions
			ways, near []string
		}{
			{"the shortest way", directory.Permissions{Groups: []string{"staff"}}, []string{"group staff: ann@example.com > guild > staff"}, nil},
			{"herself", directory.Permissions{Users: []directory.UserRef{{UserID: "u1"}}, Groups: []string{"board"}}, []string{"user u1: ann@example.com"}, nil},
			{
				"an intersection",
				directory.Permissions{Intersections: [][]string{{"office", "guild"}}},
				[]string{"intersection : [guild: ann@example.com > guild][office: ann@example.com > team > office]"},
				nil,
			},
			{
				"an intersection that she lacks a part of",
				directory.Permissions{Intersections: [][]string{{"board", "guild"}}},
				nil,
				[]string{"intersection : [board: ][guild: ann@example.com > guild]"},
			},
			{
				"groups that are not there",
				directory.Permissions{Groups: []string{"beyond", "board"}},
				nil,
				[]string{"group beyond: ann@example.com > guild > lost!unknown-group > beyond!unknown-group"},
			},
			{"everybody", directory.Permissions{Everyone: true, AllUsers: true}, []string{"everyone : ", "all-users : ann@example.com"}, nil},
			{"nobody", directory.Permissions{}, nil, nil},
		} {
			e := w.explain(ann.ID, "wiki", w.readers("wiki", test.p))
			if d := cmp.Diff(test.ways, waysText(e.Ways)); d != "" || e.Sees != (len(test.ways) > 0) {
				t.Errorf("%s: sees %v, ways differ (-want +got):\n%s", test.name, e.Sees, d)
			}
			if d := cmp.Diff(test.near, waysText(e.Near)); d != "" {
				t.Errorf("%s: near ways differ (-want +got):\n%s", test.name, d)
			}
		}

		e := w.explain(ann.ID, "wiki", w.readers("wiki", directory.Permissions{Users: []directory.UserRef{{UserID: "u2"}, {UserID: "u3"}, {UserID: "u9"}}}))
		if len(e.Users) != 3 || !e.Users[0].Alike || e.Users[0].Name != "u3" || e.Users[1].Known != true || e.Users[2].Known {
			t.Errorf("users named = %+v, want u3 first, who has her mailbox elsewhere", e.Users)
		}
		e = w.explain(ann.ID, "wiki", w.readers("wiki", directory.Permissions{Groups: []string{"board", "nowhere"}}))
		if want := []directory.NamedGroup{{Name: "nowhere"}, {Name: "board", Known: true}}; !slices.Equal(e.Groups, want) {
			t.Errorf("groups named = %v, want %v", e.Groups, want)
		}
	})
}

// TestExplainStates holds what keeps somebody out whatever the document says.
func TestExplainStates(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true, Test: true})
		ann := w.add("ann@example.com")
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "u1", Active: false}}))
		readers := w.readers("wiki", directory.Permissions{AllUsers: true})
		if got := waysText(w.explain(ann.ID, "wiki", readers).Near); !slices.Equal(got, []string{"all-users : ann@example.com!inactive"}) {
			t.Errorf("with an inactive identity the near ways are %q", got)
		}
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "u1", Active: true}}))
		w.must(w.dir.SetTesters(w.ctx, "wiki", []string{"bob@example.com"}))
		w.visible("wiki", false, false)
		_, err := w.dir.SetActive(w.ctx, ann.ID, false)
		if err == nil {
			e := w.explain(ann.ID, "wiki", readers)
			if !e.NotTester || !e.Hidden || !e.Inactive || e.Sees || len(e.Ways) != 1 {
				t.Errorf("Explain() = %+v, want hidden, not a tester, inactive, and the way there would be", e)
			}
			return
		}
		t.Fatal(err)
	})
}
