package server_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// credential is what a caller shows.
type credential uint8

const (
	worthless   credential = iota // nothing, rubbish, or what has ended
	issued                        // a client token
	web                           // a token for web pages
	federated                     // an OAuth access token
	foreign                       // one of an issuer or client that is not configured
	uploader                      // an indexing token
	provisioner                   // a SCIM token
	visitor                       // a session
)

// lockCaller is one kind of caller, described in the words of the design and of nothing else: what follows for an operation is
// worked out by lockCaller.stands.
type lockCaller struct {
	name, token string
	headers     []string
	is          credential
	permission  grant.Kind // of a client token
	scopes      grant.Scopes
	typed       bool     // as OAuth, by X-Glean-Auth-Type
	actAs       actingAs // what the ActAs headers say
	twoTypes    bool     // X-Glean-Auth-Type came twice
	metadata    bool     // of an indexing token: it is for the datasource x and all custom metadata, and not for every datasource
}

// actingAs is what the ActAs headers of a request say.
type actingAs uint8

const (
	absent     actingAs = iota // or empty
	somebody                   // an active person
	nobody                     // an address without an active person
	unreadable                 // malformed, twice, or two that differ
)

// outcome is an answer. Its zero value is that the operation opens.
type outcome struct {
	status int
	says   string
	inside bool // the operation's own refusal: the lock opens
}

// lockOp is an operation as the outside API has it; for sheaf's own APIs, as the family has it.
type lockOp struct {
	method, path string
	family       rpc.Family
	scope        grant.Scope
	anonymous    bool
}

// stands is the table of situations of the design (section 2).
func (c *lockCaller) stands(op lockOp) outcome {
	refused := outcome{status: http.StatusUnauthorized}
	switch op.family {
	case rpc.IndexingAPI, rpc.SCIMAPI:
		want := uploader
		if op.family == rpc.SCIMAPI {
			want = provisioner
		}
		switch {
		case c.is == worthless && c.twoTypes:
			return refused
		case c.twoTypes:
			return outcome{status: http.StatusBadRequest}
		case c.is != want || c.typed:
			return refused
		case c.actAs != absent:
			return outcome{status: http.StatusBadRequest}
		case strings.Contains(op.path, "/custom-metadata/") && !c.metadata:
			return outcome{http.StatusUnauthorized, "custommetadata:", true}
		case op.path == "/api/index/v1/processallemployeesandteams" && c.metadata: // which is about every datasource
			return outcome{status: http.StatusForbidden, inside: true}
		}
		return outcome{}
	case rpc.AdminAPI:
		if c.is == visitor {
			return outcome{}
		}
		return refused
	}
	if c.twoTypes {
		return outcome{status: http.StatusBadRequest}
	}
	switch c.is {
	case issued, web:
		if c.typed {
			return refused
		}
	case federated, foreign:
		if !c.typed {
			return refused
		}
	default:
		return refused
	}
	if c.is == foreign {
		return outcome{status: http.StatusForbidden}
	}
	global := c.is == issued && c.permission == grant.Global
	switch {
	case c.actAs == unreadable, !global && c.actAs != absent:
		return outcome{status: http.StatusBadRequest}
	case global && c.actAs == absent:
		return outcome{status: http.StatusBadRequest, says: "Required header missing: X-Glean-ActAs"}
	case global && c.actAs == nobody:
		return outcome{status: http.StatusUnauthorized, says: "Invalid identity"}
	}
	scope := outcome{status: http.StatusForbidden, says: op.scope.String()}
	if !c.scopes.Has(op.scope) {
		return scope
	}
	if c.permission == grant.Anonymous && !op.anonymous {
		return scope
	}
	switch {
	case op.path == "/rest/api/v1/adminsearch" && global: // for Super Admins in person (docs/compatibility.md)
		return scope
	case op.path == "/rest/api/v1/adminsearch" && c.is == web, // and such a token has no role
		op.path == "/rest/api/v1/createauthtoken" && c.is != issued: // the end of the one that makes it could not be seen
		return outcome{status: http.StatusForbidden, inside: true}
	}
	return outcome{}
}

// lockOps are the operations of the contract, and of the two APIs that are sheaf's own.
func lockOps(s *sheaftest.Server) []lockOp {
	var list []lockOp
	for _, op := range contract.Operations() {
		o := lockOp{method: op.Method, path: op.Path, family: rpc.FamilyOf(op.Path), scope: op.Scope}
		o.anonymous = op.Anonymous == contract.Yes
		list = append(list, o)
	}
	for _, op := range s.Operations() {
		if own := op.Family == rpc.AdminAPI || op.Family == rpc.SCIMAPI; own && op.Method+" "+op.Path != "POST /api/admin/v1/session" { // which is signing in
			list = append(list, lockOp{method: op.Method, path: op.Path, family: op.Family})
		}
	}
	return list
}

