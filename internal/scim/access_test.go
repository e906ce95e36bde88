package scim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestLeaver holds that whoever is deactivated loses every way in with the next request.
func TestLeaver(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.user("ada@example.com")
		_, own, err := w.CreateToken(ctx, w.Maintenance(), authority.NewToken{Description: "own", Permission: authority.User, User: id, Scopes: grant.AllScopes})
		if err != nil {
			t.Fatal(err)
		}
		_, global, err := w.CreateToken(ctx, w.Maintenance(), authority.NewToken{Description: "all", Permission: authority.Global, Scopes: grant.AllScopes})
		if err != nil {
			t.Fatal(err)
		}
		session := w.signIn("ada@example.com")
		ways := func() map[string]bool {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(session)
			_, err := w.SessionFrom(r)
			return map[string]bool{
				"a USER token": w.admitted(own.Reveal()), "a GLOBAL token": w.admitted(global.Reveal(), "X-Glean-ActAs", "ada@example.com"),
				"OAuth": w.admitted("ada", "X-Glean-Auth-Type", "OAUTH"), "the session": err == nil,
			}
		}
		expect := func(about string, want map[string]bool) {
			t.Helper()
			for way, open := range ways() {
				if open != want[way] {
					t.Errorf("%s: %s opens = %t", about, way, open)
				}
			}
		}
		all := map[string]bool{"a USER token": true, "a GLOBAL token": true, "OAuth": true, "the session": true}
		expect("at first", all)
		w.must(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		expect("deactivated", nil)
		w.must(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":"True"}]}`)
		expect("active again", map[string]bool{"a USER token": true, "a GLOBAL token": true, "OAuth": true, "the session": false})
		w.must(204, "DELETE", "/Users/"+id, "")
		expect("deleted", nil)
		// Somebody else with the address inherits nothing.
		if again := w.user("ada@example.com"); again == id {
			t.Error("the address leads to the person who left")
		}
		expect("the address has a new holder", map[string]bool{"a GLOBAL token": true, "OAuth": true})
	})
}

