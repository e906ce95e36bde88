package scim

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// sample is a user with something of every form.
func sample(t testing.TB) object {
	t.Helper()
	var sent object
	err := json.Unmarshal([]byte(`{"userName":"ada@example.com","externalId":"7","active":true,"displayName":"Ada Lindt","name":{"givenName":"Ada","familyName":"Lindt"},
		"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"a@home.example","type":"home"}],"addresses":[{"locality":"Quillmere","type":"work"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Press","manager":{"value":"m1"}}}`), &sent)
	if err != nil {
		t.Fatal(err)
	}
	res, err := userResource().read(sent)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// FuzzFilter holds that no filter brings the parser down, that one and its negation never agree, and that what SQL finds by itself is what the
// filter chooses.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "ada@example.com"`, `emails[type eq "work"].value co "ada"`, `not (title pr) and (active eq "True" or externalId ne "7")`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m1"`, `emails[type eq "work" and not (primary eq false)]`,
		`meta.created gt "2020-01-01T00:00:00Z"`, `userName eq "\u0061"`, `id eq null`, `((((title pr))))`, `members eq "x"`, `displayName eq "x" and displayName eq "y"`,
	} {
		f.Add(seed)
	}
	users, groups := userResource(), groupResource()
	f.Fuzz(func(t *testing.T, text string) {
		if parsed, err := parseFilter(groups, text); err == nil {
			g := directory.ProvisionedGroup{ID: "1", Name: "x", Members: []string{"x"}}
			parsed.match(objectOfGroup(&g))
			parsed.key("displayName")
		}
		parsed, err := parseFilter(users, text)
		if err != nil {
			return
		}
		res := sample(t)
		res["id"] = "1"
		passes := parsed.match(res)
		if negated, err := parseFilter(users, "not ("+text+")"); err == nil && negated.match(res) == passes {
			t.Errorf("%q and its negation are both %t", text, passes)
		}
		if k, whole := parsed.key("userName"); whole {
			named := (k.Name == "" || directory.FoldKey(k.Name) == "ada@example.com") && (k.ID == "" || k.ID == "1") && (k.ExternalID == "" || k.ExternalID == "7")
			if k.Member == "" && named != passes {
				t.Errorf("%q: SQL finds %t, the filter %t", text, named, passes)
			}
		}
	})
}

// FuzzPath holds that no path brings the parser down, and that one leads to an attribute or an extension.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{`emails[type eq "work"].value`, `name.givenName`, `members[value eq "x"]`, enterpriseURN + ":manager.value", enterpriseURN, userURN + ":title", `emails[`} {
		f.Add(seed)
	}
	users := userResource()
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePath(users, text); err == nil && p.attr == nil && p.ext == "" {
			t.Errorf("parsePath(%q) leads nowhere", text)
		}
	})
}

// FuzzPatch holds that no PATCH brings the server down, and that what is left is what a body could have said.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, `{"operations":[{"OP":"add","value":{"emails[type eq \"x\"].value":"y","name.givenName":null}}]}`,
		`{"Operations":[{"op":"remove","path":"emails","value":[{"value":"ada@example.com"}]},{"op":"remove","path":"name.givenName"}]}`,
		`{"Operations":[{"op":"add","path":"emails.primary","value":true},{"op":"replace","path":"emails[primary eq true]","value":{"type":"x"}}]}`,
		`{"Operations":[{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","value":{"manager":"x","department":[{"value":"y"}]}}]}`,
		`{"Operations":[{"op":"add","path":"members","value":[{"value":"3"}]},{"op":"remove","path":"members[value eq \"1\" or value eq \"2\"]"},{"op":"replace","path":"members"}]}`,
		`{"Operations":[{"op":"replace","path":"emails","value":[]},{"op":"add","path":"addresses[type eq \"work\"]","value":{"country":"DE"}}]}`,
	} {
		f.Add(seed)
	}
	users, groups := userResource(), groupResource()
	f.Fuzz(func(t *testing.T, body string) {
		var sent object
		if json.Unmarshal([]byte(body), &sent) != nil {
			return
		}
		ops, err := readPatch(sent)
		if err != nil {
			return
		}
		g := object{"displayName": "x", "members": rollOf([]string{"1", "2"})}
		if groups.patch(g, clonedOps(ops)) == nil {
			if made, err := group(g); err == nil && slices.Contains(made.Members, "") {
				t.Errorf("%s leaves a member without an id", body)
			}
		}
		res := sample(t)
		if users.patch(res, clonedOps(ops)) != nil {
			return
		}
		again, err := users.read(clone(res).(object))
		if err != nil {
			t.Fatalf("%s leaves %v, which is refused: %v", body, res, err)
		}
		if diff := cmp.Diff(res, again); diff != "" {
			t.Errorf("%s leaves what a body would not (-left +read):\n%s", body, diff)
		}
		n, err := provision(res, true)
		if err != nil {
			return
		}
		kept, err := objectOf(&n)
		if err != nil {
			t.Fatal(err)
		}
		if kept["active"] != n.Active || n.Address == "" {
			t.Errorf("%s leaves %v", body, n)
		}
	})
}

func clonedOps(ops []operation) []operation {
	list := make([]operation, len(ops))
	for i, o := range ops {
		o.value = clone(o.value)
		list[i] = o
	}
	return list
}
