package authority

import (
	"context"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// TestSCIMTokens follows a SCIM token from making to its end.
func TestSCIMTokens(t *testing.T) {
	ctx, n := context.Background(), newNode(t)
	n.person(t, "ada@example.com", grant.RoleSuperAdmin)
	n.person(t, "bo@example.com", grant.RoleAdmin)
	ada, _ := n.signIn(t, "ada@example.com")
	bo, _ := n.signIn(t, "bo@example.com")
	for _, bad := range []NewSCIMToken{{}, {Description: "x", Expires: n.clock.now().Add(-time.Hour)}} {
		if _, _, err := n.CreateSCIMToken(ctx, ada.Admin, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("CreateSCIMToken(%+v) = %v, want Invalid", bad, err)
		}
	}
	made, secret, err := n.CreateSCIMToken(ctx, ada.Admin, NewSCIMToken{Description: "Entra ID", Expires: n.clock.now().Add(48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	lasting, forever, err := n.CreateSCIMToken(ctx, n.Maintenance(), NewSCIMToken{Description: "Okta"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Admit(request(secret.Reveal()), rpc.SCIMAPI)
	if err != nil || !c.Is(grant.Provisioning) || !c.Has(grant.ProvisioningScope) || c.Token() != made.ID || c.Person() != "" {
		t.Fatalf("Admit() = %s %s, %v", c.Kind(), c.Scopes(), err)
	}
	if err := n.writeUses(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := n.SCIMToken(ctx, ada.Admin, made.ID); err != nil || got.LastUsed.IsZero() || got.State != Active || got.MadeBy.Email != "ada@example.com" {
		t.Errorf("SCIMToken() = %+v, %v", got, err)
	}
	for about, err := range map[string]error{
		"listing":      second(n.SCIMTokens(ctx, bo.Admin)),
		"reading":      second(n.SCIMToken(ctx, bo.Admin, made.ID)),
		"revoking":     n.RevokeSCIMToken(ctx, bo.Admin, made.ID),
		"groups":       second(n.Groups(ctx, bo.Admin)),
		"giving roles": second(n.SetGroupRole(ctx, bo.Admin, "x", grant.RoleAdmin)),
		"provisioning": second(n.SCIMTokens(ctx, c)),
	} {
		if fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%s by somebody else = %v, want Forbidden", about, err)
		}
	}
	for about, err := range map[string]error{
		"reading": second(n.SCIMToken(ctx, ada.Admin, "x")), "revoking": n.RevokeSCIMToken(ctx, ada.Admin, "x"), "giving roles": second(n.SetGroupRole(ctx, ada.Admin, "x", grant.RoleAdmin)),
	} {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s of nothing = %v, want NotFound", about, err)
		}
	}
	n.clock.advance(49 * time.Hour)
	if _, err := n.Admit(request(secret.Reveal()), rpc.SCIMAPI); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("an expired token: %v", err)
	}
	if _, err := n.Admit(request(forever.Reveal()), rpc.SCIMAPI); err != nil {
		t.Errorf("a token without an end: %v", err)
	}
	for range 2 {
		if err := n.RevokeSCIMToken(ctx, n.Maintenance(), lasting.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Admit(request(forever.Reveal()), rpc.SCIMAPI); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a revoked token: %v", err)
	}
	list, err := n.SCIMTokens(ctx, n.Maintenance())
	if err != nil || len(list) != 2 || list[0].State != Revoked || list[1].State != Expired {
		t.Errorf("SCIMTokens() = %+v, %v", list, err)
	}
}

// TestReviveSCIM holds that a restored database names the SCIM tokens that live again, and ends them if asked.
func TestReviveSCIM(t *testing.T) {
	ctx, n := context.Background(), newNode(t)
	_, secret, err := n.CreateSCIMToken(ctx, n.Maintenance(), NewSCIMToken{Description: "Entra ID"})
	if err != nil {
		t.Fatal(err)
	}
	for _, revoke := range []bool{false, true} {
		done, err := n.Revive(ctx, n.Maintenance(), revoke, "a test")
		if err != nil || len(done.SCIM) != 1 {
			t.Fatalf("Revive() = %+v, %v", done, err)
		}
		if _, err := n.Admit(request(secret.Reveal()), rpc.SCIMAPI); (err != nil) != revoke {
			t.Errorf("revoked %t: %v", revoke, err)
		}
	}
}

// TestGroupRole holds that a group's role is given and put on record.
func TestGroupRole(t *testing.T) {
	ctx, n := context.Background(), newNode(t)
	person, err := n.people.Provision(ctx, directory.Provisioned{UserName: "cy@example.com", Address: "cy@example.com", Active: true, Attributes: "{}"})
	if err != nil {
		t.Fatal(err)
	}
	group, err := n.people.ProvisionGroup(ctx, directory.ProvisionedGroup{Name: "Owners", Members: []string{person.ID}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if g, err := n.SetGroupRole(ctx, n.Maintenance(), group.ID, grant.RoleAdmin); err != nil || g.Role != grant.RoleAdmin {
			t.Fatalf("SetGroupRole() = %+v, %v", g, err)
		}
	}
	groups, err := n.Groups(ctx, n.Maintenance())
	if err != nil || len(groups) != 1 || groups[0].Size != 1 || groups[0].Role != grant.RoleAdmin {
		t.Errorf("Groups() = %+v, %v", groups, err)
	}
	if p, err := n.people.ByID(ctx, person.ID); err != nil || p.Role != grant.RoleAdmin {
		t.Errorf("the member is %+v, %v", p, err)
	}
}

func second[T any](_ T, err error) error { return err }
