package entities

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// company is a service over Ada, who leads the others, 25 pilots and a diver.
func company(t *testing.T) *Service {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{URL: sqldb.Memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d := directory.New(db)
	records := []directory.EmployeeRecord{
		{Email: "ada@example.com", Profile: directory.Profile{FirstName: "Ada", LastName: "Anchor", Title: "Harbour master", Department: "Harbour", StartDate: "2015-01-01"}},
		{Email: "zoe@example.com", Profile: directory.Profile{FirstName: "Zoë", LastName: "Abyss", Title: "Diver", Department: "Salvage", ManagerEmail: "ada@example.com", StartDate: "2024-01-01"}},
	}
	for i := range 25 {
		records = append(records, directory.EmployeeRecord{Email: fmt.Sprintf("pilot%02d@example.com", i), Profile: directory.Profile{
			FirstName: fmt.Sprintf("Pia%02d", i), LastName: "Pilot", Title: "Pilot", Department: "Harbour", ManagerEmail: "ada@example.com", StartDate: "2020-01-01",
		}})
	}
	if err := d.PutEmployees(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	box, err := seal.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Directory: d, Seal: box})
}

func as(person string) grant.Caller {
	return grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.ScopesOf(grant.Entities), Person: person})
}

// ask answers a request and holds the answer against the contract.
func ask(t *testing.T, s *Service, req ListRequest) ListResponse {
	t.Helper()
	resp, err := s.list(t.Context(), as("p"), req)
	if err != nil {
		t.Fatalf("list(%+v) = %v", req, err)
	}
	body, err := json.Marshal(resp)
	if err != nil {
		t.Fatal(err)
	}
	if err := contract.ValidateResponse("POST /rest/api/v1/listentities", 200, "application/json; charset=UTF-8", body); err != nil {
		t.Errorf("list(%+v) answers %s: %v", req, body, err)
	}
	return resp
}

func filter(field string, values ...string) wire.FacetFilter {
	f := wire.FacetFilter{FieldName: field}
	for _, v := range values {
		f.Values = append(f.Values, wire.FacetFilterValue{Value: v, RelationType: wire.Equals})
	}
	return f
}

func TestList(t *testing.T) {
	s := company(t)
	for _, c := range []struct {
		name  string
		req   ListRequest
		total int
		first string
	}{
		{"everyone", ListRequest{}, 27, "Ada Anchor"},
		{"the type by name", ListRequest{EntityType: People, RequestType: Standard}, 27, "Ada Anchor"},
		{"words", ListRequest{Query: "pil"}, 25, "Pia00 Pilot"},
		{"accents", ListRequest{Query: "zoe"}, 1, "Zoë Abyss"},
		{"no such word", ListRequest{Query: "pirate"}, 0, ""},
		{"filter", ListRequest{Filter: []wire.FacetFilter{filter("department", "salvage")}}, 1, "Zoë Abyss"},
		{"values are alternatives", ListRequest{Filter: []wire.FacetFilter{filter("title", "Diver", "Harbour master")}}, 2, "Ada Anchor"},
		{"filters all hold", ListRequest{Filter: []wire.FacetFilter{filter("title", "Diver"), filter("department", "Harbour")}}, 0, ""},
		{"by manager", ListRequest{Filter: []wire.FacetFilter{filter("manager_email", "ada@example.com")}}, 26, "Pia00 Pilot"},
		{"nothing ticked", ListRequest{Filter: []wire.FacetFilter{filter("title")}}, 27, "Ada Anchor"},
		{"last name", ListRequest{Sort: []SortOptions{{SortBy: ByLastName}}}, 27, "Zoë Abyss"},
		{"newest", ListRequest{Sort: []SortOptions{{SortBy: ByStartDate, OrderBy: Descending}}}, 27, "Zoë Abyss"},
		{"largest part of the chart", ListRequest{Sort: []SortOptions{{SortBy: ByOrgSize}}}, 27, "Ada Anchor"},
		{"full directory", ListRequest{RequestType: FullDirectory, Sort: []SortOptions{{SortBy: ByLastName}}}, 27, "Zoë Abyss"},
	} {
		resp := ask(t, s, c.req)
		first := ""
		if len(resp.Results) > 0 {
			first = resp.Results[0].Name
		}
		if resp.TotalCount != c.total || first != c.first {
			t.Errorf("%s: %d people from %q, want %d from %q", c.name, resp.TotalCount, first, c.total, c.first)
		}
	}
}

