package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/query"
)

// offered lists completions as TYPE text.
func offered(t *testing.T, s *Service, c grant.Caller, req AutocompleteRequest) []string {
	t.Helper()
	resp, err := s.Autocomplete(t.Context(), c, req)
	if err != nil {
		t.Fatalf("Autocomplete(%+v) = %v", req, err)
	}
	list, at := []string{}, 0
	for _, g := range resp.Groups {
		if g.StartIndex != at || g.EndIndex <= at || g.Title == "" {
			t.Errorf("Autocomplete(%+v) has the group %+v after %d", req, g, at)
		}
		at = g.EndIndex
	}
	if at != len(resp.Results) {
		t.Errorf("Autocomplete(%+v): the groups end at %d of %d", req, at, len(resp.Results))
	}
	for _, r := range resp.Results {
		text := r.ResultType + " " + r.Result
		if r.Operator != nil && r.Operator.DisplayValue != "" {
			text += " (" + r.Operator.DisplayValue + ")"
		}
		list = append(list, text)
	}
	return list
}

// TestKindsOfCompletion says what is offered for what, to somebody and to nobody.
func TestKindsOfCompletion(t *testing.T) {
	s, people := newService(t, shelf{})
	ada, nobody := caller(t, people, "ada@harbour.example"), caller(t, people, "")
	for _, c := range []struct {
		typed  string
		types  string // "" for all but documents and words, which stand in TestAutocomplete
		want   []string
		nobody []string
	}{
		{"", typeHistory, []string{"HISTORY Tides at noon", "HISTORY tide tables", "HISTORY whales"}, []string{}},
		{"ti", typeHistory, []string{"HISTORY Tides at noon", "HISTORY tide tables"}, []string{}},
		{"whales", typeHistory, []string{}, []string{}}, // it stands there already
		{"diar", typeDatasource, []string{"DATASOURCE Ship's log"}, []string{"DATASOURCE Ship's log"}},
		{"boat", typeDatasource, []string{}, []string{}},
		{"tide ty", typeOperator, []string{"OPERATOR tide type:"}, []string{"OPERATOR tide type:"}},
		{"fr", typeOperator, []string{"OPERATOR from:"}, []string{}},
		{"se", typeOperator, []string{"OPERATOR sea:"}, []string{"OPERATOR sea:"}},
		{"un", typeOperator, []string{}, []string{}}, // what is not in the index finds nothing
		{"type:", typeOperatorValue, []string{"OPERATOR_VALUE type:Page (Log page)", "OPERATOR_VALUE type:Sheet"}, []string{"OPERATOR_VALUE type:Page (Log page)", "OPERATOR_VALUE type:Sheet"}},
		{"x TYPE:sh", typeOperatorValue, []string{"OPERATOR_VALUE x type:Sheet"}, []string{"OPERATOR_VALUE x type:Sheet"}},
		{"app:shi", typeOperatorValue, []string{"OPERATOR_VALUE app:log (Ship's log)"}, []string{"OPERATOR_VALUE app:log (Ship's log)"}},
		{"updated:past_w", typeOperatorValue, []string{"OPERATOR_VALUE updated:past_week"}, []string{"OPERATOR_VALUE updated:past_week"}},
		{"before:y", typeOperatorValue, []string{"OPERATOR_VALUE before:yesterday"}, []string{"OPERATOR_VALUE before:yesterday"}},
		{"my:", typeOperatorValue, []string{"OPERATOR_VALUE my:history"}, []string{}},
		{"from:m", typeOperatorValue, []string{"OPERATOR_VALUE from:me"}, []string{}},
		{"http://type", typeOperatorValue, []string{}, []string{}},
		{"has:", typeOperatorValue, []string{}, []string{}},
		{"type:sh tab", typeOperatorValue, []string{}, []string{}},
	} {
		req := AutocompleteRequest{Query: c.typed, ResultTypes: []string{c.types}}
		if diff := cmp.Diff(c.want, offered(t, s, ada, req)); diff != "" {
			t.Errorf("Ada types %q (-want +got):\n%s", c.typed, diff)
		}
		if diff := cmp.Diff(c.nobody, offered(t, s, nobody, req)); diff != "" {
			t.Errorf("nobody types %q (-want +got):\n%s", c.typed, diff)
		}
	}
}

