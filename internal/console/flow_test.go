package console

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

var secretForm = regexp.MustCompile(`shf_[ci]_[0-9A-Za-z]{49}`)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	w.populate()
	link, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), mira)
	fatal(t, err)
	path := strings.TrimPrefix(link.URL, w.url)

	// Previews and scanners open links, some several times; that must not use them up.
	for range 3 {
		w.browser().get(path).want(http.StatusOK).says("Sign in to sheaf", "This link signs you in once")
	}
	b := w.browser()
	d := b.get("/admin/people?q=feldt").want(http.StatusOK).says("sheaf keeps no passwords", "sheaf signin")
	if want := "/signin?next=%2Fadmin%2Fpeople%3Fq%3Dfeldt"; d.path != want {
		t.Errorf("signed out at %s, want %s", d.path, want)
	}
	checkPage(t, d)
	// The link's own page, with the way back carried along.
	d = b.get(path + "&next=%2Fadmin%2Fpeople%3Fq%3Dfeldt")
	checkPage(t, d)
	d = d.submit("/signin", nil).want(http.StatusOK).says("People and roles", "Jonas Feldt")
	if d.path != "/admin/people?q=feldt" {
		t.Errorf("arrived at %s, want the page that was asked for", d.path)
	}
	b.get("/signin").want(http.StatusOK).says("Hello, Mira")

	again := w.browser().get(path).submit("/signin", nil).want(http.StatusUnauthorized).says("You are not signed in", "used before")
	checkPage(t, again)

	d = b.get("/").submit("/signout", nil).want(http.StatusOK).says("sheaf keeps no passwords")
	b.get("/admin/platform/tokens").says("sheaf keeps no passwords").silent("Release notes bot")
}

func TestSignInStaysHere(t *testing.T) {
	for _, next := range []string{
		"https://elsewhere.example/", "//elsewhere.example/", `/\elsewhere.example`, "/\t/elsewhere.example", "javascript:alert(1)", "admin", "",
	} {
		if got := local(next, "/fallback"); got != "/fallback" {
			t.Errorf("local(%q) = %q, want the fallback", next, got)
		}
	}
	for _, next := range []string{"/", "/admin/", "/?q=a%2Fb&f.app=wiki"} {
		if got := local(next, "/fallback"); got != next {
			t.Errorf("local(%q) = %q", next, got)
		}
	}
}

// FuzzLocal holds that a browser which follows what local lets through stays on this host.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/", "//x", `/\x`, "/?next=//x", "/a//b", "/%2f/x", "/.//x", "https:/x", "/\u2028/x"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://search.example.com/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := local(path, "/")
		// Browsers drop tabs and line ends, and take a backslash for a slash, before they read an address.
		for _, read := range []string{got, strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(got)} {
			u, err := base.Parse(read)
			if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
				t.Errorf("local(%q) = %q leads to %v", path, got, u)
			}
		}
	})
}

// TestSignInFromElsewhere holds that another site cannot sign its visitors in here.
func TestSignInFromElsewhere(t *testing.T) {
	w := newWorld(t)
	w.populate()
	link, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), mira)
	fatal(t, err)
	b := w.browser()
	b.header["Origin"] = "https://elsewhere.example"
	b.post("/signin", url.Values{"code": {link.Code.Reveal()}}).want(http.StatusForbidden)
	w.browser().post("/signin", url.Values{"code": {link.Code.Reveal()}}).want(http.StatusOK).says("Hello, Mira")
}

func TestCreateToken(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	form := b.get("/admin/platform/tokens/new").want(http.StatusOK).
		says("GLOBAL", "If it leaks, everything leaks", "ANONYMOUS", "All 20 scopes", "Mark documents as checked.")
	d := form.submit("/admin/platform/tokens", url.Values{
		"description": {"Firmware team notebook"}, "userEmail": {"Jonas.Feldt@quillmere.example"}, "scopes": {"SEARCH", "CHAT"}, "expires": {"30d"},
	}).want(http.StatusOK).says("“Firmware team notebook” is ready", "only time it is shown", jonas, "23 December 2026, in 30 days")
	checkPage(t, d)
	secrets := secretForm.FindAllString(d.text, -1)
	if len(secrets) != 1 {
		t.Fatalf("the answer shows %d secrets, want 1", len(secrets))
	}
	for _, words := range []string{w.url + "/rest/api/v1/search", "from glean.api_client import Glean", "server_url=", `from "@gleanwork/api-client"`, "serverURL:"} {
		if !strings.Contains(squeeze(text(d.root)), words) {
			t.Errorf("the examples lack %q", words)
		}
	}
	d.silent("X-Glean-ActAs")

	// The secret works, as that person and with these scopes, and appears nowhere again.
	req, _ := http.NewRequest(http.MethodPost, w.url+"/rest/api/v1/search", nil)
	req.Header.Set("Authorization", "Bearer "+secrets[0])
	caller, err := w.authority.Admit(req, rpc.ClientAPI)
	fatal(t, err)
	if caller.Email() != jonas || caller.Scopes() != grant.ScopesOf(grant.Search, grant.Chat) {
		t.Errorf("the token is %s with %s, want %s with CHAT,SEARCH", caller.Email(), caller.Scopes(), jonas)
	}
	list := b.get("/admin/platform/tokens").says("Firmware team notebook", "23 Dec 2026", "Mira Okafor")
	list.silent(secrets[0], secrets[0][10:40])
	if strings.Contains(w.logged.String(), secrets[0][6:30]) {
		t.Error("the secret is in the log")
	}
}

