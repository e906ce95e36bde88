package scim_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestWrong holds what is refused, and with which word of RFC 7644.
func TestWrong(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	id := w.must(201, "POST", "/Users", `{"userName":"ada@example.com","title":"Reader","emails":[{"value":"ada@example.com","type":"work"}]}`).Body["id"].(string)
	group := w.group("Readers", id)
	patch := func(op string) string { return `{"Operations":[` + op + `]}` }
	long := strings.Repeat("x", 40_000)
	for _, c := range []struct{ method, path, body, word string }{
		{"POST", "/Users", `{}`, "invalidValue"},
		{"POST", "/Users", `{"userName":7}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","USERNAME":"b@example.com"}`, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"a@example.com","userName":"b@example.com"}`, "invalidSyntax"},
		{"POST", "/Users", `[]`, "invalidSyntax"},
		{"POST", "/Users", `{"userName":`, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"a@example.com","active":"perhaps"}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","name":"Ada"}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","title":"` + long + `"}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","displayName":"a\u0000b"}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","displayName":"a\nb"}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","emails":[` + strings.Repeat(`{"value":"a@b"},`, 200) + `{"value":"a@b"}]}`, "invalidValue"},
		{"POST", "/Users", `{"userName":"a@example.com","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":"x"}`, "invalidValue"},
		{"POST", "/Groups", `{}`, "invalidValue"},
		{"POST", "/Groups", `{"displayName":"x","members":[{"value":"` + id + `","type":"Group"}]}`, "invalidValue"},
		{"POST", "/Groups", `{"displayName":"x","members":[{"display":"somebody"}]}`, "invalidValue"},
		{"POST", "/Groups", `{"displayName":"x","members":[{"value":"stranger"}]}`, "invalidValue"},
		{"PATCH", "/Users/" + id, `{}`, "invalidSyntax"},
		{"PATCH", "/Users/" + id, `{"Operations":[]}`, "invalidSyntax"},
		{"PATCH", "/Users/" + id, `{"Operations":["x"]}`, "invalidSyntax"},
		{"PATCH", "/Users/" + id, patch(`{"op":"move","path":"title"}`), "invalidSyntax"},
		{"PATCH", "/Users/" + id, patch(`{"op":"remove"}`), "noTarget"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"nothing","value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"name.nothing","value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"emails[type eq","value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"title[type eq \"x\"]","value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":7,"value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"urn:x:y:z","value":1}`), "invalidPath"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"id","value":"x"}`), "mutability"},
		{"PATCH", "/Users/" + id, patch(`{"op":"add","path":"groups","value":[{"value":"x"}]}`), "mutability"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"emails[type ne \"work\"].value","value":"x"}`), "noTarget"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","value":"x"}`), "invalidValue"},
		{"PATCH", "/Users/" + id, patch(`{"op":"remove","path":"userName"}`), "invalidValue"},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"active","value":"no"}`), "invalidValue"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"remove","path":"displayName"}`), "invalidValue"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"add","path":"members","value":[{"value":"stranger"}]}`), "invalidValue"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"add","path":"members","value":[{"value":"` + id + `","type":"group"}]}`), "invalidValue"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"replace","path":"members.value","value":"` + id + `"}`), "invalidPath"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"add","path":"members[value eq \"\"]","value":{"type":"User"}}`), "invalidPath"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"remove","path":"members[type eq \"User\"]"}`), "invalidPath"},
	} {
		if a := w.do(c.method, c.path, c.body); a.Status != 400 || a.at("scimType") != c.word || a.at("detail") == nil {
			t.Errorf("%s %s %.80s = %d %s, want %s", c.method, c.path, c.body, a.Status, a.Text, c.word)
		}
	}
	for _, filter := range []string{
		`userName`, `userName eq`, `userName eq x`, `userName is "x"`, `eq "x"`, `(userName eq "x"`, `userName eq "x")`, `userName eq "x`, `userName eq "\x"`,
		`nothing eq "x"`, `userName eq "x" and`, `not userName eq "x"`, `emails[type eq "x"`, `emails[emails[type pr] pr]`, `emails[userName eq "x"]`, `active gt true`,
		`active eq "perhaps"`, `addresses eq "x"`, `userName eq 7`, `title[type pr]`, `urn:x:nothing eq "x"`, `groups.value eq "x"`, `emails[type eq "x"].nothing eq "x"`,
		strings.Repeat("(", 40) + `title pr` + strings.Repeat(")", 40), strings.Repeat(`title pr or `, 80) + `title pr`, `title eq "` + long[:5000] + `"`,
	} {
		if a := w.do("GET", "/Users?filter="+url.QueryEscape(filter), ""); a.Status != 400 || a.at("scimType") != "invalidFilter" {
			t.Errorf("filter %.80s = %d %s", filter, a.Status, a.Text)
		}
	}
	for _, filter := range []string{`members.value eq "x" or displayName pr`, `members eq "x" and not (members eq "y")`, `members eq "x" and members eq "y"`, `not (members eq "x")`, `members[type eq "User"]`} {
		if a := w.do("GET", "/Groups?filter="+url.QueryEscape(filter), ""); a.Status != 400 || a.at("scimType") != "invalidFilter" {
			t.Errorf("groups by %s: %s", filter, a.Text)
		}
	}
	if a := w.do("POST", "/Users", `{"userName":"a@example.com"}`, "Content-Type", "text/plain"); a.Status != 415 {
		t.Errorf("plain text = %d", a.Status)
	}
	if a := w.do("POST", "/Users", `{"userName":"`+strings.Repeat("a", 9<<20)+`"}`); a.Status != 413 || a.at("status") != "413" {
		t.Errorf("a large body = %d %.100s", a.Status, a.Text)
	}
	fat := `{"displayName":"x","members":[` + strings.Repeat(`{"value":"`+id+`"},`, 10_000) + `{"value":"` + id + `"}]}`
	w.must(413, "POST", "/Users", fat)
	w.must(201, "POST", "/Groups", fat)
	// A PATCH is all or nothing.
	w.must(400, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"title","value":"Writer"},{"op":"replace","path":"nothing","value":1}`))
	if a := w.must(200, "GET", "/Users/"+id, ""); a.at("title") != "Reader" {
		t.Errorf("half a PATCH: %s", a.Text)
	}
}

// TestPatch holds what operations do.
func TestPatch(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	id := w.user("ada@example.com")
	for _, c := range []struct{ op, path, want string }{
		{`{"op":"add","path":"emails","value":{"value":"a@x","type":"work","primary":true}}`, "emails", `[{"primary":true,"type":"work","value":"a@x"}]`},
		{`{"op":"add","value":{"emails":[{"value":"b@x","primary":"True"},{"value":"a@x","type":"work"}]}}`, "emails", `[{"type":"work","value":"a@x"},{"primary":true,"value":"b@x"}]`},
		{`{"op":"replace","path":"emails[value eq \"b@x\"]","value":{"type":"home"}}`, "emails", `[{"type":"work","value":"a@x"},{"primary":true,"type":"home","value":"b@x"}]`},
		{`{"op":"remove","path":"emails[type eq \"home\"].primary"}`, "emails", `[{"type":"work","value":"a@x"},{"type":"home","value":"b@x"}]`},
		{`{"op":"remove","path":"emails[type eq \"home\"]"}`, "emails", `[{"type":"work","value":"a@x"}]`},
		{`{"op":"replace","path":"emails.type","value":"other"}`, "emails", `[{"type":"other","value":"a@x"}]`},
		{`{"op":"replace","path":"emails","value":[{"value":"c@x"}]}`, "emails", `[{"value":"c@x"}]`},
		{`{"op":"remove","path":"emails"}`, "emails", ``},
		{`{"op":"add","path":"name","value":{"GivenName":"Ada"}}`, "name", `{"givenName":"Ada"}`},
		{`{"op":"replace","path":"name","value":{"familyName":"Lindt"}}`, "name", `{"familyName":"Lindt","givenName":"Ada"}`},
		{`{"op":"remove","path":"name.givenName"}`, "name", `{"familyName":"Lindt"}`},
		{`{"op":"replace","path":"name.familyName","value":null}`, "name", ``},
		{`{"op":"add","path":"phoneNumbers[type eq \"work\" and primary eq true].value","value":"1"}`, "phoneNumbers", `[{"primary":true,"type":"work","value":"1"}]`},
		{`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":""}`, "phoneNumbers", `[{"primary":true,"type":"work"}]`},
		{`{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","value":{"department":"Press"}}`, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `{"department":"Press"}`},
		{`{"op":"replace","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user":{"manager":{"value":"m"}}}}`, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `{"department":"Press","manager":{"value":"m"}}`},
		{`{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}`, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `{"department":"Press"}`},
		{`{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}`, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ``},
		{`{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:TITLE","value":"Reader"}`, "title", `"Reader"`},
		{`{"op":"replace","path":"password","value":"secret"}`, "password", ``},
		{`{"op":"add","path":"title"}`, "title", `"Reader"`},
		{`{"op":"add","value":{"title":null}}`, "title", `"Reader"`},
	} {
		a := w.must(200, "PATCH", "/Users/"+id, `{"operations":[`+c.op+`]}`)
		if got := text(t, a.Body[c.path]); got != c.want {
			t.Errorf("%s: %s = %s, want %s", c.op, c.path, got, c.want)
		}
	}
}

