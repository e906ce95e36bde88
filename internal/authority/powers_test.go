package authority

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// sealWeb seals facts as this server would.
func (n *node) sealWeb(t *testing.T, facts webFacts) string {
	t.Helper()
	text, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	return webPrefix + n.cfg.Keys.Seal(seal.Web, "", text)
}

// TestSearchAs holds that only a Super Admin's session searches as another person, that it is on record before it runs, and that what it
// gives is no more than search.
func TestSearchAs(t *testing.T) {
	c, ctx := newCast(t), context.Background()
	member, err := c.people.ByIDOrEmail(ctx, "member@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range everyone() {
		got, err := c.SearchAs(ctx, c.callers[who], member, "soup "+who)
		if may := who == "super"; may != (err == nil) || !may && got.Kind() != 0 {
			t.Errorf("%s: %v, %v, want allowed %v", who, got.Kind(), err, may)
		}
	}
	searching, err := c.SearchAs(ctx, c.callers["super"], member, "payroll")
	if err != nil {
		t.Fatal(err)
	}
	if !searching.Is(grant.User) || searching.Person() != member.ID || searching.Role() != grant.RoleMember || searching.Scopes() != grant.ScopesOf(grant.Search) {
		t.Errorf("SearchAs = %s %s %s %s", searching.Kind(), searching.Email(), searching.Role(), searching.Scopes())
	}
	wantNone(t, "recheck", searching.Recheck())
	wantNone(t, "flush", c.audit.Flush(ctx))
	page, err := c.audit.List(ctx, audit.Filter{Action: "admin.search_as"})
	if err != nil || len(page.Entries) != 2 || page.Entries[0].Detail != "“payroll”" || page.Entries[0].ActorName != "super@example.com" || page.Entries[0].Subject != member.ID {
		t.Errorf("the audit log has %+v, %v", page.Entries, err)
	}
	c.person(t, "other@example.com", grant.RoleSuperAdmin)
	if _, err := c.people.SetActive(ctx, c.callers["super"].Person(), false); err != nil {
		t.Fatal(err)
	}
	if searching.Recheck() == nil {
		t.Error("a search goes on when whoever searches has left")
	}
	if _, err := c.SearchAs(ctx, c.callers["super"], member, "x"); err == nil {
		t.Error("somebody who has left searches as another")
	}
	_, err = c.AdminSearch(ctx, c.callers["token of super"], "x")
	if err == nil {
		t.Error("a token of somebody who has left searches past permissions")
	}
}

