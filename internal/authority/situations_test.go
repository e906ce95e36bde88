package authority

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const refusedWords = "The token is missing, malformed, unknown, expired or revoked."

// TestSituations is the table of situations and answers of the design: each credential with each
// thing that can be wrong with it.
func TestSituations(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	n.person(t, "mira@example.com", grant.RoleSuperAdmin)
	n.person(t, "tomasz@example.com", grant.RoleMember)
	gone := n.person(t, "gone@example.com", grant.RoleMember)

	_, user := n.token(t, User, "mira@example.com", grant.Search)
	_, global := n.token(t, Global, "", grant.Search)
	_, anonymous := n.token(t, Anonymous, "", grant.Search)
	_, indexing := n.indexingToken(t, NewIndexingToken{})
	_, fenced := n.indexingToken(t, NewIndexingToken{Addresses: []string{"10.20.0.0/16"}})
	_, ofGone := n.token(t, User, "gone@example.com", grant.Search)
	revokedID, revoked := n.token(t, User, "mira@example.com", grant.Search)
	wantNone(t, "revoke", n.RevokeToken(ctx, n.Maintenance(), revokedID))
	revokedIndexingID, revokedIndexing := n.indexingToken(t, NewIndexingToken{})
	wantNone(t, "revoke", n.RevokeIndexingToken(ctx, n.Maintenance(), revokedIndexingID))
	_, short, err := n.CreateToken(ctx, n.Maintenance(), NewToken{
		Description: "short", Permission: User, User: "mira@example.com", Scopes: grant.AllScopes, Expires: n.clock.now().Add(time.Minute),
	})
	wantNone(t, "create", err)
	_, shortIndexing := n.indexingToken(t, NewIndexingToken{Expires: n.clock.now().Add(time.Minute)})
	if _, err := n.people.SetActive(ctx, gone.ID, false); err != nil {
		t.Fatal(err)
	}
	n.clock.advance(time.Minute)
	visit, cookie := n.signIn(t, "tomasz@example.com")

	unknown := newSecret(clientSecret).Reveal()
	changed := user[:20] + flip(user[20]) + user[21:]
	const as = "X-Glean-ActAs"

	for _, tc := range []struct {
		name    string
		family  rpc.Family
		token   string // "" for no Authorization header
		headers []string
		kind    fault.Kind // Internal stands for admitted
		says    string     // the message, or its beginning
	}{
		{"no token", rpc.ClientAPI, "", nil, fault.Unauthenticated, refusedWords},
		{"no token on the Platform API", rpc.PlatformAPI, "", nil, fault.Unauthenticated, refusedWords},
		{"no token on the Indexing API", rpc.IndexingAPI, "", nil, fault.Unauthenticated, refusedWords},
		{"malformed", rpc.ClientAPI, "shf_c_short", nil, fault.Unauthenticated, refusedWords},
		{"not of ours", rpc.ClientAPI, "glean_abcdef", nil, fault.Unauthenticated, refusedWords},
		{"two words", rpc.ClientAPI, user + " " + user, nil, fault.Unauthenticated, refusedWords},
		{"unknown", rpc.ClientAPI, unknown, nil, fault.Unauthenticated, refusedWords},
		{"changed", rpc.ClientAPI, changed, nil, fault.Unauthenticated, refusedWords},
		{"expired", rpc.ClientAPI, short.Reveal(), nil, fault.Unauthenticated, refusedWords},
		{"revoked", rpc.ClientAPI, revoked, nil, fault.Unauthenticated, refusedWords},
		{"of an inactive person", rpc.ClientAPI, ofGone, nil, fault.Unauthenticated, refusedWords},
		{"expired indexing", rpc.IndexingAPI, shortIndexing, nil, fault.Unauthenticated, refusedWords},
		{"revoked indexing", rpc.IndexingAPI, revokedIndexing, nil, fault.Unauthenticated, refusedWords},
		{"two Authorization headers", rpc.ClientAPI, user, []string{"Authorization", "Bearer " + user}, fault.Unauthenticated, refusedWords},

		{"USER", rpc.ClientAPI, user, nil, fault.Internal, ""},
		{"USER on the Platform API", rpc.PlatformAPI, user, nil, fault.Internal, ""},
		{"USER with an empty ActAs", rpc.ClientAPI, user, []string{as, " \t"}, fault.Internal, ""},
		{"USER with ActAs", rpc.ClientAPI, user, []string{as, "tomasz@example.com"}, fault.Invalid, as + " is for tokens with the permission GLOBAL"},
		{"USER with ActAs for themselves", rpc.ClientAPI, user, []string{as, "mira@example.com"}, fault.Invalid, as + " is for tokens"},
		{"USER with malformed ActAs", rpc.ClientAPI, user, []string{as, "nonsense"}, fault.Invalid, as + " must be one email address"},
		{"USER with ActAs twice", rpc.ClientAPI, user, []string{as, "", as, ""}, fault.Invalid, as + " may be sent once"},

		{"ANONYMOUS", rpc.ClientAPI, anonymous, nil, fault.Internal, ""},
		{"ANONYMOUS with ActAs", rpc.ClientAPI, anonymous, []string{as, "tomasz@example.com"}, fault.Invalid, as + " is for tokens"},

		{"GLOBAL", rpc.ClientAPI, global, []string{as, "tomasz@example.com"}, fault.Internal, ""},
		{"GLOBAL, folded and trimmed", rpc.ClientAPI, global, []string{as, "\t Tomasz@EXAMPLE.com "}, fault.Internal, ""},
		{"GLOBAL, second spelling", rpc.ClientAPI, global, []string{"X-Glean-Act-As", "tomasz@example.com"}, fault.Internal, ""},
		{"GLOBAL, third spelling", rpc.ClientAPI, global, []string{"X-Scio-ActAs", "tomasz@example.com"}, fault.Internal, ""},
		{"GLOBAL, spellings agree", rpc.ClientAPI, global, []string{as, "tomasz@example.com", "X-Scio-ActAs", "TOMASZ@example.com"}, fault.Internal, ""},
		{"GLOBAL, one spelling empty", rpc.ClientAPI, global, []string{as, "", "X-Glean-Act-As", "tomasz@example.com"}, fault.Internal, ""},
		{"GLOBAL, spellings differ", rpc.ClientAPI, global, []string{as, "tomasz@example.com", "X-Scio-ActAs", "mira@example.com"}, fault.Invalid, as + " and its other spellings"},
		{"GLOBAL, twice the same", rpc.ClientAPI, global, []string{as, "tomasz@example.com", as, "tomasz@example.com"}, fault.Invalid, as + " may be sent once"},
		{"GLOBAL without ActAs", rpc.ClientAPI, global, nil, fault.Invalid, "Required header missing: X-Glean-ActAs"},
		{"GLOBAL with an empty ActAs", rpc.ClientAPI, global, []string{as, ""}, fault.Invalid, "Required header missing: X-Glean-ActAs"},
		{"GLOBAL as nobody known", rpc.ClientAPI, global, []string{as, "nobody@example.com"}, fault.Unauthenticated, "Invalid identity"},
		{"GLOBAL as somebody inactive", rpc.ClientAPI, global, []string{as, "gone@example.com"}, fault.Unauthenticated, "Invalid identity"},
		{"GLOBAL, plus is no alias", rpc.ClientAPI, global, []string{as, "tomasz+x@example.com"}, fault.Unauthenticated, "Invalid identity"},
		{"GLOBAL, not ASCII", rpc.ClientAPI, global, []string{as, "tomaſz@example.com"}, fault.Invalid, as + " must be one email address"},
		{"GLOBAL, two addresses", rpc.ClientAPI, global, []string{as, "tomasz@example.com, mira@example.com"}, fault.Invalid, as + " must be one email address"},
		{"GLOBAL, no address", rpc.ClientAPI, global, []string{as, "tomasz"}, fault.Invalid, as + " must be one email address"},
		{"a bad token hides a bad ActAs", rpc.ClientAPI, unknown, []string{as, "x", as, "y"}, fault.Unauthenticated, refusedWords},
		{"a revoked token hides a missing ActAs", rpc.ClientAPI, revoked, []string{as, "tomasz@example.com"}, fault.Unauthenticated, refusedWords},

		{"issued with OAUTH", rpc.ClientAPI, user, []string{"X-Glean-Auth-Type", "OAUTH"}, fault.Unauthenticated, refusedWords},
		{"issued with oauth in lower case", rpc.ClientAPI, user, []string{"X-Glean-Auth-Type", " oauth"}, fault.Unauthenticated, refusedWords},
		{"issued but mistyped with OAUTH", rpc.ClientAPI, changed, []string{"X-Glean-Auth-Type", "OAUTH"}, fault.Unauthenticated, refusedWords},
		{"issued with another auth type", rpc.ClientAPI, user, []string{"X-Glean-Auth-Type", "BEARER"}, fault.Internal, ""},
		{"issued with an empty auth type", rpc.ClientAPI, user, []string{"X-Glean-Auth-Type", ""}, fault.Internal, ""},
		{"auth type twice", rpc.ClientAPI, user, []string{"X-Glean-Auth-Type", "", "X-Glean-Auth-Type", ""}, fault.Invalid, "X-Glean-Auth-Type may be sent once"},
		{"OAuth token, OAuth off", rpc.ClientAPI, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", []string{"X-Glean-Auth-Type", "OAUTH"}, fault.Forbidden, "OAuth access tokens are not accepted"},
		{"OAuth token without the header", rpc.ClientAPI, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", nil, fault.Unauthenticated, refusedWords},
		{"OAuth token on the Indexing API", rpc.IndexingAPI, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", []string{"X-Glean-Auth-Type", "OAUTH"}, fault.Unauthenticated, refusedWords},

		{"client token on the Indexing API", rpc.IndexingAPI, user, nil, fault.Unauthenticated, refusedWords},
		{"indexing token on the Client API", rpc.ClientAPI, indexing, nil, fault.Unauthenticated, refusedWords},
		{"indexing token on the Platform API", rpc.PlatformAPI, indexing, nil, fault.Unauthenticated, refusedWords},
		{"indexing token", rpc.IndexingAPI, indexing, nil, fault.Internal, ""},
		{"indexing token with ActAs", rpc.IndexingAPI, indexing, []string{as, "tomasz@example.com"}, fault.Invalid, as + " is for tokens"},
		{"indexing token from elsewhere", rpc.IndexingAPI, fenced, nil, fault.Forbidden, "This token may not be used from your address"},
		{"session secret as a token", rpc.ClientAPI, cookie.Value, nil, fault.Unauthenticated, refusedWords},
		{"no API at all", rpc.NoFamily, user, nil, fault.Unauthenticated, refusedWords},

		{"no session", rpc.AdminAPI, "", nil, fault.Unauthenticated, "You are not signed in"},
		{"client token on the admin API", rpc.AdminAPI, user, nil, fault.Unauthenticated, "You are not signed in"},
		{"client token beside a session", rpc.AdminAPI, user, []string{"Cookie", cookie.String(), "X-CSRF-Token", visit.CSRF}, fault.Unauthenticated, "You are not signed in"},
		{"session", rpc.AdminAPI, "", []string{"Cookie", cookie.Name + "=" + cookie.Value, "X-CSRF-Token", visit.CSRF}, fault.Internal, ""},
		{"session on the Client API", rpc.ClientAPI, "", []string{"Cookie", cookie.Name + "=" + cookie.Value}, fault.Unauthenticated, refusedWords},
		{"session without a CSRF token", rpc.AdminAPI, "", []string{"Cookie", cookie.Name + "=" + cookie.Value}, fault.Forbidden, "Send the session's CSRF token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// Twice: what the first time left in the cache must not change the answer.
			for range 2 {
				r := request(tc.token, tc.headers...)
				if tc.token == "" {
					r.Header.Del("Authorization")
				}
				c, err := n.Admit(r, tc.family)
				if tc.kind == fault.Internal {
					if err != nil || c.Kind() == 0 {
						t.Errorf("Admit = %v, %v; want a caller", c.Kind(), err)
					}
					continue
				}
				if err == nil || fault.KindOf(err) != tc.kind || !strings.HasPrefix(err.Error(), tc.says) || c.Kind() != 0 {
					t.Errorf("Admit = %v, %v; want %v: %s", c.Kind(), err, tc.kind, tc.says)
				}
			}
		})
	}
}

func flip(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

// issuerOfOne verifies one token: what an adapter owes, without its network.
type issuerOfOne struct {
	token    string
	identity Identity
	asked    int
}

func (i *issuerOfOne) Verify(_ context.Context, token string) (Identity, error) {
	i.asked++
	if token != i.token {
		return Identity{}, unauthenticated()
	}
	return i.identity, nil
}

func TestOAuthActsAsThePersonOfTheVerifiedAddress(t *testing.T) {
	provider := &issuerOfOne{token: "good.token"}
	clock := newClock()
	n := openNode(t, database(t), clock, func(c *Config) { c.OAuth = provider })
	mira := n.person(t, "mira@example.com", grant.RoleMember)
	provider.identity = Identity{Provider: "okta", Email: "Mira@example.com", Scopes: grant.ScopesOf(grant.Search), Until: clock.now().Add(time.Minute)}
	send := func(token string, more ...string) (grant.Caller, error) {
		return n.Admit(request(token, append(more, "X-Glean-Auth-Type", "OAuth")...), rpc.ClientAPI)
	}

	c, err := send("good.token")
	if err != nil || !c.Is(grant.User) || c.Person() != mira.ID || c.Scopes() != grant.ScopesOf(grant.Search) || c.Token() != "okta" {
		t.Fatalf("Admit = %v as %s with %v, %v", c.Kind(), c.Email(), c.Scopes(), err)
	}
	if _, err = send("good.token"); err != nil || provider.asked != 1 {
		t.Errorf("second use: %v, asked %d times, want 1", err, provider.asked)
	}
	clock.advance(time.Minute)
	if _, err = send("good.token"); err != nil || provider.asked != 2 {
		t.Errorf("use after Until: %v, asked %d times, want 2", err, provider.asked)
	}
	_, err = send("bad.token")
	wantKind(t, "bad token", err, fault.Unauthenticated)
	_, err = send("good.token", "X-Glean-ActAs", "mira@example.com")
	wantKind(t, "with ActAs", err, fault.Invalid)
	_, err = send("bad.token", "X-Glean-ActAs", "mira@example.com")
	wantKind(t, "bad token with ActAs", err, fault.Unauthenticated)
	asked := provider.asked
	_, err = send(newSecret(clientSecret).Reveal())
	wantKind(t, "an issued secret", err, fault.Unauthenticated)
	if provider.asked != asked {
		t.Error("an issued secret was shown to the provider")
	}
	if _, err := n.people.SetActive(context.Background(), mira.ID, false); err != nil {
		t.Fatal(err)
	}
	_, err = send("good.token")
	wantKind(t, "of an inactive person", err, fault.Unauthenticated)
}

// TestWhatIsUnderWayEndsWithItsStanding holds that a stream does not go on because the address it came by has another holder, and
// opens no more than the provider's tokens do now.
func TestWhatIsUnderWayEndsWithItsStanding(t *testing.T) {
	provider := &issuerOfOne{token: "good.token"}
	clock, ctx := newClock(), context.Background()
	n := openNode(t, database(t), clock, func(c *Config) { c.OAuth = provider })
	n.person(t, "root@example.com", grant.RoleSuperAdmin)
	first, second := n.person(t, "first@example.com", grant.RoleMember), n.person(t, "second@example.com", grant.RoleMember)
	if _, err := n.people.AddAddress(ctx, first.ID, "desk@example.com"); err != nil {
		t.Fatal(err)
	}
	provider.identity = Identity{Provider: "okta", Email: "desk@example.com", Scopes: grant.ScopesOf(grant.Search, grant.Chat), Until: clock.now().Add(time.Hour)}
	_, global := n.token(t, Global, "", grant.Search)
	streams := func() (byOAuth, byGlobal grant.Caller) {
		byOAuth, err := n.Admit(request("good.token", "X-Glean-Auth-Type", "OAUTH"), rpc.ClientAPI)
		wantNone(t, "OAuth", err)
		byGlobal, err = n.Admit(request(global, "X-Glean-ActAs", "desk@example.com"), rpc.ClientAPI)
		wantNone(t, "GLOBAL", err)
		wantNone(t, "OAuth, stream", byOAuth.Recheck())
		wantNone(t, "GLOBAL, stream", byGlobal.Recheck())
		return byOAuth, byGlobal
	}

	byOAuth, byGlobal := streams()
	provider.identity.Scopes = grant.ScopesOf(grant.Search)
	wantNone(t, "a change of the settings", n.change(ctx, func(*sqldb.Tx) error { return nil }))
	wantKind(t, "OAuth, narrowed", byOAuth.Recheck(), fault.Forbidden)
	wantNone(t, "GLOBAL, another's settings", byGlobal.Recheck())

	byOAuth, byGlobal = streams()
	if _, err := n.people.RemoveAddress(ctx, first.ID, "desk@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.people.AddAddress(ctx, second.ID, "desk@example.com"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "OAuth, the address has another holder", byOAuth.Recheck(), fault.Unauthenticated)
	wantKind(t, "GLOBAL, the address has another holder", byGlobal.Recheck(), fault.Unauthenticated)
}

// TestReusedAddressInheritsNothing holds that tokens follow the person, not the address.
func TestReusedAddressInheritsNothing(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	n.person(t, "root@example.com", grant.RoleSuperAdmin)
	first := n.person(t, "first@example.com", grant.RoleMember)
	_, secret := n.token(t, User, "first@example.com", grant.Search)
	if _, err := n.people.AddAddress(ctx, first.ID, "renamed@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.people.SetMainAddress(ctx, first.ID, "renamed@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.people.RemoveAddress(ctx, first.ID, "first@example.com"); err != nil {
		t.Fatal(err)
	}
	second := n.person(t, "first@example.com", grant.RoleMember)
	c, err := n.Admit(request(secret), rpc.ClientAPI)
	if err != nil || c.Person() != first.ID || c.Email() != "renamed@example.com" {
		t.Errorf("Admit = %s as %s, %v; want the first holder %s", c.Person(), c.Email(), err, first.ID)
	}
	if second.ID == first.ID {
		t.Error("the second holder of an address is the first")
	}
}

// TestRoleIsReadLive holds that a caller has the role of this moment.
func TestRoleIsReadLive(t *testing.T) {
	n := newNode(t)
	p := n.person(t, "mira@example.com", grant.RoleMember)
	_, secret := n.token(t, User, "mira@example.com", grant.Search)
	for _, role := range []grant.Role{grant.RoleAdmin, grant.RoleTokenCreator} {
		if _, err := n.people.Update(context.Background(), p.ID, directory.Patch{Role: &role}); err != nil {
			t.Fatal(err)
		}
		if c, err := n.Admit(request(secret), rpc.ClientAPI); err != nil || c.Role() != role {
			t.Errorf("Role = %v, %v; want %v", c.Role(), err, role)
		}
	}
}
