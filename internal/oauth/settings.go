package oauth

import (
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Kind is what sort of provider one is. It decides the form of the issuer, and which claim is the person.
type Kind string

// The kinds of provider.
const (
	Azure    Kind = "azure" // Microsoft Entra ID
	Google   Kind = "google"
	Okta     Kind = "okta"
	OneLogin Kind = "onelogin"
	OIDC     Kind = "oidc" // any other, by OpenID Connect discovery
)

// Method is how a provider is asked about an opaque token.
type Method string

// The methods.
const (
	Introspect Method = "introspect" // RFC 7662, with the client id and secret of the provider
	UserInfo   Method = "userinfo"   // OpenID Connect userinfo; for Google its tokeninfo, which names the client too
)

// Opaque says that a provider takes access tokens that are no JWTs.
type Opaque struct {
	Method Method
	// URL is the endpoint. Empty means the one that discovery names.
	URL string
}

// Provider is an identity provider whose access tokens are accepted.
type Provider struct {
	// Name tells the provider from the others: in the audit log, in metrics, in the path of sign-in. Letters, digits, dots,
	// hyphens and underscores.
	Name   string
	Kind   Kind
	Issuer string // as in its tokens, letter for letter
	// ClientIDs are the clients whose tokens are accepted. Sign-in and introspection are done as the first.
	ClientIDs []string
	// Audiences are those for whom tokens may be meant. None means that the audience is not looked at.
	Audiences []string
	// UserClaim is the claim that holds the person's address. Empty means the kind's own: see Claim.
	UserClaim string
	// Scopes are what its tokens open. Zero means every scope.
	Scopes      grant.Scopes
	Opaque      *Opaque               // nil where its tokens are JWTs alone
	SignIn      bool                  // people sign in with it
	GroupsClaim string                // of ID tokens, for Roles
	Roles       map[string]grant.Role // by group
	Disabled    bool                  // keeps the settings, accepts nothing
	FromFile    bool                  // set by the configuration file, and read-only elsewhere
	HasSecret   bool                  // a client secret is kept
}

// Claim returns the claim that is the person: the provider's own setting, or what is safe for its kind. For Entra ID that
// is not the claim email, which whoever holds an account elsewhere can set to any address.
func (p *Provider) Claim() string {
	switch {
	case p.UserClaim != "":
		return p.UserClaim
	case p.Kind == Azure:
		return "preferred_username"
	case p.Kind == Okta:
		return "sub" // the login; Okta puts no email into access tokens by itself
	}
	return "email"
}

// Opens returns the scopes that the provider's tokens open.
func (p *Provider) Opens() grant.Scopes {
	if p.Scopes == 0 {
		return grant.AllScopes
	}
	return p.Scopes
}

// ClientID is the client as which sheaf itself talks to the provider.
func (p *Provider) ClientID() string {
	if len(p.ClientIDs) == 0 {
		return ""
	}
	return p.ClientIDs[0]
}

// Settings are the settings of OAuth as a whole. They are a value of their own: whoever gets them may change them.
type Settings struct {
	Enabled   bool
	Providers []Provider
	// AdmitUnknown lets people whom nobody has added become Members when they first sign in.
	AdmitUnknown bool
	// AdmitDomains are those of whose addresses AdmitUnknown lets people in, in lower case. None means that of every address
	// which a provider vouches for.
	AdmitDomains []string
	// LinksOff ends sign-in links, but for those made on the host.
	LinksOff bool
	// Version grows with each change that Put makes. Put refuses settings read before another change; 0 overwrites.
	Version int64
	// Fixed says which of the switches above a configuration file sets.
	Fixed Fixed
}

// Admits reports whether somebody whom nobody has added becomes a Member when they first sign in with a provider of a kind, which
// vouches for their address. Google signs in everybody who has an account of Google's, so there a domain must be named.
func (s *Settings) Admits(kind Kind, address string) bool {
	if !s.AdmitUnknown || len(s.AdmitDomains) == 0 {
		return s.AdmitUnknown && kind != Google
	}
	_, domain, _ := strings.Cut(address, "@")
	return slices.Contains(s.AdmitDomains, strings.ToLower(domain))
}

// Fixed are the switches that a configuration file sets. The domains go with AdmitUnknown.
type Fixed struct{ Enabled, AdmitUnknown, LinksOff bool }

// Provider returns the provider of that name, nil where there is none.
func (s *Settings) Provider(name string) *Provider {
	i := slices.IndexFunc(s.Providers, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Providers[i]
}
