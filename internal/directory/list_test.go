package directory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// anybody is a person of few traits, so that many people share some.
func anybody(r *rand.Rand, i int) *Person {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	p := Profile{
		FirstName: pick("Ann", "Béa", "Søren", "anne"), LastName: pick("Lee", "LEE", "Øst", "O’Neil"), PreferredName: pick("", "", "Al"),
		Title: pick("", "Pilot", "pilot", "Cook"), Department: pick("Sea", "sea", "Land", ""), BusinessUnit: pick("", "North"),
		Location: pick("", "Oslo", "Bergen"), Type: pick("", TypeFullTime, "CONTRACTOR"), StartDate: pick("", "2020-01-01", "2021-06-01", "2024-02-29", "someday"),
		Bio: pick("", "Sails"), Phone: pick("", "1"), PhotoURL: pick("", "https://example.com/p.png"), Status: pick("", "", "", "", StatusFuture, StatusEx),
		EmployeeID: fmt.Sprint("E", i),
	}
	p.Place.City, p.Place.Country, p.Place.CountryCode = pick("", "Oslo", "Paris"), pick("", "Norway"), pick("", "NO", "fr")
	switch r.IntN(4) {
	case 0:
		p.ManagerEmail = fmt.Sprintf("p%d@example.com", r.IntN(40))
	case 1:
		p.ManagerID = fmt.Sprint("E", r.IntN(40))
	}
	if r.IntN(3) == 0 {
		p.AlsoKnownAs = []string{pick("Sparks", "Doc")}
		p.Teams = []Team{{ID: pick("t1", "T2"), Name: pick("Crew", "crew", "Cooks")}}
	}
	if r.IntN(3) == 0 {
		p.Additional = []AdditionalField{{Key: pick("Boat", "boat", "Industry"), Value: []jsontext.Value{jsontext.Value(`"` + pick("Tern", "TERN", "Gull") + `"`)}}}
	}
	return &Person{ID: fmt.Sprintf("id%03d", i), Email: fmt.Sprintf("p%d@example.com", i), Profile: p}
}

// TestListAgainstALoop compares lists with what a reader of the rules would do by hand.
func TestListAgainstALoop(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var people []*Person
		for i := range 5 + r.IntN(40) {
			people = append(people, anybody(r, i))
		}
		roster := staff(people...)
		for range 20 {
			q := anyQuery(r)
			got, err := roster.List(q)
			if err != nil {
				t.Fatalf("seed %d: List(%+v) = %v", seed, q, err)
			}
			var want []string
			for i := range roster.listed {
				if e := &roster.listed[i]; e.Active && plainly(roster, e, q, "") {
					want = append(want, e.ID)
				}
			}
			var names []string
			for _, p := range got.People {
				names = append(names, p.ID)
			}
			sorted := slices.Sorted(slices.Values(names))
			sort.Strings(want)
			if diff := cmp.Diff(want, sorted); diff != "" || got.Total != len(want) {
				t.Fatalf("seed %d: List(%+v) has %d people (-want +got):\n%s", seed, q, got.Total, diff)
			}
			inOrder(t, roster, q, got.People)
			for field, buckets := range got.Facets {
				for _, b := range buckets {
					n := 0
					for i := range roster.listed {
						if e := &roster.listed[i]; e.Active && plainly(roster, e, q, field) && plainHas(roster, e, field, b.Value) {
							n++
						}
					}
					if n != b.Count {
						t.Fatalf("seed %d: List(%+v) counts %d of %s %q, want %d", seed, q, b.Count, field, b.Value, n)
					}
				}
			}
			pages(t, roster, q, names)
		}
	}
}

