package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
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

// FuzzCreateToken holds that the body which makes a token makes exactly the token it names, for whoever may have it: what a second reader sees in
// the body is what the token is, and an API Token Creator makes nothing but tokens for themselves.
func FuzzCreateToken(f *testing.F) {
	for _, body := range []string{
		`{"description":"a","permission":"USER","scopes":["SEARCH"],"userEmail":"ada@quillmere.example","expiresAt":4102444800}`,
		`{"description":"a","permission":"USER","scopes":["SEARCH","CHAT","SEARCH"]}`, `{"description":" a ","permission":"GLOBAL","scopes":["ALL"]}`,
		`{"description":"a","permission":"ANONYMOUS","scopes":["SEARCH","PINS"]}`, `{"description":"a","permission":"ANONYMOUS","scopes":["PINS"]}`,
		`{"description":"a","permission":"USER","permission":"GLOBAL","scopes":["SEARCH"]}`, `{"description":"a","permission":"USER","\u0070ermission":"GLOBAL","scopes":["SEARCH"]}`,
		`{"description":"a","Permission":"GLOBAL","permission":"USER","scopes":["SEARCH"]}`, `{"description":"a","permission":"GLOBAL","scopes":["SEARCH"],"userEmail":"ada@quillmere.example"}`,
		`{"description":"a","permission":"USER","scopes":["INDEXING"]}`, `{"description":"a","permission":"USER","scopes":["ADMIN"]}`, `{"description":"a","permission":"USER","scopes":["search"]}`,
		`{"description":"a","permission":"USER","scopes":[]}`, `{"description":"a","permission":"USER","scopes":null}`, `{"description":"a","permission":"USER","scopes":["SEARCH"],"expiresAt":1.5}`,
		`{"description":"a","permission":"USER","scopes":["SEARCH"],"expiresAt":-1}`, `{"description":"a","permission":"USER","scopes":["SEARCH"],"userEmail":"admin@localhost"}`,
		`{"description":"a","permission":"USER","scopes":["SEARCH"]} {}`, `{"description":"a","permission":"USER","scopes":["SEARCH"],"id":"x"}`,
	} {
		f.Add(body)
	}
	s := sheaftest.Open(f)
	s.Person("ada@quillmere.example", grant.RoleTokenCreator)
	sessions := map[string]sheaftest.Session{"admin@localhost": s.SignIn("admin@localhost"), "ada@quillmere.example": s.SignIn("ada@quillmere.example")}
	f.Fuzz(func(t *testing.T, body string) {
		for who, session := range sessions {
			a := send(s.Handler(), "POST", "/api/admin/v1/tokens", body, session.Headers()...)
			harmless(t, a, "making a token", body)
			if a.Code != http.StatusOK && a.Code != http.StatusCreated {
				if strings.Contains(a.Body.String(), "shf_c_") && !strings.Contains(body, "shf_c_") {
					t.Errorf("%q is refused with a secret: %s", body, a.Body)
				}
				continue
			}
			var asked map[string]any
			var made struct {
				Secret, Permission, UserEmail, CreatedBy, Description string
				Scopes                                                []string
				ExpiresAt                                             float64
			}
			if err := json.Unmarshal([]byte(body), &asked); err != nil {
				t.Fatalf("%q makes a token, and is no JSON: %v", body, err)
			}
			if err := json.Unmarshal(a.Body.Bytes(), &made); err != nil {
				t.Fatal(err)
			}
			for name := range asked {
				if !slices.Contains([]string{"description", "permission", "scopes", "userEmail", "expiresAt"}, name) {
					t.Errorf("%q makes a token with a key that none has", body)
				}
			}
			wanted := map[string]bool{}
			list, _ := asked["scopes"].([]any)
			for _, name := range list {
				if name == "ALL" {
					for _, each := range grant.AllScopes.Names() {
						wanted[each] = true
					}
					continue
				}
				wanted[fmt.Sprint(name)] = true
			}
			if got := slices.Sorted(slices.Values(made.Scopes)); !slices.Equal(got, slices.Sorted(maps.Keys(wanted))) {
				t.Errorf("%q makes a token with the scopes %v", body, got)
			}
			end, _ := asked["expiresAt"].(float64)
			if made.Permission != asked["permission"] || made.ExpiresAt != end || made.CreatedBy != who || made.Secret == "" {
				t.Errorf("%q makes %s", body, a.Body)
			}
			if own := made.Permission == "USER" && made.UserEmail == who; who != "admin@localhost" && !own {
				t.Errorf("%q has an API Token Creator make %s", body, a.Body)
			}
			if named, _ := asked["userEmail"].(string); made.Permission != "USER" && made.UserEmail != "" || named == "" && made.Permission == "USER" && made.UserEmail != who {
				t.Errorf("%q makes %s", body, a.Body)
			}
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
