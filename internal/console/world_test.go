package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/why"
)

// world is a console over real people, tokens and sessions in SQLite. Search and datasources are
// scripted, since they belong to other packages.
type world struct {
	t         testing.TB
	url       string
	authority *authority.Authority
	directory *directory.Directory
	log       *audit.Log
	clock     *clock
	search    *scriptedSearch
	why       *scriptedWhy
	sources   *scriptedSources
	oauth     *scriptedOAuth
	signOn    *scriptedSignOn
	logged    *logText
}

type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// today is when the stories of the tests happen.
var today = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

type logText struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	db, err := sqldb.Open(ctx, sqldb.Config{URL: sqldb.Memory, NoSync: true})
	fatal(t, err)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := seal.Open(ctx, db)
	fatal(t, err)
	w := &world{t: t, clock: &clock{now: today}, search: &scriptedSearch{}, why: &scriptedWhy{sampleAccess, sampleRank}, sources: newSources(), oauth: &scriptedOAuth{}, signOn: &scriptedSignOn{}, logged: &logText{}}
	w.log, err = audit.Open(ctx, db, audit.Config{Origin: rpc.Origin, Now: w.clock.Now})
	fatal(t, err)
	t.Cleanup(func() { _ = w.log.Close() })
	w.directory = directory.New(db)

	srv := httptest.NewUnstartedServer(nil)
	w.url = "http://" + srv.Listener.Addr().String()
	public, err := url.Parse(w.url)
	fatal(t, err)
	w.authority, err = authority.Open(authority.Config{DB: db, People: w.directory, Audit: w.log, Keys: keys, PublicURL: public, Now: w.clock.Now, LinksOff: w.oauth.linksOff})
	fatal(t, err)
	t.Cleanup(func() { _ = w.authority.Close() })
	c, err := New(Config{
		PublicURL: w.url, Authority: w.authority, People: w.directory, Datasources: w.sources, Audit: w.log, Search: w.search, Why: w.why, OAuth: w.oauth, SignOn: w.signOn,
		Log: slog.New(slog.NewTextHandler(w.logged, nil)), Now: w.clock.Now,
	})
	fatal(t, err)
	mux := http.NewServeMux()
	for _, p := range Patterns() {
		mux.Handle(p, c.Handler())
	}
	srv.Config.Handler = mux
	srv.Start()
	t.Cleanup(srv.Close)
	return w
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add makes a person with a role.
func (w *world) add(email, name string, role grant.Role) *directory.Person {
	w.t.Helper()
	p, err := w.authority.AddPerson(context.Background(), w.authority.Maintenance(), directory.NewPerson{Email: email, Name: name, Role: role})
	fatal(w.t, err)
	return p
}

// browser is somebody's browser without script.
type browser struct {
	w      *world
	client *http.Client
	// header is set on every request, as a browser or a stranger would.
	header map[string]string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	fatal(w.t, err)
	return &browser{w: w, client: &http.Client{Jar: jar}, header: map[string]string{}}
}

// as returns a browser in which the person with that address is signed in, through the pages.
func (w *world) as(email string) *browser {
	w.t.Helper()
	link, err := w.authority.CreateLink(context.Background(), w.authority.Maintenance(), email)
	fatal(w.t, err)
	b := w.browser()
	b.get(strings.TrimPrefix(link.URL, w.url)).submit("/signin", nil).want(http.StatusOK)
	return b
}

// doc is a page as it arrived.
type doc struct {
	b      *browser
	status int
	path   string // after redirects
	header http.Header
	text   string
	root   *html.Node
}

func (b *browser) get(path string) *doc {
	b.w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.w.url+path, nil)
	fatal(b.w.t, err)
	return b.do(req)
}

func (b *browser) post(path string, form url.Values) *doc {
	b.w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.w.url+path, strings.NewReader(form.Encode()))
	fatal(b.w.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.w.url)
	return b.do(req)
}