func TestCreateTokenGlobalShowsActAs(t *testing.T) {
	w := newWorld(t)
	w.populate()
	d := w.as(mira).get("/admin/platform/tokens/new").submit("/admin/platform/tokens", url.Values{
		"description": {"Portal"}, "permission": {"GLOBAL"}, "scopes": {"ALL"}, "expires": {"never"},
	}).want(http.StatusOK).says("“Portal” is ready", "anyone, named per call", "Never; it works until someone revokes it")
	if n := strings.Count(text(d.root), "X-Glean-ActAs"); n != 3 {
		t.Errorf("X-Glean-ActAs is in %d examples, want 3", n)
	}
}

func TestCreateTokenWithMistakes(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	form := b.get("/admin/platform/tokens/new")
	tests := []struct {
		name   string
		change url.Values
		says   []string
	}{
		{"nothing chosen", url.Values{"description": {" "}, "userEmail": {""}, "permission": nil, "expires": nil}, []string{
			"Mend 4 things", "Describe the token", "Choose a permission", "Choose at least one scope", "Choose when it expires",
		}},
		{"a stranger", url.Values{"description": {"Notebook"}, "userEmail": {"jonas@quilmere.example"}, "scopes": {"SEARCH"}}, []string{
			"Mend this", "Nobody active here has the address “jonas@quilmere.example”",
		}},
		{"two at once", url.Values{"description": {"Notebook"}, "userEmail": {"jonas@quilmere.example"}}, []string{
			"Mend 2 things", "Name a person who has an account here", "Choose at least one scope",
		}},
		{"a day that is over", url.Values{"description": {"Notebook"}, "scopes": {"SEARCH"}, "expires": {"date"}, "date": {"2026-11-22"}}, []string{"This day is over"}},
		{"no day", url.Values{"description": {"Notebook"}, "scopes": {"SEARCH"}, "expires": {"date"}, "date": {"soon"}}, []string{"Choose a day, in the form 2026-11-30"}},
		{"too far", url.Values{"description": {"Notebook"}, "scopes": {"SEARCH"}, "expires": {"date"}, "date": {"2926-11-22"}}, []string{"within ten years"}},
		{"no such scope", url.Values{"description": {"Notebook"}, "scopes": {"SEARCH", "<b>EVERYTHING"}}, []string{"“<b>EVERYTHING” is no scope"}},
		{"anonymous without search", url.Values{"description": {"Notebook"}, "permission": {"ANONYMOUS"}, "scopes": {"CHAT"}}, []string{"needs the scope SEARCH"}},
		{"too long", url.Values{"description": {strings.Repeat("n", 201)}, "scopes": {"SEARCH"}}, []string{"Keep it within 200 characters"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b.w.t = t
			d := form.submit("/admin/platform/tokens", test.change).want(http.StatusUnprocessableEntity).says("Not saved.").says(test.says...)
			checkPage(t, d)
			kept := find(d.root, func(n *html.Node) bool { return attr(n, "name") == "description" })
			if want := strings.TrimSpace(test.change.Get("description")); attr(kept, "value") != want {
				t.Errorf("the description is %q now, want %q kept", attr(kept, "value"), want)
			}
			wrong := find(d.root, func(n *html.Node) bool { return attr(n, "class") == "error" })
			if wrong == nil {
				t.Error("no field says what is wrong with it")
			}
		})
	}
	w.t = t
	b.get("/admin/platform/tokens").silent("Notebook")
}

