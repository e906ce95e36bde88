package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

type searchView struct {
	Asked     bool
	Query     string
	MaxQuery  int
	Greet     string
	Broken    *brokenView
	Again     string
	Found     string
	Tabs      []tabView
	Sorts     []choice
	Keep      []fieldValue // what the form of filters sends along
	KeepOrder []fieldValue // and the form of the order
	Chosen    []chosenView
	Facets    []facetView
	Changed   []choice
	Since     string
	Until     string
	Today     string
	Narrowed  bool
	Wide      string
	People    []personCard
	Hits      []hitView
	First     string
	Next      string
	Tries     []link
	Ignored   []string
	// Corrected tells of a query that was searched instead, or might be meant.
	Corrected *correctedView
}

type brokenView struct{ Title, What, Request string }

// correctedView is a sentence about spelling with a link to another query, and in the second line one back to what was typed.
type correctedView struct {
	Words, Link, Path string
	Instead           string
	InsteadPath       string
}

type link struct{ Name, Path string }

type fieldValue struct{ Name, Value string }

type choice struct {
	Value, Name string
	Chosen      bool
}

type tabView struct {
	Name, Path string
	Count      int
	Here       bool
}

// chosenView is a filter that holds, with the address of the page without it.
type chosenView struct{ Name, Value, Path string }

type facetView struct {
	Field, Name string
	Open        bool
	Values      []facetValue
	Long        bool // whether it has a box to look for values in
	Prefix      string
}

type facetValue struct {
	Value, Name string
	Count       int // less than 0 when it was not counted
	Chosen      bool
}

type personCard struct {
	Name, About, Place, Email string
	Face                      face
	Path                      string // what they wrote
}

type hitView struct {
	ID, Title, URL, Path, Icon string
	Snippet                    []Run
	Author                     string
	Face                       face
	Updated                    moment
	Status                     string
	Why                        string // for administrators
}

// search is the page at "/": the box alone before a query, results after it.
func (c *Console) search(v *visit) error {
	a, err := readAsked(v.r.URL.Query())
	f := v.frame("Search")
	view := searchView{Query: a.Text, MaxQuery: maxQuery, Greet: firstWord(f.Name), Again: v.r.URL.RequestURI()}
	if err != nil {
		view.Asked, view.Broken = true, &brokenView{Title: "This search cannot be made", What: err.Error()}
		return v.write(http.StatusBadRequest, "search", f, view)
	}
	if a.empty() {
		return v.write(http.StatusOK, "search", f, view)
	}
	view.Asked = true
	if a.Text != "" {
		f.Title = a.Text + " · Search"
	}
	found, err := c.cfg.Search.Search(v.r.Context(), v.person, SearchQuery(a))
	if err != nil {
		status, broken := v.brokenSearch(err)
		view.Broken = broken
		return v.write(status, "search", f, view)
	}
	view.fill(found, a, v.now)
	if v.admin.Role() >= grant.RoleAdmin {
		searched := a
		if found.Corrected != "" {
			searched.Text = found.Corrected
		}
		for i := range view.Hits {
			view.Hits[i].Why = searched.why(view.Hits[i].ID)
		}
	}
	return v.write(http.StatusOK, "search", f, view)
}

// why is the address of the explanation of one result. A tab is a filter by datasource.
func (a asked) why(document string) string {
	form := url.Values{"query": {a.Text}, "document": {document}}
	for _, f := range a.Filters {
		form["f."+f.Field] = f.Values
	}
	if a.Tab != "" {
		form["f.app"] = []string{a.Tab}
	}
	return pathWhy + "?" + form.Encode()
}

// brokenSearch says in words why there are no results. What the person can mend is told as it is.
func (v *visit) brokenSearch(err error) (int, *brokenView) {
	known, ok := errors.AsType[*fault.Fault](err)
	if !ok || known.Kind == fault.Internal || known.Kind == fault.Unavailable || known.Kind == fault.Timeout {
		v.report(err)
		return http.StatusServiceUnavailable, &brokenView{
			"Search is catching its breath",
			"There is no answer right now, so nothing is shown rather than half of it. Your query is kept; try again in a moment.", v.request,
		}
	}
	return rpc.StatusOf(known.Kind), &brokenView{Title: "This search cannot be made", What: known.Message}
}

