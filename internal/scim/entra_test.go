package scim_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// The requests of these tests have the shapes in which the provisioning services of two providers send theirs: Entra ID with
// capital operations, booleans in words, paths that choose a value which is not there yet, and removals with values; Okta with
// whole resources and changes without a path.

const entraNew = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
	"externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
	"userName": "Ines.Okafor@quillmere.example",
	"active": true,
	"displayName": "Ines Okafor",
	"emails": [{"primary": true, "type": "work", "value": "ines@mail.quillmere.example"}],
	"meta": {"resourceType": "User"},
	"name": {"formatted": "Ines Okafor", "familyName": "Okafor", "givenName": "Ines"},
	"roles": [],
	"title": "Typesetter",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Print", "employeeNumber": "77"}
}`

func TestEntraUser(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		// Its test of the connection asks for somebody who is not there.
		probe := w.must(200, "GET", "/Users?filter=userName+eq+%22bd5d41a1-3fd1-4b5d-9d6c-7a1c2b0b3c11%22", "")
		if probe.at("totalResults") != 0.0 || probe.at("Resources") == nil {
			t.Fatalf("an empty list = %s", probe.Text)
		}
		made := w.must(201, "POST", "/Users", entraNew)
		id := made.Body["id"].(string)
		if at := made.Header.Get("Location"); at != "https://search.example.com/scim/v2/Users/"+id || made.at("meta|location") != at {
			t.Errorf("Location = %q, meta.location = %v", at, made.at("meta|location"))
		}
		p := w.person("ines.okafor@quillmere.example")
		if p.ID != id || !p.Active || p.Name != "Ines Okafor" || p.Profile.Department != "Print" || p.Profile.Title != "Typesetter" {
			t.Fatalf("the person is %+v", p)
		}
		found := w.must(200, "GET", "/Users?filter="+url.QueryEscape(`userName eq "INES.okafor@quillmere.example"`), "")
		if found.at("totalResults") != 1.0 || found.at("Resources|0|id") != id || found.at("Resources|0|active") != true {
			t.Fatalf("found %s", found.Text)
		}
		for _, filter := range []string{
			`externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"`, `emails[type eq "work"].value eq "ines@mail.quillmere.example"`,
			`emails[type eq "work" and value co "@mail."]`, `userName sw "ines" and active eq true`, `active eq "True"`,
			`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "print"`, `not (title pr) or displayName ew "OKAFOR"`,
			`meta.lastModified gt "2020-01-01T00:00:00Z"`, `id eq "` + id + `"`,
		} {
			if a := w.must(200, "GET", "/Users?filter="+url.QueryEscape(filter), ""); a.at("totalResults") != 1.0 || a.at("Resources|0|id") != id {
				t.Errorf("%s finds %s", filter, a.Text)
			}
		}
		changed := w.must(200, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
			{"op":"Replace","path":"displayName","value":"Ines Okafor-Lindt"},
			{"op":"Replace","path":"title","value":[{"$ref":null,"value":"Head typesetter"}]},
			{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+49 30 555"},
			{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ines.okafor@mail.quillmere.example"},
			{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Quillmere"},
			{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"26118915"},
			{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Press"},
			{"op":"Replace","value":{"name.givenName":"Inés","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter":"c9","customThing":"x"}}]}`)
		for path, want := range map[string]any{
			"displayName": "Ines Okafor-Lindt", "title": "Head typesetter", "phoneNumbers|0|value": "+49 30 555", "phoneNumbers|0|type": "mobile",
			"emails|0|value": "ines.okafor@mail.quillmere.example", "addresses|0|locality": "Quillmere", "name|givenName": "Inés", "name|familyName": "Okafor",
		} {
			if got := changed.at(path); got != want {
				t.Errorf("%s = %v, want %v", path, got, want)
			}
		}
		enterprise := changed.Body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
		if at(enterprise, "manager|value") != "26118915" || at(enterprise, "department") != "Press" || at(enterprise, "costCenter") != "c9" {
			t.Errorf("enterprise = %v", enterprise)
		}
		off := w.must(200, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		if off.at("active") != false || w.person("ines.okafor@quillmere.example").Active {
			t.Errorf("deactivated: %s", off.Text)
		}
		// Somebody disabled is found, and says so.
		if a := w.must(200, "GET", "/Users?filter="+url.QueryEscape(`userName eq "ines.okafor@quillmere.example"`), ""); a.at("Resources|0|active") != false {
			t.Errorf("found %s", a.Text)
		}
		w.must(200, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"active","value":[{"value":"True"}]}]}`)
		if !w.person("ines.okafor@quillmere.example").Active {
			t.Error("not active again")
		}
		w.must(204, "DELETE", "/Users/"+id, "")
		w.must(404, "GET", "/Users/"+id, "")
		w.must(404, "DELETE", "/Users/"+id, "")
		if _, err := w.people.ByEmail(t.Context(), "ines.okafor@quillmere.example"); err == nil {
			t.Error("the address is held after the deletion")
		}
		want := []string{
			"scim.user.create: active", "scim.user.update: attributes", "scim.user.update: deactivated", "scim.user.update: activated",
			"scim.user.delete: Ines.Okafor@quillmere.example",
		}
		if got := w.actions(id); len(got) != len(want) {
			t.Errorf("audit log: %q, want %q", got, want)
		} else {
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("audit log: %q, want %q", got[i], want[i])
				}
			}
		}
	})
}

