package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/grant"
)

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
		{30 * time.Second, "in less than a minute"},
		{-30 * time.Second, "just now"},
		{-time.Minute, "1 minute ago"},
		{3*day + time.Hour, "in 3 days"},
		{-26 * time.Hour, "1 day ago"},
		{99 * day, "in 99 days"},
		{100 * day, "in 3 months"},
		{-800 * day, "2 years ago"},
		{2 * time.Hour, "in 2 hours"},
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
	for name, want := range map[string]string{"Mira Okafor": "MO", "Ana María de la Cruz": "AC", "Prince": "P", "": "MO", "Ödön Ács": "ÖÁ", "Mei Zhang (张梅)": "MZ"} {
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
