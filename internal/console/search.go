package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Searcher answers the search page. Package cmd/sheaf adapts the search room to it, so that a person
// finds here what their programs find over the API.
type Searcher interface {
	// Search answers q as caller sees it. Its faults are shown to the person.
	Search(ctx context.Context, caller grant.Caller, q SearchQuery) (SearchResult, error)
}

// SearchQuery is one question of the search page.
type SearchQuery struct {
	Text     string
	Filters  []SearchFilter // all must hold; within one, any value
	Cursor   string         // "" for the first page, else SearchResult.Next
	PageSize int
}

// SearchFilter narrows a search to documents whose field has one of the values.
type SearchFilter struct {
	Field  string
	Values []string
}

// SearchResult is one page of hits. The zero value says that nothing was found.
type SearchResult struct {
	Hits   []SearchHit
	Facets []SearchFacet // counted over all matching documents, in the order to show them
	People []SearchPerson
	// Total is the number of matching documents, or less than zero where it was not counted.
	Total int
	Next  string // the cursor of the next page, "" when there is none
	// Corrected is the query that was searched instead, and Suggested one that might be meant. Both may be empty.
	Corrected, Suggested string
}

// SearchHit is one document.
type SearchHit struct {
	Title, URL string
	Source     string   // the datasource's name as people know it
	Path       []string // containers within it, outermost first
	Kind       string   // the object type, to choose a picture by
	Author     string
	Updated    time.Time // zero when unknown
	Snippet    []Run
}

// Run is a piece of a snippet, marked where it matches the query.
type Run struct {
	Text   string
	Marked bool
}

// SearchFacet is a field with the values it has among the matching documents.
type SearchFacet struct {
	Field, Name string
	Values      []SearchValue
}

// SearchValue is a value with the number of matching documents that have it.
type SearchValue struct {
	Value, Name string
	Count       int
}

// SearchPerson is somebody whom the query seems to mean.
type SearchPerson struct{ Name, Title, Email string }

// Limits of the search page. They are below those of the search room, so that a refusal reads like a page.
const (
	maxQuery   = 1000
	maxFilters = 32
	maxValues  = 64
	pageSize   = 10
)

type searchView struct {
	Asked    bool
	Query    string
	MaxQuery int
	Greet    string
	Broken   *brokenView
	Again    string
	Found    string
	Facets   []facetView
	Narrowed bool
	Wide     string
	People   []personCard
	Hits     []hitView
	First    string
	Next     string
	Tries    []link
	// Corrected tells of a query that was searched instead.
	Corrected *correctedView
}

type brokenView struct{ Title, What, Request string }

type correctedView struct{ Words, Link, Path string }

type link struct{ Name, Path string }

type facetView struct {
	Field, Name string
	Open        bool
	Values      []facetValue
}

type facetValue struct {
	Value, Name string
	Count       int // less than 0 when it was not counted
	Chosen      bool
}

type personCard struct {
	Name, About, Email string
	Face               face
}

type hitView struct {
	Title, URL, Path, Icon string
	Snippet                []Run
	Author                 string
	Face                   face
	Updated                moment
}

