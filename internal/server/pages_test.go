package server_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestPagesOverTheCompany opens the pages over the sample company: what they show is what the services say.
func TestPagesOverTheCompany(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	admin := s.SignIn(s.Company.Admin)
	get := func(path string) string {
		t.Helper()
		return s.Must("GET", path, "", nil, "Cookie", admin.Cookie).Body
	}
	for path, wants := range map[string][]string{
		"/?q=anemometer+calibration":                        {"Field calibration of the W4 anemometer", "Find in Author", "Field Wiki", "Newest first", "data-viewed=\"wiki/page/w4-field-calibration\""},
		"/?q=anemometer+calibraton":                         {"Did you mean", "anemometer calibration"},
		"/?q=tomasz+wrona":                                  {"What they wrote", "Calibration lead", "People"},
		"/?q=tomasz&tab=people":                             {"1 person"},
		"/?q=calibration&f.datasource=wiki&sort=oldest":     {"Source: <b>Field Wiki</b>"},
		"/?q=calibration&since=2026-01-01&until=2026-06-30": {"Changed since"},
		"/suggest?q=ane":                                    {`"kind":"document"`, `"kind":"search"`},
		"/suggest?q=tom":                                    {`"kind":"person"`},
		"/suggest?q=typ":                                    {`"kind":"operator"`},
		"/help":                                             {"What you can type"},
		"/admin/datasources/wiki":                           {"The last weeks", "all can be found"},
		"/admin/datasources/wiki?document=page/w4-field-calibration":          {"Searchable", "Who sees it"},
		"/admin/datasources/wiki?document=page/none":                          {"Nothing is known of a document of this name here."},
		"/admin/why?document=wiki/page/w4-field-calibration":                  {"Sees it", "The document"},
		"/admin/why?query=anemometer&document=wiki/page/w4-field-calibration": {"of the first result’s score"},
	} {
		body := get(path)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
	}
	if a := s.Do("GET", "/admin/datasources/nowhere", "", nil, "Cookie", admin.Cookie); a.Status != 404 {
		t.Errorf("a datasource that is not there: %d, want 404", a.Status)
	}
}

// TestPagesNoteViews holds that following a result is noted for the person, and only of what they may see.
func TestPagesNoteViews(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	s.Person("ann@quillmere.example", grant.RoleMember)
	token := s.Indexing()
	s.Must("POST", "/api/index/v1/adddatasource", token, map[string]any{"name": "wiki", "displayName": "Wiki", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "https://wiki.example/.*"})
	for id, everyone := range map[string]bool{"open": true, "shut": false} {
		s.Must("POST", "/api/index/v1/indexdocument", token, map[string]any{"document": map[string]any{
			"datasource": "wiki", "objectType": "page", "id": id, "title": "Page " + id, "viewURL": "https://wiki.example/" + id, "permissions": map[string]any{"allowAnonymousAccess": everyone},
		}})
	}
	s.CatchUp()
	ann := s.SignIn("ann@quillmere.example")
	view := func(id string) int {
		form := url.Values{"csrf": {ann.CSRF}, "document": {id}}
		return s.Do("POST", "/viewed", "", form.Encode(), "Cookie", ann.Cookie, "Content-Type", "application/x-www-form-urlencoded", "Origin", s.PublicURL.String()).Status
	}
	if got := view("wiki/page/open"); got != 204 {
		t.Errorf("opening a document = %d, want 204", got)
	}
	if hidden, missing := view("wiki/page/shut"), view("wiki/page/none"); hidden != 404 || missing != 404 {
		t.Errorf("opening a hidden document = %d, and a missing one = %d, want 404", hidden, missing)
	}
	if err := s.Activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	person, err := s.People.ByEmail(t.Context(), "ann@quillmere.example")
	if err != nil {
		t.Fatal(err)
	}
	views, err := s.Activity.Recent(t.Context(), grant.Mint(&grant.Facts{Kind: grant.User, Person: person.ID}), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(views) != 1 || views[0].Document != "wiki/page/open" {
		t.Errorf("noted %+v, want the one that Ann may see", views)
	}
}

// TestPagesShowNothingHidden searches for hidden documents by their own titles, on the page and in the box under it.
func TestPagesShowNothingHidden(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	const email = "sofie.lund@quillmere.example"
	session := s.SignIn(email)
	hidden := 0
	for i := 0; i < len(s.Company.Documents) && hidden < 60; i += 3 {
		d := &s.Company.Documents[i]
		key := d.Datasource + "/" + d.Type + "/" + d.ID
		if s.Company.Sees(email, d.ID) {
			continue
		}
		hidden++
		for _, path := range []string{
			"/?q=" + url.QueryEscape(d.Title), "/?q=" + url.QueryEscape(`"`+d.Title+`"`) + "&sort=newest", "/suggest?q=" + url.QueryEscape(d.Title[:len(d.Title)/2]),
		} {
			a := s.Do("GET", path, "", nil, "Cookie", session.Cookie)
			if a.Status >= 500 || strings.Contains(a.Body, key) {
				t.Errorf("%s answers %d, and shows %s", path, a.Status, key)
			}
		}
	}
	if hidden < 20 {
		t.Errorf("%d documents are hidden from %s: too few to tell", hidden, email)
	}
}

// TestOddAddressesOfTheSearchPage holds that whatever stands in the address is answered in words.
func TestOddAddressesOfTheSearchPage(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	session := s.SignIn(s.Company.Admin)
	for _, path := range []string{
		"/?q=storm&tab=nowhere", "/?q=storm&f.nothing=x", "/?q=storm&in.nothing=x", "/?q=storm&in.app=fi", "/?q=storm&in.from=to", "/?q=storm&cursor=abc",
		"/?q=storm&f.updated=never", "/?q=storm&since=2026-12-01&until=2026-01-01", "/?q=%22", "/?q=-", "/?q=OR", "/?q=type:", "/?q=%28%28%28", "/?q=a*",
		"/?tab=people", "/?q=zzzz&tab=people", "/?f.app=wiki", "/?changed=past_year", "/?q=storm&sort=oldest&exact=1", "/suggest", "/suggest?q=from:", "/suggest?q=%22a",
		"/suggest?q=" + strings.Repeat("a", 3000), "/?q=" + strings.Repeat("ab+", 400), "/admin/why?query=type:&document=", "/admin/why?query=storm&f.app=wiki&f.updated=never",
		"/admin/datasources/wiki?document=%2F", "/admin/datasources/wiki?document=a/b/c", "/admin/datasources/wiki?document=_/_",
	} {
		a := s.Do("GET", path, "", nil, "Cookie", session.Cookie)
		if a.Status >= 500 || strings.Contains(a.Body, "Something broke here") {
			t.Errorf("GET %.80s = %d", path, a.Status)
		}
	}
}
