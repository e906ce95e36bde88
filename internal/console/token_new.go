package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// maxDescription is how long a description may be, in characters: it has to fit a row.
const maxDescription = 200

type tokenNewView struct {
	Problems    problems
	Description string
	Permissions []permissionChoice
	ForOthers   bool // whether USER tokens for others may be made
	UserEmail   string
	All         bool
	ScopeCount  int
	Groups      []scopeChoices
	Expiry      expiryView
}

type permissionChoice struct {
	Name, What, Code, Rest, Who string
	Chosen                      bool
}

type scopeChoices struct {
	Name   string
	Scopes []scopeChoice
}

type scopeChoice struct {
	Name, What string
	Chosen     bool
}

// tokenDraft is what the form of a new token holds, right or wrong.
type tokenDraft struct {
	Description, Permission, UserEmail string
	Scopes                             []string // names, or ALL
	Expires, Date                      string
}

func readDraft(form url.Values) tokenDraft {
	return tokenDraft{
		Description: strings.TrimSpace(form.Get("description")), Permission: form.Get("permission"),
		UserEmail: strings.Trim(form.Get("userEmail"), " \t"), Scopes: form["scopes"],
		Expires: form.Get("expires"), Date: form.Get("date"),
	}
}

// newTokenView is the form with d in it. GLOBAL and ANONYMOUS are offered to Super Admins only.
func newTokenView(v *visit, d tokenDraft, p problems) tokenNewView {
	view := tokenNewView{
		Problems: p, Description: d.Description, UserEmail: d.UserEmail, ForOthers: v.admin.Role() >= grant.RoleSuperAdmin,
		All: slices.Contains(d.Scopes, "ALL"), Expiry: newExpiry(v.now, d.Expires, d.Date, true),
	}
	view.Expiry.Problems = p
	if !view.ForOthers {
		view.UserEmail = v.admin.Email()
	}
	user := permissionChoice{Name: "USER", What: "Acts as one person, fixed now. Sees what that person sees, and nothing else.", Who: "Acts as yourself."}
	if view.ForOthers {
		user.Who = "For yourself; for others as Super Admin."
		view.Permissions = []permissionChoice{
			{
				Name: "GLOBAL", What: "Acts as any person. Each call names one in", Code: "X-Glean-ActAs",
				Rest: ". If it leaks, everything leaks.", Who: "Made by Super Admins only.",
			},
			user,
			{Name: "ANONYMOUS", What: "Acts as nobody. Sees only documents that are open to everyone.", Who: "Made by Super Admins only."},
		}
	} else {
		view.Permissions = []permissionChoice{user}
	}
	for i := range view.Permissions {
		c := &view.Permissions[i]
		c.Chosen = c.Name == d.Permission
	}
	for _, g := range scopeGroups() {
		choices := scopeChoices{Name: g.Name}
		for _, s := range g.Scopes {
			name := s.Scope.String()
			choices.Scopes = append(choices.Scopes, scopeChoice{name, s.What, view.All || slices.Contains(d.Scopes, name)})
			view.ScopeCount++
		}
		view.Groups = append(view.Groups, choices)
	}
	return view
}

// newToken is the empty dialog, or with ?copy= the one that makes a token's successor.
func (c *Console) newToken(v *visit) error {
	d := tokenDraft{Permission: "USER", UserEmail: v.admin.Email(), Expires: "90d"}
	if id := v.r.URL.Query().Get("copy"); id != "" {
		t, err := c.cfg.Authority.Token(v.r.Context(), v.admin, id)
		if err != nil {
			return err
		}
		d = tokenDraft{
			Description: t.Description, Permission: string(t.Permission), UserEmail: t.User.Email, Scopes: t.Scopes.Names(),
			Expires: lifetimeOf(t.Created, t.Expires),
		}
		if t.Scopes == grant.AllScopes {
			d.Scopes = append(d.Scopes, "ALL")
		}
		if d.UserEmail == "" {
			d.UserEmail = v.admin.Email()
		}
	}
	return v.write(http.StatusOK, "token_new", v.frame("Add Client API Token"), newTokenView(v, d, nil))
}

// tokenPlaces are where the form shows the fields of the service. An end is refused only where a date
// was typed.
var tokenPlaces = map[string]place{
	"description": {"description", "f-desc"}, "permission": {"permission", "permission"}, "userEmail": {"userEmail", "f-mail"},
	"scopes": {"scopes", "scopes"}, "expiresAt": {"date", "f-date"},
}

// createToken makes a token and shows its secret, in this answer and never again.
func (c *Console) createToken(v *visit) error {
	d := readDraft(v.form)
	n, p := d.check(v)
	if err := c.checkPerson(v, &n, &p); err != nil {
		return err
	}
	if len(p) == 0 {
		t, secret, err := c.cfg.Authority.CreateToken(v.r.Context(), v.admin, n)
		if err == nil {
			return c.showSecret(v, &t, secret.Reveal())
		}
		if !p.blame(err, tokenPlaces) {
			return err
		}
	}
	return v.write(http.StatusUnprocessableEntity, "token_new", v.frame("Add Client API Token"), newTokenView(v, d, p))
}

