package authority

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// cast is a node with one signed-in person of each role, and the host.
type cast struct {
	*node
	callers map[string]grant.Caller
}

func newCast(t *testing.T) cast {
	n := newNode(t)
	c := cast{n, map[string]grant.Caller{"host": n.Maintenance(), "nobody": {}}}
	for name, role := range map[string]grant.Role{
		"super": grant.RoleSuperAdmin, "admin": grant.RoleAdmin, "creator": grant.RoleTokenCreator, "member": grant.RoleMember,
	} {
		n.person(t, name+"@example.com", role)
	}
	for _, name := range []string{"super", "admin", "creator", "member"} {
		v, _ := n.signIn(t, name+"@example.com")
		c.callers[name] = v.Admin
	}
	_, secret := n.token(t, User, "super@example.com", grant.Search)
	caller, err := n.Admit(request(secret), rpc.ClientAPI)
	if err != nil {
		t.Fatal(err)
	}
	c.callers["token of super"] = caller
	return c
}

func everyone() []string {
	return []string{"host", "super", "admin", "creator", "member", "token of super", "nobody"}
}

func TestWhoMayCreateTokens(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	for _, tc := range []struct {
		permission Permission
		user       string // "self" for the caller's own address
		may        []string
	}{
		{Global, "", []string{"host", "super"}},
		{Anonymous, "", []string{"host", "super"}},
		{User, "self", []string{"super", "admin", "creator"}},
		{User, "", []string{"super", "admin", "creator"}}, // means themselves; the host has no self
		{User, "member@example.com", []string{"host", "super"}},
		{User, "super@example.com", []string{"host", "super"}},
	} {
		for _, who := range everyone() {
			user := tc.user
			if user == "self" {
				user = who + "@example.com"
				if c.callers[who].Person() == "" || who == "token of super" {
					user = "super@example.com"
					if who == "host" {
						continue
					}
				}
			}
			made, secret, err := c.CreateToken(ctx, c.callers[who], NewToken{
				Description: "x", Permission: tc.permission, User: user, Scopes: grant.ScopesOf(grant.Search),
			})
			if may := slices.Contains(tc.may, who); may != (err == nil) {
				t.Errorf("%s makes %s for %q: %v, want allowed %v", who, tc.permission, user, err, may)
			}
			if err == nil && (made.State != Active || made.Mask != secret.String() || tc.permission == User && made.User.ID == "") {
				t.Errorf("%s made %+v", who, made)
			}
			if err != nil && secret.Reveal() != "" {
				t.Errorf("%s was refused and given a secret", who)
			}
		}
	}
}

// TestRefusalsDoNotTellWhoExists holds that only Super Admins learn whether an address is known.
func TestRefusalsDoNotTellWhoExists(t *testing.T) {
	c := newCast(t)
	for _, who := range []string{"admin", "creator"} {
		var says []string
		for _, user := range []string{"member@example.com", "nobody@example.com"} {
			_, _, err := c.CreateToken(context.Background(), c.callers[who], NewToken{
				Description: "x", Permission: User, User: user, Scopes: grant.AllScopes,
			})
			says = append(says, fmt.Sprint(err))
		}
		if says[0] != says[1] {
			t.Errorf("%s is told %q of a person and %q of nobody", who, says[0], says[1])
		}
	}
}

