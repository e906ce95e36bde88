package console

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// TestProvisioning makes a SCIM token on its page, gives a group a role, and revokes the token.
func TestProvisioning(t *testing.T) {
	w := newWorld(t)
	w.populate()
	ctx, host := context.Background(), w.authority.Maintenance()
	person, err := w.directory.Provision(ctx, directory.Provisioned{UserName: "ines@quillmere.example", Address: "ines@quillmere.example", Name: "Ines Okafor", Active: true, Attributes: "{}"})
	fatal(t, err)
	group, err := w.directory.ProvisionGroup(ctx, directory.ProvisionedGroup{Name: "Search owners", Members: []string{person.ID}})
	fatal(t, err)
	b := w.as(mira)
	page := b.get(pathProvisioning).want(http.StatusOK).says("No SCIM token yet", "Search owners", "none")
	checkPage(t, page)
	if !strings.Contains(page.text, `value="`+w.url+`/scim/v2"`) {
		t.Error("the page lacks the base URL")
	}
	form := b.get(pathProvisioning + "/new").want(http.StatusOK)
	checkPage(t, form)
	form.submit(pathProvisioning, url.Values{"description": {" "}, "expires": {"soon"}}).want(http.StatusUnprocessableEntity).says("Mend 2 things", "Describe the token")
	made := form.submit(pathProvisioning, url.Values{"description": {"Entra ID"}, "expires": {"never"}}).want(http.StatusOK).
		says("“Entra ID” is ready", "only time it is shown", "user provisioning alone")
	checkPage(t, made)
	secrets := regexp.MustCompile(`shf_p_[0-9A-Za-z]{49}`).FindAllString(made.text, -1)
	if len(secrets) != 1 {
		t.Fatalf("the answer shows %d secrets, want 1", len(secrets))
	}
	list, err := w.authority.SCIMTokens(ctx, host)
	fatal(t, err)
	listed := b.get(pathProvisioning).says("Entra ID", list[0].Mask, "Mira Okafor", "Never")
	listed.silent(secrets[0], secrets[0][10:40])
	checkPage(t, listed)
	b.get(pathProvisioning + "/new?copy=" + list[0].ID).want(http.StatusOK)

	role := pathProvisioning + "/groups/" + group.ID + "/role"
	ask := b.get(role).want(http.StatusOK).says("Search owners", "Super Admin")
	checkPage(t, ask)
	ask.submit(role, url.Values{"role": {"QUEEN"}}).want(http.StatusUnprocessableEntity).says("Choose a role")
	ask.submit(role, url.Values{"role": {"ADMIN"}}).want(http.StatusOK).says("The role is changed", "Admin")
	if p, err := w.directory.ByID(ctx, person.ID); err != nil || p.Role != grant.RoleAdmin {
		t.Errorf("the member is %v, %v", p, err)
	}
	b.get(pathProvisioning + "/groups/nothing/role").want(http.StatusNotFound)

	revoke := pathProvisioning + "/" + list[0].ID + "/revoke"
	ask = b.get(revoke).want(http.StatusOK).says("Revoke “Entra ID”?")
	checkPage(t, ask)
	ask.submit(revoke, nil).want(http.StatusOK).says("The token is revoked")
	if list, err = w.authority.SCIMTokens(ctx, host); err != nil || list[0].State != "REVOKED" {
		t.Errorf("after revoking: %+v, %v", list, err)
	}
	b.get(revoke).want(http.StatusConflict)
	admin := w.as(jonas)
	for _, path := range []string{pathProvisioning, pathProvisioning + "/new", role} {
		admin.get(path).want(http.StatusForbidden)
	}
	admin.get("/admin/platform/tokens").silent(pathProvisioning)
}
