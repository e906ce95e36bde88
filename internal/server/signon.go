package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/sso"
)

// signOn lets sign-in see the providers of the settings.
type signOn struct{ oauth *oauth.Service }

// SignIn lists those through which people sign in now.
func (s signOn) SignIn(ctx context.Context) []sso.Provider {
	return signInProviders(s.oauth.Settings(ctx))
}

func signInProviders(settings oauth.Settings) (list []sso.Provider) {
	for _, p := range accepted(settings) {
		if !p.SignIn {
			continue
		}
		list = append(list, sso.Provider{
			Name: p.Name, Kind: sso.Kind(p.Kind), Issuer: p.Issuer, ClientID: p.ClientID(), UserClaim: p.UserClaim, GroupsClaim: p.GroupsClaim, Roles: p.Roles,
		})
	}
	return list
}

// Admits says whether somebody whom nobody here knows becomes a Member.
func (s signOn) Admits(ctx context.Context, p sso.Provider, email string) bool {
	settings := s.oauth.Settings(ctx)
	return settings.Admits(oauth.Kind(p.Kind), email)
}

// Secret is the client secret of a provider.
func (s signOn) Secret(ctx context.Context, name string) (string, error) {
	return s.oauth.Secret(ctx, name)
}

// Endpoints are those of a provider's discovery.
func (s signOn) Endpoints(ctx context.Context, name string) (sso.Endpoints, error) {
	settings := s.oauth.Settings(ctx)
	p := settings.Provider(name)
	if p == nil {
		return sso.Endpoints{}, fault.New(fault.NotFound, "There is no such provider.")
	}
	e, err := s.oauth.Discovery(ctx, *p)
	if err != nil {
		return sso.Endpoints{}, err
	}
	return sso.Endpoints{
		Authorization: e.Authorization, Token: e.Token, UserInfo: e.UserInfo, NamesIssuer: e.NamesIssuer,
		// Where a provider does not say, it takes the header (OpenID Connect Discovery 1.0, section 3).
		PostSecret:  len(e.TokenAuth) > 0 && !slices.Contains(e.TokenAuth, "client_secret_basic") && slices.Contains(e.TokenAuth, "client_secret_post"),
		GroupsScope: slices.Contains(e.Scopes, "groups"),
	}, nil
}

// VerifySignature checks a JWT by the keys of a provider, as access tokens are.
func (s signOn) VerifySignature(ctx context.Context, name, token string) ([]byte, error) {
	settings := s.oauth.Settings(ctx)
	p := settings.Provider(name)
	if p == nil {
		return nil, fault.New(fault.NotFound, "There is no such provider.")
	}
	return s.oauth.VerifySignature(ctx, *p, token)
}

// Client calls providers.
func (s signOn) Client() *http.Client { return s.oauth.Client() }

// linksOff says whether sign-in links are turned off. They stay on where nobody could sign in otherwise.
func linksOff(s *oauth.Service) func(context.Context) bool {
	return func(ctx context.Context) bool {
		settings := s.Settings(ctx)
		return settings.LinksOff && len(signInProviders(settings)) > 0
	}
}
