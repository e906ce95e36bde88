package people

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// company is a service over four people: Ada leads Bo and Cy, and Di has left.
func company(t *testing.T) (*Service, *directory.Directory) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{URL: sqldb.Memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d := directory.New(db)
	profile := func(first, last, title, boss string) directory.Profile {
		return directory.Profile{
			FirstName: first, LastName: last, Title: title, Department: "Harbour", ManagerEmail: boss,
			Type: directory.TypeFullTime, StartDate: "2021-03-01",
		}
	}
	left := profile("Di", "Dune", "Pilot", "ada@example.com")
	left.Status = directory.StatusEx
	odd := profile("Cy", "Cove", "Diver", "ada@example.com")
	odd.Type, odd.StartDate = "PIRATE", ""
	err = d.PutEmployees(t.Context(), []directory.EmployeeRecord{
		{Email: "ada@example.com", Profile: profile("Ada", "Anchor", "Harbour master", "")},
		{Email: "bo@example.com", Profile: profile("Bo", "Buoy", "Pilot", "ada@example.com")},
		{Email: "cy@example.com", Profile: odd},
		{Email: "di@example.com", Profile: left},
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(d, func() time.Time { return time.Date(2021, 4, 1, 0, 0, 0, 0, time.UTC) }), d
}

func id(t *testing.T, d *directory.Directory, email string) string {
	t.Helper()
	r, err := d.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := r.ByEmail(email)
	if !ok {
		t.Fatalf("nobody holds %s", email)
	}
	return p.ID
}

func as(person string) grant.Caller {
	return grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.ScopesOf(grant.People), Person: person})
}

// ask answers a request and holds the answer against the contract.
func ask(t *testing.T, s *Service, c grant.Caller, req GetRequest) GetResponse {
	t.Helper()
	resp, err := s.get(t.Context(), c, req)
	if err != nil {
		t.Fatalf("get(%+v) = %v", req, err)
	}
	body, err := json.Marshal(resp)
	if err != nil {
		t.Fatal(err)
	}
	if err := contract.ValidateResponse("POST /rest/api/v1/people", 200, "application/json; charset=UTF-8", body); err != nil {
		t.Errorf("get(%+v) answers %s: %v", req, body, err)
	}
	return resp
}