// TestMembersByPatch holds what operations on members do, one after the other.
func TestMembersByPatch(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	a, b, c := w.user("a@example.com"), w.user("b@example.com"), w.user("c@example.com")
	names := strings.NewReplacer("$a", a, "$b", b, "$c", c)
	group := w.group("Readers", a)
	for _, step := range []struct{ op, want string }{
		{`{"op":"add","path":"members","value":[{"value":"$b","type":"User"},{"value":"$a"}]}`, "a b"},
		{`{"op":"add","path":"members"}`, "a b"},
		{`{"op":"add","path":"members","value":null}`, "a b"},
		{`{"op":"add","path":"members","value":[]}`, "a b"},
		{`{"op":"add","value":{"members":[{"value":"$c"}]}}`, "a b c"},
		{`{"op":"remove","path":"members","value":[{"value":"$b","type":"User"},{"value":"stranger"}]}`, "a c"},
		{`{"op":"remove","path":"members[value eq \"$a\" or value eq \"stranger\"]"}`, "c"},
		{`{"op":"replace","path":"members","value":{"value":"$a"}}`, "a"},
		{`{"op":"replace","value":{"displayName":"Readers","members":[{"value":"$b"}]}}`, "b"},
		{`{"op":"add","path":"members[value eq \"$a\"]","value":{"value":"$a","display":"A"}}`, "a b"},
		{`{"op":"replace","path":"members[value eq \"$a\"].display","value":"Ada"}`, "a b"},
		{`{"op":"replace","path":"members[value eq \"$a\"].value","value":"$c"}`, "b c"},
		{`{"op":"remove","path":"members[value eq \"$b\"]","value":[{"value":"$c"}]}`, "c"},
		{`{"op":"remove","path":"members[value eq \"$b\"]"}`, "c"},
		{`{"op":"replace","path":"members","value":[]}`, ""},
		{`{"op":"add","path":"members","value":"$a"}`, "a"},
		{`{"op":"replace","path":"members","value":null}`, ""},
		{`{"op":"add","path":"members","value":[{"value":"$a"},{"value":"$b"}]},{"op":"remove","path":"members"}`, ""},
	} {
		w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[`+names.Replace(step.op)+`]}`)
		var got []string
		list, _ := w.must(200, "GET", "/Groups/"+group, "").at("members").([]any)
		for _, m := range list {
			got = append(got, map[any]string{a: "a", b: "b", c: "c"}[at(m, "value")])
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != step.want {
			t.Errorf("%s leaves %q, want %q", step.op, text, step.want)
		}
	}
}

// TestDescription holds that the schemas describe every attribute that is taken.
func TestDescription(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	a := w.must(200, "GET", "/Schemas", "")
	if a.at("totalResults") != 3.0 {
		t.Fatalf("schemas: %s", a.Text)
	}
	for _, s := range a.at("Resources").([]any) {
		one := w.must(200, "GET", "/Schemas/"+at(s, "id").(string), "")
		if one.at("name") != at(s, "name") || len(one.at("attributes").([]any)) == 0 {
			t.Errorf("schema: %s", one.Text)
		}
		if external := at(one.Body, "attributes|0|name") == "externalId"; external == strings.Contains(at(s, "id").(string), "enterprise") {
			t.Errorf("externalId is described: %t, by %s", external, at(s, "id"))
		}
	}
	w.must(404, "GET", "/Schemas/urn:nothing", "")
	w.must(403, "GET", "/Schemas?filter="+url.QueryEscape(`id pr`), "")
	if a := w.must(200, "GET", "/ResourceTypes", ""); a.at("Resources|0|endpoint") != "/Users" || a.at("Resources|1|id") != "Group" {
		t.Errorf("resource types: %s", a.Text)
	}
	w.must(200, "GET", "/ResourceTypes/User", "")
	w.must(404, "GET", "/ResourceTypes/Robot", "")
	if a := w.must(200, "GET", "/ServiceProviderConfig", ""); at(a.Body, "patch|supported") != true || at(a.Body, "bulk|supported") != false || at(a.Body, "filter|maxResults") != 200.0 {
		t.Errorf("config: %s", a.Text)
	}
}
