package why_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/demo"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/why"
)

// office is a server with a wiki of a few documents, and people of each role.
type office struct {
	*sheaftest.Server
	t                 *testing.T
	super, admin, ann sheaftest.Session
}

const (
	superEmail = "admin@localhost"
	adminEmail = "ada@quillmere.example"
	annEmail   = "ann@quillmere.example"
	secretURL  = "https://wiki.quillmere.example/layoffs"
	secretText = "Confidential reorganisation"
)

func newOffice(t *testing.T) *office {
	s := sheaftest.Open(t)
	o := &office{Server: s, t: t}
	s.Person(adminEmail, grant.RoleAdmin)
	s.Person(annEmail, grant.RoleMember)
	o.super, o.admin, o.ann = s.SignIn(superEmail), s.SignIn(adminEmail), s.SignIn(annEmail)
	token := s.Indexing()
	post := func(op string, body any) { s.Must("POST", "/api/index/v1/"+op, token, body) }
	post("adddatasource", map[string]any{"name": "wiki", "displayName": "Field wiki", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "https://wiki.quillmere.example/.*"})
	for id, email := range map[string]string{"u1": annEmail, "u2": adminEmail, "u3": "ann@old.example"} {
		post("indexuser", map[string]any{"datasource": "wiki", "user": map[string]any{"email": email, "userId": id, "name": id, "isActive": true}})
	}
	for _, g := range []string{"board", "staff", "team"} {
		post("indexgroup", map[string]any{"datasource": "wiki", "group": map[string]any{"name": g}})
	}
	for _, m := range []map[string]any{
		{"groupName": "team", "memberUserId": "u1"}, {"groupName": "staff", "memberGroupName": "team"}, {"groupName": "team", "memberUserId": "u2"},
	} {
		post("indexmembership", map[string]any{"datasource": "wiki", "membership": m})
	}
	document := func(id, title, body string, permissions map[string]any) {
		post("indexdocument", map[string]any{"document": map[string]any{
			"datasource": "wiki", "objectType": "page", "id": id, "title": title, "viewURL": "https://wiki.quillmere.example/" + id,
			"body": map[string]any{"mimeType": "text/plain", "textContent": body}, "permissions": permissions,
		}})
	}
	document("tides", "Tide tables", "The tide comes in twice a day, and storm surges come on top.", map[string]any{"allowedGroups": []string{"staff"}})
	document("storms", "Storm watch", "A storm is near when the pressure falls fast.", map[string]any{"allowAllDatasourceUsersAccess": true})
	document("layoffs", secretText, "A storm of a kind.", map[string]any{"allowedGroups": []string{"board", "nowhere"}})
	s.CatchUp()
	return o
}

func (o *office) access(by sheaftest.Session, person, document string) (why.AccessAnswer, sheaftest.Answer) {
	o.t.Helper()
	a := o.Do("POST", "/api/admin/v1/why/access", "", why.AccessRequest{Person: person, Document: document}, by.Headers()...)
	var answer why.AccessAnswer
	if a.Status == 200 {
		a.Decode(&answer)
	}
	return answer, a
}

func (o *office) rank(by sheaftest.Session, req why.RankRequest) (why.RankAnswer, sheaftest.Answer) {
	o.t.Helper()
	a := o.Do("POST", "/api/admin/v1/why/rank", "", req, by.Headers()...)
	var answer why.RankAnswer
	if a.Status == 200 {
		a.Decode(&answer)
	}
	return answer, a
}

func codes(list []why.Reason) (s string) {
	for _, r := range list {
		s += r.Code + " "
	}
	return strings.TrimSpace(s)
}

