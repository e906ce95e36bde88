package authority

import (
	"context"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// admitted returns the caller of a token on the Client API.
func (n *node) admitted(t *testing.T, secret string, headers ...string) grant.Caller {
	t.Helper()
	c, err := n.Admit(request(secret, headers...), rpc.ClientAPI)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWebTokensSearchAsTheirPersonAlone holds who may make a token for web pages, and what it is: no role, no scope but SEARCH, and no
// further tokens.
func TestWebTokensSearchAsTheirPersonAlone(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	n.OAuth(t, "mira@example.com")
	mira := n.person(t, "mira@example.com", grant.RoleSuperAdmin)
	_, user := n.token(t, User, "mira@example.com", grant.Search, grant.Chat)
	_, other := n.token(t, User, "mira@example.com", grant.Chat)
	_, global := n.token(t, Global, "", grant.Search)
	_, anonymous := n.token(t, Anonymous, "", grant.Search)
	visit, _ := n.signIn(t, "mira@example.com")
	made := map[string]string{}
	for name, c := range map[string]grant.Caller{"USER": n.admitted(t, user), "GLOBAL": n.admitted(t, global, "X-Glean-ActAs", "mira@example.com")} {
		secret, until, err := n.CreateWebToken(ctx, c)
		if err != nil || !until.Equal(n.clock.now().Add(DefaultWebLife)) {
			t.Fatalf("CreateWebToken by %s = %v, %v", name, until, err)
		}
		made[name] = secret.Reveal()
		web := n.admitted(t, secret.Reveal())
		if !web.Is(grant.User) || web.Person() != mira.ID || web.Role() != grant.RoleMember || web.Scopes() != grant.ScopesOf(grant.Search) {
			t.Errorf("a web token by %s = %s %s %s %s", name, web.Kind(), web.Email(), web.Role(), web.Scopes())
		}
		_, _, err = n.CreateWebToken(ctx, web)
		wantKind(t, "a web token by a web token", err, fault.Forbidden)
		if secret.String() != "" {
			t.Errorf("a web token prints as %s", secret)
		}
	}
	lesser, _, err := n.CreateWebToken(ctx, n.admitted(t, other))
	if err != nil {
		t.Fatal(err)
	}
	if web := n.admitted(t, lesser.Reveal()); web.Scopes() != 0 {
		t.Errorf("a web token by a token without SEARCH opens %s", web.Scopes())
	}
	for name, c := range map[string]grant.Caller{
		"nobody": {}, "ANONYMOUS": n.admitted(t, anonymous), "a session": visit.Admin, "the person of a session": visit.User, "the host": n.Maintenance(),
		"an OAuth token": n.admitted(t, "eyJ.x.y", "X-Glean-Auth-Type", "OAUTH"),
	} {
		_, _, err := n.CreateWebToken(ctx, c)
		wantKind(t, "a web token by "+name, err, fault.Forbidden)
	}
	for family, want := range map[rpc.Family]fault.Kind{rpc.IndexingAPI: fault.Unauthenticated, rpc.SCIMAPI: fault.Unauthenticated, rpc.NoFamily: fault.Unauthenticated} {
		_, err := n.Admit(request(made["USER"]), family)
		wantKind(t, "a web token elsewhere", err, want)
	}
	for _, headers := range [][]string{{"X-Glean-ActAs", "mira@example.com"}, {"X-Glean-ActAs", "mira"}} {
		_, err := n.Admit(request(made["USER"], headers...), rpc.ClientAPI)
		wantKind(t, "a web token with ActAs", err, fault.Invalid)
	}
	_, err = n.Admit(request(made["USER"], "X-Glean-Auth-Type", "OAUTH"), rpc.ClientAPI)
	wantKind(t, "a web token typed as OAuth", err, fault.Unauthenticated)
}

// OAuth has n take every OAuth access token for that of email.
func (n *node) OAuth(t *testing.T, email string) {
	t.Helper()
	n.cfg.OAuth = vouching(email)
}

// vouching vouches for one address, whatever the token.
type vouching string

func (v vouching) Verify(context.Context, string) (Identity, error) {
	return Identity{Provider: "okta", Email: string(v), Scopes: grant.AllScopes, Until: time.Now().Add(time.Hour)}, nil
}

// TestWebTokensEnd holds everything that ends one, kept admissions and streams included.
func TestWebTokensEnd(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	mira := n.person(t, "mira@example.com", grant.RoleMember)
	ends := n.clock.now().Add(30 * time.Minute)
	short, secret, err := n.CreateToken(ctx, n.Maintenance(), NewToken{
		Description: "x", Permission: User, User: mira.Email, Scopes: grant.AllScopes, Expires: ends,
	})
	if err != nil {
		t.Fatal(err)
	}
	made, until, err := n.CreateWebToken(ctx, n.admitted(t, secret.Reveal()))
	if err != nil || !until.Equal(ends) {
		t.Fatalf("a web token of a token that ends at %v ends at %v, %v", ends, until, err)
	}
	fresh := func() (string, grant.Caller) {
		t.Helper()
		_, parent := n.token(t, User, mira.Email, grant.Search)
		web, _, err := n.CreateWebToken(ctx, n.admitted(t, parent))
		if err != nil {
			t.Fatal(err)
		}
		return web.Reveal(), n.admitted(t, web.Reveal())
	}
	gone := func(about, web string, under grant.Caller) {
		t.Helper()
		_, err := n.Admit(request(web), rpc.ClientAPI)
		wantKind(t, about, err, fault.Unauthenticated)
		wantKind(t, about+", under way", under.Recheck(), fault.Unauthenticated)
	}
	under := n.admitted(t, made.Reveal())
	wantNone(t, "revoke", n.RevokeToken(ctx, n.Maintenance(), short.ID))
	gone("after its token was revoked", made.Reveal(), under)

	web, under := fresh()
	for _, active := range []bool{false, true} {
		if _, err := n.people.SetActive(ctx, mira.ID, active); err != nil {
			t.Fatal(err)
		}
		gone("of somebody who was deactivated", web, under)
	}
	web, under = fresh()
	n.clock.advance(DefaultWebLife)
	gone("after its time", web, under)

	for name, facts := range map[string]webFacts{
		"of no token": {Parent: "x", Person: mira.ID, Spell: 1, Until: n.now() + minute}, "of nobody": {Parent: short.ID, Person: "x", Spell: 1, Until: n.now() + minute},
	} {
		_, err := n.Admit(request(n.sealWeb(t, facts)), rpc.ClientAPI)
		wantKind(t, name, err, fault.Unauthenticated)
	}
	id, _ := n.token(t, Anonymous, "", grant.Search)
	spell, err := n.people.ByID(ctx, mira.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Admit(request(n.sealWeb(t, webFacts{Parent: id, Person: mira.ID, Spell: spell.Spell, Until: n.now() + minute})), rpc.ClientAPI)
	wantKind(t, "of an ANONYMOUS token", err, fault.Unauthenticated)
}
