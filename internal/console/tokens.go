package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

var errNoPage = fault.New(fault.NotFound, "This address belongs to no page. It may have been mistyped, or the page may have moved.")

// state is where a token stands, in the words and colours of a page.
type state struct{ Key, Name, Hue, Icon string }

var (
	stateActive  = state{"active", "Active", "ok", ""}
	stateSoon    = state{"soon", "Expires soon", "warn", "clock"}
	stateExpired = state{"expired", "Expired", "", ""}
	stateRevoked = state{"revoked", "Revoked", "bad", "bar"}
	stateStopped = state{"stopped", "Stopped", "warn", "lock"}
	stateOverdue = state{"overdue", "Overdue", "bad", "clock"}
)

// soonDays is how many days before its end a token counts as expiring soon.
const soonDays = 14

// stateOf says where a token stands at now. What authority calls active is told apart once more: a
// token whose end is near wants somebody to act.
func stateOf(now time.Time, s authority.State, expires time.Time) state {
	switch s {
	case authority.Revoked:
		return stateRevoked
	case authority.Expired:
		return stateExpired
	case authority.Stopped:
		return stateStopped
	case authority.Overdue:
		return stateOverdue
	}
	if !expires.IsZero() && expires.Sub(now) < soonDays*day {
		return stateSoon
	}
	return stateActive
}

// over reports whether a token in this state never works again.
func (s state) over() bool { return s == stateExpired || s == stateRevoked || s == stateOverdue }

// segmentsOf counts states for the links above a table. The two rare states are shown where they occur.
func segmentsOf(l listing, states []state) segments {
	here := l.form.Get("status")
	out := segments{Label: "Status", Links: []segment{{"All", l.with("status", ""), len(states), here == ""}}}
	for _, s := range []struct {
		state
		name string
		rare bool
	}{
		{stateActive, "Active", false},
		{stateSoon, "Expire soon", false},
		{stateStopped, "Stopped", true},
		{stateOverdue, "Overdue", true},
		{stateExpired, "Expired", false},
		{stateRevoked, "Revoked", false},
	} {
		n := 0
		for _, have := range states {
			if have == s.state {
				n++
			}
		}
		if n > 0 || !s.rare || here == s.Key {
			out.Links = append(out.Links, segment{s.name, l.with("status", s.Key), n, here == s.Key})
		}
	}
	return out
}

type tokensView struct {
	pager
	Tabs     []segment
	OAuth    oauthHint
	Warn     *tokenRow
	Segments segments
	Total    int // all that this person may see
	Matching int
	Live     bool // whether every token is on the page, so that it can be filtered while typing

	Query, Permission, Scope, Status, Sort string
	Permissions, Scopes                    []string
	Columns                                []column
	Order                                  string
	Rows                                   []tokenRow
}

type tokenRow struct {
	ID, Description, Mask string
	Permission, Hue       string
	Mail, ActsAs          string
	Chips                 []string
	More                  int
	AllScopes             string
	MadeBy                string
	Created               moment
	Used                  moment
	Expires               moment
	State                 string
	StateHue, StateIcon   string
	StateSub              string
	Gone                  bool
	MayCopy, MayRevoke    bool
	AuditPath             string
}

// permissionHue is the colour role of a permission's badge.
func permissionHue(p authority.Permission) string {
	switch p {
	case authority.Global:
		return "plum"
	case authority.User:
		return "accent"
	}
	return ""
}

// oldTokens is for people who know where such pages are elsewhere.
func (c *Console) oldTokens(v *visit) error {
	if strings.EqualFold(v.r.URL.Query().Get("tab"), "indexing") {
		return v.redirect(pathIndexing)
	}
	return v.redirect(pathTokens)
}

