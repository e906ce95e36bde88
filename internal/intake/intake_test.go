// Package intake_test tells the rooms of the Indexing API as one story, over HTTP, against a real
// database.
package intake_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/intake/datasources"
	"github.com/sheafsearch/sheaf/internal/intake/documents"
	"github.com/sheafsearch/sheaf/internal/intake/people"
	"github.com/sheafsearch/sheaf/internal/intake/permissions"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// server is the Indexing API with whatever caller the test sets.
type server struct {
	t      *testing.T
	caller grant.Caller
	corpus *corpus.Corpus
	people *directory.Directory
	http.Handler
}

func (s *server) Admit(*http.Request, rpc.Family) (grant.Caller, error) { return s.caller, nil }

func newServer(t *testing.T, db *sqldb.DB) *server {
	t.Helper()
	dir := directory.New(db)
	c, err := corpus.Open(t.Context(), db, dir, corpus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, corpus: c, people: dir, caller: token()}
	s.Handler = rpc.NewServer(rpc.Config{Admitter: s, Rooms: []rpc.Room{
		datasources.New(c).Room(), documents.New(c).Room(), permissions.New(dir).Room(), people.New(dir).Room(),
	}})
	return s
}

// token is an indexing token over some datasources, or over all.
func token(names ...string) grant.Caller {
	return grant.Mint(&grant.Facts{Kind: grant.Indexing, Scopes: grant.ScopesOf(grant.IndexingScope), Token: "t", Datasources: names})
}

// post sends a body and returns the status and the answer.
func (s *server) post(operation, body string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/index/v1/"+operation, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Code, string(text)
}

// want sends a body and fails the test unless the status is as said and the answer holds a text.
// An answer of 200 without a text must be empty.
func (s *server) want(status int, holds, operation, body string) {
	s.t.Helper()
	got, text := s.post(operation, body)
	if got != status || !strings.Contains(text, holds) || status == http.StatusOK && holds == "" && text != "" {
		s.t.Errorf("%s %s = %d %q, want %d with %q", operation, body, got, text, status, holds)
	}
}

