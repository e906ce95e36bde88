package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/oauth/oauthtest"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// openToAll is the role of pages that need none.
const openToAll grant.Role = 255

// lockPages are the pages with the least role that opens them (design, section 3).
func lockPages() map[string]grant.Role {
	pages := map[string]grant.Role{}
	for role, list := range map[grant.Role][]string{
		openToAll: {
			"/assets/", "/admin", "GET /signin", "POST /signin", "GET /signin/{provider}", "GET /signin/callback/{provider}", "/signin/",
		},
		grant.RoleMember: {"POST /signout", "POST /theme", "GET /{$}", "GET /suggest", "POST /viewed", "GET /help"},
		grant.RoleTokenCreator: {
			"GET /admin/{$}", "/admin/", "GET /admin/setup/tokens", "GET /admin/platform/tokenManagement", "GET /admin/platform/tokens", "POST /admin/platform/tokens",
			"GET /admin/platform/tokens/new", "GET /admin/platform/tokens/{id}/revoke", "POST /admin/platform/tokens/{id}/revoke",
		},
		grant.RoleAdmin: {
			"GET /admin/platform/indexing-tokens", "POST /admin/platform/indexing-tokens", "GET /admin/platform/indexing-tokens/new",
			"GET /admin/platform/indexing-tokens/{id}/revoke", "POST /admin/platform/indexing-tokens/{id}/revoke",
			"GET /admin/platform/oauth", "POST /admin/platform/oauth", "GET /admin/platform/oauth/new", "POST /admin/platform/oauth/test", "POST /admin/platform/oauth/providers",
			"GET /admin/platform/oauth/providers/{name}", "POST /admin/platform/oauth/providers/{name}",
			"GET /admin/platform/oauth/providers/{name}/remove", "POST /admin/platform/oauth/providers/{name}/remove",
			"GET /admin/people", "POST /admin/people", "GET /admin/people/new", "GET /admin/people/{id}/role", "POST /admin/people/{id}/role",
			"GET /admin/people/{id}/{verb}", "POST /admin/people/{id}/{verb}", "POST /admin/people/{id}/signin-link",
			"GET /admin/datasources", "GET /admin/datasources/{name}", "POST /admin/datasources/{name}", "POST /admin/datasources/{name}/testers",
			"POST /admin/datasources/{name}/uploads/{id}/{verb}", "GET /admin/audit", "GET /admin/why",
		},
		grant.RoleSuperAdmin: {
			"GET /admin/platform/provisioning", "POST /admin/platform/provisioning", "GET /admin/platform/provisioning/new", "GET /admin/platform/provisioning/{id}/revoke",
			"POST /admin/platform/provisioning/{id}/revoke", "GET /admin/platform/provisioning/groups/{id}/role", "POST /admin/platform/provisioning/groups/{id}/role",
		},
	} {
		for _, page := range list {
			pages[page] = role
		}
	}
	return pages
}

// TestPageLock crosses each page of the console with every kind of caller. No token opens one, whatever it is sent with; a session opens those of
// its role; and a post needs the session's own CSRF token, from a page of ours.
func TestPageLock(t *testing.T) {
	pages := lockPages()
	registered := registeredPages(t)
	for page := range pages {
		if !registered[page] {
			t.Errorf("the console has no page %s", page)
		}
	}
	for page := range registered {
		if _, known := pages[page]; !known {
			t.Errorf("nothing is said here of who may open %s", page)
		}
	}
	s := sheaftest.Open(t, func(cfg *server.Config) {
		cfg.Outbound.Development = true
		cfg.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	})
	callers := append(slices.DeleteFunc(lockCallers(t, s), func(c lockCaller) bool { return strings.Contains(c.name, "session") }), pageStrangers(t, s)...)
	roles := []grant.Role{grant.RoleMember, grant.RoleTokenCreator, grant.RoleAdmin, grant.RoleSuperAdmin}
	sessions := map[grant.Role]sheaftest.Session{}
	for _, role := range roles {
		email := strings.ToLower(role.String()) + "@quillmere.example"
		s.Person(email, role)
		sessions[role] = s.SignIn(email)
	}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		least := pages[page]
		if least == openToAll {
			continue
		}
		method, path, ok := strings.Cut(page, " ")
		if !ok {
			method, path = "GET", page+"nowhere"
		}
		path = wildcard.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "x")
		for _, c := range callers {
			a := s.Do(method, path, c.token, pageForm(method, ""), append(pageHeaders(method), c.headers...)...)
			if to := a.Header.Get("Location"); a.Status != 303 || to != "/signin" && !strings.HasPrefix(to, "/signin?next=") {
				t.Errorf("%s with %s: %d to %q, want to be led to the sign-in page", page, c.name, a.Status, to)
			}
		}
		for _, role := range roles {
			session := sessions[role]
			own := []string{"Cookie", session.Cookie}
			if role < least {
				a := s.Do(method, path, "", pageForm(method, session.CSRF), append(pageHeaders(method), own...)...)
				if a.Status != 403 {
					t.Errorf("%s as %s: %d, want 403", page, role, a.Status)
				}
				continue
			}
			if method == "GET" {
				if a := s.Do(method, path, "", nil, own...); a.Status == 403 || a.Status >= 500 || strings.HasPrefix(a.Header.Get("Location"), "/signin") {
					t.Errorf("%s as %s: %d %s", page, role, a.Status, a.Body)
				}
				continue
			}
			for about, c := range map[string][]string{
				"no CSRF token":                     {""},
				"a changed CSRF token":              {changed(session.CSRF)},
				"the CSRF token of another session": {sessions[roles[(slices.Index(roles, role)+1)%len(roles)]].CSRF},
				"a foreign Origin":                  {session.CSRF, "Origin", "https://elsewhere.example"},
				"the Origin null":                   {session.CSRF, "Origin", "null"},
				"another site":                      {session.CSRF, "Sec-Fetch-Site", "cross-site"},
				"another host of this site":         {session.CSRF, "Sec-Fetch-Site", "same-site"},
			} {
				a := s.Do(method, path, "", pageForm(method, c[0]), slices.Concat(pageHeaders(method), own, c[1:])...)
				if a.Status != 403 {
					t.Errorf("%s as %s with %s: %d, want 403", page, role, about, a.Status)
				}
			}
		}
	}
	for role, session := range sessions {
		if a := s.Do("GET", "/", "", nil, "Cookie", session.Cookie); a.Status != 200 {
			t.Errorf("the session as %s opens nothing any more: %d", role, a.Status)
		}
	}
}

