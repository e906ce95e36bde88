package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/room/search"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

func patch(active *bool) directory.Patch { return directory.Patch{Active: active} }

// searchAll returns the ids of everything that a query finds, over all pages.
func searchAll(t *testing.T, s *sheaftest.Server, token, query string) (ids []string) {
	t.Helper()
	for cursor, pages := "", 0; ; pages++ {
		var page search.Response
		s.Must("POST", "/rest/api/v1/search", token, search.Request{Query: query, Cursor: cursor, PageSize: new(50)}).Decode(&page)
		for _, r := range page.Results {
			ids = append(ids, r.Document.Metadata.DatasourceID)
		}
		if cursor = page.Cursor; cursor == "" {
			return ids
		}
		if pages > 50 {
			t.Fatalf("%q does not come to an end", query)
		}
	}
}

// active reports whether somebody still works in the sample company.
func active(t *testing.T, s *sheaftest.Server, email string) bool {
	t.Helper()
	for _, p := range s.Company.People {
		if p.Email == email {
			return p.Status != "EX"
		}
	}
	t.Fatalf("nobody is called %s", email)
	return false
}

// TestPromises holds what the sample company promises of who finds what.
func TestPromises(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	for _, p := range demo.Promises() {
		if !active(t, s, p.Email) {
			if p.Sees {
				t.Errorf("%s is promised a document and has left", p.Email)
			}
			continue
		}
		found := slices.Contains(searchAll(t, s, s.As(p.Email), p.Query), p.Document)
		if found != p.Sees {
			t.Errorf("%s searching %q finds %s: %v, want %v (%s)", p.Email, p.Query, p.Document, found, p.Sees, p.Why)
		}
	}
}

// TestExamples holds that the queries which the README shows give what they are shown for, near the top.
func TestExamples(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	for _, e := range demo.Examples() {
		ids := searchAll(t, s, s.As(e.Email), e.Query)
		if place := slices.Index(ids, e.Document); place < 0 || place > 2 {
			t.Errorf("%s searching %q: %s stands at %d, want one of the first three (%v)", e.Email, e.Query, e.Document, place, ids[:min(len(ids), 5)])
		}
	}
}

// TestEverybodyFindsExactlyWhatTheyMayRead lists all documents as each person and compares with the company's own reckoning.
func TestEverybodyFindsExactlyWhatTheyMayRead(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	for _, p := range s.Company.People {
		if p.Status == "EX" {
			continue
		}
		found := searchAll(t, s, s.As(p.Email), "")
		var want []string
		for _, d := range s.Company.Documents {
			if s.Company.Sees(p.Email, d.ID) {
				want = append(want, d.ID)
			}
		}
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("%s finds %d documents, want %d", p.Email, len(found), len(want))
		}
	}
}