func (b *browser) do(req *http.Request) *doc {
	b.w.t.Helper()
	for k, v := range b.header {
		req.Header.Set(k, v)
	}
	res, err := b.client.Do(req)
	fatal(b.w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fatal(b.w.t, err)
	root, err := html.Parse(strings.NewReader(string(body)))
	fatal(b.w.t, err)
	return &doc{b, res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(body), root}
}

func (d *doc) want(status int) *doc {
	d.b.w.t.Helper()
	if d.status != status {
		d.b.w.t.Fatalf("%s answered %d, want %d:\n%s", d.path, d.status, status, squeeze(text(d.root)))
	}
	return d
}

// says fails unless the page shows every one of words.
func (d *doc) says(list ...string) *doc {
	d.b.w.t.Helper()
	shown := squeeze(text(d.root))
	for _, s := range list {
		if !strings.Contains(shown, s) {
			d.b.w.t.Fatalf("%s does not say %q:\n%s", d.path, s, shown)
		}
	}
	return d
}

func (d *doc) silent(list ...string) *doc {
	d.b.w.t.Helper()
	for _, s := range list {
		if strings.Contains(d.text, s) {
			d.b.w.t.Fatalf("%s says %q", d.path, s)
		}
	}
	return d
}

// submit sends the page's form with that action, its own values overlaid by change. A nil list takes
// a field out.
func (d *doc) submit(action string, change url.Values) *doc {
	d.b.w.t.Helper()
	form := find(d.root, func(n *html.Node) bool {
		return n.Data == "form" && attr(n, "action") == action && attr(n, "method") == "post"
	})
	if form == nil {
		d.b.w.t.Fatalf("%s has no form that posts to %s", d.path, action)
	}
	values := formValues(form)
	for k, v := range change {
		if v == nil {
			values.Del(k)
		} else {
			values[k] = v
		}
	}
	return d.b.post(action, values)
}

// formValues are what a browser would send of a form that nobody touched.
func formValues(form *html.Node) url.Values {
	values := url.Values{}
	each(form, func(n *html.Node) {
		name := attr(n, "name")
		switch {
		case name == "":
		case n.Data == "select":
			chosen := ""
			each(n, func(o *html.Node) {
				if o.Data == "option" && (has(o, "selected") || chosen == "") {
					if chosen = attr(o, "value"); !has(o, "value") {
						chosen = text(o)
					}
				}
			})
			values.Add(name, chosen)
		case n.Data != "input":
		case attr(n, "type") == "radio" || attr(n, "type") == "checkbox":
			if has(n, "checked") {
				values.Add(name, attr(n, "value"))
			}
		default:
			values.Add(name, attr(n, "value"))
		}
	})
	return values
}

func find(n *html.Node, is func(*html.Node) bool) (found *html.Node) {
	each(n, func(n *html.Node) {
		if found == nil && is(n) {
			found = n
		}
	})
	return found
}

// each visits the elements below n, and n.
func each(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
		if c.Type == html.ElementNode && c.Data != "mark" && c.Data != "code" && c.Data != "strong" && c.Data != "wbr" && c.Data != "time" {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// scriptedSearch answers what the test put into it.
type scriptedSearch struct {
	mu     sync.Mutex // guards the rest
	asked  []SearchQuery
	caller grant.Caller
	answer func(grant.Caller, SearchQuery) (SearchResult, error)

	suggestions []Suggestion
	viewed      []string
}

// scriptedWhy answers what the test put into it.
type scriptedWhy struct {
	access func(why.AccessRequest) (why.AccessAnswer, error)
	rank   func(why.RankRequest) (why.RankAnswer, error)
}

func (s *scriptedWhy) Access(_ context.Context, _ grant.Caller, req why.AccessRequest) (why.AccessAnswer, error) {
	return s.access(req)
}

func (s *scriptedWhy) Rank(_ context.Context, _ grant.Caller, req why.RankRequest) (why.RankAnswer, error) {
	return s.rank(req)
}

func (s *scriptedSearch) Suggest(_ context.Context, c grant.Caller, text string) ([]Suggestion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caller = c
	return slices.Clone(s.suggestions), nil
}

func (s *scriptedSearch) Viewed(_ context.Context, c grant.Caller, document string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if document != "wiki/page/w4" {
		return fault.New(fault.NotFound, "There is no such document, or you may not see it.")
	}
	s.viewed = append(s.viewed, c.Email()+" "+document)
	return nil
}

func (s *scriptedSearch) Search(_ context.Context, c grant.Caller, q SearchQuery) (SearchResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.caller = append(s.asked, q), c
	if s.answer == nil {
		return SearchResult{}, nil
	}
	return s.answer(c, q)
}

// scriptedSources are three datasources that can be switched.
type scriptedSources struct {
	mu      sync.Mutex // guards the rest
	list    []Datasource
	testers []string
	settled bool // the paused removal
}

func newSources() *scriptedSources {
	return &scriptedSources{list: []Datasource{
		{Name: "crm", Title: "CRM", Category: "CRM", Documents: 61, Visible: true, Test: true},
		{Name: "drive", Title: "Shared drive", Category: "PUBLISHED_CONTENT", Documents: 9500, Visible: true},
		{
			Name: "wiki", Title: "Field wiki", Category: "KNOWLEDGE_HUB", Documents: 18204, Visible: true,
			HomeURL: "https://wiki.quillmere.example/", URLRegex: `https://wiki\.quillmere\.example/.*`,
		},
	}}
}

func (s *scriptedSources) Datasources(context.Context, grant.Caller) ([]Datasource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Datasource(nil), s.list...), nil
}

func (s *scriptedSources) Datasource(_ context.Context, _ grant.Caller, name string) (Datasource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.list {
		if d.Name == name {
			return d, nil
		}
	}
	return Datasource{}, fault.New(fault.NotFound, "There is no datasource of this name.")
}

func (s *scriptedSources) SetDatasource(_ context.Context, _ grant.Caller, name string, visible, open bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].Name == name {
			s.list[i].Visible, s.list[i].OpenToAnonymousTokens = visible, open
			return nil
		}
	}
	return fault.New(fault.NotFound, "There is no datasource of this name.")
}