func anyQuery(r *rand.Rand) Query {
	q := Query{Sort: Order(r.IntN(6)), Reverse: r.IntN(2) == 0, Facets: []string{"department", "title", "team", "country", "boat"}}
	q.Facets = q.Facets[:r.IntN(5)]
	if r.IntN(3) == 0 {
		q.Words = []string{"ann", "so os", "lee", "pilot", "ONEIL", "e p", "sparks", "sea", "@"}[r.IntN(9)]
	}
	for range r.IntN(3) {
		options := []Filter{
			{"department", []string{"SEA"}},
			{"department", []string{"Land", "none"}},
			{"title", []string{"pilot"}},
			{"first_name", []string{"bea"}},
			{"last_name", []string{"lee", "ost"}},
			{"location", []string{"oslo"}},
			{"from", []string{"no", "paris"}},
			{"country", []string{"NO"}},
			{"roletype", []string{"manager"}},
			{"roletype", []string{"CONTRACTOR", "individual contributor"}},
			{"has", []string{"photo", "manager"}},
			{"startafter", []string{"2021-01-01"}},
			{"startbefore", []string{"2021-06-01"}},
			{"team", []string{"crew"}},
			{"team_id", []string{"t2"}},
			{"reportsto", []string{"p3@example.com", "id005"}},
			{"manager_email", []string{"p3@example.com"}},
			{"nickname", []string{"doc"}},
			{"email", []string{"p1@example.com", "P2@example.com"}},
			{"name", []string{"ann lee"}},
			{"industry", []string{"gull", "tern"}},
		}
		q.Filters = append(q.Filters, options[r.IntN(len(options))])
	}
	return q
}

// plainly reports whether e meets q, without its filters of one field.
func plainly(r *Roster, e *entry, q Query, without string) bool {
	for _, w := range splitWords(q.Words) {
		f, found := &e.Profile, false
		for _, text := range append([]string{e.Name, f.FirstName, f.LastName, f.PreferredName, f.Title, f.Department, e.Email, strings.ReplaceAll(e.Email, "@", " ")}, f.AlsoKnownAs...) {
			for _, own := range append(splitWords(text), strings.ReplaceAll(fold(text), "’", "")) {
				for _, part := range strings.Fields(own) {
					found = found || strings.HasPrefix(part, w)
				}
			}
		}
		if !found {
			return false
		}
	}
	for _, f := range q.Filters {
		if fieldName(f.Field) == without {
			continue
		}
		if !slices.ContainsFunc(f.Values, func(v string) bool { return plainHas(r, e, f.Field, v) }) {
			return false
		}
	}
	return true
}

// plainHas is the rule of one value of a filter.
func plainHas(r *Roster, e *entry, field, value string) bool {
	f, v := &e.Profile, fold(value)
	any := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(own string) bool { return own != "" && fold(own) == v })
	}
	start := ""
	if _, err := time.Parse(time.DateOnly, f.StartDate); err == nil {
		start = f.StartDate
	}
	switch fieldName(field) {
	case "department":
		return any(f.Department)
	case "title":
		return any(f.Title)
	case "firstname":
		return any(f.FirstName)
	case "lastname":
		return any(f.LastName)
	case "name":
		return any(e.Name, f.FirstName+" "+f.LastName)
	case "nickname":
		return any(f.AlsoKnownAs...)
	case "email":
		return any(e.Email)
	case "location":
		return any(f.Location, f.Place.City)
	case "from":
		return any(f.Location, f.Place.City, f.Place.Country, f.Place.CountryCode)
	case "country":
		return any(f.Place.Country, f.Place.CountryCode)
	case "team":
		return len(f.Teams) > 0 && any(f.Teams[0].Name)
	case "teamid":
		return len(f.Teams) > 0 && any(f.Teams[0].ID)
	case "boat", "industry":
		return len(f.Additional) > 0 && fold(f.Additional[0].Key) == fieldName(field) && any(strings.Trim(string(f.Additional[0].Value[0]), `"`))
	case "startafter":
		return start > v
	case "startbefore":
		return start != "" && start < v
	case "has":
		return v == "photo" && f.PhotoURL != "" || v == "manager" && e.manager != nil
	case "manageremail":
		return e.manager != nil && fold(e.manager.Email) == v
	case "roletype":
		return v == "manager" && len(e.reports) > 0 || v == "individual contributor" && len(e.reports) == 0 || any(f.Type)
	case "reportsto":
		for boss := e.manager; boss != nil; boss = boss.manager {
			if boss.Email == v || boss.ID == v {
				return true
			}
		}
		return false
	}
	panic("no rule for " + field)
}

