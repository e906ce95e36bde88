package server

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/activity"
	"github.com/sheafsearch/sheaf/internal/console"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// pageSearch lets the search page ask the search room, so that a person finds here what programs find over the API.
type pageSearch struct {
	room     *search.Service
	corpus   *corpus.Corpus
	people   *directory.Directory
	activity *activity.Log
}

// facetTitles are the names of facets on the page, in the order to show them. Others follow under their own names.
var facetTitles = []struct{ field, title string }{
	{"datasource", "Source"}, {"type", "Type"}, {"from", "Author"}, {"status", "Status"}, {"tag", "Tag"}, {"container", "Place"},
}

// Bounds of the page.
const (
	pageBuckets  = 8  // values of a facet
	pageFound    = 40 // and where one looks for a value
	pageTabs     = 4  // of datasources
	pagePeople   = 3  // cards above documents
	pageAllCards = 30 // cards on the tab of people
	tabPeople    = "people"
)

// Search answers the page.
func (p pageSearch) Search(ctx context.Context, c grant.Caller, q console.SearchQuery) (console.SearchResult, error) {
	roster, err := p.people.Roster(ctx)
	if err != nil {
		return console.SearchResult{}, err
	}
	known := roster.Find(directory.Search{Words: q.Text, Limit: pageAllCards})
	req := p.request(q)
	if q.Tab == tabPeople {
		req.PageSize, req.TabIDs = new(int), nil // the counts of the tabs alone
	}
	found, err := p.room.Search(ctx, c, req)
	if err != nil {
		return console.SearchResult{}, err
	}
	sources, err := p.sources(ctx, c)
	if err != nil {
		return console.SearchResult{}, err
	}
	result := console.SearchResult{Total: found.Total, Next: found.Cursor, Tabs: pageTabsOf(&found, sources, len(known))}
	if s := found.Metadata.Suggestion; s != nil && found.Metadata.ModifiedUsed {
		result.Corrected = s.Query
	} else if s != nil {
		result.Suggested = s.Query
	}
	if w := found.Metadata.Warning; w != nil {
		result.Ignored = w.IgnoredTerms
	}
	if q.Tab == tabPeople {
		for _, f := range known {
			result.People = append(result.People, pagePerson(f.Person))
		}
		result.Total, result.Next = len(known), ""
		return result, nil
	}
	for i := range found.Results {
		result.Hits = append(result.Hits, pageHit(&found.Results[i], sources))
	}
	result.Facets = pageFacets(found.FacetResults, sources)
	if q.Cursor == "" && q.Tab == "" && len(q.Filters) == 0 {
		for _, s := range found.Structured[:min(len(found.Structured), pagePeople)] {
			if s.Person == nil || s.Person.ObfuscatedID == "" {
				continue
			}
			if person, is := roster.ByID(s.Person.ObfuscatedID); is {
				result.People = append(result.People, pagePerson(person))
			}
		}
	}
	return result, nil
}

// request is the page's question as the room takes it.
func (p pageSearch) request(q console.SearchQuery) search.Request {
	req := search.Request{Query: q.Text, Cursor: q.Cursor, PageSize: &q.PageSize, Options: &search.Options{
		FacetBucketSize: pageBuckets, NoAutocorrect: q.Exact,
		ResponseHints: []string{"RESULTS", "FACET_RESULTS", "ALL_RESULT_COUNTS", "SPELLCHECK_METADATA"},
	}}
	if q.Tab != "" {
		req.TabIDs = []string{q.Tab}
	}
	req.Sort = map[string]index.Sort{console.SortNewest: index.ByNewest, console.SortOldest: index.ByOldest}[q.Sort]
	if q.Facet != "" && q.Prefix != "" {
		req.Options.FacetBucketFilter = &search.BucketFilter{Facet: q.Facet, Prefix: q.Prefix}
		req.Options.FacetBucketSize = pageFound
	}
	for _, f := range q.Filters {
		filter := wire.FacetFilter{FieldName: f.Field}
		for _, v := range f.Values {
			filter.Values = append(filter.Values, wire.FacetFilterValue{Value: v})
		}
		req.Options.FacetFilters = append(req.Options.FacetFilters, filter)
	}
	if q.Changed != "" {
		req.Options.FacetFilters = append(req.Options.FacetFilters, wire.FacetFilter{FieldName: "updated", Values: []wire.FacetFilterValue{{Value: q.Changed}}})
	}
	// Bounds in one filter mean the range between them; both days are meant to be in it.
	days := wire.FacetFilter{FieldName: "updated"}
	if q.Since != "" {
		days.Values = append(days.Values, wire.FacetFilterValue{Value: shifted(q.Since, -1), RelationType: wire.GreatThan})
	}
	if q.Until != "" {
		days.Values = append(days.Values, wire.FacetFilterValue{Value: shifted(q.Until, 1), RelationType: wire.LessThan})
	}
	if len(days.Values) > 0 {
		req.Options.FacetFilters = append(req.Options.FacetFilters, days)
	}
	return req
}