// TestLock crosses each operation with every kind of caller. What must not open it is refused before a byte of the body is read, all that
// does not hold with the same words; what must open it does.
func TestLock(t *testing.T) {
	clock := time.Now()
	s := sheaftest.Open(t, func(cfg *server.Config) {
		cfg.Now, cfg.Outbound.Development = func() time.Time { return clock }, true
		cfg.WebTokenLife = 24 * time.Hour
		cfg.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" // for the secret of the provider of opaque tokens
	})
	callers := lockCallers(t, s)
	clock = clock.Add(2 * time.Hour) // past the end of what is meant to end
	ops := lockOps(s)
	if served := len(s.Operations()) - 1; len(ops) != served {
		t.Errorf("%d operations are crossed, the server has %d beside signing in", len(ops), served)
	}
	opened := map[string]int{}
	for _, op := range ops {
		t.Run(op.method+op.path, func(t *testing.T) {
			said := ""
			for i := range callers {
				c := &callers[i]
				want := c.stands(op)
				if want == (outcome{}) {
					opened[c.name]++
				}
				said = cross(t, s, op, c, want, said)
			}
		})
	}
	all := "USER with " + grant.AllScopes.String()
	for name, least := range map[string]int{all: 100, "OAuth": 100, "opaque OAuth": 40, "a web token": 5, "an indexing token": 40, "a SCIM token": 15, "a session": 30} {
		if opened[name] < least {
			t.Errorf("%s opens %d operations, want %d at least", name, opened[name], least)
		}
	}
	if opened["ANONYMOUS"] != 2 {
		t.Errorf("ANONYMOUS opens %d operations, want search and autocomplete", opened["ANONYMOUS"])
	}
	t.Logf("%d operations, %d callers", len(ops), len(callers))
}

// cross sends one request. said is how this operation refused a token before, "" where it has not; it returns the same for the next.
func cross(t *testing.T, s *sheaftest.Server, op lockOp, c *lockCaller, want outcome, said string) string {
	t.Helper()
	path := wildcard.ReplaceAllString(op.path, "x")
	if want == (outcome{}) || want.inside {
		body, headers := "!", c.headers // which no operation takes, so nothing is changed
		if want.inside {
			body = `{"query":"x"}`
		}
		if c.is == visitor && op.method+op.path == "DELETE/api/admin/v1/session" {
			headers = s.SignIn(lockPerson).Headers() // which ends
		}
		a := s.Do(op.method, path, c.token, body, headers...)
		opens := a.Status != 401 && a.Status != 403 && a.Status < 500 && !strings.Contains(a.Body, "ActAs")
		if want.inside && (a.Status != want.status || !strings.Contains(a.Body, want.says)) || !want.inside && !opens {
			t.Errorf("%s: %d %q, want %s", c.name, a.Status, a.Body, want)
		}
		return said
	}
	a := s.Do(op.method, path, c.token, refusing{t}, c.headers...)
	if a.Status != want.status {
		t.Errorf("%s: %d %q, want %s", c.name, a.Status, a.Body, want)
		return said
	}
	challenge := a.Header.Get("WWW-Authenticate")
	if !strings.Contains(a.Body+challenge, want.says) {
		t.Errorf("%s: %q, %q, want %s", c.name, a.Body, challenge, want)
	}
	if a.Status != 401 {
		return said
	}
	wantChallenge := "Bearer"
	switch op.family {
	case rpc.ClientAPI, rpc.PlatformAPI: // which take OAuth access tokens
		wantChallenge += ` resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"`
	case rpc.AdminAPI: // which takes no tokens
		wantChallenge = ""
	}
	if challenge != wantChallenge {
		t.Errorf("%s: WWW-Authenticate = %q, want %q", c.name, challenge, wantChallenge)
	}
	if want.says != "" {
		return said
	}
	words := strings.ReplaceAll(a.Body, a.Header.Get("X-Request-Id"), "")
	if said != "" && words != said {
		t.Errorf("%s: %q, other words than %q", c.name, words, said)
	}
	return words
}

func (o outcome) String() string {
	if o.status == 0 {
		return "that it opens"
	}
	return fmt.Sprintf("%d %s", o.status, o.says)
}

const (
	lockPerson = "ada@quillmere.example" // a Super Admin, so that no want of power stands in for the lock
	lockLeaver = "gone@quillmere.example"
)