// inOrder fails the test where somebody stands before who should stand after.
func inOrder(t *testing.T, r *Roster, q Query, people []*Person) {
	t.Helper()
	for i := 1; i < len(people) && (q.Sort != ByRelevance || q.Words == ""); i++ {
		a, b := r.people[people[i-1].ID], r.people[people[i].ID]
		var wrong bool
		less := func(x, y string) bool { return x < y && !q.Reverse || x > y && q.Reverse }
		switch q.Sort {
		case ByFirstName:
			wrong = less(fold(b.Profile.FirstName), fold(a.Profile.FirstName))
		case ByLastName:
			wrong = less(fold(b.Profile.LastName), fold(a.Profile.LastName))
		case ByOrgSize:
			wrong = less(fmt.Sprintf("%05d", b.size), fmt.Sprintf("%05d", a.size))
		case ByStartDate:
			x, y := date(a.Profile.StartDate), date(b.Profile.StartDate)
			wrong = x == "" && y != "" || x != "" && y != "" && less(y, x)
		case ByName:
			wrong = less(fold(b.Name), fold(a.Name))
		case ByRelevance:
			wrong = fold(b.Name) < fold(a.Name)
		}
		if wrong {
			t.Fatalf("List(%+v): %s stands before %s", q, a.Name, b.Name)
		}
	}
}

// pages fails the test unless going from page to page shows the same people in the same order.
func pages(t *testing.T, r *Roster, q Query, want []string) {
	t.Helper()
	var got []string
	for q.Limit = 3; ; {
		page, err := r.List(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.People {
			got = append(got, p.ID)
		}
		if !page.More {
			break
		}
		q.After = &page.End
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("pages of List(%+v) (-want +got):\n%s", q, diff)
	}
}

// TestPagesUnderChanges goes through pages while others come, leave and move: whoever stays as they are is met once.
func TestPagesUnderChanges(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		people := make([]*Person, 60)
		for i := range people {
			people[i] = anybody(r, i)
			people[i].Profile.Status, people[i].Profile.ManagerEmail, people[i].Profile.ManagerID = "", "", ""
		}
		roster := staff(people...)
		q := Query{Sort: []Order{ByName, ByFirstName, ByLastName, ByStartDate}[r.IntN(4)], Reverse: r.IntN(2) == 0, Limit: 7}
		met, moved := map[string]int{}, map[string]bool{}
		for {
			page, err := roster.List(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.People {
				met[p.ID]++
			}
			if !page.More {
				break
			}
			q.After = &page.End
			for range 3 { // somebody moves, somebody leaves, somebody comes
				i := r.IntN(60)
				changed := anybody(r, i)
				changed.seq, changed.Active, changed.Name = int64(1000+r.IntN(1000)), r.IntN(3) > 0, changed.Profile.fullName()
				changed.Addresses, moved[changed.ID] = []string{changed.Email}, true
				roster = roster.with([]*Person{changed})
			}
			fresh := anybody(r, 100+r.IntN(1000))
			fresh.Active, fresh.Name, moved[fresh.ID] = true, fresh.Profile.fullName(), true
			roster = roster.with([]*Person{fresh})
		}
		for _, p := range people {
			if !moved[p.ID] && met[p.ID] != 1 {
				t.Fatalf("seed %d: %s, who did not change, was met %d times", seed, p.ID, met[p.ID])
			}
		}
	}
}

// TestRosterFollows holds that a roster made of changes is the one made at once.
func TestRosterFollows(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		roster, latest := staff(), map[string]*Person{}
		for step := range 30 {
			var changed []*Person
			for range 1 + r.IntN(4) {
				p := anybody(r, r.IntN(40))
				p.seq, p.Name, p.Retired = int64(step+1), p.Profile.fullName(), r.IntN(6) == 0
				p.Active = !p.Retired && r.IntN(5) > 0
				if !p.Retired {
					p.Addresses = []string{p.Email}
				}
				if !slices.ContainsFunc(changed, func(o *Person) bool { return o.ID == p.ID }) {
					changed = append(changed, p)
					latest[p.ID] = p
				}
			}
			roster = roster.with(changed)
		}
		var all []*Person
		for _, p := range latest {
			all = append(all, p)
		}
		whole := staff().with(all)
		if got, want := picture(roster), picture(whole); got != want {
			t.Fatalf("seed %d: a roster of changes is\n%s\nwant\n%s", seed, got, want)
		}
	}
}

