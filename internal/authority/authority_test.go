package authority

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// node is one process's part of a server: its own database handle, directory and authority.
type node struct {
	*Authority
	db     *sqldb.DB
	people *directory.Directory
	audit  *audit.Log
	clock  *clock
}

// clock is the time that expiries go by. It moves when a test says so.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Microsecond)) }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Now().UnixMicro())
	return c
}

// database is the address of a new, empty database: SQLite, or PostgreSQL where the environment names a
// server. What holds here must hold on both.
func database(t testing.TB) string {
	t.Helper()
	if os.Getenv(sqldbtest.Environment) != "" {
		return sqldbtest.Postgres(t)
	}
	return sqldbtest.File(t)
}

// newNode opens a node on a new database.
func newNode(t testing.TB) *node {
	t.Helper()
	return openNode(t, database(t), newClock())
}

// openNode opens a node on a database that others may have open too.
func openNode(t testing.TB, path string, clock *clock, adjust ...func(*Config)) *node {
	t.Helper()
	ctx := t.Context()
	db := sqldbtest.OpenURL(t, path)
	log, err := audit.Open(ctx, db, audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	keys, err := seal.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	people := directory.New(db)
	cfg := Config{
		DB: db, People: people, Audit: log, Keys: keys, Now: clock.now,
		PublicURL: &url.URL{Scheme: "https", Host: "search.example.com"},
	}
	for _, f := range adjust {
		f(&cfg)
	}
	a, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return &node{a, db, people, log, clock}
}

// person makes an active person.
func (n *node) person(t testing.TB, email string, role grant.Role) *directory.Person {
	t.Helper()
	p, err := n.people.Add(context.Background(), directory.NewPerson{Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signIn returns the visit of a person who has signed in by a link, and the cookie.
func (n *node) signIn(t testing.TB, email string) (Visit, *http.Cookie) {
	t.Helper()
	link, err := n.CreateLink(context.Background(), n.Maintenance(), email)
	if err != nil {
		t.Fatal(err)
	}
	v, cookie, err := n.SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return v, cookie
}

// token makes a client token and returns its id and secret.
func (n *node) token(t testing.TB, permission Permission, user string, scopes ...grant.Scope) (string, string) {
	t.Helper()
	made, secret, err := n.CreateToken(context.Background(), n.Maintenance(), NewToken{
		Description: "test", Permission: permission, User: user, Scopes: grant.ScopesOf(scopes...),
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID, secret.Reveal()
}

// indexingToken makes an indexing token for a year.
func (n *node) indexingToken(t testing.TB, more NewIndexingToken) (string, string) {
	t.Helper()
	more.Description = "test"
	if more.Expires.IsZero() {
		more.Expires = n.clock.now().Add(365 * 24 * time.Hour)
	}
	made, secret, err := n.CreateIndexingToken(context.Background(), n.Maintenance(), more)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID, secret.Reveal()
}

// request is a request with a bearer token and further headers, in pairs.
func request(secret string, headers ...string) *http.Request {
	r := httptest.NewRequest("POST", "/rest/api/v1/search", nil)
	r.Header.Set("Authorization", "Bearer "+secret)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// wants reports the kind of err, where nil is wanted as ok.
func wantKind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error = %v, want kind %v", what, err, want)
	}
}

func wantNone(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: error = %v, want none", what, err)
	}
}

func TestCallerOfEachPermission(t *testing.T) {
	n := newNode(t)
	mira := n.person(t, "mira@example.com", grant.RoleAdmin)
	n.person(t, "tomasz@example.com", grant.RoleMember)

	id, secret := n.token(t, User, "mira@example.com", grant.Search, grant.Chat)
	c, err := n.Admit(request(secret), rpc.ClientAPI)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Is(grant.User) || c.Person() != mira.ID || c.Email() != "mira@example.com" || c.Role() != grant.RoleAdmin ||
		c.Token() != id || c.Holder() != "test" || c.Scopes() != grant.ScopesOf(grant.Search, grant.Chat) {
		t.Errorf("USER token = %v %v %v %v %v", c.Kind(), c.Person(), c.Email(), c.Role(), c.Scopes())
	}

	_, secret = n.token(t, Global, "", grant.Search)
	for _, email := range []string{"mira@example.com", "tomasz@example.com", "mira@example.com"} {
		c, err = n.Admit(request(secret, "X-Glean-ActAs", email), rpc.PlatformAPI)
		if err != nil || !c.Is(grant.Global) || c.Email() != email {
			t.Errorf("GLOBAL token as %s = %v as %q, %v", email, c.Kind(), c.Email(), err)
		}
	}

	_, secret = n.token(t, Anonymous, "", grant.Search, grant.Chat)
	c, err = n.Admit(request(secret), rpc.ClientAPI)
	if err != nil || !c.Is(grant.Anonymous) || c.Person() != "" || c.Scopes() != grant.ScopesOf(grant.Search) {
		t.Errorf("ANONYMOUS token = %v as %q with %v, %v", c.Kind(), c.Person(), c.Scopes(), err)
	}

	_, secret = n.indexingToken(t, NewIndexingToken{Datasources: []string{"wiki"}})
	c, err = n.Admit(request(secret), rpc.IndexingAPI)
	if err != nil || !c.MayIndex("wiki") || c.MayIndex("drive") || !c.Has(grant.IndexingScope) {
		t.Errorf("indexing token = %v, wiki %v, drive %v, %v", c.Kind(), c.MayIndex("wiki"), c.MayIndex("drive"), err)
	}
	_, secret = n.indexingToken(t, NewIndexingToken{})
	if c, err = n.Admit(request(secret), rpc.IndexingAPI); err != nil || !c.MayIndex("drive") {
		t.Errorf("indexing token for all: drive %v, %v", c.MayIndex("drive"), err)
	}
}
