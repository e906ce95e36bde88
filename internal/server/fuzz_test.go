package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// harmless holds what any body may lead to: an answer, or a clear refusal that shows nothing of the inside.
func harmless(t *testing.T, a *httptest.ResponseRecorder, operation, body string) {
	t.Helper()
	if a.Code >= http.StatusInternalServerError {
		t.Errorf("%s with %q = %d %s", operation, body, a.Code, a.Body)
	}
	for _, inside := range []string{"goroutine", ".go:", "SQL", "sqlite", "json:", "runtime error"} {
		if a.Code >= 400 && strings.Contains(a.Body.String(), inside) && !strings.Contains(body, inside) {
			t.Errorf("%s with %q shows the inside: %s", operation, body, a.Body)
		}
	}
}

// FuzzAdminBody sends bodies to every operation of the admin API that takes one, as a Super Admin.
func FuzzAdminBody(f *testing.F) {
	for _, body := range []string{
		`{"description":"a","permission":"USER","scopes":["SEARCH"],"userEmail":"admin@localhost","expiresAt":4102444800}`,
		`{"description":"a","permission":"GLOBAL","scopes":["ALL"]}`, `{"Description":"a"}`, `{"description":"a","description":"b"}`,
		`{"description":"a","datasources":["wiki"],"expiresAt":1,"allowedCidrs":["10.0.0.0/8","::1/129"],"rotationPeriodMinutes":-1}`,
		`{"email":"ada@example.com","name":"Ada","role":"MEMBER"}`, `{"role":"SUPER_ADMIN","active":false}`, `{"visible":null,"openToAnonymousTokens":true}`,
		`{"code":"shf_l_"}`, `{`, `[]`, `null`, `{"expiresAt":1e400}`, `{"expiresAt":-9223372036854775808}`, "\xff",
	} {
		f.Add(body)
	}
	s := sheaftest.Open(f)
	session := s.SignIn("admin@localhost")
	f.Fuzz(func(t *testing.T, body string) {
		for _, operation := range []string{
			"POST /api/admin/v1/tokens", "POST /api/admin/v1/indexing-tokens", "POST /api/admin/v1/users", "PATCH /api/admin/v1/users/admin@localhost",
			"PATCH /api/admin/v1/datasources/none", "POST /api/admin/v1/session",
		} {
			method, path, _ := strings.Cut(operation, " ")
			harmless(t, send(s.Handler(), method, path, body, session.Headers()...), operation, body)
		}
	})
}

// FuzzClientBody sends bodies to the operations of the Client API, with a cursor among them, and of the Indexing API.
func FuzzClientBody(f *testing.F) {
	for _, body := range []string{
		`{"query":"wind","pageSize":2,"cursor":"AAF35BWK4WIlBhA-wxKGxBEypExB3egZ9on0GKa0MK17shVJJg5WFMVl"}`,
		`{"query":"\"a b\" -c OR (d type:pdf)","requestOptions":{"facetBucketSize":3,"facetFilters":[{"fieldName":"last_updated_at","values":[{"value":"past_9999_years"}]}]}}`,
		`{"query":"x","requestOptions":{"facetFilters":[{"fieldName":"from","values":[{"value":"me","relationType":"NOT_EQUALS"}]}],"timezoneOffset":99999}}`,
		`{"query":"x","maxSnippetSize":10000,"timeoutMillis":1,"requestOptions":{"responseHints":["FACET_RESULTS"],"facetBucketFilter":{"facet":"type","prefix":"p"}}}`,
		`{"documentSpecs":[{"id":"a/b/c"},{"url":"https://x"},{}],"includeFields":["DOCUMENT_CONTENT"]}`, `{"emailIds":["a@b"],"obfuscatedIds":[""]}`,
		`{"entityType":"PEOPLE","filter":[{"fieldName":"department","values":[{"value":"x"}]}],"cursor":"x","sort":[{"sortBy":"FIRST_NAME"}]}`,
		`{"datasource":"wiki","document":{"datasource":"wiki","id":"x","viewURL":"https://wiki/x","body":{"mimeType":"text/html","textContent":"<p>x"}}}`,
		`{"name":"wiki","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"(((","isUserReferencedByEmail":true}`,
		`{"employee":{"email":"ada@example.com","department":"x","startDate":"2026-02-31"}}`, `{"datasource":"wiki","user":{"email":"a@b","name":"n"}}`,
	} {
		f.Add(body)
	}
	s := sheaftest.Open(f)
	s.Person("ada@quillmere.example", grant.RoleMember)
	user, connector := "Bearer "+s.As("ada@quillmere.example"), "Bearer "+s.Indexing()
	var client, index []string
	for _, op := range s.Operations() {
		switch {
		case !op.Built || op.Method != http.MethodPost:
		case strings.HasPrefix(op.Path, "/rest/api/v1/"):
			client = append(client, op.Path)
		case strings.HasPrefix(op.Path, "/api/index/"):
			index = append(index, op.Path)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range client {
			harmless(t, send(s.Handler(), "POST", path, body, "Authorization", user), path, body)
		}
		for _, path := range index {
			harmless(t, send(s.Handler(), "POST", path, body, "Authorization", connector), path, body)
		}
	})
}

// send is a request from inside a fuzz target, where the server's own test must not be spoken to.
func send(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
