package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/sso"
)

// scriptedOAuth keeps settings, and refuses what the test says.
type scriptedOAuth struct {
	mu      sync.Mutex // guards the rest
	kept    oauth.Settings
	secrets map[string]string
	refuse  error
	tested  string
	report  oauth.Trial
}

func (s *scriptedOAuth) Settings(context.Context) oauth.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.kept
	out.Providers = append([]oauth.Provider(nil), s.kept.Providers...)
	return out
}

func (s *scriptedOAuth) Put(_ context.Context, c grant.Caller, want oauth.Settings, secrets map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.Role() < grant.RoleSuperAdmin:
		return fault.New(fault.Forbidden, "The settings of OAuth are changed by Super Admins.")
	case s.refuse != nil:
		return s.refuse
	case want.Version != s.kept.Version:
		return fault.New(fault.Conflict, "Somebody else has changed these settings meanwhile.")
	}
	s.kept, s.secrets = want, secrets
	s.kept.Version++
	for i := range s.kept.Providers {
		if secret, given := secrets[s.kept.Providers[i].Name]; given {
			s.kept.Providers[i].HasSecret = secret != ""
		}
	}
	return nil
}

func (s *scriptedOAuth) Try(_ context.Context, _ grant.Caller, token string) (oauth.Trial, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tested = token
	return s.report, nil
}

func (s *scriptedOAuth) linksOff(ctx context.Context) bool { return s.Settings(ctx).LinksOff }

// scriptedSignOn is a provider that says what the test put into it.
type scriptedSignOn struct {
	choices  []string
	to       string
	arrival  sso.Arrival
	err      error
	begun    []string // provider and way back
	linked   map[string]bool
	released []string
}

func (s *scriptedSignOn) Choices(context.Context) []string { return s.choices }

func (s *scriptedSignOn) Begin(_ *http.Request, provider, next string) (sso.Departure, error) {
	s.begun = append(s.begun, provider+" "+next)
	return sso.Departure{To: s.to, Cookies: []*http.Cookie{{Name: "flow", Value: "kept", Path: "/"}}}, s.err
}

func (s *scriptedSignOn) End(*http.Request, string) (sso.Arrival, error) { return s.arrival, s.err }

func (s *scriptedSignOn) Release(_ context.Context, _ grant.Caller, p *directory.Person) (bool, error) {
	s.released = append(s.released, p.Email)
	return true, nil
}

func (s *scriptedSignOn) Linked(context.Context, []string) (map[string]bool, error) {
	return s.linked, nil
}

func workProvider() oauth.Provider {
	return oauth.Provider{
		Name: "Quillmere-ID", Kind: oauth.OIDC, Issuer: "https://id.quillmere.example/", ClientIDs: []string{"sheaf", "sheaf-desktop"}, SignIn: true, HasSecret: true,
		Audiences: []string{"https://search.quillmere.example"}, GroupsClaim: "groups", Roles: map[string]grant.Role{"search-admins": grant.RoleAdmin},
	}
}

