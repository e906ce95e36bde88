package server_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestRoutes holds that every change of who may call what is a line in a diff.
func TestRoutes(t *testing.T) {
	var lines []string
	for _, op := range sheaftest.Open(t).Operations() {
		who := op.Kinds.String()
		switch {
		case op.Bare:
			who = "everybody"
		case !op.Built:
			who += " (not built)"
		}
		lines = append(lines, fmt.Sprintf("%-7s %-70s %-15s %s", op.Method, op.Path, op.Scope, who))
	}
	slices.Sort(lines)
	golden(t, "routes.golden", strings.Join(lines, "\n")+"\n")
}

// TestContract holds the operations that are built against the facts of the outside API.
func TestContract(t *testing.T) {
	differences := contract.Check(sheaftest.Open(t).Rooms())
	for _, d := range differences {
		t.Error(d)
	}
}

// refusing fails the test when a body is read.
type refusing struct{ t *testing.T }

func (r refusing) Read([]byte) (int, error) {
	r.t.Error("the body was read before the lock")
	return 0, io.EOF
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// TestLock crosses each operation with every credential that must not open it. Nothing of a body is read.
func TestLock(t *testing.T) {
	clock := time.Now()
	s := sheaftest.Open(t, func(cfg *server.Config) {
		cfg.Now, cfg.Outbound.Development = func() time.Time { return clock }, true
	})
	s.Person("ada@quillmere.example", grant.RoleMember)
	s.Person("gone@quillmere.example", grant.RoleMember)
	keys := newKeys(t, s)
	keys.oauth = newOAuthKeys(t, s)
	clock = clock.Add(2 * time.Hour) // past the end of keys.expired
	for _, op := range s.Operations() {
		if op.Family == rpc.AdminAPI {
			continue // sessions have a test of their own
		}
		t.Run(op.Method+op.Path, func(t *testing.T) {
			path := wildcard.ReplaceAllString(op.Path, "x")
			for _, c := range casesOf(op, keys) {
				a := s.Do(op.Method, path, c.token, refusing{t}, c.headers...)
				if a.Status != c.status {
					t.Errorf("%s: %d %q, want %d", c.name, a.Status, a.Body, c.status)
				}
				want := "Bearer"
				if op.Family == rpc.ClientAPI || op.Family == rpc.PlatformAPI { // which take OAuth access tokens
					want += ` resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"`
				}
				if challenge := a.Header.Get("WWW-Authenticate"); c.status == 401 && challenge != want {
					t.Errorf("%s: WWW-Authenticate = %q, want %q", c.name, challenge, want)
				}
				if c.status == 403 && !strings.Contains(a.Body+a.Header.Get("WWW-Authenticate"), op.Scope.String()) {
					t.Errorf("%s: %q does not name the scope %s", c.name, a.Body, op.Scope)
				}
				if c.says != "" && !strings.Contains(a.Body, c.says) {
					t.Errorf("%s: %q, want %q", c.name, a.Body, c.says)
				}
			}
		})
	}
}

type keys struct {
	user, global, anonymous map[bool]map[grant.Scope]string // by whether the token has the scope
	expired, revoked, gone  string
	indexing, scim          string
	oauth                   oauthKeys
}

// newKeys makes a token of each permission with each scope alone, and with all but it.
func newKeys(t *testing.T, s *sheaftest.Server) keys {
	t.Helper()
	two := func() map[bool]map[grant.Scope]string { return map[bool]map[grant.Scope]string{true: {}, false: {}} }
	k := keys{user: two(), global: two(), anonymous: two(), indexing: s.Indexing()}
	for scope := range grant.AllScopes.All() {
		var others []grant.Scope
		for other := range grant.AllScopes.All() {
			if other != scope {
				others = append(others, other)
			}
		}
		_, k.user[true][scope] = s.Token(authority.User, "ada@quillmere.example", scope)
		_, k.user[false][scope] = s.Token(authority.User, "ada@quillmere.example", others...)
		_, k.global[true][scope] = s.Token(authority.Global, "", scope)
		_, k.global[false][scope] = s.Token(authority.Global, "", others...)
	}
	_, k.anonymous[true][grant.Search] = s.Token(authority.Anonymous, "", grant.Search)
	revoked, secret := s.Token(authority.User, "ada@quillmere.example")
	k.revoked = secret
	if err := s.Authority.RevokeToken(t.Context(), s.Authority.Maintenance(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	_, expired, err := s.Authority.CreateToken(t.Context(), s.Authority.Maintenance(), authority.NewToken{
		Description: "ends", Permission: authority.User, User: "ada@quillmere.example", Scopes: grant.AllScopes, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	k.expired = expired.Reveal()
	_, provisioning, err := s.Authority.CreateSCIMToken(t.Context(), s.Authority.Maintenance(), authority.NewSCIMToken{Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	k.scim = provisioning.Reveal()
	_, k.gone = s.Token(authority.User, "gone@quillmere.example")
	s.Must("GET", "/liveness_check", "", nil)
	deactivate(t, s, "gone@quillmere.example")
	return k
}

type lockCase struct {
	name, token string
	headers     []string
	status      int
	says        string
}

// casesOf lists what must not open op. Headers are wrong in every way that the table of situations names.
func casesOf(op rpc.Operation, k keys) []lockCase {
	const actAs = "X-Glean-ActAs"
	ada := []string{actAs, "ada@quillmere.example"}
	cases := []lockCase{
		{name: "no token", status: 401},
		{name: "rubbish", token: "rubbish", status: 401},
		{name: "a token of another system", token: "glean_0123456789abcdef", status: 401},
		{name: "a revoked token", token: k.revoked, status: 401},
		{name: "an expired token", token: k.expired, status: 401},
		{name: "a token of someone who left", token: k.gone, status: 401},
	}
	if op.Family == rpc.IndexingAPI {
		return append(cases,
			lockCase{name: "a client token", token: k.user[true][grant.Search], status: 401},
			lockCase{name: "a changed token", token: changed(k.indexing), status: 401},
			lockCase{name: "an OAuth token", token: k.oauth.all, headers: []string{"X-Glean-Auth-Type", "OAUTH"}, status: 401},
			lockCase{name: "a SCIM token", token: k.scim, status: 401},
			lockCase{name: "two Authorization headers", token: k.indexing, headers: []string{"Authorization", "Bearer " + k.indexing}, status: 401})
	}
	if op.Family == rpc.SCIMAPI {
		return append(cases,
			lockCase{name: "a client token", token: k.user[true][grant.Search], status: 401},
			lockCase{name: "an indexing token", token: k.indexing, status: 401},
			lockCase{name: "a changed token", token: changed(k.scim), status: 401},
			lockCase{name: "a SCIM token typed as OAuth", token: k.scim, headers: []string{"X-Glean-Auth-Type", "OAUTH"}, status: 401},
			lockCase{name: "a SCIM token with ActAs", token: k.scim, headers: ada, status: 400},
			lockCase{name: "two Authorization headers", token: k.scim, headers: []string{"Authorization", "Bearer " + k.scim}, status: 401})
	}
	user, global := k.user[true][op.Scope], k.global[true][op.Scope]
	cases = append(cases,
		lockCase{name: "an indexing token", token: k.indexing, status: 401},
		lockCase{name: "a SCIM token", token: k.scim, status: 401},
		lockCase{name: "a changed token", token: changed(user), status: 401},
		lockCase{name: "wrong scope", token: k.user[false][op.Scope], status: 403},
		lockCase{name: "wrong scope, GLOBAL", token: k.global[false][op.Scope], headers: ada, status: 403},
		lockCase{name: "GLOBAL without ActAs", token: global, status: 400, says: "Required header missing: X-Glean-ActAs"},
		lockCase{name: "GLOBAL with an empty ActAs", token: global, headers: []string{actAs, ""}, status: 400, says: "Required header missing: X-Glean-ActAs"},
		lockCase{name: "GLOBAL as a stranger", token: global, headers: []string{actAs, "nobody@quillmere.example"}, status: 401, says: "Invalid identity"},
		lockCase{name: "GLOBAL as someone who left", token: global, headers: []string{actAs, "gone@quillmere.example"}, status: 401, says: "Invalid identity"},
		lockCase{name: "GLOBAL with two ActAs", token: global, headers: append(ada, ada...), status: 400},
		lockCase{name: "GLOBAL with two spellings that differ", token: global, headers: append(ada, "X-Scio-ActAs", "eve@quillmere.example"), status: 400},
		lockCase{name: "GLOBAL with a malformed ActAs", token: global, headers: []string{actAs, "ada"}, status: 400},
		lockCase{name: "USER with ActAs", token: user, headers: ada, status: 400},
		lockCase{name: "an issued token typed as OAuth", token: user, headers: []string{"X-Glean-Auth-Type", "OAUTH"}, status: 401},
		lockCase{name: "two auth types", token: user, headers: []string{"X-Glean-Auth-Type", "OAUTH", "X-Glean-Auth-Type", "OAUTH"}, status: 400},
		lockCase{name: "two Authorization headers", token: user, headers: []string{"Authorization", "Bearer " + user}, status: 401},
	)
	cases = append(cases, oauthCases(op, k.oauth)...)
	anonymous := k.anonymous[true][grant.Search]
	if op.Kinds&grant.Anonymous == 0 {
		cases = append(cases, lockCase{name: "ANONYMOUS", token: anonymous, status: 403})
	} else {
		cases = append(cases, lockCase{name: "ANONYMOUS with ActAs", token: anonymous, headers: ada, status: 400})
	}
	return cases
}

// changed returns a secret with one character changed.
func changed(secret string) string {
	i := len(secret) / 2
	c := byte('A')
	if secret[i] == c {
		c = 'B'
	}
	return secret[:i] + string(c) + secret[i+1:]
}

// TestUnbuilt holds that what this server does not have is 404 to whoever is admitted, and never an empty success.
func TestUnbuilt(t *testing.T) {
	s := sheaftest.Open(t)
	s.Person("ada@quillmere.example", grant.RoleMember)
	indexing := s.Indexing()
	n := 0
	for _, op := range s.Operations() {
		if op.Built {
			continue
		}
		n++
		token := s.As("ada@quillmere.example")
		if op.Family == rpc.IndexingAPI {
			token = indexing
		}
		path := wildcard.ReplaceAllString(op.Path, "x")
		if a := s.Do(op.Method, path, token, nil); a.Status != http.StatusNotFound {
			t.Errorf("%s %s = %d %q, want 404", op.Method, path, a.Status, a.Body)
		}
		if a := s.Do(op.Method, path, "", nil); a.Status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token = %d, want 401", op.Method, path, a.Status)
		}
	}
	if n == 0 {
		t.Error("every operation is built: this test has nothing to hold any more")
	}
	for _, path := range []string{"/rest/api/v1/nothing", "/api/index/v1/nothing", "/api/nothing", "/api/admin/v1/nothing", "/nothing"} {
		for _, token := range []string{"", s.As("ada@quillmere.example")} {
			if a := s.Do("POST", path, token, nil); a.Status != http.StatusNotFound {
				t.Errorf("POST %s = %d, want 404", path, a.Status)
			}
		}
	}
}

func deactivate(t *testing.T, s *sheaftest.Server, email string) {
	t.Helper()
	inactive := false
	_, err := s.Authority.UpdatePerson(t.Context(), s.Authority.Maintenance(), email, patch(&inactive))
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what must hold within a second on every node. It allows three on a busy machine.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not hold within three seconds")
		}
	}
}
