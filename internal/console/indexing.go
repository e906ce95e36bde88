package console

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
)

type indexingView struct {
	pager
	Tabs     []segment
	Segments segments
	Total    int
	Matching int
	Columns  []column
	Order    string
	Rows     []indexingRow
}

type indexingRow struct {
	ID, Description, Mask string
	Everything            bool
	Datasources           []string
	Networks              []string
	Rotation              string
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

// indexing is the list of indexing tokens.
func (c *Console) indexing(v *visit) error {
	list, err := c.cfg.Authority.IndexingTokens(v.r.Context(), v.admin)
	if err != nil {
		return err
	}
	l := listing{pathIndexing, v.r.URL.Query()}
	view := indexingView{Total: len(list)}
	if view.Tabs, err = c.tabs(v, pathIndexing, len(list)); err != nil {
		return err
	}
	states := make([]state, len(list))
	for i := range list {
		states[i] = stateOf(v.now, list[i].State, list[i].Expires)
	}
	view.Segments = segmentsOf(l, states)
	if want := l.form.Get("status"); want != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(t authority.IndexingToken) bool {
			return stateOf(v.now, t.State, t.Expires).Key != want
		})
	}
	order := l.form.Get("sort")
	if !sortIndexing(list, v.now, order) {
		order = "expires"
		sortIndexing(list, v.now, order)
	}
	view.Columns = l.columns(order, []sortable{
		{"Token", "lead", "description", ""},
		{"Datasources", "", "", ""},
		{"Allowed addresses", "", "", ""},
		{"Rotation", "", "", ""},
		{"Made by", "less", "created", "-"},
		{"Last used", "", "used", "-"},
		{"Expires", "", "expires", ""},
		{"Status", "", "", ""},
	})
	view.Order, view.Matching = orderWords(order), len(list)
	list, view.pager = slicePage(l, list)
	for i := range list {
		view.Rows = append(view.Rows, indexingRowOf(v, &list[i]))
	}
	return v.write(http.StatusOK, "indexing", v.frame("Indexing Tokens"), view)
}

func sortIndexing(list []authority.IndexingToken, now time.Time, order string) bool {
	return sortBy(list, order, map[string]func(a, b *authority.IndexingToken) int{
		"description": func(a, b *authority.IndexingToken) int { return compareFolded(a.Description, b.Description) },
		"created":     func(a, b *authority.IndexingToken) int { return a.Created.Compare(b.Created) },
		"used":        func(a, b *authority.IndexingToken) int { return a.LastUsed.Compare(b.LastUsed) },
		"expires": func(a, b *authority.IndexingToken) int {
			return compareEnds(stateOf(now, a.State, a.Expires), stateOf(now, b.State, b.Expires), a.Expires, b.Expires)
		},
	})
}

func indexingRowOf(v *visit, t *authority.IndexingToken) indexingRow {
	s := stateOf(v.now, t.State, t.Expires)
	row := indexingRow{
		ID: t.ID, Description: t.Description, Mask: t.Mask, Everything: t.Datasources == nil, Datasources: append(slices.Clone(t.Datasources), t.Scopes...),
		Rotation: rotationWords(t, s), MadeBy: nameOf(t.MadeBy), Created: at(v.now, t.Created), Used: at(v.now, t.LastUsed),
		Expires: at(v.now, t.Expires), State: s.Name, StateHue: s.Hue, StateIcon: s.Icon, Gone: s.over(), MayRevoke: s != stateRevoked,
		AuditPath: pathAudit + "?" + url.Values{"subject": {t.ID}}.Encode(),
	}
	for _, p := range t.Addresses {
		row.Networks = append(row.Networks, p.String())
	}
	switch s {
	case stateRevoked:
		row.StateSub = revokedWords(t.Revoked, t.RevokedBy)
	case stateOverdue:
		row.StateSub = "not rotated in time"
	}
	return row
}

// rotationWords says how often a token must be rotated, and by when next.
func rotationWords(t *authority.IndexingToken, s state) string {
	if t.Period == 0 {
		return "off"
	}
	text := "every " + span(t.Period)
	if t.Period == day {
		text = "every day"
	}
	if !s.over() {
		text += ", next by " + t.Rotated.Add(t.Period).UTC().Format("2 Jan 2006")
	}
	return text
}

