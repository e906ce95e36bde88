package server_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// harbourWith is a server with pages and messages for ann, and, where hidden is true, as many again for bob alone, whose words,
// containers, tags, types and addresses are partly the same.
func harbourWith(t *testing.T, hidden bool) *sheaftest.Server {
	t.Helper()
	s := sheaftest.Open(t)
	key := s.Indexing()
	s.Must("POST", "/api/index/v1/adddatasource", key, `{"name":"quay","displayName":"Quay","datasourceCategory":"MESSAGING",
		"urlRegex":"https://quay.example.com/.*","isUserReferencedByEmail":true,"objectDefinitions":[{"name":"Page","docCategory":"MESSAGING",
		"propertyDefinitions":[{"name":"berth","displayLabel":"Berth","propertyType":"TEXT"}]}]}`)
	for _, who := range []string{"ann", "bob"} {
		s.Must("POST", "/api/index/v1/indexemployee", key, fmt.Sprintf(`{"employee":{"email":"%s@example.com","firstName":%q,"lastName":"Pier","department":"d"}}`, who, who))
		s.Must("POST", "/api/index/v1/indexuser", key, fmt.Sprintf(`{"datasource":"quay","user":{"email":"%s@example.com","name":%q}}`, who, who))
	}
	put := func(id, words, tag, container, who string, at int) {
		s.Must("POST", "/api/index/v1/indexdocument", key, fmt.Sprintf(`{"document":{"datasource":"quay","objectType":"Page","id":%q,"title":"%s tide",
			"viewURL":"https://quay.example.com/%s","container":%q,"containerDatasourceId":"C1","tags":[%q],"status":"open","updatedAt":%d,
			"customProperties":[{"name":"berth","value":%q}],
			"body":{"mimeType":"text/plain","textContent":"%s and the tide tables of the harbour"},"permissions":{"allowedUsers":[{"email":"%s@example.com"}]}}}`,
			id, words, id, container, tag, 1_700_000_000+at, tag, words, who))
	}
	for i := range 12 {
		put(fmt.Sprintf("p%d", i), []string{"north mole", "south mole", "lantern"}[i%3], []string{"red", "green"}[i%2], "deck", "ann", 100*i)
		if hidden {
			put(fmt.Sprintf("s%d", i), []string{"north mole", "smugglers", "lanterns secretly"}[i%3], []string{"red", "gold"}[i%2], []string{"deck", "hold"}[i%2], "bob", 100*i+7*(i%2))
		}
	}
	s.CatchUp()
	return s
}

// runs is what differs from run to run.
var runs = regexp.MustCompile(`"(trackingToken|requestID|obfuscatedId|cursor|backendTimeMillis)":("[^"]*"|\d+),?`)

// TestDiscoveryTellsNothingOfHiddenDocuments holds that two servers which differ in what ann does not see answer her alike. The order of what is
// ranked may differ, since all documents weigh the words.
func TestDiscoveryTellsNothingOfHiddenDocuments(t *testing.T) {
	t.Parallel()
	with, without := harbourWith(t, true), harbourWith(t, false)
	spec := func(field, value string) map[string]any {
		return map[string]any{"documentSpecs": []any{map[string]any{field: value}}, "includeFields": []string{"VISITORS_COUNT", "LAST_VIEWED_AT", "CUSTOM_METADATA"}}
	}
	facets := func(field, value string) map[string]any {
		return map[string]any{"filterSets": []any{map[string]any{"filters": []any{map[string]any{"fieldName": field, "values": []any{map[string]any{"value": value}}}}}}}
	}
	type question struct {
		path string
		body map[string]any
	}
	questions := []question{
		{"getdocuments", spec("id", "quay/Page/s1")},
		{"getdocuments", spec("id", "quay/Page/p1")},
		{"getdocuments", spec("url", "https://quay.example.com/s1")},
		{"getdocpermissions", map[string]any{"documentId": "quay/Page/s1"}},
		{"getdocpermissions", map[string]any{"documentId": "quay/Page/p1"}},
		{"recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"id": "quay/Page/s1"}}},
		{"recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"url": "https://quay.example.com/s2"}}},
		{"recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"id": "quay/Page/p1"}, "pageSize": 50}},
		{"recommendations", map[string]any{"requestOptions": map[string]any{"context": map[string]any{"title": "smugglers secretly"}}}},
		{"recommendations", map[string]any{"requestOptions": map[string]any{"context": map[string]any{"title": "north mole smugglers"}}, "pageSize": 50}},
		{"messages", map[string]any{"idType": "THREAD_ID", "id": "s1", "datasource": "quay", "includeRootMessage": true}},
	}
	for _, field := range [][2]string{{"tag", "gold"}, {"tag", "red"}, {"container", "hold"}, {"container", "deck"}, {"berth", "gold"}, {"in", "C1"}, {"from", "bob@example.com"}} {
		questions = append(questions, question{"getdocumentsbyfacets", facets(field[0], field[1])})
	}
	for _, direction := range []string{"OLDER", "NEWER"} {
		for _, id := range []string{"deck", "hold", "#deck"} {
			questions = append(questions, question{"messages", map[string]any{"idType": "CHANNEL_NAME", "id": id, "datasource": "SLACK", "direction": direction, "timestampMillis": 1_700_000_500_000}})
		}
		questions = append(questions, question{"messages", map[string]any{"idType": "CONVERSATION_ID", "id": "C1", "datasource": "quay", "direction": direction}})
	}
	for _, typed := range []string{"", "s", "sm", "smugg", "n", "north", "north m", "l", "lantern", "lanterns", "secret", "tag:", "tag:g", "status:", "berth:", "be", "type:", "app:", "in:", "in:h", "from:b", "tag:gold t", "tag:red t", "quay"} {
		for _, size := range []int{0, 3} {
			questions = append(questions, question{"autocomplete", map[string]any{"query": typed, "resultSize": size}})
		}
	}
	for _, q := range questions {
		var told [2]string
		for i, s := range []*sheaftest.Server{with, without} {
			a := s.Do("POST", "/rest/api/v1/"+q.path, s.As("ann@example.com"), q.body)
			told[i] = fmt.Sprint(a.Status, " ", a.Header.Get("Retry-After"), " ", unordered(t, runs.ReplaceAllString(a.Body, "")))
			if a.Status >= 500 || strings.Contains(a.Body, "smuggl") && !strings.Contains(fmt.Sprint(q.body), "smugg") || strings.Contains(a.Body, "gold") && !strings.Contains(fmt.Sprint(q.body), "gold") {
				t.Errorf("%s %v = %d %s", q.path, q.body, a.Status, a.Body)
			}
		}
		if diff := cmp.Diff(told[1], told[0]); diff != "" {
			t.Errorf("%s %v differs (-without +with hidden documents):\n%s", q.path, q.body, diff)
		}
	}
}

// unordered is a JSON answer (or what is left of one without its ids) with its ranked results in order of their texts.
func unordered(t *testing.T, body string) string {
	t.Helper()
	var answer map[string]any
	body = strings.ReplaceAll(strings.ReplaceAll(body, ",}", "}"), ",]", "]")
	if json.Unmarshal([]byte(body), &answer) != nil {
		return body
	}
	if list, ok := answer["results"].([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(printed(t, a), printed(t, b)) })
	}
	return printed(t, answer)
}

func printed(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
