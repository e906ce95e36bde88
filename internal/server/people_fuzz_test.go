package server_test

import (
	"testing"

	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// FuzzEmployee sends employees and teams as strangers might. Whatever is taken in can be shown: answers keep to the
// contract, and nothing of it breaks the server.
func FuzzEmployee(f *testing.F) {
	for _, body := range []string{
		`{"employee":{"email":"una@example.com","department":"Sea","firstName":"Una","startDate":"2024-02-29","type":"CONTRACTOR","status":"FUTURE","managerEmail":"una@example.com"}}`,
		`{"employee":{"email":"una@example.com","department":"Sea","structuredLocation":{"city":"Oslo","timezone":"../etc"},"photoUrl":"data:image/png;base64,iVBORw0KGgo="}}`,
		`{"employee":{"email":"una@example.com","department":"Sea","additionalFields":[{"key":"K","value":["a",1,true,null,[],{"anchor":"x","hyperlink":"javascript:y"}]}]}}`,
		`{"employee":{"email":"una@example.com","department":"Sea","socialNetworks":[{"name":"n","profileUrl":"https://n.example/"}],"teams":[{"id":"","name":"t","url":"https://t.example"}]}}`,
		`{"employee":{"email":"una@example.com","department":"\u0000","relationships":[{"name":"r","email":"una@example.com"}],"alsoKnownAs":["\u202e"]},"version":9223372036854775807}`,
		`{"team":{"id":"t","name":"T","members":[{"email":"una@example.com","relationship":"boss","join_date":"2024-01-01"}],"emails":[{"email":"x","type":"y"}]},"version":1}`,
		`{"team":{"id":"t","name":"","members":[]}}`, `{"id":"t"}`, `{"employeeEmail":"una@example.com"}`, `{"employees":[]}`,
		`{"uploadId":"u","isFirstPage":true,"isLastPage":true,"employees":[{"email":"una@example.com","department":"Sea"}],"disableStaleDataDeletionCheck":true}`,
		`{"uploadId":"u","isFirstPage":true,"shortcuts":[{"inputAlias":"a","destinationUrl":"https://a.example","intermediateUrl":"https://b.example","createdBy":"a@b.example"}]}`,
	} {
		f.Add(body)
	}
	s := sheaftest.Open(f)
	connector, reader := "Bearer "+s.Indexing(), "Bearer "+s.As("admin@localhost")
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{
			"/api/index/v1/indexemployee", "/api/index/v1/indexemployeelist", "/api/index/v1/bulkindexemployees", "/api/index/v1/indexteam",
			"/api/index/v1/bulkindexteams", "/api/index/v1/bulkindexshortcuts", "/api/index/v1/uploadshortcuts", "/api/index/v1/deleteteam", "/api/index/v1/deleteemployee",
		} {
			harmless(t, send(s.Handler(), "POST", path, body, "Authorization", connector), path, body)
		}
		for path, ask := range map[string]string{
			"/rest/api/v1/people":       `{"emailIds": ["una@example.com"], "includeFields": ["MANAGEMENT_DETAILS", "PEOPLE_DETAILS", "BADGES", "PERMISSIONS"], "includeTypes": ["INVALID_ENTITIES"]}`,
			"/rest/api/v1/listentities": `{"includeFields": ["FACETS", "MANAGEMENT_DETAILS"], "sort": [{"sortBy": "START_DATE"}]}`,
		} {
			a := send(s.Handler(), "POST", path, ask, "Authorization", reader)
			if err := contract.ValidateResponse("POST "+path, a.Code, a.Header().Get("Content-Type"), a.Body.Bytes()); err != nil || a.Code != 200 {
				t.Errorf("%s after %q = %d: %v", path, body, a.Code, err)
			}
		}
		a := send(s.Handler(), "POST", "/rest/api/v1/listentities", `{"entityType": "TEAMS", "includeFields": ["FACETS", "PEOPLE"]}`, "Authorization", reader)
		if err := contract.ValidateResponse("POST /rest/api/v1/listentities", a.Code, a.Header().Get("Content-Type"), a.Body.Bytes()); err != nil || a.Code != 200 {
			t.Errorf("teams after %q = %d: %v", body, a.Code, err)
		}
	})
}