// TestPeopleAreCompleted holds that names lead to people, in quotes where they have a space, and that nobody is told of
// anybody.
func TestPeopleAreCompleted(t *testing.T) {
	s, people := newService(t, shelf{})
	ada, nobody := caller(t, people, "ada@harbour.example"), caller(t, people, "")
	got := offered(t, s, ada, AutocompleteRequest{Query: "ad", ResultTypes: []string{typeEntity}})
	if len(got) == 0 || !strings.HasPrefix(got[0], "ENTITY Ada") {
		t.Errorf("people for %q = %q, want Ada first", "ad", got)
	}
	for _, typed := range []string{"from:ad", `from:"ad`, `tide from:"Ada a`, "owner:ada"} {
		got := offered(t, s, ada, AutocompleteRequest{Query: typed})
		before, _, _ := strings.Cut(typed, ":")
		if len(got) == 0 || !strings.HasPrefix(got[0], "OPERATOR_VALUE "+before+`:"Ada `) || !strings.HasSuffix(got[0], `"`) {
			t.Errorf("values for %q = %q, want Ada's name in quotes", typed, got)
			continue
		}
		parsed := query.Parse(strings.TrimPrefix(got[0], "OPERATOR_VALUE "))
		if !slices.ContainsFunc(parsed.Root, func(n query.Node) bool { _, ok := n.(query.Field); return ok }) {
			t.Errorf("%q is no operator any more: %#v", got[0], parsed.Root)
		}
	}
	for _, req := range []AutocompleteRequest{{Query: "ad"}, {Query: "from:ad"}, {Query: "ad", ResultTypes: []string{typeEntity}}} {
		for _, line := range offered(t, s, nobody, req) {
			if strings.Contains(line, "Ada") {
				t.Errorf("nobody is told %q for %q", line, req.Query)
			}
		}
	}
	if got := offered(t, s, ada, AutocompleteRequest{Query: "ad", Datasource: "log", ResultTypes: []string{typeEntity}}); len(got) != 0 {
		t.Errorf("within a datasource %q are offered, want nobody", got)
	}
}

// TestOperatorsNarrowCompletions holds that what stands before the last word counts.
func TestOperatorsNarrowCompletions(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	all := offered(t, s, ada, AutocompleteRequest{Query: "lo", ResultTypes: []string{typeDocument}})
	pages := offered(t, s, ada, AutocompleteRequest{Query: "type:page lo", ResultTypes: []string{typeDocument}})
	if len(all) != 30 || len(pages) != 15 {
		t.Errorf("%d titles, %d of them pages, want 30 and 15", len(all), len(pages))
	}
	word := offered(t, s, ada, AutocompleteRequest{Query: "type:page lo", ResultTypes: []string{typeSuggestion}})
	if diff := cmp.Diff([]string{"SUGGESTION type:page log"}, word); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

// TestPlacesAreShared holds that no kind hides the others, and that the size asked for is kept.
func TestPlacesAreShared(t *testing.T) {
	s, people := newService(t, shelf{})
	ada := caller(t, people, "ada@harbour.example")
	for size := range 40 {
		got := offered(t, s, ada, AutocompleteRequest{Query: "lo", ResultSize: size})
		if size > 0 && len(got) > size {
			t.Errorf("%d completions, want at most %d", len(got), size)
		}
		titles := 0
		for _, line := range got {
			if strings.HasPrefix(line, typeDocument) {
				titles++
			}
		}
		if size > 0 && titles < min(size/2, 30) {
			t.Errorf("%d of %d places are titles, want at least half", titles, size)
		}
	}
}

func FuzzAutocomplete(f *testing.F) {
	s, people := newService(f, shelf{})
	ada := caller(f, people, "ada@harbour.example")
	for _, seed := range []string{"", "lo", `from:"ad`, `":`, "a:b:c", `"type:`, "type:page -lo OR (x", "sea:\xff", "標準", "in:#a b"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, typed string, size int) {
		resp, err := s.Autocomplete(t.Context(), ada, AutocompleteRequest{Query: typed, ResultSize: size})
		if err != nil {
			return
		}
		at := 0
		for _, g := range resp.Groups {
			if g.StartIndex != at || g.EndIndex <= at {
				t.Fatalf("the group %+v stands after %d", g, at)
			}
			at = g.EndIndex
		}
		if at != len(resp.Results) || size > 0 && at > size {
			t.Fatalf("%d results in groups up to %d, of %d asked for", len(resp.Results), at, size)
		}
	})
}