func TestOAuthSettings(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get(pathTokens).want(http.StatusOK).says("Allow OAuth token-based access Off", "better way", "Set up OAuth")
	d := b.get(pathOAuth).want(http.StatusOK).says("No provider yet", "Test this token")
	checkPage(t, d)
	d = d.submit(pathOAuth, url.Values{"enabled": {"1"}, "admitUnknown": {"1"}}).want(http.StatusOK).says("The settings are saved.")
	if s := w.oauth.kept; !s.Enabled || !s.AdmitUnknown || s.LinksOff || s.Version != 1 || len(s.AdmitDomains) != 0 {
		t.Errorf("kept %+v, want both switches on", s)
	}
	d = d.submit(pathOAuth, url.Values{"admitDomains": {" Quillmere.example,qm.example "}}).want(http.StatusOK)
	if got := w.oauth.kept.AdmitDomains; !slices.Equal(got, []string{"quillmere.example", "qm.example"}) {
		t.Errorf("the domains are %q", got)
	}
	checkPage(t, d)

	form := b.get(pathOAuth+"/new").want(http.StatusOK).says("Entra ID", "user principal name", "Register this redirect URI", w.url+"/signin/callback/name")
	checkPage(t, form)
	form.submit(pathOAuth+"/providers", url.Values{
		"kind": {"okta"}, "name": {"Work"}, "issuer": {"https://quillmere.okta.com"}, "clientIds": {"one,two  three"}, "clientSecret": {" s3cret "},
		"scopes": {"search, CHAT"}, "opaque": {"introspect"}, "opaqueUrl": {"https://quillmere.okta.com/introspect"}, "groupsClaim": {"groups"},
		"roles": {"admins = ADMIN\r\ncn=chiefs,ou=x = super_admin\r\n"}, "signIn": nil,
	}).want(http.StatusOK).says("The provider is saved.", "Work In use", "SEARCH", "cn=chiefs,ou=x = SUPER_ADMIN").silent("s3cret")
	p := w.oauth.kept.Provider("Work")
	if p == nil || p.Kind != oauth.Okta || len(p.ClientIDs) != 3 || p.SignIn || p.Scopes != grant.ScopesOf(grant.Search, grant.Chat) ||
		p.Opaque == nil || p.Opaque.Method != oauth.Introspect || p.Roles["cn=chiefs,ou=x"] != grant.RoleSuperAdmin || p.Roles["admins"] != grant.RoleAdmin {
		t.Fatalf("kept %+v", p)
	}
	if w.oauth.secrets["Work"] != "s3cret" {
		t.Errorf("the secret is %q", w.oauth.secrets)
	}
	b.get(pathTokens).says("Allow OAuth token-based access On", "OAuth settings")

	// Editing keeps the secret, and the name.
	edit := b.get(pathOAuth+"/providers/Work").want(http.StatusOK).says("Edit Work", "Forget the secret").silent("s3cret")
	checkPage(t, edit)
	edit.submit(pathOAuth+"/providers/Work", url.Values{"name": {"Renamed"}, "scopes": {""}, "disabled": {"1"}}).want(http.StatusOK).says("Work Paused")
	if len(w.oauth.secrets) != 0 || w.oauth.kept.Provider("Renamed") != nil || !w.oauth.kept.Provider("Work").Disabled {
		t.Errorf("an edit changed the secret or the name: %+v, %v", w.oauth.kept, w.oauth.secrets)
	}
	b.get(pathOAuth+"/providers/Work").submit(pathOAuth+"/providers/Work", url.Values{"noSecret": {"1"}}).want(http.StatusOK)
	if got, given := w.oauth.secrets["Work"]; !given || got != "" {
		t.Errorf("forgetting the secret sends %v", w.oauth.secrets)
	}

	ask := b.get(pathOAuth + "/providers/Work/remove").want(http.StatusOK).says("Remove Work?")
	checkPage(t, ask)
	ask.submit(pathOAuth+"/providers/Work/remove", nil).want(http.StatusOK).says("The provider is removed.", "No provider yet")
	b.get(pathOAuth + "/providers/Work").want(http.StatusNotFound)
}

func TestProviderThatCannotBeSaved(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	fill := url.Values{"name": {"Work"}, "issuer": {"https://id.example.com"}, "clientIds": {"sheaf"}, "clientSecret": {"s3cret"}}
	for name, c := range map[string]struct {
		change url.Values
		refuse error
		says   string
		field  string
	}{
		"a field of the settings": {refuse: fault.New(fault.Invalid, "This is not the issuer.").WithField("providers[0].issuer"), says: "This is not the issuer.", field: "f-issuer"},
		"an endpoint":             {change: url.Values{"opaque": {"introspect"}}, refuse: fault.New(fault.Invalid, "No such endpoint.").WithField("providers[0].opaque.url"), says: "No such endpoint.", field: "f-opaque"},
		"somebody was faster":     {refuse: fault.New(fault.Conflict, "Somebody else has changed these settings."), says: "Somebody else has changed"},
		"a scope there is not":    {change: url.Values{"scopes": {"SEARCH, FLY"}}, says: "There is no scope “FLY”", field: "f-scopes"},
		"a line that is no role":  {change: url.Values{"roles": {"admins: ADMIN"}}, says: "Write one group a line", field: "f-roles"},
		"a role there is not":     {change: url.Values{"roles": {"admins = KING"}}, says: "Write one group a line", field: "f-roles"},
	} {
		t.Run(name, func(t *testing.T) {
			b.w.t = t
			w.oauth.refuse = c.refuse
			form := url.Values{}
			for k, v := range fill {
				form[k] = v
			}
			for k, v := range c.change {
				form[k] = v
			}
			d := b.get(pathOAuth+"/new").submit(pathOAuth+"/providers", form).want(http.StatusUnprocessableEntity).says("Not saved", c.says).silent("s3cret")
			checkPage(t, d)
			if c.field != "" && !strings.Contains(d.text, `href="#`+c.field+`"`) {
				t.Errorf("the summary does not lead to %s", c.field)
			}
			if len(w.oauth.kept.Providers) != 0 {
				t.Error("it was saved all the same")
			}
		})
	}
}

