package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/grant"
)

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
