package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// Provisioning is what the page of user provisioning needs of *authority.Authority.
type Provisioning interface {
	SCIMTokens(ctx context.Context, c grant.Caller) ([]authority.SCIMToken, error)
	SCIMToken(ctx context.Context, c grant.Caller, id string) (authority.SCIMToken, error)
	CreateSCIMToken(ctx context.Context, c grant.Caller, n authority.NewSCIMToken) (authority.SCIMToken, authority.Secret, error)
	RevokeSCIMToken(ctx context.Context, c grant.Caller, id string) error
	Groups(ctx context.Context, c grant.Caller) ([]directory.ProvisionedGroup, error)
	SetGroupRole(ctx context.Context, c grant.Caller, id string, role grant.Role) (directory.ProvisionedGroup, error)
}

const pathProvisioning = "/admin/platform/provisioning"

// provisioningPages serves the page and its dialogs, which are for Super Admins: whoever provisions says who works here.
func (c *Console) provisioningPages(mux *http.ServeMux) {
	page := func(pattern string, h func(*visit) error) {
		mux.Handle(pattern, c.forRole(grant.RoleSuperAdmin, pattern, h))
	}
	page("GET "+pathProvisioning, c.provisioning)
	page("POST "+pathProvisioning, c.createSCIM)
	page("GET "+pathProvisioning+"/new", c.newSCIM)
	page("GET "+pathProvisioning+"/{id}/revoke", c.askRevokeSCIM)
	page("POST "+pathProvisioning+"/{id}/revoke", c.revokeSCIM)
	page("GET "+pathProvisioning+"/groups/{id}/role", c.askGroupRole)
	page("POST "+pathProvisioning+"/groups/{id}/role", c.setGroupRole)
}

// withProvisioning adds the page to the first section, for those who may open it.
func withProvisioning(sections []navSection, role grant.Role) []navSection {
	if role >= grant.RoleSuperAdmin {
		sections[0].Links = append(sections[0].Links, navLink{Name: "Provisioning", Path: pathProvisioning, Icon: "link"})
	}
	return sections
}

type provisioningView struct {
	BaseURL string
	Rows    []scimTokenRow
	Groups  []groupRow
	Hidden  int // groups beyond those that are shown
}

type scimTokenRow struct {
	ID, Description, Mask string
	MadeBy                string
	Created               moment
	Used                  moment
	Expires               moment
	State                 string
	StateHue, StateIcon   string
	StateSub              string
	Gone, MayRevoke       bool
	AuditPath             string
}

type groupRow struct {
	ID, Name, Role, Hue string
	Members             int
	Gives               bool
	AuditPath           string
}

// maxGroupRows bounds the groups on the page, those that give a role first.
const maxGroupRows = 200

func (c *Console) provisioning(v *visit) error {
	tokens, err := c.cfg.Authority.SCIMTokens(v.r.Context(), v.admin)
	if err != nil {
		return err
	}
	groups, err := c.cfg.Authority.Groups(v.r.Context(), v.admin)
	if err != nil {
		return err
	}
	view := provisioningView{BaseURL: c.cfg.PublicURL + "/scim/v2"}
	for i := range tokens {
		t := &tokens[i]
		s := stateOf(v.now, t.State, t.Expires)
		row := scimTokenRow{
			ID: t.ID, Description: t.Description, Mask: t.Mask, MadeBy: nameOf(t.MadeBy), Created: at(v.now, t.Created), Used: at(v.now, t.LastUsed),
			Expires: at(v.now, t.Expires), State: s.Name, StateHue: s.Hue, StateIcon: s.Icon, Gone: s.over(), MayRevoke: s != stateRevoked,
			AuditPath: pathAudit + "?" + url.Values{"subject": {t.ID}}.Encode(),
		}
		if s == stateRevoked {
			row.StateSub = revokedWords(t.Revoked, t.RevokedBy)
		}
		view.Rows = append(view.Rows, row)
	}
	for _, gives := range []bool{true, false} {
		for i := range groups {
			g := &groups[i]
			if g.Role > grant.RoleMember != gives {
				continue
			}
			if len(view.Groups) == maxGroupRows {
				view.Hidden++
				continue
			}
			w := roleOf(g.Role)
			view.Groups = append(view.Groups, groupRow{
				ID: g.ID, Name: g.Name, Role: w.Name, Hue: w.Hue, Members: g.Size, Gives: gives,
				AuditPath: pathAudit + "?" + url.Values{"subject": {g.ID}}.Encode(),
			})
		}
	}
	return v.write(http.StatusOK, "provisioning", v.frame("Provisioning"), view)
}

type scimNewView struct {
	Problems    problems
	Description string
	Expiry      expiryView
}

func newSCIMView(v *visit, description, expires, date string, p problems) scimNewView {
	view := scimNewView{Problems: p, Description: description, Expiry: newExpiry(v.now, expires, date, true)}
	view.Expiry.Problems = p
	return view
}

