// Package oauthtest is an identity provider for tests: it signs whatever a test wants signed, publishes its keys, and counts what it
// is asked. It listens on loopback, without TLS, so whoever asks it needs outbound's development setting.
package oauthtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// Members are those of a JSON object. A value that is nil is left out.
type Members map[string]any

// Key is a signing key, with what is published of it.
type Key struct {
	ID      string
	Private crypto.Signer
}

// JWK is the key as it is published.
func (k Key) JWK() Members {
	jwk := Members{"kid": k.ID, "use": "sig"}
	switch public := k.Private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := public.Bytes()
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", public.Curve.Params().Name, encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk
}

var rsaKeys sync.Map // by size and number: making them takes long

// RSA returns an RSA key. The same number gives the same key within a process.
func RSA(tb testing.TB, id string, bits, number int) Key {
	tb.Helper()
	at := [2]int{bits, number}
	if k, ok := rsaKeys.Load(at); ok {
		return Key{id, k.(*rsa.PrivateKey)}
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	k, _ := rsaKeys.LoadOrStore(at, private)
	return Key{id, k.(*rsa.PrivateKey)}
}

// EC returns a new key on a curve.
func EC(tb testing.TB, id string, curve elliptic.Curve) Key {
	tb.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return Key{id, private}
}

// Ed25519 returns a new key.
func Ed25519(tb testing.TB, id string) Key {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return Key{id, private}
}

// Provider is an identity provider. Change what it publishes with the methods; its zero value is of no use.
type Provider struct {
	*httptest.Server
	ended chan struct{}

	mu     sync.Mutex // guards what follows
	keys   []Members
	about  Members
	delay  time.Duration
	down   bool
	tokens map[string]Members // what introspection and userinfo say

	// Discoveries, KeySets, Introspections and UserInfos count what was asked; Others what it does not serve.
	Discoveries, KeySets, Introspections, UserInfos, Others atomic.Int64
	// Secret is asked of whoever introspects, where it is not empty.
	Secret string
}

// New starts a provider that publishes keys. It ends with the test.
func New(tb testing.TB, keys ...Key) *Provider {
	tb.Helper()
	p := &Provider{ended: make(chan struct{}), tokens: map[string]Members{}, about: Members{}}
	p.Publish(keys...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { p.serve(w, &p.Discoveries, p.discovery) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.serve(w, &p.KeySets, func() Members { return Members{"keys": p.keys} })
	})
	mux.HandleFunc("POST /introspect", p.introspect)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.Others.Add(1)
		http.NotFound(w, r)
	})
	p.Server = httptest.NewServer(mux)
	tb.Cleanup(func() {
		close(p.ended)
		p.Close()
	})
	return p
}

// Asked is how often it was asked anything.
func (p *Provider) Asked() int64 {
	return p.Discoveries.Load() + p.KeySets.Load() + p.Introspections.Load() + p.UserInfos.Load() + p.Others.Load()
}

// Publish replaces the keys.
func (p *Provider) Publish(keys ...Key) {
	jwks := make([]Members, 0, len(keys))
	for _, k := range keys {
		jwks = append(jwks, k.JWK())
	}
	p.PublishRaw(jwks...)
}

// PublishRaw replaces the keys by whatever a test wants.
func (p *Provider) PublishRaw(keys ...Members) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

// Say changes members of the discovery document.
func (p *Provider) Say(about Members) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.about = about
}

// SetDown has every request answered with 503, or not any more.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// SetDelay has every answer wait.
func (p *Provider) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Know has introspection and userinfo answer claims for a token; nil forgets it.
func (p *Provider) Know(token string, claims Members) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens[token] = claims
}

func (p *Provider) known(token string) Members {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[token]
}

func (p *Provider) discovery() Members {
	m := Members{
		"issuer": p.URL, "jwks_uri": p.URL + "/keys", "introspection_endpoint": p.URL + "/introspect", "userinfo_endpoint": p.URL + "/userinfo",
		"authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
	}
	for name, v := range p.about {
		m[name] = v
	}
	return m
}

// ready counts a request and reports whether it is to be answered.
func (p *Provider) ready(w http.ResponseWriter, count *atomic.Int64) bool {
	count.Add(1)
	p.mu.Lock()
	delay, down := p.delay, p.down
	p.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-p.ended:
	}
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
	}
	return !down
}

func (p *Provider) serve(w http.ResponseWriter, count *atomic.Int64, body func() Members) {
	if !p.ready(w, count) {
		return
	}
	p.mu.Lock()
	m := body()
	p.mu.Unlock()
	answer(w, m)
}

func answer(w http.ResponseWriter, m Members) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(m.json())
}

func (m Members) json() []byte {
	kept := map[string]any{}
	for name, v := range m {
		if v != nil {
			kept[name] = v
		}
	}
	text, err := json.Marshal(kept, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return text
}

func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	if !p.ready(w, &p.Introspections) {
		return
	}
	if _, secret, _ := r.BasicAuth(); secret != p.Secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	m := Members{"active": false}
	if claims := p.known(r.PostFormValue("token")); claims != nil {
		m = Members{"active": true}
		for name, v := range claims {
			m[name] = v
		}
	}
	answer(w, m)
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	if !p.ready(w, &p.UserInfos) {
		return
	}
	header := r.Header.Get("Authorization")
	if claims := p.known(header[min(len("Bearer "), len(header)):]); claims != nil {
		answer(w, claims)
		return
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// Encode is one part of a token.
func (m Members) Encode() string { return encode(m.json()) }

// With returns a copy with other members.
func (m Members) With(other Members) Members {
	c := Members{}
	for name, v := range m {
		c[name] = v
	}
	for name, v := range other {
		c[name] = v
	}
	return c
}

// Sign returns the JWT of a header and claims, signed by the algorithm that alg names, whatever the header says.
func Sign(tb testing.TB, k Key, alg string, header, claims Members) string {
	tb.Helper()
	return SignText(tb, k, alg, header.Encode()+"."+claims.Encode())
}

// SignText signs text, which is the first two parts of a JWT.
func SignText(tb testing.TB, k Key, alg, text string) string {
	tb.Helper()
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	switch alg {
	case "RS256":
		signature, err = rsa.SignPKCS1v15(rand.Reader, k.Private.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	case "PS256":
		signature, err = rsa.SignPSS(rand.Reader, k.Private.(*rsa.PrivateKey), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "ES256":
		private := k.Private.(*ecdsa.PrivateKey)
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, sum[:]); err == nil {
			size := (private.Curve.Params().BitSize + 7) / 8
			signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case "EdDSA":
		signature = ed25519.Sign(k.Private.(ed25519.PrivateKey), []byte(text))
	default:
		err = fmt.Errorf("no algorithm %s", alg)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + encode(signature)
}

// HMAC signs text with a shared secret, as no token may be.
func HMAC(text string, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