func TestPages(t *testing.T) {
	s := company(t)
	req := ListRequest{Query: "example", PageSize: 8}
	var names []string
	for pages := 0; ; pages++ {
		resp := ask(t, s, req)
		for _, p := range resp.Results {
			names = append(names, p.Name)
		}
		if resp.HasMoreResults != (resp.Cursor != "") {
			t.Fatalf("hasMoreResults = %v with the cursor %q", resp.HasMoreResults, resp.Cursor)
		}
		if !resp.HasMoreResults {
			break
		}
		req.Cursor, req.PageSize = resp.Cursor, 7
		if pages > 10 {
			t.Fatal("the pages do not end")
		}
	}
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	if len(names) != 27 || len(seen) != 27 {
		t.Errorf("pages name %d people, %d different ones, want 27 once each", len(names), len(seen))
	}
}

func TestCursorIsBound(t *testing.T) {
	s := company(t)
	cursor := ask(t, s, ListRequest{PageSize: 5}).Cursor
	for name, try := range map[string]func() error{
		"another query": func() error {
			_, err := s.list(t.Context(), as("p"), ListRequest{Query: "pilot", Cursor: cursor})
			return err
		},
		"another caller": func() error {
			_, err := s.list(t.Context(), as("q"), ListRequest{Cursor: cursor})
			return err
		},
		"altered": func() error {
			_, err := s.list(t.Context(), as("p"), ListRequest{Cursor: strings.ToUpper(cursor)})
			return err
		},
	} {
		if err := try(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: list = %v, want %v", name, err, fault.Invalid)
		}
	}
}

func TestFacets(t *testing.T) {
	s := company(t)
	if f := ask(t, s, ListRequest{}).FacetResults; f != nil {
		t.Errorf("facetResults = %+v, want none unless asked for", f)
	}
	facets := ask(t, s, ListRequest{PageSize: 1, IncludeFields: []Field{Facets}}).FacetResults
	for _, f := range facets {
		if f.SourceName == "department" {
			if f.Buckets[0].Value.StringValue != "Harbour" || f.Buckets[0].Count != 26 || f.Buckets[1].Count != 1 {
				t.Errorf("departments = %+v, want 26 in Harbour and one elsewhere", f.Buckets)
			}
			// What a facet shows can be given back as a filter.
			total := ask(t, s, ListRequest{Filter: []wire.FacetFilter{filter(f.SourceName, f.Buckets[1].Value.StringValue)}}).TotalCount
			if total != f.Buckets[1].Count {
				t.Errorf("the filter of a bucket finds %d, want %d", total, f.Buckets[1].Count)
			}
			return
		}
	}
	t.Errorf("facetResults = %+v, want departments among them", facets)
}

func TestRefusals(t *testing.T) {
	s := company(t)
	negated := filter("title", "Pilot")
	negated.Values[0].IsNegated = true
	unlike := filter("title", "Pilot")
	unlike.Values[0].RelationType = wire.NotEquals
	for name, req := range map[string]ListRequest{
		"projects":         {EntityType: "PROJECTS"},
		"request type":     {RequestType: "HALF_DIRECTORY"},
		"page size":        {PageSize: -1},
		"negated":          {Filter: []wire.FacetFilter{negated}},
		"relation":         {Filter: []wire.FacetFilter{unlike}},
		"field":            {Filter: []wire.FacetFilter{filter("shoe_size", "44")}},
		"values":           {Filter: []wire.FacetFilter{filter("title", make([]string, maxValues+1)...)}},
		"filters":          {Filter: make([]wire.FacetFilter, maxFilters+1)},
		"query":            {Query: strings.Repeat("x", maxQuery+1)},
		"sort":             {Sort: []SortOptions{{SortBy: "TEAM_SIZE"}}},
		"order":            {Sort: []SortOptions{{SortBy: ByName, OrderBy: "SIDEWAYS"}}},
		"two keys":         {Sort: []SortOptions{{SortBy: ByName}, {SortBy: ByLastName}}},
		"whole, by a size": {RequestType: FullDirectory, Sort: []SortOptions{{SortBy: ByOrgSize}}},
		"cursor":           {Cursor: "10"},
	} {
		if _, err := s.list(t.Context(), as("p"), req); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: list = %v, want %v", name, err, fault.Invalid)
		}
	}
}

func TestContract(t *testing.T) {
	for _, d := range contract.Unaccepted(company(t).Room()) {
		t.Error(d)
	}
}
