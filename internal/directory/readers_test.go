package directory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestReadersOfAgreesWithAccess goes the other way round than Access does, over random people, groups in circles,
// intersections, borrowed identities, testers and addresses that changed hands, and must come to the same people.
func TestReadersOfAgreesWithAccess(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) { compareReaders(t, newWorld(t, db), rand.New(rand.NewPCG(seed, 11))) })
		})
	}
}

func compareReaders(t *testing.T, w *world, rnd *rand.Rand) {
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	w.realm(directory.Realm{Datasource: "chat", Visible: true})
	w.realm(directory.Realm{Datasource: "files", IdentitySource: "chat", Visible: true, Test: rnd.IntN(2) == 0})
	var people []*directory.Person
	for i := range 12 {
		people = append(people, w.add(fmt.Sprintf("p%d@example.com", i)))
	}
	for i, p := range people[:4] {
		_, err := w.dir.AddAddress(w.ctx, p.ID, fmt.Sprintf("other%d@example.com", i))
		w.must(err)
	}
	groups := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6"}
	pick := func() string { return groups[rnd.IntN(len(groups))] }
	address := func() string {
		if rnd.IntN(5) == 0 {
			return fmt.Sprintf("other%d@example.com", rnd.IntN(5))
		}
		return fmt.Sprintf("p%d@example.com", rnd.IntN(len(people)+2))
	}
	for _, ds := range []string{"wiki", "chat"} {
		for i := range 14 {
			if rnd.IntN(5) > 0 {
				id := directory.Identity{Email: fmt.Sprintf("p%d@example.com", i), UserID: "U" + strconv.Itoa(i), Active: rnd.IntN(6) > 0}
				w.must(w.dir.PutIdentities(w.ctx, ds, []directory.Identity{id}))
			}
		}
		w.must(w.dir.PutIdentities(w.ctx, ds, []directory.Identity{{Email: "other0@example.com", UserID: "U90", Active: true}, {Email: "other1@example.com", UserID: "U91", Active: true}}))
		for _, g := range groups[:6] { // the last one exists nowhere
			w.must(w.dir.PutGroups(w.ctx, ds, []directory.Group{{Name: g}}))
		}
		for range 25 {
			m := directory.Membership{Group: pick()}
			switch {
			case rnd.IntN(3) == 0:
				m.MemberGroup = pick()
			case ds == "wiki":
				m.User = address()
			default:
				m.User = "U" + strconv.Itoa(rnd.IntN(15))
			}
			w.must(w.dir.PutMemberships(w.ctx, ds, []directory.Membership{m}))
		}
	}
	w.must(w.dir.SetTesters(w.ctx, "files", []string{"p0@example.com", "p1@example.com", "other2@example.com", "nobody@example.com"}))
	_, err := w.dir.SetActive(w.ctx, people[5].ID, false)
	w.must(err)
	// The address of the seventh goes to the eighth, whom the datasources do not know under it.
	_, err = w.dir.AddAddress(w.ctx, people[6].ID, "seventh@example.com")
	w.must(err)
	_, err = w.dir.SetMainAddress(w.ctx, people[6].ID, "seventh@example.com")
	w.must(err)
	_, err = w.dir.RemoveAddress(w.ctx, people[6].ID, "p6@example.com")
	w.must(err)
	_, err = w.dir.AddAddress(w.ctx, people[7].ID, "p6@example.com")
	w.must(err)
	for range 40 {
		ds := []string{"wiki", "chat", "files"}[rnd.IntN(3)]
		var p directory.Permissions
		for range rnd.IntN(3) {
			p.Groups = append(p.Groups, pick())
		}
		for range rnd.IntN(3) {
			p.Users = append(p.Users, directory.UserRef{Email: address()}, directory.UserRef{UserID: "U" + strconv.Itoa(rnd.IntN(15))})
		}
		for range rnd.IntN(3) {
			p.Intersections = append(p.Intersections, []string{pick(), pick(), pick()}[:2+rnd.IntN(2)])
		}
		p.AllUsers, p.Everyone = rnd.IntN(12) == 0, rnd.IntN(12) == 0
		w.compareReaders(ds, p)
	}
	w.visible("wiki", false, false)
	w.compareReaders("wiki", directory.Permissions{Everyone: true, AllUsers: true, Groups: groups})
}

func (w *world) compareReaders(ds string, p directory.Permissions) {
	w.t.Helper()
	readers := w.readers(ds, p)
	got, err := w.dir.ReadersOf(w.ctx, ds, readers)
	w.must(err)
	roster, err := w.dir.Roster(w.ctx)
	w.must(err)
	var want []string
	for _, who := range roster.Everyone() {
		if w.access(as(grant.User, who.ID)).Admits(readers) {
			want = append(want, who.Email)
		} else if got.Everyone && who.Active {
			w.t.Errorf("everyone may read a document of %s with %+v, and %s may not", ds, p, who.Email)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got.Emails); diff != "" && !got.Everyone && len(want)+len(got.Emails) > 0 {
		w.t.Errorf("readers of a document of %s with %+v (-Access +ReadersOf):\n%s", ds, p, diff)
	}
}

// TestReadersOfALargeGroup holds the bound on time for a group that is most of a company.
func TestReadersOfALargeGroup(t *testing.T) {
	const members = 20_000
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	records := make([]directory.EmployeeRecord, members)
	identities := make([]directory.Identity, members)
	memberships := make([]directory.Membership, members)
	for i := range members {
		email := fmt.Sprintf("p%05d@example.com", i)
		records[i] = directory.EmployeeRecord{Email: email, Profile: directory.Profile{FirstName: "P", LastName: strconv.Itoa(i)}}
		identities[i] = directory.Identity{Email: email, Active: true}
		memberships[i] = directory.Membership{Group: "staff", User: email}
	}
	w.must(w.dir.PutEmployees(w.ctx, records))
	w.must(w.dir.PutIdentities(w.ctx, "wiki", identities))
	w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "staff"}}))
	w.must(w.dir.PutMemberships(w.ctx, "wiki", memberships))
	readers := w.readers("wiki", directory.Permissions{Groups: []string{"staff"}})
	began := time.Now()
	got, err := w.dir.ReadersOf(w.ctx, "wiki", readers)
	w.must(err)
	if len(got.Emails) != members {
		t.Errorf("%d readers, want %d", len(got.Emails), members)
	}
	took := time.Since(began)
	t.Logf("%d members in %s", members, took)
	if took > 5*time.Second {
		t.Errorf("a group of %d members took %s", members, took)
	}
}