// TestOAuthIsForSuperAdmins holds what other roles see of it.
func TestOAuthIsForSuperAdmins(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.oauth.kept = oauth.Settings{Enabled: true, Providers: []oauth.Provider{workProvider()}}
	admin := w.as(jonas)
	d := admin.get(pathOAuth).want(http.StatusOK).says("Quillmere-ID In use", "Super Admins change these settings.").silent("Add provider", "Remove…", ">Edit<")
	checkPage(t, d)
	admin.post(pathOAuth, url.Values{"csrf": {formValues(find(d.root, isForm)).Get("csrf")}}).want(http.StatusForbidden)
	w.as(priya).get(pathOAuth).want(http.StatusForbidden)
	w.as(priya).get(pathTokens).want(http.StatusOK).says("Allow OAuth token-based access On").silent("OAuth settings")
	w.as(omar).get(pathOAuth).want(http.StatusForbidden)

	// What a file sets is shown, and not to be changed.
	file := workProvider()
	file.FromFile = true
	w.oauth.kept = oauth.Settings{Enabled: true, Fixed: oauth.Fixed{Enabled: true}, Providers: []oauth.Provider{file}}
	b := w.as(mira)
	d = b.get(pathOAuth).want(http.StatusOK).says("Configuration file", "The configuration file sets this.").silent("Remove…")
	checkPage(t, d)
	b.get(pathOAuth + "/providers/Quillmere-ID").want(http.StatusNotFound)
	d.submit(pathOAuth, url.Values{"linksOff": {"1"}}).want(http.StatusOK)
	if s := w.oauth.kept; !s.Enabled || !s.LinksOff {
		t.Errorf("kept %+v, want what the file sets as it was", s)
	}
}

func TestTestToken(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.oauth.report = sampleReport
	b := w.as(jonas)
	d := b.get(pathOAuth).submit(pathOAuth+"/test#test", url.Values{"token": {"Bearer eyJ.abc\r\n.def "}}).want(http.StatusOK).says("It would be refused: Email", "Signature", "Not verified", leah).silent("eyJ.abc")
	checkPage(t, d)
	if w.oauth.tested != "eyJ.abc.def" {
		t.Errorf("tested %q, want the token without what a terminal adds", w.oauth.tested)
	}
	if strings.Contains(w.logged.String(), "eyJ.abc") {
		t.Error("the token is in the log")
	}
	checkPage(t, b.get(pathOAuth).submit(pathOAuth+"/test#test", url.Values{"token": {" "}}).want(http.StatusUnprocessableEntity).says("Paste a token"))
}

