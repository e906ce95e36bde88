package rpc

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/limit"
)

type admitter grant.Caller

func (a admitter) Admit(*http.Request, Family) (grant.Caller, error) { return grant.Caller(a), nil }

type batch struct {
	Items []int `json:"items"`
}

func (b batch) RateDocuments() int { return len(b.Items) }

func newEdge(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	handle := func(context.Context, grant.Caller, None) (None, error) { return None{}, nil }
	cfg := Config{
		Admitter: admitter(grant.Mint(&grant.Facts{Kind: grant.User, Person: "ada", Token: "t", Scopes: grant.ScopesOf(grant.Search)})),
		Rooms: []Room{Open(grant.Search, grant.User,
			JSON("POST /rest/api/v1/search", "Finds.", handle),
			JSON("POST /rest/api/v1/old", "Is old.", handle),
			JSON("POST /rest/api/v1/new", "Is new.", handle),
			JSON("POST /api/index/v1/indexdocuments", "Takes a batch.", func(context.Context, grant.Caller, batch) (None, error) { return None{}, nil }),
		)},
		Standing: map[string]Standing{
			"POST /rest/api/v1/old": {Deprecated: true, Removal: time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)},
			"POST /rest/api/v1/new": {Experimental: true},
		},
	}
	if change != nil {
		change(&cfg)
	}
	return NewServer(cfg)
}

func ask(s *Server, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestDeprecatedOperations(t *testing.T) {
	s := newEdge(t, nil)
	w := ask(s, "/rest/api/v1/old", "")
	const want = "name=POST /rest/api/v1/old;kind=endpoint;context=endpoint;removal=2027-01-15"
	if got := w.Header().Values("X-Glean-Deprecated"); w.Code != 200 || len(got) != 1 || got[0] != want {
		t.Errorf("%d with %q, want 200 with %q", w.Code, got, want)
	}
	if got := ask(s, "/rest/api/v1/search", "").Header().Values("X-Glean-Deprecated"); got != nil {
		t.Errorf("an ordinary operation has %q", got)
	}
	for day, status := range map[string]int{
		"": 200, "2027-01-14": 200, "2027-01-15": 404, "2027-01-16": 404, "9999-12-31": 404,
		"2027-1-15": 400, "2027-02-30": 400, "15-01-2027": 400, "tomorrow": 400, "2027-01-15T00:00:00Z": 400, " 2027-01-15": 400,
	} {
		if w := ask(s, "/rest/api/v1/old", "", "X-Glean-Exclude-Deprecated-After", day); w.Code != status {
			t.Errorf("after %q: %d %s, want %d", day, w.Code, w.Body, status)
		}
	}
	if w := ask(s, "/rest/api/v1/search", "", "X-Glean-Exclude-Deprecated-After", "9999-12-31"); w.Code != 200 {
		t.Errorf("an operation that stays: %d", w.Code)
	}
	if w := ask(s, "/rest/api/v1/search", "", "X-Glean-Exclude-Deprecated-After", "2027-01-15", "X-Glean-Exclude-Deprecated-After", "2027-01-15"); w.Code != 400 {
		t.Errorf("the header twice: %d, want 400", w.Code)
	}
}

func TestExperimentalOperations(t *testing.T) {
	open, hiding := newEdge(t, nil), newEdge(t, func(c *Config) { c.HideExperimental = true })
	if w := ask(open, "/rest/api/v1/new", ""); w.Code != 200 {
		t.Errorf("without the setting: %d, want 200", w.Code)
	}
	for value, status := range map[string]int{"": 404, "false": 404, "1": 404, "true": 200, "TRUE": 200, "true ": 404} {
		w := ask(hiding, "/rest/api/v1/new", "", "X-Glean-Include-Experimental", value)
		if w.Code != status {
			t.Errorf("%q: %d, want %d", value, w.Code, status)
		}
		if w.Code == 404 && (w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"resource_not_found"`)) {
			t.Errorf("%q: %s %s, want problem JSON", value, w.Header().Get("Content-Type"), w.Body)
		}
	}
	if w := ask(hiding, "/rest/api/v1/search", ""); w.Code != 200 {
		t.Errorf("an ordinary operation: %d", w.Code)
	}
}

// unread is a body that fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a refused request was read")
	return 0, http.ErrBodyReadAfterClose
}

func TestRateLimits(t *testing.T) {
	rules, err := limit.Parse([]string{"search=5/s", "indexdocuments=60/min:10", "address=30/s"})
	if err != nil {
		t.Fatal(err)
	}
	s := newEdge(t, func(c *Config) { c.Limits = limit.New(rules, time.Now(), nil) })
	for range 5 {
		if w := ask(s, "/rest/api/v1/search", ""); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("POST", "/rest/api/v1/search", unread{t})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d, Retry-After %q, %s: want 429 in a second as text", w.Code, w.Header().Get("Retry-After"), w.Header().Get("Content-Type"))
	}
	body := `{"items":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}`
	if w := ask(s, "/api/index/v1/indexdocuments", body); w.Code != 200 {
		t.Errorf("a batch on a full bucket: %d %s", w.Code, w.Body)
	}
	if w := ask(s, "/api/index/v1/indexdocuments", body); w.Code != 429 || w.Header().Get("Retry-After") != "20" {
		t.Errorf("a second one: %d after %s, want 429 after 20", w.Code, w.Header().Get("Retry-After"))
	}
	for range 40 { // a path that nobody has counts for the address too
		w = ask(s, "/api/nothing", "")
	}
	if w.Code != 429 || !strings.Contains(w.Body.String(), `"rate_limit_exceeded"`) || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a flood of unknown paths: %d %s", w.Code, w.Body)
	}
}

// FuzzHeaders holds that no value of the headers of an API that changes does more than hide an operation.
func FuzzHeaders(f *testing.F) {
	f.Add("2027-01-15", "true", "192.0.2.1, ::1%eth0")
	rules, err := limit.Parse([]string{"address=1000/s"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, day, experimental, forwarded string) {
		s := newEdge(t, func(c *Config) {
			c.HideExperimental, c.Limits = true, limit.New(rules, time.Now(), nil)
			c.Proxies = Proxies{netip.MustParsePrefix("192.0.2.0/24")}
		})
		for _, path := range []string{"/rest/api/v1/old", "/rest/api/v1/new", "/rest/api/v1/search"} {
			w := ask(s, path, "", "X-Glean-Exclude-Deprecated-After", day, "X-Glean-Include-Experimental", experimental, "X-Forwarded-For", forwarded)
			if w.Code != 200 && w.Code != 400 && w.Code != 404 {
				t.Errorf("%s with %q %q %q: %d", path, day, experimental, forwarded, w.Code)
			}
		}
	})
}