// rotations are the periods that the form offers, in minutes.
var rotations = []struct {
	minutes int64
	name    string
}{{0, "Never"}, {1440, "A day"}, {7 * 1440, "7 days"}, {30 * 1440, "30 days"}, {90 * 1440, "90 days"}}

type indexingNewView struct {
	Problems    problems
	Description string
	Known       []sourceChoice
	More        string
	Networks    string
	Scopes      string
	Rotations   []rotationChoice
	Expiry      expiryView
}

type sourceChoice struct {
	Name, Title string
	Chosen      bool
}

type rotationChoice struct {
	Value, Name string
	Chosen      bool
}

// indexingDraft is what the form holds, right or wrong.
type indexingDraft struct {
	Description, More, Networks string
	Scopes                      string
	Datasources                 []string
	Rotation                    int64
	Expires, Date               string
}

func readIndexingDraft(form url.Values) indexingDraft {
	minutes, err := strconv.ParseInt(form.Get("rotation"), 10, 64)
	if err != nil {
		minutes = -1 // refused below with the words of authority
	}
	return indexingDraft{
		Description: strings.TrimSpace(form.Get("description")), More: strings.TrimSpace(form.Get("more")),
		Scopes: strings.TrimSpace(form.Get("scopes")), Networks: strings.TrimSpace(form.Get("allowedCidrs")), Datasources: form["datasources"], Rotation: minutes,
		Expires: form.Get("expires"), Date: form.Get("date"),
	}
}

// indexingNewView is the form with d in it.
func (c *Console) indexingNewView(v *visit, d *indexingDraft, p problems) (indexingNewView, error) {
	view := indexingNewView{
		Problems: p, Description: d.Description, More: d.More, Networks: d.Networks, Scopes: d.Scopes, Expiry: newExpiry(v.now, d.Expires, d.Date, false),
	}
	view.Expiry.Problems = p
	list, err := c.cfg.Datasources.Datasources(v.r.Context(), v.admin)
	if err != nil {
		return view, err
	}
	for _, s := range list {
		view.Known = append(view.Known, sourceChoice{s.Name, s.Title, slices.Contains(d.Datasources, s.Name)})
	}
	listed := false
	for _, r := range rotations {
		view.Rotations = append(view.Rotations, rotationChoice{strconv.FormatInt(r.minutes, 10), r.name, r.minutes == d.Rotation})
		listed = listed || r.minutes == d.Rotation
	}
	if !listed && d.Rotation > 0 { // made by a program
		name := span(time.Duration(d.Rotation) * time.Minute)
		view.Rotations = append(view.Rotations, rotationChoice{strconv.FormatInt(d.Rotation, 10), name, true})
	}
	return view, nil
}

// newIndexing is the empty dialog, or with ?copy= the one that makes a token's successor.
func (c *Console) newIndexing(v *visit) error {
	d := indexingDraft{Expires: "365d"}
	if id := v.r.URL.Query().Get("copy"); id != "" {
		t, err := c.cfg.Authority.IndexingToken(v.r.Context(), v.admin, id)
		if err != nil {
			return err
		}
		d = indexingDraft{
			Description: t.Description, Datasources: t.Datasources, Rotation: int64(t.Period / time.Minute),
			Networks: joinPrefixes(t.Addresses), Scopes: strings.Join(t.Scopes, " "), Expires: lifetimeOf(t.Created, t.Expires),
		}
	}
	view, err := c.indexingNewView(v, &d, nil)
	if err != nil {
		return err
	}
	view.spareNames(&d)
	return v.write(http.StatusOK, "indexing_new", v.frame("Add Indexing API Token"), view)
}

// spareNames puts names that no datasource has yet into the field for them.
func (w *indexingNewView) spareNames(d *indexingDraft) {
	var spare []string
	for _, name := range d.Datasources {
		if !slices.ContainsFunc(w.Known, func(s sourceChoice) bool { return s.Name == name }) {
			spare = append(spare, name)
		}
	}
	w.More = strings.Join(spare, " ")
}

func joinPrefixes(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, " ")
}

