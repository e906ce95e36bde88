package sso

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// world is a sign-in over real people and sessions in SQLite, and identity providers that sign real tokens.
type world struct {
	t         *testing.T
	db        *sqldb.DB
	authority *authority.Authority
	directory *directory.Directory
	audit     *audit.Log
	keys      *seal.Box
	service   *Service
	settings  *settings
	public    *url.URL
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settings are the providers of a test, which it may change.
type settings struct {
	mu     sync.Mutex // guards the rest
	list   []Provider
	idps   map[string]*idp
	admit  bool
	secret map[string]string
	// why discovery documents, and keys, cannot be read
	down, keysDown error
}

func (s *settings) SignIn(context.Context) []Provider {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Provider(nil), s.list...)
}

func (s *settings) Admits(_ context.Context, p Provider, email string) bool {
	return s.admit && p.Name == "work" && strings.HasSuffix(email, "@quillmere.example")
}

func (s *settings) Secret(_ context.Context, name string) (string, error) { return s.secret[name], nil }

func (s *settings) Endpoints(_ context.Context, name string) (Endpoints, error) {
	p := s.idps[name]
	if s.down != nil {
		return Endpoints{}, s.down
	}
	return Endpoints{
		Authorization: p.url + "/authorize?tenant=1", Token: p.url + "/token", UserInfo: p.url + "/userinfo",
		NamesIssuer: p.namesIssuer,
	}, nil
}

func (s *settings) VerifySignature(ctx context.Context, name, token string) ([]byte, error) {
	if s.keysDown != nil {
		return nil, s.keysDown
	}
	return oidc.NewRemoteKeySet(ctx, s.idps[name].url+"/keys").VerifySignature(ctx, token)
}

func (s *settings) Client() *http.Client { return http.DefaultClient }

// change edits a provider.
func (s *settings) change(name string, edit func(*Provider)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].Name == name {
			edit(&s.list[i])
		}
	}
}

// idp is an identity provider. What it asks of codes is what the standard asks: redirect URI, client, PKCE, one use.
type idp struct {
	t   *testing.T
	url string
	key *ecdsa.PrivateKey

	mu          sync.Mutex // guards the rest
	account     map[string]any
	info        map[string]any // what userinfo says
	spoil       func(claims map[string]any)
	sign        func(claims map[string]any) string
	namesIssuer bool
	reuse       bool // takes a code again and again, as it should not
	codes       map[string]asked
	exchanges   int
}

// asked is what an authorization request asked for.
type asked struct{ redirect, client, nonce, challenge string }

func newIDP(t *testing.T) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	p := &idp{t: t, key: key, codes: map[string]asked{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		writeJSON(w, p.info)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, v)
}

// approve is what the provider's page does once somebody has signed in there: it sends the browser back, to the address returned.
func (p *idp) approve(t *testing.T, request string, account map[string]any) string {
	t.Helper()
	u, err := url.Parse(request)
	fatal(t, err)
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" || q.Get("tenant") != "1" {
		t.Fatalf("the provider was asked %s, without PKCE, nonce or state", request)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.account = account
	code := random()
	p.codes[code] = asked{q.Get("redirect_uri"), q.Get("client_id"), q.Get("nonce"), q.Get("code_challenge")}
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if p.namesIssuer {
		back.Set("iss", p.url)
	}
	return q.Get("redirect_uri") + "?" + back.Encode()
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchanges++
	_ = r.ParseForm()
	a, known := p.codes[r.PostForm.Get("code")]
	if !p.reuse {
		delete(p.codes, r.PostForm.Get("code"))
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	id, secret, basic := r.BasicAuth()
	if !basic || secret != "s3cret" {
		w.WriteHeader(http.StatusUnauthorized) // without a type, as some do
		return
	}
	if !known || a.client != id || a.redirect != r.PostForm.Get("redirect_uri") || a.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": p.url, "aud": a.client, "nonce": a.nonce, "exp": time.Now().Add(5 * time.Minute).Unix(), "iat": time.Now().Unix(),
	}
	maps.Copy(claims, p.account)
	if p.spoil != nil {
		p.spoil(claims)
	}
	signed := ""
	if p.sign != nil {
		signed = p.sign(claims)
	} else {
		signed = p.signed(jose.ES256, p.key, claims)
	}
	writeJSON(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": signed})
}

func (p *idp) signed(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	text, err := json.Marshal(claims)
	fatal(p.t, err)
	return p.signedText(alg, key, text)
}

func (p *idp) signedText(alg jose.SignatureAlgorithm, key any, text []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "one"))
	fatal(p.t, err)
	signed, err := signer.Sign(text)
	fatal(p.t, err)
	compact, err := signed.CompactSerialize()
	fatal(p.t, err)
	return compact
}