// Intake is that of a datasource with all there can be.
func (s *scriptedSources) Intake(_ context.Context, _ grant.Caller, name string) (Intake, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := Intake{Last: today.Add(-4 * time.Minute), Users: 79, Groups: 12, Memberships: 301, Testers: slices.Clone(s.testers)}
	if name != "wiki" {
		return in, nil
	}
	in.Waiting = 3
	for i := range 28 {
		in.Days = append(in.Days, IntakeDay{today.Add(time.Duration(i-27) * day), i * 13 % 90, i % 5, i % 9 / 8})
	}
	in.Errors = []IntakeError{{today.Add(-time.Hour), "indexdocument", "station-w4-0117", "viewURL does not match the datasource’s pattern.", 3}, {today.Add(-2 * time.Hour), "bulkindexusers", "", "uploadId is needed.", 1}}
	in.Uploads = []Upload{
		{ID: 9, Kind: "documents", State: UploadOpen, Pages: 3, Items: 300, Began: today.Add(-time.Minute), Seen: today},
		{ID: 8, Kind: "memberships", Part: "lab", State: UploadReplaced, Pages: 1, Items: 10, Began: today.Add(-time.Hour), Seen: today},
		{ID: 7, Kind: "users", State: UploadDone, Pages: 1, Items: 79, Began: today.Add(-2 * time.Hour), Seen: today, Removed: 4, Stale: 4},
	}
	if !s.settled {
		in.Uploads = append(in.Uploads, Upload{
			ID: 6, Kind: "documents", State: UploadDone, Pages: 9, Items: 900, Began: today.Add(-day), Seen: today, Stale: 300, Paused: true, Until: today.Add(6 * day),
		})
	}
	return in, nil
}

func (s *scriptedSources) Life(_ context.Context, _ grant.Caller, _, document string) (Life, error) {
	if document != "page/w4" {
		return Life{}, fault.New(fault.NotFound, "There is no document of this id here.")
	}
	return Life{"wiki/page/w4", "Searchable", "Its permissions name a group that was never sent.", []LifeEvent{{today.Add(-time.Minute), "Uploaded"}, {today, "Searchable"}}}, nil
}

func (s *scriptedSources) SetTesters(_ context.Context, _ grant.Caller, _ string, emails []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range emails {
		if !strings.Contains(e, "@") {
			return fault.New(fault.Invalid, "An address is needed.").WithField("emails")
		}
	}
	s.testers = emails
	return nil
}

