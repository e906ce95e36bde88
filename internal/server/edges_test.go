package server_test

import (
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestUncleanPaths holds that a path which would only become one of ours is none: a redirect would carry the credential along.
func TestUncleanPaths(t *testing.T) {
	s := sheaftest.Open(t)
	for _, path := range []string{"//rest/api/v1/search", "/x/../rest/api/v1/search", "/rest/api/v1//search", "/rest/./api/v1/search", "/api/admin/v1/../v1/tokens"} {
		if a := s.Do("POST", path, s.As("admin@localhost"), `{"query":""}`); a.Status != 404 {
			t.Errorf("POST %s = %d, want 404", path, a.Status)
		}
	}
}

// TestAnonymousGetsNoAddresses holds that facets tell an anonymous token names, as documents do, and no address.
func TestAnonymousGetsNoAddresses(t *testing.T) {
	s := sheaftest.Demo(t)
	open := true
	for _, d := range s.Company.Datasources {
		if _, err := s.Corpus.SetVisibility(t.Context(), s.Authority.Maintenance(), d.Name, directory.Visibility{OpenToAnonymous: &open}); err != nil {
			t.Fatal(err)
		}
	}
	_, token := s.Token(authority.Anonymous, "", grant.Search)
	body := map[string]any{"query": "", "requestOptions": map[string]any{"facetBucketSize": 100, "defaultFacets": []string{"from", "owner"}}}
	a := s.Must("POST", "/rest/api/v1/search", token, body)
	if !strings.Contains(a.Body, `"sourceName":"from"`) || strings.Contains(a.Body, "@quillmere.example") {
		t.Errorf("an anonymous token gets %s, want authors without addresses", a.Body)
	}
	var page struct {
		FacetResults []struct {
			SourceName string `json:"sourceName"`
			Buckets    []struct {
				Value struct {
					StringValue string `json:"stringValue"`
				} `json:"value"`
			} `json:"buckets"`
		} `json:"facetResults"`
	}
	a.Decode(&page)
	id := page.FacetResults[0].Buckets[0].Value.StringValue
	narrowed := s.Must("POST", "/rest/api/v1/search", token, map[string]any{"query": "", "requestOptions": map[string]any{
		"facetFilters": []any{map[string]any{"fieldName": "from", "values": []any{map[string]any{"value": id}}}},
	}})
	if !strings.Contains(narrowed.Body, id) {
		t.Errorf("filtering by the value of a bucket finds nothing: %s", narrowed.Body)
	}
}

// TestAdminsInviteNoEmployees holds that an Admin cannot become an employee who has never signed in, and read what they read.
func TestAdminsInviteNoEmployees(t *testing.T) {
	s := sheaftest.Open(t)
	s.Person("leah@quillmere.example", grant.RoleAdmin)
	s.Must("POST", "/api/index/v1/indexemployee", s.Indexing(), map[string]any{"employee": map[string]any{"email": "ada@quillmere.example", "department": "Sensors"}})
	leah := s.SignIn("leah@quillmere.example")
	for _, c := range []struct {
		name, email string
		add         bool
		status      int
	}{
		{"a new Member", "new@quillmere.example", true, 200},
		{"an employee", "ada@quillmere.example", false, 403},
		{"an employee whom the console knows too", "ada@quillmere.example", true, 403},
	} {
		if c.add {
			a := s.Do("POST", "/api/admin/v1/users", "", map[string]string{"email": c.email, "role": "MEMBER"}, leah.Headers()...)
			if a.Status != 200 {
				t.Fatalf("%s: adding = %d %s", c.name, a.Status, a.Body)
			}
		}
		if a := s.Do("POST", "/api/admin/v1/users/"+c.email+"/signin-link", "", nil, leah.Headers()...); a.Status != c.status {
			t.Errorf("%s: a link = %d %s, want %d", c.name, a.Status, a.Body, c.status)
		}
	}
}

// TestStrictTransport holds that browsers are told to stay with https where the server is reached so.
func TestStrictTransport(t *testing.T) {
	for public, want := range map[string]string{"https://search.example.com": "max-age=31536000", "http://search.example.com": ""} {
		s := sheaftest.Open(t, func(cfg *server.Config) { cfg.PublicURL = public })
		if got := s.Do("GET", "/signin", "", nil).Header.Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: Strict-Transport-Security = %q, want %q", public, got, want)
		}
	}
}

// TestNobodyComesBackWithAnOldSession holds that what was open when an employee left stays shut when they return, though no
// administrator had a hand in either.
func TestNobodyComesBackWithAnOldSession(t *testing.T) {
	s := sheaftest.Open(t)
	connector := s.Indexing()
	employ := func(status string) {
		s.Must("POST", "/api/index/v1/indexemployee", connector, map[string]any{
			"employee": map[string]any{"email": "ada@quillmere.example", "department": "Sensors", "status": status},
		})
	}
	employ("CURRENT")
	ada := s.SignIn("ada@quillmere.example")
	link, err := s.Authority.CreateLink(t.Context(), s.Authority.Maintenance(), "ada@quillmere.example")
	if err != nil {
		t.Fatal(err)
	}
	who := func() int { return s.Do("GET", "/api/admin/v1/session", "", nil, "Cookie", ada.Cookie).Status }
	if got := who(); got != 200 {
		t.Fatalf("a new session = %d, want 200", got)
	}
	employ("EX")
	if got := who(); got != 401 {
		t.Errorf("the session of someone who left = %d, want 401", got)
	}
	employ("CURRENT")
	if got := who(); got != 401 {
		t.Errorf("the old session of someone who came back = %d, want 401", got)
	}
	if a := s.Do("POST", "/api/admin/v1/session", "", map[string]string{"code": link.Code.Reveal()}); a.Status != 401 {
		t.Errorf("the old link of someone who came back = %d, want 401", a.Status)
	}
	s.SignIn("ada@quillmere.example")
}
