package directory_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// world is a directory with what tests often do to it.
type world struct {
	t   *testing.T
	ctx context.Context
	db  *sqldb.DB
	dir *directory.Directory
}

func newWorld(t *testing.T, db *sqldb.DB) *world {
	return &world{t, t.Context(), db, directory.New(db)}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) realm(r directory.Realm) {
	w.t.Helper()
	w.must(w.db.Write(w.ctx, sqldb.Security, func(tx *sqldb.Tx) error { return directory.PutRealm(w.ctx, tx, r) }))
}

func (w *world) visible(datasource string, visible, open bool) {
	w.t.Helper()
	v := directory.Visibility{Visible: &visible, OpenToAnonymous: &open}
	w.must(w.db.Write(w.ctx, sqldb.Security, func(tx *sqldb.Tx) error { return directory.SetVisibility(w.ctx, tx, datasource, v) }))
}

func (w *world) add(email string) *directory.Person {
	w.t.Helper()
	p, err := w.dir.Add(w.ctx, directory.NewPerson{Email: email})
	w.must(err)
	return p
}

// readers interns the permissions of one document.
func (w *world) readers(datasource string, p directory.Permissions) []uint32 {
	w.t.Helper()
	var lists [][]uint32
	w.must(w.db.Write(w.ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
		lists, err = w.dir.Intern(w.ctx, tx, datasource, []directory.Permissions{p})
		return err
	}))
	return lists[0]
}

func as(kind grant.Kind, person string) grant.Caller {
	return grant.Mint(&grant.Facts{Kind: kind, Person: person})
}

func (w *world) access(c grant.Caller) grant.Access {
	w.t.Helper()
	a, err := w.dir.Access(w.ctx, c)
	w.must(err)
	if !slices.IsSorted(a.Principals()) || len(slices.Compact(slices.Clone(a.Principals()))) != len(a.Principals()) {
		w.t.Fatalf("Access().Principals() = %v, want a sorted list without repeats", a.Principals())
	}
	return a
}

func (w *world) sees(p *directory.Person, readers []uint32) bool {
	w.t.Helper()
	return w.access(as(grant.User, p.ID)).Admits(readers)
}

func TestAccessByKind(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
		w.realm(directory.Realm{Datasource: "faq", Visible: true, OpenToAnonymous: true})
		ann := w.add("ann@example.com")
		everyone := directory.Permissions{Everyone: true}
		wiki, faq := w.readers("wiki", everyone), w.readers("faq", everyone)
		for _, c := range []struct {
			name      string
			caller    grant.Caller
			wiki, faq bool
		}{
			{"user", as(grant.User, ann.ID), true, true},
			{"global", as(grant.Global, ann.ID), true, true},
			{"session", as(grant.Session, ann.ID), true, true},
			{"anonymous", as(grant.Anonymous, ""), false, true},
			{"anonymous with a person", as(grant.Anonymous, ann.ID), false, true},
			{"admin search", as(grant.AdminSearch, ann.ID), true, true},
			{"maintenance", as(grant.Maintenance, ""), true, true},
			{"indexing", as(grant.Indexing, ""), false, false},
			{"indexing with a person", as(grant.Indexing, ann.ID), false, false},
			{"zero", grant.Caller{}, false, false},
			{"user without a person", as(grant.User, ""), false, false},
			{"nobody", as(grant.User, sqldb.NewID()), false, false},
		} {
			a := w.access(c.caller)
			if got := [2]bool{a.Admits(wiki), a.Admits(faq)}; got != [2]bool{c.wiki, c.faq} {
				t.Errorf("Access(%s) admits wiki, faq = %v, want %v", c.name, got, [2]bool{c.wiki, c.faq})
			}
		}
		if a := w.access(as(grant.User, ann.ID)); a.Admits(w.readers("wiki", directory.Permissions{})) {
			t.Error("Access admits a document without permissions")
		}
	})
}

