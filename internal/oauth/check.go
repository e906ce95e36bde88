package oauth

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Bounds of settings: far above what a company has, and small enough to be in memory many times over.
const (
	maxProviders = 32
	maxName      = 64
	maxIssuer    = 512
	maxList      = 64
	maxValue     = 512
	maxClaim     = 256
	maxGroups    = 500
	maxSecret    = 1024
)

const googleIssuer = "https://accounts.google.com"

// kinds are the kinds with the form of their issuers, and how to say it.
var kinds = map[Kind]struct {
	form *regexp.Regexp
	says string
}{
	Azure: {
		regexp.MustCompile(`^https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/v2\.0$`),
		"https://login.microsoftonline.com/<directory (tenant) id>/v2.0, with the id in lower-case hexadecimal digits: not a domain, common or organizations",
	},
	Google: {regexp.MustCompile(`^https://accounts\.google\.com$`), googleIssuer},
	Okta: {
		regexp.MustCompile(`^https://[a-z0-9][a-z0-9-]*\.(okta|okta-emea|okta-gov|oktapreview)\.com(/oauth2/[A-Za-z0-9]{1,64})?$`),
		"https://<subdomain>.okta.com, or https://<subdomain>.okta.com/oauth2/<authorization server>. A domain of your own takes the kind oidc",
	},
	OneLogin: {regexp.MustCompile(`^https://[a-z0-9][a-z0-9-]*\.onelogin\.com/oidc/2$`), "https://<subdomain>.onelogin.com/oidc/2"},
	OIDC:     {regexp.MustCompile(`^https?://[^\s?#@]+$`), "https://<host>/<path>, without a query"},
}

// personal is the directory of Microsoft's personal accounts, which anybody makes.
const personal = "9188040d-6c67-4c5b-b112-36a304b66dad"

// ownKind is the kind of a well-known provider, "" where it has none. What a kind knows of its provider must not be lost because somebody chose
// another: whose word is no identity, and that Google's userinfo does not say for which client a token was made.
func ownKind(issuer string) Kind {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	switch strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) {
	case "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.microsoft.com", "login.windows.net",
		"login.chinacloudapi.cn", "sts.windows.net", "sts.chinacloudapi.cn":
		return Azure
	case "accounts.google.com":
		return Google
	}
	return ""
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func wrong(field, format string, args ...any) *fault.Fault {
	return fault.Newf(fault.Invalid, format, args...).WithField(field)
}

// quote shows what somebody wrote, cut.
func quote(text string) string {
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return "“" + strings.ToValidUTF8(text, "\uFFFD") + "”"
}

// check refuses settings that contradict themselves or could not work. It asks nobody.
func check(s *Settings) error {
	if len(s.Providers) > maxProviders {
		return wrong("providers", "There can be %d providers at most.", maxProviders)
	}
	if err := checkDomains(s); err != nil {
		return err
	}
	names, issuers, opaque := map[string]bool{}, map[string]string{}, ""
	for i := range s.Providers {
		p, at := &s.Providers[i], fmt.Sprintf("providers[%d].", i)
		if err := checkProvider(p, at); err != nil {
			return err
		}
		if folded := strings.ToLower(p.Name); names[folded] {
			return wrong(at+"name", "Two providers are called %s. Give each a name of its own.", quote(p.Name))
		} else {
			names[folded] = true
		}
		if p.Disabled {
			continue
		}
		if other := issuers[p.Issuer]; other != "" {
			return wrong(at+"issuer", "The providers %s and %s have one issuer. List the client ids of both in one of them.", quote(other), quote(p.Name))
		}
		issuers[p.Issuer] = p.Name
		if p.Opaque == nil {
			continue
		}
		if opaque != "" {
			return wrong(at+"opaque", "%s takes opaque tokens already. An opaque token does not say whose it is, so only one enabled provider can take them.", quote(opaque))
		}
		opaque = p.Name
	}
	return nil
}

var domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// checkDomains refuses what is no domain, and letting in whoever has an account of Google's.
func checkDomains(s *Settings) error {
	if len(s.AdmitDomains) > maxList {
		return wrong("admitDomains", "There can be %d at most.", maxList)
	}
	for _, domain := range s.AdmitDomains {
		if len(domain) > 253 || !domainForm.MatchString(domain) {
			return wrong("admitDomains", "%s is not a domain of addresses, such as example.com.", quote(domain))
		}
	}
	if !s.Enabled || !s.AdmitUnknown || len(s.AdmitDomains) > 0 {
		return nil
	}
	for i := range s.Providers {
		if p := &s.Providers[i]; p.Kind == Google && p.SignIn && !p.Disabled {
			return wrong("admitDomains", "Google signs in everybody who has an account there. Say of which domains unknown people are let in.")
		}
	}
	return nil
}