// signIn returns the cookie of a new session.
func (w *world) signIn(email string) *http.Cookie {
	w.t.Helper()
	link, err := w.CreateLink(w.t.Context(), w.Maintenance(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	_, cookie, err := w.SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	return cookie
}

// TestElsewhere holds that a deactivation reaches another node within a second.
func TestElsewhere(t *testing.T) {
	path := sqldbtest.File(t)
	w := newWorld(t, sqldbtest.OpenURL(t, path))
	db := sqldbtest.OpenURL(t, path)
	log, err := audit.Open(t.Context(), db, audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	keys, err := seal.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	other, err := authority.Open(authority.Config{DB: db, People: directory.New(db), Audit: log, Keys: keys, PublicURL: &url.URL{Scheme: "https", Host: "search.example.com"}, OAuth: provider{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	id := w.user("ada@example.com")
	r := httptest.NewRequest("POST", "/rest/api/v1/search", nil)
	r.Header.Set("Authorization", "Bearer ada")
	r.Header.Set("X-Glean-Auth-Type", "OAUTH")
	if _, err := other.Admit(r, rpc.ClientAPI); err != nil {
		t.Fatal(err)
	}
	w.must(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","value":{"active":false}}]}`)
	for deadline := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := other.Admit(r, rpc.ClientAPI); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other node admits after a second")
		}
	}
}

// TestWhoDecides holds the rules between SCIM and the other sources of people.
func TestWhoDecides(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		active := func(email string, want bool) {
			t.Helper()
			if got := w.person(email).Active; got != want {
				t.Errorf("%s is active: %t, want %t", email, got, want)
			}
		}
		off, on := `{"Operations":[{"op":"replace","path":"active","value":false}]}`, `{"Operations":[{"op":"replace","path":"active","value":true}]}`

		// The console deactivates whatever SCIM says, and SCIM reads back what it said.
		ada := w.user("ada@example.com")
		if _, err := w.people.SetActive(ctx, ada, false); err != nil {
			t.Fatal(err)
		}
		if a := w.must(200, "PATCH", "/Users/"+ada, on); a.at("active") != true {
			t.Errorf("SCIM reads %v", a.at("active"))
		}
		active("ada@example.com", false)
		if _, err := w.people.SetActive(ctx, ada, true); err != nil {
			t.Fatal(err)
		}
		active("ada@example.com", true)

		// SCIM deactivates whatever employee records and sign-in say.
		bo := w.user("bo@example.com")
		w.must(200, "PATCH", "/Users/"+bo, off)
		if err := w.people.PutEmployees(ctx, []directory.EmployeeRecord{{Email: "bo@example.com", Profile: directory.Profile{FirstName: "Bo", Department: "Sales", Status: directory.StatusCurrent}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.people.SignedIn(ctx, "bo@example.com", "Bo"); err != nil {
			t.Fatal(err)
		}
		active("bo@example.com", false)
		// Deleting does not let in whom others still name, and the employee record speaks of the profile.
		w.must(204, "DELETE", "/Users/"+bo, "")
		active("bo@example.com", false)
		if d := w.person("bo@example.com").Profile.Department; d != "Sales" {
			t.Errorf("Department = %q", d)
		}
		// SCIM takes the person up again, with the same id.
		if again := w.user("bo@example.com"); again != bo {
			t.Errorf("another person: %s, want %s", again, bo)
		}
		active("bo@example.com", true)

		// Somebody whom the console added is adopted, keeps the role, and comes back by the console alone after a deletion.
		cy, err := w.people.Add(ctx, directory.NewPerson{Email: "cy@example.com", Name: "Cy", Role: grant.RoleAdmin})
		if err != nil {
			t.Fatal(err)
		}
		if id := w.user("CY@example.com"); id != cy.ID || w.person("cy@example.com").Role != grant.RoleAdmin {
			t.Errorf("adopted %s with %s", id, w.person("cy@example.com").Role)
		}
		w.must(200, "PATCH", "/Users/"+cy.ID, off)
		w.must(204, "DELETE", "/Users/"+cy.ID, "")
		active("cy@example.com", false)
		if _, err := w.people.SetActive(ctx, cy.ID, true); err != nil {
			t.Fatal(err)
		}
		active("cy@example.com", true)

		// When the employee record goes, what SCIM knows is shown.
		dee := w.must(201, "POST", "/Users", `{"userName":"dee@example.com","title":"Binder"}`).Body["id"].(string)
		if err := w.people.PutEmployees(ctx, []directory.EmployeeRecord{{Email: "dee@example.com", Profile: directory.Profile{FirstName: "Dee", Title: "Reader"}}}); err != nil {
			t.Fatal(err)
		}
		w.must(200, "PATCH", "/Users/"+dee, `{"Operations":[{"op":"replace","path":"title","value":"Head binder"}]}`)
		if title := w.person("dee@example.com").Profile.Title; title != "Reader" {
			t.Errorf("Title = %q, want the employee record's", title)
		}
		if err := w.people.DeleteEmployee(ctx, "dee@example.com", 0); err != nil {
			t.Fatal(err)
		}
		if p := w.person("dee@example.com"); p.Profile.Title != "Head binder" || !p.Active {
			t.Errorf("after the record: %+v", p)
		}
	})
}

// TestLastSuperAdmin holds that SCIM cannot lock everybody out.
func TestLastSuperAdmin(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		id := w.user("admin@example.com")
		for _, try := range [][2]string{
			{"PATCH", `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`}, {"PUT", `{"userName":"admin@example.com","active":false}`}, {"DELETE", ""},
		} {
			if a := w.must(409, try[0], "/Users/"+id, try[1]); a.at("scimType") != nil {
				t.Errorf("%s: %s", try[0], a.Text)
			}
		}
		if p := w.person("admin@example.com"); !p.Active || p.Role != grant.RoleSuperAdmin {
			t.Errorf("the last Super Admin is %+v", p)
		}
		if a := w.must(200, "GET", "/Users/"+id, ""); a.at("active") != true {
			t.Errorf("after refusals: %s", a.Text)
		}
		other := w.user("other@example.com")
		if _, err := w.people.SetRole(t.Context(), other, grant.RoleSuperAdmin); err != nil {
			t.Fatal(err)
		}
		w.must(204, "DELETE", "/Users/"+id, "")
		w.must(409, "DELETE", "/Users/"+other, "")
	})
}

// TestGroupRoles holds that groups give roles where a Super Admin says so, and take back what they gave.
func TestGroupRoles(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx, host := t.Context(), w.Maintenance()
		role := func(email string, want grant.Role) {
			t.Helper()
			if got := w.person(email).Role; got != want {
				t.Errorf("%s is %s, want %s", email, got, want)
			}
		}
		ada, bo := w.user("ada@example.com"), w.user("bo@example.com")
		admins, owners := w.group("Admins", ada), w.group("Owners")
		role("ada@example.com", grant.RoleMember)
		session := w.signIn("ada@example.com")
		if _, err := w.SetGroupRole(ctx, host, admins, grant.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		role("ada@example.com", grant.RoleAdmin)
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(session)
		if _, err := w.SessionFrom(r); err == nil {
			t.Error("a session begun before rose with its person")
		}
		if _, err := w.SetGroupRole(ctx, host, owners, grant.RoleSuperAdmin); err != nil {
			t.Fatal(err)
		}
		add := func(group, id string) {
			t.Helper()
			w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]}`)
		}
		drop := func(group, id string) {
			t.Helper()
			w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]}`)
		}
		add(owners, ada)
		add(admins, bo)
		role("ada@example.com", grant.RoleSuperAdmin)
		role("bo@example.com", grant.RoleAdmin)
		drop(owners, ada)
		role("ada@example.com", grant.RoleAdmin)
		// A role given by hand outlives the group.
		if _, err := w.people.SetRole(ctx, bo, grant.RoleTokenCreator); err != nil {
			t.Fatal(err)
		}
		drop(admins, bo)
		role("bo@example.com", grant.RoleTokenCreator)
		add(admins, bo)
		role("bo@example.com", grant.RoleAdmin)
		// A group that goes, and a mapping that ends, take their roles along.
		w.must(204, "DELETE", "/Groups/"+admins, "")
		role("ada@example.com", grant.RoleMember)
		role("bo@example.com", grant.RoleTokenCreator)
		// The last Super Admin stays one, though the group is emptied.
		add(owners, ada)
		if _, err := w.people.SetRole(ctx, w.person("admin@example.com").ID, grant.RoleMember); err != nil {
			t.Fatal(err)
		}
		w.must(200, "PUT", "/Groups/"+owners, `{"displayName":"Owners","members":[]}`)
		role("ada@example.com", grant.RoleSuperAdmin)
		// With another one there, the next change takes it.
		if _, err := w.people.SetRole(ctx, w.person("admin@example.com").ID, grant.RoleSuperAdmin); err != nil {
			t.Fatal(err)
		}
		add(owners, ada)
		drop(owners, ada)
		role("ada@example.com", grant.RoleMember)
		// Only Super Admins give roles to groups.
		for _, c := range []grant.Caller{{}, w.visit("bo@example.com")} {
			if _, err := w.SetGroupRole(ctx, c, owners, grant.RoleMember); err == nil {
				t.Error("somebody else gives a group a role")
			}
			if _, err := w.Groups(ctx, c); err == nil {
				t.Error("somebody else lists groups")
			}
		}
		groups, err := w.Groups(ctx, host)
		if err != nil || len(groups) != 1 || groups[0].Role != grant.RoleSuperAdmin {
			t.Errorf("Groups() = %v, %v", groups, err)
		}
	})
}