func TestAccess(t *testing.T) {
	o := newOffice(t)
	seen, _ := o.access(o.admin, annEmail, "wiki/page/tides")
	if !seen.Sees || len(seen.Ways) != 1 || len(seen.Ways[0].Chains) != 1 || len(seen.Ways[0].Chains[0]) != 4 || seen.Document.Title != "Tide tables" {
		t.Errorf("Ann and the tides: %+v", seen)
	}
	not, raw := o.access(o.admin, annEmail, secretURL)
	if not.Sees || codes(not.Reasons) != "group-unknown not-a-member" {
		t.Errorf("Ann and what is the board's: sees %v, %q", not.Sees, codes(not.Reasons))
	}
	// Of a document that the administrator may not see, the answer says what was typed and nothing else.
	if strings.Contains(raw.Body, secretText) || strings.Contains(raw.Body, "wiki/page/layoffs") || not.Document != (why.Document{Named: secretURL}) {
		t.Errorf("an explanation shows a hidden document: %s", raw.Body)
	}
	if _, super := o.access(o.super, annEmail, secretURL); strings.Contains(super.Body, secretText) {
		t.Errorf("an explanation shows a Super Admin a hidden document: %s", super.Body)
	}
	// By address as by body, and for oneself where nobody is named.
	byURL := o.Must("GET", "/api/admin/v1/why/access?"+url.Values{"person": {annEmail}, "document": {secretURL}}.Encode(), "", nil, "Cookie", o.admin.Cookie)
	if byURL.Body != raw.Body {
		t.Errorf("GET answers %s, POST %s", byURL.Body, raw.Body)
	}
	if own, _ := o.access(o.admin, "", "wiki/page/storms"); own.Person.Email != adminEmail || !own.Sees {
		t.Errorf("of oneself: %+v", own)
	}
	for _, c := range []struct {
		person, document string
		status           int
		field            string
	}{
		{annEmail, "wiki/page/none", 404, `"field":"document"`},
		{annEmail, "", 400, `"field":"document"`},
		{"nobody@quillmere.example", "wiki/page/tides", 404, `"field":"person"`},
		{annEmail, strings.Repeat("x", 4000), 400, `"field":"document"`},
		{annEmail, "wiki/page/none\x00", 400, ""},
		{annEmail, "no document", 404, ""},
	} {
		if _, a := o.access(o.admin, c.person, c.document); a.Status != c.status || !strings.Contains(a.Body, c.field) {
			t.Errorf("of %q and %.20q: %d %s, want %d %s", c.person, c.document, a.Status, a.Body, c.status, c.field)
		}
	}
	if _, a := o.access(o.ann, annEmail, "wiki/page/tides"); a.Status != 403 {
		t.Errorf("a Member asks why: %d %s, want 403", a.Status, a.Body)
	}
	if a := o.Do("POST", "/api/admin/v1/why/access", "", `{"document":"wiki/page/tides","extra":1}`, o.admin.Headers()...); a.Status != 400 {
		t.Errorf("an unknown key: %d, want 400", a.Status)
	}
	log := o.Must("GET", "/api/admin/v1/audit?action=why.access&limit=100", "", nil, "Cookie", o.admin.Cookie).Body
	for _, want := range []string{secretURL, annEmail, adminEmail} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log does not have %q:\n%s", want, log)
		}
	}
}