// check turns a draft into what the service takes. It finds what the form itself can be wrong in;
// who may make what is for the service to say.
func (d tokenDraft) check(v *visit) (authority.NewToken, problems) {
	n := authority.NewToken{Description: d.Description}
	var p problems
	checkDescription(d.Description, &p)
	switch d.Permission {
	case "GLOBAL":
		n.Permission = authority.Global
	case "ANONYMOUS":
		n.Permission = authority.Anonymous
	case "USER":
		n.Permission, n.User = authority.User, d.UserEmail
		if d.UserEmail == "" {
			p.add("userEmail", "f-mail", "Name the person it acts as", "Give the address of the person it acts as.")
		}
	default:
		p.add("permission", "permission", "Choose a permission", "Choose whom the token acts as.")
	}
	for _, name := range d.Scopes {
		if name == "ALL" {
			n.Scopes = grant.AllScopes
			break
		}
		s, known := grant.ParseScope(name)
		if !known {
			p.add("scopes", "scopes", "Choose scopes from the list", "“"+cut(name, 40)+"” is no scope. Choose from the list.")
			break
		}
		n.Scopes |= grant.ScopesOf(s)
	}
	if n.Scopes == 0 && p.At("scopes") == nil {
		p.add("scopes", "scopes", "Choose at least one scope", "Choose at least one scope. A program that only searches needs SEARCH.")
	}
	n.Expires = readExpiry(v.now, d.Expires, d.Date, &p)
	return n, p
}

// checkPerson tells a Super Admin of an address that is nobody's together with what else is wrong. To
// others the service says no more than that they may not.
func (c *Console) checkPerson(v *visit, n *authority.NewToken, p *problems) error {
	if n.User == "" || v.admin.Role() < grant.RoleSuperAdmin {
		return nil
	}
	roster, err := c.cfg.People.Roster(v.r.Context())
	if err != nil {
		return err
	}
	if person, known := roster.ByEmail(n.User); !known || !person.Active {
		p.add("userEmail", "f-mail", "Name a person who has an account here",
			"Nobody active here has the address “"+cut(n.User, 100)+"”. Check the spelling, or add the person first.")
	}
	return nil
}

func checkDescription(text string, p *problems) {
	switch {
	case text == "":
		p.add("description", "f-desc", "Describe the token", "Say who uses it and where.")
	case utf8.RuneCountInString(text) > maxDescription:
		p.add("description", "f-desc", "Shorten the description", "Keep it within 200 characters.")
	}
}

type madeView struct {
	Back, Tab, Description, Secret string
	Variable                       string
	Facts                          []fact
	Examples                       []example
}

func (c *Console) showSecret(v *visit, t *authority.Token, secret string) error {
	view := madeView{
		Back: pathTokens, Tab: "Client Tokens", Description: t.Description, Secret: secret, Variable: "SHEAF_TOKEN",
		Facts: []fact{
			{Name: "Permission", Text: actsAs(t), Badge: &badge{string(t.Permission), permissionHue(t.Permission)}},
			{Name: "Scopes", Chips: t.Scopes.Names()},
			{Name: "Expires", Text: expiresWords(v, t.Expires)},
			{Name: "Made by", Text: v.name + ", just now"},
		},
		Examples: clientExamples(c.cfg.PublicURL, t.Permission == authority.Global, t.Scopes, v.admin.Email()),
	}
	return v.write(http.StatusOK, "token_made", v.frame("Token made"), view)
}

type revokeView struct {
	Back, Tab, Action, Description, What string
	Facts                                []fact
}

// askRevoke asks before a client token ends, and says what would miss it.
func (c *Console) askRevoke(v *visit) error {
	t, err := c.cfg.Authority.Token(v.r.Context(), v.admin, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !t.Revoked.IsZero() {
		return fault.New(fault.Conflict, "This token is revoked already.")
	}
	view := revokeView{
		Back: pathTokens, Tab: "Client Tokens", Action: pathTokens + "/" + url.PathEscape(t.ID) + "/revoke", Description: t.Description,
		What: "Calls with this token fail from the next one on, running answers included.",
		Facts: []fact{
			{Name: "Last used", Text: usedWords(v, t.LastUsed)},
			{Name: "In the last day", Text: lastDayWords(v, t.LastUsed)},
			{Name: "Acts as", Text: actsAs(&t)},
		},
	}
	return v.write(http.StatusOK, "token_revoke", v.frame("Revoke token"), view)
}

func (c *Console) revoke(v *visit) error {
	if err := c.cfg.Authority.RevokeToken(v.r.Context(), v.admin, v.r.PathValue("id")); err != nil {
		return err
	}
	v.say("revoked")
	return v.redirect(pathTokens)
}
