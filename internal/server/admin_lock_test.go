package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// lockCase is a request that must be refused.
type lockCase struct {
	name, token string
	headers     []string
	status      int
}

// TestAdminLock crosses each operation of the admin API with every request that must not open it. Nothing of a body is read.
func TestAdminLock(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	s.Person("ada@quillmere.example", grant.RoleSuperAdmin)
	ada, other, ended := s.SignIn("ada@quillmere.example"), s.SignIn("ada@quillmere.example"), s.SignIn("ada@quillmere.example")
	s.Must("DELETE", "/api/admin/v1/session", "", nil, ended.Headers()...)
	token, indexing := s.As("ada@quillmere.example"), s.Indexing()
	cookie, csrf := []string{"Cookie", ada.Cookie}, []string{"X-CSRF-Token", ada.CSRF}
	cases := []lockCase{
		{name: "nothing", status: 401},
		{name: "a CSRF token alone", headers: csrf, status: 401},
		{name: "a client token", token: token, status: 401},
		{name: "a client token beside the session", token: token, headers: ada.Headers(), status: 401},
		{name: "an indexing token", token: indexing, status: 401},
		{name: "a session that has ended", headers: ended.Headers(), status: 401},
		{name: "a changed session", headers: append([]string{"Cookie", changed(ada.Cookie)}, csrf...), status: 401},
		{name: "two session cookies", headers: append([]string{"Cookie", ada.Cookie + "; " + other.Cookie}, csrf...), status: 401},
		{name: "the secret of a client token as session", headers: append([]string{"Cookie", "sheaf=" + token}, csrf...), status: 401},
	}
	changing := []lockCase{
		{name: "no CSRF token", headers: cookie, status: 403},
		{name: "an empty CSRF token", headers: slices.Concat(cookie, []string{"X-CSRF-Token", ""}), status: 403},
		{name: "a changed CSRF token", headers: slices.Concat(cookie, []string{"X-CSRF-Token", changed(ada.CSRF)}), status: 403},
		{name: "the CSRF token of another session", headers: slices.Concat(cookie, []string{"X-CSRF-Token", other.CSRF}), status: 403},
		{name: "the CSRF token twice", headers: slices.Concat(cookie, csrf, csrf), status: 403},
		{name: "a foreign Origin", headers: slices.Concat(cookie, csrf, []string{"Origin", "https://elsewhere.example"}), status: 403},
		{name: "the Origin null", headers: slices.Concat(cookie, csrf, []string{"Origin", "null"}), status: 403},
		{name: "another port of this host", headers: slices.Concat(cookie, csrf, []string{"Origin", "http://127.0.0.1:9"}), status: 403},
		{name: "from another site", headers: slices.Concat(cookie, csrf, []string{"Sec-Fetch-Site", "cross-site"}), status: 403},
		{name: "from another host of this site", headers: slices.Concat(cookie, csrf, []string{"Sec-Fetch-Site", "same-site"}), status: 403},
	}
	crossed := 0
	for _, op := range s.Operations() {
		if op.Family != rpc.AdminAPI || op.Bare {
			continue
		}
		crossed++
		path := wildcard.ReplaceAllString(op.Path, "x")
		list := cases
		if op.Method != "GET" {
			list = slices.Concat(cases, changing)
		}
		for _, c := range list {
			if a := s.Do(op.Method, path, c.token, refusing{t}, c.headers...); a.Status != c.status {
				t.Errorf("%s %s with %s: %d %q, want %d", op.Method, op.Path, c.name, a.Status, a.Body, c.status)
			}
		}
	}
	if crossed < 15 {
		t.Errorf("%d operations were crossed, want all of the admin API", crossed)
	}
	if a := s.Do("GET", "/api/admin/v1/session", "", nil, cookie...); a.Status != 200 {
		t.Errorf("the session does not open anything any more: %d %s", a.Status, a.Body)
	}
	if a := s.Do("POST", "/api/admin/v1/session", "", `{"code":"x"}`, "Origin", "https://elsewhere.example"); a.Status != 403 {
		t.Errorf("signing in from another site = %d, want 403", a.Status)
	}
}

// office is a server with somebody of each role, for TestAdminRoles.
type office struct {
	*sheaftest.Server
	t *testing.T
	n int // requests so far, so that each makes something new
}

// asked is a request of the admin API with what it needs to succeed for a Super Admin.
type asked struct{ about, method, path, body string }