// visit returns the caller of a new session.
func (w *world) visit(email string) grant.Caller {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(w.signIn(email))
	v, err := w.SessionFrom(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Admin
}

// TestAddresses holds how userName and emails become an address.
func TestAddresses(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		id := w.must(201, "POST", "/Users", `{"userName":"ada","emails":[{"value":"home@example.com","type":"home"},{"value":"Ada@example.com","type":"work"}]}`).Body["id"].(string)
		if p := w.person("ada@example.com"); p.ID != id || len(p.Addresses) != 1 {
			t.Errorf("ada is %+v", p)
		}
		// A new address takes the place of the old one, which is free for somebody else then and inherits nothing.
		w.must(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"ada.lindt@example.com"}]}`)
		if p := w.person("ada.lindt@example.com"); p.ID != id || p.Email != "ada.lindt@example.com" || len(p.Addresses) != 1 {
			t.Errorf("renamed: %+v", p)
		}
		if other := w.user("ada@example.com"); other == id {
			t.Error("the free address leads to who had it")
		}
		if a := w.must(409, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"userName","value":"ADA@example.com"}]}`); a.at("scimType") != "uniqueness" {
			t.Errorf("another's userName: %s", a.Text)
		}
		if a := w.must(409, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"emails","value":[{"value":"ada@example.com"}]}]}`); a.at("scimType") != "uniqueness" {
			t.Errorf("another's address: %s", a.Text)
		}
		w.must(409, "POST", "/Users", `{"userName":"second","emails":[{"value":"ada.lindt@example.com"}]}`)
		w.must(400, "POST", "/Users", `{"userName":"nobody"}`)
		w.must(400, "POST", "/Users", `{"userName":"ädä@example.com"}`)
		// Made without being active, nobody gets in.
		w.must(201, "POST", "/Users", `{"userName":"later@example.com","active":"False"}`)
		if w.person("later@example.com").Active || w.admitted("later", "X-Glean-Auth-Type", "OAUTH") {
			t.Error("somebody made without access has it")
		}
	})
}

// TestTokens holds that SCIM tokens open this API alone, and that it opens to nothing else.
func TestTokens(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx, host := t.Context(), w.Maintenance()
		good := w.token
		client, secret, err := w.CreateToken(ctx, host, authority.NewToken{Description: "x", Permission: authority.User, User: "admin@example.com", Scopes: grant.AllScopes})
		if err != nil || client.ID == "" {
			t.Fatal(err)
		}
		_, indexing, err := w.CreateIndexingToken(ctx, host, authority.NewIndexingToken{Description: "x", Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		ended, over, err := w.CreateSCIMToken(ctx, host, authority.NewSCIMToken{Description: "over"})
		if err != nil {
			t.Fatal(err)
		}
		w.token = over.Reveal()
		w.must(200, "GET", "/Users", "")
		if err := w.RevokeSCIMToken(ctx, host, ended.ID); err != nil {
			t.Fatal(err)
		}
		for about, token := range map[string]string{
			"none": "", "a client token": secret.Reveal(), "an indexing token": indexing.Reveal(), "a revoked token": over.Reveal(), "OAuth": "ada", "a changed token": good[:20] + "x" + good[21:],
		} {
			w.token = token
			a := w.must(401, "POST", "/Users", `{"userName":"eve@example.com"}`)
			if a.at("status") != "401" || a.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %s", about, a.Text)
			}
		}
		w.token = "ada"
		w.must(401, "GET", "/Users", "", "X-Glean-Auth-Type", "OAUTH")
		w.token = good
		w.must(401, "GET", "/Users", "", "X-Glean-Auth-Type", "OAUTH")
		w.must(400, "GET", "/Users", "", "X-Glean-ActAs", "admin@example.com")
		w.must(404, "GET", "/Nothing", "")
		w.must(405, "DELETE", "/Users", "")
		for _, family := range []rpc.Family{rpc.ClientAPI, rpc.PlatformAPI, rpc.IndexingAPI, rpc.AdminAPI} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+good)
			if _, err := w.Admit(r, family); err == nil {
				t.Errorf("a SCIM token opens family %d", family)
			}
		}
		if _, err := w.people.Add(ctx, directory.NewPerson{Email: "mere@example.com", Role: grant.RoleAdmin}); err != nil {
			t.Fatal(err)
		}
		admin := w.visit("mere@example.com")
		if _, _, err := w.CreateSCIMToken(ctx, admin, authority.NewSCIMToken{Description: "x"}); err == nil {
			t.Error("an Admin makes a SCIM token")
		}
		if _, err := w.SCIMTokens(ctx, admin); err == nil {
			t.Error("an Admin lists SCIM tokens")
		}
		if err := w.RevokeSCIMToken(ctx, admin, ended.ID); err == nil {
			t.Error("an Admin revokes a SCIM token")
		}
		list, err := w.SCIMTokens(ctx, host)
		if err != nil || len(list) != 2 || list[0].State != authority.Revoked || list[1].State != authority.Active {
			t.Errorf("SCIMTokens() = %+v, %v", list, err)
		}
		if got := w.actions(ended.ID); len(got) != 2 {
			t.Errorf("audit log of the token: %q", got)
		}
	})
}

// TestGivers holds that groups which are provisioned and groups that a provider tells of at sign-in know of each other: the greatest
// role counts, none takes back what the other gives, and nothing stays of what both gave.
func TestGivers(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada := w.user("ada@example.com")
		admins, owners := w.group("Admins"), w.group("Owners")
		for id, role := range map[string]grant.Role{admins: grant.RoleAdmin, owners: grant.RoleSuperAdmin} {
			if _, err := w.SetGroupRole(ctx, w.Maintenance(), id, role); err != nil {
				t.Fatal(err)
			}
		}
		member := func(group string, in bool) {
			t.Helper()
			op := map[bool]string{true: "add", false: "remove"}[in]
			w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"`+op+`","path":"members","value":[{"value":"`+ada+`"}]}]}`)
		}
		signIn := func(role grant.Role) {
			t.Helper()
			if _, _, err := w.people.GiveRole(ctx, ada, "sso https://id.example.com sheaf", role); err != nil {
				t.Fatal(err)
			}
		}
		role := func(about string, want grant.Role) {
			t.Helper()
			if got := w.person("ada@example.com").Role; got != want {
				t.Errorf("%s: %s, want %s", about, got, want)
			}
		}
		signIn(grant.RoleAdmin)
		member(owners, true)
		role("a claim and a greater group", grant.RoleSuperAdmin)
		signIn(grant.RoleMember)
		role("the claim is gone", grant.RoleSuperAdmin)
		member(owners, false)
		role("both are gone", grant.RoleMember)

		member(admins, true)
		signIn(grant.RoleAdmin)
		signIn(grant.RoleMember)
		role("the same from both, the claim is gone", grant.RoleAdmin)
		signIn(grant.RoleAdmin)
		member(admins, false)
		role("the same from both, the group is gone", grant.RoleAdmin)
		signIn(grant.RoleMember)
		role("nobody gives any more", grant.RoleMember)

		if _, err := w.people.SetRole(ctx, ada, grant.RoleTokenCreator); err != nil {
			t.Fatal(err)
		}
		signIn(grant.RoleAdmin)
		member(owners, true)
		signIn(grant.RoleMember)
		member(owners, false)
		role("by hand", grant.RoleTokenCreator)
		var said int
		for _, line := range w.actions(ada) {
			if line == "user.update: SUPER_ADMIN → API_TOKEN_CREATOR, by the group Owners" || line == "user.update: ADMIN → SUPER_ADMIN, by the group Owners" {
				said++
			}
		}
		if said != 3 {
			t.Errorf("audit log of the person: %q", w.actions(ada))
		}
		// What a group gave goes with the person.
		member(owners, true)
		w.must(204, "DELETE", "/Users/"+ada, "")
		if n := w.count("SELECT COUNT(*) FROM given_roles"); n != 0 {
			t.Errorf("%d roles are given to nobody", n)
		}
	})
}

