package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// connector sends requests of the Indexing API and holds each answer against the contract.
type connector struct {
	*sheaftest.Server
	t     *testing.T
	token string
}

func newConnector(t *testing.T, change ...func(*server.Config)) *connector {
	s := sheaftest.Open(t, change...)
	return &connector{s, t, s.Indexing()}
}

func (c *connector) post(want int, operation, body string, into any) {
	c.t.Helper()
	var sent any
	if body != "" {
		sent = body
	}
	a := c.Do("POST", "/api/index/v1/"+operation, c.token, sent)
	if a.Status != want {
		c.t.Fatalf("%s %s = %d %s, want %d", operation, body, a.Status, a.Body, want)
	}
	pattern := operation
	if rest, ok := strings.CutPrefix(operation, "debug/"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		pattern = "debug/{datasource}/" + rest
	}
	if err := contract.ValidateResponse("POST /api/index/v1/"+pattern, a.Status, a.Header.Get("Content-Type"), []byte(a.Body)); err != nil {
		c.t.Errorf("%s = %s: %v", operation, a.Body, err)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.Body), into, json.MatchCaseInsensitiveNames(true)); err != nil {
			c.t.Fatalf("decode %s: %v", a.Body, err)
		}
	}
}

func (c *connector) datasource(name, more string) {
	c.t.Helper()
	c.post(200, "adddatasource", `{"name":"`+name+`","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"^https://`+name+`/.*"`+more+`}`, nil)
}

func (c *connector) index(datasource, id, more string) {
	c.t.Helper()
	c.post(200, "indexdocument", fmt.Sprintf(`{"document":{"datasource":%q,"objectType":"Page","id":%q,"viewURL":"https://%s/%s","title":"Report %s"%s}}`,
		datasource, id, datasource, id, id, more), nil)
}

// found lists the ids of documents that somebody finds.
func (c *connector) found(email, query string) []string {
	c.t.Helper()
	c.CatchUp()
	var answer struct {
		Results []struct {
			Document struct {
				ID string `json:"id"`
			} `json:"document"`
		} `json:"results"`
	}
	c.Must("POST", "/rest/api/v1/search", c.As(email), map[string]any{"query": query, "pageSize": 100}).Decode(&answer)
	ids := []string{}
	for _, r := range answer.Results {
		ids = append(ids, r.Document.ID)
	}
	slices.Sort(ids)
	return ids
}

type debugDocument struct {
	Status struct{ UploadStatus, LastUploadedAt, IndexingStatus, LastIndexedAt, PermissionIdentityStatus string }
}