// requests returns every operation of the admin API as email would ask it.
func (o *office) requests(email string) []asked {
	o.t.Helper()
	o.n++
	ctx, server := o.t.Context(), o.Authority.Maintenance()
	id := func(permission authority.Permission, user string) string {
		token, _ := o.Token(permission, user, grant.Search)
		return token.ID
	}
	indexing := func() string {
		token, _, err := o.Authority.CreateIndexingToken(ctx, server, authority.NewIndexingToken{Description: "x", Expires: time.Now().Add(time.Hour)})
		if err != nil {
			o.t.Fatal(err)
		}
		return token.ID
	}
	scim := func() string {
		token, _, err := o.Authority.CreateSCIMToken(ctx, server, authority.NewSCIMToken{Description: "x"})
		if err != nil {
			o.t.Fatal(err)
		}
		return token.ID
	}
	group, err := o.People.ProvisionGroup(ctx, directory.ProvisionedGroup{Name: fmt.Sprint("Owners ", o.n)})
	if err != nil {
		o.t.Fatal(err)
	}
	const root = "/api/admin/v1"
	const target = "target@quillmere.example"
	return []asked{
		{"who am I", "GET", root + "/session", ""},
		{"list tokens", "GET", root + "/tokens", ""},
		{"make a USER token for oneself", "POST", root + "/tokens", `{"description":"x","permission":"USER","scopes":["SEARCH"],"userEmail":"` + email + `"}`},
		{"make a USER token for another", "POST", root + "/tokens", `{"description":"x","permission":"USER","scopes":["SEARCH"],"userEmail":"` + target + `"}`},
		{"make a GLOBAL token", "POST", root + "/tokens", `{"description":"x","permission":"GLOBAL","scopes":["SEARCH"]}`},
		{"make an ANONYMOUS token", "POST", root + "/tokens", `{"description":"x","permission":"ANONYMOUS","scopes":["SEARCH"]}`},
		{"read another's token", "GET", root + "/tokens/" + id(authority.User, target), ""},
		{"revoke one's own token", "DELETE", root + "/tokens/" + id(authority.User, email), ""},
		{"revoke another's USER token", "DELETE", root + "/tokens/" + id(authority.User, target), ""},
		{"revoke a GLOBAL token", "DELETE", root + "/tokens/" + id(authority.Global, ""), ""},
		{"revoke an ANONYMOUS token", "DELETE", root + "/tokens/" + id(authority.Anonymous, ""), ""},
		{"list indexing tokens", "GET", root + "/indexing-tokens", ""},
		{"make an indexing token", "POST", root + "/indexing-tokens", fmt.Sprintf(`{"description":"x","expiresAt":%d}`, time.Now().Add(time.Hour).Unix())},
		{"read an indexing token", "GET", root + "/indexing-tokens/" + indexing(), ""},
		{"revoke an indexing token", "DELETE", root + "/indexing-tokens/" + indexing(), ""},
		{"list SCIM tokens", "GET", root + "/scim-tokens", ""},
		{"make a SCIM token", "POST", root + "/scim-tokens", `{"description":"x"}`},
		{"read a SCIM token", "GET", root + "/scim-tokens/" + scim(), ""},
		{"revoke a SCIM token", "DELETE", root + "/scim-tokens/" + scim(), ""},
		{"list provisioned groups", "GET", root + "/groups", ""},
		{"give a group a role", "PATCH", root + "/groups/" + group.ID, `{"role":"ADMIN"}`},
		{"list people", "GET", root + "/users", ""},
		{"read a person", "GET", root + "/users/" + target, ""},
		{"add a member", "POST", root + "/users", fmt.Sprintf(`{"email":"member%d@quillmere.example","role":"MEMBER"}`, o.n)},
		{"add a Super Admin", "POST", root + "/users", fmt.Sprintf(`{"email":"super%d@quillmere.example","role":"SUPER_ADMIN"}`, o.n)},
		{"make somebody Super Admin", "PATCH", root + "/users/" + target, `{"role":"SUPER_ADMIN"}`},
		{"lower a Super Admin", "PATCH", root + "/users/" + o.person(grant.RoleSuperAdmin), `{"role":"MEMBER"}`},
		{"deactivate a member", "PATCH", root + "/users/" + o.person(grant.RoleMember), `{"active":false}`},
		{"invite a member", "POST", root + "/users/" + o.person(grant.RoleMember) + "/signin-link", ""},
		{"invite a Super Admin", "POST", root + "/users/" + o.person(grant.RoleSuperAdmin) + "/signin-link", ""},
		{"list datasources", "GET", root + "/datasources", ""},
		{"change a datasource", "PATCH", root + "/datasources/galley", `{"openToAnonymousTokens":true}`},
		{"list bulk uploads", "GET", root + "/uploads?datasource=galley", ""},
		{"drop a paused removal", "POST", fmt.Sprintf("%s/uploads/%d/removal", root, paused(o.t, o.Server, "galley")), `{"action":"drop"}`},
		{"ask why somebody sees a thing", "POST", root + "/why/access", `{"person":"` + target + `","document":"galley/menu/today"}`},
		{"the same by address", "GET", root + "/why/access?person=" + target + "&document=galley/menu/today", ""},
		{"ask why results stand there", "POST", root + "/why/rank", `{"query":"soup"}`},
		{"the same by address, of one", "GET", root + "/why/rank?query=soup&document=galley/menu/today", ""},
		{"ask that for somebody else", "POST", root + "/why/rank", `{"query":"soup","person":"` + target + `","document":"galley/menu/today"}`},
		{"read the audit log", "GET", root + "/audit", ""},
		{"read the settings of OAuth", "GET", root + "/oauth", ""},
		{"change the settings of OAuth", "PUT", root + "/oauth", `{"enabled":false,"providers":[]}`},
		{"test a token", "POST", root + "/oauth/test", `{"token":"x"}`},
		{"sign out", "DELETE", root + "/session", ""},
	}
}