// shifted is a day of the calendar, some days on.
func shifted(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// sources maps the names of the datasources that the caller may see to what people call them.
func (p pageSearch) sources(ctx context.Context, c grant.Caller) (map[string]string, error) {
	visible, err := p.corpus.Visible(ctx, c)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(visible))
	for _, d := range visible {
		names[d.Name] = d.DisplayName
	}
	return names, nil
}

// pageTabsOf lists the whole, the datasources that have most, and people.
func pageTabsOf(found *search.Response, sources map[string]string, people int) (tabs []console.SearchTab) {
	for _, t := range found.Tabs {
		switch {
		case t.ID == "all":
			tabs = append([]console.SearchTab{{Name: "All", Count: t.Count}}, tabs...)
		case t.Count > 0 && len(tabs) <= pageTabs:
			tabs = append(tabs, console.SearchTab{ID: t.ID, Name: cmp.Or(sources[t.Datasource], t.Datasource), Count: t.Count})
		}
	}
	if people > 0 {
		if len(tabs) == 0 {
			tabs = []console.SearchTab{{Name: "All", Count: found.Total}}
		}
		tabs = append(tabs, console.SearchTab{ID: tabPeople, Name: "People", Count: people})
	}
	return tabs
}

func pagePerson(p *directory.Person) console.SearchPerson {
	return console.SearchPerson{Name: p.Name, Title: p.Profile.Title, Email: p.Email, Department: p.Profile.Department, Location: p.Profile.Location}
}

func pageHit(r *search.Result, sources map[string]string) console.SearchHit {
	m := &r.Document.Metadata
	hit := console.SearchHit{
		ID: r.Document.ID, Title: r.Title, URL: r.URL, Source: cmp.Or(sources[r.Document.Datasource], r.Document.Datasource), Kind: r.Document.DocType, Updated: m.UpdateTime, Status: m.Status,
	}
	for part := range strings.SplitSeq(m.Container, "/") {
		if part = strings.TrimSpace(part); part != "" {
			hit.Path = append(hit.Path, part)
		}
	}
	if m.Author != nil {
		hit.Author = m.Author.Name
	}
	if len(r.Snippets) > 0 {
		hit.Snippet = runs(r.Snippets[0])
	}
	return hit
}

// runs cuts a snippet into its marked and unmarked parts. Ranges count UTF-16 units.
func runs(s search.Snippet) (list []console.Run) {
	units := utf16.Encode([]rune(s.Text))
	at := 0
	add := func(end int, marked bool) {
		if end = min(end, len(units)); end > at {
			list = append(list, console.Run{Text: string(utf16.Decode(units[at:end])), Marked: marked})
			at = end
		}
	}
	for _, r := range s.Ranges {
		add(r.StartIndex, false)
		add(r.EndIndex, true)
	}
	add(len(units), false)
	return list
}