func TestEntraGroup(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ada, bo, cy := w.user("ada@example.com"), w.user("bo@example.com"), w.user("cy@example.com")
		made := w.must(201, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
			"externalId":"8aa1a0c0","displayName":"Press room","meta":{"resourceType":"Group"}}`)
		id := made.Body["id"].(string)
		a := w.must(200, "GET", "/Groups?excludedAttributes=members&filter="+url.QueryEscape(`displayName eq "press room"`), "")
		if a.at("totalResults") != 1.0 || a.at("Resources|0|id") != id {
			t.Fatalf("found %s", a.Text)
		}
		patch := func(ops string) {
			t.Helper()
			w.must(204, "PATCH", "/Groups/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+ops+`]}`)
		}
		members := func(want ...string) {
			t.Helper()
			got := map[string]bool{}
			list, _ := w.must(200, "GET", "/Groups/"+id, "").at("members").([]any)
			for _, m := range list {
				got[at(m, "value").(string)] = true
			}
			if len(got) != len(want) {
				t.Errorf("%d members, want %d", len(got), len(want))
			}
			for _, m := range want {
				if !got[m] {
					t.Errorf("%s is no member", m)
				}
			}
		}
		patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"` + ada + `"},{"$ref":null,"value":"` + bo + `"}]}`)
		patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"` + cy + `"},{"$ref":null,"value":"` + bo + `"}]}`)
		members(ada, bo, cy)
		if a := w.must(200, "GET", "/Groups/"+id+"?excludedAttributes=members", ""); a.at("members") != nil || a.at("displayName") != "Press room" {
			t.Errorf("without members: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Groups?excludedAttributes=members&filter="+url.QueryEscape(`id eq "`+id+`" and members eq "`+ada+`"`), ""); a.at("totalResults") != 1.0 {
			t.Errorf("by member: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Groups?filter="+url.QueryEscape(`members[value eq "`+ada+`"] and displayName ne "x"`), ""); a.at("totalResults") != 1.0 {
			t.Errorf("by member: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Users/"+ada, ""); a.at("groups|0|display") != "Press room" || a.at("groups|0|value") != id {
			t.Errorf("groups of a member: %s", a.Text)
		}
		// A removal with values removes those, not all.
		patch(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + bo + `"}]}`)
		members(ada, cy)
		patch(`{"op":"Remove","path":"members[value eq \"` + cy + `\"]"},{"op":"Replace","path":"displayName","value":"Pressroom"}`)
		members(ada)
		// Whoever is deleted is in no group any more.
		w.must(204, "DELETE", "/Users/"+ada, "")
		members()
		if a := w.must(400, "PATCH", "/Groups/"+id, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}]}`); a.at("scimType") != "invalidValue" {
			t.Errorf("a member who is nobody: %s", a.Text)
		}
		patch(`{"op":"Add","path":"members","value":[{"value":"` + bo + `"}]}`)
		patch(`{"op":"Remove","path":"members"}`)
		members()
		w.must(204, "DELETE", "/Groups/"+id, "")
		w.must(404, "GET", "/Groups/"+id, "")
	})
}

// TestLargeGroup holds that members beyond one statement are all written and all taken away.
func TestLargeGroup(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var ids []string
		for i := range 450 {
			n, err := w.people.Provision(t.Context(), directory.Provisioned{
				UserName: fmt.Sprintf("p%d@example.com", i), Address: fmt.Sprintf("p%d@example.com", i), Active: true, Attributes: "{}",
			})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, n.ID)
		}
		id := w.group("Everybody", ids...)
		size := func(want int) {
			t.Helper()
			list, _ := w.must(200, "GET", "/Groups/"+id, "").at("members").([]any)
			if len(list) != want {
				t.Errorf("%d members, want %d", len(list), want)
			}
		}
		size(450)
		if a := w.must(200, "GET", "/Users?count=500", ""); a.at("totalResults") != 450.0 || a.at("itemsPerPage") != 200.0 {
			t.Errorf("a large page: %v of %v", a.at("itemsPerPage"), a.at("totalResults"))
		}
		w.must(200, "PUT", "/Groups/"+id, `{"displayName":"Everybody","members":[{"value":"`+ids[7]+`"}]}`)
		size(1)
	})
}