func (o *office) person(role grant.Role) string {
	o.n++
	email := fmt.Sprintf("somebody%d@quillmere.example", o.n)
	o.Person(email, role)
	return email
}

// TestAdminRoles writes down which role opens what of the admin API. A change of power is a line in a diff.
func TestAdminRoles(t *testing.T) {
	t.Parallel()
	o := &office{Server: sheaftest.Open(t), t: t}
	o.Person("target@quillmere.example", grant.RoleMember)
	o.Must("POST", "/api/index/v1/adddatasource", o.Indexing(),
		`{"name":"galley","datasourceCategory":"KNOWLEDGE_HUB","urlRegex":"https://galley\\.example/.*"}`)
	o.Must("POST", "/api/index/v1/indexdocument", o.Indexing(),
		`{"document":{"datasource":"galley","objectType":"menu","id":"today","title":"Soup","viewURL":"https://galley.example/today","permissions":{"allowAnonymousAccess":true}}}`)
	roles := []grant.Role{grant.RoleMember, grant.RoleTokenCreator, grant.RoleAdmin, grant.RoleSuperAdmin}
	var names, lines []string
	statuses := map[string][]string{}
	seen := map[string]bool{}
	for _, role := range roles {
		email := o.person(role)
		session := o.SignIn(email)
		for _, q := range o.requests(email) {
			var body any
			if q.body != "" {
				body = q.body
			}
			a := o.Do(q.method, q.path, "", body, session.Headers()...)
			switch {
			case a.Status == 200, a.Status == 403, a.Status == 404:
			default:
				t.Errorf("%s as %s = %d %s", q.about, role, a.Status, a.Body)
			}
			if role == grant.RoleMember && a.Status == 200 && !strings.HasSuffix(q.path, "/session") {
				t.Errorf("a member may %s", q.about)
			}
			if statuses[q.about] == nil {
				names = append(names, q.about)
			}
			statuses[q.about] = append(statuses[q.about], fmt.Sprintf("%-5d", a.Status))
			path, _, _ := strings.Cut(q.path, "?")
			seen[q.method+" "+path] = true
		}
		// What was made Super Admin for this role is a member for the next.
		lowered := grant.RoleMember
		p := patch(nil)
		p.Role = &lowered
		if _, err := o.Authority.UpdatePerson(t.Context(), o.Authority.Maintenance(), "target@quillmere.example", p); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("%-32s %s", name, strings.TrimRight(strings.Join(statuses[name], " "), " ")))
	}
	for _, op := range o.Operations() {
		if op.Family == rpc.AdminAPI && !op.Bare && !asks(seen, op) {
			t.Errorf("%s %s is asked by nobody here", op.Method, op.Path)
		}
	}
	head := fmt.Sprintf("%-32s member, token creator, admin, super admin\n", "# who may")
	golden(t, "roles.golden", head+strings.Join(lines, "\n")+"\n")
}

// asks reports whether one of the requests was for op.
func asks(seen map[string]bool, op rpc.Operation) bool {
	want := strings.Split(op.Path, "/")
	for request := range seen {
		method, path, _ := strings.Cut(request, " ")
		got := strings.Split(path, "/")
		if method == op.Method && len(got) == len(want) && slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") }) {
			return true
		}
	}
	return false
}