// TestWhoMayMakeWhat holds that what the form does not offer is refused below, too.
func TestWhoMayMakeWhat(t *testing.T) {
	w := newWorld(t)
	w.populate()
	for _, who := range []string{jonas, priya} {
		b := w.as(who)
		form := b.get("/admin/platform/tokens/new").want(http.StatusOK).says("Your own address").silent(`value="GLOBAL"`, `value="ANONYMOUS"`)
		change := url.Values{"description": {"Mine " + who}, "scopes": {"SEARCH"}}
		form.submit("/admin/platform/tokens", change).want(http.StatusOK).says("is ready", who)
		for name, value := range map[string]string{"permission": "GLOBAL", "userEmail": mira} {
			change := url.Values{"description": {"Not mine"}, "scopes": {"SEARCH"}, name: {value}}
			form.submit("/admin/platform/tokens", change).want(http.StatusForbidden).says("Super Admins")
		}
	}
	w.as(mira).get("/admin/platform/tokens").silent("Not mine").says("Mine " + jonas)
}

func TestMembersAndCreators(t *testing.T) {
	w := newWorld(t)
	w.populate()
	member := w.as(omar)
	member.get("/").want(http.StatusOK).silent("/admin/")
	for _, path := range []string{"/admin/", "/admin/platform/tokens", "/admin/people", "/admin/nowhere", "/admin/platform/tokens/new"} {
		d := member.get(path).want(http.StatusForbidden).says("The console is for administrators", "You are signed in as a Member")
		checkPage(t, d)
	}
	creator := w.as(priya)
	creator.get("/admin/").want(http.StatusOK).says("Onboarding guide").silent("Release notes bot", pathIndexing, pathPeople, pathAudit)
	for _, path := range []string{pathIndexing, pathIndexing + "/new", pathPeople, pathDatasources, pathAudit} {
		d := creator.get(path).want(http.StatusForbidden).says("This page needs the role Admin", "an API Token Creator")
		checkPage(t, d)
	}
	d := creator.get("/admin/nowhere").want(http.StatusNotFound).says("There is nothing here")
	checkPage(t, d)
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	w.populate()
	tokens, err := w.authority.Tokens(context.Background(), w.authority.Maintenance())
	fatal(t, err)
	byName := map[string]authority.Token{}
	for _, token := range tokens {
		byName[token.Description] = token
	}
	path := func(name string) string { return pathTokens + "/" + byName[name].ID + "/revoke" }
	b := w.as(mira)
	d := b.get(path("Release notes bot")).want(http.StatusOK).says("Revoke “Release notes bot”?", "In the last day", "Not used", "cannot be brought back")
	checkPage(t, d)
	d.submit(path("Release notes bot"), nil).want(http.StatusOK).says("The token is revoked.", "23 Nov 2026, by Mira Okafor")
	b.get(pathTokens).silent("The token is revoked.") // said once
	b.get(path("Release notes bot")).want(http.StatusConflict).says("revoked already")

	admin := w.as(jonas)
	admin.get(path("Onboarding guide")).submit(path("Onboarding guide"), nil).want(http.StatusOK)
	admin.get(path("Intranet search box")).submit(path("Intranet search box"), nil).want(http.StatusForbidden).says("revoked by Super Admins")
	creator := w.as(priya)
	creator.get(path("Intranet search box")).want(http.StatusNotFound)
	creator.get(pathTokens + "/no-such-id/revoke").want(http.StatusNotFound)
}

func TestCopyAsNew(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	d := b.get(pathTokens)
	row := find(d.root, func(n *html.Node) bool {
		return n.Data == "tr" && strings.Contains(text(n), "MCP for the firmware team")
	})
	link := find(row, func(n *html.Node) bool { return n.Data == "a" && strings.Contains(attr(n, "href"), "?copy=") })
	form := b.get(attr(link, "href")).want(http.StatusOK)
	values := formValues(find(form.root, func(n *html.Node) bool { return attr(n, "action") == pathTokens }))
	values.Del("csrf")
	values["scopes"] = []string{strings.Join(values["scopes"], " ")}
	want := url.Values{
		"description": {"MCP for the firmware team"}, "permission": {"USER"}, "userEmail": {jonas}, "scopes": {"SEARCH TOOLS MCP"},
		"expires": {"90d"}, "date": {""},
	}
	if values.Encode() != want.Encode() {
		t.Errorf("the form holds\n%v, want\n%v", values, want)
	}
	form.submit(pathTokens, nil).want(http.StatusOK).says("is ready")
}