func (s *searchView) fill(found SearchResult, a asked, now time.Time) {
	s.Narrowed, s.Wide, s.Since, s.Until, s.Today = a.narrowed(), a.but((*asked).wide), a.Since, a.Until, now.UTC().Format(time.DateOnly)
	s.Found = foundWords(found)
	s.Ignored = found.Ignored
	s.choices(found, a)
	s.facets(found.Facets, a)
	for _, p := range found.People {
		card := personCard{Name: p.Name, About: p.Title, Place: joined(" · ", p.Department, p.Location), Email: p.Email, Face: faceOf(p.Name, p.Email)}
		if p.Email != "" {
			card.Path = asked{Filters: []SearchFilter{{"from", []string{p.Email}}}}.path()
		}
		s.People = append(s.People, card)
	}
	for i := range found.Hits {
		s.Hits = append(s.Hits, hitOf(&found.Hits[i], now))
	}
	if a.Cursor != "" {
		s.First = a.but(func(*asked) {})
	}
	if found.Next != "" {
		s.Next = a.but(func(a *asked) { a.Cursor = found.Next })
	}
	s.spelling(found, a)
	if len(s.Hits) == 0 && len(s.People) == 0 {
		s.tries(a)
	}
}

func foundWords(found SearchResult) string {
	switch {
	case len(found.Hits) == 0 && len(found.People) > 0:
		if len(found.People) == 1 {
			return "1 person"
		}
		return thousands(len(found.People)) + " people"
	case found.Total >= len(found.Hits): // a lesser number was not counted
		return count(found.Total, "result")
	case found.Next != "":
		return "Many results"
	}
	return count(len(found.Hits), "result")
}

// spelling says what was searched in place of what was typed, or might be meant.
func (s *searchView) spelling(found SearchResult, a asked) {
	other := func(text string, exact bool) string {
		return a.but(func(a *asked) { a.Text, a.Exact = text, exact })
	}
	switch {
	case found.Corrected != "" && found.Corrected != a.Text:
		s.Corrected = &correctedView{"Showing results for", found.Corrected, other(found.Corrected, false), a.Text, other(a.Text, true)}
	case found.Suggested != "" && found.Suggested != a.Text:
		s.Corrected = &correctedView{Words: "Did you mean", Link: found.Suggested, Path: other(found.Suggested, false)}
	}
}

// choices are the tabs, the order, and what the forms of filters and of the order send along.
func (s *searchView) choices(found SearchResult, a asked) {
	for _, t := range found.Tabs {
		s.Tabs = append(s.Tabs, tabView{t.Name, a.but(func(a *asked) { a.Tab = t.ID }), t.Count, t.ID == a.Tab})
	}
	for _, o := range []choice{{"", "Best first", false}, {SortNewest, "Newest first", false}, {SortOldest, "Oldest first", false}} {
		o.Chosen = o.Value == a.Sort
		s.Sorts = append(s.Sorts, o)
	}
	for _, span := range spans {
		s.Changed = append(s.Changed, choice{span.value, span.name, span.value == a.Changed})
	}
	keep := func(list *[]fieldValue, name, value string) {
		if value != "" {
			*list = append(*list, fieldValue{name, value})
		}
	}
	for _, list := range []*[]fieldValue{&s.Keep, &s.KeepOrder} {
		keep(list, "q", a.Text)
		keep(list, "tab", a.Tab)
		if a.Exact {
			keep(list, "exact", "1")
		}
	}
	keep(&s.Keep, "sort", a.Sort)
	for _, f := range a.Filters {
		for _, v := range f.Values {
			keep(&s.KeepOrder, "f."+f.Field, v)
		}
	}
	keep(&s.KeepOrder, "changed", a.Changed)
	keep(&s.KeepOrder, "since", a.Since)
	keep(&s.KeepOrder, "until", a.Until)
	for _, span := range spans {
		if a.Changed == span.value && a.Changed != "" {
			s.Chosen = append(s.Chosen, chosenView{"Changed", strings.ToLower(span.name), a.but(func(a *asked) { a.Changed = "" })})
		}
	}
	if a.Since != "" {
		s.Chosen = append(s.Chosen, chosenView{"Changed since", a.Since, a.but(func(a *asked) { a.Since = "" })})
	}
	if a.Until != "" {
		s.Chosen = append(s.Chosen, chosenView{"Changed until", a.Until, a.but(func(a *asked) { a.Until = "" })})
	}
}

