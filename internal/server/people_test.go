package server_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/room/entities"
	"github.com/sheafsearch/sheaf/internal/room/people"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// TestPeopleRelevance asks for people of the sample company as their colleagues would, and holds who comes first.
func TestPeopleRelevance(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
	for query, want := range map[string]string{
		"sofie":                        "Sofie Lund",
		"lund sofie":                   "Sofie Lund",
		"soren":                        "Søren Bak",
		"Søren":                        "Søren Bak",
		"olu":                          "Olúwaṣeun Bello",
		"oluwaseun bello":              "Olúwaṣeun Bello",
		"elif yildiz":                  "Elif Yıldız",
		"mei zhang":                    "Mei Zhang (张梅)",
		"张":                            "Mei Zhang (张梅)",
		"devries":                      "Anneke de Vries",
		"anneke de vries":              "Anneke de Vries",
		"macrae":                       "Fiona MacRae",
		"astird solberg":               "Astrid Solberg",
		"tomasz wrnoa":                 "Tomasz Wrona",
		"kaminska":                     "Dorota Kamińska",
		"novotny firmware":             "Marek Novotný",
		"platform engineer":            "Bruno Tavares",
		"senior platform engineer":     "Zofia Lis",
		"calibration lead":             "Tomasz Wrona",
		"firmware lead":                "Jonas Feldt",
		"chief executive":              "Astrid Solberg",
		"head of people":               "Ngozi Eze",
		"site reliability":             "Nikhil Rao",
		"metrologist":                  "Leif Strand",
		"metrolgist":                   "Leif Strand",
		"kit.marlow@quillmere.example": "Kit Marlow",
		"kit.marlow":                   "Kit Marlow",
		"hiro sakata":                  "", // has left
		"qqqq":                         "",
	} {
		var page entities.ListResponse
		s.Must("POST", "/rest/api/v1/listentities", s.As("sofie.lund@quillmere.example"), entities.ListRequest{Query: query, PageSize: 3}).Decode(&page)
		got := ""
		if len(page.Results) > 0 {
			got = page.Results[0].Name
		}
		if got != want {
			t.Errorf("people for %q begin with %q, want %q", query, got, want)
		}
	}
}

// TestFormerPeopleAreNowhere holds that who left is in no list, total, facet, chart, team or photo.
func TestFormerPeopleAreNowhere(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
	put := func(status string) {
		t.Helper()
		s.Must("POST", "/api/index/v1/indexemployee", s.Indexing(), `{"employee": {"email": "una@quillmere.example", "firstName": "Una", "lastName": "Unique",
			"title": "Lighthouse keeper", "department": "Lights", "managerEmail": "mira.okafor@quillmere.example", "status": "`+status+`",
			"photoUrl": "data:image/png;base64,`+onePixel+`", "additionalFields": [{"key": "Lamp", "value": ["red"]}]}}`)
	}
	put("CURRENT")
	s.Must("POST", "/api/index/v1/indexteam", s.Indexing(), `{"team": {"id": "keepers", "name": "Keepers", "members": [{"email": "una@quillmere.example"}]}}`)
	as := s.As("sofie.lund@quillmere.example")
	whole := func() string {
		var all strings.Builder
		for _, body := range []string{
			`{"pageSize": 1000, "includeFields": ["FACETS", "MANAGEMENT_DETAILS"]}`, `{"query": "una"}`, `{"query": "lighthuose"}`,
			`{"filter": [{"fieldName": "email", "values": [{"value": "una@quillmere.example"}]}]}`,
			`{"filter": [{"fieldName": "reportsto", "values": [{"value": "mira.okafor@quillmere.example"}]}], "includeFields": ["FACETS"]}`,
			`{"entityType": "TEAMS", "includeFields": ["PEOPLE"]}`,
		} {
			all.WriteString(s.Must("POST", "/rest/api/v1/listentities", as, body).Body + "\n")
		}
		all.WriteString(s.Must("POST", "/rest/api/v1/people", as, `{"emailIds": ["mira.okafor@quillmere.example"], "includeFields": ["MANAGEMENT_DETAILS"]}`).Body)
		return all.String()
	}
	var found people.GetResponse
	s.Must("POST", "/rest/api/v1/people", as, `{"emailIds": ["una@quillmere.example"]}`).Decode(&found)
	photo := "/rest/api/v1/people/" + found.Results[0].ObfuscatedID + "/photo"
	if text := whole(); !strings.Contains(text, "Una Unique") || !strings.Contains(text, "Lights") || s.Do("GET", photo, as, nil).Status != http.StatusOK {
		t.Fatal("somebody who works here is not where they should be")
	}
	put("EX")
	text := whole()
	for _, trace := range []string{"Una", "Lights", "Lamp", "una@", found.Results[0].ObfuscatedID} {
		if strings.Contains(text, trace) {
			t.Errorf("answers still hold %q of somebody who left", trace)
		}
	}
	if status := s.Do("GET", photo, as, nil).Status; status != http.StatusNotFound {
		t.Errorf("the photo of somebody who left = %d, want 404", status)
	}
}

