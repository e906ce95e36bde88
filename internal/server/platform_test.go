package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

type platformPage struct {
	Results []struct {
		URL string `json:"url"`
	} `json:"results"`
	HasMore    bool    `json:"has_more"`
	NextCursor *string `json:"next_cursor"`
}

// platformAll returns the addresses of everything that a question finds, page by page.
func platformAll(t *testing.T, s *sheaftest.Server, token string, body map[string]any) (urls []string) {
	t.Helper()
	body["page_size"] = 100
	for {
		var page platformPage
		s.Must("POST", "/api/search", token, body).Decode(&page)
		for _, r := range page.Results {
			urls = append(urls, r.URL)
		}
		if !page.HasMore {
			return urls
		}
		body["cursor"] = *page.NextCursor
	}
}

// TestPlatformFindsWhatTheClientFinds compares both APIs for everybody of the company: the same documents, so the same permissions.
func TestPlatformFindsWhatTheClientFinds(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	for i, p := range s.Company.People {
		if p.Status == "EX" || i%4 != 0 {
			continue
		}
		got := platformAll(t, s, s.As(p.Email), map[string]any{"query": "the"})
		ids := searchAll(t, s, s.As(p.Email), "the")
		want := make([]string, 0, len(ids))
		for _, id := range ids {
			d, _ := s.Company.Document(id)
			want = append(want, d.URL)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %d documents here, %d over the Client API", p.Email, len(got), len(want))
		}
	}
}

// TestPlatformLeaksNothing asks for confidential documents as those outside: by query, by filter and in the catalogue.
func TestPlatformLeaksNothing(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	for _, p := range demo.Promises() {
		if p.Sees || !active(t, s, p.Email) {
			continue
		}
		secret, _ := s.Company.Document(p.Document)
		token := s.As(p.Email)
		for _, query := range []string{p.Query, `"` + secret.Title + `"`, secret.ID} {
			if slices.Contains(platformAll(t, s, token, map[string]any{"query": query}), secret.URL) {
				t.Errorf("%s as %s shows %s", query, p.Email, p.Document)
			}
			catalogue := "/api/search/filters?datasources=" + secret.Datasource + "&query=" + url.QueryEscape(query)
			if a := s.Do("GET", catalogue, token, nil); a.Status != http.StatusOK && a.Status != http.StatusBadRequest || strings.Contains(a.Body, secret.URL) {
				t.Errorf("%s as %s: %d %s", catalogue, p.Email, a.Status, a.Body)
			}
		}
	}
}

// TestPlatformHiddenDatasource holds that a hidden datasource is answered like one that does not exist, everywhere.
func TestPlatformHiddenDatasource(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	session := s.SignIn(s.Company.Admin)
	s.Must("PATCH", "/api/admin/v1/datasources/crm", "", `{"visible":false}`, session.Headers()...)
	token := s.As(demo.Examples()[0].Email)
	same := func(method, path string, body func(string) any) {
		t.Helper()
		strip := func(a sheaftest.Answer) string {
			text := strings.ReplaceAll(strings.ReplaceAll(a.Body, "crm", "?"), "nosuch", "?")
			return a.Header.Get("Content-Type") + strings.ReplaceAll(text, a.Header.Get("X-Request-Id"), "")
		}
		hidden := s.Do(method, strings.ReplaceAll(path, "?", "crm"), token, body("crm"))
		missing := s.Do(method, strings.ReplaceAll(path, "?", "nosuch"), token, body("nosuch"))
		if hidden.Status != http.StatusBadRequest || hidden.Status != missing.Status || strip(hidden) != strip(missing) {
			t.Errorf("%s %s: hidden %d %s, missing %d %s", method, path, hidden.Status, hidden.Body, missing.Status, missing.Body)
		}
	}
	same("POST", "/api/search", func(name string) any { return map[string]any{"query": "x", "datasources": []string{name}} })
	nothing := func(string) any { return nil }
	for _, path := range []string{"/api/search/filters?datasources=", "/api/search/filters?query=x&datasources="} {
		hidden, missing := s.Do("GET", path+"crm", token, nothing("")), s.Do("GET", path+"nosuch", token, nothing(""))
		if hidden.Status != http.StatusBadRequest || missing.Status != http.StatusBadRequest || len(hidden.Body) != len(missing.Body) {
			t.Errorf("GET %s: hidden %d %s, missing %d %s", path, hidden.Status, hidden.Body, missing.Status, missing.Body)
		}
	}
	if a := s.Must("GET", "/api/search/filters", token, nil); strings.Contains(a.Body, "crm") {
		t.Errorf("the catalogue names a hidden datasource: %s", a.Body)
	}
}

// TestPlatformCursors holds that a cursor opens for the same caller and question alone.
func TestPlatformCursors(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	token, other := s.As(demo.Examples()[0].Email), s.As(s.Company.Admin)
	_, global := s.Token(authority.Global, "")
	var page platformPage
	s.Must("POST", "/api/search", token, map[string]any{"query": "the", "page_size": 3}).Decode(&page)
	if page.NextCursor == nil || !page.HasMore {
		t.Fatal("no second page to ask for")
	}
	var client struct {
		Cursor string `json:"cursor"`
	}
	s.Must("POST", "/rest/api/v1/search", token, `{"query":"the","pageSize":3}`).Decode(&client)
	next := func(change map[string]any) map[string]any {
		body := map[string]any{"query": "the", "cursor": *page.NextCursor}
		for k, v := range change {
			body[k] = v
		}
		return body
	}
	s.Must("POST", "/api/search", token, next(map[string]any{"page_size": 7}))
	for about, a := range map[string]sheaftest.Answer{
		"another person":   s.Do("POST", "/api/search", other, next(nil)),
		"a GLOBAL token":   s.Do("POST", "/api/search", global, next(nil), "X-Glean-ActAs", demo.Examples()[0].Email),
		"another query":    s.Do("POST", "/api/search", token, next(map[string]any{"query": "a"})),
		"another filter":   s.Do("POST", "/api/search", token, next(map[string]any{"filters": []any{map[string]any{"field": "type", "values": []string{"page"}}}})),
		"another range":    s.Do("POST", "/api/search", token, next(map[string]any{"time_range": map[string]any{"start": "2020-01-01T00:00:00Z"}})),
		"the Client API's": s.Do("POST", "/api/search", token, next(map[string]any{"cursor": client.Cursor})),
		"garbage":          s.Do("POST", "/api/search", token, next(map[string]any{"cursor": "AAAA"})),
	} {
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `"code":"invalid_cursor"`) {
			t.Errorf("%s: %d %s, want 400 invalid_cursor", about, a.Status, a.Body)
		}
	}
}