// facets shows what was counted, and keeps every chosen value in sight even where nothing has it any more.
func (s *searchView) facets(list []SearchFacet, a asked) {
	left := slices.Clone(a.Filters)
	for i, f := range list {
		view := facetView{Field: f.Field, Name: f.Name, Open: i < 3, Long: f.More}
		if a.Facet == f.Field {
			view.Prefix, view.Long, view.Open = a.Prefix, true, true
		}
		var chosen []string
		if at := slices.IndexFunc(left, func(x SearchFilter) bool { return x.Field == f.Field }); at >= 0 {
			chosen, view.Open = left[at].Values, true
			left = slices.Delete(left, at, at+1)
		}
		s.facet(view, f.Values, chosen, a)
	}
	for _, f := range left {
		s.facet(facetView{Field: f.Field, Name: f.Field, Open: true}, nil, f.Values, a)
	}
}

func (s *searchView) facet(view facetView, counted []SearchValue, chosen []string, a asked) {
	for _, v := range counted {
		view.Values = append(view.Values, facetValue{v.Value, v.Name, v.Count, slices.Contains(chosen, v.Value)})
	}
	for _, value := range chosen {
		if !slices.ContainsFunc(counted, func(v SearchValue) bool { return v.Value == value }) {
			view.Values = append(view.Values, facetValue{value, value, -1, true})
		}
	}
	for _, v := range view.Values {
		if v.Chosen {
			s.Chosen = append(s.Chosen, chosenView{view.Name, v.Name, a.but(func(a *asked) { a.without(view.Field, v.Value) })})
		}
	}
	if len(view.Values) > 0 || view.Prefix != "" {
		s.Facets = append(s.Facets, view)
	}
}

// tries are steps that can lead on from an empty page. None of them tells what others may see.
func (s *searchView) tries(a asked) {
	if s.Corrected != nil && s.Corrected.Instead == "" {
		s.Tries = append(s.Tries, link{"Search “" + s.Corrected.Link + "” instead", s.Corrected.Path})
	}
	if s.Narrowed {
		s.Tries = append(s.Tries, link{"Search without filters", s.Wide})
	}
	if a.Tab != "" {
		s.Tries = append(s.Tries, link{"Search everything, not this tab alone", a.but(func(a *asked) { a.Tab = "" })})
	}
	if words := strings.Fields(a.Text); len(words) > 1 {
		fewer := strings.Join(words[:len(words)-1], " ")
		s.Tries = append(s.Tries, link{"Search “" + fewer + "” alone", asked{Text: fewer}.path()})
	}
}

func hitOf(h *SearchHit, now time.Time) hitView {
	view := hitView{
		ID: h.ID, Title: h.Title, URL: linkable(h.URL), Icon: iconOf(h.Kind), Snippet: h.Snippet,
		Author: h.Author, Face: faceOf(h.Author, h.Author), Updated: at(now, h.Updated), Status: h.Status,
	}
	if view.Title == "" {
		view.Title = "Untitled"
	}
	view.Path = joined(" › ", append([]string{h.Source}, h.Path...)...)
	return view
}

// joined puts sep between the parts that are not empty.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// linkable lets only addresses through that a browser should follow from here.
func linkable(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return address
}

// iconOf chooses a picture by words that object types commonly have.
func iconOf(kind string) string {
	kind = strings.ToLower(kind)
	for _, c := range []struct{ icon, words string }{
		{"ticket", "ticket issue task incident case bug opportunity"},
		{"talk", "message thread chat channel conversation comment"},
		{"book", "page article wiki handbook policy guide runbook"},
	} {
		for _, w := range strings.Fields(c.words) {
			if strings.Contains(kind, w) {
				return c.icon
			}
		}
	}
	return "file"
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
