package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/sso"
)

// OAuthSettings are the settings of OAuth. *oauth.Service is one; it checks who may change them.
type OAuthSettings interface {
	Settings(ctx context.Context) oauth.Settings
	Put(ctx context.Context, c grant.Caller, want oauth.Settings, secrets map[string]string) error
	Try(ctx context.Context, c grant.Caller, token string) (oauth.Trial, error)
}

// kindWords is a kind of provider in the words of a page.
type kindWords struct {
	Kind   oauth.Kind
	Name   string
	Issuer string // an example
	Hint   string // where to find what the form asks for
}

// kindsOf lists the kinds in the order of the dialog.
func kindsOf() []kindWords {
	return []kindWords{
		{
			oauth.Azure, "Entra ID", "https://login.microsoftonline.com/1b9e8c7a-…/v2.0",
			"Register an application for this directory alone. The issuer ends with the directory (tenant) id and /v2.0; the client id is the application’s. People are known by their user principal name: the claim email can be set to anything, and is no proof.",
		},
		{
			oauth.Google, "Google", "https://accounts.google.com",
			"Make an OAuth client of the type “Web application” whose user type is Internal. Google’s access tokens are opaque: choose userinfo below, and have programs ask for the scopes openid, email and profile.",
		},
		{
			oauth.Okta, "Okta", "https://example.okta.com",
			"Make a web application with the authorization code grant. The issuer is that of an authorization server of yours: tokens of the built-in one can be checked by Okta alone. A domain of your own takes the kind “Other”.",
		},
		{
			oauth.OneLogin, "OneLogin", "https://example.onelogin.com/oidc/2",
			"Add an OpenID Connect application, and set its token endpoint to POST or Basic.",
		},
		{
			oauth.OIDC, "Other", "https://id.example.com/realms/work",
			"Any provider of OpenID Connect: Keycloak, Authentik, Ping, Auth0. The issuer is what its discovery document says, to the letter.",
		},
	}
}

func kindOf(k oauth.Kind) kindWords {
	for _, w := range kindsOf() {
		if w.Kind == k {
			return w
		}
	}
	return kindWords{Kind: k, Name: string(k)}
}

// oauthHint recommends OAuth where tokens are made.
type oauthHint struct {
	On   bool
	Path string // of the settings, for those who may see them
}

func (c *Console) oauthHint(v *visit) oauthHint {
	s := c.cfg.OAuth.Settings(v.r.Context())
	hint := oauthHint{On: s.Enabled && slices.ContainsFunc(s.Providers, func(p oauth.Provider) bool { return !p.Disabled })}
	if v.admin.Role() >= grant.RoleAdmin {
		hint.Path = pathOAuth
	}
	return hint
}

type oauthView struct {
	Problems  problems
	MayChange bool
	Version   int64
	Enabled   bool
	Admit     bool
	Domains   string // of unknown people
	LinksOff  bool
	Fixed     oauth.Fixed
	Providers []providerRow
	SignsIn   bool
	Metadata  string // where clients learn of the providers
	Report    *reportView
}

type providerRow struct {
	Name, Kind, Issuer string
	ClientIDs          []string
	Audiences          []string
	Scopes             []string // nil for all
	Takes              string   // what tokens, in words
	State, Hue         string
	Claim              string
	SignIn             bool
	Callback           string
	CallbackID         string
	Groups             string
	Roles              []string
	HasSecret          bool
	FromFile           bool
	Edit, Remove       string
}

// oauthPage shows the settings, and the form that tests a token.
func (c *Console) oauthPage(v *visit) error {
	return v.write(http.StatusOK, "oauth", v.frame("OAuth"), c.oauthView(v))
}

func (c *Console) oauthView(v *visit) oauthView {
	s := c.cfg.OAuth.Settings(v.r.Context())
	view := oauthView{
		MayChange: v.admin.Role() >= grant.RoleSuperAdmin, Version: s.Version, Enabled: s.Enabled, Admit: s.AdmitUnknown, LinksOff: s.LinksOff, Fixed: s.Fixed,
		Domains:  strings.Join(s.AdmitDomains, ", "),
		Metadata: c.cfg.PublicURL + "/.well-known/oauth-protected-resource",
	}
	for i := range s.Providers {
		row := c.providerRow(&s.Providers[i])
		view.Providers = append(view.Providers, row)
		view.SignsIn = view.SignsIn || row.SignIn && !s.Providers[i].Disabled
	}
	return view
}