func picture(r *Roster) string {
	var b strings.Builder
	for i := range r.listed {
		e := &r.listed[i]
		boss := ""
		if e.manager != nil {
			boss = e.manager.ID
		}
		fmt.Fprintln(&b, e.ID, e.Name, e.Active, boss, e.size, len(e.reports), r.people[e.ID] == e)
	}
	fmt.Fprintln(&b, len(r.retired), len(r.people), len(r.byAddress), r.departments, r.custom)
	return b.String()
}

// TestChartIsAForest compares the chart with one in which every link is tried in order of name, and left out where it
// would close a circle.
func TestChartIsAForest(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		n := 2 + r.IntN(30)
		people := make([]*Person, n)
		for i := range people {
			people[i] = anybody(r, i)
			people[i].Profile.Status, people[i].Profile.ManagerID, people[i].Profile.ManagerEmail = "", "", ""
			if r.IntN(8) > 0 {
				people[i].Profile.ManagerEmail = fmt.Sprintf("p%d@example.com", r.IntN(n))
			}
		}
		roster := staff(people...)
		boss := map[*entry]*entry{}
		for i := range roster.listed {
			e := &roster.listed[i]
			b := roster.byAddress[e.Profile.ManagerEmail]
			circle := b == e
			for at := b; at != nil; at = boss[at] {
				circle = circle || at == e
			}
			if b != nil && !circle {
				boss[e] = b
			}
		}
		for i := range roster.listed {
			e := &roster.listed[i]
			if e.manager != boss[e] {
				t.Fatalf("seed %d: the manager of %s is %v, want %v", seed, e.ID, e.manager, boss[e])
			}
			size := 0
			for j := range roster.listed {
				o := &roster.listed[j]
				under := o == e
				for at := boss[o]; at != nil; at = boss[at] {
					under = under || at == e
				}
				if under {
					size++
				}
				if below := roster.belowAny([]string{e.ID})(o); below != (under && o != e) {
					t.Fatalf("seed %d: %s below %s = %v", seed, o.ID, e.ID, below)
				}
			}
			if e.size != size {
				t.Fatalf("seed %d: %s has %d people, want %d", seed, e.ID, e.size, size)
			}
		}
	}
}

// TestDeepChart holds that a chart of 50,000 levels is made in the time of a flat one.
func TestDeepChart(t *testing.T) {
	const levels = 50_000
	people := make([]*Person, levels)
	for i := range people {
		p := Profile{FirstName: fmt.Sprint("P", i)}
		p.ManagerEmail = fmt.Sprintf("p%d@example.com", (i+1)%levels) // the last one closes a circle
		people[i] = &Person{ID: fmt.Sprintf("id%06d", i), Email: fmt.Sprintf("p%d@example.com", i), Profile: p}
	}
	began := time.Now()
	roster := staff(people...)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a chart of %d levels took %s", levels, took)
	}
	top, bottom := 0, 0
	for i := range roster.listed {
		switch roster.listed[i].size {
		case levels:
			top++
		case 1:
			bottom++
		}
	}
	if top != 1 || bottom != 1 {
		t.Errorf("the chart has %d at the top and %d at the bottom, want one each", top, bottom)
	}
}
