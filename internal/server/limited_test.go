package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/limit"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

func limits(t *testing.T, items ...string) func(*server.Config) {
	t.Helper()
	rules, err := limit.Parse(items)
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *server.Config) { cfg.Limits = rules }
}

// TestRateLimitsOfPeople holds, in the whole server, whom a limit counts: a GLOBAL call for the person it names.
func TestRateLimitsOfPeople(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t, limits(t, "search=5/h"))
	ada, bo := s.Person("ada@quillmere.example", grant.RoleMember), s.Person("bo@quillmere.example", grant.RoleMember)
	_, global := s.Token(authority.Global, "")
	search := func(token string, headers ...string) sheaftest.Answer {
		return s.Do("POST", "/rest/api/v1/search", token, `{"query":"x"}`, headers...)
	}
	for range 3 {
		if a := search(s.As(ada.Email)); a.Status != http.StatusOK {
			t.Fatal(a.Status, a.Body)
		}
	}
	for range 2 {
		if a := search(global, "X-Glean-ActAs", ada.Email); a.Status != http.StatusOK {
			t.Fatal(a.Status, a.Body)
		}
	}
	for _, a := range []sheaftest.Answer{
		search(s.As(ada.Email)), search(global, "X-Glean-ActAs", ada.Email), s.Do("POST", "/api/search", s.As(ada.Email), `{"query":"x"}`),
	} {
		if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "720" {
			t.Errorf("the sixth search of an hour: %d after %q, want 429 after 720", a.Status, a.Header.Get("Retry-After"))
		}
	}
	if a := search(s.As(bo.Email)); a.Status != http.StatusOK {
		t.Errorf("somebody else: %d", a.Status)
	}
	if a := s.Do("POST", "/rest/api/v1/people", s.As(ada.Email), `{}`); a.Status != http.StatusOK {
		t.Errorf("another operation: %d", a.Status)
	}
}

// TestRateLimitsOfPages holds that pages count for an address as the API does, and health checks do not.
func TestRateLimitsOfPages(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t, limits(t, "address=6/h"))
	for range 3 {
		s.Do("POST", "/rest/api/v1/search", "", nil)
		s.Do("GET", "/signin", "", nil)
	}
	for _, path := range []string{"/signin", "/rest/api/v1/nothing", "/api/nothing"} {
		if a := s.Do("GET", path, "", nil); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
			t.Errorf("GET %s = %d after %q, want 429", path, a.Status, a.Header.Get("Retry-After"))
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/liveness_check"} {
		if a := s.Do("GET", path, "", nil); a.Status != http.StatusOK {
			t.Errorf("GET %s = %d", path, a.Status)
		}
	}
}

// TestStandard holds that the published rates let an ordinary day pass.
func TestStandardRates(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t, limits(t, "standard"))
	ada := s.Person("ada@quillmere.example", grant.RoleMember)
	for range 5 {
		s.Must("POST", "/rest/api/v1/search", s.As(ada.Email), `{"query":"x"}`)
	}
	a := s.Do("POST", "/rest/api/v1/search", s.As(ada.Email), `{"query":"x"}`)
	if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "1" || !strings.Contains(a.Body, `"search" allows 5/s`) {
		t.Errorf("a sixth search at once: %d after %q: %s", a.Status, a.Header.Get("Retry-After"), a.Body)
	}
}

// TestDeprecatedHere holds that the facts of deprecation reach the answers, and that experimental operations hide where they are told to.
func TestDeprecatedHere(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t, func(cfg *server.Config) { cfg.HideExperimental = true })
	ada := s.Person("ada@quillmere.example", grant.RoleMember)
	a := s.Do("POST", "/api/index/v1/getdocumentcount", s.Indexing(), `{"datasource":"x"}`)
	if got := a.Header.Get("X-Glean-Deprecated"); got != "name=POST /api/index/v1/getdocumentcount;kind=endpoint;context=endpoint;removal=2027-01-15" {
		t.Errorf("X-Glean-Deprecated = %q", got)
	}
	a = s.Do("POST", "/api/index/v1/getdocumentcount", s.Indexing(), `{"datasource":"x"}`, "X-Glean-Exclude-Deprecated-After", "2027-01-15")
	if a.Status != http.StatusNotFound {
		t.Errorf("as after its removal: %d %s", a.Status, a.Body)
	}
	if a := s.Do("POST", "/api/search", s.As(ada.Email), `{"query":"x"}`); a.Status != http.StatusNotFound || !strings.Contains(a.Body, `"resource_not_found"`) {
		t.Errorf("an experimental operation without the header: %d %s", a.Status, a.Body)
	}
	s.Must("POST", "/api/search", s.As(ada.Email), `{"query":"x"}`, "X-Glean-Include-Experimental", "true")
}
