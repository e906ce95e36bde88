package sso

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/seal"
)

// A sign-in takes at most as long as seal keeps texts of its purpose.
const flowLife = 20 * time.Minute

// maxFlows is how many sign-ins may be under way in one browser: tabs that a browser restores are led in together.
const maxFlows = 4

// flow is a sign-in under way, as its cookie holds it.
type flow struct {
	Provider string `json:"p"`
	Issuer   string `json:"i"`
	Client   string `json:"c"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"x,omitzero"`
}

// random returns 256 random bits, as text for addresses.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

const stateLength = 43 // of random

// isState reports whether text has the form of a state, so that it may be a part of a cookie's name.
func isState(text string) bool {
	if len(text) != stateLength {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func (s *Service) private() bool { return s.cfg.PublicURL.Scheme == "https" }

// cookiePrefix begins the name of every flow's cookie. __Host- keeps other hosts of the domain, and plain HTTP, from
// setting one (RFC 6265bis, section 4.1.3.2).
func (s *Service) cookiePrefix() string {
	if s.private() {
		return "__Host-sheaf-signin-"
	}
	return "sheaf-signin-"
}

// cookieName tells the flows of one browser apart.
func (s *Service) cookieName(state string) string { return s.cookiePrefix() + state[:10] }

// cookie is Lax, not Strict: the provider's page leads back here, and the cookie must come along.
func (s *Service) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the public address is https; plain HTTP is for one's own machine
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: s.private(), SameSite: http.SameSiteLaxMode,
	}
}

// keep returns the cookie that holds f under state.
func (s *Service) keep(state string, f flow) (*http.Cookie, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return s.cookie(s.cookieName(state), s.cfg.Keys.Seal(seal.SignIn, state, text), flowLife), nil
}

// forget returns the cookie that makes the browser drop a flow.
func (s *Service) forget(name string) *http.Cookie { return s.cookie(name, "", -time.Second) }

// crowd returns what makes room for one more flow in the browser of r.
func (s *Service) crowd(r *http.Request) (drop []*http.Cookie) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, s.cookiePrefix()) {
			names = append(names, c.Name)
		}
	}
	// Browsers send the oldest first (RFC 6265, section 5.4).
	for len(names) >= maxFlows {
		drop, names = append(drop, s.forget(names[0])), names[1:]
	}
	return drop
}

// kept returns the flow that the browser of r began under state, and the name of its cookie.
func (s *Service) kept(r *http.Request, state string) (f flow, name string, ok bool) {
	if !isState(state) {
		return flow{}, "", false
	}
	name = s.cookieName(state)
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return flow{}, name, false
	}
	text, err := s.cfg.Keys.Open(seal.SignIn, state, cookies[0].Value)
	if err != nil || json.Unmarshal(text, &f, json.RejectUnknownMembers(true)) != nil {
		return flow{}, name, false
	}
	return f, name, true
}