// search is the page at "/": the box alone before a query, results after it.
func (c *Console) search(v *visit) error {
	q, cursor, filters, err := readSearch(v.r.URL.Query())
	f := v.frame("Search")
	view := searchView{Query: q, MaxQuery: maxQuery, Greet: firstWord(f.Name), Again: v.r.URL.RequestURI()}
	if err != nil {
		view.Asked, view.Broken = true, &brokenView{Title: "This search cannot be made", What: err.Error()}
		return v.write(http.StatusBadRequest, "search", f, view)
	}
	if q == "" && len(filters) == 0 {
		return v.write(http.StatusOK, "search", f, view)
	}
	view.Asked = true
	f.Title = q + " · Search"
	found, err := c.cfg.Search.Search(v.r.Context(), v.person, SearchQuery{q, filters, cursor, pageSize})
	if err != nil {
		status, broken := v.brokenSearch(err)
		view.Broken = broken
		return v.write(status, "search", f, view)
	}
	view.fill(found, filters, cursor, v.now)
	return v.write(http.StatusOK, "search", f, view)
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

// readSearch reads q, cursor and the f.<field> of each filter.
func readSearch(form url.Values) (q, cursor string, filters []SearchFilter, err error) {
	q, cursor = strings.TrimSpace(form.Get("q")), form.Get("cursor")
	if utf8.RuneCountInString(q) > maxQuery {
		return cut(q, maxQuery), "", nil, fault.Newf(fault.Invalid, "The query is longer than %d characters. Search for its most telling words.", maxQuery)
	}
	for name, values := range form {
		field, ok := strings.CutPrefix(name, "f.")
		if !ok || field == "" {
			continue
		}
		if values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }); len(values) > 0 {
			filters = append(filters, SearchFilter{field, values})
		}
		if len(filters) > maxFilters || len(values) > maxValues {
			return q, "", nil, fault.New(fault.Invalid, "There are too many filters. Take some away.")
		}
	}
	slices.SortFunc(filters, func(a, b SearchFilter) int { return strings.Compare(a.Field, b.Field) })
	return q, cursor, filters, nil
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func (s *searchView) fill(found SearchResult, filters []SearchFilter, cursor string, now time.Time) {
	s.Narrowed, s.Wide = len(filters) > 0, searchPath(s.Query, nil, "")
	switch {
	case found.Total >= len(found.Hits): // a lesser number was not counted
		s.Found = count(found.Total, "result")
	case found.Next != "":
		s.Found = "Many results"
	default:
		s.Found = count(len(found.Hits), "result")
	}
	s.facets(found.Facets, filters)
	for _, p := range found.People {
		s.People = append(s.People, personCard{p.Name, p.Title, p.Email, faceOf(p.Name, p.Email)})
	}
	for i := range found.Hits {
		s.Hits = append(s.Hits, hitOf(&found.Hits[i], now))
	}
	if cursor != "" {
		s.First = searchPath(s.Query, filters, "")
	}
	if found.Next != "" {
		s.Next = searchPath(s.Query, filters, found.Next)
	}
	switch {
	case found.Corrected != "" && found.Corrected != s.Query:
		s.Corrected = &correctedView{"Showing results for “" + found.Corrected + "”.", "", ""}
	case found.Suggested != "" && found.Suggested != s.Query:
		s.Corrected = &correctedView{"Did you mean", found.Suggested, searchPath(found.Suggested, filters, "")}
	}
	if len(s.Hits) == 0 {
		s.tries()
	}
}

// facets shows what was counted, and keeps every chosen value in sight even where nothing has it any more.
func (s *searchView) facets(list []SearchFacet, filters []SearchFilter) {
	left := slices.Clone(filters)
	for i, f := range list {
		view := facetView{Field: f.Field, Name: f.Name, Open: i < 3}
		var chosen []string
		if at := slices.IndexFunc(left, func(x SearchFilter) bool { return x.Field == f.Field }); at >= 0 {
			chosen, view.Open = left[at].Values, true
			left = slices.Delete(left, at, at+1)
		}
		view.add(f.Values, chosen)
		if len(view.Values) > 0 {
			s.Facets = append(s.Facets, view)
		}
	}
	for _, f := range left {
		view := facetView{Field: f.Field, Name: f.Field, Open: true}
		view.add(nil, f.Values)
		s.Facets = append(s.Facets, view)
	}
}

func (f *facetView) add(counted []SearchValue, chosen []string) {
	for _, v := range counted {
		f.Values = append(f.Values, facetValue{v.Value, v.Name, v.Count, slices.Contains(chosen, v.Value)})
	}
	for _, value := range chosen {
		if !slices.ContainsFunc(counted, func(v SearchValue) bool { return v.Value == value }) {
			f.Values = append(f.Values, facetValue{value, value, -1, true})
		}
	}
}

// tries are steps that can lead on from an empty page. None of them tells what others may see.
func (s *searchView) tries() {
	if s.Corrected != nil && s.Corrected.Link != "" {
		s.Tries = append(s.Tries, link{"Search “" + s.Corrected.Link + "” instead", s.Corrected.Path})
	}
	if s.Narrowed {
		s.Tries = append(s.Tries, link{"Search without filters", s.Wide})
	}
	if words := strings.Fields(s.Query); len(words) > 1 {
		fewer := strings.Join(words[:len(words)-1], " ")
		s.Tries = append(s.Tries, link{"Search “" + fewer + "” alone", searchPath(fewer, nil, "")})
	}
}

func hitOf(h *SearchHit, now time.Time) hitView {
	view := hitView{
		Title: h.Title, URL: linkable(h.URL), Icon: iconOf(h.Kind), Snippet: h.Snippet,
		Author: h.Author, Face: faceOf(h.Author, h.Author), Updated: at(now, h.Updated),
	}
	if view.Title == "" {
		view.Title = "Untitled"
	}
	parts := h.Path
	if h.Source != "" {
		parts = append([]string{h.Source}, parts...)
	}
	view.Path = strings.Join(parts, " › ")
	return view
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

func searchPath(q string, filters []SearchFilter, cursor string) string {
	form := url.Values{"q": {q}}
	for _, f := range filters {
		form["f."+f.Field] = f.Values
	}
	if cursor != "" {
		form.Set("cursor", cursor)
	}
	return "/?" + form.Encode()
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
