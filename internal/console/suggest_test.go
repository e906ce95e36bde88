package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/sheafsearch/sheaf/internal/grant"
)

func TestSuggest(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	w.search.suggestions = []Suggestion{
		{Kind: SuggestDocument, Text: "Field calibration", About: "Field wiki", URL: "https://docs.quillmere.example/0", ID: "wiki/page/w4"},
		{Kind: SuggestDocument, Text: "A trap", URL: "javascript:alert(1)", ID: "wiki/page/trap"},
		{Kind: SuggestPerson, Text: "Tomasz Wrona", About: "Calibration lead", Query: "Tomasz Wrona"},
		{Kind: SuggestOperator, Text: "type:", Query: "calib type:"},
		{Kind: SuggestSearch, Text: "calibration & drift", Query: "calibration & drift"},
	}
	d := b.get("/suggest?q=calib").want(http.StatusOK)
	if got := d.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
	var got struct{ Suggestions []suggestView }
	if err := json.Unmarshal([]byte(d.text), &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	want := []suggestView{
		{Kind: SuggestDocument, Text: "Field calibration", About: "Field wiki", Href: "https://docs.quillmere.example/0", ID: "wiki/page/w4"},
		{Kind: SuggestPerson, Text: "Tomasz Wrona", About: "Calibration lead", Href: "/?q=Tomasz+Wrona"},
		{Kind: SuggestOperator, Text: "type:", Fill: "calib type:"},
		{Kind: SuggestSearch, Text: "calibration & drift", Href: "/?q=calibration+%26+drift"},
	}
	if d := cmp.Diff(want, got.Suggestions); d != "" {
		t.Errorf("suggestions differ (-want +got):\n%s", d)
	}
	if w.search.caller.Email() != omar || w.search.caller.Kind() != grant.User {
		t.Errorf("asked as %s %s, want the person", w.search.caller.Kind(), w.search.caller.Email())
	}
	if d := w.browser().get("/suggest?q=calib"); !strings.HasPrefix(d.path, "/signin") {
		t.Errorf("a stranger's suggestions came from %s, want the sign-in page", d.path)
	}
}

// TestViewed holds that opening a document is noted for those who may see it, by their own page only, and that the link is the
// document's own.
func TestViewed(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	d := b.get("/?q=calibration").want(http.StatusOK)
	link := find(d.root, func(n *html.Node) bool { return has(n, "data-viewed") })
	if attr(link, "href") != "https://docs.quillmere.example/0" || attr(link, "data-viewed") != "wiki/page/w4" {
		t.Errorf("the first result leads to %s as %s", attr(link, "href"), attr(link, "data-viewed"))
	}
	csrf := attr(find(d.root, func(n *html.Node) bool { return attr(n, "name") == "csrf" }), "value")
	b.post("/viewed", url.Values{"document": {"wiki/page/w4"}}).want(http.StatusForbidden)
	b.post("/viewed", url.Values{"csrf": {csrf}, "document": {"wiki/page/hidden"}}).want(http.StatusNotFound)
	b.post("/viewed", url.Values{"csrf": {csrf}, "document": {"wiki/page/w4"}, "next": {"https://elsewhere.example"}}).want(http.StatusNoContent)
	if want := []string{omar + " wiki/page/w4"}; !slices.Equal(w.search.viewed, want) {
		t.Errorf("viewed %q, want %q", w.search.viewed, want)
	}
}

// TestAskedIsItsAddress holds that the whole state of the page stands in its address, and that people can read it.
func TestAskedIsItsAddress(t *testing.T) {
	for _, a := range []asked{
		{Text: "storm season"},
		{Text: `"quote" & sign=1 #x + % é`, Tab: "people", Sort: SortNewest, Exact: true, Cursor: "abc+/="},
		{Text: "x", Filters: []SearchFilter{{"from", []string{omar}}, {"type", []string{"page", "a b&c"}}}, Changed: "past_week", Since: "2026-01-02", Until: "2026-11-23"},
		{Filters: []SearchFilter{{"app", []string{"wiki"}}}},
	} {
		a.PageSize = pageSize
		u, err := url.Parse(a.path())
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAsked(u.Query())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, got); d != "" {
			t.Errorf("%s reads back differently (-want +got):\n%s", a.path(), d)
		}
	}
	a := asked{Text: "storm season", Filters: []SearchFilter{{"app", []string{"wiki"}}}, Since: "2026-01-02"}
	if got, want := a.path(), "/?q=storm+season&f.app=wiki&since=2026-01-02"; got != want {
		t.Errorf("path() = %q, want %q", got, want)
	}
	if got, want := a.but(func(a *asked) { a.without("app", "wiki") }), "/?q=storm+season&since=2026-01-02"; got != want {
		t.Errorf("without the filter: %q, want %q", got, want)
	}
	odd, err := readAsked(url.Values{"q": {" x "}, "sort": {"; DROP"}, "changed": {"past_aeon"}, "since": {"yesterday"}, "until": {"2026-13-40"}, "f.": {"x"}})
	if want := (asked{Text: "x", PageSize: pageSize}); err != nil || !cmp.Equal(want, odd) {
		t.Errorf("readAsked() of nonsense = %+v, %v; want the words alone", odd, err)
	}
}

