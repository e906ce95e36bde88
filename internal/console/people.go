package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

type peopleView struct {
	pager
	MayAdd      bool
	Segments    segments
	Query, Role string
	Matching    int
	Rows        []personRow
	Matrix      roleMatrix
}

type personRow struct {
	ID, Name, Email             string
	Face                        face
	Role, RoleHue               string
	Tokens                      int
	Seen                        moment
	From                        string
	State, StateHue             string
	StateIcon, StateSub         string
	Active, Gone                bool
	MayRole, MayLink, MayActive bool
	MayRelease                  bool
	AuditPath                   string
}

// roleMatrix says what each role may do.
type roleMatrix struct {
	Roles []string
	Lines []roleLine
}

type roleLine struct {
	Name string
	May  []bool // in the order of Roles
}

func newRoleMatrix() roleMatrix {
	var m roleMatrix
	for _, r := range roles() {
		m.Roles = append(m.Roles, r.Name)
	}
	for _, l := range []struct {
		name  string
		least grant.Role
	}{
		{"Search", grant.RoleMember},
		{"Make and revoke USER tokens for themselves", grant.RoleTokenCreator},
		{"See all tokens and revoke USER tokens", grant.RoleAdmin},
		{"Manage datasources and indexing tokens", grant.RoleAdmin},
		{"See people, and read the audit log", grant.RoleAdmin},
		{"Make USER tokens for others", grant.RoleSuperAdmin},
		{"Make and revoke GLOBAL and ANONYMOUS tokens", grant.RoleSuperAdmin},
		{"Change roles", grant.RoleSuperAdmin},
		{"Change the settings of OAuth", grant.RoleSuperAdmin},
	} {
		line := roleLine{Name: l.name}
		for _, r := range roles() {
			line.May = append(line.May, r.Role >= l.least)
		}
		m.Lines = append(m.Lines, line)
	}
	return m
}

// people is the list of everyone, with their roles.
func (c *Console) people(v *visit) error {
	l := listing{pathPeople, v.r.URL.Query()}
	view := peopleView{Query: strings.TrimSpace(l.form.Get("q")), Role: l.form.Get("role"), Matrix: newRoleMatrix(), MayAdd: true}
	found, err := c.cfg.Authority.ListPeople(v.r.Context(), v.admin, directory.Query{Words: view.Query, All: true})
	if err != nil {
		return err
	}
	view.Segments = roleSegments(l, found.People)
	kept := found.People
	if role, known := grant.ParseRole(view.Role); known {
		kept = slices.DeleteFunc(slices.Clone(kept), func(p *directory.Person) bool { return p.Role != role })
	}
	view.Matching = len(kept)
	kept, view.pager = slicePage(l, kept)
	ids := make([]string, len(kept))
	for i, p := range kept {
		ids[i] = p.ID
	}
	seen, err := c.cfg.Authority.Presences(v.r.Context(), v.admin, ids)
	if err != nil {
		return err
	}
	linked, err := c.cfg.SignOn.Linked(v.r.Context(), ids)
	if err != nil {
		return err
	}
	links := !c.cfg.Authority.LinksOff(v.r.Context())
	for _, p := range kept {
		row := personRowOf(v, p, seen[p.ID])
		row.MayLink = row.MayLink && links
		row.MayRelease = linked[p.ID] && v.admin.Role() >= grant.RoleSuperAdmin
		view.Rows = append(view.Rows, row)
	}
	return v.write(http.StatusOK, "people", v.frame("People and roles"), view)
}

func roleSegments(l listing, list []*directory.Person) segments {
	here := l.form.Get("role")
	out := segments{Label: "Role", Links: []segment{{"Everyone", l.with("role", ""), len(list), here == ""}}}
	for _, r := range roles() {
		n := 0
		for _, p := range list {
			if p.Role == r.Role {
				n++
			}
		}
		out.Links = append(out.Links, segment{r.Name, l.with("role", r.Role.String()), n, here == r.Role.String()})
	}
	return out
}

// sourceWords says who told us of a person.
var sourceWords = map[directory.Source]string{
	directory.Console: "this console", directory.SCIM: "provisioning", directory.Employee: "employee records", directory.SSO: "sign-in",
}

