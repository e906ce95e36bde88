package console

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/sso"
)

type providerView struct {
	Problems problems
	Path     string // where the form posts to
	Title    string
	Version  int64
	New      bool

	Name, Issuer, ClientIDs, Audiences string
	Claim, Scopes, Groups, Roles       string
	OpaqueURL                          string
	HasSecret, SignIn, Paused          bool
	Kinds                              []kindChoice
	Opaques                            []opaqueChoice
	Callback                           string
	More                               bool // whether the fields that few need are open
	Again                              bool // whether a secret was typed that is not sent back
}

type kindChoice struct {
	kindWords
	Chosen bool
}

type opaqueChoice struct {
	Value, Name string
	Chosen      bool
}

func kindChoices(chosen oauth.Kind) (list []kindChoice) {
	for _, k := range kindsOf() {
		list = append(list, kindChoice{k, k.Kind == chosen})
	}
	return list
}

func opaqueChoices(chosen oauth.Method) []opaqueChoice {
	return []opaqueChoice{
		{"none", "Refuse them", chosen == ""},
		{string(oauth.Introspect), "Introspection", chosen == oauth.Introspect},
		{string(oauth.UserInfo), "Userinfo", chosen == oauth.UserInfo},
	}
}

// providerViewOf is the form of a provider as the settings have it.
func (c *Console) providerViewOf(p *oauth.Provider, version int64) providerView {
	view := providerView{
		Path: pathOAuth + "/providers", Title: "Add provider", New: true, Version: version,
		Name: p.Name, Issuer: p.Issuer, ClientIDs: strings.Join(p.ClientIDs, ", "), Audiences: strings.Join(p.Audiences, ", "),
		Claim: p.UserClaim, Groups: p.GroupsClaim, Roles: strings.Join(roleLines(p), "\n"), HasSecret: p.HasSecret, SignIn: p.SignIn, Paused: p.Disabled,
		Kinds: kindChoices(p.Kind), Callback: c.cfg.PublicURL + "/signin/callback/",
	}
	if p.Scopes != 0 && p.Scopes != grant.AllScopes {
		view.Scopes = strings.Join(p.Scopes.Names(), ", ")
	}
	method := oauth.Method("")
	if p.Opaque != nil {
		method, view.OpaqueURL = p.Opaque.Method, p.Opaque.URL
	}
	view.Opaques = opaqueChoices(method)
	view.More = p.Opaque != nil || p.UserClaim != "" || view.Scopes != "" || p.GroupsClaim != "" || p.Disabled
	return view
}

// edits makes the view that of a provider which exists under name.
func (v providerView) edits(c *Console, name string) providerView {
	v.New, v.Title, v.Path, v.Callback = false, "Edit "+name, pathOAuth+"/providers/"+name, c.cfg.PublicURL+sso.CallbackPath(name)
	return v
}

func (c *Console) newProvider(v *visit) error {
	s := c.cfg.OAuth.Settings(v.r.Context())
	view := c.providerViewOf(&oauth.Provider{Kind: oauth.OIDC, SignIn: true}, s.Version)
	return v.write(http.StatusOK, "oauth_provider", v.frame(view.Title), view)
}

// ownProvider finds the provider of the page's address, which a file must not have set.
func (c *Console) ownProvider(v *visit) (oauth.Settings, *oauth.Provider, error) {
	s := c.cfg.OAuth.Settings(v.r.Context())
	p := s.Provider(v.r.PathValue("name"))
	if p == nil || p.FromFile {
		return s, nil, errNoProvider
	}
	return s, p, nil
}

func (c *Console) editProvider(v *visit) error {
	s, p, err := c.ownProvider(v)
	if err != nil {
		return err
	}
	view := c.providerViewOf(p, s.Version).edits(c, p.Name)
	return v.write(http.StatusOK, "oauth_provider", v.frame(view.Title), view)
}

// saveProvider adds a provider, or changes the one that the address names.
func (c *Console) saveProvider(v *visit) error {
	s := c.cfg.OAuth.Settings(v.r.Context())
	name := v.r.PathValue("name")
	at := len(s.Providers)
	had := false
	if name != "" {
		var err error
		var old *oauth.Provider
		if s, old, err = c.ownProvider(v); err != nil {
			return err
		}
		at = slices.IndexFunc(s.Providers, func(p oauth.Provider) bool { return p.Name == name })
		had = old.HasSecret
	}
	s.Version = versionOf(v)
	p, wrong := readProvider(v)
	if name != "" {
		p.Name = name // it stands in addresses that the provider knows
	}
	p.HasSecret = had
	view := c.providerViewOf(&p, s.Version)
	view.Problems, view.Scopes, view.Roles = wrong, v.form.Get("scopes"), v.form.Get("roles")
	if name != "" {
		view = view.edits(c, name)
	}
	if len(wrong) == 0 {
		if at == len(s.Providers) {
			s.Providers = append(s.Providers, p)
		} else {
			s.Providers[at] = p
		}
		err := c.cfg.OAuth.Put(v.r.Context(), v.admin, s, secretsOf(v, p.Name))
		if err == nil {
			v.say("provider")
			return v.redirect(pathOAuth)
		}
		if !view.Problems.blame(err, providerPlaces(at)) {
			return err
		}
	}
	view.More, view.Again = true, v.form.Get("clientSecret") != ""
	return v.write(http.StatusUnprocessableEntity, "oauth_provider", v.frame(view.Title), view)
}

