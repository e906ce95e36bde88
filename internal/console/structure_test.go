package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth"
)

const (
	mira  = "mira.okafor@quillmere.example"
	leah  = "leah.brandt@quillmere.example"
	jonas = "jonas.feldt@quillmere.example"
	priya = "priya.nair@quillmere.example"
	omar  = "omar.haddad@quillmere.example"
)

// populate makes a small company with tokens in every state.
func (w *world) populate() {
	w.t.Helper()
	w.add(mira, "Mira Okafor", grant.RoleSuperAdmin)
	w.add(leah, "Leah Brandt", grant.RoleSuperAdmin)
	w.add(jonas, "Jonas Feldt", grant.RoleAdmin)
	w.add(priya, "Priya Nair", grant.RoleTokenCreator)
	w.add(omar, "Omar Haddad", grant.RoleMember)
	gone := w.add("kit.marlow@quillmere.example", "Kit Marlow", grant.RoleMember)
	w.add("tomasz.wrona@quillmere.example", "Tomasz Wrona", grant.RoleMember)
	ctx, host := context.Background(), w.authority.Maintenance()

	token := func(ago time.Duration, n authority.NewToken, life time.Duration) authority.Token {
		w.t.Helper()
		w.clock.set(today.Add(-ago))
		if life > 0 {
			n.Expires = today.Add(life - ago)
		}
		made, _, err := w.authority.CreateToken(ctx, host, n)
		fatal(w.t, err)
		return made
	}
	find := grant.ScopesOf(grant.Search, grant.Documents, grant.Chat)
	token(87*day, authority.NewToken{Description: "Release notes bot", Permission: authority.User, User: leah, Scopes: find}, 90*day)
	token(12*day, authority.NewToken{Description: "Intranet search box", Permission: authority.Global, Scopes: grant.ScopesOf(grant.Search, grant.Feedback, grant.Activity)}, 90*day)
	token(34*day, authority.NewToken{Description: "Support desk assistant", Permission: authority.Global, Scopes: find | grant.ScopesOf(grant.Summarize)}, 90*day)
	token(22*day, authority.NewToken{Description: "MCP for the firmware team", Permission: authority.User, User: jonas, Scopes: grant.ScopesOf(grant.MCP, grant.Search, grant.Tools)}, 120*day)
	token(203*day, authority.NewToken{Description: "Public manual search", Permission: authority.Anonymous, Scopes: grant.ScopesOf(grant.Search)}, 0)
	token(1*day, authority.NewToken{Description: "Onboarding guide", Permission: authority.User, User: priya, Scopes: grant.AllScopes}, 90*day)
	token(60*day, authority.NewToken{Description: "Kit’s notebook", Permission: authority.User, User: gone.Email, Scopes: find}, 365*day)
	token(120*day, authority.NewToken{Description: "Quarterly export", Permission: authority.User, User: mira, Scopes: grant.ScopesOf(grant.Insights)}, 30*day)
	old := token(86*day, authority.NewToken{Description: "Trial connector", Permission: authority.Global, Scopes: grant.ScopesOf(grant.Search, grant.People)}, 91*day)
	w.clock.set(today.Add(-80 * day))
	fatal(w.t, w.authority.RevokeToken(ctx, host, old.ID))

	index := func(ago time.Duration, n authority.NewIndexingToken, life time.Duration) {
		w.t.Helper()
		w.clock.set(today.Add(-ago))
		n.Expires = today.Add(life - ago)
		_, _, err := w.authority.CreateIndexingToken(ctx, host, n)
		fatal(w.t, err)
	}
	index(20*day, authority.NewIndexingToken{Description: "Field wiki upload", Datasources: []string{"wiki"}, Addresses: []string{"10.20.0.0/16"}, PeriodMinutes: 30 * 1440}, 365*day)
	index(9*day, authority.NewIndexingToken{Description: "Shared drive crawler", Datasources: []string{"drive", "tickets"}, Addresses: []string{"10.20.4.11", "2001:db8::/48"}, PeriodMinutes: 7 * 1440}, 365*day)
	index(360*day, authority.NewIndexingToken{Description: "People directory sync"}, 365*day)

	w.clock.set(today)
	inactive := false
	_, err := w.authority.UpdatePerson(ctx, host, gone.ID, directory.Patch{Active: &inactive})
	fatal(w.t, err)
	_, err = w.authority.CreateLink(ctx, host, "tomasz.wrona@quillmere.example")
	fatal(w.t, err)
	w.search.answer = sampleSearch
}