// lockCallers makes one caller of every kind.
func lockCallers(t *testing.T, s *sheaftest.Server) []lockCaller {
	t.Helper()
	s.Person(lockPerson, grant.RoleSuperAdmin)
	s.Person(lockLeaver, grant.RoleMember)
	list := issuedCallers(t, s)
	list = append(list, oauthCallers(t, s)...)
	list = append(list, otherCallers(t, s)...)
	s.Must("GET", "/liveness_check", "", nil)
	deactivate(t, s, lockLeaver)
	return list
}

// issuedCallers are client tokens of each permission with each scope alone, with all but it, and with all.
func issuedCallers(t *testing.T, s *sheaftest.Server) []lockCaller {
	t.Helper()
	const actAs, kind = "X-Glean-ActAs", "X-Glean-Auth-Type"
	ada := []string{actAs, lockPerson}
	var list []lockCaller
	add := func(name, secret string, permission grant.Kind, scopes grant.Scopes, headers []string, more lockCaller) {
		more.name, more.token, more.headers, more.is, more.permission, more.scopes = name, secret, headers, issued, permission, scopes
		list = append(list, more)
	}
	token := func(permission authority.Permission, user string, scopes grant.Scopes) string {
		_, secret, err := s.Authority.CreateToken(t.Context(), s.Authority.Maintenance(), authority.NewToken{Description: "x", Permission: permission, User: user, Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return secret.Reveal()
	}
	sets := []grant.Scopes{grant.AllScopes}
	for scope := range grant.AllScopes.All() {
		sets = append(sets, grant.ScopesOf(scope), grant.AllScopes&^grant.ScopesOf(scope))
	}
	for _, set := range sets {
		add("USER with "+set.String(), token(authority.User, lockPerson, set), grant.User, set, nil, lockCaller{})
		add("GLOBAL with "+set.String(), token(authority.Global, "", set), grant.Global, set, ada, lockCaller{actAs: somebody})
	}
	anonymous := token(authority.Anonymous, "", grant.ScopesOf(grant.Search))
	add("ANONYMOUS", anonymous, grant.Anonymous, grant.ScopesOf(grant.Search), nil, lockCaller{})
	add("ANONYMOUS with ActAs", anonymous, grant.Anonymous, grant.ScopesOf(grant.Search), ada, lockCaller{actAs: somebody})
	user, global := token(authority.User, lockPerson, grant.AllScopes), token(authority.Global, "", grant.AllScopes)
	for name, c := range map[string]struct {
		headers []string
		actAs   actingAs
	}{
		"without ActAs":           {nil, absent},
		"with an empty ActAs":     {[]string{actAs, " "}, absent},
		"as a stranger":           {[]string{actAs, "nobody@quillmere.example"}, nobody},
		"as someone who left":     {[]string{actAs, lockLeaver}, nobody},
		"with two ActAs":          {append(ada, ada...), unreadable},
		"with two that differ":    {append(ada, "X-Scio-ActAs", "eve@quillmere.example"), unreadable},
		"with a malformed ActAs":  {[]string{actAs, "ada"}, unreadable},
		"with another spelling":   {[]string{"X-Glean-Act-As", " ADA@quillmere.example"}, somebody},
		"with an older spelling":  {[]string{"X-Scio-ActAs", lockPerson}, somebody},
		"with an address and its": {append(ada, "X-Scio-ActAs", "Ada@quillmere.example"), somebody},
	} {
		add("GLOBAL "+name, global, grant.Global, grant.AllScopes, c.headers, lockCaller{actAs: c.actAs})
		add("USER "+name, user, grant.User, grant.AllScopes, c.headers, lockCaller{actAs: c.actAs})
	}
	typed := []string{kind, "OAUTH"}
	add("USER typed as OAuth", user, grant.User, grant.AllScopes, typed, lockCaller{typed: true})
	add("USER typed as oauth, with spaces", user, grant.User, grant.AllScopes, []string{kind, " oauth "}, lockCaller{typed: true})
	add("GLOBAL typed as OAuth", global, grant.Global, grant.AllScopes, append(typed, ada...), lockCaller{typed: true, actAs: somebody})
	add("ANONYMOUS typed as OAuth", anonymous, grant.Anonymous, grant.ScopesOf(grant.Search), typed, lockCaller{typed: true})
	add("USER with two types", user, grant.User, grant.AllScopes, append(typed, typed...), lockCaller{twoTypes: true})
	for _, other := range []string{"BEARER", "GLOBAL", ""} { // which clients in use send with issued tokens
		add("USER typed as "+other, user, grant.User, grant.AllScopes, []string{kind, other}, lockCaller{})
	}
	return list
}

// otherCallers are whoever shows something else than a client token or an OAuth access token that holds.
func otherCallers(t *testing.T, s *sheaftest.Server) []lockCaller {
	t.Helper()
	ctx, host := t.Context(), s.Authority.Maintenance()
	typed, ada := []string{"X-Glean-Auth-Type", "OAUTH"}, []string{"X-Glean-ActAs", lockPerson}
	user, ended := s.As(lockPerson), s.Indexing() // which ends after an hour
	_, made, err := s.Authority.CreateSCIMToken(ctx, host, authority.NewSCIMToken{Description: "x"})
	if err != nil {
		t.Fatal(err)
	}
	scim := made.Reveal()
	indexing := func(n authority.NewIndexingToken) string {
		n.Description, n.Expires = "x", time.Now().Add(24*time.Hour)
		_, secret, err := s.Authority.CreateIndexingToken(ctx, host, n)
		if err != nil {
			t.Fatal(err)
		}
		return secret.Reveal()
	}
	whole := indexing(authority.NewIndexingToken{})
	narrow := indexing(authority.NewIndexingToken{Datasources: []string{"x"}, Scopes: []string{"custommetadata:global_scope"}})
	_, made, err = s.Authority.CreateToken(ctx, host, authority.NewToken{
		Description: "ends", Permission: authority.User, User: lockPerson, Scopes: grant.AllScopes, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	expired := made.Reveal()
	revoked, revokedSecret := s.Token(authority.User, lockPerson)
	if err := s.Authority.RevokeToken(ctx, host, revoked.ID); err != nil {
		t.Fatal(err)
	}
	link, err := s.Authority.CreateLink(ctx, host, lockLeaver)
	if err != nil {
		t.Fatal(err)
	}
	session, elsewhere := s.SignIn(lockPerson), sheaftest.Open(t)
	_, sessionSecret, _ := strings.Cut(session.Cookie, "=")
	webToken := newWebToken(t, s, user).Token
	bearer := func(scheme, token string) []string { return []string{"Authorization", scheme + token} }
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+user))
	return []lockCaller{
		{name: "no token"},
		{name: "no token, typed as OAuth", headers: typed},
		{name: "no token, with ActAs", headers: ada},
		{name: "rubbish", token: "rubbish"},
		{name: "a cut token", token: user[:len(user)-1]},
		{name: "a token of another product", token: "glean_0123456789abcdef"},
		{name: "a changed token", token: changed(user)},
		{name: "a token of another sheaf", token: elsewhere.As("admin@localhost")},
		{name: "an indexing token of another sheaf", token: elsewhere.Indexing()},
		{name: "a revoked token", token: revokedSecret},
		{name: "an expired token", token: expired},
		{name: "an expired indexing token", token: ended},
		{name: "a token of someone who left", token: s.As(lockLeaver)},
		{name: "two tokens", token: user, headers: bearer("Bearer ", user)},
		{name: "two indexing tokens", token: whole, headers: bearer("Bearer ", whole)},
		{name: "two SCIM tokens", token: scim, headers: bearer("Bearer ", scim)},
		{name: "a token with two spaces", headers: bearer("Bearer  ", user)},
		{name: "a token without a scheme", headers: bearer("", user)},
		{name: "a token as a password", headers: bearer("", basic)},
		{name: "a token in a cookie", headers: []string{"Cookie", "sheaf=" + user}},
		{name: "a changed web token", token: changed(webToken)},
		{name: "a changed indexing token", token: changed(whole)},
		{name: "a changed SCIM token", token: changed(scim)},
		{name: "a session as a token", token: sessionSecret},
		{name: "a sign-in link as a token", token: link.Code.Reveal()},
		{name: "a CSRF token alone", headers: []string{"X-CSRF-Token", session.CSRF}},
		{name: "a session beside a token", token: user, headers: append(session.Headers(), typed...), is: worthless},
		{name: "a web token", token: webToken, is: web, scopes: grant.ScopesOf(grant.Search)},
		{name: "a web token with ActAs", token: webToken, headers: ada, is: web, scopes: grant.ScopesOf(grant.Search), actAs: somebody},
		{name: "a web token typed as OAuth", token: webToken, headers: typed, is: web, typed: true},
		{name: "an indexing token", token: whole, is: uploader},
		{name: "an indexing token for one datasource and metadata", token: narrow, is: uploader, metadata: true},
		{name: "an indexing token with ActAs", token: whole, headers: ada, is: uploader, actAs: somebody},
		{name: "an indexing token typed as OAuth", token: whole, headers: typed, is: uploader, typed: true},
		{name: "a SCIM token", token: scim, is: provisioner},
		{name: "a SCIM token with ActAs", token: scim, headers: ada, is: provisioner, actAs: somebody},
		{name: "a SCIM token typed as OAuth", token: scim, headers: typed, is: provisioner, typed: true},
		{name: "a session", headers: session.Headers(), is: visitor},
	}
}