// onePixel is a PNG.
const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

func TestPhoto(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t, func(cfg *server.Config) { cfg.PublicURL = "https://sheaf.example" })
	s.Must("POST", "/api/index/v1/indexemployeelist", s.Indexing(), `{"employees": [
		{"employee": {"email": "ada@example.com", "department": "Sea", "photoUrl": "data:image/png;base64,`+onePixel+`"}},
		{"employee": {"email": "bo@example.com", "department": "Sea", "photoUrl": "https://photos.example/bo.png"}}]}`)
	var found people.GetResponse
	s.Must("POST", "/rest/api/v1/people", s.As("ada@example.com"), `{"emailIds": ["ada@example.com", "bo@example.com"]}`).Decode(&found)
	ada, bo := found.Results[0], found.Results[1]
	path := "/rest/api/v1/people/" + ada.ObfuscatedID + "/photo"
	if ada.Metadata.PhotoURL != "https://sheaf.example"+path || bo.Metadata.PhotoURL != "https://photos.example/bo.png" {
		t.Errorf("photoUrl = %q and %q, want one of ours and the one elsewhere", ada.Metadata.PhotoURL, bo.Metadata.PhotoURL)
	}
	a := s.Must("GET", path+"?ds=any", s.As("bo@example.com"), nil)
	want, err := base64.StdEncoding.DecodeString(onePixel)
	if err != nil || a.Body != string(want) {
		t.Errorf("the photo has %d bytes, want the %d sent", len(a.Body), len(want))
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; sandbox", "Content-Disposition": "inline; filename=photo.png",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for what, path := range map[string]string{
		"hosted elsewhere": "/rest/api/v1/people/" + bo.ObfuscatedID + "/photo", "of nobody": "/rest/api/v1/people/x/photo",
	} {
		if status := s.Do("GET", path, s.As("bo@example.com"), nil).Status; status != http.StatusNotFound {
			t.Errorf("a photo %s = %d, want 404", what, status)
		}
	}
	if status := s.Do("GET", path, "", nil).Status; status != http.StatusUnauthorized {
		t.Errorf("a photo without a token = %d, want 401", status)
	}
}

// fleet is a server with twelve ships as custom entities, eight of which everybody may see and Ada the others, and a page of
// a wiki beside them.
func fleet(t *testing.T) *sheaftest.Server {
	t.Helper()
	s := sheaftest.Open(t)
	for _, name := range []string{"ada", "bo"} {
		s.Person(name+"@example.com", grant.RoleMember)
	}
	connector := s.Indexing()
	for _, ds := range []string{
		`{"name": "vessels", "displayName": "Vessels", "datasourceCategory": "ENTITY", "isEntityDatasource": true, "isUserReferencedByEmail": true,
			"objectDefinitions": [{"name": "ship", "propertyDefinitions": [{"name": "harbour", "displayLabel": "Harbour", "propertyType": "PICKLIST"}]}]}`,
		`{"name": "wiki", "displayName": "Wiki", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "https://wiki\\.example/.*", "isUserReferencedByEmail": true}`,
	} {
		s.Must("POST", "/api/index/v1/adddatasource", connector, ds)
	}
	for _, email := range []string{"ada@example.com", "bo@example.com"} {
		for _, ds := range []string{"vessels", "wiki"} {
			s.Must("POST", "/api/index/v1/indexuser", connector, `{"datasource": "`+ds+`", "user": {"email": "`+email+`", "name": "x"}}`)
		}
	}
	var documents []string
	for i := range 12 {
		readers := `{"allowAllDatasourceUsersAccess": true}`
		if i >= 8 {
			readers = `{"allowedUsers": [{"email": "ada@example.com"}]}`
		}
		documents = append(documents, fmt.Sprintf(`{"datasource": "vessels", "objectType": "ship", "id": "s%d", "title": "Ship %d", "permissions": %s,
			"customProperties": [{"name": "harbour", "value": "%s"}]}`, i, i, readers, []string{"Oslo", "Bergen"}[i%2]))
	}
	s.Must("POST", "/api/index/v1/indexdocuments", connector, `{"datasource": "vessels", "documents": [`+strings.Join(documents, ",")+`]}`)
	s.Must("POST", "/api/index/v1/indexdocument", connector, `{"document": {"datasource": "wiki", "id": "p", "title": "Ship page", "viewURL": "https://wiki.example/p",
		"permissions": {"allowAnonymousAccess": true}}}`)
	s.CatchUp()
	return s
}

