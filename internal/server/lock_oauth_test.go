package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/oauth/oauthtest"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// oauthKeys are OAuth access tokens of three providers: one whose tokens open every scope, and two that open half of them each.
type oauthKeys struct {
	all, expired, forged, gone, stranger string
	client, issuer                       string // of a client and an issuer that are not configured
	with, without                        map[grant.Scope]string
}

func newOAuthKeys(t *testing.T, s *sheaftest.Server) oauthKeys {
	t.Helper()
	key, evil := oauthtest.RSA(t, "one", 2048, 1), oauthtest.RSA(t, "one", 2048, 2)
	k := oauthKeys{with: map[grant.Scope]string{}, without: map[grant.Scope]string{}}
	var halves [2]grant.Scopes
	for scope := range grant.AllScopes.All() {
		halves[scope%2] |= grant.ScopesOf(scope)
	}
	whole, even, odd := oauthtest.New(t, key), oauthtest.New(t, key), oauthtest.New(t, key)
	named := func(name string, p *oauthtest.Provider, scopes grant.Scopes) oauth.Provider {
		return oauth.Provider{Name: name, Kind: oauth.OIDC, Issuer: p.URL, ClientIDs: []string{"app"}, Scopes: scopes}
	}
	err := s.OAuth.Put(t.Context(), s.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{
		named("whole", whole, 0), named("even", even, halves[0]), named("odd", odd, halves[1]),
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(by oauthtest.Key, p *oauthtest.Provider, other oauthtest.Members) string {
		claims := oauthtest.Members{"iss": p.URL, "azp": "app", "email": "ada@quillmere.example", "exp": time.Now().Add(12 * time.Hour).Unix()}
		return oauthtest.Sign(t, by, "RS256", oauthtest.Members{"alg": "RS256", "kid": "one", "typ": "at+jwt"}, claims.With(other))
	}
	k.all, k.forged = sign(key, whole, nil), sign(evil, whole, nil)
	k.expired = sign(key, whole, oauthtest.Members{"exp": time.Now().Add(time.Hour).Unix()}) // the lock test's clock moves by two
	k.gone = sign(key, whole, oauthtest.Members{"email": "gone@quillmere.example"})
	k.stranger = sign(key, whole, oauthtest.Members{"email": "nobody@quillmere.example"})
	k.client = sign(key, whole, oauthtest.Members{"azp": "evil"})
	k.issuer = sign(key, whole, oauthtest.Members{"iss": "https://id.example.com"})
	narrow := [2]string{sign(key, even, nil), sign(key, odd, nil)}
	for scope := range grant.AllScopes.All() {
		k.with[scope], k.without[scope] = narrow[scope%2], narrow[1-scope%2]
	}
	return k
}

// oauthCases are the OAuth access tokens that must not open op.
func oauthCases(op rpc.Operation, k oauthKeys) []lockCase {
	typed := []string{"X-Glean-Auth-Type", "oauth"}
	cases := []lockCase{
		{name: "an OAuth token without the header", token: k.all, status: 401},
		{name: "a forged OAuth token", token: k.forged, headers: typed, status: 401},
		{name: "an expired OAuth token", token: k.expired, headers: typed, status: 401},
		{name: "an OAuth token of someone who left", token: k.gone, headers: typed, status: 401},
		{name: "an OAuth token of a stranger", token: k.stranger, headers: typed, status: 401},
		{name: "an OAuth token without the scope", token: k.without[op.Scope], headers: typed, status: 403},
		{name: "an OAuth token with ActAs", token: k.all, headers: append([]string{"X-Glean-ActAs", "ada@quillmere.example"}, typed...), status: 400},
	}
	if op.Kinds&grant.User == 0 {
		cases = append(cases, lockCase{name: "an OAuth token", token: k.all, headers: typed, status: 403})
	}
	return cases
}

// TestOAuthOpensWhatUserTokensOpen crosses each operation with OAuth access tokens that open its scope: they get as far as an issued token
// of the same person.
func TestOAuthOpensWhatUserTokensOpen(t *testing.T) {
	s := sheaftest.Open(t, func(cfg *server.Config) { cfg.Outbound.Development = true })
	s.Person("ada@quillmere.example", grant.RoleMember)
	k := newOAuthKeys(t, s)
	crossed := 0
	for _, op := range s.Operations() {
		if op.Family != rpc.ClientAPI && op.Family != rpc.PlatformAPI || op.Bare || op.Kinds&grant.User == 0 {
			continue
		}
		if op.Path == "/rest/api/v1/createauthtoken" { // a token that outlives the one of the provider must not come of it
			continue
		}
		crossed++
		path := wildcard.ReplaceAllString(op.Path, "x")
		want := s.Do(op.Method, path, s.As("ada@quillmere.example"), `{}`)
		for _, token := range []string{k.all, k.with[op.Scope]} {
			got := s.Do(op.Method, path, token, `{}`, "X-Glean-Auth-Type", "OAUTH")
			if got.Status != want.Status || got.Status == 401 || strings.Contains(got.Header.Get("WWW-Authenticate"), rpc.InsufficientScope) {
				t.Errorf("%s %s = %d %q, with an issued token %d", op.Method, path, got.Status, got.Body, want.Status)
			}
		}
	}
	if crossed < 50 {
		t.Errorf("only %d operations were crossed", crossed)
	}
	for token, want := range map[string]int{k.client: 403, k.issuer: 403, k.all: 200} {
		if a := s.Do("POST", "/rest/api/v1/search", token, `{"query":""}`, "X-Glean-Auth-Type", "OAUTH"); a.Status != want {
			t.Errorf("search = %d %q, want %d", a.Status, a.Body, want)
		}
	}
}