func personRowOf(v *visit, p *directory.Person, seen authority.Presence) personRow {
	r := roleOf(p.Role)
	row := personRow{
		ID: p.ID, Name: p.Name, Email: p.Email, Face: faceOf(p.Name, p.Email), Role: r.Name, RoleHue: r.Hue,
		Tokens: seen.Tokens, Seen: at(v.now, seen.LastSeen), State: "Active", StateHue: "ok", Active: p.Active, Gone: !p.Active,
		AuditPath: pathAudit + "?" + url.Values{"actor": {p.ID}}.Encode(),
	}
	switch {
	case !p.Active:
		row.State, row.StateHue = "Deactivated", ""
	case seen.FirstSeen.IsZero() && !seen.Invited.IsZero():
		row.State, row.StateHue, row.StateIcon = "Invited", "accent", "clock"
		row.StateSub = "link ends " + near(v.now, seen.Invited)
	}
	var from []string
	for _, s := range p.Sources {
		from = append(from, sourceWords[s.Source])
	}
	row.From = strings.Join(from, ", ")
	// The same rules as authority's, so that a menu offers nothing that would be refused.
	super := v.admin.Role() >= grant.RoleSuperAdmin
	row.MayRole, row.MayActive = super, super
	row.MayLink = p.Active && (super || p.Role == grant.RoleMember && seen.FirstSeen.IsZero())
	return row
}

type personNewView struct {
	Problems    problems
	Email, Name string
	Roles       []roleChoice
	Invite      bool
}

type roleChoice struct {
	Value, Name, What string
	Chosen            bool
}

// roleChoices are the roles that this visitor may give, with one chosen.
func roleChoices(v *visit, chosen string) []roleChoice {
	var out []roleChoice
	for _, r := range roles() {
		if r.Role == grant.RoleMember || v.admin.Role() >= grant.RoleSuperAdmin {
			out = append(out, roleChoice{r.Role.String(), r.Name, r.What, r.Role.String() == chosen})
		}
	}
	return out
}

func (c *Console) newPerson(v *visit) error {
	return v.write(http.StatusOK, "person_new", v.frame("Add person"), personNewView{
		Roles: roleChoices(v, grant.RoleMember.String()), Invite: true,
	})
}

var personPlaces = map[string]place{"email": {"email", "f-mail"}, "name": {"name", "f-name"}, "role": {"role", "role"}}

// addPerson adds somebody, and shows a sign-in link where one was asked for.
func (c *Console) addPerson(v *visit) error {
	view := personNewView{
		Email: strings.Trim(v.form.Get("email"), " \t"), Name: strings.TrimSpace(v.form.Get("name")),
		Roles: roleChoices(v, v.form.Get("role")), Invite: v.form.Get("invite") != "",
	}
	if view.Email == "" {
		view.Problems.add("email", "f-mail", "Give an address", "Give the address that documents know this person by.")
	}
	role, known := grant.ParseRole(v.form.Get("role"))
	if !known {
		view.Problems.add("role", "role", "Choose a role", "Choose what this person may do here. Member suits most people.")
	}
	if len(view.Problems) == 0 {
		p, err := c.cfg.Authority.AddPerson(v.r.Context(), v.admin, directory.NewPerson{Email: view.Email, Name: view.Name, Role: role})
		if err == nil && view.Invite {
			return c.showLink(v, p)
		}
		if err == nil {
			v.say("person")
			return v.redirect(pathPeople)
		}
		if !view.Problems.blame(err, personPlaces) {
			return err
		}
	}
	return v.write(http.StatusUnprocessableEntity, "person_new", v.frame("Add person"), view)
}

type personRoleView struct {
	Problems      problems
	ID, Name, Now string
	Roles         []roleChoice
}

func (c *Console) askRole(v *visit) error {
	p, err := c.who(v)
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "person_role", v.frame("Change role"), personRoleView{
		ID: p.ID, Name: p.Name, Now: roleOf(p.Role).Name, Roles: roleChoices(v, p.Role.String()),
	})
}

func (c *Console) setRole(v *visit) error {
	p, err := c.who(v)
	if err != nil {
		return err
	}
	view := personRoleView{ID: p.ID, Name: p.Name, Now: roleOf(p.Role).Name, Roles: roleChoices(v, v.form.Get("role"))}
	role, known := grant.ParseRole(v.form.Get("role"))
	if !known {
		view.Problems.add("role", "role", "Choose a role", "Choose one of these.")
	} else {
		_, err = c.cfg.Authority.UpdatePerson(v.r.Context(), v.admin, p.ID, directory.Patch{Role: &role})
		if err == nil {
			v.say("role")
			return v.redirect(pathPeople)
		}
		if !view.Problems.blame(err, personPlaces) {
			return err
		}
	}
	return v.write(http.StatusUnprocessableEntity, "person_role", v.frame("Change role"), view)
}