func (c *Console) providerRow(p *oauth.Provider) providerRow {
	path := pathOAuth + "/providers/" + url.PathEscape(p.Name)
	row := providerRow{
		Name: p.Name, Kind: kindOf(p.Kind).Name, Issuer: p.Issuer, ClientIDs: p.ClientIDs, Audiences: p.Audiences, Claim: p.Claim(),
		SignIn: p.SignIn, Callback: c.cfg.PublicURL + sso.CallbackPath(p.Name), CallbackID: "callback-" + p.Name,
		Groups: p.GroupsClaim, Roles: roleLines(p), HasSecret: p.HasSecret, FromFile: p.FromFile,
		Edit: path, Remove: path + "/remove", State: "In use", Hue: "ok", Takes: "signed tokens, checked here",
	}
	if p.Disabled {
		row.State, row.Hue = "Paused", ""
	}
	if p.Opaque != nil {
		row.Takes = "signed tokens, checked here, and opaque ones, asked about by " + string(p.Opaque.Method)
	}
	if p.Scopes != 0 && p.Scopes != grant.AllScopes {
		row.Scopes = p.Scopes.Names()
	}
	return row
}

// roleLines are a provider's roles by group, one a line as the form has them.
func roleLines(p *oauth.Provider) []string {
	var lines []string
	for group, role := range p.Roles {
		lines = append(lines, group+" = "+role.String())
	}
	slices.Sort(lines)
	return lines
}

// setOAuth saves the switches, and leaves the providers as they are.
func (c *Console) setOAuth(v *visit) error {
	s := c.cfg.OAuth.Settings(v.r.Context())
	before := s
	s.Version = versionOf(v)
	s.Enabled, s.AdmitUnknown, s.LinksOff = v.form.Get("enabled") != "", v.form.Get("admitUnknown") != "", v.form.Get("linksOff") != ""
	s.AdmitDomains = wordsIn(strings.ToLower(v.form.Get("admitDomains")))
	// A switch that the configuration file sets is shown disabled, and browsers leave it out of a form.
	if s.Fixed.Enabled {
		s.Enabled = before.Enabled
	}
	if s.Fixed.AdmitUnknown {
		s.AdmitUnknown, s.AdmitDomains = before.AdmitUnknown, before.AdmitDomains
	}
	if s.Fixed.LinksOff {
		s.LinksOff = before.LinksOff
	}
	err := c.cfg.OAuth.Put(v.r.Context(), v.admin, s, nil)
	if err == nil {
		v.say("oauth")
		return v.redirect(pathOAuth)
	}
	view := c.oauthView(v)
	if !view.Problems.blame(err, map[string]place{"admitDomains": {"admitDomains", "domains"}}) {
		return err
	}
	view.Domains = v.form.Get("admitDomains")
	view.Enabled, view.Admit, view.LinksOff = s.Enabled, s.AdmitUnknown, s.LinksOff
	return v.write(http.StatusUnprocessableEntity, "oauth", v.frame("OAuth"), view)
}

type reportView struct {
	Taken                   bool
	Why                     string // the step that fails
	Provider, Email, Scopes string
	At                      moment
	Steps                   []reportStep
}

type reportStep struct {
	Icon, Class, Name, Detail string
}

// testToken says step by step what becomes of a token. The token is in no answer, log or table.
func (c *Console) testToken(v *visit) error {
	view, status := c.oauthView(v), http.StatusOK
	token := strings.Join(strings.Fields(v.form.Get("token")), "") // copied out of a terminal, with its line ends
	if token = strings.TrimPrefix(token, "Bearer"); token == "" {
		status = http.StatusUnprocessableEntity
		view.Problems.add("token", "tok", "Paste a token", "Paste the access token that a program got from the provider.")
	} else {
		report, err := c.cfg.OAuth.Try(v.r.Context(), v.admin, token)
		if err != nil {
			return err
		}
		view.Report = reportOf(v, report)
	}
	return v.write(status, "oauth", v.frame("OAuth"), view)
}

var errNoProvider = fault.New(fault.NotFound, "There is no provider of this name. It may have been renamed or removed.")