// tokens is the list of client tokens: all of them for Admins, their own for API Token Creators.
func (c *Console) tokens(v *visit) error {
	list, err := c.cfg.Authority.Tokens(v.r.Context(), v.admin)
	if err != nil {
		return err
	}
	l := listing{pathTokens, v.r.URL.Query()}
	view := tokensView{
		Total: len(list), Query: strings.TrimSpace(l.form.Get("q")), Permission: l.form.Get("permission"),
		Scope: l.form.Get("scope"), Status: l.form.Get("status"), Sort: l.form.Get("sort"),
		Permissions: []string{string(authority.Global), string(authority.User), string(authority.Anonymous)}, Scopes: grant.AllScopes.Names(),
	}
	if view.Tabs, err = c.tabs(v, pathTokens, len(list)); err != nil {
		return err
	}
	view.OAuth = c.oauthHint(v)
	view.Warn = warning(v, list)
	states := make([]state, 0, len(list))
	kept := slices.DeleteFunc(slices.Clone(list), func(t authority.Token) bool { return !view.matches(&t) })
	for i := range kept {
		states = append(states, stateOf(v.now, kept[i].State, kept[i].Expires))
	}
	view.Segments = segmentsOf(l, states)
	if view.Status != "" {
		kept = slices.DeleteFunc(kept, func(t authority.Token) bool { return stateOf(v.now, t.State, t.Expires).Key != view.Status })
	}
	order := view.Sort
	if !sortTokens(kept, v.now, order) {
		order = "expires"
		sortTokens(kept, v.now, order)
	}
	view.Columns = l.columns(order, []sortable{
		{"Token", "lead", "description", ""},
		{"Permission", "", "permission", ""},
		{"Scopes", "", "", ""},
		{"Made by", "less", "created", "-"},
		{"Last used", "", "used", "-"},
		{"Expires", "", "expires", ""},
		{"Status", "", "", ""},
	})
	view.Order = orderWords(order)
	view.Matching = len(kept)
	view.Live = len(list) <= perPage && view.Query == "" && view.Permission == "" && view.Scope == ""
	kept, view.pager = slicePage(l, kept)
	for i := range kept {
		view.Rows = append(view.Rows, tokenRowOf(v, &kept[i]))
	}
	return v.write(http.StatusOK, "tokens", v.frame("API Tokens"), view)
}

// tabs counts both kinds of token; the second tab is for those who may open it.
func (c *Console) tabs(v *visit, here string, n int) ([]segment, error) {
	tabs := []segment{{"Client Tokens", pathTokens, n, here == pathTokens}}
	if v.admin.Role() < grant.RoleAdmin {
		return tabs, nil
	}
	clients, indexing := n, n
	if here == pathTokens {
		list, err := c.cfg.Authority.IndexingTokens(v.r.Context(), v.admin)
		if err != nil {
			return nil, err
		}
		indexing = len(list)
	} else {
		list, err := c.cfg.Authority.Tokens(v.r.Context(), v.admin)
		if err != nil {
			return nil, err
		}
		clients = len(list)
	}
	tabs[0].Count = clients
	return append(tabs, segment{"Indexing Tokens", pathIndexing, indexing, here == pathIndexing}), nil
}

func (w *tokensView) matches(t *authority.Token) bool {
	if w.Permission != "" && string(t.Permission) != w.Permission {
		return false
	}
	if s, known := grant.ParseScope(w.Scope); w.Scope != "" && (!known || !t.Scopes.Has(s)) {
		return false
	}
	text := strings.ToLower(strings.Join([]string{t.Description, t.User.Email, t.User.Name, t.ID, t.Mask, t.MadeBy.Name}, "\n"))
	return strings.Contains(text, strings.ToLower(w.Query))
}

// warning picks the token that would be missed most: in use, and at its end within days.
func warning(v *visit, list []authority.Token) *tokenRow {
	var worst *authority.Token
	for i := range list {
		t := &list[i]
		if stateOf(v.now, t.State, t.Expires) == stateSoon && v.now.Sub(t.LastUsed) < 7*day &&
			(worst == nil || t.Expires.Before(worst.Expires)) {
			worst = t
		}
	}
	if worst == nil {
		return nil
	}
	row := tokenRowOf(v, worst)
	return &row
}

// sortTokens orders list in place; it returns false for an order that it does not know.
func sortTokens(list []authority.Token, now time.Time, order string) bool {
	return sortBy(list, order, map[string]func(a, b *authority.Token) int{
		"description": func(a, b *authority.Token) int { return compareFolded(a.Description, b.Description) },
		"permission":  func(a, b *authority.Token) int { return cmp.Compare(a.Permission, b.Permission) },
		"created":     func(a, b *authority.Token) int { return a.Created.Compare(b.Created) },
		"used":        func(a, b *authority.Token) int { return a.LastUsed.Compare(b.LastUsed) },
		"expires": func(a, b *authority.Token) int {
			return compareEnds(stateOf(now, a.State, a.Expires), stateOf(now, b.State, b.Expires), a.Expires, b.Expires)
		},
	})
}

