package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// now is half past ten in the evening of a Sunday in UTC, and Monday morning east of it.
var now = time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC)

// shelf shows every document, or keeps a reader waiting.
type shelf struct {
	stall bool
}

func (s shelf) Show(ctx context.Context, _ grant.Caller, keys []string) (map[string]wire.Document, error) {
	if s.stall {
		<-ctx.Done()
		return nil, fmt.Errorf("interrupted") // drivers do not always wrap the context's error
	}
	shown := map[string]wire.Document{}
	for _, key := range keys {
		shown[key] = wire.Document{ID: key, Title: "Log " + key}
	}
	return shown, nil
}

// newService returns a search over thirty logs by Ada and Bo, one a day up to now, which everyone may read.
func newService(tb testing.TB, docs Documents) (*Service, *directory.Directory) {
	tb.Helper()
	db, err := sqldb.Open(tb.Context(), sqldb.Config{URL: sqldb.Memory})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	people := directory.New(db)
	err = people.PutEmployees(tb.Context(), []directory.EmployeeRecord{
		{Email: "ada@harbour.example", Profile: directory.Profile{FirstName: "Ada", LastName: "Lindqvist"}},
		{Email: "bo@harbour.example", Profile: directory.Profile{FirstName: "Bo", LastName: "Anker", PreferredName: "Skipper"}},
		{Email: "adam@harbour.example", Profile: directory.Profile{FirstName: "Adam", LastName: "Berg", Title: "Bosun"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	box, err := seal.Open(tb.Context(), db)
	if err != nil {
		tb.Fatal(err)
	}
	batch := index.Batch{Incarnation: "x", Through: 30}
	for i := range 30 {
		author := []string{"ada@harbour.example", "bo@harbour.example", "adam@harbour.example"}[i%3]
		at := now.AddDate(0, 0, -i).Unix()
		batch.Changes = append(batch.Changes, index.Change{Position: int64(i + 1), Key: fmt.Sprintf("log/%02d", i), Document: &index.Document{
			Key: fmt.Sprintf("log/%02d", i), Title: fmt.Sprintf("Log %d", i), Body: strings.Repeat("tide ", 1+i%4), Readers: []uint32{1}, Updated: at,
			Facets:  map[string][]string{"type": {[]string{"Page", "Sheet"}[i%2]}, "author": {author}, "datasource": {"log"}},
			Numbers: map[string]int64{"due": at, "depth": int64(i)},
		}})
	}
	engine := plain.New()
	if err := engine.Apply(tb.Context(), batch); err != nil {
		tb.Fatal(err)
	}
	ix := index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) {
		return grant.MintAccess([]uint32{1}, "x"), nil
	})
	tb.Cleanup(func() { _ = ix.Close() })
	return New(Config{
		Index: ix, Documents: docs, People: people, Sources: sources{}, History: opened{"log/03", "log/07"}, Admin: keys{}, Keys: box,
		Now: func() time.Time { return now },
	}), people
}

// caller is the person with an address, or nobody.
func caller(tb testing.TB, people *directory.Directory, email string) grant.Caller {
	tb.Helper()
	roster, err := people.Roster(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	p, ok := roster.ByEmail(email)
	if !ok {
		return grant.Mint(&grant.Facts{Kind: grant.Anonymous, Token: "t"})
	}
	return grant.Mint(&grant.Facts{Kind: grant.User, Person: p.ID, Email: email})
}

// TestFilters says how each filter and operator is understood. Counts are of the thirty logs.
func TestFilters(t *testing.T) {
	s, people := newService(t, shelf{})
	ada, nobody := caller(t, people, "ada@harbour.example"), caller(t, people, "")
	one := func(field, relation, value string) string {
		return `{"facetFilters":[{"fieldName":"` + field + `","values":[{"relationType":"` + relation + `","value":"` + value + `"}]}]}`
	}
	many := func(field string, values ...string) string {
		return `{"facetFilters":[{"fieldName":"` + field + `","values":[` + strings.Join(values, ",") + `]}]}`
	}
	for _, c := range []struct {
		about, query, options string
		caller                grant.Caller
		want                  int // less than 0 for a 422
	}{
		{"a day", "", one("last_updated_at", "EQUALS", "2026-03-28"), ada, 1},
		{"today in UTC", "updated:today", `{}`, ada, 1},
		{"today in Sydney, where it is Monday", "updated:today", `{"timezoneOffset":660}`, ada, 1},
		{"today at noon of UTC minus 11", "updated:today", `{"timezoneOffset":-660}`, ada, 1},
		{"GT excludes the day", "", one("last_updated_at", "GT", "2026-03-27"), ada, 2},
		{"GT yesterday", "", one("last_updated_at", "GT", "yesterday"), ada, 1},
		{"LT excludes the day", "", one("last_updated_at", "LT", "2026-03-02"), ada, 2},
		{"LT today", "", one("last_updated_at", "LT", "today"), ada, 29},
		{"LT the past week", "", one("last_updated_at", "LT", "past_week"), ada, 22},
		{"the past week", "", one("last_updated_at", "EQUALS", "past_week"), ada, 8},
		{"its other spelling", "", one("last_updated_at", "", "Last Week"), ada, 8},
		{"the past three days", "", one("last_updated_at", "EQUALS", "past_3_days"), ada, 4},
		{"not the past week", "", one("last_updated_at", "NOT_EQUALS", "past_week"), ada, 22},
		{"a range", "", many("updated", `{"relationType":"GT","value":"2026-03-20"}`, `{"relationType":"LT","value":"2026-03-23"}`), ada, 2},
		{"what lies outside", "", many("updated", `{"relationType":"LT","value":"2026-03-02"}`, `{"relationType":"GT","value":"2026-03-28"}`), ada, 3},
		{"a range or a day", "", many("updated", `{"relationType":"GT","value":"2026-03-20"}`, `{"relationType":"LT","value":"2026-03-23"}`, `{"value":"today"}`), ada, 3},
		{"negated, the relation stays", "", many("updated", `{"relationType":"LT","value":"2026-03-02","isNegated":true}`), ada, 28},
		{"negated twice is negated", "", many("type", `{"relationType":"NOT_EQUALS","value":"page","isNegated":true}`), ada, 15},
		{"excluded wins over wanted", "", many("type", `{"value":"page"}`, `{"relationType":"NOT_EQUALS","value":"PAGE"}`), ada, 0},
		{"before and after", "after:2026-03-20 before:2026-03-23", `{}`, ada, 2},
		{"not before", "-before:2026-03-02", `{}`, ada, 28},
		{"a number", "", one("depth", "LT", "10"), ada, 10},
		{"a date that is a custom property", "", one("due", "GT", "2026-03-27"), ada, 2},
		{"past the largest number", "", one("depth", "GT", fmt.Sprint(math.MaxInt64)), ada, 0},
		{"no number", "", one("depth", "LT", "deep"), ada, -1},
		{"no relation", "", one("depth", "NEAR", "3"), ada, -1},
		{"no such day", "", one("updated", "EQUALS", "2026-02-30"), ada, -1},
		{"after a span without end", "", one("updated", "GT", "past_week"), ada, -1},
		{"me", "from:me", `{}`, ada, 10},
		{"me, of nobody", "from:me", `{}`, nobody, 0},
		{"not me, of nobody", "-from:me", `{}`, nobody, 30},
		{"an address", "", one("from", "EQUALS", "BO@harbour.example"), ada, 10},
		{"a full name means that person alone", `from:"ada lindqvist"`, `{}`, ada, 10},
		{"the beginning of a name", "from:ada", `{}`, ada, 20},
		{"a preferred name", "from:skipper", `{}`, ada, 10},
		{"the name on record", `from:"Bo Anker"`, `{}`, ada, 10},
		{"a job is no name", "from:bosun", `{}`, ada, 0},
		{"nobody's name", "", one("from", "EQUALS", " "), ada, 0},
		{"either type", "type:page OR type:sheet", `{}`, ada, 30},
		{"both datasource filters hold", "", `{"datasourceFilter":"log","datasourcesFilter":["wiki"]}`, ada, 0},
		{"an unknown field", "", one("planet", "EQUALS", "mars"), ada, 0},
		{"an empty list ticks nothing", "", many("type"), ada, 30},
		{"sets", "", `{"facetFilterSets":[{"filters":[{"fieldName":"type","values":[{"value":"page"}]},{"fieldName":"from","values":[{"value":"me"}]}]},{"filters":[{"fieldName":"last_updated_at","values":[{"value":"today"}]}]}]}`, ada, 5},
	} {
		req := Request{Query: c.query, PageSize: new(maxPage), Options: &Options{}}
		if err := json.Unmarshal([]byte(c.options), req.Options); err != nil {
			t.Fatalf("%s: %v", c.about, err)
		}
		resp, err := s.Search(t.Context(), c.caller, req)
		if c.want < 0 {
			if fault.KindOf(err) != fault.Unprocessable {
				t.Errorf("%s: %v, want unprocessable", c.about, err)
			}
		} else if err != nil || len(resp.Results) != c.want {
			t.Errorf("%s: %d results, %v, want %d", c.about, len(resp.Results), err, c.want)
		}
	}
}

// TestPages holds that pages of any sizes, put together, are one large page, and that the past week is the same on each.
func TestPages(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	for _, c := range []struct{ query, filter string }{{"tide", ""}, {"", ""}, {"tide", "past_2_weeks"}, {"-3", "past_month"}} {
		ask := func(size int, cursor string) Response {
			t.Helper()
			req := Request{Query: c.query, PageSize: &size, Cursor: cursor}
			if c.filter != "" {
				req.Options = &Options{FacetFilters: []wire.FacetFilter{{FieldName: "updated", Values: []wire.FacetFilterValue{{Value: c.filter}}}}}
			}
			resp, err := s.Search(t.Context(), ada, req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.HasMore != (resp.Cursor != "") {
				t.Errorf("hasMoreResults = %v with the cursor %q", resp.HasMore, resp.Cursor)
			}
			return resp
		}
		want := keysOf(ask(100, ""))
		for _, sizes := range [][]int{{1}, {7}, {2, 5, 11}, {len(want)}} {
			s.now = func() time.Time { return now }
			var got []string
			for cursor, i := "", 0; ; i++ {
				page := ask(sizes[i%len(sizes)], cursor)
				got = append(got, keysOf(page)...)
				if cursor = page.Cursor; cursor == "" {
					break
				}
				s.now = func() time.Time { return now.AddDate(0, 0, 5) } // somebody reads slowly
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%q %s in pages of %v (-one page +pages):\n%s", c.query, c.filter, sizes, d)
			}
		}
		s.now = func() time.Time { return now }
	}
}

func keysOf(r Response) (keys []string) {
	for _, result := range r.Results {
		keys = append(keys, result.Document.ID)
	}
	return keys
}

// TestLimits holds that hostile sizes are refused and cost little.
func TestLimits(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	values := func(n int, value string) []wire.FacetFilterValue {
		list := make([]wire.FacetFilterValue, n)
		for i := range list {
			list[i].Value = value
		}
		return list
	}
	filter := func(field string, list []wire.FacetFilterValue) *Options {
		return &Options{FacetFilters: []wire.FacetFilter{{FieldName: field, Values: list}}}
	}
	names := make([]string, 65)
	for i := range names {
		names[i] = fmt.Sprintf("field%d", i)
	}
	for _, c := range []struct {
		about string
		req   Request
		kind  fault.Kind
	}{
		{"many values", Request{Options: filter("type", values(maxValues+1, "x"))}, fault.Invalid},
		{"many datasources", Request{Options: &Options{DatasourcesFilter: make([]string, maxValues+1)}}, fault.Invalid},
		{"many sets", Request{Options: &Options{FacetFilterSets: make([]wire.FacetFilterSet, maxValues+1)}}, fault.Invalid},
		{"many names", Request{Options: filter("from", values(maxPeople+1, "ada"))}, fault.Invalid},
		{"many names in the query", Request{Query: strings.Repeat("from:ada ", maxPeople+1)}, fault.Invalid},
		{"many facets", Request{Options: &Options{FacetBucketSize: 1, DefaultFacets: names}}, fault.Invalid},
		{"a large snippet", Request{MaxSnippet: index.MaxSnippet + 1}, fault.Invalid},
		{"a negative snippet", Request{MaxSnippet: -1}, fault.Invalid},
		{"a negative time", Request{TimeoutMillis: -1}, fault.Invalid},
		{"a filter without a field", Request{Options: filter("", values(1, "x"))}, fault.Invalid},
		{"filters and sets", Request{Options: &Options{
			FacetFilters: make([]wire.FacetFilter, 1), FacetFilterSets: make([]wire.FacetFilterSet, 1),
		}}, fault.Invalid},
		{"exclusions", Request{Options: &Options{Exclusions: &wire.Restriction{ContainerSpecs: make([]wire.DocumentSpec, 1)}}}, fault.Invalid},
	} {
		if _, err := s.Search(t.Context(), ada, c.req); fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: %v, want %v", c.about, err, c.kind)
		}
	}
	for about, req := range map[string]Request{
		"a time that would overflow": {TimeoutMillis: math.MaxInt},
		"a page without end":         {PageSize: new(math.MaxInt)},
		"buckets without end":        {Options: &Options{FacetBucketSize: 421489}},
		"less than no buckets":       {Options: &Options{FacetBucketSize: -1, ResponseHints: []string{hintFacets}}},
		"a place off the Earth":      {Options: &Options{TimezoneOffset: math.MinInt}},
		"a long query":               {Query: strings.Repeat("tide ", 1<<16)},
		"a locale that is none":      {Locale: strings.Repeat("x-", 50)},
		"empty restrictions":         {Options: &Options{Inclusions: &wire.Restriction{}, Exclusions: &wire.Restriction{}}},
	} {
		resp, err := s.Search(t.Context(), ada, req)
		if err != nil {
			t.Errorf("%s: %v", about, err)
		}
		if len(resp.Metadata.OriginalQuery)+len(resp.Metadata.SearchedQuery) > 1<<15 {
			t.Errorf("%s: the answer echoes %d bytes", about, len(resp.Metadata.OriginalQuery))
		}
	}
	_, err := s.Search(t.Context(), ada, Request{Options: filter("updated", values(maxValues, "soon"))})
	f, ok := err.(*fault.Fault) //nolint:errorlint // not wrapped
	if !ok || len(f.Detail.(wire.ErrorInfo).InvalidOperators) != maxInvalid {
		t.Errorf("a thousand bad values: %v, want %d of them listed", err, maxInvalid)
	}
}

// TestSizes says how many documents and facets come back for which hints.
func TestSizes(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	for _, c := range []struct {
		hints        []string
		size         *int
		buckets      int
		results, all int
		facets       bool
	}{
		{nil, nil, 0, 10, 0, false},
		{nil, new(0), 0, 10, 0, false}, // 0 of clients that cannot leave a number out
		{nil, new(3), 5, 3, 0, true},
		{nil, new(0), 5, 0, 0, true},
		{[]string{hintFacets}, nil, 0, 0, 0, true},
		{[]string{hintFacets}, new(5), 0, 0, 0, true},
		{[]string{hintResults}, new(5), 5, 5, 0, false},
		{[]string{hintResults, hintFacets}, new(0), 5, 0, 0, true},
		{[]string{hintResults, hintFacets}, nil, 5, 10, 0, true},
		{[]string{hintResults, hintCounts}, nil, 0, 10, 30, false},
		{[]string{"SPELLCHECK_METADATA"}, nil, 5, 0, 0, false},
	} {
		resp, err := s.Search(t.Context(), ada, Request{PageSize: c.size, Options: &Options{FacetBucketSize: c.buckets, ResponseHints: c.hints}})
		if err != nil || len(resp.Results) != c.results || resp.Total != c.all || (len(resp.FacetResults) > 0) != c.facets {
			t.Errorf("hints %v: %d results of %d, %d facets, %v, want %d of %d, facets %v",
				c.hints, len(resp.Results), resp.Total, len(resp.FacetResults), err, c.results, c.all, c.facets)
		}
	}
}

// TestFacetsCountPastTheirOwnFilter holds that one who ticked a value still sees how many the others have.
func TestFacetsCountPastTheirOwnFilter(t *testing.T) {
	s, people := newService(t, shelf{})
	options := &Options{FacetBucketSize: 10, DefaultFacets: []string{"type", "from"}, FacetFilters: []wire.FacetFilter{
		{FieldName: "type", Values: []wire.FacetFilterValue{{Value: "Page"}}},
		{FieldName: "from", Values: []wire.FacetFilterValue{{Value: "me"}}},
	}}
	resp, err := s.Search(t.Context(), caller(t, people, "ada@harbour.example"), Request{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, f := range resp.FacetResults {
		for _, b := range f.Buckets {
			got[f.SourceName+" "+b.Value.StringValue+" "+b.Value.DisplayLabel] = b.Count
		}
	}
	want := map[string]int{
		"type Page Log page": 5, "type Sheet ": 5,
		"from ada@harbour.example Ada Lindqvist": 5, "from bo@harbour.example Skipper Anker": 5, "from adam@harbour.example Adam Berg": 5,
	}
	if d := cmp.Diff(want, got); d != "" || len(resp.Results) != 5 {
		t.Errorf("%d results, facets (-want +got):\n%s", len(resp.Results), d)
	}
}

// TestWhatIsLeftOutIsCountedNowhere holds that neither facets nor tabs bring back what a request excludes, or does not include.
func TestWhatIsLeftOutIsCountedNowhere(t *testing.T) {
	s, people := newService(t, shelf{})
	log := &wire.Restriction{Datasources: []string{"log"}}
	other := &wire.Restriction{Datasources: []string{"other"}}
	for about, o := range map[string]Options{"excluded": {Exclusions: log}, "not included": {Inclusions: other}} {
		o.FacetBucketSize, o.DefaultFacets, o.ResponseHints = 10, []string{"datasource"}, []string{hintResults, hintFacets, hintCounts}
		resp, err := s.Search(t.Context(), caller(t, people, "ada@harbour.example"), Request{Options: &o})
		if err != nil {
			t.Fatal(err)
		}
		if len(resp.Results) > 0 || len(resp.FacetResults) > 0 || len(resp.Tabs) != 1 || resp.Tabs[0].Count != 0 {
			t.Errorf("%s: %d results, facets %+v, tabs %+v, want none", about, len(resp.Results), resp.FacetResults, resp.Tabs)
		}
	}
}

// TestACommonName holds that a name that everybody has takes no longer for being said often.
func TestACommonName(t *testing.T) {
	n := &names{words: map[*directory.Person][]string{}, byWord: map[string][]*directory.Person{}}
	for range 100_000 {
		p := &directory.Person{}
		n.words[p], n.byWord["wang"] = []string{"wang"}, append(n.byWord["wang"], p)
	}
	begun := time.Now()
	if got := n.having(slices.Repeat([]string{"wang"}, maxNameWords)); len(got) != 100_000 {
		t.Errorf("having() finds %d people, want all", len(got))
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("having() took %v", took)
	}
}

// TestAdminSearchIsRecordedInFull holds that what an admin search asks by filters is on record too, and nothing is asked that there is no room for.
func TestAdminSearchIsRecordedInFull(t *testing.T) {
	filter := []wire.FacetFilter{{FieldName: "tag", Values: []wire.FacetFilterValue{{Value: "payroll"}}}}
	for _, c := range []struct {
		req  Request
		want string
	}{
		{Request{Query: "tide"}, "tide"},
		{Request{Query: "tide", Options: &Options{FacetBucketSize: 10, ResponseHints: []string{hintFacets}}}, "tide"},
		{Request{TabIDs: []string{"log"}}, ` {"resultTabIds":["log"]}`},
		{Request{Options: &Options{FacetFilters: filter}}, ` {"requestOptions":{"facetFilters":[{"fieldName":"tag","values":[{"value":"payroll"}]}]}}`},
		{
			Request{Query: "x", Options: &Options{FacetBucketFilter: &BucketFilter{Facet: "tag", Prefix: "pay"}}},
			`x {"facetBucketFilter":{"facet":"tag","prefix":"pay"}}`,
		},
	} {
		if got, err := recorded(&c.req); err != nil || got != c.want {
			t.Errorf("recorded(%+v) = %q, %v, want %q", c.req, got, err, c.want)
		}
	}
	s, people := newService(t, shelf{})
	_, err := s.AdminSearch(t.Context(), caller(t, people, "ada@harbour.example"), Request{Query: strings.Repeat("tide ", 200) + "payroll"})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("AdminSearch() of a query that is cut in the log = %v, want invalid", err)
	}
}

// TestTimeout holds that the caller's own limit is a 408, and that the end of the request is not taken for it.
func TestTimeout(t *testing.T) {
	s, people := newService(t, shelf{stall: true})
	ada := caller(t, people, "ada@harbour.example")
	if _, err := s.Search(t.Context(), ada, Request{Query: "tide", TimeoutMillis: 1}); fault.KindOf(err) != fault.Timeout {
		t.Errorf("Search() of 1 ms = %v, want a timeout", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Search(gone, ada, Request{Query: "tide", TimeoutMillis: 60_000}); err == nil || fault.KindOf(err) == fault.Timeout {
		t.Errorf("Search() of one who is gone = %v, want another error than a timeout", err)
	}
}

// TestAutocomplete holds how titles and words share the places.
func TestAutocomplete(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	text := []string{typeDocument, typeSuggestion}
	for _, c := range []struct {
		req           AutocompleteRequest
		titles, words int
		first         string
	}{
		{AutocompleteRequest{Query: "lo", ResultTypes: text}, 30, 1, "Log 0"},
		{AutocompleteRequest{Query: "lo", ResultSize: 5, ResultTypes: text}, 4, 1, ""},
		{AutocompleteRequest{Query: "lo", ResultSize: 1, ResultTypes: text}, 1, 0, ""},
		{AutocompleteRequest{Query: "lo", ResultSize: math.MaxInt, ResultTypes: text}, 30, 1, ""},
		{AutocompleteRequest{Query: "lo", ResultTypes: []string{typeSuggestion}}, 0, 1, "log"},
		{AutocompleteRequest{Query: "7\u00a0 lo", ResultTypes: []string{typeSuggestion}}, 0, 1, "7\u00a0 log"},
		{AutocompleteRequest{Query: "lo", ResultTypes: []string{"GOLINK"}}, 0, 0, ""},
		{AutocompleteRequest{Query: "lo", Datasource: "wiki", ResultTypes: text}, 0, 0, ""},
		{AutocompleteRequest{Query: "lo", Datasource: "log", DatasourcesFilter: []string{"LOG", "wiki"}, ResultTypes: text}, 30, 1, ""},
	} {
		resp, err := s.Autocomplete(t.Context(), ada, c.req)
		if err != nil {
			t.Errorf("Autocomplete(%+v) = %v", c.req, err)
			continue
		}
		at, titles, words := 0, 0, 0
		for _, g := range resp.Groups {
			if g.StartIndex != at || g.EndIndex <= at {
				t.Errorf("Autocomplete(%+v) has the group %+v after %d", c.req, g, at)
			}
			at = g.EndIndex
		}
		for _, r := range resp.Results {
			if r.ResultType == typeDocument {
				titles++
			} else {
				words++
			}
		}
		if at != len(resp.Results) || titles != c.titles || words != c.words {
			t.Errorf("Autocomplete(%+v) = %d titles, %d words in groups up to %d, want %d and %d", c.req, titles, words, at, c.titles, c.words)
		}
		if c.first != "" && len(resp.Results) > 0 && resp.Results[0].Result != c.first {
			t.Errorf("Autocomplete(%+v) begins with %q, want %q", c.req, resp.Results[0].Result, c.first)
		}
	}
	for _, req := range []AutocompleteRequest{{Query: "x", ResultSize: -1}, {Query: strings.Repeat("x", maxTyped+1)}, {DatasourcesFilter: make([]string, maxValues+1)}} {
		if _, err := s.Autocomplete(t.Context(), ada, req); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("Autocomplete of %d bytes, size %d = %v, want invalid", len(req.Query), req.ResultSize, err)
		}
	}
}

// FuzzSearch holds that no body, cursors included, makes a search fail in another way than by a refusal.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`{"query":"tide"}`,
		`{"query":"from:me \"tide -(a OR b","cursor":"AAAA","pageSize":3}`,
		`{"query":"after:2026-13-45 updated:past_9999_years","requestOptions":{"timezoneOffset":840,"facetBucketSize":9}}`,
		`{"query":"","requestOptions":{"facetFilterSets":[{"filters":[{"fieldName":"from","values":[{"value":"","relationType":"GT","isNegated":true}]}]}]}}`,
		`{"query":"tdie \"log 7\" bo","resultTabIds":["log"],"requestOptions":{"inclusions":{"containerSpecs":[{"id":"log/Page/1"},{"url":"https://log.example/log/Page/2"}]},"exclusions":{"documentSpecs":[{"id":"log//"}],"datasourceInstances":["LOG"]},"queryOverridesFacetFilters":true,"returnLlmContentOverSnippets":true}}`,
		`{"query":"app:\"Ship's log\" type:page OR sea:x my:history has:golink collection:1 in:y","requestOptions":{"responseHints":["QUERY_METADATA","ALL_RESULT_COUNTS","RESULTS","SPELLCHECK_METADATA"],"facetFilters":[{"fieldName":"suggested","values":[{"value":"my history","isNegated":true}]}]}}`,
		`{"query":"x","requestOptions":{"facetBucketFilter":{"facet":"FROM","prefix":"\u0301"},"responseHints":["FACET_RESULTS"],"defaultFacets":["",""]}}`,
	} {
		f.Add(seed)
	}
	s, people := newService(f, shelf{})
	ada := caller(f, people, "ada@harbour.example")
	f.Fuzz(func(t *testing.T, body string) {
		var req Request
		if json.Unmarshal([]byte(body), &req) != nil {
			t.Skip()
		}
		req.TimeoutMillis = 0
		resp, err := s.Search(t.Context(), ada, req)
		switch kind := fault.KindOf(err); {
		case err != nil && kind != fault.Invalid && kind != fault.Unprocessable:
			t.Fatalf("Search(%s) = %v", body, err)
		case err == nil && req.Cursor != "":
			t.Fatalf("Search(%s) takes a cursor that nobody made", body)
		case err == nil && len(resp.Results) > maxPage:
			t.Fatalf("Search(%s) has %d results", body, len(resp.Results))
		}
	})
}

// TestBucketsByPrefix holds which buckets of a facet a prefix keeps: those with a word that begins so, of the value or of what is shown for
// it, and of people by each of their names.
func TestBucketsByPrefix(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	for _, c := range []struct {
		facet, prefix string
		want          []string
	}{
		{"from", "skip", []string{"bo@harbour.example"}}, // whom others call so
		{"from", "BO", []string{"bo@harbour.example"}},   // as the employer has it
		{"from", "ada", []string{"ada@harbour.example", "adam@harbour.example"}},
		{"from", "harb", []string{"ada@harbour.example", "adam@harbour.example", "bo@harbour.example"}},
		{"app", "ship", []string{"log"}},
		{"type", "log", []string{"Page"}}, // shown as a log page
		{"type", "she", []string{"Sheet"}},
		{"type", "eet", nil},
	} {
		resp, err := s.Search(t.Context(), ada, Request{Options: &Options{
			ResponseHints: []string{hintFacets}, FacetBucketSize: 10, DefaultFacets: []string{"status"}, FacetBucketFilter: &BucketFilter{Facet: c.facet, Prefix: c.prefix},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range resp.FacetResults {
			for _, b := range f.Buckets {
				got = append(got, b.Value.StringValue)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("buckets of %s with %q (-want +got):\n%s", c.facet, c.prefix, d)
		}
	}
}

// TestNobodyLearnsAddresses holds that a token without a person cannot spell addresses, or names that others do not use, by prefixes.
func TestNobodyLearnsAddresses(t *testing.T) {
	s, _ := newService(t, shelf{})
	for prefix, want := range map[string]int{"skipper": 1, "ada": 2, "bo@": 0, "harb": 0, "example": 0, "bo": 0} {
		resp, err := s.Search(t.Context(), grant.Mint(&grant.Facts{Kind: grant.Anonymous, Token: "t"}), Request{Options: &Options{
			ResponseHints: []string{hintFacets}, FacetBucketSize: 10, DefaultFacets: []string{"from"}, FacetBucketFilter: &BucketFilter{Facet: "from", Prefix: prefix},
		}})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, f := range resp.FacetResults {
			got += len(f.Buckets)
		}
		if got != want {
			t.Errorf("nobody finds %d authors by %q, want %d", got, prefix, want)
		}
	}
}