func TestSignOn(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.oauth.kept = oauth.Settings{Enabled: true, Providers: []oauth.Provider{workProvider()}}
	w.signOn.choices = []string{"Quillmere-ID"}
	w.signOn.to = w.url + "/help?provider"
	b := w.browser()
	d := b.get("/?q=rain").want(http.StatusOK).says("Sign in with Quillmere-ID", "I have a sign-in link or code").silent("sheaf signin")
	checkPage(t, d)
	if !strings.Contains(d.text, `href="/signin/Quillmere-ID?next=%2F%3Fq%3Drain"`) {
		t.Error("the way back is not on the way to the provider")
	}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d = b.get("/signin/Quillmere-ID?next=%2F%3Fq%3Drain").want(http.StatusSeeOther)
	if d.header.Get("Location") != w.signOn.to || !strings.Contains(d.header.Get("Set-Cookie"), "flow=kept") {
		t.Errorf("the browser is sent to %q with %q", d.header.Get("Location"), d.header.Get("Set-Cookie"))
	}
	for _, next := range []string{"//elsewhere.example", "https://elsewhere.example/", `/\elsewhere.example`} {
		b.get("/signin/Quillmere-ID?" + url.Values{"next": {next}}.Encode())
		if got := w.signOn.begun[len(w.signOn.begun)-1]; got != "Quillmere-ID " {
			t.Errorf("next=%s begins with %q, want no way back", next, got)
		}
	}

	// Back from there, with a way back that must not lead elsewhere either.
	w.signOn.arrival = sso.Arrival{Next: "//elsewhere.example", Cookies: []*http.Cookie{{Name: "flow", MaxAge: -1, Path: "/"}}}
	if d = b.get("/signin/callback/Quillmere-ID?state=s&code=c").want(http.StatusSeeOther); d.header.Get("Location") != "/" {
		t.Errorf("the way back is %q, want /", d.header.Get("Location"))
	}
	w.signOn.arrival.Next = "/?q=rain"
	if d = b.get("/signin/callback/Quillmere-ID?state=s&code=c"); d.header.Get("Location") != "/?q=rain" || d.header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the way back is %q", d.header.Get("Location"))
	}
	w.signOn.err = fault.New(fault.Forbidden, "Nobody has added you to sheaf yet.")
	d = b.get("/signin/callback/Quillmere-ID?state=s&code=c0de").want(http.StatusForbidden).says("You are not signed in", "Nobody has added you", "Sign in with Quillmere-ID").silent("c0de")
	checkPage(t, d)
	if !strings.Contains(d.text, `data-after="/signin?next=%2F%3Fq%3Drain"`) || !strings.Contains(strings.Join(d.header.Values("Set-Cookie"), "\n"), "flow=") {
		t.Error("the code stays in the address, or the cookie stays")
	}
	w.signOn.err = nil
	b.get("/signin/there/is/nothing").want(http.StatusNotFound)
	req, err := http.NewRequest(http.MethodHead, w.url+"/signin/callback/Quillmere-ID?state=s&code=c", nil)
	fatal(t, err)
	b.do(req).want(http.StatusNotFound)
}

// TestLinksOff holds what the pages say of links while they are turned off.
func TestLinksOff(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get(pathPeople).want(http.StatusOK).says("Make sign-in link")
	w.oauth.kept = oauth.Settings{Enabled: true, LinksOff: true, Providers: []oauth.Provider{workProvider()}}
	w.signOn.choices = []string{"Quillmere-ID"}
	b.get(pathPeople).want(http.StatusOK).silent("Make sign-in link")
	w.browser().get("/signin").want(http.StatusOK).says("Sign in with Quillmere-ID").silent("sign-in link", "Paste the code")
	// One made on the host still has its page.
	link, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), leah)
	fatal(t, err)
	w.browser().get(strings.TrimPrefix(link.URL, w.url)).submit("/signin", nil).want(http.StatusOK).says("Hello, Leah")
}

func TestReleaseAccount(t *testing.T) {
	w := newWorld(t)
	w.populate()
	p, err := w.directory.ByEmail(context.Background(), omar)
	fatal(t, err)
	w.signOn.linked = map[string]bool{p.ID: true}
	b := w.as(mira)
	b.get(pathPeople).want(http.StatusOK).says("Release sign-in account…")
	w.as(jonas).get(pathPeople).want(http.StatusOK).silent("Release sign-in account…")
	d := b.get(pathPeople + "/" + p.ID + "/release").want(http.StatusOK).says("Release the sign-in account of Omar Haddad?")
	checkPage(t, d)
	d.submit(pathPeople+"/"+p.ID+"/release", nil).want(http.StatusOK).says("The account is released.")
	if len(w.signOn.released) != 1 || w.signOn.released[0] != omar {
		t.Errorf("released %v", w.signOn.released)
	}
}

var sampleReport = oauth.Trial{Provider: "Quillmere-ID", Email: leah, Steps: []oauth.Step{
	{Name: "signature", OK: true, Says: "ES256, key one"}, {Name: "email", Says: "Not verified: email_verified is false"},
}}

func isForm(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == pathOAuth }