func TestWhoSeesAndRevokesTokens(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	for _, tc := range []struct {
		permission  Permission
		user        string
		see, revoke []string
	}{
		{Global, "", []string{"host", "super", "admin"}, []string{"host", "super"}},
		{Anonymous, "", []string{"host", "super", "admin"}, []string{"host", "super"}},
		{User, "creator@example.com", []string{"host", "super", "admin", "creator"}, []string{"host", "super", "admin", "creator"}},
		{User, "member@example.com", []string{"host", "super", "admin"}, []string{"host", "super", "admin"}},
		{User, "super@example.com", []string{"host", "super", "admin"}, []string{"host", "super", "admin"}},
	} {
		for _, who := range everyone() {
			id, secret := c.token(t, tc.permission, tc.user, grant.Search)
			caller, see, revoke := c.callers[who], slices.Contains(tc.see, who), slices.Contains(tc.revoke, who)
			got, err := c.Token(ctx, caller, id)
			if see != (err == nil) {
				t.Errorf("%s reads %s of %s: %v, want allowed %v", who, tc.permission, tc.user, err, see)
			}
			if err != nil && who == "creator" {
				wantKind(t, "what a creator may not see", err, fault.NotFound)
			}
			list, _ := c.Tokens(ctx, caller)
			if listed := slices.ContainsFunc(list, func(l Token) bool { return l.ID == id }); listed != see {
				t.Errorf("%s lists %s of %s: %v, want %v", who, tc.permission, tc.user, listed, see)
			}
			if see && MayRevoke(caller.Role(), caller.Person(), got) != revoke && who != "host" {
				t.Errorf("MayRevoke(%s, %s of %s) = %v, want %v", who, tc.permission, tc.user, !revoke, revoke)
			}
			err = c.RevokeToken(ctx, caller, id)
			if revoke != (err == nil) {
				t.Errorf("%s revokes %s of %s: %v, want allowed %v", who, tc.permission, tc.user, err, revoke)
			}
			if err != nil {
				continue
			}
			wantNone(t, "revoke again", c.RevokeToken(ctx, caller, id))
			got, _ = c.Token(ctx, c.callers["super"], id)
			by := caller.Person()
			if who == "host" {
				by = audit.Host
			}
			if got.State != Revoked || got.RevokedBy.ID != by || got.Revoked.IsZero() {
				t.Errorf("%s revoked: state %s by %q, want %q", who, got.State, got.RevokedBy.ID, by)
			}
			if _, err := c.Admit(request(secret, "X-Glean-ActAs", "member@example.com"), rpc.ClientAPI); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("a revoked token is admitted: %v", err)
			}
		}
	}
	wantKind(t, "unknown id", c.RevokeToken(ctx, c.callers["super"], "nothing"), fault.NotFound)
}

func TestWhoManagesIndexingTokens(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	for _, who := range everyone() {
		may := slices.Contains([]string{"host", "super", "admin"}, who)
		id, _ := c.indexingToken(t, NewIndexingToken{})
		_, _, err := c.CreateIndexingToken(ctx, c.callers[who], NewIndexingToken{Description: "x", Expires: c.clock.now().Add(time.Hour)})
		if may != (err == nil) {
			t.Errorf("%s makes an indexing token: %v, want allowed %v", who, err, may)
		}
		if _, err = c.IndexingTokens(ctx, c.callers[who]); may != (err == nil) {
			t.Errorf("%s lists indexing tokens: %v, want allowed %v", who, err, may)
		}
		if _, err = c.IndexingToken(ctx, c.callers[who], id); may != (err == nil) {
			t.Errorf("%s reads an indexing token: %v, want allowed %v", who, err, may)
		}
		if err = c.RevokeIndexingToken(ctx, c.callers[who], id); may != (err == nil) {
			t.Errorf("%s revokes an indexing token: %v, want allowed %v", who, err, may)
		}
	}
}

