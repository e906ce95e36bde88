package sso

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

func (w *world) person(email string) *directory.Person {
	w.t.Helper()
	p, err := w.directory.ByEmail(context.Background(), email)
	fatal(w.t, err)
	return p
}

// TestClaims holds which claims make somebody somebody.
func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		kind    Kind
		claim   string
		account map[string]any
		info    map[string]any
		want    string // "" for a refusal
	}{
		"an address, not said to be verified":          {account: map[string]any{"sub": "1", "email": ann}, want: ann},
		"an address in capitals":                       {account: map[string]any{"sub": "1", "email": "Ann.Lind@Quillmere.Example"}, want: ann},
		"not verified":                                 {account: map[string]any{"sub": "1", "email": ann, "email_verified": false}},
		"not verified, in words":                       {account: map[string]any{"sub": "1", "email": ann, "email_verified": "false"}},
		"verified, in words":                           {account: map[string]any{"sub": "1", "email": ann, "email_verified": "true"}, want: ann},
		"verified, in numbers":                         {account: map[string]any{"sub": "1", "email": ann, "email_verified": 1}},
		"no address":                                   {account: map[string]any{"sub": "1"}},
		"a list of addresses":                          {account: map[string]any{"sub": "1", "email": []string{ann}}},
		"no address but a name":                        {account: map[string]any{"sub": "1", "email": "ann"}},
		"two addresses in one":                         {account: map[string]any{"sub": "1", "email": ann + "," + bea}},
		"another alphabet":                             {account: map[string]any{"sub": "1", "email": "аnn.lind@quillmere.example"}},
		"from userinfo":                                {account: map[string]any{"sub": "1"}, info: map[string]any{"sub": "1", "email": ann}, want: ann},
		"from userinfo, not verified":                  {account: map[string]any{"sub": "1"}, info: map[string]any{"sub": "1", "email": ann, "email_verified": false}},
		"from userinfo, which alone says not verified": {account: map[string]any{"sub": "1", "email_verified": true}, info: map[string]any{"sub": "1", "email": ann, "email_verified": false}},
		"from userinfo of another account":             {account: map[string]any{"sub": "1"}, info: map[string]any{"sub": "2", "email": ann}},
		"userinfo does not verify what it repeats":     {account: map[string]any{"sub": "1", "email": ann, "email_verified": false}, info: map[string]any{"sub": "1", "email": ann, "email_verified": true}},
		"a claim of the company's own":                 {claim: "login", account: map[string]any{"sub": "1", "email": bea, "login": ann}, want: ann},
		"a claim in a claim":                           {claim: "https://q.example/claims.mail", account: map[string]any{"sub": "1", "https://q.example/claims": map[string]any{"mail": bea}}},
		"a claim on a path":                            {claim: "work.mail", account: map[string]any{"sub": "1", "work": map[string]any{"mail": ann}}, want: ann},
		"Entra: mail is no identity":                   {kind: Entra, account: map[string]any{"sub": "1", "oid": "o1", "email": ann}},
		"Entra: the principal name":                    {kind: Entra, account: map[string]any{"sub": "1", "oid": "o1", "email": bea, "preferred_username": ann}, want: ann},
		"Entra: mail, when asked for":                  {kind: Entra, claim: "email", account: map[string]any{"sub": "1", "oid": "o1", "email": ann}},
		"Entra: mail, said verified":                   {kind: Entra, claim: "email", account: map[string]any{"sub": "1", "oid": "o1", "email": ann, "email_verified": true}},
		"Entra: mail, not vouched for":                 {kind: Entra, claim: "email", account: map[string]any{"sub": "1", "oid": "o1", "email": ann, "xms_edov": false}},
		"Entra: mail, vouched for":                     {kind: Entra, claim: "email", account: map[string]any{"sub": "1", "oid": "o1", "email": ann, "xms_edov": true}, want: ann},
		"Entra: mail, vouched for in a number":         {kind: Entra, claim: "email", account: map[string]any{"sub": "1", "oid": "o1", "email": ann, "xms_edov": 1}, want: ann},
		"Okta: the login":                              {kind: Okta, account: map[string]any{"sub": "00u1", "email": bea, "preferred_username": ann}, want: ann},
		"Okta: sub is the login of access tokens":      {kind: Okta, claim: "sub", account: map[string]any{"sub": "00u1", "preferred_username": ann}, want: ann},
		"Google: of a company":                         {kind: Google, account: map[string]any{"sub": "1", "email": ann, "email_verified": true, "hd": "quillmere.example"}, want: ann},
		"Google: verified once upon a time":            {kind: Google, account: map[string]any{"sub": "1", "email": ann, "email_verified": true}},
		"a very long account":                          {account: map[string]any{"sub": strings.Repeat("x", 256), "email": ann}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add(ann, grant.RoleMember)
			w.add(bea, grant.RoleMember)
			w.settings.change("work", func(p *Provider) {
				if p.UserClaim = c.claim; c.kind != "" {
					p.Kind = c.kind
				}
			})
			w.settings.idps["work"].info = c.info
			got, err := w.browser().signIn("work", c.account)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("signed in as %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestUnknownPeople(t *testing.T) {
	w := newWorld(t)
	w.add(bea, grant.RoleSuperAdmin)
	if person, err := w.browser().signIn("work", annAccount()); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Fatalf("somebody unknown: %q, %v, want fault.Forbidden", person, err)
	}
	if _, err := w.directory.ByEmail(context.Background(), ann); fault.KindOf(err) != fault.NotFound {
		t.Fatal("somebody refused is in the directory")
	}
	w.settings.admit = true
	if person, err := w.browser().signIn("work", annAccount()); person != ann || err != nil {
		t.Fatalf("somebody admitted: %q, %v", person, err)
	}
	p := w.person(ann)
	if p.Role != grant.RoleMember || p.Name != "Ann Lind" || !slices.Contains(p.Sources, directory.Assertion{Source: directory.SSO, Active: true}) {
		t.Errorf("admitted as %+v, want a Member whom sign-in asserts", p)
	}
	// By this provider, and of these addresses, alone.
	outsider := map[string]any{"sub": "out", "email": "ann@elsewhere.example", "email_verified": true}
	if person, err := w.browser().signIn("work", outsider); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("somebody of another domain: %q, %v, want fault.Forbidden", person, err)
	}
	if person, err := w.browser().signIn("other", map[string]any{"sub": "o", "email": "new@quillmere.example"}); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("somebody by another provider: %q, %v, want fault.Forbidden", person, err)
	}
	// A name that cannot be kept keeps nobody out.
	odd := map[string]any{"sub": "o", "email": "odd@quillmere.example", "name": "a\nb"}
	if person, err := w.browser().signIn("work", odd); person != "odd@quillmere.example" || err != nil {
		t.Errorf("with an odd name: %q, %v", person, err)
	}
}

