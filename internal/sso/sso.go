// Package sso signs people in through the identity providers that the settings name: authorization code with PKCE,
// state and nonce (OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700).
//
// Its one idea is that a sign-in under way belongs to the browser that began it. What the end must be held against (the
// provider, the nonce, the verifier, the way back) lies sealed in a cookie of that browser, and opens with the state
// alone that went out with it. So beginning leaves nothing on the server, and an answer that any other browser brings
// leads nowhere. Whom an account at a provider signs in as is kept by the account's own id: an address that changes
// hands there opens nobody else's session here.
//
// The console calls it for the pages under /signin; the session itself is made by authority.
package sso

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Provider is what signing in needs to know of a configured identity provider.
type Provider struct {
	// Name is unique and stands in addresses.
	Name string
	Kind Kind
	// Issuer is what its ID tokens must name, exactly. ClientID is ours there, and the one audience taken.
	Issuer, ClientID string
	// UserClaim is the claim that holds the person's address; "" is what suits the kind.
	UserClaim string
	// GroupsClaim names a list of groups, and Roles the role that each gives. Without either, roles are sheaf's own alone.
	GroupsClaim string
	Roles       map[string]grant.Role
}

// Kind tells the providers apart whose claims have ways of their own.
type Kind string

// The kinds that matter here; every other one is plain OpenID Connect.
const (
	Entra  Kind = "azure"
	Google Kind = "google"
	Okta   Kind = "okta"
)

// Endpoints is what a provider's discovery document says.
type Endpoints struct {
	Authorization, Token, UserInfo string
	// PostSecret: the client secret is sent in the body, since the provider takes it nowhere else.
	PostSecret bool
	// NamesIssuer: the provider puts its issuer into every answer (RFC 9207), so one without it is not its own.
	NamesIssuer bool
	// GroupsScope: the provider knows a scope "groups".
	GroupsScope bool
}

// Providers are the settings as they are at this moment.
type Providers interface {
	// SignIn lists those through which people sign in; none where OAuth is off.
	SignIn(ctx context.Context) []Provider
	// Admits says whether somebody whom nobody here knows becomes a Member at their first sign-in with p, which vouches for email.
	Admits(ctx context.Context, p Provider, email string) bool
	// Secret is the client secret of a provider, "" for a public client.
	Secret(ctx context.Context, name string) (string, error)
	// Endpoints are those of the provider's discovery, kept for a while; fault.Unavailable where it cannot be read.
	Endpoints(ctx context.Context, name string) (Endpoints, error)
	// VerifySignature returns the payload of a JWT that a provider has signed, by the keys that it publishes: fault.Unavailable where they
	// cannot be read.
	VerifySignature(ctx context.Context, name, token string) ([]byte, error)
	// Client is for every call to a provider: bounded in size and time, without redirects.
	Client() *http.Client
}

// Authority is what signing in needs of *authority.Authority.
type Authority interface {
	Attempt(r *http.Request) error
	Forgive(r *http.Request)
	Begin(r *http.Request, person *directory.Person, how string) (authority.Visit, *http.Cookie, error)
}

// People is what signing in needs of *directory.Directory.
type People interface {
	ByID(ctx context.Context, id string) (*directory.Person, error)
	SignedIn(ctx context.Context, email, name string) (*directory.Person, error)
	Givers(ctx context.Context, id string) ([]string, error)
	GiveRole(ctx context.Context, id, giver string, role grant.Role) (before, after *directory.Person, err error)
}

// Config says what a Service is made of. All but Log and Now are needed.
type Config struct {
	DB        *sqldb.DB
	Authority Authority
	People    People
	Audit     *audit.Log
	Keys      *seal.Box
	Providers Providers
	// PublicURL is where browsers reach this server; the provider sends them back there.
	PublicURL *url.URL
	// Log is told of what providers did wrong. Nil discards.
	Log *slog.Logger
	// Now is the clock by which ID tokens expire. Nil means time.Now.
	Now func() time.Time
}

// Service signs people in. It is safe for concurrent use.
type Service struct{ cfg Config }

// New returns the sign-in of one server.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Authority == nil || cfg.People == nil || cfg.Audit == nil || cfg.Keys == nil || cfg.Providers == nil || cfg.PublicURL == nil {
		return nil, errors.New("open sign-in: everything but Log and Now is needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg}, nil
}

// Choices are the names of the providers through which people sign in now.
func (s *Service) Choices(ctx context.Context) []string {
	list := s.cfg.Providers.SignIn(ctx)
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
	}
	return names
}

// CallbackPath is where a provider sends people back to. Each has an address of its own, and is registered with that one
// alone: an answer of one can then not be passed off as another's (RFC 9700, section 4.4.2).
func CallbackPath(name string) string { return "/signin/callback/" + url.PathEscape(name) }

// provider finds one by its name, among those that people may sign in through.
func (s *Service) provider(ctx context.Context, name string) (Provider, error) {
	for _, p := range s.cfg.Providers.SignIn(ctx) {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, fault.New(fault.NotFound, "Nobody signs in with a provider of this name here. It may have been renamed or taken away.")
}

func (s *Service) redirectURI(name string) string {
	// JoinPath would resolve the escapes of a name.
	return s.cfg.PublicURL.Scheme + "://" + s.cfg.PublicURL.Host + CallbackPath(name)
}