// secretsOf is the client secret of the form: a new one, none where it is to be forgotten, or nothing where the old one stays.
func secretsOf(v *visit, name string) map[string]string {
	if secret := strings.TrimSpace(v.form.Get("clientSecret")); secret != "" {
		return map[string]string{name: secret}
	}
	if v.form.Get("noSecret") != "" {
		return map[string]string{name: ""}
	}
	return nil
}

// providerPlaces leads from the fields of the settings to those of the form.
func providerPlaces(at int) map[string]place {
	places := map[string]place{"clientSecret": {"clientSecret", "f-secret"}}
	for field, element := range map[string]string{
		"name": "f-name", "kind": "kind", "issuer": "f-issuer", "clientIds": "f-clients", "clientSecret": "f-secret", "audiences": "f-aud", "userClaim": "f-claim",
		"scopes": "f-scopes", "opaque": "opaque", "opaque.method": "opaque", "opaque.url": "f-opaque", "groupsClaim": "f-groups", "roles": "f-roles", "signIn": "signin",
	} {
		shown, _, _ := strings.Cut(field, ".")
		if field == "opaque.url" {
			shown = "opaqueUrl"
		}
		// Those of the configuration file may have been counted or not.
		for i := range at + 1 {
			places[fmt.Sprintf("providers[%d].%s", i, field)] = place{shown, element}
		}
	}
	return places
}

// versionOf is that of the settings which the form was made from.
func versionOf(v *visit) int64 {
	n, _ := strconv.ParseInt(v.form.Get("version"), 10, 64)
	return n
}

var separators = regexp.MustCompile(`[\s,]+`)

// wordsIn splits a list that people wrote with commas, spaces or both.
func wordsIn(text string) []string {
	return slices.DeleteFunc(separators.Split(text, -1), func(w string) bool { return w == "" })
}

// readProvider reads the form; what only it can know is wrong is in problems, and the settings check the rest.
func readProvider(v *visit) (oauth.Provider, problems) {
	var wrong problems
	get := func(name string) string { return strings.TrimSpace(v.form.Get(name)) }
	p := oauth.Provider{
		Name: get("name"), Kind: oauth.Kind(get("kind")), Issuer: get("issuer"), ClientIDs: wordsIn(get("clientIds")), Audiences: wordsIn(get("audiences")),
		UserClaim: get("userClaim"), GroupsClaim: get("groupsClaim"), SignIn: get("signIn") != "", Disabled: get("disabled") != "",
	}
	if p.Kind == oauth.Google && p.Issuer == "" {
		p.Issuer = "https://accounts.google.com"
	}
	for _, name := range wordsIn(strings.ToUpper(get("scopes"))) {
		scope, known := grant.ParseScope(name)
		switch {
		case name == "ALL":
			p.Scopes |= grant.AllScopes
		case known:
			p.Scopes |= grant.ScopesOf(scope)
		default:
			wrong.add("scopes", "f-scopes", "There is no scope “"+name+"”", "There is no scope “"+name+"”. Leave this empty for all of them.")
		}
	}
	if method := get("opaque"); method != "" && method != "none" {
		p.Opaque = &oauth.Opaque{Method: oauth.Method(method), URL: get("opaqueUrl")}
	}
	for line := range strings.Lines(v.form.Get("roles")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		// The last sign parts the two: a group's name may have one, as those of LDAP do.
		i := strings.LastIndexByte(line, '=')
		role, known := grant.ParseRole(strings.ToUpper(strings.TrimSpace(line[i+1:])))
		if group := strings.TrimSpace(line[:max(i, 0)]); i < 0 || !known || group == "" {
			wrong.add("roles", "f-roles", "Give each group a role", "Write one group a line, as in “search-admins = ADMIN”. The roles are SUPER_ADMIN, ADMIN and API_TOKEN_CREATOR.")
			break
		} else {
			if p.Roles == nil {
				p.Roles = map[string]grant.Role{}
			}
			p.Roles[group] = role
		}
	}
	return p, wrong
}

type providerRemoveView struct {
	Problems             problems
	Name, Issuer, Path   string
	Version              int64
	SignIn, LastOfSignIn bool
}

func (c *Console) removeView(v *visit) (providerRemoveView, oauth.Settings, error) {
	s, p, err := c.ownProvider(v)
	if err != nil {
		return providerRemoveView{}, s, err
	}
	view := providerRemoveView{Name: p.Name, Issuer: p.Issuer, Path: pathOAuth + "/providers/" + p.Name + "/remove", Version: s.Version, SignIn: p.SignIn, LastOfSignIn: p.SignIn}
	for i := range s.Providers {
		if o := &s.Providers[i]; o.Name != p.Name && o.SignIn && !o.Disabled {
			view.LastOfSignIn = false
		}
	}
	return view, s, nil
}

func (c *Console) askRemoveProvider(v *visit) error {
	view, _, err := c.removeView(v)
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "oauth_remove", v.frame("Remove provider"), view)
}

func (c *Console) removeProvider(v *visit) error {
	view, s, err := c.removeView(v)
	if err != nil {
		return err
	}
	s.Version = versionOf(v)
	s.Providers = slices.DeleteFunc(s.Providers, func(p oauth.Provider) bool { return p.Name == view.Name })
	err = c.cfg.OAuth.Put(v.r.Context(), v.admin, s, nil)
	if err == nil {
		v.say("provider-off")
		return v.redirect(pathOAuth)
	}
	if !view.Problems.blame(err, nil) {
		return err
	}
	return v.write(http.StatusConflict, "oauth_remove", v.frame("Remove provider"), view)
}