// pageFacets puts the facets that everybody knows first, and those of datasources after them.
func pageFacets(facets []wire.FacetResult, sources map[string]string) (list []console.SearchFacet) {
	title := func(f wire.FacetResult) int {
		return slices.IndexFunc(facetTitles, func(t struct{ field, title string }) bool { return t.field == f.SourceName })
	}
	rank := func(f wire.FacetResult) int {
		if at := title(f); at >= 0 {
			return at
		}
		return len(facetTitles)
	}
	slices.SortStableFunc(facets, func(a, b wire.FacetResult) int { return rank(a) - rank(b) })
	for _, f := range facets {
		facet := console.SearchFacet{Field: f.SourceName, Name: capital(f.SourceName), More: f.HasMoreBuckets}
		if at := title(f); at >= 0 {
			facet.Name = facetTitles[at].title
		}
		for _, b := range f.Buckets {
			if b.Value == nil {
				continue
			}
			name := b.Value.StringValue
			switch {
			case f.SourceName == "datasource" && sources[name] != "":
				name = sources[name]
			case b.Value.DisplayLabel != "":
				name = b.Value.DisplayLabel
			}
			facet.Values = append(facet.Values, console.SearchValue{Value: b.Value.StringValue, Name: name, Count: b.Count})
		}
		list = append(list, facet)
	}
	return list
}

// capital writes a word with a capital, for a facet that a datasource names in its own way.
func capital(word string) string {
	first, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(first)) + strings.ReplaceAll(word[size:], "_", " ")
}

// pageSuggestions is how many completions the page asks for. It shows fewer.
const pageSuggestions = 12

// Suggest completes what stands in the box.
func (p pageSearch) Suggest(ctx context.Context, c grant.Caller, text string) ([]console.Suggestion, error) {
	found, err := p.room.Autocomplete(ctx, c, search.AutocompleteRequest{Query: text, ResultSize: pageSuggestions})
	if err != nil {
		return nil, err
	}
	sources, err := p.sources(ctx, c)
	if err != nil {
		return nil, err
	}
	list := make([]console.Suggestion, 0, len(found.Results))
	for i := range found.Results {
		list = append(list, pageSuggestion(text, &found.Results[i], sources))
	}
	return list, nil
}

// pageSuggestion is a completion as the page shows it. Kinds that the page knows nothing of complete the query.
func pageSuggestion(typed string, r *search.Completion, sources map[string]string) console.Suggestion {
	s := console.Suggestion{Kind: console.SuggestSearch, Text: r.Result, Query: r.Result}
	switch r.ResultType {
	case "DOCUMENT":
		s.Kind, s.URL = console.SuggestDocument, r.URL
		if r.Document != nil {
			s.ID, s.About = r.Document.ID, cmp.Or(sources[r.Document.Datasource], r.Document.Datasource)
		}
	case "ENTITY":
		s.Kind = console.SuggestPerson
		if r.Structured != nil && r.Structured.Person != nil && r.Structured.Person.Metadata != nil {
			m := r.Structured.Person.Metadata
			s.About = cmp.Or(m.Title, m.Department)
		}
	case "HISTORY":
		s.Kind = console.SuggestHistory
	case "DATASOURCE":
		s.Kind, s.About = console.SuggestOperator, "Search in it alone"
		if r.Structured != nil && r.Structured.App != nil {
			s.Query = typed[:strings.LastIndexByte(typed, ' ')+1] + "app:" + r.Structured.App.Datasource + " "
		}
	case "OPERATOR":
		s.Kind = console.SuggestOperator
		if r.Operator != nil {
			s.Text, s.About = r.Operator.Name+":", r.Operator.Help
		}
	case "OPERATOR_VALUE":
		s.Kind, s.Query = console.SuggestOperator, r.Result+" "
		if r.Operator != nil {
			s.Text = r.Operator.Name + ":" + r.Operator.Value
			s.About = r.Operator.DisplayValue
		}
	}
	return s
}

// Viewed notes that the caller opened a document.
func (p pageSearch) Viewed(ctx context.Context, c grant.Caller, document string) error {
	seen, err := p.corpus.Outline(ctx, c, document)
	if err != nil {
		return err
	}
	if len(seen) == 0 {
		return fault.New(fault.NotFound, "There is no such document, or you may not see it.")
	}
	for key := range seen {
		p.activity.View(c, key)
	}
	return nil
}