func TestTokenList(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	rows := func(query string) []string {
		t.Helper()
		d := b.get(pathTokens + query).want(http.StatusOK)
		var names []string
		each(d.root, func(n *html.Node) {
			if attr(n, "class") == "name" && n.Parent.Data == "th" {
				names = append(names, text(n))
			}
		})
		return names
	}
	for _, test := range []struct {
		query string
		want  string
	}{
		{"", "Release notes bot|Support desk assistant|Intranet search box|Onboarding guide|MCP for the firmware team|Kit’s notebook|Public manual search|Quarterly export|Trial connector"},
		{"?status=revoked", "Trial connector"},
		{"?status=expired", "Quarterly export"},
		{"?status=soon", "Release notes bot"},
		{"?status=stopped", "Kit’s notebook"},
		{"?permission=GLOBAL&status=active", "Support desk assistant|Intranet search box"},
		{"?scope=MCP", "Onboarding guide|MCP for the firmware team"},
		{"?scope=NONSENSE", ""},
		{"?q=LEAH.", "Release notes bot"},
		{"?q=connector&sort=-description", "Trial connector"},
		{"?permission=GLOBAL&sort=-description", "Trial connector|Support desk assistant|Intranet search box"},
		{"?permission=GLOBAL&sort=created", "Trial connector|Support desk assistant|Intranet search box"},
		{"?sort=nonsense&status=soon", "Release notes bot"},
	} {
		if got := strings.Join(rows(test.query), "|"); got != test.want {
			t.Errorf("%s lists\n%s, want\n%s", test.query, got, test.want)
		}
	}
	b.get(pathTokens).says("All 9", "Active 5", "Expire soon 1", "Expired 1", "Revoked 1")
	b.get(pathTokens+"?permission=GLOBAL").says("All 3", "Active 2", "Revoked 1")
	b.get(pathTokens+"?q=nothing+like+it").says("No token matches", "Show all tokens")
}

func TestTokenListWarns(t *testing.T) {
	w := newWorld(t)
	w.populate()
	tokens, err := w.authority.Tokens(context.Background(), w.authority.Maintenance())
	fatal(t, err)
	v := &visit{now: today}
	for i := range tokens {
		tokens[i].LastUsed = today.Add(-12 * time.Minute)
	}
	row := warning(v, tokens)
	if row == nil || row.Description != "Release notes bot" || row.Used.Near != "12 minutes ago" || row.Expires.Near != "in 3 days" {
		t.Errorf("warning = %+v, want Release notes bot", row)
	}
	for i := range tokens {
		tokens[i].LastUsed = time.Time{}
	}
	if row := warning(v, tokens); row != nil {
		t.Errorf("warns of %s, which nothing uses", row.Description)
	}
}

func TestOldAddresses(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	for from, want := range map[string]string{
		"/admin": pathTokens, "/admin/": pathTokens, "/admin/setup/tokens": pathTokens,
		"/admin/platform/tokenManagement?tab=client": pathTokens, "/admin/platform/tokenManagement?tab=indexing": pathIndexing,
	} {
		if d := b.get(from).want(http.StatusOK); d.path != want {
			t.Errorf("%s leads to %s, want %s", from, d.path, want)
		}
	}
}

func TestIndexingTokens(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(jonas)
	d := b.get(pathIndexing).want(http.StatusOK).says("Field wiki upload", "every 30 days, next by 3 Dec 2026", "10.20.0.0/16", "all datasources", "Overdue 1", "not rotated in time")
	form := b.get(pathIndexing + "/new").want(http.StatusOK).silent(`value="never"`)
	made := form.submit(pathIndexing, url.Values{
		"description": {"Ticket import"}, "datasources": {"wiki"}, "more": {"tickets, desk"}, "allowedCidrs": {"10.20.9.3 2001:db8::/32"}, "rotation": {"10080"},
	}).want(http.StatusOK).says("“Ticket import” is ready", "desk tickets wiki", "10.20.9.3/32 2001:db8::/32", "every 7 days", "SHEAF_INDEXING_TOKEN", "getdatasourceconfig")
	checkPage(t, made)
	if n := len(secretForm.FindAllString(made.text, -1)); n != 1 {
		t.Errorf("the answer shows %d secrets, want 1", n)
	}
	for name, change := range map[string]url.Values{
		"is no range of addresses": {"description": {"x"}, "allowedCidrs": {"10.20.0.0/99"}},
		"cannot be the name":       {"description": {"x"}, "more": {"<script>"}},
		"needs an end":             {"description": {"x"}, "expires": {"never"}},
		"rotation period":          {"description": {"x"}, "rotation": {"5"}},
		"Describe the token":       {"description": {""}},
	} {
		d := form.submit(pathIndexing, change).want(http.StatusUnprocessableEntity).says(name)
		checkPage(t, d)
	}
	link := find(d.root, func(n *html.Node) bool { return strings.Contains(attr(n, "href"), "?copy=") })
	b.get(attr(link, "href")).want(http.StatusOK).says("Add Indexing API Token")
	link = find(d.root, func(n *html.Node) bool { return strings.HasSuffix(attr(n, "href"), "/revoke") })
	b.get(attr(link, "href")).want(http.StatusOK).says("uploads under way included").submit(attr(link, "href"), nil).
		want(http.StatusOK).says("The token is revoked.", "Revoked 1", "by Jonas Feldt")
	w.as(priya).post(pathIndexing, url.Values{}).want(http.StatusForbidden)
}