// who is whom the address of the page names.
func (c *Console) who(v *visit) (*directory.Person, error) {
	p, err := c.cfg.Authority.Person(v.r.Context(), v.admin, v.r.PathValue("id"))
	if err == nil && p.Retired {
		return nil, fault.New(fault.NotFound, "Nobody has this id any more.")
	}
	return p, err
}

type personActiveView struct {
	Problems            problems
	ID, Verb, Ask, What string
	Email, Role         string
	CountsTokens        bool
	Tokens              int
	Button, Hue         string
}

// activeView asks before somebody is deactivated or let in again.
func (c *Console) activeView(v *visit, p *directory.Person, verb string) (personActiveView, error) {
	view := personActiveView{ID: p.ID, Verb: verb, Email: p.Email, Role: roleOf(p.Role).Name}
	if verb == "reactivate" {
		view.Ask, view.Button, view.Hue = "Reactivate "+p.Name+"?", "Reactivate person", "primary"
		view.What = "They can sign in again, and their tokens that are neither expired nor revoked work again."
		return view, nil
	}
	if verb == "release" {
		view.Ask, view.Button, view.Hue = "Release the sign-in account of "+p.Name+"?", "Release account", "danger"
		view.What = "sheaf forgets which account at the provider is theirs: the next one that signs in with their address becomes them. Do this when their account there was made anew. If the address now belongs to somebody else, deactivate this person instead."
		return view, nil
	}
	view.Ask, view.Button, view.Hue = "Deactivate "+p.Name+"?", "Deactivate person", "danger"
	view.What = "They are signed out, their tokens stop, and no token can act as them, from the next request on. What they wrote stays. You can reactivate them later."
	seen, err := c.cfg.Authority.Presences(v.r.Context(), v.admin, []string{p.ID})
	view.CountsTokens, view.Tokens = true, seen[p.ID].Tokens
	return view, err
}

func verbOf(v *visit) (verb string, err error) {
	if verb = v.r.PathValue("verb"); verb != "deactivate" && verb != "reactivate" && verb != "release" {
		return "", errNoPage
	}
	return verb, nil
}

func (c *Console) askActive(v *visit) error {
	verb, err := verbOf(v)
	if err != nil {
		return err
	}
	p, err := c.who(v)
	if err != nil {
		return err
	}
	view, err := c.activeView(v, p, verb)
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "person_active", v.frame(view.Button), view)
}

func (c *Console) setActive(v *visit) error {
	verb, err := verbOf(v)
	if err != nil {
		return err
	}
	p, err := c.who(v)
	if err != nil {
		return err
	}
	if active := verb == "reactivate"; verb == "release" {
		_, err = c.cfg.SignOn.Release(v.r.Context(), v.admin, p)
	} else {
		_, err = c.cfg.Authority.UpdatePerson(v.r.Context(), v.admin, p.ID, directory.Patch{Active: &active})
	}
	if err == nil {
		v.say(verb + "d")
		return v.redirect(pathPeople)
	}
	view, viewErr := c.activeView(v, p, verb)
	if viewErr != nil || !view.Problems.blame(err, nil) {
		return err
	}
	return v.write(http.StatusConflict, "person_active", v.frame(view.Button), view)
}

type linkView struct {
	Name, Email, Role, URL string
	Expires                moment
}

// signInLink makes a link for somebody and shows it, in this answer and never again.
func (c *Console) signInLink(v *visit) error {
	p, err := c.who(v)
	if err != nil {
		return err
	}
	return c.showLink(v, p)
}

func (c *Console) showLink(v *visit, p *directory.Person) error {
	made, err := c.cfg.Authority.CreateLink(v.r.Context(), v.admin, p.ID)
	if err != nil {
		return err
	}
	return v.write(http.StatusOK, "person_link", v.frame("Sign-in link"), linkView{
		Name: p.Name, Email: p.Email, Role: roleOf(p.Role).Name, URL: made.URL, Expires: at(v.now, made.Expires),
	})
}