// TestLoweredRoleCountsAtOnce uses a Caller that was admitted before.
func TestLoweredRoleCountsAtOnce(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	role := grant.RoleMember
	if _, err := c.UpdatePerson(ctx, c.callers["super"], "admin@example.com", directory.Patch{Role: &role}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Tokens(ctx, c.callers["admin"])
	wantKind(t, "list after the role was lowered", err, fault.Forbidden)
	wantKind(t, "stream after the role was lowered", c.callers["admin"].Recheck(), fault.Forbidden)
	wantNone(t, "somebody else's stream", c.callers["creator"].Recheck())
}

func TestWhatTokensRefuse(t *testing.T) {
	c := newCast(t)
	now := c.clock.now()
	good := NewToken{Description: "x", Permission: User, User: "member@example.com", Scopes: grant.AllScopes}
	for field, spoil := range map[string]func(*NewToken){
		"description":      func(n *NewToken) { n.Description = " \t" },
		"description long": func(n *NewToken) { n.Description = strings.Repeat("ä", maxDescription+1) },
		"description line": func(n *NewToken) { n.Description = "a\nb" },
		"permission":       func(n *NewToken) { n.Permission = "user" },
		"scopes":           func(n *NewToken) { n.Scopes = 0 },
		"scopes foreign":   func(n *NewToken) { n.Scopes |= grant.ScopesOf(grant.AdminScope) },
		"scopes anonymous": func(n *NewToken) { n.Permission, n.User, n.Scopes = Anonymous, "", grant.ScopesOf(grant.Chat) },
		"expiresAt":        func(n *NewToken) { n.Expires = now },
		"expiresAt far":    func(n *NewToken) { n.Expires = now.Add(maxLife + time.Hour) },
		"userEmail":        func(n *NewToken) { n.User = "nobody@example.com" },
		"userEmail none":   func(n *NewToken) { n.User = "nonsense@" },
		"userEmail GLOBAL": func(n *NewToken) { n.Permission = Global },
	} {
		n := good
		spoil(&n)
		_, _, err := c.CreateToken(context.Background(), c.callers["super"], n)
		wantField(t, field, err)
	}
	goodIndexing := NewIndexingToken{Description: "x", Expires: now.Add(time.Hour)}
	for field, spoil := range map[string]func(*NewIndexingToken){
		"description":                func(n *NewIndexingToken) { n.Description = "" },
		"expiresAt":                  func(n *NewIndexingToken) { n.Expires = time.Time{} },
		"expiresAt past":             func(n *NewIndexingToken) { n.Expires = now },
		"datasources":                func(n *NewIndexingToken) { n.Datasources = []string{} },
		"datasources name":           func(n *NewIndexingToken) { n.Datasources = []string{"a/b"} },
		"allowedCidrs":               func(n *NewIndexingToken) { n.Addresses = []string{"10.0.0.0/33"} },
		"allowedCidrs bits":          func(n *NewIndexingToken) { n.Addresses = []string{"10.0.0.1/8"} },
		"allowedCidrs mapped":        func(n *NewIndexingToken) { n.Addresses = []string{"::ffff:10.0.0.0/104"} },
		"allowedCidrs zone":          func(n *NewIndexingToken) { n.Addresses = []string{"fe80::1%eth0"} },
		"allowedCidrs many":          func(n *NewIndexingToken) { n.Addresses = slices.Repeat([]string{"10.0.0.1"}, maxPrefixes+1) },
		"rotationPeriodMinutes":      func(n *NewIndexingToken) { n.PeriodMinutes = minPeriod - 1 },
		"rotationPeriodMinutes less": func(n *NewIndexingToken) { n.PeriodMinutes = -1 },
	} {
		n := goodIndexing
		spoil(&n)
		_, _, err := c.CreateIndexingToken(context.Background(), c.callers["super"], n)
		wantField(t, field, err)
	}
	if _, err := ParseScopes([]string{"SEARCH", "search"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("ParseScopes of a lower-case name: %v, want invalid", err)
	}
	if all, err := ParseScopes([]string{"ALL"}); err != nil || all != grant.AllScopes {
		t.Errorf("ParseScopes(ALL) = %v, %v", all, err)
	}
}

// wantField wants a fault.Invalid for the field that is the first word of what.
func wantField(t *testing.T, what string, err error) {
	t.Helper()
	field, _, _ := strings.Cut(what, " ")
	f, ok := err.(*fault.Fault) //nolint:errorlint // services return faults as they are
	if !ok || f.Kind != fault.Invalid || f.Field != field {
		t.Errorf("%s: %v, want an invalid %s", what, err, field)
	}
}

func TestWhoMayChangePeople(t *testing.T) {
	ctx := context.Background()
	roleTo := func(r grant.Role) directory.Patch { return directory.Patch{Role: &r} }
	off := false
	for _, tc := range []struct {
		name string
		do   func(c cast, by grant.Caller, name string) error
		may  []string
	}{
		{"see people", func(c cast, by grant.Caller, _ string) error {
			_, err := c.ListPeople(ctx, by, directory.Query{All: true})
			return err
		}, []string{"host", "super", "admin"}},
		{"add a Member", func(c cast, by grant.Caller, name string) error {
			_, err := c.AddPerson(ctx, by, directory.NewPerson{Email: name + "1@example.org"})
			return err
		}, []string{"host", "super", "admin"}},
		{"add a Token Creator", func(c cast, by grant.Caller, name string) error {
			_, err := c.AddPerson(ctx, by, directory.NewPerson{Email: name + "2@example.org", Role: grant.RoleTokenCreator})
			return err
		}, []string{"host", "super"}},
		{"raise a Member", func(c cast, by grant.Caller, _ string) error {
			_, err := c.UpdatePerson(ctx, by, "member@example.com", roleTo(grant.RoleTokenCreator))
			return err
		}, []string{"host", "super"}},
		{"deactivate", func(c cast, by grant.Caller, name string) error {
			p, err := c.people.Add(ctx, directory.NewPerson{Email: name + "3@example.org"})
			if err != nil {
				return err
			}
			_, err = c.UpdatePerson(ctx, by, p.ID, directory.Patch{Active: &off})
			return err
		}, []string{"host", "super"}},
		{"invite a new Member", func(c cast, by grant.Caller, name string) error {
			if _, err := c.people.Add(ctx, directory.NewPerson{Email: name + "4@example.org"}); err != nil {
				return err
			}
			_, err := c.CreateLink(ctx, by, name+"4@example.org")
			return err
		}, []string{"host", "super", "admin"}},
		{"make a link for a Member who was here", func(c cast, by grant.Caller, name string) error {
			address := name + "5@example.org"
			if _, err := c.people.Add(ctx, directory.NewPerson{Email: address}); err != nil {
				return err
			}
			c.signIn(t, address)
			_, err := c.CreateLink(ctx, by, address)
			return err
		}, []string{"host", "super"}},
		{"make a link for an Admin", func(c cast, by grant.Caller, name string) error {
			address := name + "6@example.org"
			if _, err := c.people.Add(ctx, directory.NewPerson{Email: address, Role: grant.RoleAdmin}); err != nil {
				return err
			}
			_, err := c.CreateLink(ctx, by, address)
			return err
		}, []string{"host", "super"}},
	} {
		c := newCast(t)
		for i, who := range everyone() {
			err := tc.do(c, c.callers[who], fmt.Sprintf("p%d", i))
			if may := slices.Contains(tc.may, who); may != (err == nil) {
				t.Errorf("%s: %s: %v, want allowed %v", who, tc.name, err, may)
			}
		}
	}
}

// Whoever has a Member's invitation in hand, or came in with it, does not rise with them.
func TestNobodyRisesWithAnInvitation(t *testing.T) {
	c := newCast(t)
	ctx, super := context.Background(), grant.RoleSuperAdmin
	raise := map[string]func(email string) error{
		"update": func(email string) error {
			_, err := c.UpdatePerson(ctx, c.callers["super"], email, directory.Patch{Role: &super})
			return err
		},
		"add": func(email string) error {
			_, err := c.AddPerson(ctx, c.callers["super"], directory.NewPerson{Email: email, Role: super})
			return err
		},
	}
	for way, rise := range raise {
		invite := func(email string) string {
			t.Helper()
			if err := c.people.PutEmployees(ctx, []directory.EmployeeRecord{{Email: email, Profile: directory.Profile{FirstName: "New", LastName: "Here"}}}); err != nil {
				t.Fatal(err)
			}
			link, err := c.CreateLink(ctx, c.callers["super"], email)
			if err != nil {
				t.Fatal(err)
			}
			return link.Code.Reveal()
		}
		held, used := invite(way+"1@example.com"), invite(way+"2@example.com")
		_, cookie, err := c.SignIn(httptest.NewRequest("POST", "/signin", nil), used)
		if err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{way + "1@example.com", way + "2@example.com"} {
			if err := rise(email); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := c.SignIn(httptest.NewRequest("POST", "/signin", nil), held); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: SignIn() with an invitation from before = %v, want unauthenticated", way, err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		if v, err := c.SessionFrom(r); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: SessionFrom() a session from before = %v, %v, want unauthenticated", way, v.Admin.Role(), err)
		}
	}
}

func TestTheLastSuperAdminStays(t *testing.T) {
	c := newCast(t)
	ctx, member, off := context.Background(), grant.RoleMember, false
	for _, who := range []string{"super", "host"} {
		_, err := c.UpdatePerson(ctx, c.callers[who], "super@example.com", directory.Patch{Role: &member})
		wantKind(t, who+" lowers the last one", err, fault.Conflict)
		_, err = c.UpdatePerson(ctx, c.callers[who], "super@example.com", directory.Patch{Active: &off})
		wantKind(t, who+" deactivates the last one", err, fault.Conflict)
	}
	wantNone(t, "the last one's session", c.callers["super"].Recheck())
}

func TestAdminSearch(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	for _, who := range everyone() {
		may := who == "super" || who == "token of super"
		got, err := c.AdminSearch(ctx, c.callers[who], "payroll "+who)
		if may != (err == nil) {
			t.Errorf("%s: %v, want allowed %v", who, err, may)
		}
		if may && (!got.Is(grant.AdminSearch) || got.Recheck() != nil) {
			t.Errorf("%s: kind %v, recheck %v", who, got.Kind(), got.Recheck())
		}
		if !may && got.Kind() != 0 {
			t.Errorf("%s was refused and given a caller", who)
		}
	}
	_, global := c.token(t, Global, "", grant.Search)
	as, err := c.Admit(request(global, "X-Glean-ActAs", "super@example.com"), rpc.ClientAPI)
	wantNone(t, "admit", err)
	_, err = c.AdminSearch(ctx, as, "payroll")
	wantKind(t, "GLOBAL acting as a Super Admin", err, fault.Forbidden)

	wantNone(t, "flush", c.audit.Flush(ctx))
	page, err := c.audit.List(ctx, audit.Filter{Action: "admin.search"})
	if err != nil || len(page.Entries) != 2 || page.Entries[1].Detail != "“payroll super”" || page.Entries[1].ActorName != "super@example.com" {
		t.Errorf("audit of admin search = %+v, %v; want both queries", page.Entries, err)
	}

	searching, err := c.AdminSearch(ctx, c.callers["super"], "payroll")
	wantNone(t, "search", err)
	byToken, err := c.AdminSearch(ctx, c.callers["token of super"], "payroll")
	wantNone(t, "search by token", err)
	c.person(t, "other@example.com", grant.RoleSuperAdmin)
	member := grant.RoleMember
	if _, err := c.people.Update(ctx, c.callers["super"].Person(), directory.Patch{Role: &member}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a search under way when the role is lowered", searching.Recheck(), fault.Forbidden)
	wantKind(t, "a search by token under way when the role is lowered", byToken.Recheck(), fault.Forbidden)
}

func TestChangesAreOnRecordWithoutSecrets(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	secrets := []string{}
	made, secret, err := c.CreateToken(ctx, c.callers["super"], NewToken{Description: "bot", Permission: Global, Scopes: grant.AllScopes})
	wantNone(t, "create", err)
	secrets = append(secrets, secret.Reveal())
	wantNone(t, "revoke", c.RevokeToken(ctx, c.callers["super"], made.ID))
	link, err := c.CreateLink(ctx, c.callers["super"], "member@example.com")
	wantNone(t, "link", err)
	secrets = append(secrets, link.Code.Reveal())
	page, err := c.audit.List(ctx, audit.Filter{Subject: made.ID})
	if err != nil || len(page.Entries) != 2 || page.Entries[0].Action != "token.revoke" || page.Entries[1].Action != "token.create" ||
		page.Entries[1].Actor != c.callers["super"].Person() || page.Entries[1].SubjectName != "bot" {
		t.Errorf("audit of the token = %+v, %v", page.Entries, err)
	}
	all, err := c.audit.List(ctx, audit.Filter{Limit: 1000})
	wantNone(t, "list", err)
	for _, e := range all.Entries {
		for _, s := range secrets {
			if strings.Contains(fmt.Sprint(e), s) {
				t.Errorf("a secret is on record: %+v", e)
			}
		}
	}
}

func TestPresences(t *testing.T) {
	c := newCast(t)
	ctx := context.Background()
	c.person(t, "new@example.com", grant.RoleMember)
	c.token(t, User, "creator@example.com", grant.Search)
	link, err := c.CreateLink(ctx, c.callers["admin"], "new@example.com")
	wantNone(t, "invite", err)
	creator := c.callers["creator"].Person()
	got, err := c.Presences(ctx, c.callers["admin"], []string{creator, link.Person.ID, "nobody"})
	if err != nil || got[creator].Tokens != 1 || got[creator].LastSeen.IsZero() || !got[link.Person.ID].Invited.Equal(link.Expires) ||
		got["nobody"] != (Presence{}) {
		t.Errorf("Presences = %+v, %v", got, err)
	}
	_, err = c.Presences(ctx, c.callers["creator"], []string{creator})
	wantKind(t, "asked by a creator", err, fault.Forbidden)
}