func checkProvider(p *Provider, at string) error {
	kind, known := kinds[p.Kind]
	switch {
	case p.Name == "":
		return wrong(at+"name", "A provider needs a name.")
	case len(p.Name) > maxName || !nameForm.MatchString(p.Name):
		return wrong(at+"name", "A name has letters, digits, dots, hyphens and underscores, %d at most.", maxName)
	case !known:
		return wrong(at+"kind", "The kind of a provider is azure, google, okta, onelogin or oidc.")
	case p.Issuer == "":
		return wrong(at+"issuer", "The issuer is missing. It has the form %s.", kind.says)
	case len(p.Issuer) > maxIssuer || !kind.form.MatchString(p.Issuer) || !isURL(p.Issuer):
		return wrong(at+"issuer", "This is not the issuer of such a provider. It has the form %s.", kind.says)
	case p.Kind == OIDC && ownKind(p.Issuer) != "":
		return wrong(at+"kind", "This issuer has a kind of its own, %s, which knows what of its tokens counts. Choose that.", ownKind(p.Issuer))
	case p.Kind == Azure && strings.Contains(p.Issuer, personal):
		return wrong(at+"issuer", "This is the directory of personal accounts, which anybody makes. Take that of your company.")
	case len(p.ClientIDs) == 0:
		return wrong(at+"clientIds", "At least one client id is needed: tokens of other clients are refused.")
	}
	for _, list := range []struct {
		field  string
		values []string
	}{{"clientIds", p.ClientIDs}, {"audiences", p.Audiences}} {
		if err := checkValues(list.values, at+list.field); err != nil {
			return err
		}
	}
	if !isClaim(p.UserClaim) {
		return wrong(at+"userClaim", "The name of a claim has no spaces at its ends and %d characters at most.", maxClaim)
	}
	if !isClaim(p.GroupsClaim) {
		return wrong(at+"groupsClaim", "The name of a claim has no spaces at its ends and %d characters at most.", maxClaim)
	}
	return checkMore(p, at)
}

func checkMore(p *Provider, at string) error {
	if len(p.Roles) > 0 && p.GroupsClaim == "" {
		return wrong(at+"groupsClaim", "Roles by group need the name of the claim that lists a person's groups.")
	}
	if len(p.Roles) > maxGroups {
		return wrong(at+"roles", "There can be roles for %d groups at most.", maxGroups)
	}
	for group := range p.Roles {
		if group == "" || len(group) > maxValue || !isText(group) {
			return wrong(at+"roles", "A group has a name of %d characters at most.", maxValue)
		}
	}
	if p.Opaque == nil {
		return nil
	}
	switch o := p.Opaque; {
	case p.Kind == Azure:
		return wrong(at+"opaque", "Access tokens of Entra ID for your own application are JWTs. Leave opaque tokens out.")
	case o.Method != Introspect && o.Method != UserInfo:
		return wrong(at+"opaque.method", "The method is introspect or userinfo.")
	case p.Kind == Google && o.Method == Introspect:
		return wrong(at+"opaque.method", "Google has no introspection. Choose userinfo.")
	case p.Kind != Google && o.Method == UserInfo && len(p.Audiences) > 0:
		return wrong(at+"audiences", "Userinfo does not say for whom a token is meant, so none would be accepted. Leave the audiences out, or choose introspection.")
	case o.URL != "" && (len(o.URL) > maxIssuer || !isURL(o.URL)):
		return wrong(at+"opaque.url", "This is not the address of an endpoint, such as https://id.example.com/introspect.")
	}
	return nil
}

func checkValues(values []string, field string) error {
	if len(values) > maxList {
		return wrong(field, "There can be %d at most.", maxList)
	}
	seen := map[string]bool{}
	for _, v := range values {
		if v == "" || len(v) > maxValue || !isText(v) || strings.ContainsAny(v, " ,") {
			return wrong(field, "Each has 1 to %d characters, without spaces or commas.", maxValue)
		}
		if seen[v] {
			return wrong(field, "%s stands there twice.", quote(v))
		}
		seen[v] = true
	}
	return nil
}

func checkSecrets(secrets map[string]string) error {
	for name, secret := range secrets {
		if len(secret) > maxSecret || !isText(secret) {
			return wrong("clientSecret", "The client secret of %s is text of %d characters at most.", quote(name), maxSecret)
		}
	}
	return nil
}

// isText reports whether text is printable and can be in SQL and in headers.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isClaim(name string) bool {
	return len(name) <= maxClaim && isText(name) && strings.TrimSpace(name) == name
}

// isURL reports whether text is an absolute address with nothing in it that readers take differently. Whether it is http or a private address
// is for the client to refuse, which knows what is allowed.
func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Hostname() != "" && u.User == nil && u.Fragment == "" &&
		!strings.ContainsAny(text, " \\\"<>#") && isText(text)
}
