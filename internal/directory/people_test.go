package directory_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// waitFor fails the test unless ok holds within the second that other nodes may lag.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a second", what)
		}
	}
}

func TestFoldEmail(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.com":                    "ann@example.com",
		" \tAnn.B+C@Example.COM\t ":          "ann.b+c@example.com",
		"admin@localhost":                    "admin@localhost",
		"o'neil@example.com":                 "o'neil@example.com",
		"":                                   "",
		"ann":                                "",
		"@example.com":                       "",
		"ann@":                               "",
		"a@b@c":                              "",
		"ann smith@example.com":              "",
		"ann@exam\nple.com":                  "",
		"\u00a0ann@example.com":              "",
		"ann@example.com\n":                  "",
		"Ann <ann@example.com>":              "",
		"ànn@example.com":                    "",
		"ann@ｅxample.com":                    "",
		"\u212aann@example.com":              "", // the Kelvin sign, which Unicode folds to k
		"ann@example.com\x00":                "",
		strings.Repeat("a", 250) + "@ex.com": "",
		strings.Repeat("a", 247) + "@ex.com": strings.Repeat("a", 247) + "@ex.com",
		"ann@example.com,bob@example.com":    "",
		"ann@example.com;bob@example.com":    "",
		"\"ann\"@example.com":                "",
		"ann@[127.0.0.1]":                    "",
	} {
		got, err := directory.FoldEmail(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("FoldEmail(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestLastSuperAdmin(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		root, made, err := w.dir.First(w.ctx, "root@example.com")
		if err != nil || !made || root.Role != grant.RoleSuperAdmin || !root.Active {
			t.Fatalf("First() = %+v, %v, %v, want an active Super Admin", root, made, err)
		}
		if _, made, err = w.dir.First(w.ctx, "other@example.com"); made || err != nil {
			t.Errorf("a second First() = made %v, %v, want nothing", made, err)
		}
		ann, err := w.dir.Add(w.ctx, directory.NewPerson{Email: "ann@example.com", Role: grant.RoleAdmin})
		w.must(err)
		w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "root@example.com", Profile: directory.Profile{FirstName: "Root"}}}))
		attempts := map[string]func() error{
			"SetRole":   func() error { _, err := w.dir.SetRole(w.ctx, root.ID, grant.RoleAdmin); return err },
			"SetActive": func() error { _, err := w.dir.SetActive(w.ctx, root.ID, false); return err },
			"EX": func() error {
				return w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "root@example.com", Profile: directory.Profile{Status: directory.StatusEx}}})
			},
		}
		for what, attempt := range attempts {
			if err := attempt(); fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s of the last Super Admin = %v, want a conflict", what, err)
			}
		}
		if p, err := w.dir.Remove(w.ctx, root.ID, directory.Console); err != nil || !administers(p) {
			t.Errorf("Remove() by one of two sources = %+v, %v, want an active Super Admin still", p, err)
		}
		if err := w.dir.DeleteEmployee(w.ctx, "root@example.com", 0); fault.KindOf(err) != fault.Conflict {
			t.Errorf("DeleteEmployee of the last Super Admin = %v, want a conflict", err)
		}
		if p, err := w.dir.ByEmail(w.ctx, "root@example.com"); err != nil || !administers(p) || p.Profile.FirstName != "Root" {
			t.Errorf("ByEmail(root) = %+v, %v, want the Super Admin unchanged", p, err)
		}
		if _, err = w.dir.SetRole(w.ctx, ann.ID, grant.RoleSuperAdmin); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"EX", "SetActive", "SetRole"} {
			if err := attempts[what](); err != nil {
				t.Errorf("%s with another Super Admin = %v, want success", what, err)
			}
		}
	})
}

func administers(p *directory.Person) bool {
	return p != nil && p.Active && p.Role == grant.RoleSuperAdmin
}

