package platformsearch

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// finder remembers what it was asked, and answers what it is told.
type finder struct {
	asked  Question
	answer Found
	err    error
}

func (f *finder) Find(_ context.Context, _ grant.Caller, q Question) (Found, error) {
	f.asked = q
	return f.answer, f.err
}

type sources struct{}

func (sources) Visible(context.Context, grant.Caller) ([]corpus.Datasource, error) {
	wiki, logs := corpus.Datasource{}, corpus.Datasource{}
	wiki.Name, logs.Name = "wiki", "logs"
	return []corpus.Datasource{wiki, logs}, nil
}

func (sources) Properties(_ context.Context, _ grant.Caller, names ...string) ([]corpus.PropertyInfo, error) {
	if len(names) == 1 && names[0] == "logs" {
		return []corpus.PropertyInfo{
			{Operator: "depth", Type: corpus.TypeInt, Indexed: true},
			{Operator: "seen", Type: corpus.TypeDate, Indexed: true},
			{Operator: "crew", Type: corpus.TypeTextList, Indexed: true},
			{Operator: "status", Type: corpus.TypePicklist, Indexed: true},
			{Operator: "secret", Type: corpus.TypeText},
		}, nil
	}
	return nil, nil
}

func newService(t testing.TB, f *finder) *Service {
	t.Helper()
	box, err := seal.Open(t.Context(), sqldbtest.OpenURL(t, sqldbtest.File(t)))
	if err != nil {
		t.Fatal(err)
	}
	return New(f, sources{}, box)
}

func ada() grant.Caller { return grant.Mint(&grant.Facts{Kind: grant.User, Person: "ada"}) }

// TestComparisons holds each operator against the number itself.
func TestComparisons(t *testing.T) {
	holds := map[Operator]func(a, b int64) bool{
		Greater: func(a, b int64) bool { return a > b }, GreaterOrEqual: func(a, b int64) bool { return a >= b },
		Less: func(a, b int64) bool { return a < b }, LessOrEqual: func(a, b int64) bool { return a <= b },
	}
	numbers := []int64{-1 << 63, -1<<63 + 1, -7, -1, 0, 1, 7, 1<<63 - 2}
	for range 50 {
		numbers = append(numbers, rand.Int64()-rand.Int64())
	}
	for op, want := range holds {
		for _, bound := range numbers {
			w, ok := compare("depth", op, strconv.FormatInt(bound, 10))
			if !ok {
				t.Fatalf("compare with %d is refused", bound)
			}
			for _, n := range numbers {
				// As the index takes it: the greatest number as an end is no end.
				if got := n >= w.From && (n < w.To || w.To == 1<<63-1); got != want(n, bound) && bound != 1<<63-2 {
					t.Errorf("%d %s %d = %v", n, op, bound, got)
				}
			}
		}
	}
}

// TestDays holds that a day is all of it, and a time is itself.
func TestDays(t *testing.T) {
	at := func(text string) int64 {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v.Unix()
	}
	for _, c := range []struct {
		op       Operator
		value    string
		from, to string
	}{
		{Greater, "2026-02-28", "2026-03-01T00:00:00Z", ""},
		{GreaterOrEqual, "2026-02-28", "2026-02-28T00:00:00Z", ""},
		{Less, "2026-02-28", "", "2026-02-28T00:00:00Z"},
		{LessOrEqual, "2026-02-28", "", "2026-03-01T00:00:00Z"},
		{LessOrEqual, "2026-02-28T12:00:00+02:00", "", "2026-02-28T10:00:01Z"},
		{Greater, "2026-02-28T12:00:00Z", "2026-02-28T12:00:01Z", ""},
		{GreaterOrEqual, "2026-02-28T12:00:00.5Z", "2026-02-28T12:00:01Z", ""},
		{Less, "2026-02-28T12:00:00.5Z", "", "2026-02-28T12:00:01Z"},
	} {
		want := everywhere(index.FieldUpdated)
		if c.from != "" {
			want.From = at(c.from)
		}
		if c.to != "" {
			want.To = at(c.to)
		}
		if got, ok := compare(indexField("updated_at"), c.op, c.value); !ok || got != want {
			t.Errorf("%s %s = %+v, %v, want %+v", c.op, c.value, got, ok, want)
		}
	}
	for _, bad := range []string{"", "soon", "2026-02-30", "1.5", "99999999999999999999", "2026-02-28 12:00"} {
		if w, ok := compare("depth", Less, bad); ok {
			t.Errorf("%q is compared as %+v", bad, w)
		}
	}
}