func (s *server) sees(email string) []string {
	s.t.Helper()
	p, err := s.people.ByEmail(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := s.corpus.Scan(s.t.Context(), grant.Mint(&grant.Facts{Kind: grant.Maintenance}), "", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	var keys []string
	for _, d := range all {
		keys = append(keys, d.Key)
	}
	docs, err := s.corpus.Get(s.t.Context(), grant.Mint(&grant.Facts{Kind: grant.User, Person: p.ID}), keys...)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(docs))
}

const wiki = `{"name":"wiki","displayName":"Our Wiki","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"^https://wiki/.*","isUserReferencedByEmail":true,
	"trustUrlRegexForViewActivity":false,"quicklinks":[{"name":"New page","iconConfig":{"iconType":"URL"}}],"objectDefinitions":[{"name":"Page","propertyDefinitions":[{"name":"rank","propertyType":"INT"}]}]}`

func TestAStoryOfIntake(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		s := newServer(t, db)
		s.want(200, "", "adddatasource", wiki)
		s.want(200, `"quicklinks":[{"name":"New page","iconConfig":{"iconType":"URL"}}]`, "getdatasourceconfig", `{"datasource":"wiki"}`)
		s.want(200, `"trustUrlRegexForViewActivity":false`, "getdatasourceconfig", `{"datasource":"wiki"}`)
		s.want(200, "", "indexemployee", `{"employee":{"email":"Ann@Example.com","firstName":"Ann","lastName":"Bee","department":"Sales","startDate":"2020-02-29","managerEmail":"bob@example.com",
			"additionalFields":[{"key":"k","value":[{"a":1}]}],"structuredLocation":{"city":"Oslo"},"socialNetworks":[{"name":"x","profileUrl":"https://x/ann"}]}}`)
		s.want(200, "", "indexemployee", `{"employee":{"email":"bob@example.com","department":"Sales"},"version":7}`)
		s.want(200, "", "indexuser", `{"datasource":"wiki","user":{"email":"ann@example.com","name":"Ann"}}`)
		s.want(200, "", "indexuser", `{"datasource":"wiki","user":{"email":"bob@example.com","name":"Bob","isActive":true}}`)
		s.want(200, "", "indexgroup", `{"datasource":"wiki","group":{"name":"staff"}}`)
		s.want(200, "", "indexgroup", `{"datasource":"wiki","group":{"name":"board"}}`)
		s.want(200, "", "indexmembership", `{"datasource":"wiki","membership":{"groupName":"staff","memberUserId":"Ann@example.com"}}`)
		s.want(200, "", "indexmembership", `{"datasource":"wiki","membership":{"groupName":"staff","memberGroupName":"board"}}`)
		s.want(200, "", "indexmembership", `{"datasource":"wiki","membership":{"groupName":"board","memberUserId":"bob@example.com"}}`)
		html := base64.StdEncoding.EncodeToString([]byte("<title>From the page</title><p>Hello"))
		s.want(200, "", "indexdocument", `{"document":{"datasource":"wiki","objectType":"Page","id":"One","viewURL":"https://wiki/1","body":{"mimeType":"text/html","binaryContent":"`+html+`"},
			"permissions":{"allowedUsers":[{"email":"ANN@example.com"}]},"customProperties":[{"name":"rank","value":3}],"unknown":true}}`)
		s.want(200, "", "indexdocuments", `{"uploadId":"u","datasource":"wiki","documents":[
			{"datasource":"wiki","objectType":"Page","id":"2","viewURL":"https://wiki/2","permissions":{"allowedGroups":["staff"]}},
			{"datasource":"wiki","objectType":"Page","id":"3","viewURL":"https://wiki/3","permissions":{"allowedGroupIntersections":[{"requiredGroups":["staff","board"]}]}},
			{"datasource":"wiki","objectType":"Page","id":"4","viewURL":"https://wiki/4","permissions":{"allowAllDatasourceUsersAccess":true}},
			{"datasource":"wiki","objectType":"Page","id":"5","viewURL":"https://wiki/5"}]}`)
		check := func(what, email string, ids ...string) {
			t.Helper()
			var want []string
			for _, id := range ids {
				want = append(want, "wiki/Page/"+id)
			}
			if diff := cmp.Diff(want, s.sees(email)); diff != "" {
				t.Errorf("%s: %s sees (-want +got):\n%s", what, email, diff)
			}
		}
		check("at first", "ann@example.com", "2", "4", "one")
		check("at first", "bob@example.com", "2", "3", "4")
		docs, err := s.corpus.Get(t.Context(), grant.Mint(&grant.Facts{Kind: grant.Maintenance}), "wiki/Page/one")
		if d := docs["wiki/Page/one"]; err != nil || d == nil || d.Title != "From the page" || d.Body != "Hello" || d.ID != "One" || d.MimeType != "text/html" {
			t.Errorf("the stored document = %+v, %v, want its title and text from the page", d, err)
		}
		s.want(200, "", "updatepermissions", `{"datasource":"wiki","objectType":"Page","id":"ONE","permissions":{"allowedUsers":[{"email":"bob@example.com"}]}}`)
		s.want(200, "", "updatepermissions", `{"datasource":"wiki","viewURL":"https://wiki/5","permissions":{"allowAnonymousAccess":true}}`)
		s.want(200, "", "deletemembership", `{"datasource":"wiki","membership":{"groupName":"board","memberUserId":"bob@example.com"}}`)
		check("after changes", "ann@example.com", "2", "4", "5")
		check("after changes", "bob@example.com", "4", "5", "one")
		s.want(200, "", "deletedocument", `{"datasource":"wiki","objectType":"Page","id":"one"}`)
		s.want(200, "", "deletedocument", `{"datasource":"wiki","objectType":"Page","id":"one"}`)
		s.want(200, "", "deletegroup", `{"datasource":"wiki","groupName":"staff"}`)
		s.want(200, "", "deleteuser", `{"datasource":"wiki","email":"bob@example.com"}`)
		check("in the end", "ann@example.com", "4", "5")
		check("in the end", "bob@example.com", "5")
		s.want(200, "", "deleteemployee", `{"employeeEmail":"ann@example.com"}`)
		s.want(409, "version", "indexemployee", `{"employee":{"email":"bob@example.com","department":"Sales"},"version":6}`)
		if _, err := s.people.ByEmail(t.Context(), "ann@example.com"); err == nil {
			t.Error("ByEmail() of an employee who was deleted finds somebody")
		}
	})
}

