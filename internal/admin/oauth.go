package admin

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// oauths are the operations on the settings of OAuth.
func (s *Service) oauths() []rpc.Operation {
	return []rpc.Operation{
		rpc.JSON("GET /api/admin/v1/oauth", "Reads the settings of OAuth, without secrets.", s.getOAuth),
		rpc.JSON("PUT /api/admin/v1/oauth", "Replaces the settings of OAuth.", s.putOAuth),
		rpc.JSON("POST /api/admin/v1/oauth/test", "Says step by step why a token would be accepted or not; keeps nothing of it.", s.testOAuth),
	}
}

func (s *Service) getOAuth(ctx context.Context, c grant.Caller, _ rpc.None) (oauth.Form, error) {
	if c.Role() < grant.RoleAdmin {
		return oauth.Form{}, fault.New(fault.Forbidden, "The settings of OAuth are for Super Admins and Admins.")
	}
	return oauth.FormOf(s.oauth.Settings(ctx)), nil
}

func (s *Service) putOAuth(ctx context.Context, c grant.Caller, req oauth.Form) (oauth.Form, error) {
	for _, p := range req.Providers {
		if p.ClientSecretFile != "" {
			return oauth.Form{}, fault.New(fault.Invalid, "A file with the secret is for the configuration file alone. Send the clientSecret itself.").WithField("clientSecretFile")
		}
	}
	if req.Enabled == nil {
		return oauth.Form{}, fault.New(fault.Invalid, "Say whether OAuth is enabled.").WithField("enabled")
	}
	want, secrets, err := req.Settings()
	if err != nil {
		return oauth.Form{}, err
	}
	now := s.oauth.Settings(ctx)
	if req.AdmitUnknown == nil {
		want.AdmitUnknown = now.AdmitUnknown
	}
	if req.AdmitDomains == nil {
		want.AdmitDomains = now.AdmitDomains
	}
	if req.SignInLinksOff == nil {
		want.LinksOff = now.LinksOff
	}
	if err := s.oauth.Put(ctx, c, want, secrets); err != nil {
		return oauth.Form{}, err
	}
	return s.getOAuth(ctx, c, rpc.None{})
}

// TestTokenRequest holds a token to be tested. It is in no log.
type TestTokenRequest struct {
	Token string `json:"token"`
}

func (s *Service) testOAuth(ctx context.Context, c grant.Caller, req TestTokenRequest) (oauth.Trial, error) {
	return s.oauth.Try(ctx, c, req.Token)
}
