package server_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

type openAPI struct {
	OpenAPI    string                              `json:"openapi"`
	Paths      map[string]map[string]openAPIMethod `json:"paths"`
	Components struct {
		Schemas map[string]any `json:"schemas"`
	} `json:"components"`
}

type openAPIMethod struct {
	ID         string         `json:"operationId"`
	Summary    string         `json:"summary"`
	Responses  map[string]any `json:"responses"`
	Deprecated bool           `json:"deprecated"`
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
}

// TestOpenAPI holds that the served descriptions name every operation that is built and no other, each once, and that every
// reference in them leads somewhere.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	seen := map[string]int{}
	for _, name := range []string{"client", "indexing", "platform", "admin"} {
		a := s.Must("GET", "/openapi/"+name+".json", "", nil)
		var d openAPI
		a.Decode(&d)
		if !strings.HasPrefix(d.OpenAPI, "3.1.") {
			t.Errorf("%s: openapi = %q", name, d.OpenAPI)
		}
		ids := map[string]bool{}
		for path, methods := range d.Paths {
			for method, op := range methods {
				seen[strings.ToUpper(method)+" "+path]++
				if op.ID == "" || ids[op.ID] || op.Summary == "" {
					t.Errorf("%s %s: operationId %q, summary %q", method, path, op.ID, op.Summary)
				}
				ids[op.ID] = true
				if op.Responses["200"] == nil && op.Responses["202"] == nil || op.Responses["503"] == nil || len(op.Responses) < 5 {
					t.Errorf("%s %s declares %d answers", method, path, len(op.Responses))
				}
				for _, wild := range wildcard.FindAllString(path, -1) {
					found := false
					for _, p := range op.Parameters {
						found = found || p.In == "path" && "{"+p.Name+"}" == wild
					}
					if !found {
						t.Errorf("%s %s does not declare %s", method, path, wild)
					}
				}
			}
		}
		for part := range strings.SplitSeq(a.Body, `"$ref": "#/components/schemas/`) {
			if target, _, ok := strings.Cut(part, `"`); ok && part != a.Body && !strings.HasPrefix(part, "{") && d.Components.Schemas[target] == nil {
				t.Errorf("%s refers to the schema %q, which it does not have", name, target)
			}
		}
		var same map[string]any
		if err := yaml.Unmarshal([]byte(s.Must("GET", "/openapi/"+name+".yaml", "", nil).Body), &same); err != nil {
			t.Errorf("%s as YAML: %v", name, err)
		}
		if same["openapi"] != d.OpenAPI {
			t.Errorf("%s as YAML is another document", name)
		}
	}
	for _, op := range s.Operations() {
		want := 0
		if op.Built && op.Family != rpc.NoFamily && op.Family != rpc.SCIMAPI { // SCIM describes itself, at /scim/v2/Schemas
			want = 1
		}
		if got := seen[op.Method+" "+strings.ReplaceAll(op.Path, "...}", "}")]; got != want {
			t.Errorf("%s %s is described %d times, want %d", op.Method, op.Path, got, want)
		}
	}
	first, again := s.Must("GET", "/openapi.json", "", nil), sheaftest.Open(t).Must("GET", "/openapi.json", "", nil)
	if first.Body != again.Body {
		t.Error("two servers describe themselves in different words")
	}
	var whole map[string]any
	if err := json.Unmarshal([]byte(first.Body), &whole); err != nil {
		t.Error(err)
	}
}