// TestLeavers holds that signing in keeps nobody: who is inactive stays out, and an employee who signed in leaves like any other.
func TestLeavers(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.settings.admit = true
	p := w.add(ann, grant.RoleMember)
	b := w.browser()
	if person, err := b.signIn("work", annAccount()); person != ann || err != nil {
		t.Fatalf("sign-in = %q, %v", person, err)
	}
	for _, a := range w.person(ann).Sources {
		if a.Source == directory.SSO {
			t.Error("signing in asserts somebody known: an employee who leaves would stay")
		}
	}
	_, err := w.directory.SetActive(ctx, p.ID, false)
	fatal(t, err)
	if _, err := w.authority.SessionFrom(b.request("/")); err == nil {
		t.Error("the session outlives the person")
	}
	back := w.settings.idps["work"].approve(t, b.begin("work", ""), annAccount())
	if _, person, err := b.end(back); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a deactivated person: %q, %v, want fault.Forbidden", person, err)
	}
	if w.person(ann).Active {
		t.Error("signing in reactivates")
	}
}

// TestAddressChangesHands holds that an address which another account comes with opens nobody's session.
func TestAddressChangesHands(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	old := w.add(ann, grant.RoleSuperAdmin)
	other := w.add(bea, grant.RoleMember)
	if person, err := w.browser().signIn("work", annAccount()); person != ann || err != nil {
		t.Fatalf("sign-in = %q, %v", person, err)
	}
	heir := map[string]any{"sub": "ann-2", "email": ann, "email_verified": true}
	if person, err := w.browser().signIn("work", heir); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("another account with the address: %q, %v, want fault.Forbidden", person, err)
	}
	// The same account with the address of somebody else.
	if person, err := w.browser().signIn("work", map[string]any{"sub": "ann-1", "email": bea}); person != "" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("an account with the address of somebody else: %q, %v, want fault.Forbidden", person, err)
	}
	// The same account with a new address that nobody has: the person changed their name.
	if person, err := w.browser().signIn("work", map[string]any{"sub": "ann-1", "email": "ann.moss@quillmere.example"}); person != ann || err != nil {
		t.Errorf("an account with a new address: %q, %v, want %s", person, err, ann)
	}
	// Another provider vouches on its own.
	if person, err := w.browser().signIn("other", map[string]any{"sub": "x", "email": ann}); person != ann || err != nil {
		t.Errorf("another provider: %q, %v", person, err)
	}
	if got := w.refusals(); len(got) != 2 {
		t.Errorf("the audit log has %q, want both refusals", got)
	}
	// A Super Admin releases it, and nobody else does.
	if _, err := w.service.Release(ctx, grant.Caller{}, old); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Release by nobody = %v, want fault.Forbidden", err)
	}
	linked, err := w.service.Linked(ctx, []string{old.ID, other.ID})
	if err != nil || !linked[old.ID] || linked[other.ID] {
		t.Errorf("Linked = %v, %v", linked, err)
	}
	if done, err := w.service.Release(ctx, w.authority.Maintenance(), old); err != nil || !done {
		t.Fatalf("Release = %v, %v", done, err)
	}
	if person, err := w.browser().signIn("work", heir); person != ann || err != nil {
		t.Errorf("after the release: %q, %v", person, err)
	}
}

