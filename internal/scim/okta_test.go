package scim_test

import (
	"net/url"
	"testing"
)

func TestOkta(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.must(200, "GET", "/ServiceProviderConfig", "")
		if a := w.must(200, "GET", "/Users?startIndex=1&count=2", ""); a.at("totalResults") != 0.0 || a.at("startIndex") != 1.0 {
			t.Errorf("nobody yet: %s", a.Text)
		}
		w.must(200, "GET", "/Groups?startIndex=1&count=100", "")
		const whole = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"joan@example.com","name":{"givenName":"Joan","familyName":"Hale"},
			"emails":[{"primary":true,"value":"joan@example.com","type":"work","display":"joan@example.com"}],"displayName":"Joan Hale","locale":"en-US",
			"externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true`
		made := w.must(201, "POST", "/Users", whole+"}", "Content-Type", "application/json")
		id := made.Body["id"].(string)
		if made.at("password") != nil || made.at("locale") != "en-US" {
			t.Errorf("made: %s", made.Text)
		}
		if a := w.must(409, "POST", "/Users", whole+"}"); a.at("scimType") != "uniqueness" || a.at("status") != "409" {
			t.Errorf("made twice: %s", a.Text)
		}
		w.must(200, "GET", "/Users?filter="+url.QueryEscape(`userName eq "joan@example.com"`)+"&startIndex=1&count=100", "")
		replaced := w.must(200, "PUT", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+id+`","userName":"joan@example.com",
			"name":{"givenName":"Joan","familyName":"Hale-Ito"},"emails":[{"primary":true,"value":"joan@example.com","type":"work"}],"active":true,"groups":[],
			"meta":{"resourceType":"User"}}`)
		if replaced.at("name|familyName") != "Hale-Ito" || replaced.at("displayName") != nil || replaced.at("externalId") != nil {
			t.Errorf("replaced: %s", replaced.Text)
		}
		if name := w.person("joan@example.com").Name; name != "Joan Hale-Ito" {
			t.Errorf("Name = %q", name)
		}
		off := w.must(200, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
		if off.at("active") != false || w.person("joan@example.com").Active {
			t.Errorf("deactivated: %s", off.Text)
		}
		// A replacement that says nothing of it reactivates nobody.
		if a := w.must(200, "PUT", "/Users/"+id, `{"userName":"joan@example.com"}`); a.at("active") != false {
			t.Errorf("replaced: %s", a.Text)
		}
		w.must(200, "PUT", "/Users/"+id, whole+"}")
		if !w.person("joan@example.com").Active {
			t.Error("not active again")
		}
		// Groups.
		group := w.group("Buyers", id)
		w.must(204, "PATCH", "/Groups/"+group, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"id":"`+group+`","displayName":"Purchasing"}}]}`)
		if a := w.must(200, "GET", "/Groups/"+group, ""); a.at("displayName") != "Purchasing" || a.at("members|0|value") != id || a.at("members|0|display") != "Joan Hale" {
			t.Errorf("renamed: %s", a.Text)
		}
		other := w.user("kit@example.com")
		w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"remove","path":"members[value eq \"`+id+`\"]"},
			{"op":"add","path":"members","value":[{"value":"`+other+`","display":"kit@example.com"}]}]}`)
		if a := w.must(200, "GET", "/Groups/"+group, ""); a.at("members|0|value") != other || a.at("members|1") != nil {
			t.Errorf("members: %s", a.Text)
		}
		w.must(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"replace","path":"members","value":[{"value":"`+id+`"},{"value":"`+other+`"}]}]}`)
		put := w.must(200, "PUT", "/Groups/"+group, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"`+group+`","displayName":"Purchasing","members":[{"value":"`+id+`","display":"joan@example.com"}]}`)
		if put.at("members|0|value") != id || put.at("members|1") != nil {
			t.Errorf("replaced: %s", put.Text)
		}
		w.must(204, "DELETE", "/Groups/"+group, "")
	})
}

func TestPages(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		seen := map[any]bool{}
		for i := range 7 {
			w.user(string(rune('a'+i)) + "@example.com")
		}
		for start := 1; start < 8; start += 3 {
			a := w.must(200, "GET", "/Users?count=3&startIndex="+string(rune('0'+start))+"&attributes=userName", "")
			list := a.at("Resources").([]any)
			if a.at("totalResults") != 7.0 || a.at("itemsPerPage") != float64(len(list)) {
				t.Errorf("page: %s", a.Text)
			}
			for _, u := range list {
				seen[at(u, "userName")] = true
				if at(u, "meta") != nil || at(u, "id") == nil || at(u, "schemas") == nil {
					t.Errorf("attributes=userName gives %v", u)
				}
			}
		}
		if len(seen) != 7 {
			t.Errorf("the pages show %d people, want 7", len(seen))
		}
		if a := w.must(200, "GET", "/Users?count=0", ""); a.at("totalResults") != 7.0 || len(a.at("Resources").([]any)) != 0 {
			t.Errorf("count=0: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Users?count=-1&startIndex=-5&filter="+url.QueryEscape(`userName sw "a"`), ""); a.at("totalResults") != 1.0 || a.at("startIndex") != 1.0 {
			t.Errorf("below nothing: %s", a.Text)
		}
		if a := w.must(200, "GET", "/Users?count=2&startIndex=2&filter="+url.QueryEscape(`userName gt "b"`), ""); a.at("totalResults") != 6.0 || a.at("Resources|0|userName") != "c@example.com" {
			t.Errorf("filtered page: %s", a.Text)
		}
		w.must(400, "GET", "/Users?count=many", "")
	})
}