var indexingPlaces = map[string]place{
	"description": {"description", "f-desc"}, "datasources": {"datasources", "f-more"}, "allowedCidrs": {"allowedCidrs", "f-nets"}, "scopes": {"scopes", "f-scopes"},
	"rotationPeriodMinutes": {"rotationPeriodMinutes", "f-rot"}, "expiresAt": {"date", "f-date"},
}

// createIndexing makes an indexing token and shows its secret, in this answer and never again.
func (c *Console) createIndexing(v *visit) error {
	d := readIndexingDraft(v.form)
	var p problems
	checkDescription(d.Description, &p)
	n := authority.NewIndexingToken{
		Description: d.Description, Datasources: append(slices.Clone(d.Datasources), words(d.More)...),
		Scopes: words(d.Scopes), Addresses: words(d.Networks), PeriodMinutes: d.Rotation, Expires: readExpiry(v.now, d.Expires, d.Date, &p),
	}
	if len(n.Datasources) == 0 {
		n.Datasources = nil
	}
	if d.Expires == "never" {
		p.add("expires", "expires", "Choose when it expires", "An indexing token needs an end. Choose one of these.")
	}
	if len(p) == 0 {
		t, secret, err := c.cfg.Authority.CreateIndexingToken(v.r.Context(), v.admin, n)
		if err == nil {
			return c.showIndexingSecret(v, &t, secret.Reveal())
		}
		if !p.blame(err, indexingPlaces) {
			return err
		}
	}
	view, err := c.indexingNewView(v, &d, p)
	if err != nil {
		return err
	}
	return v.write(http.StatusUnprocessableEntity, "indexing_new", v.frame("Add Indexing API Token"), view)
}

// words cuts a field at spaces and commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
}

func (c *Console) showIndexingSecret(v *visit, t *authority.IndexingToken, secret string) error {
	sources := fact{Name: "Datasources", Text: "all datasources"}
	example := "wiki"
	if t.Datasources != nil {
		sources = fact{Name: "Datasources", Chips: append(slices.Clone(t.Datasources), t.Scopes...)}
		if len(t.Datasources) > 0 {
			example = t.Datasources[0]
		}
	}
	networks := "any address"
	if len(t.Addresses) > 0 {
		networks = joinPrefixes(t.Addresses)
	}
	view := madeView{
		Back: pathIndexing, Tab: "Indexing Tokens", Description: t.Description, Secret: secret, Variable: "SHEAF_INDEXING_TOKEN",
		Facts: []fact{
			sources,
			{Name: "Allowed addresses", Text: networks},
			{Name: "Rotation", Text: rotationWords(t, stateActive)},
			{Name: "Expires", Text: expiresWords(v, t.Expires)},
			{Name: "Made by", Text: v.name + ", just now"},
		},
		Examples: indexingExamples(c.cfg.PublicURL, example),
	}
	return v.write(http.StatusOK, "token_made", v.frame("Token made"), view)
}

func (c *Console) askRevokeIndexing(v *visit) error {
	t, err := c.cfg.Authority.IndexingToken(v.r.Context(), v.admin, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !t.Revoked.IsZero() {
		return fault.New(fault.Conflict, "This token is revoked already.")
	}
	sources := "all datasources"
	if t.Datasources != nil {
		sources = strings.Join(append(slices.Clone(t.Datasources), t.Scopes...), ", ")
	}
	view := revokeView{
		Back: pathIndexing, Tab: "Indexing Tokens", Action: pathIndexing + "/" + url.PathEscape(t.ID) + "/revoke", Description: t.Description,
		What: "Calls with this token fail from the next one on, uploads under way included. What it brought in stays.",
		Facts: []fact{
			{Name: "Last used", Text: usedWords(v, t.LastUsed)},
			{Name: "In the last day", Text: lastDayWords(v, t.LastUsed)},
			{Name: "Writes", Text: sources},
		},
	}
	return v.write(http.StatusOK, "token_revoke", v.frame("Revoke token"), view)
}

func (c *Console) revokeIndexing(v *visit) error {
	if err := c.cfg.Authority.RevokeIndexingToken(v.r.Context(), v.admin, v.r.PathValue("id")); err != nil {
		return err
	}
	v.say("revoked")
	return v.redirect(pathIndexing)
}