func TestPeople(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get(pathPeople).says("Everyone 7", "Super Admin 2", "Member 3", "Deactivated", "Invited")
	b.get(pathPeople+"?role=ADMIN").says("Jonas Feldt", "1 of 1 shown").silent("Priya Nair")
	b.get(pathPeople + "?q=nobody").says("Nobody matches")

	form := b.get(pathPeople + "/new").want(http.StatusOK)
	d := form.submit(pathPeople, url.Values{"email": {"Ines.Carvalho@quillmere.example"}, "name": {"Ines Carvalho"}, "role": {"API_TOKEN_CREATOR"}}).
		want(http.StatusOK).says("Sign-in link for Ines Carvalho", "only time it is shown", "24 Nov 2026, 11:00:00 UTC (in 1 day)", "API Token Creator")
	checkPage(t, d)
	link := attr(find(d.root, func(n *html.Node) bool { return attr(n, "id") == "secret" }), "value")
	invited := w.browser()
	invited.get(strings.TrimPrefix(link, w.url)).submit("/signin", nil).want(http.StatusOK).says("Hello, Ines")
	b.get(pathPeople).silent(link)
	form.submit(pathPeople, url.Values{"email": {"ines.carvalho@quillmere.example"}}).want(http.StatusUnprocessableEntity).says("exists already")
	d = form.submit(pathPeople, url.Values{"email": {"no address"}, "role": {"KING"}}).want(http.StatusUnprocessableEntity).says("Choose a role")
	checkPage(t, d)
	form.submit(pathPeople, url.Values{"email": {"no address"}}).want(http.StatusUnprocessableEntity).says("An email address is needed")
	form.submit(pathPeople, url.Values{"email": {"quiet@quillmere.example"}, "invite": nil}).want(http.StatusOK).says("The person is added.")

	person := func(email string) string {
		t.Helper()
		p, err := w.directory.ByEmail(context.Background(), email)
		fatal(t, err)
		return pathPeople + "/" + p.ID
	}
	role := person(omar) + "/role"
	b.get(role).want(http.StatusOK).says("Change the role of Omar Haddad", "Keep Member").submit(role, url.Values{"role": {"ADMIN"}}).
		want(http.StatusOK).says("The role is changed.")
	w.as(omar).get(pathPeople).want(http.StatusOK)

	off := person(priya) + "/deactivate"
	priyas := w.as(priya)
	d = b.get(off).want(http.StatusOK).says("Deactivate Priya Nair?", "Live tokens 1")
	checkPage(t, d)
	d.submit(off, nil).want(http.StatusOK).says("The person is deactivated.")
	priyas.get("/").says("sheaf keeps no passwords")
	b.get(pathPeople+"?q=priya").says("Deactivated", "Reactivate…")
	on := person(priya) + "/reactivate"
	b.get(on).says("Reactivate Priya Nair?").submit(on, nil).want(http.StatusOK).says("active again")
	again := person(priya) + "/signin-link"
	b.get(pathPeople).submit(again, nil).want(http.StatusOK).says("Sign-in link for Priya Nair")
	b.get(person(priya) + "/dance").want(http.StatusNotFound)
	b.get(pathPeople + "/nobody/role").want(http.StatusNotFound)
}

// TestLastSuperAdmin holds that the refusal of the service reaches the person as words.
func TestLastSuperAdmin(t *testing.T) {
	w := newWorld(t)
	only := w.add(mira, "Mira Okafor", grant.RoleSuperAdmin)
	b := w.as(mira)
	for path, change := range map[string]url.Values{"/role": {"role": {"MEMBER"}}, "/deactivate": nil} {
		path = pathPeople + "/" + only.ID + path
		d := b.get(path).submit(path, change)
		if d.status != http.StatusUnprocessableEntity && d.status != http.StatusConflict {
			t.Errorf("%s answered %d, want a refusal", path, d.status)
		}
		d.says("Not saved.", "Super Admin")
		checkPage(t, d)
	}
	b.get("/admin/people").want(http.StatusOK)
}