// TestNothingLeaks holds that the words of confidential documents show up nowhere for those outside: not in results, facets,
// completions, documents by id, or totals.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	// All but earlier searches: what somebody typed they may be offered again.
	others := []string{"DOCUMENT", "SUGGESTION", "ENTITY", "DATASOURCE", "OPERATOR", "OPERATOR_VALUE"}
	for _, p := range demo.Promises() {
		if p.Sees || !active(t, s, p.Email) {
			continue
		}
		token := s.As(p.Email)
		secret, ok := s.Company.Document(p.Document)
		if !ok {
			t.Fatalf("no document %s", p.Document)
		}
		key := corpus.Ref{Datasource: secret.Datasource, ObjectType: secret.Type, ID: secret.ID}.Key()
		for _, c := range []struct {
			path string
			body any
		}{
			{"/rest/api/v1/search", map[string]any{"query": p.Query, "requestOptions": map[string]any{"facetBucketSize": 100}}},
			{"/rest/api/v1/search", map[string]any{"query": `"` + secret.Title + `"`, "requestOptions": map[string]any{"facetBucketSize": 100}}},
			{"/rest/api/v1/autocomplete", map[string]any{"query": p.Query[:3], "resultTypes": others}},
			{"/rest/api/v1/autocomplete", map[string]any{"query": p.Query, "resultTypes": others}},
			{"/rest/api/v1/autocomplete", map[string]any{"query": secret.Title, "resultTypes": others}},
			{"/rest/api/v1/recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"id": key}}},
			{"/rest/api/v1/recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"url": secret.URL}}},
			{"/rest/api/v1/recommendations", map[string]any{"requestOptions": map[string]any{"context": map[string]any{"title": secret.Title}}}},
			{"/rest/api/v1/getdocpermissions", map[string]any{"documentId": key}},
			{"/rest/api/v1/getdocumentsbyfacets", map[string]any{"filterSets": []any{map[string]any{"filters": []any{
				map[string]any{"fieldName": "container", "values": []any{map[string]any{"value": secret.Container}}},
			}}}}},
			{"/rest/api/v1/messages", map[string]any{"idType": "CHANNEL_NAME", "id": secret.Container, "datasource": secret.Datasource}},
			{"/rest/api/v1/messages", map[string]any{"idType": "THREAD_ID", "id": secret.ID, "datasource": "SLACK", "includeRootMessage": true}},
			{"/rest/api/v1/getdocuments", map[string]any{"documentSpecs": []any{map[string]any{"id": key}}, "includeFields": []string{"DOCUMENT_CONTENT"}}},
			{"/rest/api/v1/getdocuments", map[string]any{"documentSpecs": []any{map[string]any{"url": secret.URL}}}},
		} {
			body := s.Do("POST", c.path, token, c.body).Body
			// Other documents may name the title where it was asked for in words.
			inWords := strings.HasSuffix(c.path, "/search") || strings.HasSuffix(c.path, "/recommendations")
			if strings.Contains(body, secret.Title) && !inWords {
				t.Errorf("%s as %s shows the title of %s", c.path, p.Email, p.Document)
			}
			if strings.Contains(body, `"id":"`+key+`"`) {
				t.Errorf("%s as %s shows %s", c.path, p.Email, p.Document)
			}
		}
	}
}

// TestAnonymousSeesWhatWasOpened holds that an ANONYMOUS token finds nothing at first, and then of the datasources that were
// opened exactly what everyone may read.
func TestAnonymousSeesWhatWasOpened(t *testing.T) {
	t.Parallel()
	s := sheaftest.Demo(t)
	_, token := s.Token(authority.Anonymous, "", grant.Search)
	if found := searchAll(t, s, token, ""); len(found) != 0 {
		t.Errorf("an ANONYMOUS token finds %v before anything was opened", found)
	}
	opened := map[string]bool{}
	session := s.SignIn(s.Company.Admin)
	for _, source := range []string{"wiki", "crm", "handbook"} {
		s.Must("PATCH", "/api/admin/v1/datasources/"+source, "", `{"openToAnonymousTokens":true}`, session.Headers()...)
		opened[source] = true
		var want []string
		for i := range s.Company.Documents {
			if d := &s.Company.Documents[i]; opened[d.Datasource] && d.Permissions.Anonymous {
				want = append(want, d.ID)
			}
		}
		found := searchAll(t, s, token, "")
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("with %s opened an ANONYMOUS token finds %d documents, want %d", source, len(found), len(want))
		}
		if source == "wiki" && len(want) == 0 {
			t.Error("the sample company's wiki has nothing for everyone")
		}
	}
	s.Must("PATCH", "/api/admin/v1/datasources/wiki", "", `{"openToAnonymousTokens":false}`, session.Headers()...)
	for _, source := range []string{"crm", "handbook"} {
		s.Must("PATCH", "/api/admin/v1/datasources/"+source, "", `{"openToAnonymousTokens":false}`, session.Headers()...)
	}
	if found := searchAll(t, s, token, ""); len(found) != 0 {
		t.Errorf("an ANONYMOUS token finds %v after all was closed", found)
	}
}