// sortBy orders list by the key of order, downward where "-" stands before it. Equal ones stay as
// they came: newest first.
func sortBy[T any](list []T, order string, keys map[string]func(a, b *T) int) bool {
	key, down := strings.CutPrefix(order, "-")
	less := keys[key]
	if less == nil {
		return false
	}
	slices.SortStableFunc(list, func(a, b T) int {
		if down {
			return less(&b, &a)
		}
		return less(&a, &b)
	})
	return true
}

func compareFolded(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }

// compareEnds puts what ends first on top, then what never ends, then what is over: nothing is left
// to do about that.
func compareEnds(sa, sb state, a, b time.Time) int {
	rank := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	return cmp.Or(rank(sa.over())-rank(sb.over()), rank(a.IsZero())-rank(b.IsZero()), a.Compare(b))
}

// orderWords says a table's order to those who do not see the arrow.
func orderWords(order string) string {
	key, down := strings.CutPrefix(order, "-")
	words := map[string][2]string{
		"description": {"by description", "by description, backwards"},
		"permission":  {"by permission", "by permission, backwards"},
		"created":     {"oldest first", "newest first"},
		"used":        {"longest unused first", "last used first"},
		"expires":     {"those that expire first on top", "those that expire last on top"},
	}[key]
	if down {
		return words[1]
	}
	return words[0]
}

// maxChips is how many scopes fit beside the other columns.
const maxChips = 3

func tokenRowOf(v *visit, t *authority.Token) tokenRow {
	s := stateOf(v.now, t.State, t.Expires)
	names := t.Scopes.Names()
	row := tokenRow{
		ID: t.ID, Description: t.Description, Mask: t.Mask, Permission: string(t.Permission), Hue: permissionHue(t.Permission),
		Mail: t.User.Email, ActsAs: actsAs(t), AllScopes: strings.Join(names, " "),
		MadeBy: nameOf(t.MadeBy), Created: at(v.now, t.Created), Used: at(v.now, t.LastUsed), Expires: at(v.now, t.Expires),
		State: s.Name, StateHue: s.Hue, StateIcon: s.Icon, Gone: s.over(),
	}
	switch {
	case t.Scopes == grant.AllScopes:
		row.Chips = []string{"ALL"}
	case len(names) > maxChips:
		row.Chips, row.More = names[:maxChips], len(names)-maxChips
	default:
		row.Chips = names
	}
	switch s {
	case stateRevoked:
		row.StateSub = revokedWords(t.Revoked, t.RevokedBy)
	case stateStopped:
		row.StateSub = "the person is not active"
	}
	role, me := v.admin.Role(), v.admin.Person()
	row.MayCopy = role >= grant.RoleSuperAdmin || t.Permission == authority.User && t.User.ID == me
	row.MayRevoke = s != stateRevoked && authority.MayRevoke(role, me, *t)
	if role >= grant.RoleAdmin {
		row.AuditPath = pathAudit + "?" + url.Values{"subject": {t.ID}}.Encode()
	}
	return row
}

// actsAs says whom a token acts as.
func actsAs(t *authority.Token) string {
	switch t.Permission {
	case authority.Global:
		return "anyone, named per call"
	case authority.Anonymous:
		return "nobody"
	}
	if t.User.Email == "" {
		return "somebody who is gone"
	}
	return t.User.Email
}

// nameOf is what to call somebody who may have no name, or be gone.
func nameOf(p authority.Party) string { return cmp.Or(p.Name, p.Email, "somebody who is gone") }

func revokedWords(when time.Time, by authority.Party) string {
	text := when.UTC().Format("2 Jan 2006")
	if by.ID != "" {
		text += ", by " + nameOf(by)
	}
	return text
}

// usedWords says when a token was last used, and whether anything has missed it within a day.
func usedWords(v *visit, used time.Time) string {
	if used.IsZero() {
		return "never"
	}
	m := at(v.now, used)
	return m.Near + " (" + m.Day + ", " + m.Hour + " UTC)"
}

func lastDayWords(v *visit, used time.Time) string {
	if !used.IsZero() && v.now.Sub(used) < day {
		return "In use: something called with it, and will fail"
	}
	return "Not used"
}

func expiresWords(v *visit, expires time.Time) string {
	if expires.IsZero() {
		return "Never; it works until someone revokes it"
	}
	return expires.UTC().Format("2 January 2006") + ", " + near(v.now, expires)
}