func TestQuestion(t *testing.T) {
	f := &finder{}
	s := newService(t, f)
	size := 7
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := s.Search(t.Context(), ada(), SearchRequest{
		Query: "tide", Size: &size, Datasources: []string{"LOGS", "logs"}, TimeRange: &TimeRange{Start: start},
		Filters: []Filter{
			{Field: "from", Values: []string{"me", "Bo"}},
			{Field: "type", Operator: NotEquals, Values: []string{"sheet"}},
			{Field: "Depth", Operator: GreaterOrEqual, Values: []string{"10"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	updated, depth := everywhere(index.FieldUpdated), everywhere("depth")
	updated.From, depth.From = start.Unix(), 10
	want := Question{
		Text: "tide", Size: 7, Datasources: []string{"logs"}, Also: index.All{updated, depth},
		Filters: []wire.FacetFilter{
			{FieldName: "from", Values: []wire.FacetFilterValue{{Value: "me", RelationType: wire.Equals}, {Value: "Bo", RelationType: wire.Equals}}},
			{FieldName: "type", Values: []wire.FacetFilterValue{{Value: "sheet", RelationType: wire.NotEquals}}},
		},
	}
	if d := cmp.Diff(want, f.asked); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
}

func TestAnswer(t *testing.T) {
	f := &finder{answer: Found{
		Results: []FoundDocument{{Document: wire.Document{ID: "logs/log/a b", Datasource: "logs"}, Snippets: []string{"", "one"}}},
		Next:    "inner", Long: true, Ignored: []string{"colour:", ""},
	}}
	s := newService(t, f)
	resp, err := s.Search(t.Context(), ada(), SearchRequest{Query: "tide"})
	if err != nil {
		t.Fatal(err)
	}
	r := resp.Results[0]
	if r.URL != "urn:sheaf:logs%2Flog%2Fa%20b" || r.Title != r.URL || len(r.Snippets) != 1 {
		t.Errorf("a document without address and title is %+v", r)
	}
	if len(resp.Warnings) != 2 || resp.Warnings[0].Code != "query_too_long" || !strings.HasSuffix(resp.Warnings[1].Message, "colour:") {
		t.Errorf("warnings = %+v", resp.Warnings)
	}
	if _, err := s.Search(t.Context(), ada(), SearchRequest{Query: "tide", Cursor: *resp.NextCursor}); err != nil || f.asked.Cursor != "inner" {
		t.Errorf("the next page asks with %q, %v", f.asked.Cursor, err)
	}
	// What the search refuses becomes a refusal in this API's words, and nothing of its body goes along.
	for kind, code := range map[fault.Kind]string{fault.Unprocessable: codeFilter, fault.Invalid: codeFilter} {
		f.err = fault.New(kind, "No.").WithField("requestOptions.facetFilters").WithDetail(wire.ErrorInfo{})
		_, err := s.Search(t.Context(), ada(), SearchRequest{Query: "tide"})
		if got, ok := err.(*fault.Fault); !ok || got.Kind != fault.Invalid || got.Code != code || got.Detail != nil || got.Field != "filters" { //nolint:errorlint // not wrapped
			t.Errorf("a fault %v of the search becomes %#v", kind, err)
		}
	}
}

func TestCatalogue(t *testing.T) {
	f := &finder{answer: Found{Facets: []wire.FacetResult{{SourceName: "crew", Buckets: []wire.FacetBucket{{Value: &wire.FacetValue{StringValue: "Ada"}}}}}}}
	s := newService(t, f)
	resp, err := s.Filters(t.Context(), ada(), FiltersRequest{Datasources: []string{"logs"}, Query: "tide"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, info := range resp.Datasources[0].Filters {
		got[info.Field] = info.Type + " " + strconv.Itoa(len(info.Operators)) + " " + strings.Join(info.Values, ",")
	}
	for field, want := range map[string]string{"depth": "number 6 ", "seen": "date 6 ", "crew": "list 2 Ada", "status": "text 2 ", "secret": "", "type": "text 2 "} {
		if got[field] != want {
			t.Errorf("%s is %q, want %q", field, got[field], want)
		}
	}
	all, err := s.Filters(t.Context(), ada(), FiltersRequest{})
	if err != nil || len(all.Datasources) != 2 {
		t.Errorf("the whole catalogue has %d datasources, %v", len(all.Datasources), err)
	}
	for _, bad := range []FiltersRequest{{Query: "x"}, {Query: "x", Datasources: []string{"logs", "wiki"}}, {Datasources: []string{"nosuch"}}, {Datasources: []string{""}}} {
		if _, err := s.Filters(t.Context(), ada(), bad); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("Filters(%+v) = %v, want invalid", bad, err)
		}
	}
}

// FuzzSearch holds that no body makes a search fail in another way than by a refusal, and that a question never names a datasource
// that the caller does not see.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`{"query":"tide"}`, `{"query":"tide","cursor":"AAAA"}`,
		`{"query":"a","filters":[{"field":"depth","operator":"GT","values":["9223372036854775807"]}],"datasources":["logs"]}`,
		`{"query":"a","time_range":{"start":"0001-01-01T00:00:00Z","end":"9999-12-31T23:59:59.999999999Z"},"page_size":100}`,
	} {
		f.Add(seed)
	}
	find := &finder{}
	s := newService(f, find)
	f.Fuzz(func(t *testing.T, body string) {
		var req SearchRequest
		if json.Unmarshal([]byte(body), &req, json.RejectUnknownMembers(true)) != nil {
			t.Skip()
		}
		find.asked = Question{}
		resp, err := s.Search(t.Context(), ada(), req)
		switch {
		case err != nil && fault.KindOf(err) != fault.Invalid:
			t.Fatalf("Search(%s) = %v", body, err)
		case err == nil && (resp.Warnings == nil || resp.Results == nil || find.asked.Size < 1 || find.asked.Size > maxSize):
			t.Fatalf("Search(%s) = %+v, asked %+v", body, resp, find.asked)
		}
		for _, name := range find.asked.Datasources {
			if name != "wiki" && name != "logs" {
				t.Fatalf("Search(%s) asks %q", body, name)
			}
		}
	})
}