func TestReusedAddressInheritsNothing(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
		readers := w.readers("wiki", directory.Permissions{Users: []directory.UserRef{{Email: "ann@example.com"}}})
		identity := []directory.Identity{{Email: "ann@example.com", Active: true}}
		w.must(w.dir.PutIdentities(w.ctx, "wiki", identity)) // before the person: names bind late
		hire := func(id, status string) *directory.Person {
			t.Helper()
			w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "ann@example.com", Profile: directory.Profile{EmployeeID: id, Status: status}}}))
			p, err := w.dir.ByEmail(w.ctx, "ann@example.com")
			w.must(err)
			return p
		}
		first := hire("1", "")
		_, err := w.dir.SetRole(w.ctx, first.ID, grant.RoleAdmin)
		w.must(err)
		if !w.sees(first, readers) {
			t.Error("the first holder does not see what the address may see")
		}
		if p := hire("1", directory.StatusEx); p.ID != first.ID || p.Active || w.sees(first, readers) {
			t.Errorf("after the end of employment: %+v, want the same person, inactive", p)
		}
		if p := hire("1", ""); p.ID != first.ID || !p.Active || !w.sees(first, readers) {
			t.Errorf("after a return: %+v, want the same person, active", p)
		}
		hire("1", directory.StatusEx)
		second := hire("2", "")
		if second.ID == first.ID || second.Role != grant.RoleMember || !second.Active {
			t.Errorf("a successor = %+v, want another person, a Member", second)
		}
		if w.sees(second, readers) || w.sees(first, readers) {
			t.Error("the successor sees what the address could see, before the datasource says so")
		}
		if p, err := w.dir.ByID(w.ctx, first.ID); err != nil || !p.Retired || p.Active || p.Role != grant.RoleMember || len(p.Addresses) > 0 {
			t.Errorf("ByID(first) = %+v, %v, want a retired person without address or role", p, err)
		}
		w.must(w.dir.PutIdentities(w.ctx, "wiki", identity))
		if !w.sees(second, readers) || w.sees(first, readers) {
			t.Error("after the datasource confirmed the address: want the successor to see, and nobody else")
		}
		w.must(w.dir.DeleteEmployee(w.ctx, "ann@example.com", 0))
		third := w.add("ann@example.com")
		if third.ID == second.ID || w.sees(third, readers) {
			t.Errorf("somebody new at the address = %+v, want a person who inherits nothing", third)
		}
	})
}

func TestSources(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	_, _, err := w.dir.First(w.ctx, "root@example.com")
	w.must(err)
	authority := func() int64 { n, _ := w.db.Version("authority"); return n }
	before := authority()
	ann, err := w.dir.SignedIn(w.ctx, "Ann@Example.com", "Ann B")
	if err != nil || !ann.Active || ann.Name != "Ann B" || ann.Role != grant.RoleMember {
		t.Fatalf("SignedIn() = %+v, %v, want an active Member", ann, err)
	}
	again, err := w.dir.SignedIn(w.ctx, "ann@example.com", "Someone Else")
	if err != nil || again.ID != ann.ID || again.Name != "Ann B" {
		t.Errorf("SignedIn() again = %+v, %v, want the same person", again, err)
	}
	if authority() == before {
		t.Error("a new person did not raise the version authority")
	}
	w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "ann@example.com", Profile: directory.Profile{FirstName: "Ann", LastName: "Bee"}}}))
	check := func(what string, active bool) {
		t.Helper()
		p, err := w.dir.ByEmail(w.ctx, "ann@example.com")
		w.must(err)
		if p.ID != ann.ID || p.Active != active {
			t.Errorf("%s: id kept %v, active %v, want true, %v", what, p.ID == ann.ID, p.Active, active)
		}
	}
	check("employed", true)
	_, err = w.dir.SetActive(w.ctx, ann.ID, false)
	w.must(err)
	check("deactivated by the console", false)
	w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "ann@example.com", Profile: directory.Profile{FirstName: "Ann"}}}))
	_, err = w.dir.SignedIn(w.ctx, "ann@example.com", "")
	w.must(err)
	check("still deactivated, whatever others say", false)
	before = authority()
	_, err = w.dir.SetActive(w.ctx, ann.ID, true)
	w.must(err)
	check("active again", true)
	if authority() == before {
		t.Error("SetActive did not raise the version authority")
	}
	w.must(w.dir.DeleteEmployee(w.ctx, "ann@example.com", 0))
	check("without an employee record", true)
	if _, err := w.dir.Add(w.ctx, directory.NewPerson{Email: "ANN@example.com"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("Add() of somebody whom the console knows = %v, want a conflict", err)
	}
}

func TestTheSameEmployeeAgainChangesNothing(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	versions := func() [2]int64 {
		authority, _ := w.db.Version("authority")
		people, _ := w.db.Version("people")
		return [2]int64{authority, people}
	}
	put := func(title string) {
		t.Helper()
		w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "ann@example.com", Profile: directory.Profile{
			FirstName: "Ann", Title: title, Additional: []directory.AdditionalField{{Key: "k", Value: []jsontext.Value{jsontext.Value(`{"a": 1}`)}}},
		}}}))
	}
	put("Engineer")
	first := versions()
	put("Engineer")
	if got := versions(); got != first {
		t.Errorf("versions after the same record = %v, want %v", got, first)
	}
	put("Director")
	if got, want := versions(), [2]int64{first[0], first[1] + 1}; got != want {
		t.Errorf("versions after a new title = %v, want %v: admission does not depend on it", got, want)
	}
}

