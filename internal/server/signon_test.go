package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/outbound"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// provider is an identity provider on loopback that vouches for one address.
type provider struct {
	url   string
	email string
	nonce string // of the sign-in under way
}

func newProvider(t *testing.T, email string) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{email: email}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.MarshalWrite(w, v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"token_endpoint_auth_methods_supported": []string{"client_secret_post"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		signer, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
		text, _ := json.Marshal(map[string]any{
			"iss": p.url, "aud": "sheaf", "sub": "1", "email": p.email, "nonce": p.nonce, "exp": time.Now().Add(time.Hour).Unix(),
		})
		signed, _ := signer.Sign(text)
		id, _ := signed.CompactSerialize()
		answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": id})
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

// withProvider configures a provider by the configuration file.
func withProvider(t *testing.T, more string, providers ...string) func(*server.Config) {
	t.Helper()
	file, err := oauth.ParseFile([]byte(`{"enabled": true, ` + more + `"providers": [` + strings.Join(providers, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *server.Config) {
		cfg.OAuth, cfg.Outbound = file, outbound.Config{Development: true}
	}
}

// TestSignInThroughProvider walks through a whole sign-in, on a whole server, by what a browser sends.
func TestSignInThroughProvider(t *testing.T) {
	t.Parallel()
	const ann = "ann@example.com"
	p := newProvider(t, ann)
	s := sheaftest.Open(t, withProvider(t, `"signInLinksOff": true, `,
		fmt.Sprintf(`{"name": "work", "kind": "oidc", "issuer": %q, "clientIds": ["sheaf"], "clientSecret": "s3cret", "signIn": true}`, p.url)))
	s.Person(ann, grant.RoleSuperAdmin)
	jar := map[string]string{}
	get := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		return w
	}
	if page := get("/signin").Body.String(); !strings.Contains(page, "Sign in with work") || strings.Contains(page, "sign-in link") {
		t.Errorf("the sign-in page does not offer the provider alone:\n%s", page)
	}
	away, err := url.Parse(get("/signin/work?next=/admin/audit").Header().Get("Location"))
	if err != nil || !strings.HasPrefix(away.String(), p.url+"/authorize?") {
		t.Fatalf("the browser is sent to %v, %v", away, err)
	}
	p.nonce = away.Query().Get("nonce")
	back := get("/signin/callback/work?" + url.Values{"state": {away.Query().Get("state")}, "code": {"c"}}.Encode())
	if back.Code != http.StatusSeeOther || back.Header().Get("Location") != "/admin/audit" || len(jar) != 1 {
		t.Fatalf("back from the provider: %d to %q with %d cookies, want /admin/audit and the session alone:\n%s", back.Code, back.Header().Get("Location"), len(jar), back.Body)
	}
	if page := get("/admin/audit"); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "provider work") {
		t.Errorf("the audit log: %d, and it does not tell of the sign-in", page.Code)
	}
	if again := get("/signin/callback/work?" + url.Values{"state": {away.Query().Get("state")}, "code": {"c"}}.Encode()); again.Code != http.StatusUnauthorized {
		t.Errorf("the same answer again: %d, want 401", again.Code)
	}
}

// TestResource holds what clients learn of the providers (RFC 9728), and that they learn nothing while none is accepted.
func TestResource(t *testing.T) {
	t.Parallel()
	const well = "/.well-known/oauth-protected-resource"
	off := sheaftest.Open(t)
	if a := off.Do("GET", well, "", nil); a.Status != http.StatusNotFound {
		t.Errorf("with OAuth off: %d, want 404", a.Status)
	}
	if got := off.Do("POST", "/rest/api/v1/search", "", nil).Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("with OAuth off, WWW-Authenticate = %q", got)
	}

	s := sheaftest.Open(t, withProvider(t, "",
		`{"name": "a", "kind": "oidc", "issuer": "https://a.example.com/x", "clientIds": ["sheaf", "programs"], "clientSecret": "s"}`,
		`{"name": "b", "kind": "oidc", "issuer": "https://b.example.com", "clientIds": ["sheaf"], "disabled": true}`,
		`{"name": "c", "kind": "oidc", "issuer": "https://c.example.com", "clientIds": ["sheaf"]}`))
	own := s.PublicURL.String()
	for path, resource := range map[string]string{
		well: own, well + "/rest/api/v1": own + "/rest/api/v1", well + "/api/search": own + "/api/search",
	} {
		a := s.Must("GET", path, "", nil)
		var got server.Resource
		a.Decode(&got)
		if got.Resource != resource || strings.Join(got.AuthorizationServers, " ") != "https://a.example.com/x https://c.example.com" || got.DeviceClient != "programs" {
			t.Errorf("%s = %+v", path, got)
		}
		if a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s is not open to web pages", path)
		}
	}
	for _, path := range []string{well + "/api/index/v1", well + "/admin", well + "/rest/api/v1/../../x", well + "/x", well + "//rest/api/v1"} {
		if a := s.Do("GET", path, "", nil); a.Status < 300 {
			t.Errorf("%s: %d, want a refusal: %s", path, a.Status, a.Body)
		}
	}
	s.Person("omar@example.com", grant.RoleMember)
	_, secret := s.Token("USER", "omar@example.com", grant.Chat)
	want := `resource_metadata="` + own + well + `"`
	for _, c := range []struct{ method, path, token, challenge string }{
		{"POST", "/rest/api/v1/search", "", "Bearer " + want},
		{"POST", "/rest/api/v1/search", secret, `Bearer error="insufficient_scope", scope="SEARCH", ` + want},
		{"POST", "/api/search", "", "Bearer " + want},
		{"POST", "/api/index/v1/indexdocument", "", "Bearer"},
		{"GET", "/api/admin/v1/tokens", "", ""},
	} {
		if got := s.Do(c.method, c.path, c.token, nil).Header.Get("WWW-Authenticate"); got != c.challenge {
			t.Errorf("%s %s: WWW-Authenticate = %q, want %q", c.method, c.path, got, c.challenge)
		}
	}
}