// TestAccessReasons holds the words of each state that an administrator can mend.
func TestAccessReasons(t *testing.T) {
	o := newOffice(t)
	token := o.Indexing()
	permit := func(permissions map[string]any) {
		t.Helper()
		o.Must("POST", "/api/index/v1/updatepermissions", token, map[string]any{"datasource": "wiki", "objectType": "page", "id": "layoffs", "permissions": permissions})
	}
	for _, c := range []struct {
		permissions map[string]any
		codes       string
		words       string
	}{
		{map[string]any{}, "no-permissions", "nobody sees it"},
		{map[string]any{"allowedUsers": []map[string]any{{"datasourceUserId": "u3"}}}, "identity-has-other-address", "u3 (ann@old.example)"},
		{map[string]any{"allowedUsers": []map[string]any{{"datasourceUserId": "u9"}}}, "user-unknown", "u9"},
		{map[string]any{"allowedUsers": []map[string]any{{"datasourceUserId": "u2"}}}, "other-users", "1 user"},
		{map[string]any{"allowedGroups": []string{"board"}}, "not-a-member", "the user u1"},
		{map[string]any{"allowedGroupIntersections": []map[string]any{{"requiredGroups": []string{"team", "board"}}}}, "intersection-lacks-group", "is not in board"},
	} {
		permit(c.permissions)
		a, raw := o.access(o.admin, annEmail, "wiki/page/layoffs")
		if a.Sees || codes(a.Reasons) != c.codes || !strings.Contains(raw.Body, c.words) {
			t.Errorf("with %v: sees %v, %q, want %q and %q in\n%s", c.permissions, a.Sees, codes(a.Reasons), c.codes, c.words, raw.Body)
		}
	}
	o.Must("PATCH", "/api/admin/v1/datasources/wiki", "", map[string]any{"visible": false}, o.super.Headers()...)
	if a, _ := o.access(o.admin, annEmail, "wiki/page/storms"); a.Sees || codes(a.Reasons) != "datasource-hidden" || len(a.Ways) != 1 {
		t.Errorf("in a hidden datasource: %+v", a)
	}
	o.Must("PATCH", "/api/admin/v1/datasources/wiki", "", map[string]any{"visible": true}, o.super.Headers()...)
	o.Must("POST", "/api/index/v1/indexuser", token, map[string]any{"datasource": "wiki", "user": map[string]any{"email": annEmail, "userId": "u1", "name": "u1", "isActive": false}})
	if a, _ := o.access(o.admin, annEmail, "wiki/page/storms"); a.Sees || codes(a.Reasons) != "identity-inactive" {
		t.Errorf("with an inactive user: %+v", a)
	}
	o.Must("POST", "/api/index/v1/deleteuser", token, map[string]any{"datasource": "wiki", "email": annEmail})
	if a, _ := o.access(o.admin, annEmail, "wiki/page/storms"); a.Sees || codes(a.Reasons) != "no-identity" {
		t.Errorf("with no user: %+v", a)
	}
	o.Must("PATCH", "/api/admin/v1/users/"+annEmail, "", map[string]any{"active": false}, o.super.Headers()...)
	if a, _ := o.access(o.admin, annEmail, "wiki/page/storms"); a.Sees || !strings.HasPrefix(codes(a.Reasons), "person-inactive") {
		t.Errorf("of somebody inactive: %+v", a)
	}
}

func TestRank(t *testing.T) {
	o := newOffice(t)
	own, raw := o.rank(o.admin, why.RankRequest{Query: "storm pressure"})
	if len(own.Results) != 2 || own.Results[0].Document.ID != "wiki/page/storms" || own.Results[0].Strength != 100 || own.Order != why.OrderRelevance {
		t.Fatalf("the administrator's own results: %s", raw.Body)
	}
	if strings.Contains(raw.Body, "layoffs") || strings.Contains(raw.Body, secretText) {
		t.Errorf("an explanation shows a hidden document: %s", raw.Body)
	}
	sum := 0
	for _, f := range own.Results[0].Factors {
		if f.Code == "word" || f.Code == "pair" {
			sum += f.Percent
		}
	}
	if sum < 90 || sum > 110 {
		t.Errorf("the shares of the first result add up to %d %%: %+v", sum, own.Results[0].Factors)
	}
	second, _ := o.rank(o.admin, why.RankRequest{Query: "storm pressure", Document: "wiki/page/tides"})
	if len(second.Results) != 1 || second.Results[0].Place != 2 || second.Results[0].Document.Title != "Tide tables" {
		t.Errorf("of the tides: %+v", second)
	}
	if none, _ := o.rank(o.admin, why.RankRequest{Query: "zeppelin", Document: "wiki/page/tides"}); none.Missing == nil || none.Missing.Code != why.CodeNotMatched {
		t.Errorf("of a query that does not find it: %+v", none)
	}
	if hidden, a := o.rank(o.admin, why.RankRequest{Query: "storm", Document: secretURL}); hidden.Missing == nil || hidden.Missing.Code != why.CodeNotSeen || strings.Contains(a.Body, secretText) {
		t.Errorf("of a hidden document: %s", a.Body)
	}
	for _, odd := range []why.RankRequest{
		{Query: "updated:never"},
		{Query: "storm", Filters: []why.Filter{{Field: "updated", Values: []string{"never"}}}},
		{Query: "storm", Filters: []why.Filter{{Values: []string{"x"}}}},
		{Query: strings.Repeat("a", 1001)},
		{Query: "storm", Limit: 51},
	} {
		if _, a := o.rank(o.admin, odd); a.Status != 400 && a.Status != 200 {
			t.Errorf("of %+v: %d %s, want 400, or 200 where it means something", odd, a.Status, a.Body)
		}
	}
	if newest, _ := o.rank(o.admin, why.RankRequest{}); newest.Order != why.OrderNewest || len(newest.Results) != 2 {
		t.Errorf("of no words: %+v", newest)
	}
}

