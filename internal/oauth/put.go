package oauth

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkPut returns want without what the configuration file sets, or what is wrong with it.
func (s *Service) checkPut(ctx context.Context, want Settings, secrets map[string]string) (Settings, error) {
	want = want.clone()
	for i := range want.Providers {
		p := &want.Providers[i]
		if fixed := s.fileProvider(p.Name); fixed != nil && !p.FromFile {
			return want, wrong(fmt.Sprintf("providers[%d].name", i), "The configuration file of the server has a provider of this name. It is changed there.")
		} else if fixed == nil && p.FromFile {
			return want, wrong(fmt.Sprintf("providers[%d].fromFile", i), "The configuration file of the server has no provider of this name.")
		}
	}
	for name, sent := range map[string]struct{ fixed, same bool }{
		"enabled":        {s.file.settings.Fixed.Enabled, want.Enabled == s.file.settings.Enabled},
		"admitUnknown":   {s.file.settings.Fixed.AdmitUnknown, want.AdmitUnknown == s.file.settings.AdmitUnknown && slices.Equal(want.AdmitDomains, s.file.settings.AdmitDomains)},
		"signInLinksOff": {s.file.settings.Fixed.LinksOff, want.LinksOff == s.file.settings.LinksOff},
	} {
		if sent.fixed && !sent.same {
			return want, wrong(name, "The configuration file of the server sets this. It is changed there.")
		}
	}
	if err := check(&want); err != nil { // with the positions that the caller knows
		return want, err
	}
	all := want.clone()
	all.Providers = slices.DeleteFunc(all.Providers, func(p Provider) bool { return p.FromFile })
	want.Providers = slices.Clone(all.Providers)
	all.Providers = append(slices.Clone(s.file.settings.Providers), all.Providers...)
	if err := check(&all); err != nil { // with those of the file that the caller left out
		return want, err
	}
	if err := checkSecrets(secrets); err != nil {
		return want, err
	}
	for name := range secrets {
		if want.Provider(name) == nil {
			return want, wrong("clientSecret", "There is no provider %s to keep a secret for.", quote(name))
		}
	}
	return want, s.checkIssuers(ctx, &want)
}

func (s *Service) fileProvider(name string) *Provider {
	i := slices.IndexFunc(s.file.settings.Providers, func(p Provider) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return nil
	}
	return &s.file.settings.Providers[i]
}

// checkIssuers asks each issuer that is accepted anew who it is.
func (s *Service) checkIssuers(ctx context.Context, want *Settings) error {
	if !want.Enabled {
		return nil
	}
	st, err := s.current(ctx)
	if err != nil {
		return err
	}
	for i := range want.Providers {
		p := &want.Providers[i]
		if p.Disabled || st.settings.Enabled && st.issuers[p.Issuer] != nil {
			continue
		}
		if err := s.checkIssuer(ctx, p); err != nil {
			return wrong(fmt.Sprintf("providers[%d].issuer", i), "The issuer of %s does not check: %s.", quote(p.Name), explain(err)).Wrap(err)
		}
	}
	return nil
}

func (s *Service) checkIssuer(ctx context.Context, p *Provider) error {
	e, err := fetchEndpoints(ctx, s.client, p.Issuer)
	if err != nil {
		return err
	}
	if p.Opaque != nil && p.Opaque.URL == "" && s.opaqueURL(p, &e) == "" {
		return fault.Newf(fault.Invalid, "its discovery document names no endpoint for %s, so give its address", p.Opaque.Method)
	}
	_, err = fetchKeys(ctx, s.client, e.JWKS)
	return err
}

// difference says in words what a change was, for the audit log.
func difference(before, after Settings, secrets map[string]string) string {
	var list []string
	for _, sw := range []struct {
		name     string
		was, now bool
	}{
		{"OAuth", before.Enabled, after.Enabled},
		{"admitting unknown people", before.AdmitUnknown, after.AdmitUnknown},
		{"sign-in links", !before.LinksOff, !after.LinksOff},
	} {
		if sw.was != sw.now {
			list = append(list, sw.name+map[bool]string{true: " on", false: " off"}[sw.now])
		}
	}
	if !slices.Equal(before.AdmitDomains, after.AdmitDomains) {
		list = append(list, "unknown people are of: "+cmp.Or(strings.Join(after.AdmitDomains, ", "), "any domain"))
	}
	for i := range after.Providers {
		p := &after.Providers[i]
		switch old := before.Provider(p.Name); {
		case old == nil:
			list = append(list, fmt.Sprintf("added %s, issuer %s", p.Name, p.Issuer))
		case !same(old, p):
			list = append(list, fmt.Sprintf("changed %s, issuer %s", p.Name, p.Issuer))
		}
	}
	for i := range before.Providers {
		if after.Provider(before.Providers[i].Name) == nil {
			list = append(list, "removed "+before.Providers[i].Name)
		}
	}
	for _, name := range sortedKeys(secrets) {
		list = append(list, map[bool]string{true: "removed", false: "set"}[secrets[name] == ""]+" the client secret of "+name)
	}
	if len(list) == 0 {
		return "no change"
	}
	return strings.Join(list, "; ")
}

func same(a, b *Provider) bool {
	opaque := func(p *Provider) Opaque {
		if p.Opaque == nil {
			return Opaque{}
		}
		return *p.Opaque
	}
	return a.Kind == b.Kind && a.Issuer == b.Issuer && slices.Equal(a.ClientIDs, b.ClientIDs) && slices.Equal(a.Audiences, b.Audiences) &&
		a.UserClaim == b.UserClaim && a.Scopes == b.Scopes && opaque(a) == opaque(b) && a.SignIn == b.SignIn &&
		a.GroupsClaim == b.GroupsClaim && maps.Equal(a.Roles, b.Roles) && a.Disabled == b.Disabled
}