// TestLateRole holds that a role which the last Super Admin kept goes with the next change, once there is another.
func TestLateRole(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bo := w.user("ada@example.com"), w.user("bo@example.com")
		owners := w.group("Owners", ada)
		if _, err := w.SetGroupRole(ctx, w.Maintenance(), owners, grant.RoleSuperAdmin); err != nil {
			t.Fatal(err)
		}
		if _, err := w.people.SetRole(ctx, w.person("admin@example.com").ID, grant.RoleMember); err != nil {
			t.Fatal(err)
		}
		w.must(200, "PUT", "/Groups/"+owners, `{"displayName":"Owners","members":[]}`)
		if r := w.person("ada@example.com").Role; r != grant.RoleSuperAdmin {
			t.Fatalf("the last Super Admin is %s", r)
		}
		w.must(200, "PUT", "/Groups/"+owners, `{"displayName":"Owners","members":[{"value":"`+bo+`"}]}`)
		if r := w.person("bo@example.com").Role; r != grant.RoleSuperAdmin {
			t.Errorf("the new member is %s", r)
		}
		if r := w.person("ada@example.com").Role; r != grant.RoleMember {
			t.Errorf("whom no group names is %s", r)
		}
	})
}

// TestSuccessor holds that whoever gets the address of somebody who left is somebody else, though the personnel system or the console named
// who left: their numbers as employees tell them apart.
func TestSuccessor(t *testing.T) {
	const enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":`
	employee := func(number, status string) []directory.EmployeeRecord {
		return []directory.EmployeeRecord{{Email: "ada@example.com", Profile: directory.Profile{FirstName: "Ada", EmployeeID: number, Status: status}}}
	}
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		put := func(records []directory.EmployeeRecord) {
			t.Helper()
			if err := w.people.PutEmployees(ctx, records); err != nil {
				t.Fatal(err)
			}
		}
		scimUser := func(number string) string {
			t.Helper()
			return w.must(201, "POST", "/Users", `{"userName":"ada@example.com",`+enterprise+`"`+number+`"}}`).Body["id"].(string)
		}
		token := func(id string) string {
			t.Helper()
			_, secret, err := w.CreateToken(ctx, w.Maintenance(), authority.NewToken{Description: "own", Permission: authority.User, User: id, Scopes: grant.AllScopes})
			if err != nil {
				t.Fatal(err)
			}
			return secret.Reveal()
		}
		// Both systems knew the first one, who leaves by both. The next one comes by personnel first, and then by SCIM.
		put(employee("1", directory.StatusCurrent))
		first := scimUser("1")
		kept := token(first)
		w.must(204, "DELETE", "/Users/"+first, "")
		put(employee("1", directory.StatusEx))
		put(employee("2", directory.StatusCurrent))
		second := scimUser("2")
		if first == second || w.admitted(kept) || !w.person("ada@example.com").Active {
			t.Errorf("the second has the id of the first: %t, and the token of the first opens: %t", first == second, w.admitted(kept))
		}
		// The next one comes by SCIM first, and the third's employment never ended in the personnel system.
		kept = token(second)
		w.must(204, "DELETE", "/Users/"+second, "")
		third := w.must(201, "POST", "/Users", `{"userName":"ada@example.com","active":false,`+enterprise+`"3"}}`).Body["id"].(string)
		w.must(200, "PATCH", "/Users/"+third, `{"Operations":[{"op":"replace","path":"active","value":true}]}`)
		if second == third || w.admitted(kept) {
			t.Error("the third is the second")
		}
		// A deletion by mistake is made good: the number is the same.
		put(employee("3", directory.StatusCurrent))
		w.must(204, "DELETE", "/Users/"+third, "")
		if again := scimUser("3"); again != third {
			t.Error("who comes back is somebody else")
		}
		// Whom the console named leaves a role behind, which the next one does not get.
		if _, err := w.people.SetRole(ctx, third, grant.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		if _, err := w.people.SetActive(ctx, third, true); err != nil {
			t.Fatal(err)
		}
		w.must(204, "DELETE", "/Users/"+third, "")
		fourth := scimUser("4")
		if p := w.person("ada@example.com"); fourth == third || p.Role != grant.RoleMember || !p.Active {
			t.Errorf("the fourth is %+v", p)
		}
		// Whom the console deactivates stays so, whoever they are.
		if _, err := w.people.SetActive(ctx, fourth, false); err != nil {
			t.Fatal(err)
		}
		w.must(204, "DELETE", "/Users/"+fourth, "")
		if fifth := scimUser("5"); fifth != fourth || w.person("ada@example.com").Active {
			t.Error("SCIM undoes what the console says")
		}
	})
}

