package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/oauth/oauthtest"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// oauthCallers are OAuth access tokens: of a provider whose tokens open every scope, of two that open half of them each, and opaque ones of
// a fourth, which open half of them.
func oauthCallers(t *testing.T, s *sheaftest.Server) []lockCaller {
	t.Helper()
	key, evil := oauthtest.RSA(t, "one", 2048, 1), oauthtest.RSA(t, "one", 2048, 2)
	var halves [2]grant.Scopes
	for scope := range grant.AllScopes.All() {
		halves[scope%2] |= grant.ScopesOf(scope)
	}
	whole, even, odd, vault := oauthtest.New(t, key), oauthtest.New(t, key), oauthtest.New(t, key), oauthtest.New(t)
	named := func(name string, p *oauthtest.Provider, scopes grant.Scopes, how *oauth.Opaque) oauth.Provider {
		return oauth.Provider{Name: name, Kind: oauth.OIDC, Issuer: p.URL, ClientIDs: []string{"app"}, Scopes: scopes, Opaque: how}
	}
	vault.Secret = "hush"
	err := s.OAuth.Put(t.Context(), s.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{
		named("whole", whole, 0, nil), named("even", even, halves[0], nil), named("odd", odd, halves[1], nil),
		named("vault", vault, halves[0], &oauth.Opaque{Method: oauth.Introspect}),
	}}, map[string]string{"vault": "hush"})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(12 * time.Hour).Unix()
	sign := func(by oauthtest.Key, p *oauthtest.Provider, other oauthtest.Members) string {
		claims := oauthtest.Members{"iss": p.URL, "azp": "app", "email": lockPerson, "exp": end}
		return oauthtest.Sign(t, by, "RS256", oauthtest.Members{"alg": "RS256", "kid": "one", "typ": "at+jwt"}, claims.With(other))
	}
	opaque := func(other oauthtest.Members) string {
		token := fmt.Sprintf("opaque-%p", &other)
		vault.Know(token, oauthtest.Members{"client_id": "app", "sub": "1", "email": lockPerson, "exp": end}.With(other))
		return token
	}
	typed := []string{"X-Glean-Auth-Type", "OAUTH"}
	lower, spaced := []string{"X-Glean-Auth-Type", "oauth"}, []string{"X-Glean-Auth-Type", "\tOAuth "}
	with := func(headers ...string) []string { return append(headers, typed...) }
	all, known := sign(key, whole, nil), opaque(nil)
	list := []lockCaller{
		{name: "OAuth", token: all, headers: typed, is: federated, scopes: grant.AllScopes},
		{name: "OAuth in lower case", token: all, headers: lower, is: federated, scopes: grant.AllScopes},
		{name: "OAuth in mixed case, with spaces", token: all, headers: spaced, is: federated, scopes: grant.AllScopes},
		{name: "OAuth of one half", token: sign(key, even, nil), headers: typed, is: federated, scopes: halves[0]},
		{name: "OAuth of the other half", token: sign(key, odd, nil), headers: typed, is: federated, scopes: halves[1]},
		{name: "opaque OAuth", token: known, headers: typed, is: federated, scopes: halves[0]},
		{name: "OAuth with ActAs", token: all, headers: with("X-Glean-ActAs", lockPerson), is: federated, scopes: grant.AllScopes, actAs: somebody},
		{name: "OAuth with ActAs as a stranger", token: all, headers: with("X-Glean-ActAs", "nobody@quillmere.example"), is: federated, scopes: grant.AllScopes, actAs: nobody},
		{name: "OAuth with a malformed ActAs", token: all, headers: with("X-Scio-ActAs", "x"), is: federated, scopes: grant.AllScopes, actAs: unreadable},
		{name: "OAuth with an empty ActAs", token: all, headers: with("X-Glean-ActAs", ""), is: federated, scopes: grant.AllScopes},
		{name: "opaque OAuth with ActAs", token: known, headers: with("X-Glean-ActAs", lockPerson), is: federated, scopes: halves[0], actAs: somebody},
		{name: "OAuth without a type", token: all, is: federated},
		{name: "opaque OAuth without a type", token: known, is: federated},
		{name: "OAuth typed as BEARER", token: all, headers: []string{"X-Glean-Auth-Type", "BEARER"}, is: federated},
		{name: "OAuth with two types", token: all, headers: with(typed...), is: federated, twoTypes: true},
		{name: "OAuth of a client that is not configured", token: sign(key, whole, oauthtest.Members{"azp": "evil"}), headers: typed, is: foreign, typed: true},
		{name: "opaque OAuth of a client that is not configured", token: opaque(oauthtest.Members{"client_id": "evil"}), headers: typed, is: foreign, typed: true},
		{name: "OAuth of an issuer that is not configured", token: sign(key, whole, oauthtest.Members{"iss": "https://id.example.com"}), headers: typed, is: foreign, typed: true},
	}
	for name, token := range map[string]string{
		"forged":                sign(evil, whole, nil),
		"forged, of no client":  sign(evil, whole, oauthtest.Members{"azp": "evil"}),
		"ended":                 sign(key, whole, oauthtest.Members{"exp": time.Now().Add(time.Hour).Unix()}), // the lock test's clock moves by two
		"of someone who left":   sign(key, whole, oauthtest.Members{"email": lockLeaver}),
		"of a stranger":         sign(key, whole, oauthtest.Members{"email": "nobody@quillmere.example"}),
		"of nobody":             sign(key, whole, oauthtest.Members{"email": nil}),
		"opaque and unknown":    "opaque-unknown",
		"opaque and ended":      opaque(oauthtest.Members{"exp": time.Now().Add(time.Hour).Unix()}),
		"opaque, who left":      opaque(oauthtest.Members{"email": lockLeaver}),
		"opaque, of a stranger": opaque(oauthtest.Members{"email": "nobody@quillmere.example"}),
	} {
		list = append(list, lockCaller{name: "OAuth, " + name, token: token, headers: typed})
	}
	for i := range list {
		if list[i].is == federated && list[i].scopes != 0 {
			list[i].typed = true
		}
	}
	return list
}

// TestLockWithoutOAuth holds that no OAuth access token opens anything while OAuth is off, and that only the APIs which would take one
// say so.
func TestLockWithoutOAuth(t *testing.T) {
	s := sheaftest.Open(t)
	claims := oauthtest.Members{"iss": "https://id.example.com", "azp": "app", "email": "admin@localhost", "exp": time.Now().Add(time.Hour).Unix()}
	jwt := oauthtest.Sign(t, oauthtest.RSA(t, "one", 2048, 1), "RS256", oauthtest.Members{"alg": "RS256", "kid": "one", "typ": "at+jwt"}, claims)
	for _, op := range lockOps(s) {
		want := 401
		if op.family == rpc.ClientAPI || op.family == rpc.PlatformAPI {
			want = 403
		}
		for _, token := range []string{jwt, "opaque"} {
			a := s.Do(op.method, wildcard.ReplaceAllString(op.path, "x"), token, refusing{t}, "X-Glean-Auth-Type", "OAUTH")
			if a.Status != want {
				t.Errorf("%s %s = %d %q, want %d", op.method, op.path, a.Status, a.Body, want)
			}
		}
	}
}
