package sso

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Departure is where a browser goes to sign in, and what it must remember meanwhile.
type Departure struct {
	To      string
	Cookies []*http.Cookie
}

// maxNext bounds the way back; a longer one is dropped. A cookie holds 4096 bytes, and all flows of a browser together must
// fit into what proxies take of a header: pages of strangers can begin flows, and would lock the browser out for as long as
// those live.
const maxNext = 600

// Begin starts a sign-in with the provider of that name. next is where the person was going, a path of ours; it comes
// back from End, whatever the provider does. fault.NotFound where there is no such provider, fault.Unavailable where it
// cannot be asked for its endpoints.
func (s *Service) Begin(r *http.Request, name, next string) (Departure, error) {
	ctx := r.Context()
	p, err := s.provider(ctx, name)
	if err != nil {
		return Departure{}, err
	}
	at, err := s.cfg.Providers.Endpoints(ctx, p.Name)
	if err != nil {
		return Departure{}, err
	}
	// Where the issuer is reached privately, people are not sent elsewhere in the clear.
	if at.Authorization == "" || strings.HasPrefix(p.Issuer, "https:") && !strings.HasPrefix(at.Authorization, "https:") {
		return Departure{}, providerAway().Wrap(errors.New("its discovery names no authorization endpoint over https"))
	}
	if len(next) > maxNext {
		next = ""
	}
	state := random()
	f := flow{Provider: p.Name, Issuer: p.Issuer, Client: p.ClientID, Nonce: random(), Verifier: oauth2.GenerateVerifier(), Next: next}
	cookie, err := s.keep(state, f)
	if err != nil {
		return Departure{}, err
	}
	to := s.client(p, at, "").AuthCodeURL(state, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	return Departure{To: to, Cookies: append(s.crowd(r), cookie)}, nil
}

// client is sheaf as the provider knows it.
func (s *Service) client(p Provider, at Endpoints, secret string) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	// A public client names itself in the body (RFC 6749, section 3.2.1).
	if at.PostSecret || secret == "" {
		style = oauth2.AuthStyleInParams
	}
	scopes := []string{oidc.ScopeOpenID, "email", "profile"}
	if p.GroupsClaim != "" && at.GroupsScope {
		scopes = append(scopes, "groups")
	}
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: secret, RedirectURL: s.redirectURI(p.Name), Scopes: slices.Clip(scopes),
		Endpoint: oauth2.Endpoint{AuthURL: at.Authorization, TokenURL: at.Token, AuthStyle: style},
	}
}