func TestSearchPageGrows(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b := w.as(omar)
	w.search.answer = func(c grant.Caller, q SearchQuery) (SearchResult, error) {
		r, err := sampleSearch(c, q)
		r.Corrected, r.Ignored = "calibration", []string{"type:", "AND"}
		r.People = []SearchPerson{{"Tomasz Wrona", "Calibration lead", "tomasz@quillmere.example", "Sensors", "Bergen"}}
		return r, err
	}
	d := b.get("/?q=calibraton&tab=wiki&f.app=wiki&in.app=fi&changed=past_week&since=2026-01-01&sort=newest").want(http.StatusOK).
		says("Showing results for calibration", "Search instead for calibraton", "Some parts of the query could not be used", "type:", "Tomasz Wrona", "Sensors · Bergen",
			"Source: Field wiki", "Changed: past week", "People 1", "Newest first")
	checkPage(t, d)
	q := w.search.asked[len(w.search.asked)-1]
	if q.Tab != "wiki" || q.Facet != "app" || q.Prefix != "fi" || q.Changed != "past_week" || q.Since != "2026-01-01" || q.Sort != SortNewest || q.Exact {
		t.Errorf("asked %+v", q)
	}
	exact := find(d.root, func(n *html.Node) bool { return n.Data == "a" && text(n) == "calibraton" })
	b.get(attr(exact, "href")).want(http.StatusOK)
	if q := w.search.asked[len(w.search.asked)-1]; !q.Exact || q.Text != "calibraton" || q.Changed != "past_week" {
		t.Errorf("“Search instead” asked %+v", q)
	}
	checkPage(t, b.get("/help").want(http.StatusOK).says("What you can type", "updated:past_week"))
}

// FuzzAsked holds that any address is read without harm, and that what was read prints to an address that reads the same.
func FuzzAsked(f *testing.F) {
	for _, query := range []string{"q=storm&f.app=wiki&since=2026-01-02", "q=a%26b&tab=people&sort=newest&exact=1&cursor=x", "in.b=x&in.a=y&f.=z&f.a=&changed=past_week", "q=%20%2B+%00"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil || checkText(form) != nil {
			return
		}
		a, err := readAsked(form)
		if err != nil {
			return
		}
		u, err := url.Parse(a.path())
		if err != nil {
			t.Fatalf("readAsked(%q).path() = %q: %v", query, a.path(), err)
		}
		again, err := readAsked(u.Query())
		a.Facet, a.Prefix = "", "" // what is typed into a facet's box passes
		if d := cmp.Diff(a, again); d != "" || err != nil {
			t.Fatalf("%q reads as another question from %q (%v):\n%s", query, a.path(), err, d)
		}
	})
}
