package authority

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// TestLinksOff holds that with links turned off nobody makes or uses one, save the host: somebody must be able to mend a provider that
// lets nobody in.
func TestLinksOff(t *testing.T) {
	off := false
	n := openNode(t, database(t), newClock(), func(c *Config) { c.LinksOff = func(context.Context) bool { return off } })
	ctx := context.Background()
	n.person(t, "mira@example.com", grant.RoleSuperAdmin)
	n.person(t, "omar@example.com", grant.RoleMember)
	mira, _ := n.signIn(t, "mira@example.com")
	before, err := n.CreateLink(ctx, mira.Admin, "omar@example.com")
	if err != nil {
		t.Fatal(err)
	}

	off = true
	if _, err := n.CreateLink(ctx, mira.Admin, "omar@example.com"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("CreateLink by a Super Admin = %v, want fault.Conflict", err)
	}
	if _, _, err := n.SignIn(httptest.NewRequest("POST", "/signin", nil), before.Code.Reveal()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("SignIn with a link of before = %v, want fault.Unauthenticated", err)
	}
	if v, _ := n.signIn(t, "mira@example.com"); v.Admin.Email() != "mira@example.com" {
		t.Error("a link of the host does not sign in")
	}

	off = false
	again, err := n.CreateLink(ctx, mira.Admin, "omar@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.SignIn(httptest.NewRequest("POST", "/signin", nil), again.Code.Reveal()); err != nil {
		t.Errorf("SignIn with links on again = %v", err)
	}
}