func TestRefusals(t *testing.T) {
	s := newServer(t, sqldbtest.Open(t))
	s.want(200, "", "adddatasource", wiki)
	doc := func(fields string) string {
		return `{"document":{"datasource":"wiki","objectType":"Page","id":"a","viewURL":"https://wiki/a"` + fields + `}}`
	}
	for _, c := range []struct {
		status          int
		holds           string
		operation, body string
	}{
		{400, "no datasource", "indexdocument", `{"document":{"datasource":"other","id":"a","viewURL":"https://a/a"}}`},
		{400, "no datasource", "indexuser", `{"datasource":"other","user":{"email":"a@b","name":"A"}}`},
		{400, "no datasource", "getdatasourceconfig", `{"datasource":"other"}`},
		{400, "document.body.mimeType: The content is declared application/pdf and is no PDF", "indexdocument", doc(`,"body":{"mimeType":"application/pdf","binaryContent":"AAAA"}`)},
		{400, "application/json is not supported", "indexdocument", doc(`,"comments":[{"id":"1"},{"id":"2","content":{"mimeType":"application/json","textContent":"{}"}}]`)},
		{400, "documents[1].body.mimeType", "indexdocuments", `{"datasource":"wiki","documents":[{"id":"a","viewURL":"https://wiki/a"},{"id":"b","viewURL":"https://wiki/b","body":{"mimeType":"image/png","binaryContent":"AAAA"}}]}`},
		{400, "base64", "indexdocument", doc(`,"body":{"mimeType":"text/plain","binaryContent":"?"}`)},
		{400, "not both", "indexdocument", doc(`,"body":{"mimeType":"text/plain","binaryContent":"AAAA","textContent":"a"}`)},
		{400, "", "indexdocument", doc(`,"updatedAt":"2026-01-01T00:00:00Z"`)},
		{400, "Unix seconds", "indexdocument", doc(`,"updatedAt":1767225600000`)},
		{400, "white space", "indexdocument", doc(`,"permissions":{"allowedGroups":["a b"]}`)},
		{400, "viewURL", "indexdocument", `{"document":{"datasource":"wiki","objectType":"Page","id":"a"}}`},
		{400, "needs an id", "indexdocument", `{"document":{"datasource":"wiki","objectType":"Page","viewURL":"https://wiki/a"}}`},
		{400, "another datasource", "indexdocuments", `{"datasource":"wiki","documents":[{"datasource":"other","id":"a","viewURL":"https://a/a"}]}`},
		{400, "Nothing of this batch", "indexdocuments", `{"datasource":"wiki","documents":[{"datasource":"wiki","id":"a","viewURL":"https://wiki/a"},{"datasource":"wiki","id":"b"}]}`},
		{404, "no such document", "updatepermissions", `{"datasource":"wiki","objectType":"Page","id":"none","permissions":{}}`},
		{400, "viewURL", "updatepermissions", `{"datasource":"wiki","permissions":{}}`},
		{400, "scio", "indexgroup", `{"datasource":"wiki","group":{"name":"scioadmins"}}`},
		{400, "white space", "indexgroup", `{"datasource":"wiki","group":{"name":""}}`},
		{400, "exactly one", "indexmembership", `{"datasource":"wiki","membership":{"groupName":"a"}}`},
		{400, "ASCII", "indexuser", `{"datasource":"wiki","user":{"email":"ü@example.com","name":"U"}}`},
		{400, "department", "indexemployee", `{"employee":{"email":"a@example.com"}}`},
		{400, "status", "indexemployee", `{"employee":{"email":"a@example.com","department":"d","status":"RETIRED"}}`},
		{400, "startDate", "indexemployee", `{"employee":{"email":"a@example.com","department":"d","startDate":"1.2.2020"}}`},
		{400, "photoUrl", "indexemployee", `{"employee":{"email":"a@example.com","department":"d","photoUrl":"javascript:x"}}`},
		{400, "ASCII", "deleteemployee", `{"employeeEmail":"nobody"}`},
		{400, "", "adddatasource", `{"Name":"x"}`},
	} {
		s.want(c.status, c.holds, c.operation, c.body)
	}
	if got, err := s.corpus.Counts(t.Context(), grant.Mint(&grant.Facts{Kind: grant.Maintenance})); err != nil || len(got) != 0 {
		t.Errorf("Counts() after refusals = %v, %v, want nothing", got, err)
	}
	s.caller = token("wiki")
	s.want(200, "", "indexdocument", doc(""))
	s.want(403, "does not cover", "indexdocument", `{"document":{"datasource":"other","id":"a","viewURL":"https://a/a"}}`)
	s.want(403, "does not cover", "indexgroup", `{"datasource":"other","group":{"name":"a"}}`)
	s.want(403, "does not cover", "adddatasource", strings.Replace(wiki, `"wiki"`, `"other"`, 1))
	s.want(403, "all datasources", "indexemployee", `{"employee":{"email":"a@example.com","department":"d"}}`)
	s.want(403, "all datasources", "deleteemployee", `{"employeeEmail":"a@example.com"}`)
}

func TestALargeBatchIsCut(t *testing.T) {
	db := sqldbtest.Open(t)
	s := newServer(t, db)
	s.want(200, "", "adddatasource", wiki)
	before := db.Stats().Writes
	var body bytes.Buffer
	body.WriteString(`{"datasource":"wiki","documents":[`)
	for i := range 1000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"datasource":"wiki","objectType":"Page","id":"%d","viewURL":"https://wiki/%d","body":{"mimeType":"text/plain","textContent":"%s"}}`, i, i, strings.Repeat("word ", 100))
	}
	body.WriteString(`]}`)
	s.want(200, "", "indexdocuments", body.String())
	counts, err := s.corpus.Counts(t.Context(), grant.Mint(&grant.Facts{Kind: grant.Maintenance}))
	if err != nil || counts["wiki"] != 1000 {
		t.Errorf("Counts() = %v, %v, want 1000", counts, err)
	}
	if n := db.Stats().Writes - before; n < 20 {
		t.Errorf("a batch of 1000 documents took %d transactions, want it cut", n)
	}
}