func names(resp GetResponse) string {
	var list []string
	for _, p := range resp.Results {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}

func TestGet(t *testing.T) {
	s, d := company(t)
	ada, bo := id(t, d, "ada@example.com"), id(t, d, "bo@example.com")
	for _, c := range []struct {
		name   string
		req    GetRequest
		want   string
		errors []string
	}{
		{"nobody means the caller", GetRequest{}, "Bo Buoy", nil},
		{"by id and address, in order, once each", GetRequest{ObfuscatedIDs: []string{bo, ada, bo}, EmailIDs: []string{"CY@example.com ", "ada@example.com"}}, "Bo Buoy, Ada Anchor, Cy Cove", nil},
		{"unknown", GetRequest{ObfuscatedIDs: []string{"x"}, EmailIDs: []string{"bo@example.com", "eve@example.com", "no address", "x"}}, "Bo Buoy", []string{"x", "eve@example.com", "no address"}},
		{"left", GetRequest{EmailIDs: []string{"di@example.com"}}, "", []string{"di@example.com"}},
		{"invalid ones too", GetRequest{EmailIDs: []string{"di@example.com", "eve@example.com"}, IncludeTypes: []Type{InvalidEntities}}, "Di Dune, eve@example.com", []string{"di@example.com", "eve@example.com"}},
	} {
		resp := ask(t, s, as(bo), c.req)
		if got := names(resp); got != c.want {
			t.Errorf("%s: results = %q, want %q", c.name, got, c.want)
		}
		if diff := cmp.Diff(c.errors, resp.Errors); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestProfile(t *testing.T) {
	s, d := company(t)
	bo := id(t, d, "bo@example.com")
	m := ask(t, s, as(bo), GetRequest{}).Results[0].Metadata
	if m.Title != "Pilot" || m.Email != "bo@example.com" || m.Type != "FULL_TIME" || m.StartDate != "2021-03-01" {
		t.Errorf("profile = %+v, want title, address, type and start", m)
	}
	if m.Manager != nil || m.OrgSizeCount != 0 {
		t.Errorf("profile = %+v, want no chart without %s", m, ManagementDetails)
	}
	odd := ask(t, s, as(bo), GetRequest{EmailIDs: []string{"cy@example.com"}}).Results[0].Metadata
	if odd.Type != "" || odd.StartDate != "" {
		t.Errorf("profile = %+v, want neither a type nor a date that clients refuse", odd)
	}
}

func TestManagementDetails(t *testing.T) {
	s, d := company(t)
	resp := ask(t, s, as(id(t, d, "bo@example.com")), GetRequest{
		EmailIDs: []string{"ada@example.com", "bo@example.com"}, IncludeFields: []Field{ManagementDetails},
	})
	ada, bo := resp.Results[0].Metadata, resp.Results[1].Metadata
	if ada.DirectReportsCount != 2 || ada.OrgSizeCount != 3 || !ada.IsOrgRoot || ada.Manager != nil || len(ada.Reports) != 2 {
		t.Errorf("Ada = %+v, want 2 reports, 3 people, at the top", ada)
	}
	if bo.Manager == nil || bo.Manager.Name != "Ada Anchor" || bo.OrgSizeCount != 1 || len(bo.ManagementChain) != 1 || bo.IsOrgRoot {
		t.Errorf("Bo = %+v, want Ada above and nobody below", bo)
	}
	if bo.DepartmentCount != 3 {
		t.Errorf("DepartmentCount = %d, want 3: those who left do not count", bo.DepartmentCount)
	}
}

func TestFurnishing(t *testing.T) {
	s, d := company(t)
	bo := id(t, d, "bo@example.com")
	resp := ask(t, s, as(bo), GetRequest{
		EmailIDs:      []string{"bo@example.com", "ada@example.com", "cy@example.com"},
		IncludeFields: []Field{Badges, Permissions, ProfileSettings, ManagementDetails, PeopleDetails, "BUSY_EVENTS"},
	})
	own, ada, odd := resp.Results[0].Metadata, resp.Results[1].Metadata, resp.Results[2].Metadata
	if len(own.Badges) != 1 || own.Badges[0].Key != "new_hire" || odd.Badges != nil {
		t.Errorf("badges = %+v and %+v, want one of who began a month ago, none without a date", own.Badges, odd.Badges)
	}
	if own.Permissions == nil || own.Permissions.Role != "MEMBER" || own.Permissions.CanAdminSearch || own.ProfileBoolSettings == nil {
		t.Errorf("of the caller = %+v, want permissions of a member and settings", own)
	}
	if ada.Permissions != nil || ada.ProfileBoolSettings != nil {
		t.Errorf("of somebody else = %+v, want neither permissions nor settings", ada)
	}
	if m := own.ManagementChain[0].Metadata; m == nil || m.Title != "Harbour master" || m.Email != "ada@example.com" {
		t.Errorf("the chain = %+v, want what Ada does with %s", own.ManagementChain, PeopleDetails)
	}
	if *own.StartDatePercentile != 0 || own.DirectReportsCount != 0 || own.OrgSizeCount != 1 {
		t.Errorf("Bo = %+v, want nobody after nor below", own)
	}
}

func TestGetIsBounded(t *testing.T) {
	s, d := company(t)
	_, err := s.get(context.Background(), as(id(t, d, "bo@example.com")), GetRequest{EmailIDs: make([]string, maxAsked+1)})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("get of %d people = %v, want %v", maxAsked+1, err, fault.Invalid)
	}
}

func TestContract(t *testing.T) {
	s, _ := company(t)
	for _, d := range contract.Unaccepted(s.Room()) {
		t.Error(d)
	}
}