// TestRankForOthers holds that only Super Admins ask for others, of one document, and that it is recorded.
func TestRankForOthers(t *testing.T) {
	o := newOffice(t)
	if _, a := o.rank(o.admin, why.RankRequest{Query: "storm", Person: annEmail, Document: "wiki/page/tides"}); a.Status != 403 {
		t.Errorf("an Admin asks for somebody else: %d %s, want 403", a.Status, a.Body)
	}
	if _, a := o.rank(o.super, why.RankRequest{Query: "storm", Person: annEmail}); a.Status != 400 {
		t.Errorf("without a document: %d %s, want 400", a.Status, a.Body)
	}
	got, a := o.rank(o.super, why.RankRequest{Query: "storm pressure", Person: annEmail, Document: "wiki/page/tides"})
	if len(got.Results) != 1 || got.Results[0].Place != 2 || got.Results[0].Document != (why.Document{Named: "wiki/page/tides"}) {
		t.Errorf("of Ann's tides: %s", a.Body)
	}
	if strings.Contains(a.Body, "Tide tables") || strings.Contains(a.Body, "Storm watch") {
		t.Errorf("a Super Admin who may not see them is shown titles: %s", a.Body)
	}
	log := o.Must("GET", "/api/admin/v1/audit?action=admin.search_as&limit=100", "", nil, "Cookie", o.super.Cookie).Body
	if strings.Count(log, `"action":"admin.search_as"`) != 1 || !strings.Contains(log, "storm pressure") || !strings.Contains(log, annEmail) {
		t.Errorf("the audit log does not tell of the one search as somebody else:\n%s", log)
	}
}

// TestALongQueryHidesNothing holds that what is asked about is on record however long the query is.
func TestALongQueryHidesNothing(t *testing.T) {
	o := newOffice(t)
	o.rank(o.admin, why.RankRequest{Query: strings.Repeat("storms ", 140), Document: "  wiki/page/tides"})
	log := o.Must("GET", "/api/admin/v1/audit?action=why.rank&limit=100", "", nil, "Cookie", o.super.Cookie).Body
	if !strings.Contains(log, "wiki/page/tides") {
		t.Errorf("the audit log does not tell of which document:\n%s", log)
	}
}

// TestAccessAgreesWithReading asks why of people and documents of the sample company at random, and reads the same over the API.
func TestAccessAgreesWithReading(t *testing.T) {
	s := sheaftest.Demo(t)
	admin := s.SignIn(s.Company.Admin)
	rnd := rand.New(rand.NewPCG(160, 4))
	people := slices.DeleteFunc(slices.Clone(s.Company.People), func(p demo.Person) bool { return p.Status == "EX" })
	documents := s.Company.Documents
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	yes := 0
	for range rounds {
		email, d := people[rnd.IntN(len(people))].Email, documents[rnd.IntN(len(documents))]
		key := fmt.Sprintf("%s/%s/%s", d.Datasource, d.Type, d.ID)
		var read struct {
			Documents map[string]struct {
				Error string `json:"error"`
			} `json:"documents"`
		}
		s.Must("POST", "/rest/api/v1/getdocuments", s.As(email), map[string]any{"documentSpecs": []map[string]any{{"id": key}}}).Decode(&read)
		var answer why.AccessAnswer
		s.Must("POST", "/api/admin/v1/why/access", "", why.AccessRequest{Person: email, Document: key}, admin.Headers()...).Decode(&answer)
		if sees := read.Documents[key].Error == ""; answer.Sees != sees {
			t.Fatalf("%s and %s: why says %v, reading says %v: %+v", email, key, answer.Sees, sees, answer)
		}
		if answer.Sees {
			yes++
		} else if len(answer.Reasons) == 0 {
			t.Errorf("%s does not see %s, and nothing says why", email, key)
		}
	}
	if yes == 0 || yes == rounds {
		t.Errorf("%d of %d are seen: the company is too simple", yes, rounds)
	}
}