func TestTheLifeOfADocument(t *testing.T) {
	var ahead atomic.Int64
	c := newConnector(t, func(cfg *server.Config) {
		cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	c.datasource("wiki", `,"isUserReferencedByEmail":true`)
	events := func(more string) (kinds []string) {
		t.Helper()
		c.CatchUp()
		ahead.Add(int64(time.Minute)) // once a minute is what is allowed
		var answer struct {
			LifeCycleEvents []struct{ Event, Timestamp string }
		}
		c.post(200, "debug/wiki/document/events", `{"objectType":"Page","docId":"One"`+more+`}`, &answer)
		last := time.Now()
		for _, e := range answer.LifeCycleEvents {
			at, err := time.Parse(time.RFC3339, e.Timestamp)
			if err != nil || at.After(last) {
				t.Errorf("event %+v after %s, want RFC 3339 and the newest first", e, last)
			}
			last = at
			kinds = append(kinds, e.Event)
		}
		return kinds
	}
	want := func(what string, got []string, list ...string) {
		t.Helper()
		if d := cmp.Diff(list, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	want("before", events(""))
	c.index("wiki", "One", `,"permissions":{"allowedUsers":[{"email":"ann@example.com"}]}`)
	want("indexed", events(""), "INDEXED", "UPLOADED")
	var d debugDocument
	c.post(200, "debug/wiki/document", `{"objectType":"Page","docId":"ONE"}`, &d)
	if s := d.Status; s.UploadStatus != "UPLOADED" || s.IndexingStatus != "INDEXED" || s.LastIndexedAt < s.LastUploadedAt || s.PermissionIdentityStatus != "NOT_UPLOADED" {
		t.Errorf("status of a document = %+v, want it there, and its user unknown", s)
	}
	c.post(200, "indexuser", `{"datasource":"wiki","user":{"email":"ann@example.com","name":"Ann"}}`, nil)
	c.post(200, "debug/wiki/document", `{"objectType":"Page","docId":"one"}`, &d)
	if d.Status.PermissionIdentityStatus != "UPLOADED" {
		t.Errorf("permissionIdentityStatus = %q once the user was sent, want UPLOADED", d.Status.PermissionIdentityStatus)
	}
	c.index("wiki", "One", `,"permissions":{"allowedUsers":[{"email":"ann@example.com"}]}`)
	want("the same again", events(""), "INDEXED", "UPLOADED")
	c.post(200, "updatepermissions", `{"datasource":"wiki","objectType":"Page","id":"One","permissions":{}}`, nil)
	c.CatchUp()
	c.post(200, "deletedocument", `{"datasource":"wiki","objectType":"Page","id":"One"}`, nil)
	want("deleted", events(""), "DELETED", "DELETION_REQUESTED", "INDEXED", "UPLOADED", "INDEXED", "UPLOADED")
	want("the last", events(`,"maxEvents":2`), "DELETED", "DELETION_REQUESTED")
	var old struct{ UploadStatus, IndexingStatus string }
	c.post(200, "getdocumentstatus", `{"datasource":"wiki","objectType":"Page","docId":"One"}`, &old)
	if old.UploadStatus != "NOT_UPLOADED" || old.IndexingStatus != "NOT_INDEXED" {
		t.Errorf("status of a deleted document = %+v, want it nowhere", old)
	}
	c.post(429, "debug/wiki/document/events", `{"objectType":"Page","docId":"One"}`, nil)
	ahead.Add(int64(time.Minute))
	for _, bad := range []string{`,"maxEvents":101`, `,"maxEvents":0`, `,"startDate":"2020-01-01"`, `,"startDate":"yesterday"`} {
		c.post(400, "debug/wiki/document/events", `{"objectType":"Page","docId":"One"`+bad+`}`, nil)
	}
	c.post(200, "debug/wiki/document/events", `{"objectType":"Page","docId":"One","startDate":"`+time.Now().UTC().AddDate(0, 0, -29).Format(time.DateOnly)+`"}`, nil)
}

func TestWhereADatasourceStands(t *testing.T) {
	c := newConnector(t, func(cfg *server.Config) { cfg.HideNewDatasources = true })
	c.Person("ann@example.com", grant.RoleMember)
	c.Person("bob@example.com", grant.RoleMember)
	c.datasource("wiki", "")
	status := func() (s struct {
		Documents struct {
			BulkUploadHistory []struct{ UploadID, EndTime, Status, ProcessingState string }
			Counts            struct{ Uploaded, Indexed []struct{ Count int } }
			ProcessingHistory []struct{ StartTime, EndTime string }
		}
		Identity struct {
			Users, Groups, Memberships struct{ Counts struct{ Uploaded int } }
		}
		DatasourceVisibility string
	},
	) {
		t.Helper()
		c.CatchUp()
		c.post(200, "debug/wiki/status", "", &s)
		return s
	}
	for i := range 3 {
		c.index("wiki", fmt.Sprint(i), `,"permissions":{"allowAnonymousAccess":true}`)
	}
	c.post(200, "bulkindexusers", `{"uploadId":"u1","isFirstPage":true,"datasource":"wiki","users":[{"email":"ann@example.com","userId":"A","name":"Ann"}]}`, nil)
	c.post(200, "bulkindexdocuments", `{"uploadId":"d1","isFirstPage":true,"datasource":"wiki","documents":[]}`, nil)
	c.post(200, "indexgroup", `{"datasource":"wiki","group":{"name":"staff"}}`, nil)
	c.post(200, "indexgroup", `{"datasource":"wiki","group":{"name":"all"}}`, nil)
	c.post(200, "indexmembership", `{"datasource":"wiki","membership":{"groupName":"staff","memberUserId":"A"}}`, nil)
	c.post(200, "indexmembership", `{"datasource":"wiki","membership":{"groupName":"all","memberGroupName":"staff"}}`, nil)
	s := status()
	if s.DatasourceVisibility != "NOT_ENABLED" || s.Identity.Users.Counts.Uploaded != 1 || s.Identity.Groups.Counts.Uploaded != 2 || s.Identity.Memberships.Counts.Uploaded != 2 {
		t.Errorf("status = %+v, want a hidden datasource with a user, two groups and two memberships", s)
	}
	if u := s.Documents.BulkUploadHistory; len(u) != 1 || u[0].Status != "ACTIVE" || u[0].EndTime != "NA" || u[0].ProcessingState != "UPLOAD STARTED" {
		t.Errorf("uploads = %+v, want one that has just begun", u)
	}
	if n := s.Documents.Counts; len(n.Uploaded) != 1 || n.Uploaded[0].Count != 3 || len(n.Indexed) != 1 || n.Indexed[0].Count != 3 {
		t.Errorf("counts = %+v, want three of each", n)
	}
	var user struct {
		Status struct {
			IsActiveUser                 bool
			UploadStatus, LastUploadedAt string
		}
		UploadedGroups []struct{ Name string }
	}
	c.post(200, "debug/wiki/user", `{"email":"Ann@Example.com"}`, &user)
	if !user.Status.IsActiveUser || user.Status.UploadStatus != "UPLOADED" || user.Status.LastUploadedAt == "" || len(user.UploadedGroups) != 2 {
		t.Errorf("user = %+v, want her in both groups", user)
	}
	c.post(200, "debug/wiki/user", `{"email":"bob@example.com"}`, &user)
	if user.Status.UploadStatus != "NOT_UPLOADED" || len(user.UploadedGroups) != 0 {
		t.Errorf("user = %+v, want nobody", user)
	}
	var many struct {
		DocumentStatuses []struct{ DebugInfo debugDocument }
	}
	c.post(200, "debug/wiki/documents", `{"debugDocuments":[{"objectType":"Page","docId":"1"},{"objectType":"Page","docId":"none"}]}`, &many)
	if l := many.DocumentStatuses; len(l) != 2 || l[0].DebugInfo.Status.IndexingStatus != "INDEXED" || l[1].DebugInfo.Status.UploadStatus != "NOT_UPLOADED" {
		t.Errorf("documents = %+v, want one that is there and one that is not", l)
	}
	var documents struct{ DocumentCount int }
	c.post(200, "getdocumentcount", `{"datasource":"wiki"}`, &documents)
	var users struct{ UserCount int }
	c.post(200, "getusercount", `{"datasource":"wiki"}`, &users)
	if documents.DocumentCount != 3 || users.UserCount != 1 {
		t.Errorf("counts = %d documents, %d users, want 3 and 1", documents.DocumentCount, users.UserCount)
	}

	c.post(200, "betausers", `{"datasource":"wiki","emails":["ann@example.com"]}`, nil)
	sees := func(what, visibility string, ann, bob int) {
		t.Helper()
		if got := status().DatasourceVisibility; got != visibility {
			t.Errorf("%s: visibility %s, want %s", what, got, visibility)
		}
		if a, b := len(c.found("ann@example.com", "report")), len(c.found("bob@example.com", "report")); a != ann || b != bob {
			t.Errorf("%s: Ann and Bob find %d and %d, want %d and %d", what, a, b, ann, bob)
		}
	}
	sees("a new datasource with test users", "ENABLED_FOR_TEST_GROUP", 3, 0)
	admin := c.SignIn("admin@localhost")
	c.Must("PATCH", "/api/admin/v1/datasources/wiki", "", map[string]any{"visible": false}, admin.Headers()...)
	sees("hidden by an administrator", "NOT_ENABLED", 0, 0)
	c.Must("PATCH", "/api/admin/v1/datasources/wiki", "", map[string]any{"visible": true}, admin.Headers()...)
	sees("shown by an administrator", "ENABLED_FOR_ALL", 3, 3)
	c.datasource("wiki", `,"isTestDatasource":true`)
	sees("a test", "ENABLED_FOR_TEST_GROUP", 3, 0)
	for _, foreign := range []string{"debug/wiki/status", "debug/wiki/document"} {
		_, other, err := c.Authority.CreateIndexingToken(t.Context(), c.Authority.Maintenance(), authority.NewIndexingToken{
			Description: "other", Datasources: []string{"other"}, Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		if a := c.Do("POST", "/api/index/v1/"+foreign, other.Reveal(), `{"objectType":"Page","docId":"1"}`); a.Status != http.StatusForbidden {
			t.Errorf("%s with the token of another datasource = %d, want 403", foreign, a.Status)
		}
	}
}

// TestCheckAccessAgreesWithSearch holds that what a connector is told of a person is what that person finds.
func TestCheckAccessAgreesWithSearch(t *testing.T) {
	c := newConnector(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	people := []string{"p0@example.com", "p1@example.com", "p2@example.com"}
	for _, p := range people {
		c.Person(p, grant.RoleMember)
	}
	c.datasource("hr", `,"isUserReferencedByEmail":true`)
	c.datasource("wiki", `,"identityDatasourceName":"hr"`)
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	var ids []string
	yes, no := 0, 0
	for range 60 {
		switch rnd.IntN(6) {
		case 0:
			c.post(200, "indexuser", fmt.Sprintf(`{"datasource":"hr","user":{"email":%q,"userId":%q,"name":"P","isActive":%v}}`,
				pick(people...), pick("U0", "U1", "U2"), rnd.IntN(4) > 0), nil)
		case 1:
			c.post(200, "indexgroup", fmt.Sprintf(`{"datasource":"hr","group":{"name":%q}}`, pick("g0", "g1")), nil)
			c.post(200, "indexmembership", fmt.Sprintf(`{"datasource":"hr","membership":{"groupName":%q,"memberUserId":%q}}`, pick("g0", "g1"), pick(people...)), nil)
		case 2:
			c.datasource("wiki", fmt.Sprintf(`,"identityDatasourceName":%q,"isUserReferencedByEmail":%v`, pick("hr", "hr", ""), rnd.IntN(2) == 0))
		default:
			id := fmt.Sprint(rnd.IntN(8))
			permissions := pick(
				fmt.Sprintf(`{"allowedUsers":[{"email":%q,"datasourceUserId":%q}]}`, pick(people...), pick("U0", "U1", "U2")),
				fmt.Sprintf(`{"allowedGroups":[%q]}`, pick("g0", "g1")), `{"allowedGroupIntersections":[{"requiredGroups":["g0","g1"]}]}`,
				`{"allowAllDatasourceUsersAccess":true}`, `{}`,
			)
			c.index("wiki", id, `,"permissions":`+permissions)
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		for _, p := range people {
			found := c.found(p, "report")
			for _, id := range append(ids, "none") {
				var answer struct{ HasAccess *bool }
				c.post(200, "checkdocumentaccess", fmt.Sprintf(`{"datasource":"wiki","objectType":"Page","docId":%q,"userEmail":%q}`, id, p), &answer)
				want := slices.Contains(found, "wiki/Page/"+id)
				if answer.HasAccess == nil || *answer.HasAccess != want {
					t.Fatalf("checkdocumentaccess of %s for %s = %v, search finds it: %v", id, p, answer.HasAccess, want)
				}
				if want {
					yes++
				} else {
					no++
				}
			}
		}
	}
	if min(yes, no) < 50 {
		t.Errorf("%d found and %d not: the game is too simple", yes, no)
	}
	var nobody struct{ HasAccess bool }
	c.post(200, "checkdocumentaccess", `{"datasource":"wiki","objectType":"Page","docId":"1","userEmail":"nobody@example.com"}`, &nobody)
	if nobody.HasAccess {
		t.Error("somebody who does not exist has access")
	}
}

func TestProcessing(t *testing.T) {
	c := newConnector(t)
	c.Person("ann@example.com", grant.RoleMember)
	c.datasource("wiki", "")
	c.datasource("blog", "")
	c.index("wiki", "1", `,"author":{"datasourceUserId":"U1"},"permissions":{"allowAnonymousAccess":true}`)
	c.index("wiki", "2", `,"author":{"datasourceUserId":"U1","email":"bob@example.com"},"permissions":{"allowAnonymousAccess":true}`)
	from := func(who string) []string { return c.found("ann@example.com", "from:"+who) }
	processed := func(kind string) {
		t.Helper()
		until := time.Now().Add(10 * time.Second)
		for {
			var s struct {
				Documents, Identity struct {
					ProcessingHistory []struct{ EndTime string }
				}
			}
			c.post(200, "debug/wiki/status", "", &s)
			h := s.Documents.ProcessingHistory
			if kind == "memberships" {
				h = s.Identity.ProcessingHistory
			}
			if len(h) > 0 && h[0].EndTime != "" {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%s are not processed: %+v", kind, s)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if got := from("ann@example.com"); len(got) != 0 {
		t.Errorf("from Ann before her id is known: %v", got)
	}
	c.post(200, "indexuser", `{"datasource":"wiki","user":{"email":"ann@example.com","userId":"U1","name":"Ann"}}`, nil)
	c.post(200, "processallmemberships", `{"datasource":"wiki"}`, nil)
	processed("memberships")
	if got := from("ann@example.com"); len(got) != 2 {
		t.Errorf("from Ann after processing = %v, want both: ids count, and name her", got)
	}
	c.datasource("wiki", `,"isUserReferencedByEmail":true`)
	processed("documents")
	if got, other := from("ann@example.com"), from("bob@example.com"); len(got) != 1 || len(other) != 1 {
		t.Errorf("from Ann and Bob = %v and %v once addresses count, want one each", got, other)
	}
	c.post(200, "processalldocuments", `{"datasource":"wiki"}`, nil)
	c.post(429, "processalldocuments", `{"datasource":"wiki"}`, nil)
	c.post(200, "processalldocuments", "", nil)
	c.post(429, "processalldocuments", `{"datasource":"blog"}`, nil)
	c.post(429, "processalldocuments", "", nil)
	c.post(400, "processalldocuments", `{"datasource":"none"}`, nil)
	c.post(200, "processallmemberships", "", nil)
	c.post(200, "processallemployeesandteams", "", nil)
	if a := c.Do("POST", "/api/index/v1/processalldocuments", c.token, `{"datasource":"wiki"}`); a.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	_, one, err := c.Authority.CreateIndexingToken(t.Context(), c.Authority.Maintenance(), authority.NewIndexingToken{
		Description: "one", Datasources: []string{"blog"}, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"processalldocuments", "processallmemberships", "processallemployeesandteams"} {
		if a := c.Do("POST", "/api/index/v1/"+operation, one.Reveal(), nil); a.Status != http.StatusForbidden {
			t.Errorf("%s over everything with the token of one datasource = %d, want 403", operation, a.Status)
		}
	}
}

func TestRotateToken(t *testing.T) {
	c := newConnector(t)
	c.post(400, "rotatetoken", "", nil) // made without a period
	_, secret, err := c.Authority.CreateIndexingToken(t.Context(), c.Authority.Maintenance(), authority.NewIndexingToken{
		Description: "rotates", Expires: time.Now().Add(time.Hour), PeriodMinutes: 1440,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.token = secret.Reveal()
	var r struct {
		RawSecret                        string
		CreatedAt, RotationPeriodMinutes int64
	}
	c.post(200, "rotatetoken", "", &r)
	if r.RawSecret == c.token || r.RotationPeriodMinutes != 1440 || time.Since(time.Unix(r.CreatedAt, 0)) > time.Minute {
		t.Errorf("rotatetoken = period %d, created %d, another secret %v", r.RotationPeriodMinutes, r.CreatedAt, r.RawSecret != c.token)
	}
	for _, c.token = range []string{c.token, r.RawSecret} {
		c.datasource("wiki", "")
	}
}

// TestRefusalsAreRemembered holds that an administrator learns what a connector does wrong, and nothing of what it sent.
func TestRefusalsAreRemembered(t *testing.T) {
	c := newConnector(t)
	c.datasource("wiki", "")
	for range 3 {
		c.post(400, "indexdocument", `{"document":{"datasource":"wiki","objectType":"Page","id":"a","title":"SECRETWORD","body":{"mimeType":"text/plain","textContent":"SECRETWORD"}}}`, nil)
	}
	c.post(400, "indexdocument", `{"document":{"datasource":"none","objectType":"Page","id":"a","viewURL":"https://a/a"}}`, nil)
	c.index("wiki", "b", "")
	a, err := c.Corpus.Activity(t.Context(), c.Authority.Maintenance(), "wiki", 28)
	if err != nil {
		t.Fatal(err)
	}
	today := a.Days[len(a.Days)-1]
	if len(a.Days) != 28 || today.Uploads != 1 || today.Refused != 3 || a.Documents != 1 || time.Since(a.LastUpload) > time.Minute {
		t.Errorf("Activity() = %+v, want an upload and three refusals today, of 28 days", a)
	}
	n := int64(0)
	for _, r := range a.Refusals {
		n += r.Times
		if strings.Contains(r.Message+r.Subject, "SECRET") || r.Status != 400 || r.Subject != "Page/a" || r.Message == "" {
			t.Errorf("refusal %+v, want the document's name and what was wrong with it", r)
		}
	}
	if n != 3 {
		t.Errorf("%d refusals of the datasource, want 3", n)
	}
	if a, err := c.Corpus.Refusals(t.Context(), c.Authority.Maintenance(), "none"); err != nil || len(a) != 0 {
		t.Errorf("Refusals() of a datasource that is not there = %v, %v", a, err)
	}
	if _, err := c.Corpus.Activity(t.Context(), grant.Caller{}, "wiki", 28); err == nil {
		t.Error("Activity() for nobody")
	}
}
