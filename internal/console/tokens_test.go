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
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

var secretForm = regexp.MustCompile(`shf_[ci]_[0-9A-Za-z]{49}`)

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