func (s *scriptedSources) RunRemoval(_ context.Context, _ grant.Caller, name string, upload int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "wiki" || upload != 6 || s.settled {
		return fault.New(fault.Conflict, "This removal is not paused any more.")
	}
	s.settled = true
	return nil
}

func (s *scriptedSources) DropRemoval(ctx context.Context, c grant.Caller, name string, upload int64) error {
	return s.RunRemoval(ctx, c, name, upload)
}

// sampleSearch finds the same few documents whatever is asked.
func sampleSearch(_ grant.Caller, q SearchQuery) (SearchResult, error) {
	if q.Text == "nothing at all" {
		return SearchResult{}, nil
	}
	r := SearchResult{
		Total: 43, Next: "next-page",
		Tabs: []SearchTab{{"", "All", 43}, {"wiki", "Field wiki", 21}, {"people", "People", 1}},
		Facets: []SearchFacet{
			{"app", "Source", []SearchValue{{"wiki", "Field wiki", 21}, {"drive", "Shared drive", 9}, {"tickets", "Tickets", 7}}, true},
			{"type", "Type", []SearchValue{{"page", "Page", 19}, {"ticket", "Ticket", 7}}, false},
		},
	}
	for i, title := range []string{"Field calibration of the W4 anemometer", "Service intervals 2026.xlsx", "HW-2207: drift after calibration on firmware 3.1"} {
		r.Hits = append(r.Hits, SearchHit{
			ID: "wiki/page/w4", Title: title, URL: fmt.Sprintf("https://docs.quillmere.example/%d", i), Source: []string{"Field wiki", "Shared drive", "Tickets"}[i],
			Path: [][]string{{"Sensors", "Wind"}, {"Service", "2026"}, {"Hardware"}}[i], Kind: []string{"page", "spreadsheet", "ticket"}[i],
			Author: []string{"Tomasz Wrona", "Ines Carvalho", "Jonas Feldt"}[i], Updated: today.Add(-time.Duration(i*20+4) * day),
			Snippet: []Run{{"Log both for ten minutes; the ", false}, {"calibration", true}, {" slope must stay between 0.98 and 1.02. An ", false}, {"anemometer", true}, {" outside it goes back to the lab.", false}},
		})
	}
	return r, nil
}

// sampleAccess has a reason, a way and an intersection, whatever is asked.
func sampleAccess(req why.AccessRequest) (why.AccessAnswer, error) {
	if req.Document == "wiki/page/none" {
		return why.AccessAnswer{}, fault.New(fault.NotFound, "There is no document of this name.")
	}
	chain := []why.Step{{Kind: "person", Name: "Omar Haddad"}, {Kind: "user", Name: "u7 (omar@quillmere.example)"}, {Kind: "group", Name: "lab", Broken: "no such group"}}
	return why.AccessAnswer{
		Person: why.Person{ID: "1", Email: omar, Name: "Omar Haddad"}, Document: why.Document{Named: req.Document}, Datasource: "wiki",
		Summary: "Omar Haddad does not see it.",
		Reasons: []why.Reason{{Code: why.CodeUnknownGroup, Words: "wiki has no group lab.", Mend: "Send it with indexgroup.", Chain: chain}},
		Ways:    []why.Way{{Reader: "group", Name: "lab", Words: "The document names the group lab.", Chains: [][]why.Step{chain}}}, WaysInAll: 3,
	}, nil
}

// sampleRank explains one result of two words.
func sampleRank(req why.RankRequest) (why.RankAnswer, error) {
	return why.RankAnswer{
		Person: why.Person{ID: "1", Email: omar, Name: "Omar Haddad"}, Query: req.Query, Order: why.OrderRelevance,
		Results: []why.Ranked{{
			Place: 1, Strength: 100, Document: why.Document{Named: "wiki/page/w4", ID: "wiki/page/w4", Title: "Field calibration", URL: "https://docs.quillmere.example/0"},
			Factors: []why.Factor{{Code: "word", Text: "calibration", Percent: 70, Words: "It stands in the title."}, {Code: "freshness", Percent: 4, Words: "It is fresh."}},
		}},
	}, nil
}
