package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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

	b.get("/").submit("/signout", nil).want(http.StatusOK).says("sheaf keeps no passwords")
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