// pageStrangers are cookies that are no session.
func pageStrangers(t *testing.T, s *sheaftest.Server) []lockCaller {
	t.Helper()
	s.Person("guest@quillmere.example", grant.RoleSuperAdmin)
	one, two, ended := s.SignIn("guest@quillmere.example"), s.SignIn("guest@quillmere.example"), s.SignIn("guest@quillmere.example")
	s.Must("DELETE", "/api/admin/v1/session", "", nil, ended.Headers()...)
	s.Person("leaver@quillmere.example", grant.RoleSuperAdmin)
	left := s.SignIn("leaver@quillmere.example")
	deactivate(t, s, "leaver@quillmere.example")
	link, err := s.Authority.CreateLink(t.Context(), s.Authority.Maintenance(), "guest@quillmere.example")
	if err != nil {
		t.Fatal(err)
	}
	_, global := s.Token(authority.Global, "")
	var list []lockCaller
	for name, cookie := range map[string]string{
		"a changed session": changed(one.Cookie), "two sessions": one.Cookie + "; " + two.Cookie, "a session that has ended": ended.Cookie,
		"a session of someone who left": left.Cookie, "a token as session": "sheaf=" + s.As("guest@quillmere.example"), "a GLOBAL token as session": "sheaf=" + global,
		"an indexing token as session": "sheaf=" + s.Indexing(), "a sign-in link as session": "sheaf=" + link.Code.Reveal(),
		"a session of another name": "__Host-" + one.Cookie, "an empty session": "sheaf=",
		"an access token as session": "sheaf=" + oauthtest.Sign(t, oauthtest.RSA(t, "one", 2048, 1), "RS256", oauthtest.Members{"alg": "RS256"}, oauthtest.Members{"email": "guest@quillmere.example"}),
	} {
		list = append(list, lockCaller{name: name, headers: []string{"Cookie", cookie, "X-CSRF-Token", one.CSRF}})
	}
	return list
}

func pageHeaders(method string) []string {
	if method == "GET" {
		return nil
	}
	return []string{"Content-Type", "application/x-www-form-urlencoded"}
}

// pageForm is the body of a post; a GET has none.
func pageForm(method, csrf string) any {
	if method == "GET" {
		return nil
	}
	return url.Values{"csrf": {csrf}}.Encode()
}

// registeredPages reads from the console's source which patterns it serves: a page that is added without a word on who may open it must fail.
func registeredPages(t *testing.T) map[string]bool {
	t.Helper()
	names, err := filepath.Glob("../console/*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("the console's source: %v", err)
	}
	constants, calls := map[string]ast.Expr{}, []*ast.CallExpr(nil)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, id := range n.Names {
					if i < len(n.Values) {
						constants[id.Name] = n.Values[i]
					}
				}
			case *ast.CallExpr:
				if len(n.Args) == 2 {
					calls = append(calls, n)
				}
			}
			return true
		})
	}
	var text func(e ast.Expr) (string, bool)
	text = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			return s, err == nil && e.Kind == token.STRING
		case *ast.Ident:
			return text(constants[e.Name])
		case *ast.BinaryExpr:
			left, okLeft := text(e.X)
			right, okRight := text(e.Y)
			return left + right, okLeft && okRight && e.Op == token.ADD
		}
		return "", false
	}
	pages := map[string]bool{}
	for _, call := range calls {
		name := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if !slices.Contains([]string{"open", "member", "creator", "admin", "page", "Handle", "HandleFunc"}, name) {
			continue
		}
		if pattern, ok := text(call.Args[0]); ok {
			pages[pattern] = true
		}
	}
	return pages
}