// TestAdminsAreNotSuper holds what an Admin sees and may do to people.
func TestAdminsAreNotSuper(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(jonas)
	b.get(pathPeople).want(http.StatusOK).silent("Change role…", "Deactivate…")
	form := b.get(pathPeople + "/new").silent(`value="SUPER_ADMIN"`).says("Member")
	form.submit(pathPeople, url.Values{"email": {"x@quillmere.example"}, "role": {"SUPER_ADMIN"}}).want(http.StatusForbidden)
	form.submit(pathPeople, url.Values{"email": {"x@quillmere.example"}}).want(http.StatusOK).says("Sign-in link for x")
	p, err := w.directory.ByEmail(context.Background(), mira)
	fatal(t, err)
	csrf := formValues(find(form.root, func(n *html.Node) bool { return attr(n, "action") == pathPeople })).Get("csrf")
	for _, path := range []string{"/role", "/deactivate", "/signin-link"} {
		b.post(pathPeople+"/"+p.ID+path, url.Values{"csrf": {csrf}, "role": {"MEMBER"}}).want(http.StatusForbidden)
	}
}

func TestDatasources(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(jonas)
	b.get(pathDatasources).want(http.StatusOK).says("Field wiki", "18,204", "3 datasources, 27,765 documents", "Test")
	b.get(pathDatasources + "/crm").says("This is a test datasource.")
	path := pathDatasources + "/wiki"
	d := b.get(path).want(http.StatusOK).says("Visible in search", "Open to anonymous tokens", "without signing in")
	d.submit(path, url.Values{"visible": nil, "openToAnonymousTokens": {"1"}}).want(http.StatusOK).says("The datasource is saved.", "Hidden")
	b.get(pathDatasources).says("Hidden", "Open")
	b.get(pathDatasources + "/nowhere").want(http.StatusNotFound).says("no datasource")
	w.sources.list = nil
	checkPage(t, b.get(pathDatasources).says("No datasource yet"))
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.get(pathTokens+"/new").submit(pathTokens, url.Values{"description": {"Firmware team notebook"}, "scopes": {"SEARCH"}}).want(http.StatusOK)
	d := b.get(pathAudit).want(http.StatusOK).says("token.create", "Firmware team notebook", "session.begin", "Today, ", "127.0.0.1")
	checkPage(t, d)
	b.get(pathAudit+"?action=token.create&actor=Mira.Okafor%40quillmere.example").says("Firmware team notebook", "1 entry shown").silent("Release notes bot")
	b.get(pathAudit + "?subject=nothing").says("No entry matches")
	b.get(pathAudit + "?from=2001-01-01&to=2001-01-02").says("No entry matches")
	for query, words := range map[string]string{
		"?from=yesterday": "“From” is not a day", "?to=31.12.2026": "“To” is not a day", "?from=2026-11-20&to=2026-11-10": "Swap them",
	} {
		checkPage(t, b.get(pathAudit+query).want(http.StatusBadRequest).says(words))
	}
	b.get(pathAudit + "?cursor=nonsense").want(http.StatusBadRequest)
}

func TestAuditPages(t *testing.T) {
	w := newWorld(t)
	w.add(mira, "Mira Okafor", grant.RoleSuperAdmin)
	b := w.as(mira)
	for range 110 {
		_, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), mira)
		fatal(t, err)
	}
	d := b.get(pathAudit+"?action=signin-link.create").says("100 entries shown", "Older entries").silent("Newest entries")
	older := find(d.root, func(n *html.Node) bool { return n.Data == "a" && text(n) == "Older entries" })
	b.get(attr(older, "href")).want(http.StatusOK).says("11 entries shown", "Newest entries").silent("Older entries")
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	d := b.get("/?q=+anemometer+calibration+&f.app=wiki&f.app=gone").want(http.StatusOK).
		says("43 results for anemometer calibration", "Field wiki › Sensors › Wind", "Tomasz Wrona", "changed 19 Nov 2026, 4 days ago", "More results", "Clear filters")
	marks := 0
	each(d.root, func(n *html.Node) {
		if n.Data == "mark" {
			marks++
		}
	})
	if marks != 6 {
		t.Errorf("%d words are marked, want 6", marks)
	}
	asked := w.search.asked[len(w.search.asked)-1]
	if asked.Text != "anemometer calibration" || len(asked.Filters) != 1 || asked.Filters[0].Field != "app" || len(asked.Filters[0].Values) != 2 {
		t.Errorf("asked %+v", asked)
	}
	if c := w.search.caller; c.Kind() != grant.User || c.Email() != omar {
		t.Errorf("asked as %s %s, want the person", c.Kind(), c.Email())
	}
	more := find(d.root, func(n *html.Node) bool { return n.Data == "a" && text(n) == "More results" })
	next := b.get(attr(more, "href")).want(http.StatusOK).says("First results")
	checkPage(t, next)
	asked = w.search.asked[len(w.search.asked)-1]
	if asked.Cursor != "next-page" || len(asked.Filters) != 1 {
		t.Errorf("the next page asked %+v", asked)
	}
	b.get("/?q=nothing+at+all").says("Nothing you may see matches “nothing at all”", "Search “nothing at” alone")
	b.get("/?q=" + strings.Repeat("a", maxQuery+1)).want(http.StatusBadRequest).says("longer than 1000 characters")
}