// TestWhoLeftAdministersNothing holds that a session from before somebody left is no actor, whatever it asks.
func TestWhoLeftAdministersNothing(t *testing.T) {
	c, ctx := newCast(t), context.Background()
	super := c.callers["super"]
	c.person(t, "other@example.com", grant.RoleSuperAdmin)
	if _, err := c.people.SetActive(ctx, super.Person(), false); err != nil {
		t.Fatal(err)
	}
	for about, err := range map[string]error{
		"a token":           third(c.CreateToken(ctx, super, NewToken{Description: "x", Permission: Global, Scopes: grant.AllScopes})),
		"an indexing token": third(c.CreateIndexingToken(ctx, super, NewIndexingToken{Description: "x", Expires: c.clock.now().Add(time.Hour)})),
		"a SCIM token":      third(c.CreateSCIMToken(ctx, super, NewSCIMToken{Description: "x"})),
		"a sign-in link":    second(c.CreateLink(ctx, super, "other@example.com")),
		"a person":          second(c.AddPerson(ctx, super, directory.NewPerson{Email: "x@example.com", Role: grant.RoleSuperAdmin})),
		"reading people":    second(c.ListPeople(ctx, super, directory.Query{})),
		"reading a person":  second(c.Person(ctx, super, "other@example.com")),
		"reading tokens":    second(c.Tokens(ctx, super)),
	} {
		wantKind(t, about+" by who left", err, fault.Unauthenticated)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

// TestPersonIsForAdministrators holds who reads another's role.
func TestPersonIsForAdministrators(t *testing.T) {
	c, ctx := newCast(t), context.Background()
	for _, who := range everyone() {
		p, err := c.Person(ctx, c.callers[who], "super@example.com")
		if may := who == "host" || who == "super" || who == "admin"; may != (err == nil) || !may && p != nil {
			t.Errorf("%s: %v, %v, want allowed %v", who, p, err, may)
		}
	}
	_, err := c.Person(ctx, c.callers["admin"], "nobody@example.com")
	wantKind(t, "nobody", err, fault.NotFound)
}

// TestBegin holds that a provider signs in nobody who is not active, that a session planted in the browser before is worth nothing afterwards, and that
// the way in is on record.
func TestBegin(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	mira, gone := n.person(t, "mira@example.com", grant.RoleMember), n.person(t, "gone@example.com", grant.RoleMember)
	planted, cookie := n.signIn(t, "mira@example.com")
	r := httptest.NewRequest("GET", "/signin/callback/okta", nil)
	r.AddCookie(cookie)
	visit, next, err := n.Begin(r, mira, "provider okta")
	if err != nil || visit.User.Person() != mira.ID || next.Value == cookie.Value {
		t.Fatalf("Begin = %+v, %v", visit, err)
	}
	wantKind(t, "the session of before", planted.Admin.Recheck(), fault.Unauthenticated)
	entries := n.entries(t, "session.begin")
	if len(entries) != 2 || entries[0].Detail != "provider okta" {
		t.Errorf("the audit log has %+v", entries)
	}
	stale := *gone // read a moment before they left
	left, err := n.people.SetActive(ctx, gone.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*directory.Person{"somebody who left": left, "somebody who has just left": &stale} {
		if v, cookie, err := n.Begin(httptest.NewRequest("GET", "/", nil), p, "provider okta"); fault.KindOf(err) != fault.Unauthenticated || cookie != nil || v.User.Kind() != 0 {
			t.Errorf("Begin for %s = %+v, %v, want a refusal", name, v, err)
		}
	}
}

func (n *node) entries(t *testing.T, action string) []audit.Entry {
	t.Helper()
	if err := n.audit.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := n.audit.List(t.Context(), audit.Filter{Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

// TestWhomAdminsInvite holds that an Admin makes a link only for a Member whom the console alone knows and who was never here.
func TestWhomAdminsInvite(t *testing.T) {
	c, ctx := newCast(t), context.Background()
	admin := c.callers["admin"]
	c.person(t, "new@example.com", grant.RoleMember)
	if _, err := c.people.Provision(ctx, directory.Provisioned{UserName: "known@example.com", Address: "known@example.com", Active: true, Attributes: "{}"}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateLink(ctx, admin, "new@example.com")
	wantNone(t, "a link for somebody new", err)
	for _, who := range []string{"known@example.com", "member@example.com", "creator@example.com", "super@example.com", "admin@example.com"} {
		_, err := c.CreateLink(ctx, admin, who)
		wantKind(t, "a link for "+who, err, fault.Forbidden)
	}
	_, err = c.CreateLink(ctx, admin, "nobody@example.com")
	wantKind(t, "a link for nobody", err, fault.NotFound)
}

// TestMetadataScopes holds what scopes an indexing token can have, and what they open.
func TestMetadataScopes(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	many := make([]string, maxDatasources+1)
	for i := range many {
		many[i] = "custommetadata:x"
	}
	for name, scopes := range map[string][]string{
		"no prefix": {"ownership"}, "another prefix": {"custom:x"}, "no group": {"custommetadata:"}, "a long group": {"custommetadata:" + strings.Repeat("x", 51)},
		"a path": {"custommetadata:../x"}, "a star": {"custommetadata:*"}, "letters that fold": {"custommetadata:\u212a"}, "too many": many, "one of two": {"custommetadata:x", "SEARCH"},
	} {
		_, _, err := n.CreateIndexingToken(ctx, n.Maintenance(), NewIndexingToken{Description: "x", Expires: n.clock.now().Add(time.Hour), Scopes: scopes})
		wantKind(t, name, err, fault.Invalid)
	}
	for _, tc := range []struct {
		scopes         []string
		group          string
		may, mayOthers bool
	}{
		{nil, "ownership", false, false},
		{[]string{"CustomMetadata:Ownership", "custommetadata:ownership"}, "ownership", true, false},
		{[]string{"custommetadata:global_scope"}, "ownership", true, true},
	} {
		id, secret := n.indexingToken(t, NewIndexingToken{Scopes: tc.scopes})
		c, err := n.Admit(request(secret), rpc.IndexingAPI)
		if err != nil || c.MayDescribe(tc.group) != tc.may || c.MayDescribe("other") != tc.mayOthers {
			t.Errorf("with %v: %t, %t, %v", tc.scopes, c.MayDescribe(tc.group), c.MayDescribe("other"), err)
		}
		if tc.scopes != nil && c.MayIndex("wiki") {
			t.Errorf("a token for %v alone indexes documents", tc.scopes)
		}
		made, err := n.IndexingToken(ctx, n.Maintenance(), id)
		if err != nil || tc.may && (len(made.Scopes) != 1 || !strings.HasPrefix(made.Scopes[0], scopePrefix)) {
			t.Errorf("IndexingToken = %+v, %v", made.Scopes, err)
		}
	}
}

// TestReviveEndsWhatWasAlive holds that a restored database lets nobody in by an old session or link, and by old tokens only where that is wanted.
func TestReviveEndsWhatWasAlive(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	n.person(t, "mira@example.com", grant.RoleSuperAdmin)
	visit, _ := n.signIn(t, "mira@example.com")
	link, err := n.CreateLink(ctx, n.Maintenance(), "mira@example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, user := n.token(t, User, "mira@example.com", grant.Search)
	_, indexing := n.indexingToken(t, NewIndexingToken{})
	_, err = n.Revive(ctx, visit.Admin, true, "x")
	wantKind(t, "a Super Admin restores", err, fault.Forbidden)
	for _, revoke := range []bool{false, true} {
		done, err := n.Revive(ctx, n.Maintenance(), revoke, "a test")
		if err != nil || len(done.Tokens) != 1 || len(done.Indexing) != 1 {
			t.Fatalf("Revive = %+v, %v", done, err)
		}
		wantKind(t, "a session of before", visit.Admin.Recheck(), fault.Unauthenticated)
		_, _, err = n.SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal())
		wantKind(t, "a link of before", err, fault.Unauthenticated)
		_, userErr := n.Admit(request(user), rpc.ClientAPI)
		_, indexingErr := n.Admit(request(indexing), rpc.IndexingAPI)
		if (userErr != nil) != revoke || (indexingErr != nil) != revoke {
			t.Errorf("revoked %t: %v, %v", revoke, userErr, indexingErr)
		}
	}
	if got := len(n.entries(t, "token.revoke")) + len(n.entries(t, "indexing-token.revoke")); got != 2 {
		t.Errorf("%d revocations are on record, want 2", got)
	}
}

// TestRulesFindWhatIsBroken holds that a sound database breaks no rule, and one whose people are gone does.
func TestRulesFindWhatIsBroken(t *testing.T) {
	n, ctx := newNode(t), context.Background()
	n.person(t, "mira@example.com", grant.RoleMember)
	n.token(t, User, "mira@example.com", grant.Search)
	n.indexingToken(t, NewIndexingToken{})
	n.signIn(t, "mira@example.com")
	broken := func() (count int) {
		t.Helper()
		for _, rule := range Rules() {
			err := n.db.Read(ctx, func(tx *sqldb.Tx) error {
				ids, err := sqldb.All(ctx, tx, sqldb.ScanText, rule.Query)
				if len(ids) > 0 {
					count++
				}
				return err
			})
			if err != nil {
				t.Fatalf("%s: %v", rule.Broken, err)
			}
		}
		return count
	}
	if got := broken(); got != 0 {
		t.Errorf("%d rules are broken in a sound database", got)
	}
	err := n.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE indexing_secrets SET token = 'x'")
		for _, table := range []string{"client_tokens", "sessions", "signin_links"} {
			if err == nil {
				_, err = tx.Exec(ctx, "UPDATE "+table+" SET person = 'x'")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := broken(); got != len(Rules()) {
		t.Errorf("%d of %d rules find what is broken", got, len(Rules()))
	}
}

// TestUsesThatCannotBeWrittenAreKept holds that a last use waits for the database.
func TestUsesThatCannotBeWrittenAreKept(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleMember)
	id, secret := n.token(t, User, "mira@example.com", grant.Search)
	n.admitted(t, secret)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := n.writeUses(stopped); err == nil {
		t.Fatal("writeUses with a context that has ended succeeded")
	}
	wantNone(t, "write", n.writeUses(t.Context()))
	if got, err := n.Token(t.Context(), n.Maintenance(), id); err != nil || got.LastUsed.IsZero() {
		t.Errorf("the use is lost: %+v, %v", got, err)
	}
}