// TestRetiredPerson holds that whoever comes back after they were gone from every source is somebody new.
func TestRetiredPerson(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.add(bea, grant.RoleSuperAdmin)
	w.settings.admit = true
	if person, err := w.browser().signIn("work", annAccount()); person != ann || err != nil {
		t.Fatalf("sign-in = %q, %v", person, err)
	}
	old := w.person(ann)
	_, err := w.directory.Remove(ctx, old.ID, directory.SSO)
	fatal(t, err)
	if person, err := w.browser().signIn("work", annAccount()); person != ann || err != nil {
		t.Fatalf("sign-in after leaving = %q, %v", person, err)
	}
	if w.person(ann).ID == old.ID {
		t.Error("a retired person came back")
	}
}

// TestRolesByGroups holds that groups give roles and take back what they gave, and nothing else.
func TestRolesByGroups(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.add(bea, grant.RoleSuperAdmin)
	w.add(ann, grant.RoleMember)
	w.settings.change("work", func(p *Provider) {
		p.GroupsClaim = "groups"
		p.Roles = map[string]grant.Role{"admins": grant.RoleAdmin, "chiefs": grant.RoleSuperAdmin, "makers": grant.RoleTokenCreator}
	})
	with := func(groups any) map[string]any {
		a := annAccount()
		if groups != nil {
			a["groups"] = groups
		}
		return a
	}
	w.settings.idps["work"].info = map[string]any{"sub": "ann-1"}
	step := func(what string, account map[string]any, want grant.Role) {
		t.Helper()
		if person, err := w.browser().signIn("work", account); person != ann || err != nil {
			t.Fatalf("%s: sign-in = %q, %v", what, person, err)
		}
		if got := w.person(ann).Role; got != want {
			t.Fatalf("%s: the role is %v, want %v", what, got, want)
		}
	}
	step("no groups", with([]string{}), grant.RoleMember)
	step("a group", with([]string{"staff", "admins"}), grant.RoleAdmin)
	step("two groups", with([]string{"makers", "chiefs"}), grant.RoleSuperAdmin)
	step("a lesser group", with([]string{"makers"}), grant.RoleTokenCreator)
	step("one group as a text", with("admins"), grant.RoleAdmin)
	step("groups elsewhere", func() map[string]any {
		a := with(nil)
		a["_claim_names"], a["_claim_sources"] = map[string]any{"groups": "src1"}, map[string]any{"src1": map[string]any{"endpoint": "https://graph.example"}}
		return a
	}(), grant.RoleAdmin)
	step("groups of another form", with(map[string]any{"admins": true}), grant.RoleAdmin)
	step("left out", with(nil), grant.RoleMember)
	// What an administrator gave stays.
	_, err := w.directory.SetRole(ctx, w.person(ann).ID, grant.RoleAdmin)
	fatal(t, err)
	step("a role given by hand", with([]string{}), grant.RoleAdmin)
	step("a greater one by group", with([]string{"chiefs"}), grant.RoleSuperAdmin)
	// The last Super Admin stays one, and can be lowered once there is another.
	_, err = w.directory.SetRole(ctx, w.person(bea).ID, grant.RoleMember)
	fatal(t, err)
	step("the last Super Admin", with([]string{}), grant.RoleSuperAdmin)
	_, err = w.directory.SetRole(ctx, w.person(bea).ID, grant.RoleSuperAdmin)
	fatal(t, err)
	step("one of two Super Admins", with([]string{}), grant.RoleAdmin)
}