func TestAddresses(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	ann, bob := w.add("ann@example.com"), w.add("bob@example.com")
	p, err := w.dir.AddAddress(w.ctx, ann.ID, "A.Bee@example.com")
	w.must(err)
	if want := []string{"a.bee@example.com", "ann@example.com"}; !cmp.Equal(p.Addresses, want) {
		t.Errorf("Addresses = %v, want %v", p.Addresses, want)
	}
	if _, err = w.dir.AddAddress(w.ctx, bob.ID, "a.bee@example.com"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("AddAddress() of somebody else's = %v, want a conflict", err)
	}
	if _, err = w.dir.RemoveAddress(w.ctx, ann.ID, "ann@example.com"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("RemoveAddress() of the main one = %v, want a conflict", err)
	}
	if _, err = w.dir.SetMainAddress(w.ctx, bob.ID, "a.bee@example.com"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("SetMainAddress() of somebody else's = %v, want a conflict", err)
	}
	_, err = w.dir.SetMainAddress(w.ctx, ann.ID, "a.bee@example.com")
	w.must(err)
	_, err = w.dir.RemoveAddress(w.ctx, ann.ID, "ann@example.com")
	w.must(err)
	if _, err := w.dir.ByEmail(w.ctx, "ann@example.com"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("ByEmail() of a removed address = %v, want not found", err)
	}
	if p, err := w.dir.ByIDOrEmail(w.ctx, "A.BEE@example.com"); err != nil || p.ID != ann.ID {
		t.Errorf("ByIDOrEmail() = %+v, %v, want ann", p, err)
	}
}

func TestChart(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		employee := func(name, boss, department string) directory.EmployeeRecord {
			p := directory.Profile{FirstName: strings.ToUpper(name[:1]) + name[1:], LastName: "Lee", Department: department, EmployeeID: "id-" + name}
			if strings.HasPrefix(boss, "id-") {
				p.ManagerID = boss
			} else if boss != "" {
				p.ManagerEmail = boss + "@example.com"
			}
			return directory.EmployeeRecord{Email: name + "@example.com", Profile: p}
		}
		w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{
			employee("dora", "carl", "Sales"), employee("carl", "id-béa", "Sales"), employee("eve", "carl", "Research"),
			employee("ann", "", ""), employee("x", "y", ""), employee("y", "x", ""), employee("z", "z", ""),
		}))
		bea := employee("bea", "ann", "Research")
		bea.Profile.EmployeeID, bea.Profile.FirstName = "id-béa", "Béa"
		w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{bea})) // a manager may come later
		r, err := w.dir.Roster(w.ctx)
		w.must(err)
		place := func(name string) string {
			p, _ := r.ByEmail(name + "@example.com")
			c := r.Place(p.ID)
			var chain, reports []string
			for _, b := range c.Chain {
				chain = append(chain, b.Profile.FirstName)
			}
			for _, b := range c.Reports {
				reports = append(reports, b.Profile.FirstName)
			}
			return fmt.Sprint(chain, reports, c.OrgSize)
		}
		for name, want := range map[string]string{
			"ann": "[] [Béa] 5", "bea": "[Ann] [Carl] 4", "carl": "[Ann Béa] [Dora Eve] 3", "eve": "[Ann Béa Carl] [] 1",
			"x": "[Y] [] 1", "y": "[] [X] 2", "z": "[] [] 1",
		} {
			if got := place(name); got != want && name != "x" && name != "y" {
				t.Errorf("Place(%s) = %s, want %s", name, got, want)
			}
		}
		if got := place("x") + place("y"); got != "[Y] [] 1[] [X] 2" && got != "[] [Y] 2[X] [] 1" {
			t.Errorf("Place of two who report to each other = %s, want one above the other", got)
		}
		list := func(q directory.Query) string {
			page, err := w.dir.List(w.ctx, q)
			w.must(err)
			var names []string
			for _, p := range page.People {
				names = append(names, p.Profile.FirstName)
			}
			return fmt.Sprint(names, page.Total)
		}
		for _, c := range []struct {
			query directory.Query
			want  string
		}{
			{directory.Query{Words: "bea"}, "[Béa] 1"},
			{directory.Query{Words: "LEE d"}, "[Dora] 1"},
			{directory.Query{Words: "carl@exa"}, "[Carl] 1"},
			{directory.Query{Words: "nobody"}, "[] 0"},
			{directory.Query{Filters: []directory.Filter{{Field: "Department", Values: []string{"sales"}}}}, "[Carl Dora] 2"},
			{directory.Query{Filters: []directory.Filter{{Field: "manager_email", Values: []string{"carl@example.com"}}}}, "[Dora Eve] 2"},
			{directory.Query{Filters: []directory.Filter{{Field: "department", Values: []string{"Sales", "Research"}}, {Field: "reportsto", Values: []string{"carl@example.com"}}}, Limit: 1, Offset: 1}, "[Eve] 2"},
			{directory.Query{Sort: directory.ByOrgSize, Reverse: true, Limit: 2}, "[Ann Béa] 8"},
		} {
			if got := list(c.query); got != c.want {
				t.Errorf("List(%+v) = %s, want %s", c.query, got, c.want)
			}
		}
		if _, err := w.dir.List(w.ctx, directory.Query{Filters: []directory.Filter{{Field: "shoe_size"}}}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("List() by an unknown field = %v, want a fault of kind invalid", err)
		}
		w.must(w.dir.DeleteEmployee(w.ctx, "carl@example.com", 0))
		r, err = w.dir.Roster(w.ctx)
		w.must(err)
		if got, want := place("ann"), "[] [Béa] 2"; got != want {
			t.Errorf("Place(ann) after carl left = %s, want %s", got, want)
		}
	})
}