func TestHiddenAndTestDatasources(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "people", Visible: true, ByEmail: true})
		w.realm(directory.Realm{Datasource: "wiki", IdentitySource: "people", Visible: true, OpenToAnonymous: true, ByEmail: true})
		ann, bob := w.add("ann@example.com"), w.add("bob@example.com")
		w.must(w.dir.PutIdentities(w.ctx, "people", []directory.Identity{{Email: "ann@example.com", Name: "Ann", Active: true}}))
		mine := w.readers("wiki", directory.Permissions{Users: []directory.UserRef{{Email: "ann@example.com"}}})
		all := w.readers("wiki", directory.Permissions{AllUsers: true})
		everyone := w.readers("wiki", directory.Permissions{Everyone: true})
		check := func(what string, want [5]bool) {
			t.Helper()
			got := [5]bool{
				w.sees(ann, mine), w.sees(ann, all), w.sees(bob, all), w.sees(bob, everyone),
				w.access(as(grant.Anonymous, "")).Admits(everyone),
			}
			if got != want {
				t.Errorf("%s: sees = %v, want %v", what, got, want)
			}
		}
		check("visible", [5]bool{true, true, false, true, true})
		w.visible("wiki", false, true)
		check("hidden", [5]bool{})
		w.visible("wiki", true, true)
		w.visible("people", false, false)
		check("the identity source hidden", [5]bool{true, true, false, true, true})
		w.must(w.dir.SetTesters(w.ctx, "wiki", []string{"Ann@example.com"}))
		check("testers of a datasource that is no test", [5]bool{true, true, false, true, true})
		w.realm(directory.Realm{Datasource: "wiki", IdentitySource: "people", Test: true, ByEmail: true})
		check("a test with testers", [5]bool{true, true, false, false, false})
		w.must(w.dir.SetTesters(w.ctx, "wiki", nil))
		check("a test without testers", [5]bool{true, true, false, true, true})
		w.realm(directory.Realm{Datasource: "wiki", Visible: false, ByEmail: true})
		check("its own identities again", [5]bool{false, false, false, true, true})
	})
}

func TestNamesBindLate(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true})
		readers := w.readers("wiki", directory.Permissions{Groups: []string{"outer"}})
		ann := w.add("ann@example.com")
		steps := []struct {
			what string
			do   func() error
			want bool
		}{
			{"nothing", func() error { return nil }, false},
			{"membership of a user unknown", func() error {
				return w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "inner", User: "U1"}, {Group: "outer", MemberGroup: "inner"}})
			}, false},
			{"user", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "U1", Active: true}})
			}, false},
			{"outer group", func() error { return w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "outer"}}) }, false},
			{"inner group", func() error { return w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "inner"}}) }, true},
			{"a circle", func() error {
				return w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "inner", MemberGroup: "outer"}})
			}, true},
			{"user inactive", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "U1"}})
			}, false},
			{"user active", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ANN@example.com ", UserID: "U1", Active: true}})
			}, true},
			{"membership deleted", func() error {
				return w.dir.DeleteMembership(w.ctx, "wiki", directory.Membership{Group: "inner", User: "U1"})
			}, false},
			{"membership again", func() error {
				return w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "inner", User: "U1"}})
			}, true},
			{"the id moves to another user", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "bob@example.com", UserID: "U1", Active: true}})
			}, false},
			{"and back", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "U1", Active: true}})
			}, true},
			{"group deleted", func() error { return w.dir.DeleteGroup(w.ctx, "wiki", "inner", 0) }, false},
			{"group again, without members", func() error { return w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "inner"}}) }, false},
			{"all again", func() error {
				return w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "inner", User: "U1"}, {Group: "outer", MemberGroup: "inner"}})
			}, true},
			{"user deleted", func() error { return w.dir.DeleteIdentity(w.ctx, "wiki", "ann@example.com", 0) }, false},
			{"user again, without memberships", func() error {
				return w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "U1", Active: true}})
			}, false},
		}
		for _, s := range steps {
			w.must(s.do())
			if got := w.sees(ann, readers); got != s.want {
				t.Errorf("after %q: sees = %v, want %v", s.what, got, s.want)
			}
		}
	})
}