// TestEveryPage follows every link that each role is shown, from the search page and the console on,
// and holds each page to the rules of the house.
func TestEveryPage(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.oauth.kept = oauth.Settings{Enabled: true, Providers: []oauth.Provider{workProvider()}}
	for _, who := range []struct {
		email string
		least int // pages that must have been found
	}{{mira, 60}, {jonas, 40}, {priya, 15}, {omar, 4}} {
		t.Run(who.email, func(t *testing.T) {
			b := w.as(who.email)
			b.w.t = t
			queue := []string{"/", "/?q=anemometer+calibration", "/?q=nothing+at+all", "/?q=x&f.app=wiki&f.app=gone"}
			if who.email != omar {
				queue = append(queue, "/admin/")
			}
			seen, explained := map[string]bool{}, 0
			for len(queue) > 0 {
				path := queue[0]
				queue = queue[1:]
				if seen[path] || len(seen) > 600 {
					continue
				}
				seen[path] = true
				if strings.HasPrefix(path, pathWhy+"?") {
					if explained++; explained > 8 { // every result leads to one
						continue
					}
				}
				d := b.get(path).want(http.StatusOK)
				if !strings.HasPrefix(d.header.Get("Content-Type"), "text/html") {
					continue
				}
				checkPage(t, d)
				each(d.root, func(n *html.Node) {
					if href := attr(n, "href"); n.Data == "a" && strings.HasPrefix(href, "/") {
						href, _, _ = strings.Cut(href, "#")
						if href != "" {
							queue = append(queue, href)
						}
					}
				})
			}
			if len(seen) < who.least {
				t.Errorf("followed %d links as %s, want at least %d", len(seen), who.email, who.least)
			}
			t.Logf("%d pages", len(seen))
		})
	}
}

// checkPage holds a page to the rules that need no judgement.
func checkPage(t *testing.T, d *doc) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s", d.path, fmt.Sprintf(format, args...))
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8",
	} {
		if got := d.header.Get(name); got != want {
			fail("%s = %q, want %q", name, got, want)
		}
	}
	ids := map[string]bool{}
	labels := map[string]bool{}
	n := map[string]int{}
	each(d.root, func(e *html.Node) {
		if e.Namespace == "" { // a picture's parts have titles of their own
			n[e.Data]++
		}
		if id := attr(e, "id"); id != "" {
			if ids[id] {
				fail("the id %q is there twice", id)
			}
			ids[id] = true
		}
		if e.Data == "label" {
			labels[attr(e, "for")] = true
		}
	})
	for element, want := range map[string]int{"h1": 1, "main": 1, "title": 1, "style": 0} {
		if n[element] != want {
			fail("%d of <%s>, want %d", n[element], element, want)
		}
	}
	if page := find(d.root, func(e *html.Node) bool { return e.Data == "html" }); attr(page, "lang") != "en" {
		fail("no language")
	}
	each(d.root, func(e *html.Node) {
		for _, a := range e.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				fail("<%s %s>", e.Data, a.Key)
			}
			switch a.Key {
			case "aria-labelledby", "aria-describedby", "from", "count":
				for _, id := range strings.Fields(a.Val) {
					if (a.Key == "from" || a.Key == "count") && !strings.HasPrefix(e.Data, "sheaf-") {
						continue
					}
					if !ids[id] {
						fail("%s names %q, which is not there", a.Key, id)
					}
				}
			}
		}
		checkElement(e, labels, ids, fail)
	})
}

func checkElement(e *html.Node, labels, ids map[string]bool, fail func(string, ...any)) {
	name := squeeze(text(e)) + attr(e, "aria-label") + attr(e, "aria-labelledby")
	switch e.Data {
	case "script":
		if attr(e, "src") == "" || text(e) != "" {
			fail("a script in the page")
		}
	case "a":
		if href := attr(e, "href"); href == "" || href == "#" || strings.HasSuffix(href, ".html") {
			fail("a link to %q", href)
		}
		if href := attr(e, "href"); strings.HasPrefix(href, "#") && !ids[href[1:]] {
			fail("a link to %q, which is not there", href)
		}
		if name == "" {
			fail("a link without a name to %s", attr(e, "href"))
		}
	case "button", "summary":
		if name == "" {
			fail("a %s without a name", e.Data)
		}
	case "input", "select", "textarea":
		if attr(e, "type") == "hidden" {
			return
		}
		inLabel := false
		for p := e.Parent; p != nil; p = p.Parent {
			inLabel = inLabel || p.Data == "label"
		}
		if !inLabel && !labels[attr(e, "id")] && attr(e, "aria-label") == "" {
			fail("the field %q has no label", attr(e, "name"))
		}
	case "form":
		csrf := find(e, func(n *html.Node) bool { return attr(n, "name") == "csrf" })
		if attr(e, "method") == "post" && attr(e, "action") != "/signin" && (csrf == nil || attr(csrf, "value") == "") {
			fail("the form that posts to %s carries no CSRF token", attr(e, "action"))
		}
		if attr(e, "method") == "get" && csrf != nil {
			fail("the form that gets %s puts the CSRF token into an address", attr(e, "action"))
		}
		if attr(e, "action") == "" {
			fail("a form without an action")
		}
	case "svg":
		if attr(e, "aria-hidden") != "true" && attr(e, "role") != "img" {
			fail("a picture that is neither hidden nor named")
		}
	case "th":
		if !slices.Contains([]string{"col", "row", "rowgroup"}, attr(e, "scope")) {
			fail("a head without scope: %s", name)
		}
	case "table":
		if find(e, func(n *html.Node) bool { return n.Data == "caption" }) == nil {
			fail("a table without caption")
		}
	case "dialog", "section", "nav", "aside":
		if attr(e, "aria-label")+attr(e, "aria-labelledby") == "" && !(e.Data == "section" && e.Parent.Data == "sheaf-tabs") {
			fail("a %s without a name", e.Data)
		}
	}
}
