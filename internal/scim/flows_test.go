package scim_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestValidation walks through what the two providers publish as tests of a SCIM server: Entra ID's validator with its users, its groups and
// its repeated requests, and Okta's suite, which looks at the forms of answers more than at their effects.
func TestValidation(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		filter := func(kind, text string) answer {
			t.Helper()
			a := w.must(200, "GET", "/"+kind+"?filter="+url.QueryEscape(text), "")
			if at(a.Body, "schemas|0") != "urn:ietf:params:scim:api:messages:2.0:ListResponse" || a.at("Resources") == nil || a.at("itemsPerPage") == nil {
				t.Errorf("a list: %s", a.Text)
			}
			return a
		}
		failed := func(a answer, status, word string) {
			t.Helper()
			got, _ := a.at("scimType").(string)
			if at(a.Body, "schemas|0") != "urn:ietf:params:scim:api:messages:2.0:Error" || a.at("status") != status || a.at("detail") == nil || got != word {
				t.Errorf("an error: %s, want %s %q", a.Text, status, word)
			}
		}
		const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"%s",
			"externalId":"%s","active":true,"displayName":"Vera Lindt","nickName":"V","preferredLanguage":"de","userType":"Employee","timezone":"Europe/Berlin","profileUrl":"https://x.example/v",
			"name":{"formatted":"Vera Lindt","familyName":"Lindt","givenName":"Vera","honorificPrefix":"Dr","middleName":"M"},
			"emails":[{"type":"work","value":"vera@x.example","primary":true}],"addresses":[{"type":"work","locality":"Ulm","postalCode":"1"}],
			"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"},{"type":"fax","value":"3"}],"roles":[{"primary":"True","value":"reader","type":"R","display":"Reader"}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1","department":"D","costCenter":"C","organization":"O","division":"V","manager":{"value":"m1"}}}`
		body := func(name, ext string) string {
			return strings.Replace(strings.Replace(user, "%s", name, 1), "%s", ext, 1)
		}

		// Users, as the validator goes.
		vera := w.must(201, "POST", "/Users", body("vera@x.example", "e1"))
		id := vera.Body["id"].(string)
		if vera.Header.Get("Location") != vera.at("meta|location") || at(vera.Body, "roles|0|primary") != true {
			t.Errorf("made: %s", vera.Text)
		}
		failed(w.must(409, "POST", "/Users", body("vera@x.example", "e1")), "409", "uniqueness")
		failed(w.must(409, "POST", "/Users", body("VERA@x.example", "e2")), "409", "uniqueness")
		for text, n := range map[string]float64{
			`userName eq "vera@x.example"`: 1, `userName eq "VERA@X.EXAMPLE"`: 1, `userName eq "nobody@x.example"`: 0, `externalId eq "e1"`: 1, `externalId eq "E1"`: 0,
			`emails[type eq "work"].value eq "vera@x.example"`: 1, `userName eq "vera@x.example" and active eq false`: 0,
		} {
			if a := filter("Users", text); a.at("totalResults") != n {
				t.Errorf("%s: %s", text, a.Text)
			}
		}
		patch := func(path, ops string) answer {
			t.Helper()
			return w.do("PATCH", path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+ops+`]}`)
		}
		const ext = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
		for _, c := range []struct{ ops, path, want string }{
			{`{"op":"replace","path":"userName","value":"vera.lindt@x.example"}`, "userName", `"vera.lindt@x.example"`},
			{`{"op":"Replace","path":"addresses[type eq \"work\"].formatted","value":"x"}`, "addresses", `[{"formatted":"x","locality":"Ulm","postalCode":"1","type":"work"}]`},
			{`{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"writer"}`, "roles", `[{"display":"Reader","primary":true,"type":"R","value":"writer"}]`},
			{`{"op":"Replace","path":"phoneNumbers[type eq \"fax\"].value","value":"4"}`, "phoneNumbers", `[{"type":"work","value":"1"},{"type":"mobile","value":"2"},{"type":"fax","value":"4"}]`},
			{`{"op":"Remove","path":"phoneNumbers[type eq \"fax\"]"},{"op":"Remove","path":"phoneNumbers[type eq \"mobile\"].value"}`, "phoneNumbers", `[{"type":"work","value":"1"},{"type":"mobile"}]`},
			{`{"op":"Replace","path":"` + ext + `:manager","value":"m2"}`, ext + "|manager", `{"value":"m2"}`},
			{`{"op":"Replace","path":"` + ext + `:manager","value":{"value":"m3"}}`, ext + "|manager", `{"value":"m3"}`},
			{`{"op":"Replace","path":"` + ext + `:manager.value","value":"m4"}`, ext + "|manager", `{"value":"m4"}`},
			{`{"op":"Replace","path":"` + ext + `:manager","value":""}`, ext + "|manager", ``},
			{`{"op":"Add","path":"` + ext + `:manager","value":"m5"}`, ext + "|manager", `{"value":"m5"}`},
			{`{"op":"Remove","path":"` + ext + `:manager"}`, ext + "|manager", ``},
			{`{"op":"Replace","path":"nickName","value":""},{"op":"Add","path":"userType","value":""},{"op":"Replace","path":"name.honorificPrefix","value":""}`, "nickName", ``},
			{`{"op":"Replace","path":"nickName","value":null},{"op":"Add","path":"userType","value":null},{"op":"Replace","value":{"name.honorificPrefix":null,"` + ext + `:costCenter":""}}`, "userType", ``},
			{`{"op":"Replace","value":{"` + ext + `:department":"E","name.givenName":"Wera","active":"True"}}`, ext + "|department", `"E"`},
			{`{"op":"Replace","path":"preferredLanguage","value":"en"},{"op":"Add","path":"nickName","value":"W"},{"op":"Remove","path":"timezone"}`, "nickName", `"W"`},
			{`{"op":"Replace","path":"active","value":"False"}`, "active", `false`},
			{`{"op":"Add","path":"active","value":true}`, "active", `true`},
		} {
			a := patch("/Users/"+id, c.ops)
			var v any = a.Body
			for part := range strings.SplitSeq(c.path, "|") {
				o, _ := v.(map[string]any)
				v = o[part]
			}
			if got := text(t, v); a.Status != 200 || got != c.want {
				t.Errorf("%s = %d, %s is %s, want %s", c.ops, a.Status, c.path, got, c.want)
			}
		}
		if a := w.must(200, "GET", "/Users/"+id, ""); at(a.Body, "name|honorificPrefix") != nil || at(a.Body[ext], "costCenter") != nil || a.at("timezone") != nil || a.at("preferredLanguage") != "en" || a.at("name|givenName") != "Wera" {
			t.Errorf("after all: %s", a.Text)
		}
		failed(patch("/Users/nobody", `{"op":"Replace","path":"title","value":"x"}`), "404", "")
		failed(w.must(404, "PUT", "/Users/nobody", body("a@x.example", "")), "404", "")

		// Groups.
		group := func(name, ext string) string {
			return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `","externalId":"` + ext + `"}`
		}
		readers := w.must(201, "POST", "/Groups", group("Readers", "g1")).Body["id"].(string)
		failed(w.must(409, "POST", "/Groups", group("readers", "g1")), "409", "uniqueness")
		w.must(201, "POST", "/Groups", group("Readers", "g2")) // another one of the provider that has the same name
		for text, n := range map[string]float64{`displayName eq "READERS"`: 2, `displayName eq "Nothing"`: 0, `externalId eq "g1" and displayName eq "readers"`: 1} {
			if a := filter("Groups", text); a.at("totalResults") != n {
				t.Errorf("%s: %s", text, a.Text)
			}
		}
		if a := patch("/Groups/"+readers, `{"op":"Add","path":"members","value":[{"value":"`+id+`"}]}`); a.Status != 204 || a.Text != "" {
			t.Errorf("a member: %d %s", a.Status, a.Text)
		}
		if a := w.must(200, "GET", "/Groups/"+readers+"?excludedAttributes=members", ""); a.at("members") != nil {
			t.Errorf("without members: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Groups/"+readers, ""); at(a.Body, "members|0|$ref") != "https://search.example.com/scim/v2/Users/"+id {
			t.Errorf("with members: %s", a.Text)
		}
		if a := patch("/Groups/"+readers, `{"op":"Remove","path":"members","value":[{"value":"`+id+`"}]}`); a.Status != 204 {
			t.Errorf("no member: %d %s", a.Status, a.Text)
		}
		w.must(204, "DELETE", "/Groups/"+readers, "")
		failed(w.must(404, "DELETE", "/Groups/"+readers, ""), "404", "")

		// Okta's suite.
		page := w.must(200, "GET", "/Users?count=1&startIndex=1", "")
		for _, path := range []string{"Resources|0|id", "Resources|0|name|familyName", "Resources|0|name|givenName", "Resources|0|userName", "Resources|0|active", "Resources|0|emails|0|value"} {
			if page.at(path) == nil {
				t.Errorf("a page has no %s: %s", path, page.Text)
			}
		}
		failed(w.must(404, "GET", "/Users/00919288221112222", ""), "404", "")
		failed(w.must(400, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"","name":{"givenName":"A"},"emails":[]}`), "400", "invalidValue")
		made := w.must(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"runscope@x.example","name":{"givenName":"R","familyName":"S"},
			"emails":[{"primary":true,"value":"runscope@x.example","type":"work"}],"displayName":"R S","active":true}`)
		if made.at("active") != true || at(made.Body, "schemas|0") != "urn:ietf:params:scim:schemas:core:2.0:User" || made.at("name|familyName") != "S" {
			t.Errorf("made: %s", made.Text)
		}
		// Deleted twice, and made again.
		w.must(204, "DELETE", "/Users/"+id, "")
		failed(w.must(404, "DELETE", "/Users/"+id, ""), "404", "")
		if filter("Users", `userName eq "vera.lindt@x.example"`).at("totalResults") != 0.0 {
			t.Error("a deleted user is found")
		}
		if again := w.must(201, "POST", "/Users", body("vera@x.example", "e1")).Body["id"]; again == id {
			t.Error("a deleted user came back")
		}
	})
}

// TestTogether holds that changes of one group at the same moment are all of them there afterwards, and that a person is made once.
func TestTogether(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		group := w.group("Readers")
		var ids []string
		for i := range 16 {
			ids = append(ids, w.user(string(rune('a'+i))+"@x.example"))
		}
		var wait sync.WaitGroup
		made := make([]int, len(ids))
		for i, id := range ids {
			wait.Go(func() {
				w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]}`)
				made[i] = w.do("POST", "/Users", `{"userName":"new@x.example"}`).Status
			})
		}
		wait.Wait()
		if list, _ := w.must(200, "GET", "/Groups/"+group, "").at("members").([]any); len(list) != len(ids) {
			t.Errorf("%d members are there, want %d", len(list), len(ids))
		}
		slices.Sort(made)
		if made[0] != 201 || made[1] != 409 || made[len(made)-1] != 409 {
			t.Errorf("one person made %d times at once: %d", len(made), made)
		}
	})
}