func BenchmarkByEmail(b *testing.B) {
	db := sqldbtest.Open(b)
	d := directory.New(db)
	var list []directory.EmployeeRecord
	for i := range 1000 {
		list = append(list, directory.EmployeeRecord{Email: fmt.Sprintf("p%d@example.com", i), Profile: directory.Profile{FirstName: "P", LastName: fmt.Sprint(i), Title: "Engineer", Department: "Research"}})
	}
	if err := d.PutEmployees(b.Context(), list); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := db.Read(b.Context(), func(tx *sqldb.Tx) error {
			_, err := directory.LookupEmail(b.Context(), tx, "p500@example.com")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAccess(b *testing.B) {
	db := sqldbtest.Open(b)
	d := directory.New(db)
	p, err := d.Add(b.Context(), directory.NewPerson{Email: "ann@example.com"})
	if err != nil {
		b.Fatal(err)
	}
	caller := as(grant.User, p.ID)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Access(b.Context(), caller); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAccessCold makes the set of somebody who is in nested groups of eight datasources, with
// nothing remembered.
func BenchmarkAccessCold(b *testing.B) {
	db := sqldbtest.Open(b)
	d := directory.New(db)
	ctx := b.Context()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	p, err := d.Add(ctx, directory.NewPerson{Email: "ann@example.com"})
	must(err)
	for i := range 8 {
		ds := fmt.Sprint("d", i)
		must(db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
			if err := directory.PutRealm(ctx, tx, directory.Realm{Datasource: ds, Visible: true, ByEmail: true}); err != nil {
				return err
			}
			_, err := d.Intern(ctx, tx, ds, []directory.Permissions{{Groups: []string{"g0", "g3"}, Intersections: [][]string{{"g1", "g2"}}}})
			return err
		}))
		must(d.PutIdentities(ctx, ds, []directory.Identity{{Email: "ann@example.com", Active: true}}))
		members := []directory.Membership{{Group: "g0", User: "ann@example.com"}, {Group: "g1", User: "ann@example.com"}}
		var groups []directory.Group
		for g := range 6 {
			groups = append(groups, directory.Group{Name: fmt.Sprint("g", g)})
			members = append(members, directory.Membership{Group: fmt.Sprint("g", (g+1)%6), MemberGroup: fmt.Sprint("g", g)})
		}
		must(d.PutGroups(ctx, ds, groups))
		must(d.PutMemberships(ctx, ds, members))
	}
	caller := as(grant.User, p.ID)
	for b.Loop() {
		if _, err := directory.New(db).Access(ctx, caller); err != nil {
			b.Fatal(err)
		}
	}
}

// TestChainsAreBounded holds that records of a chart thousands of levels deep do not make an answer of their square.
func TestChainsAreBounded(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	var records []directory.EmployeeRecord
	for i := range 300 {
		p := directory.Profile{FirstName: "Ann", LastName: "Lee"}
		if i > 0 {
			p.ManagerEmail = fmt.Sprintf("p%d@example.com", i-1)
		}
		records = append(records, directory.EmployeeRecord{Email: fmt.Sprintf("p%d@example.com", i), Profile: p})
	}
	w.must(w.dir.PutEmployees(w.ctx, records))
	roster, err := w.dir.Roster(w.ctx)
	w.must(err)
	last, _ := roster.ByEmail("p299@example.com")
	place := roster.Place(last.ID)
	if n := len(place.Chain); n != 100 || place.Chain[n-1].Email != "p298@example.com" || place.Chain[0].Email != "p199@example.com" {
		t.Errorf("Place() of the 300th level has a chain of %d, want the 100 nearest, the direct manager last", n)
	}
}