const (
	ann = "ann.lind@quillmere.example"
	bea = "bea.voss@quillmere.example"
)

func annAccount() map[string]any {
	return map[string]any{"sub": "ann-1", "email": ann, "email_verified": true, "name": "Ann Lind"}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	address := sqldb.Memory
	if os.Getenv(sqldbtest.Environment) != "" {
		address = sqldbtest.Postgres(t)
	}
	db := sqldbtest.OpenURL(t, address)
	w := &world{t: t, db: db}
	var err error
	w.keys, err = seal.Open(ctx, db)
	fatal(t, err)
	w.audit, err = audit.Open(ctx, db, audit.Config{Origin: rpc.Origin})
	fatal(t, err)
	t.Cleanup(func() { _ = w.audit.Close() })
	w.directory = directory.New(db)
	w.public, err = url.Parse("https://search.quillmere.example")
	fatal(t, err)
	w.authority, err = authority.Open(authority.Config{DB: db, People: w.directory, Audit: w.audit, Keys: w.keys, PublicURL: w.public})
	fatal(t, err)
	t.Cleanup(func() { _ = w.authority.Close() })
	w.settings = &settings{idps: map[string]*idp{}, secret: map[string]string{}}
	for _, name := range []string{"work", "other"} {
		p := newIDP(t)
		w.settings.idps[name], w.settings.secret[name] = p, "s3cret"
		w.settings.list = append(w.settings.list, Provider{Name: name, Kind: "oidc", Issuer: p.url, ClientID: "sheaf"})
	}
	w.service, err = New(Config{
		DB: db, Authority: w.authority, People: w.directory, Audit: w.audit, Keys: w.keys, Providers: w.settings, PublicURL: w.public,
	})
	fatal(t, err)
	return w
}

func (w *world) add(email string, role grant.Role) *directory.Person {
	w.t.Helper()
	p, err := w.directory.Add(context.Background(), directory.NewPerson{Email: email, Role: role})
	fatal(w.t, err)
	return p
}

// browser is somebody's browser, as far as cookies go.
type browser struct {
	w   *world
	jar *cookiejar.Jar
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	fatal(w.t, err)
	return &browser{w, jar}
}

func (b *browser) request(address string) *http.Request {
	b.w.t.Helper()
	u, err := b.w.public.Parse(address)
	fatal(b.w.t, err)
	r := httptest.NewRequest(http.MethodGet, u.String(), nil)
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	return r
}

// begin goes to a provider, and returns the address there.
func (b *browser) begin(provider, next string) string {
	b.w.t.Helper()
	out, err := b.w.service.Begin(b.request("/signin/"+provider), provider, next)
	fatal(b.w.t, err)
	b.jar.SetCookies(b.w.public, out.Cookies)
	return out.To
}

// end brings the browser back to address, and reports who is signed in then.
func (b *browser) end(address string) (next, person string, err error) {
	b.w.t.Helper()
	u, perr := url.Parse(address)
	fatal(b.w.t, perr)
	provider := u.Path[len("/signin/callback/"):]
	in, err := b.w.service.End(b.request(address), provider)
	b.jar.SetCookies(b.w.public, in.Cookies)
	visit, verr := b.w.authority.SessionFrom(b.request("/"))
	if verr == nil {
		person = visit.Admin.Email()
	}
	return in.Next, person, err
}

// signIn walks through the whole of it.
func (b *browser) signIn(provider string, account map[string]any) (person string, err error) {
	b.w.t.Helper()
	back := b.w.settings.idps[provider].approve(b.w.t, b.begin(provider, ""), account)
	_, person, err = b.end(back)
	return person, err
}

// refusals are the details of what the audit log refused.
func (w *world) refusals() (list []string) {
	w.t.Helper()
	fatal(w.t, w.audit.Flush(context.Background()))
	page, err := w.audit.List(context.Background(), audit.Filter{Action: "session.refuse", Limit: 100})
	fatal(w.t, err)
	for _, e := range page.Entries {
		list = append(list, e.Detail)
	}
	return list
}
