package oauth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
	"github.com/sheafsearch/sheaf/internal/server"
)

const directoryID = "1b9e8c7a-0000-4000-8000-123456789abc"

func TestSettingsAreChecked(t *testing.T) {
	w := newWorld(t)
	base := func(change func(*oauth.Provider)) oauth.Provider {
		p := oauth.Provider{Name: "work", Kind: oauth.OIDC, Issuer: "https://id.example.com", ClientIDs: []string{"app"}}
		change(&p)
		return p
	}
	issuer := func(k oauth.Kind, text string) oauth.Provider {
		return base(func(p *oauth.Provider) { p.Kind, p.Issuer = k, text })
	}
	takes := func(name, at string) oauth.Provider {
		return base(func(p *oauth.Provider) { p.Name, p.Issuer, p.Opaque = name, at, &oauth.Opaque{Method: oauth.UserInfo} })
	}
	for name, c := range map[string]struct {
		list  []oauth.Provider
		field string // "" is fine
	}{
		"fine":                     {[]oauth.Provider{base(func(*oauth.Provider) {})}, ""},
		"azure":                    {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com/"+directoryID+"/v2.0")}, ""},
		"azure, common":            {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com/common/v2.0")}, "providers[0].issuer"},
		"azure, a domain":          {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com/quillmere.example/v2.0")}, "providers[0].issuer"},
		"azure, version 1":         {[]oauth.Provider{issuer(oauth.Azure, "https://sts.windows.net/"+directoryID+"/")}, "providers[0].issuer"},
		"azure, a slash":           {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com/"+directoryID+"/v2.0/")}, "providers[0].issuer"},
		"azure, elsewhere":         {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com.evil.example/"+directoryID+"/v2.0")}, "providers[0].issuer"},
		"azure, personal accounts": {[]oauth.Provider{issuer(oauth.Azure, "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")}, "providers[0].issuer"},
		"azure, as any other":      {[]oauth.Provider{issuer(oauth.OIDC, "https://login.microsoftonline.com/"+directoryID+"/v2.0")}, "providers[0].kind"},
		"azure 1, as any other":    {[]oauth.Provider{issuer(oauth.OIDC, "https://STS.windows.net.:443/"+directoryID+"/")}, "providers[0].kind"},
		"google, as any other":     {[]oauth.Provider{issuer(oauth.OIDC, "https://accounts.google.com")}, "providers[0].kind"},
		"google":                   {[]oauth.Provider{issuer(oauth.Google, "https://accounts.google.com")}, ""},
		"google, elsewhere":        {[]oauth.Provider{issuer(oauth.Google, "https://google.com")}, "providers[0].issuer"},
		"okta":                     {[]oauth.Provider{issuer(oauth.Okta, "https://quillmere.okta.com")}, ""},
		"okta, an own server":      {[]oauth.Provider{issuer(oauth.Okta, "https://quillmere.okta.com/oauth2/default")}, ""},
		"okta, elsewhere":          {[]oauth.Provider{issuer(oauth.Okta, "https://okta.com.evil.example")}, "providers[0].issuer"},
		"onelogin":                 {[]oauth.Provider{issuer(oauth.OneLogin, "https://quillmere.onelogin.com/oidc/2")}, ""},
		"onelogin, without a path": {[]oauth.Provider{issuer(oauth.OneLogin, "https://quillmere.onelogin.com")}, "providers[0].issuer"},
		"another kind":             {[]oauth.Provider{issuer("saml", "https://id.example.com")}, "providers[0].kind"},
		"no issuer":                {[]oauth.Provider{issuer(oauth.OIDC, "")}, "providers[0].issuer"},
		"a query":                  {[]oauth.Provider{issuer(oauth.OIDC, "https://id.example.com?x=y")}, "providers[0].issuer"},
		"a user":                   {[]oauth.Provider{issuer(oauth.OIDC, "https://me@id.example.com")}, "providers[0].issuer"},
		"a file":                   {[]oauth.Provider{issuer(oauth.OIDC, "file:///etc/passwd")}, "providers[0].issuer"},
		"no name":                  {[]oauth.Provider{base(func(p *oauth.Provider) { p.Name = "" })}, "providers[0].name"},
		"a name with a slash":      {[]oauth.Provider{base(func(p *oauth.Provider) { p.Name = "../x" })}, "providers[0].name"},
		"a long name":              {[]oauth.Provider{base(func(p *oauth.Provider) { p.Name = strings.Repeat("x", 65) })}, "providers[0].name"},
		"no client":                {[]oauth.Provider{base(func(p *oauth.Provider) { p.ClientIDs = nil })}, "providers[0].clientIds"},
		"clients in one":           {[]oauth.Provider{base(func(p *oauth.Provider) { p.ClientIDs = []string{"a,b"} })}, "providers[0].clientIds"},
		"a client twice":           {[]oauth.Provider{base(func(p *oauth.Provider) { p.ClientIDs = []string{"a", "a"} })}, "providers[0].clientIds"},
		"an empty audience":        {[]oauth.Provider{base(func(p *oauth.Provider) { p.Audiences = []string{""} })}, "providers[0].audiences"},
		"a claim with spaces":      {[]oauth.Provider{base(func(p *oauth.Provider) { p.UserClaim = " mail" })}, "providers[0].userClaim"},
		"roles without groups":     {[]oauth.Provider{base(func(p *oauth.Provider) { p.Roles = map[string]grant.Role{"g": grant.RoleAdmin} })}, "providers[0].groupsClaim"},
		"a method that is none":    {[]oauth.Provider{base(func(p *oauth.Provider) { p.Opaque = &oauth.Opaque{Method: "ask"} })}, "providers[0].opaque.method"},
		"an endpoint that is none": {[]oauth.Provider{base(func(p *oauth.Provider) { p.Opaque = &oauth.Opaque{Method: oauth.Introspect, URL: "x"} })}, "providers[0].opaque.url"},
		"userinfo and audiences": {[]oauth.Provider{base(func(p *oauth.Provider) {
			p.Audiences, p.Opaque = []string{"search"}, &oauth.Opaque{Method: oauth.UserInfo}
		})}, "providers[0].audiences"},
		"opaque tokens of Entra ID": {[]oauth.Provider{base(func(p *oauth.Provider) {
			p.Kind, p.Issuer, p.Opaque = oauth.Azure, "https://login.microsoftonline.com/"+directoryID+"/v2.0", &oauth.Opaque{Method: oauth.UserInfo}
		})}, "providers[0].opaque"},
		"one name twice":    {[]oauth.Provider{base(func(*oauth.Provider) {}), base(func(p *oauth.Provider) { p.Name, p.Issuer = "WORK", "https://id2.example.com" })}, "providers[1].name"},
		"one issuer twice":  {[]oauth.Provider{base(func(*oauth.Provider) {}), base(func(p *oauth.Provider) { p.Name = "too" })}, "providers[1].issuer"},
		"two of opaque":     {[]oauth.Provider{takes("a", "https://a.example"), takes("b", "https://b.example")}, "providers[1].opaque"},
		"two, one disabled": {[]oauth.Provider{takes("a", "https://a.example"), func() oauth.Provider { p := takes("b", "https://b.example"); p.Disabled = true; return p }()}, ""},
	} {
		err := w.OAuth.Put(t.Context(), w.Authority.Maintenance(), oauth.Settings{Providers: c.list}, nil)
		field := ""
		if err != nil {
			f, ok := err.(*fault.Fault) //nolint:errorlint // it is what Put returns
			if !ok || f.Kind != fault.Invalid {
				t.Errorf("%s: %v, want an invalid field", name, err)
				continue
			}
			field = f.Field
		}
		if field != c.field {
			t.Errorf("%s: field %q (%v), want %q", name, field, err, c.field)
		}
	}
}

// TestWhoIsAdmitted holds of which addresses unknown people are let in.
func TestWhoIsAdmitted(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		domains []string
		kind    oauth.Kind
		address string
		want    bool
	}{
		"any":                          {nil, oauth.OIDC, "ann@elsewhere.example", true},
		"any of a company's directory": {nil, oauth.Azure, "ann@elsewhere.example", true},
		"any of Google's":              {nil, oauth.Google, "ann@quillmere.example", false},
		"of the domain":                {[]string{"quillmere.example"}, oauth.OIDC, "ann@quillmere.example", true},
		"of the domain, by Google":     {[]string{"quillmere.example"}, oauth.Google, "ann@quillmere.example", true},
		"of the second":                {[]string{"quillmere.example", "qm.example"}, oauth.OIDC, "ann@qm.example", true},
		"of another":                   {[]string{"quillmere.example"}, oauth.OIDC, "ann@elsewhere.example", false},
		"of a longer one":              {[]string{"quillmere.example"}, oauth.OIDC, "ann@notquillmere.example", false},
		"of one below it":              {[]string{"quillmere.example"}, oauth.OIDC, "ann@guests.quillmere.example", false},
		"of one that begins like it":   {[]string{"quillmere.example"}, oauth.OIDC, "ann@quillmere.example.evil.example", false},
		"the domain in front of the @": {[]string{"quillmere.example"}, oauth.OIDC, "quillmere.example@evil.example", false},
		"no address":                   {[]string{"quillmere.example"}, oauth.OIDC, "quillmere.example", false},
	} {
		s := oauth.Settings{AdmitUnknown: true, AdmitDomains: c.domains}
		if got := s.Admits(c.kind, c.address); got != c.want {
			t.Errorf("%s: Admits(%s, %s) with %q = %v, want %v", name, c.kind, c.address, c.domains, got, c.want)
		}
		if s.AdmitUnknown = false; s.Admits(c.kind, c.address) {
			t.Errorf("%s: admitted, though unknown people are not", name)
		}
	}
	put := func(change func(*oauth.Settings)) error {
		s := oauth.Settings{AdmitUnknown: true}
		change(&s)
		return w.OAuth.Put(t.Context(), w.Authority.Maintenance(), s, nil)
	}
	for name, change := range map[string]func(*oauth.Settings){
		"an address": func(s *oauth.Settings) { s.AdmitDomains = []string{"ann@quillmere.example"} },
		"a pattern":  func(s *oauth.Settings) { s.AdmitDomains = []string{"*.quillmere.example"} },
		"nothing":    func(s *oauth.Settings) { s.AdmitDomains = []string{""} },
		"a dot":      func(s *oauth.Settings) { s.AdmitDomains = []string{"quillmere.example."} },
		"Google without one": func(s *oauth.Settings) {
			s.Enabled, s.Providers = true, []oauth.Provider{{Name: "g", Kind: oauth.Google, Issuer: "https://accounts.google.com", ClientIDs: []string{"app"}, SignIn: true}}
		},
	} {
		if f, ok := put(change).(*fault.Fault); !ok || f.Field != "admitDomains" { //nolint:errorlint // it is what Put returns
			t.Errorf("%s: %v, want a refusal of admitDomains", name, f)
		}
	}
	if err := put(func(s *oauth.Settings) { s.AdmitDomains = []string{"quillmere.example"} }); err != nil {
		t.Fatal(err)
	}
	if got := w.OAuth.Settings(t.Context()); !got.AdmitUnknown || len(got.AdmitDomains) != 1 || got.AdmitDomains[0] != "quillmere.example" {
		t.Errorf("the settings are %+v, want the domain", got)
	}
	form := oauth.Form{AdmitDomains: []string{"Quillmere.Example"}}
	if s, _, err := form.Settings(); err != nil || s.AdmitDomains[0] != "quillmere.example" {
		t.Errorf("Settings() of a form with capitals = %q, %v", s.AdmitDomains, err)
	}
}

func TestAnIssuerIsCheckedByItsDiscovery(t *testing.T) {
	w := newWorld(t)
	put := func() error {
		return w.OAuth.Put(t.Context(), w.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{provider("work", w.idp)}}, nil)
	}
	for name, about := range map[string]Members{
		"another issuer": {"issuer": "https://evil.example"}, "an issuer with a slash": {"issuer": w.idp.URL + "/"}, "no keys": {"jwks_uri": nil},
		"keys in a file": {"jwks_uri": "file:///etc/passwd"}, "keys elsewhere": {"jwks_uri": w.idp.URL + "/nothing"},
	} {
		w.idp.Say(about)
		if err := put(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	w.idp.Say(nil)
	w.idp.SetDown(true)
	if err := put(); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "503") {
		t.Errorf("a provider that is down: %v", err)
	}
	w.idp.SetDown(false)
	if err := put(); err != nil {
		t.Fatal(err)
	}
	w.idp.SetDown(true)
	if err := put(); err != nil {
		t.Errorf("an issuer that is in use already: %v, want no check", err)
	}
}

func TestOnlySuperAdminsChangeSettings(t *testing.T) {
	w := newWorld(t)
	w.Person("root@quillmere.example", grant.RoleSuperAdmin)
	w.Person("admin@quillmere.example", grant.RoleAdmin)
	body := `{"enabled":true,"providers":[{"name":"work","kind":"oidc","issuer":"` + w.idp.URL + `","clientIds":["app"],"clientSecret":"hush-hush"}]}`
	for who, c := range map[string]struct{ get, put, test int }{mira: {403, 403, 403}, "admin@quillmere.example": {200, 403, 200}, "root@quillmere.example": {200, 200, 200}} {
		session := w.SignIn(who)
		if a := w.Do("GET", "/api/admin/v1/oauth", "", nil, session.Headers()...); a.Status != c.get {
			t.Errorf("GET as %s = %d %s, want %d", who, a.Status, a.Body, c.get)
		}
		if a := w.Do("PUT", "/api/admin/v1/oauth", "", body, session.Headers()...); a.Status != c.put || strings.Contains(a.Body, "hush") {
			t.Errorf("PUT as %s = %d %s, want %d", who, a.Status, a.Body, c.put)
		}
		if a := w.Do("POST", "/api/admin/v1/oauth/test", "", `{"token":"x"}`, session.Headers()...); a.Status != c.test {
			t.Errorf("test as %s = %d %s, want %d", who, a.Status, a.Body, c.test)
		}
	}
	session := w.SignIn("root@quillmere.example")
	for _, bad := range []string{`{}`, `{"enabled":true}x`, `{"enabled":true,"enabled":false,"providers":[]}`, `{"Enabled":true}`, `{"enabled":true,"providers":[{"name":"w","clientSecretFile":"/etc/passwd"}]}`} {
		if a := w.Do("PUT", "/api/admin/v1/oauth", "", bad, session.Headers()...); a.Status != 400 {
			t.Errorf("PUT %s = %d %s, want 400", bad, a.Status, a.Body)
		}
	}
	a := w.Do("PUT", "/api/admin/v1/oauth", "", strings.Replace(body, `{"enabled"`, `{"version":99,"enabled"`, 1), session.Headers()...)
	if a.Status != 409 {
		t.Errorf("PUT of an old version = %d %s, want 409", a.Status, a.Body)
	}
}

func TestSecretsAreKept(t *testing.T) {
	w := newWorld(t)
	secret := func(name string) string {
		t.Helper()
		text, err := w.OAuth.Secret(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	w.put(map[string]string{"work": "hush"}, provider("work", w.idp))
	if got := secret("work"); got != "hush" {
		t.Errorf("Secret = %q, want hush", got)
	}
	w.put(nil, provider("work", w.idp))
	if got := secret("work"); got != "hush" || !w.OAuth.Settings(t.Context()).Providers[0].HasSecret {
		t.Errorf("Secret after a change of something else = %q, want hush", got)
	}
	other := New(t, w.key)
	moved := provider("work", other)
	err := w.OAuth.Put(t.Context(), w.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{moved}}, nil)
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a provider that moved took its secret along: %v", err)
	}
	w.put(map[string]string{"work": ""}, moved)
	if got := secret("work"); got != "" {
		t.Errorf("Secret after it was removed = %q", got)
	}
}

func TestTheConfigurationFile(t *testing.T) {
	idp := New(t, RSA(t, "one", 2048, 1))
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := oauth.ParseFile([]byte(`{"enabled":true,"providers":[{"name":"work","kind":"oidc","issuer":"` + idp.URL + `","clientIds":["app"],"clientSecretFile":"` + path + `"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(cfg *server.Config) { cfg.OAuth = file })
	w.idp = idp
	w.want("a token of the file's provider", w.good(nil), 200)
	if secret, err := w.OAuth.Secret(t.Context(), "work"); secret != "from-a-file" || err != nil {
		t.Errorf("Secret = %q, %v", secret, err)
	}
	got := w.OAuth.Settings(t.Context())
	if len(got.Providers) != 1 || !got.Providers[0].FromFile || !got.Fixed.Enabled {
		t.Fatalf("Settings = %+v", got)
	}
	host := w.Authority.Maintenance()
	for name, change := range map[string]func(*oauth.Settings){
		"off":       func(s *oauth.Settings) { s.Enabled = false },
		"in place":  func(s *oauth.Settings) { s.Providers[0].FromFile = false },
		"its issue": func(s *oauth.Settings) { s.Providers = append(s.Providers, provider("two", idp)) },
		"its name":  func(s *oauth.Settings) { s.Providers[0] = provider("Work", New(t)) },
	} {
		s := w.OAuth.Settings(t.Context())
		change(&s)
		if err := w.OAuth.Put(t.Context(), host, s, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	second := New(t, RSA(t, "two", 2048, 2))
	got.Providers = append(got.Providers, provider("two", second))
	if err := w.OAuth.Put(t.Context(), host, got, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(w.OAuth.Settings(t.Context()).Providers); n != 2 {
		t.Errorf("%d providers, want 2", n)
	}
	for _, bad := range []string{`{"providers":[{"name":"w","kind":"oidc","issuer":"https://x.example","clientIds":["a"],"clientSecretFile":"/nowhere"}]}`, `{"providres":[]}`, `[]`, `{"providers":[{"name":"w"}]}`} {
		if _, err := oauth.ParseFile([]byte(bad)); err == nil {
			t.Errorf("ParseFile(%s) is accepted", bad)
		}
	}
}

func TestRefusalsAreOnRecordWithoutTheToken(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	token := w.good(Members{"email": gone})
	for range 5 {
		w.send(token)
	}
	w.send(w.good(Members{"azp": "evil"}))
	if err := w.Audit.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := w.Audit.List(t.Context(), audit.Filter{Action: "oauth.refuse"})
	if err != nil || len(page.Entries) != 2 {
		t.Fatalf("%d entries, %v, want one for each reason", len(page.Entries), err)
	}
	for _, e := range page.Entries {
		if e.Subject != "work" || e.Outcome != audit.Refused || strings.Contains(e.Detail, "eyJ") {
			t.Errorf("entry %+v", e)
		}
	}
	if d := page.Entries[1].Detail; d != "deactivated-person: "+gone {
		t.Errorf("detail %q", d)
	}
}

func TestATokenIsTried(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	host := w.Authority.Maintenance()
	for name, c := range map[string]struct{ token, fails string }{
		"good": {w.good(nil), ""}, "rubbish": {"a.b.c", "form"}, "opaque": {"abc", "form"}, "a stranger's issuer": {w.good(Members{"iss": "https://x.example"}), "issuer"},
		"a stranger's key": {Sign(t, RSA(t, "one", 2048, 3), "RS256", header(w.key, "RS256"), w.claims()), "signature"},
		"ended":            {w.good(Members{"exp": 1}), "times"}, "an ID token": {w.good(Members{"nonce": "n"}), "kind"}, "a client": {w.good(Members{"azp": "x"}), "client"},
		"no address": {w.good(Members{"email": nil}), "address"}, "who left": {w.good(Members{"email": gone}), "person"}, "unknown": {w.good(Members{"email": "x@y.example"}), "person"},
	} {
		trial, err := w.OAuth.Try(t.Context(), host, c.token)
		if err != nil {
			t.Fatal(err)
		}
		last := trial.Steps[len(trial.Steps)-1]
		if trial.Accepted != (c.fails == "") || !trial.Accepted && (last.OK || last.Name != c.fails || last.Says == "") {
			t.Errorf("%s: accepted %v, last step %+v, want to fail at %q", name, trial.Accepted, last, c.fails)
		}
	}
}

func TestAnEditableAddressIsNoIdentity(t *testing.T) {
	p := oauth.Provider{Kind: oauth.Azure}
	if got := p.Claim(); got != "preferred_username" {
		t.Errorf("Claim of Entra ID = %q", got)
	}
}