func TestAnotherNodeSeesAMembershipWithinASecond(t *testing.T) {
	path := sqldbtest.File(t)
	w := newWorld(t, sqldbtest.OpenURL(t, path))
	other := directory.New(sqldbtest.OpenURL(t, path))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	ann := w.add("ann@example.com")
	w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", Active: true}}))
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "staff"}}))
	readers := w.readers("wiki", directory.Permissions{Groups: []string{"staff"}})
	if w.sees(ann, readers) {
		t.Fatal("sees before the membership")
	}
	sees := func() bool {
		a, err := other.Access(w.ctx, as(grant.User, ann.ID))
		w.must(err)
		return a.Admits(readers)
	}
	sees()
	w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "staff", User: "ann@example.com"}}))
	if !w.sees(ann, readers) {
		t.Error("the node that made the change does not see it at once")
	}
	waitFor(t, "the other node sees the membership", sees)
}

func TestMembershipsLeaveAdmissionAlone(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	w.add("ann@example.com")
	before, _ := w.db.Version("authority")
	w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", Active: true}}))
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "staff"}}))
	w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "staff", User: "ann@example.com"}}))
	w.readers("wiki", directory.Permissions{Groups: []string{"staff"}})
	if after, _ := w.db.Version("authority"); after != before {
		t.Errorf("Version(authority) = %d after memberships, want %d as before", after, before)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	for what, err := range map[string]error{
		"unknown datasource":     w.dir.PutGroups(w.ctx, "nowhere", []directory.Group{{Name: "a"}}),
		"white space in a name":  w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "a b"}}),
		"empty name":             w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{}}),
		"no member":              w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "a"}}),
		"two members":            w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "a", User: "a@b", MemberGroup: "b"}}),
		"a member by id":         w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "a", User: "U1"}}),
		"an address not ASCII":   w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ä@example.com"}}),
		"a deletion of no group": w.dir.DeleteGroup(w.ctx, "nowhere", "a", 0),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want a fault of kind invalid", what, err)
		}
	}
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "a", Version: 3}}))
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "a", Version: 3}}))
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "a"}}))
	if err := w.dir.DeleteGroup(w.ctx, "wiki", "a", 2); fault.KindOf(err) != fault.Conflict {
		t.Errorf("DeleteGroup with a stale version = %v, want a conflict", err)
	}
	w.must(w.dir.DeleteGroup(w.ctx, "wiki", "a", 4))
	if err := w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "a", Version: 3}}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("PutGroups with a version older than the deletion = %v, want a conflict", err)
	}
}

func TestManyMemberships(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	ann := w.add("ann@example.com")
	w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", Active: true}}))
	var groups []directory.Group
	var memberships []directory.Membership
	var names []string
	for i := range 2100 { // more than two statements' worth of parameters
		g := fmt.Sprintf("g%04d", i)
		names = append(names, g)
		groups = append(groups, directory.Group{Name: g})
		memberships = append(memberships, directory.Membership{Group: g, User: "ann@example.com"})
	}
	w.must(w.dir.PutGroups(w.ctx, "wiki", groups))
	w.must(w.dir.PutMemberships(w.ctx, "wiki", memberships))
	readers := w.readers("wiki", directory.Permissions{Groups: names})
	both := w.readers("wiki", directory.Permissions{Intersections: [][]string{{"g2099", "g0000", "g1000", "g1000"}}})
	if !w.sees(ann, both) {
		t.Error("an intersection over several statements is not met")
	}
	if got, want := len(w.access(as(grant.User, ann.ID)).Principals()), 2100+3; got != want {
		t.Errorf("len(Principals()) = %d, want %d: nothing is truncated", got, want)
	}
	w.must(w.dir.DeleteIdentity(w.ctx, "wiki", "ann@example.com", 0))
	w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", Active: true}}))
	if w.sees(ann, readers) || w.sees(ann, both) {
		t.Error("memberships outlived their user")
	}
}

// An id that no user can have names nobody. SQL would refuse it, and with it the index all that comes after.
func TestUserEmailsPassOverWhatIsNoID(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true})
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", UserID: "u1", Active: true}}))
		var got map[string]string
		w.must(w.db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
			got, _, err = directory.UserEmails(w.ctx, tx, "wiki", []string{"\x00", "u1", ""})
			return err
		}))
		if d := cmp.Diff(map[string]string{"u1": "ann@example.com"}, got); d != "" {
			t.Errorf("UserEmails() differs (-want +got):\n%s", d)
		}
	})
}
