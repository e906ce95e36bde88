package oauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// Form is the settings as JSON: on the admin API, in the configuration file, and in SQL. Secrets go in and never come out.
type Form struct {
	// The switches are absent where a file leaves them to the console.
	Enabled        *bool          `json:"enabled,omitzero"`
	Providers      []ProviderForm `json:"providers"`
	AdmitUnknown   *bool          `json:"admitUnknown,omitzero"`
	SignInLinksOff *bool          `json:"signInLinksOff,omitzero"`
	// AdmitDomains are kept by a PUT where they are absent.
	AdmitDomains []string `json:"admitDomains,omitempty"`
	// Version is that of the settings which a change was made on. A PUT without it overwrites.
	Version int64 `json:"version,omitzero"`
	// FixedByFile names the switches that the configuration file sets. It is ignored on the way in.
	FixedByFile []string `json:"fixedByFile,omitzero"`
}

// ProviderForm is one provider in a Form.
type ProviderForm struct {
	Name      string   `json:"name"`
	Kind      Kind     `json:"kind"`
	Issuer    string   `json:"issuer,omitzero"`
	ClientIDs []string `json:"clientIds"`
	// ClientSecret is kept where it is absent, and removed where it is empty.
	ClientSecret *string `json:"clientSecret,omitzero"`
	// ClientSecretFile is for the configuration file alone.
	ClientSecretFile string            `json:"clientSecretFile,omitzero"`
	Audiences        []string          `json:"audiences,omitempty"`
	UserClaim        string            `json:"userClaim,omitzero"`
	Scopes           []string          `json:"scopes,omitempty"` // absent, or ALL, for every scope
	Opaque           *OpaqueForm       `json:"opaque,omitzero"`
	SignIn           bool              `json:"signIn,omitzero"`
	GroupsClaim      string            `json:"groupsClaim,omitzero"`
	Roles            map[string]string `json:"roles,omitempty"` // by group
	Disabled         bool              `json:"disabled,omitzero"`
	// HasClientSecret and FromFile are said on the way out and ignored on the way in, save that the settings of providers FromFile
	// stay as they are.
	HasClientSecret bool `json:"hasClientSecret,omitzero"`
	FromFile        bool `json:"fromFile,omitzero"`
}

// OpaqueForm is an Opaque in a Form.
type OpaqueForm struct {
	Method Method `json:"method"`
	URL    string `json:"url,omitzero"`
}

// FormOf returns settings as they are shown.
func FormOf(s Settings) Form {
	f := Form{
		Enabled: &s.Enabled, AdmitUnknown: &s.AdmitUnknown, SignInLinksOff: &s.LinksOff, Version: s.Version,
		AdmitDomains: slices.Clone(s.AdmitDomains), Providers: make([]ProviderForm, 0, len(s.Providers)),
	}
	for name, fixed := range map[string]bool{"enabled": s.Fixed.Enabled, "admitUnknown": s.Fixed.AdmitUnknown, "signInLinksOff": s.Fixed.LinksOff} {
		if fixed {
			f.FixedByFile = append(f.FixedByFile, name)
		}
	}
	slices.Sort(f.FixedByFile)
	for i := range s.Providers {
		f.Providers = append(f.Providers, formOf(&s.Providers[i]))
	}
	return f
}

func formOf(p *Provider) ProviderForm {
	f := ProviderForm{
		Name: p.Name, Kind: p.Kind, Issuer: p.Issuer, ClientIDs: slices.Clone(p.ClientIDs), Audiences: slices.Clone(p.Audiences),
		UserClaim: p.UserClaim, SignIn: p.SignIn, GroupsClaim: p.GroupsClaim, Disabled: p.Disabled, HasClientSecret: p.HasSecret, FromFile: p.FromFile,
	}
	if f.ClientIDs == nil {
		f.ClientIDs = []string{}
	}
	if p.Scopes != 0 {
		f.Scopes = p.Scopes.Names()
	}
	if p.Opaque != nil {
		f.Opaque = &OpaqueForm{p.Opaque.Method, p.Opaque.URL}
	}
	if len(p.Roles) > 0 {
		f.Roles = map[string]string{}
		for group, role := range p.Roles {
			f.Roles[group] = role.String()
		}
	}
	return f
}

// Settings returns what a form asks for, and the secrets that it sets, by provider: the arguments of Put. Names that mean
// nothing are a fault.Invalid; Put checks the rest.
func (f Form) Settings() (Settings, map[string]string, error) {
	s := Settings{
		Enabled: f.Enabled != nil && *f.Enabled, AdmitUnknown: f.AdmitUnknown != nil && *f.AdmitUnknown,
		LinksOff: f.SignInLinksOff != nil && *f.SignInLinksOff, Version: f.Version,
	}
	for _, domain := range f.AdmitDomains {
		s.AdmitDomains = append(s.AdmitDomains, strings.ToLower(domain))
	}
	secrets := map[string]string{}
	for i := range f.Providers {
		at := fmt.Sprintf("providers[%d].", i)
		p, err := f.Providers[i].provider(at)
		if err != nil {
			return Settings{}, nil, err
		}
		if secret := f.Providers[i].ClientSecret; secret != nil && !p.FromFile {
			secrets[p.Name] = *secret
		}
		s.Providers = append(s.Providers, p)
	}
	return s, secrets, nil
}

func (f *ProviderForm) provider(at string) (Provider, error) {
	p := Provider{
		Name: f.Name, Kind: f.Kind, Issuer: f.Issuer, ClientIDs: slices.Clone(f.ClientIDs), Audiences: slices.Clone(f.Audiences),
		UserClaim: f.UserClaim, SignIn: f.SignIn, GroupsClaim: f.GroupsClaim, Disabled: f.Disabled, FromFile: f.FromFile,
	}
	if p.Kind == Google && p.Issuer == "" {
		p.Issuer = googleIssuer
	}
	for _, name := range f.Scopes {
		scope, known := grant.ParseScope(name)
		switch {
		case name == "ALL":
			p.Scopes |= grant.AllScopes
		case known:
			p.Scopes |= grant.ScopesOf(scope)
		default:
			return p, fault.Newf(fault.Invalid, "There is no scope %s. The scopes are %s, and ALL for all of them.", quote(name), grant.AllScopes).WithField(at + "scopes")
		}
	}
	if f.Opaque != nil {
		p.Opaque = &Opaque{f.Opaque.Method, f.Opaque.URL}
	}
	for _, group := range slices.Sorted(maps.Keys(f.Roles)) {
		role, known := grant.ParseRole(f.Roles[group])
		if !known {
			return p, fault.Newf(fault.Invalid, "The role of the group %s is SUPER_ADMIN, ADMIN, API_TOKEN_CREATOR or MEMBER.", quote(group)).WithField(at + "roles")
		}
		if p.Roles == nil {
			p.Roles = map[string]grant.Role{}
		}
		p.Roles[group] = role
	}
	return p, nil
}
