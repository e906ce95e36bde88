package demo_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/sheafsearch/sheaf/internal/demo"
)

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	s := company(t)
	people, groups, ids, urls := map[string]demo.Person{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range s.People {
		people[p.Email] = p
	}
	for _, g := range s.Groups {
		groups[g.Name] = true
	}
	for _, d := range s.Documents {
		if ids[d.ID] || urls[d.URL] {
			t.Errorf("%s or its address appears twice", d.ID)
		}
		ids[d.ID], urls[d.URL] = true, true
	}
	linked := 0
	for _, d := range s.Documents {
		for _, link := range d.Links {
			linked++
			if !ids[link] || link == d.ID {
				t.Errorf("%s links to %q", d.ID, link)
			}
		}
		checkAuthors(t, s, people, d)
		checkReaders(t, s, groups, d)
	}
	if linked < 200 {
		t.Errorf("%d links, want at least 200", linked)
	}
	t.Logf("%d links", linked)
}

// checkAuthors holds that whoever wrote, owns or commented has an account there and was employed.
func checkAuthors(t *testing.T, s *demo.Sample, people map[string]demo.Person, d demo.Document) {
	t.Helper()
	check := func(email, what string, at time.Time) {
		p, ok := people[email]
		if !ok {
			t.Errorf("%s: %s %q is nobody", d.ID, what, email)
			return
		}
		if at.Before(p.Start) || !p.End.IsZero() && at.After(p.End.AddDate(0, 0, 1)) {
			t.Errorf("%s: %s %s did not work here on %v", d.ID, what, email, at.Format(time.DateOnly))
		}
		if _, ok := s.UserID(d.Datasource, email); !ok && p.Status == "CURRENT" {
			t.Errorf("%s: %s %s has no account in %s", d.ID, what, email, d.Datasource)
		}
	}
	check(d.Author, "author", d.Created)
	check(d.Owner, "owner", d.Updated)
	check(d.UpdatedBy, "editor", d.Updated)
	for _, c := range d.Comments {
		check(c.Author, "commenter", c.At)
	}
}

func checkReaders(t *testing.T, s *demo.Sample, groups map[string]bool, d demo.Document) {
	t.Helper()
	p := d.Permissions
	for _, email := range p.Users {
		if _, ok := s.UserID(d.Datasource, email); !ok {
			t.Errorf("%s names the reader %s, who has no account in %s", d.ID, email, d.Datasource)
		}
	}
	for _, g := range slices.Concat(append(p.Intersections, p.Groups)...) {
		if !groups[g] {
			t.Errorf("%s names the group %q, which does not exist", d.ID, g)
		}
	}
	for _, all := range p.Intersections {
		if len(all) < 2 {
			t.Errorf("%s has an intersection of %v", d.ID, all)
		}
	}
	readers := 0
	for _, person := range s.People {
		if s.Sees(person.Email, d.ID) {
			readers++
		}
	}
	if hidden := d.ID == "petrichor-draft"; (readers == 0) != hidden {
		t.Errorf("%s has %d readers", d.ID, readers)
	}
}

func TestDatasources(t *testing.T) {
	s := company(t)
	categories := []string{"TICKETS", "CRM", "PUBLISHED_CONTENT", "COLLABORATIVE_CONTENT", "MESSAGING", "CODE_REPOSITORY", "CHANGE_MANAGEMENT", "KNOWLEDGE_HUB"}
	sources := map[string]demo.Datasource{}
	byID := 0
	for _, src := range s.Datasources {
		sources[src.Name] = src
		if !regexp.MustCompile(`^[a-z0-9]+$`).MatchString(src.Name) || !slices.Contains(categories, src.Category) {
			t.Errorf("datasource %q of category %q", src.Name, src.Category)
		}
		if !src.ByEmail {
			byID++
		}
		seen := map[string]bool{}
		for _, u := range src.Users {
			if (u.ID == "") != src.ByEmail || seen[u.ID] && u.ID != "" {
				t.Errorf("%s: user %s has the id %q", src.Name, u.Email, u.ID)
			}
			seen[u.ID] = true
		}
	}
	if byID != 1 {
		t.Errorf("%d datasources with ids of their own, want 1", byID)
	}
	for _, d := range s.Documents {
		src := sources[d.Datasource]
		if !regexp.MustCompile(src.URLRegex).MatchString(d.URL) {
			t.Errorf("%s: %s does not match %s", d.ID, d.URL, src.URLRegex)
		}
		i := slices.IndexFunc(src.Types, func(o demo.ObjectType) bool { return o.Name == d.Type })
		if i < 0 {
			t.Errorf("%s has the type %q, which %s does not declare", d.ID, d.Type, src.Name)
			continue
		}
		for _, p := range d.Properties {
			if !slices.ContainsFunc(src.Types[i].Properties, func(q demo.PropertyType) bool { return q.Name == p.Name }) {
				t.Errorf("%s has the property %q, which %s does not declare", d.ID, p.Name, d.Type)
			}
		}
		if d.Title == "" || d.Container == "" || len(d.Body) < 120 {
			t.Errorf("%s is too thin: %d characters", d.ID, len(d.Body))
		}
		if bad := regexp.MustCompile(`\[\[|\]\]|[{}]`).FindString(d.Title + d.Body); bad != "" {
			t.Errorf("%s keeps the mark %q", d.ID, bad)
		}
	}
}