// newSCIM is the empty dialog, or with ?copy= the one that makes a token's successor.
func (c *Console) newSCIM(v *visit) error {
	description, expires := "", "365d"
	if id := v.r.URL.Query().Get("copy"); id != "" {
		t, err := c.cfg.Authority.SCIMToken(v.r.Context(), v.admin, id)
		if err != nil {
			return err
		}
		if description = t.Description; !t.Expires.IsZero() {
			expires = lifetimeOf(t.Created, t.Expires)
		}
	}
	return v.write(http.StatusOK, "scim_new", v.frame("Add SCIM token"), newSCIMView(v, description, expires, "", nil))
}

var scimPlaces = map[string]place{"description": {"description", "f-desc"}, "expiresAt": {"date", "f-date"}}

// createSCIM makes a SCIM token and shows its secret, in this answer and never again.
func (c *Console) createSCIM(v *visit) error {
	description, expires, date := strings.TrimSpace(v.form.Get("description")), v.form.Get("expires"), v.form.Get("date")
	var p problems
	checkDescription(description, &p)
	n := authority.NewSCIMToken{Description: description, Expires: readExpiry(v.now, expires, date, &p)}
	if len(p) == 0 {
		t, secret, err := c.cfg.Authority.CreateSCIMToken(v.r.Context(), v.admin, n)
		if err == nil {
			return c.showSCIMSecret(v, &t, secret.Reveal())
		}
		if !p.blame(err, scimPlaces) {
			return err
		}
	}
	return v.write(http.StatusUnprocessableEntity, "scim_new", v.frame("Add SCIM token"), newSCIMView(v, description, expires, date, p))
}

func (c *Console) showSCIMSecret(v *visit, t *authority.SCIMToken, secret string) error {
	base := c.cfg.PublicURL + "/scim/v2"
	view := madeView{
		Back: pathProvisioning, Tab: "Provisioning", Description: t.Description, Secret: secret, Variable: "SHEAF_SCIM_TOKEN",
		Facts: []fact{
			{Name: "Base URL", Text: base},
			{Name: "Opens", Text: "user provisioning alone"},
			{Name: "Expires", Text: expiresWords(v, t.Expires)},
			{Name: "Made by", Text: v.name + ", just now"},
		},
		Examples: []example{code("curl", "c1", "curl "+base+"/ServiceProviderConfig \\\n  -H “\"Authorization: Bearer $SHEAF_SCIM_TOKEN\"”")},
	}
	return v.write(http.StatusOK, "token_made", v.frame("Token made"), view)
}

func (c *Console) askRevokeSCIM(v *visit) error {
	t, err := c.cfg.Authority.SCIMToken(v.r.Context(), v.admin, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !t.Revoked.IsZero() {
		return fault.New(fault.Conflict, "This token is revoked already.")
	}
	view := revokeView{
		Back: pathProvisioning, Tab: "Provisioning", Action: pathProvisioning + "/" + url.PathEscape(t.ID) + "/revoke", Description: t.Description,
		What: "The identity provider can change nobody with it from its next request on, so that leavers keep their access until it has another one. Whom it brought in stays.",
		Facts: []fact{
			{Name: "Last used", Text: usedWords(v, t.LastUsed)},
			{Name: "In the last day", Text: lastDayWords(v, t.LastUsed)},
		},
	}
	return v.write(http.StatusOK, "token_revoke", v.frame("Revoke token"), view)
}

func (c *Console) revokeSCIM(v *visit) error {
	if err := c.cfg.Authority.RevokeSCIMToken(v.r.Context(), v.admin, v.r.PathValue("id")); err != nil {
		return err
	}
	v.say("revoked")
	return v.redirect(pathProvisioning)
}

type groupRoleView struct {
	Problems      problems
	ID, Name, Now string
	Members       int
	Roles         []roleChoice
}

// groupAt is the group that the address of the page names, as a view with a role chosen.
func (c *Console) groupAt(v *visit, chosen string) (view groupRoleView, err error) {
	groups, err := c.cfg.Authority.Groups(v.r.Context(), v.admin)
	if err != nil {
		return view, err
	}
	for i := range groups {
		if g := &groups[i]; g.ID == v.r.PathValue("id") {
			if chosen == "" {
				chosen = g.Role.String()
			}
			return groupRoleView{ID: g.ID, Name: g.Name, Now: roleOf(g.Role).Name, Members: g.Size, Roles: roleChoices(v, chosen)}, nil
		}
	}
	return view, fault.New(fault.NotFound, "There is no such group any more.")
}

func (c *Console) askGroupRole(v *visit) error {
	view, err := c.groupAt(v, "")
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "group_role", v.frame("Role of a group"), view)
}

func (c *Console) setGroupRole(v *visit) error {
	view, err := c.groupAt(v, v.form.Get("role"))
	if err != nil {
		return err
	}
	role, known := grant.ParseRole(v.form.Get("role"))
	if !known {
		view.Problems.add("role", "role", "Choose a role", "Choose one of these.")
	} else {
		if _, err = c.cfg.Authority.SetGroupRole(v.r.Context(), v.admin, view.ID, role); err == nil {
			v.say("role")
			return v.redirect(pathProvisioning)
		}
		if !view.Problems.blame(err, map[string]place{"members": {"role", "role"}}) {
			return err
		}
	}
	return v.write(http.StatusUnprocessableEntity, "group_role", v.frame("Role of a group"), view)
}