// TestAdministratorsKeepTheirAddress holds that SCIM gives nobody's role to whoever holds another address, save a role that its groups give.
func TestAdministratorsKeepTheirAddress(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss := w.user("admin@example.com")
		mallory := w.user("mallory@example.com")
		w.must(200, "PATCH", "/Users/"+mallory, `{"Operations":[{"op":"replace","path":"userName","value":"m@example.com"}]}`)
		for _, try := range [][2]string{
			{"PATCH", `{"Operations":[{"op":"replace","path":"userName","value":"mallory@example.com"}]}`},
			{"PUT", `{"userName":"mallory@example.com"}`},
			{"PUT", `{"userName":"boss","emails":[{"value":"mallory@example.com"}]}`},
		} {
			w.must(409, try[0], "/Users/"+boss, try[1])
		}
		if _, err := w.people.ByEmail(ctx, "mallory@example.com"); err == nil {
			t.Error("a Super Admin holds the address of somebody else")
		}
		// The rest of them changes, and so does the address of whom a group makes an administrator.
		w.must(200, "PUT", "/Users/"+boss, `{"userName":"boss","title":"Owner","emails":[{"value":"admin@example.com"}]}`)
		group := w.group("Admins", mallory)
		if _, err := w.SetGroupRole(ctx, w.Maintenance(), group, grant.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.people.GiveRole(ctx, mallory, "sso x", grant.RoleTokenCreator); err != nil {
			t.Fatal(err)
		}
		w.must(409, "PATCH", "/Users/"+mallory, `{"Operations":[{"op":"replace","path":"userName","value":"mallory@example.com"}]}`)
		if _, _, err := w.people.GiveRole(ctx, mallory, "sso x", grant.RoleMember); err != nil {
			t.Fatal(err)
		}
		w.must(200, "PATCH", "/Users/"+mallory, `{"Operations":[{"op":"replace","path":"userName","value":"mallory@example.com"}]}`)
		if p := w.person("mallory@example.com"); p.ID != mallory || p.Role != grant.RoleAdmin {
			t.Errorf("renamed: %+v", p)
		}
	})
}