func TestSearchInTrouble(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	for _, test := range []struct {
		err    error
		status int
		says   string
		silent string
	}{
		{fault.New(fault.Invalid, "This cursor is for another query."), 400, "This cursor is for another query.", "Try again later"},
		{fault.New(fault.Unavailable, "away").Wrap(context.DeadlineExceeded), 503, "Search is catching its breath", "deadline"},
		{context.DeadlineExceeded, 503, "Search is catching its breath", "deadline"},
	} {
		w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) { return SearchResult{}, test.err }
		d := b.get("/?q=storm").want(test.status).says(test.says).silent(test.silent)
		checkPage(t, d)
	}
	w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) { panic("the works") }
	d := b.get("/?q=storm").want(http.StatusInternalServerError).says("Something broke here").silent("the works", "goroutine")
	checkPage(t, d)
	id := d.header.Get("X-Request-Id")
	if d.says(id); !strings.Contains(w.logged.String(), id) || !strings.Contains(w.logged.String(), "the works") {
		t.Error("the log does not say what happened under the request's id")
	}
}

// TestSearchTrustsNoDocument holds what a hostile document can do to the page: nothing.
func TestSearchTrustsNoDocument(t *testing.T) {
	w := newWorld(t)
	w.populate()
	const evil = `"><script>alert(1)</script><b onclick=x>`
	w.search.answer = func(grant.Caller, SearchQuery) (SearchResult, error) {
		return SearchResult{Total: -1, Next: evil, Hits: []SearchHit{{
			Title: evil, URL: "javascript:alert(1)", Source: evil, Author: evil, Kind: evil, Path: []string{evil}, Snippet: []Run{{evil, true}},
		}}, Facets: []SearchFacet{{evil, evil, []SearchValue{{evil, evil, 1}}}}, People: []SearchPerson{{evil, evil, evil}}, Suggested: evil}, nil
	}
	d := w.as(omar).get("/?q=" + url.QueryEscape(evil)).want(http.StatusOK)
	checkPage(t, d)
	d.silent("<script>alert", "javascript:alert")
}

func TestTheme(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	theme := func(d *doc) string {
		return attr(find(d.root, func(n *html.Node) bool { return n.Data == "html" }), "data-theme")
	}
	d := b.get("/admin/people?q=a")
	if got := theme(d); got != "" {
		t.Errorf("theme = %q before a choice", got)
	}
	d = d.submit("/theme", url.Values{"theme": {"dark"}}).want(http.StatusOK)
	if got := theme(d); got != "dark" || d.path != "/admin/people?q=a" {
		t.Errorf("theme = %q at %s, want dark at the page before", got, d.path)
	}
	if got := theme(b.get("/")); got != "dark" {
		t.Errorf("theme = %q on the search page, want dark", got)
	}
	for _, choice := range []string{"system", `"><script>`} {
		if got := theme(b.get("/").submit("/theme", url.Values{"theme": {choice}})); got != "" {
			t.Errorf("theme = %q after %q, want none", got, choice)
		}
	}
	d = b.get("/").submit("/theme", url.Values{"theme": {"dark"}, "back": {"//elsewhere.example/"}})
	if d.path != "/" {
		t.Errorf("led to %s, want /", d.path)
	}
}

