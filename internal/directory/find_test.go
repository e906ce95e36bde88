package directory

import (
	"fmt"
	"strings"
	"testing"
)

// staff is a roster without a database.
func staff(people ...*Person) *Roster {
	for i, p := range people {
		p.seq, p.Active = int64(i+1), !p.Retired && p.Profile.Status != StatusEx
		if p.ID == "" {
			p.ID = fmt.Sprintf("id%05d", i)
		}
		if p.Name == "" {
			p.Name = p.Profile.fullName()
		}
		if p.Email != "" && !p.Retired {
			p.Addresses = []string{p.Email}
		}
	}
	return (&Roster{teams: &teamSet{}}).with(people)
}

func named(first, last, title string) *Person {
	return &Person{
		Email:   strings.ToLower(fold(first)) + "@example.com",
		Profile: Profile{FirstName: first, LastName: last, Title: title, Department: "Harbour"},
	}
}

func TestFind(t *testing.T) {
	left := named("Sophia", "Lundgren", "Pilot")
	left.Profile.Status = StatusEx
	known := named("Robert", "Hale", "Diver")
	known.Profile.PreferredName, known.Profile.AlsoKnownAs = "Bob", []string{"Sparks"}
	r := staff(
		named("Søren", "Ångström", "Pilot"), named("Anne-Marie", "O’Neil", "Harbour master"), named("Jürgen", "Müller", "Pilot"),
		named("Marie", "Anders", "Anne's deputy"), named("Katherine", "Lund", "Buoy keeper"), named("Catherine", "Lunde", "Diver"),
		named("Pilot", "Smith", "Cook"), known, left,
	)
	for _, c := range []struct {
		query, want string
		corrected   bool
	}{
		{"soren", "Søren Ångström", false},
		{"SØREN angs", "Søren Ångström", false},
		{"annemarie", "Anne-Marie O’Neil", false},
		{"oneil", "Anne-Marie O’Neil", false},
		{"o'neil", "Anne-Marie O’Neil", false},
		{"anne marie", "Anne-Marie O’Neil, Marie Anders", false}, // a name before a title
		{"pilot", "Pilot Smith, Jürgen Müller, Søren Ångström", false},
		{"lund", "Katherine Lund, Catherine Lunde", false}, // a whole word before its beginning
		{"lund katherine", "Katherine Lund", false},
		{"bob", "Bob Hale", false},
		{"robert hale", "Bob Hale", false},
		{"sparks", "Bob Hale", false},
		{"mueller", "Jürgen Müller", true},
		{"katharine", "Katherine Lund", true},
		{"jurgen mullre", "Jürgen Müller", true},
		{"anders@", "", false},
		{"marie@example.com", "Marie Anders", false},
		{"sophia", "", false}, // has left
		{"harbour", "Anne-Marie O’Neil, Bob Hale, Catherine Lunde, Jürgen Müller, Katherine Lund, Marie Anders, Pilot Smith, Søren Ångström", false},
		{"zzzz", "", false},
		{" ,.", "", false},
	} {
		var names []string
		corrected := false
		for _, f := range r.Find(Search{Words: c.query}) {
			names = append(names, f.Person.Name)
			corrected = f.Corrected
		}
		if got := strings.Join(names, ", "); got != c.want || corrected != c.corrected {
			t.Errorf("Find(%q) = %s, corrected %v, want %s, %v", c.query, got, corrected, c.want, c.corrected)
		}
	}
	if got := r.Find(Search{Words: "pilot", NamesOnly: true}); len(got) != 1 || got[0].Person.Name != "Pilot Smith" {
		t.Errorf("Find(pilot) by names = %+v, want Pilot Smith alone", got)
	}
	if got := r.Find(Search{Words: "Müller Jürgen", Limit: 1}); len(got) != 1 || got[0].Score < Named {
		t.Errorf("Find of a whole name = %+v, want a score of at least %d", got, Named)
	}
	if got := r.Find(Search{Words: "harbour", Limit: 2}); len(got) != 2 || got[0].Person.Name != "Anne-Marie O’Neil" || got[1].Person.Name != "Bob Hale" {
		t.Errorf("Find(harbour) with a limit = %+v, want the first two of all", got)
	}
}

// TestDictionaryGrows holds that words of somebody new can be meant, however the dictionary came to be.
func TestDictionaryGrows(t *testing.T) {
	var people []*Person
	for i := range 40 {
		people = append(people, named(fmt.Sprint("Person", i), fmt.Sprint("Number", i), "Pilot"))
	}
	r := staff(people...)
	if got := r.Find(Search{Words: "wilhelmine"}); len(got) > 0 {
		t.Fatalf("Find of nobody = %+v", got)
	}
	fresh := named("Wilhelmina", "Quay", "Pilot")
	fresh.ID, fresh.Name, fresh.Active, fresh.seq = "new", "Wilhelmina Quay", true, 100
	if got := r.with([]*Person{fresh}).Find(Search{Words: "wilhelmine"}); len(got) != 1 || !got[0].Corrected {
		t.Errorf("Find(wilhelmine) = %+v, want Wilhelmina, corrected", got)
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"anna", "anna", 1, 0},
		{"anna", "ana", 1, 1},
		{"anna", "nana", 1, 1}, // letters that changed places
		{"anna", "hanna", 1, 1},
		{"anna", "enni", 2, 2},
		{"anna", "zoe", 2, 3},
		{"øre", "are", 1, 1},
		{"", "ab", 2, 2},
	} {
		if got := edits(c.a, c.b, c.limit); got != c.want {
			t.Errorf("edits(%q, %q, %d) = %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
	}
}

// crowd is n people of a company whose names repeat as names do.
func crowd(n int) []*Person {
	firsts := []string{"Anna", "Bernard", "Cécile", "Dmitri", "Elif", "Farah", "Gustav", "Hana", "Ibrahim", "Jana", "Kwame", "Lucía", "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomasz"}
	lasts := []string{"Almeida", "Berg", "Castillo", "Dahl", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Schmidt", "Tanaka"}
	titles := []string{"Engineer", "Product manager", "Analyst", "Account executive", "Designer"}
	people := make([]*Person, n)
	for i := range people {
		last := lasts[i/20%20]
		if i >= 400 {
			last = fmt.Sprint(last, i/400)
		}
		p := Profile{FirstName: firsts[i%20], LastName: last, Title: titles[i%5], Department: fmt.Sprint("Department ", i%37), StartDate: fmt.Sprintf("20%02d-%02d-01", i%25, i%12+1)}
		if i > 0 {
			p.ManagerEmail = fmt.Sprintf("p%d@example.com", (i-1)/8)
		}
		people[i] = &Person{ID: fmt.Sprintf("id%06d", i), Email: fmt.Sprintf("p%d@example.com", i), Profile: p}
	}
	return people
}

func BenchmarkFind(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		r := staff(crowd(size)...)
		for _, query := range []string{"anna", "søren ber", "engineer", "schmitd", "a", "p"} {
			b.Run(fmt.Sprint(size, "/", query), func(b *testing.B) {
				r.Find(Search{Words: query, Limit: 10})
				for b.Loop() {
					r.Find(Search{Words: query, Limit: 10})
				}
			})
		}
	}
}

// BenchmarkRenew measures a change of one person.
func BenchmarkRenew(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			people := crowd(size)
			r := staff(people...)
			for b.Loop() {
				r = r.with(people[size/2 : size/2+1])
			}
		})
	}
}
