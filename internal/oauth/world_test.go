package oauth_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

const (
	mira = "mira@quillmere.example"
	gone = "gone@quillmere.example"
	// refused is what every token is answered that does not hold.
	refused = "The token is missing, malformed, unknown, expired or revoked."
)

// world is a server with one provider, Mira, and Gone who left.
type world struct {
	*sheaftest.Server
	t     testing.TB
	clock *atomic.Int64 // microseconds
	idp   *Provider
	key   Key
}

func (w *world) now() time.Time          { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) advance(d time.Duration) { w.clock.Add(int64(d / time.Microsecond)) }

// provider is how the settings describe an identity provider of the tests.
func provider(name string, idp *Provider) oauth.Provider {
	return oauth.Provider{Name: name, Kind: oauth.OIDC, Issuer: idp.URL, ClientIDs: []string{"app", "app2"}}
}

func newWorld(t testing.TB, change ...func(*server.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: new(atomic.Int64), key: RSA(t, "one", 2048, 1)}
	w.clock.Store(time.Now().UnixMicro())
	w.idp = New(t, w.key)
	all := append([]func(*server.Config){func(cfg *server.Config) {
		cfg.Now, cfg.Outbound.Development = w.now, true
		cfg.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	}}, change...)
	w.Server = sheaftest.Open(t, all...)
	w.Person(mira, grant.RoleMember)
	w.Person(gone, grant.RoleMember)
	if _, err := w.People.SetActive(t.Context(), w.personID(gone), false); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) personID(email string) string {
	p, err := w.People.ByIDOrEmail(w.t.Context(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

// put replaces the providers.
func (w *world) put(secrets map[string]string, list ...oauth.Provider) {
	w.t.Helper()
	if err := w.OAuth.Put(w.t.Context(), w.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: list}, secrets); err != nil {
		w.t.Fatal(err)
	}
}

// claims are those of a good token of Mira's.
func (w *world) claims() Members {
	return Members{
		"iss": w.idp.URL, "aud": "sheaf", "sub": "u1", "azp": "app", "scope": "openid email", "email": mira, "email_verified": true,
		"exp": w.now().Add(time.Hour).Unix(), "iat": w.now().Unix(), "jti": "x",
	}
}

func header(k Key, alg string) Members { return Members{"alg": alg, "kid": k.ID, "typ": "at+jwt"} }

// good is a good token, with other claims.
func (w *world) good(other Members) string {
	return Sign(w.t, w.key, "RS256", header(w.key, "RS256"), w.claims().With(other))
}

// send sends an empty search, which everybody may.
func (w *world) send(token string) sheaftest.Answer {
	w.t.Helper()
	return w.Do("POST", "/rest/api/v1/search", token, `{"query":""}`, "X-Glean-Auth-Type", "OAUTH")
}

func (w *world) want(about, token string, status int) {
	w.t.Helper()
	a := w.send(token)
	if a.Status != status || status == 401 && a.Body != refused && a.Body != refused+"\n" {
		w.t.Errorf("%s = %d %q, want %d", about, a.Status, a.Body, status)
	}
}

// openSecond opens another server on the database of a first.
func openSecond(t testing.TB, database string, w *world) *sheaftest.Server {
	t.Helper()
	return sheaftest.Open(t, func(cfg *server.Config) {
		cfg.Database, cfg.Now, cfg.Outbound.Development = database, w.now, true
		cfg.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	})
}