// TestPostsNeedTheirToken crosses every address that posts with what a stranger could send.
func TestPostsNeedTheirToken(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	other := formValues(find(w.as(leah).get("/").root, func(n *html.Node) bool { return attr(n, "action") == "/theme" })).Get("csrf")
	own := formValues(find(b.get("/").root, func(n *html.Node) bool { return attr(n, "action") == "/theme" })).Get("csrf")
	for _, path := range []string{
		"/signout", "/theme", pathTokens, pathTokens + "/x/revoke", pathIndexing, pathIndexing + "/x/revoke", pathPeople, pathPeople + "/x/role",
		pathPeople + "/x/deactivate", pathPeople + "/x/signin-link", pathDatasources + "/wiki",
	} {
		for _, csrf := range []string{"", "nonsense", other} {
			b.post(path, url.Values{"csrf": {csrf}}).want(http.StatusForbidden)
		}
		stranger := &browser{w, b.client, map[string]string{"Origin": "https://elsewhere.example"}}
		stranger.post(path, url.Values{"csrf": {own}}).want(http.StatusForbidden)
		typed := &browser{w, b.client, map[string]string{"Content-Type": "text/plain"}}
		typed.post(path, url.Values{"csrf": {own}}).want(http.StatusUnsupportedMediaType)
		if d := w.browser().post(path, url.Values{"csrf": {own}}); d.path != "/signin" {
			t.Errorf("%s without a session led to %s, want /signin", path, d.path)
		}
	}
	b.get("/admin/").want(http.StatusOK) // still signed in, nothing changed
	if !w.sources.list[2].Visible {
		t.Error("a datasource was changed by a form that was refused")
	}
}

func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(mira)
	b.post(pathTokens, url.Values{"description": {strings.Repeat("a", maxForm)}}).want(http.StatusRequestEntityTooLarge).says("larger than any of ours")
	b.post(pathTokens, url.Values{"description": {"a\x00b"}}).want(http.StatusBadRequest).says("characters that cannot be kept")
	b.post(pathTokens, url.Values{"description": {"a\xffb"}}).want(http.StatusBadRequest)
	b.get("/?q=%00").want(http.StatusBadRequest)
	b.get("/admin/people?q=%ff").want(http.StatusBadRequest)
}

func TestAssets(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.browser()
	d := b.get("/signin")
	n := 0
	each(d.root, func(e *html.Node) {
		for _, name := range []string{"href", "src"} {
			if path := attr(e, name); strings.HasPrefix(path, "/assets/") {
				n++
				a := b.get(path).want(http.StatusOK)
				if got := a.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
					t.Errorf("%s: Cache-Control = %q", path, got)
				}
				if a.header.Get("X-Content-Type-Options") != "nosniff" || strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
					t.Errorf("%s is served as %q", path, a.header.Get("Content-Type"))
				}
			}
		}
	})
	if n != 3 {
		t.Errorf("the page names %d assets, want 3", n)
	}
	style := find(d.root, func(e *html.Node) bool { return attr(e, "rel") == "stylesheet" })
	dir := attr(style, "href")[:strings.LastIndex(attr(style, "href"), "/")]
	for _, picture := range regexp.MustCompile(`url\("([^"]+)"\)`).FindAllStringSubmatch(b.get(attr(style, "href")).text, -1) {
		b.get(dir + "/" + picture[1]).want(http.StatusOK)
	}
	b.get("/assets/0000000000000000/style.css").want(http.StatusNotFound)
	b.get(dir + "/../assets.go").want(http.StatusNotFound)
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{30 * time.Second, "in less than a minute"}, {-30 * time.Second, "just now"}, {-time.Minute, "1 minute ago"}, {3*day + time.Hour, "in 3 days"},
		{-26 * time.Hour, "1 day ago"}, {99 * day, "in 99 days"}, {100 * day, "in 3 months"}, {-800 * day, "2 years ago"}, {2 * time.Hour, "in 2 hours"},
	} {
		if got := near(today, today.Add(test.d)); got != test.want {
			t.Errorf("near(%v) = %q, want %q", test.d, got, test.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	for name, want := range map[string]string{"Mira Okafor": "MO", "Ana María de la Cruz": "AC", "Prince": "P", "": "MO", "Ödön Ács": "ÖÁ"} {
		if got := faceOf(name, "mira.okafor@quillmere.example").Letters; got != want {
			t.Errorf("faceOf(%q) = %q, want %q", name, got, want)
		}
	}
	var all grant.Scopes
	for _, g := range scopeGroups() {
		for _, s := range g.Scopes {
			if all.Has(s.Scope) {
				t.Errorf("%s is in the dialog twice", s.Scope)
			}
			all |= grant.ScopesOf(s.Scope)
		}
	}
	if all != grant.AllScopes {
		t.Errorf("the dialog offers %s, want every scope", all)
	}
}
