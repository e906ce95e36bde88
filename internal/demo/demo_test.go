package demo_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/demo"
)

var anchor = time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)

func company(t testing.TB) *demo.Sample {
	t.Helper()
	s, err := demo.Company(anchor)
	if err != nil {
		t.Fatalf("Company: %v", err)
	}
	return s
}

func TestEnoughOfEverything(t *testing.T) {
	s := company(t)
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"people", len(s.People), 60},
		{"groups", len(s.Groups), 15},
		{"documents", len(s.Documents), 500},
	} {
		if c.got < c.want {
			t.Errorf("%d %s, want at least %d", c.got, c.what, c.want)
		}
	}
	perSource := map[string]int{}
	for _, d := range s.Documents {
		perSource[d.Datasource]++
	}
	want := []string{"wiki", "tickets", "chat", "codereviews", "drive", "crm", "handbook", "incidents"}
	for i, name := range want {
		if s.Datasources[i].Name != name {
			t.Errorf("datasource %d is %s, want %s", i, s.Datasources[i].Name, name)
		}
		if perSource[name] < 20 {
			t.Errorf("%s has %d documents, want at least 20", name, perSource[name])
		}
	}
	t.Logf("%d people, %d groups, documents %v", len(s.People), len(s.Groups), perSource)
}

func TestSameTwice(t *testing.T) {
	a, b := company(t), company(t)
	if !reflect.DeepEqual(a, b) {
		t.Error("two calls with one time gave different companies")
	}
	elsewhere, err := demo.Company(anchor.In(time.FixedZone("far", 9*3600)))
	if err != nil || !reflect.DeepEqual(a, elsewhere) {
		t.Errorf("the same moment in another zone gave a different company (%v)", err)
	}
}

// Nothing but dates may depend on the day, and no day may break the calendar.
func TestAnyDay(t *testing.T) {
	want := company(t)
	for step := range 80 {
		// Five days and a bit more than a third: every weekday, hour and month comes by.
		now := anchor.Add(time.Duration(step) * 128 * time.Hour)
		s, err := demo.Company(now)
		if err != nil {
			t.Fatalf("Company(%v): %v", now, err)
		}
		if len(s.Documents) != len(want.Documents) {
			t.Fatalf("Company(%v) has %d documents, want %d", now, len(s.Documents), len(want.Documents))
		}
		for i, d := range s.Documents {
			if w := want.Documents[i]; d.ID != w.ID || d.URL != w.URL || !reflect.DeepEqual(d.Permissions, w.Permissions) {
				t.Fatalf("Company(%v): document %d is %s, want %s with the same readers", now, i, d.ID, w.ID)
			}
			checkTimes(t, d, now)
		}
	}
}

func checkTimes(t *testing.T, d demo.Document, now time.Time) {
	t.Helper()
	if d.Created.After(d.Updated) || d.Updated.After(now) {
		t.Fatalf("%s at %v: created %v, updated %v", d.ID, now, d.Created, d.Updated)
	}
	if now.Sub(d.Created) > 740*24*time.Hour {
		t.Errorf("%s is older than two years: %v", d.ID, d.Created)
	}
	last := d.Created
	for _, c := range d.Comments {
		if c.At.Before(last) || c.At.After(d.Updated) {
			t.Fatalf("%s at %v: comment %s at %v, want between %v and %v", d.ID, now, c.ID, c.At, last, d.Updated)
		}
		last = c.At
	}
}

func TestOrgChart(t *testing.T) {
	s := company(t)
	people := map[string]demo.Person{}
	for _, p := range s.People {
		if _, twice := people[p.Email]; twice {
			t.Errorf("%s appears twice", p.Email)
		}
		people[p.Email] = p
	}
	chiefs, former, contractors, accented := 0, 0, 0, 0
	ascii := regexp.MustCompile(`^[a-z]+\.[a-z]+@quillmere\.example$`)
	for _, p := range s.People {
		if !ascii.MatchString(p.Email) {
			t.Errorf("email %q is not plain", p.Email)
		}
		if p.LastName == "" || p.Title == "" || p.Department == "" || p.Bio == "" || p.Start.After(anchor) {
			t.Errorf("%s lacks a name, title, department or bio, or starts in the future", p.Email)
		}
		if strings.ContainsFunc(p.Name(), func(r rune) bool { return r > 127 }) {
			accented++
		}
		switch {
		case p.Manager == "":
			chiefs++
		case people[p.Manager].Status != "CURRENT":
			t.Errorf("%s reports to %q, who does not work here", p.Email, p.Manager)
		}
		if p.Status == "EX" {
			former++
		}
		if p.Type == "CONTRACTOR" {
			contractors++
		}
		boss := p
		for step := 0; boss.Manager != ""; step++ {
			if boss = people[boss.Manager]; step > 6 {
				t.Fatalf("%s: no chief executive within six steps", p.Email)
			}
		}
	}
	if chiefs != 1 || former != 1 || contractors < 3 || accented < 8 {
		t.Errorf("%d chiefs, %d former, %d contractors, %d accented names; want 1, 1, 3 or more, 8 or more", chiefs, former, contractors, accented)
	}
	if people[s.Admin].Role != "SUPER_ADMIN" {
		t.Errorf("admin %s has the role %q", s.Admin, people[s.Admin].Role)
	}
}

func TestGroups(t *testing.T) {
	s := company(t)
	groups, people := map[string]demo.Group{}, map[string]bool{}
	for _, p := range s.People {
		people[p.Email] = p.Status == "CURRENT"
	}
	for _, g := range s.Groups {
		if _, twice := groups[g.Name]; twice {
			t.Errorf("group %s appears twice", g.Name)
		}
		groups[g.Name] = g
	}
	var walk func(name string, path []string)
	walk = func(name string, path []string) {
		if slices.Contains(path, name) {
			t.Fatalf("groups contain themselves: %v", append(path, name))
		}
		g, ok := groups[name]
		if !ok {
			t.Fatalf("group %q does not exist, reached by %v", name, path)
		}
		if len(g.Members)+len(g.Groups) == 0 {
			t.Errorf("group %s is empty", name)
		}
		for _, m := range g.Members {
			if !people[m] {
				t.Errorf("group %s lists %s, who does not work here", name, m)
			}
		}
		for _, nested := range g.Groups {
			walk(nested, append(slices.Clone(path), name))
		}
	}
	for name := range groups {
		walk(name, nil)
	}
}

func TestLoadsQuickly(t *testing.T) {
	best := time.Hour
	for range 5 {
		start := time.Now()
		company(t)
		best = min(best, time.Since(start))
	}
	t.Logf("Company took %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("Company took %v, want under 50ms", best)
	}
}

func BenchmarkCompany(b *testing.B) {
	for b.Loop() {
		company(b)
	}
}