func TestPermissionsDiffer(t *testing.T) {
	s := company(t)
	kinds := map[string]int{}
	for _, d := range s.Documents {
		p := d.Permissions
		switch {
		case p.Anonymous:
			kinds["everyone"]++
		case p.AllDatasourceUsers:
			kinds["datasource"]++
		case len(p.Intersections) > 0:
			kinds["intersection"]++
		case len(p.Groups) > 0:
			kinds["group"]++
		case len(p.Users) > 0:
			kinds["user"]++
		default:
			kinds["nobody"]++
		}
	}
	for kind, least := range map[string]int{"everyone": 20, "datasource": 100, "intersection": 8, "group": 100, "user": 4, "nobody": 1} {
		if kinds[kind] < least {
			t.Errorf("%d documents for %s, want at least %d", kinds[kind], kind, least)
		}
	}
	counts := map[int]bool{}
	for _, p := range s.People {
		n := 0
		for _, d := range s.Documents {
			if s.Sees(p.Email, d.ID) {
				n++
			}
		}
		counts[n] = true
		if p.Status == "EX" && n > 0 {
			t.Errorf("%s left and still sees %d documents", p.Email, n)
		}
	}
	if len(counts) < 15 {
		t.Errorf("people see %d different numbers of documents, want at least 15", len(counts))
	}
	t.Logf("%v; %d different views", kinds, len(counts))
}

func TestPromises(t *testing.T) {
	s := company(t)
	for _, p := range demo.Promises() {
		d, ok := s.Document(p.Document)
		if !ok {
			t.Errorf("promise about %q, which does not exist", p.Document)
			continue
		}
		if got := s.Sees(p.Email, p.Document); got != p.Sees {
			t.Errorf("Sees(%q, %q) = %v, want %v: %s", p.Email, p.Document, got, p.Sees, p.Why)
		}
		if !slices.Contains(words(d.Title+" "+d.Body), p.Query) {
			t.Errorf("%s does not contain %q", p.Document, p.Query)
		}
	}
}

// A confidential word must be found by nobody who was left out, in any document, title or comment.
func TestSecretsStaySecret(t *testing.T) {
	s := company(t)
	secrets := []string{"nightjar", "kittiwake", "marram", "compa", "dividend", "chrysalis", "samphire", "petrichor"}
	trusted := map[[2]string]bool{}
	for _, p := range demo.Promises() {
		trusted[[2]string{p.Email, p.Query}] = trusted[[2]string{p.Email, p.Query}] || p.Sees
	}
	for _, d := range s.Documents {
		text := d.Title + " " + d.Body
		for _, c := range d.Comments {
			text += " " + c.Text
		}
		have := words(text)
		for _, secret := range secrets {
			if !slices.Contains(have, secret) {
				continue
			}
			if d.Permissions.Anonymous || d.Permissions.AllDatasourceUsers {
				t.Errorf("%s is open to many and contains %q", d.ID, secret)
			}
			for who, sees := range trusted {
				if who[1] == secret && !sees && s.Sees(who[0], d.ID) {
					t.Errorf("%s finds %q in %s", who[0], secret, d.ID)
				}
			}
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

// words are the lower-case words of a text without its marks.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(tag.ReplaceAllString(text, " ")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