// TestRolesNobodyTakesBack holds that a role which groups gave goes, too, where the settings have them give none any more, where the
// provider is another, and where the account is released.
func TestRolesNobodyTakesBack(t *testing.T) {
	member := map[string]any{"sub": "ann-1", "email": ann, "groups": []string{"admins"}}
	for name, end := range map[string]func(w *world) (provider string, account map[string]any){
		"the mapping is gone": func(w *world) (string, map[string]any) {
			w.settings.change("work", func(p *Provider) { p.Roles = nil })
			return "work", member
		},
		"the claim is gone": func(w *world) (string, map[string]any) {
			w.settings.change("work", func(p *Provider) { p.GroupsClaim, p.Roles = "", nil })
			return "work", member
		},
		"the client is another": func(w *world) (string, map[string]any) {
			w.settings.change("work", func(p *Provider) { p.ClientID, p.Roles = "anew", map[string]grant.Role{"others": grant.RoleAdmin} })
			return "work", member
		},
		"the provider is gone": func(w *world) (string, map[string]any) {
			w.settings.list = w.settings.list[1:]
			return "other", map[string]any{"sub": "x", "email": ann}
		},
		"the account is released": func(w *world) (string, map[string]any) {
			_, err := w.service.Release(context.Background(), w.authority.Maintenance(), w.person(ann))
			fatal(t, err)
			if got := w.person(ann).Role; got != grant.RoleTokenCreator {
				t.Errorf("after the release, the role is %v", got)
			}
			return "other", map[string]any{"sub": "x", "email": ann}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add(ann, grant.RoleTokenCreator)
			w.settings.change("work", func(p *Provider) { p.GroupsClaim, p.Roles = "groups", map[string]grant.Role{"admins": grant.RoleAdmin} })
			if person, err := w.browser().signIn("work", member); person != ann || err != nil || w.person(ann).Role != grant.RoleAdmin {
				t.Fatalf("sign-in = %q, %v, as %v", person, err, w.person(ann).Role)
			}
			provider, account := end(w)
			b := w.browser()
			if person, err := b.signIn(provider, account); person != ann || err != nil {
				t.Fatalf("sign-in afterwards = %q, %v", person, err)
			}
			if got := w.person(ann).Role; got != grant.RoleTokenCreator {
				t.Errorf("the role is %v, want that of her own, %v", got, grant.RoleTokenCreator)
			}
		})
	}
}