// TestCustomEntities holds that things of entity datasources are listed, counted and paged as their permissions allow.
func TestCustomEntities(t *testing.T) {
	t.Parallel()
	s := fleet(t)
	list := func(email, body string) (titles []string, page entities.ListResponse) {
		t.Helper()
		s.Must("POST", "/rest/api/v1/listentities", s.As(email), body).Decode(&page)
		for _, e := range page.CustomEntities {
			titles = append(titles, e.Title)
		}
		return titles, page
	}
	for _, c := range []struct {
		who, body string
		total     int
	}{
		{"ada", `{"entityType": "CUSTOM_ENTITIES", "pageSize": 50}`, 12},
		{"bo", `{"entityType": "CUSTOM_ENTITIES", "pageSize": 50, "includeFields": ["FACETS"]}`, 8},
		{"bo", `{"entityType": "CUSTOM_ENTITIES", "datasource": "vessels", "query": "ship"}`, 8},
		{"bo", `{"entityType": "CUSTOM_ENTITIES", "datasource": "wiki"}`, 0},
		{"bo", `{"entityType": "CUSTOM_ENTITIES", "datasource": "none"}`, 0},
		{"ada", `{"entityType": "CUSTOM_ENTITIES", "filter": [{"fieldName": "harbour", "values": [{"value": "oslo"}]}]}`, 6},
		{"bo", `{"entityType": "CUSTOM_ENTITIES", "filter": [{"fieldName": "harbour", "values": [{"value": "Oslo"}]}, {"fieldName": "type", "values": [{"value": "ship"}]}]}`, 4},
	} {
		titles, page := list(c.who+"@example.com", c.body)
		if page.TotalCount != c.total || len(titles) != min(c.total, 50) && !page.HasMoreResults {
			t.Errorf("%s with %s: %d of %d, want %d", c.who, c.body, len(titles), page.TotalCount, c.total)
		}
		for _, f := range page.FacetResults {
			if f.SourceName == "type" && f.Buckets[0].Count != c.total {
				t.Errorf("%s: facet %+v, want %d", c.who, f.Buckets, c.total)
			}
		}
		for _, e := range page.CustomEntities {
			if e.Datasource != "vessels" || e.ObjectType != "ship" || e.Metadata.CustomData["harbour"].StringValue == "" {
				t.Errorf("entity = %+v, want a ship with its harbour", e)
			}
		}
	}
	var all []string
	body := entities.ListRequest{EntityType: entities.CustomEntities, PageSize: 3}
	for {
		var page entities.ListResponse
		s.Must("POST", "/rest/api/v1/listentities", s.As("bo@example.com"), body).Decode(&page)
		for _, e := range page.CustomEntities {
			all = append(all, e.Title)
		}
		if body.Cursor = page.Cursor; !page.HasMoreResults {
			break
		}
	}
	slices.Sort(all)
	if len(all) != 8 || len(slices.Compact(all)) != 8 {
		t.Errorf("pages show %v, want the eight ships that are not Ada's", all)
	}
}

// TestFilters holds what is refused of the directory's filters, and that "me" is the caller.
func TestFilters(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t, func(cfg *server.Config) { cfg.Now = sheaftest.Now })
	filter := func(field, value string) entities.ListRequest {
		return entities.ListRequest{Filter: []wire.FacetFilter{{FieldName: field, Values: []wire.FacetFilterValue{{Value: value, RelationType: wire.Equals}}}}}
	}
	var page entities.ListResponse
	s.Must("POST", "/rest/api/v1/listentities", s.As("mira.okafor@quillmere.example"), filter("reports_to", "me")).Decode(&page)
	if page.TotalCount != 4 {
		t.Errorf("those below the caller are %d, want 4", page.TotalCount)
	}
	for field, value := range map[string]string{"startafter": "yesterday", "startbefore": "", "has": "everything", "shoe size": "44", "": "x"} {
		if a := s.Do("POST", "/rest/api/v1/listentities", s.As("mira.okafor@quillmere.example"), filter(field, value)); a.Status != http.StatusBadRequest {
			t.Errorf("the filter %s:%s = %d %s, want 400", field, value, a.Status, a.Body)
		}
	}
}
