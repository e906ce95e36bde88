package server_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestHiddenDocumentsChangeNothing holds two servers side by side that differ only in what a caller may not see: hundreds of
// documents, words, values, groups and a whole datasource. They answer the caller alike, byte for byte but for ids and
// times. (All documents have the same number of words: the order by relevance may follow the rarity of words in all
// documents together, which docs/compatibility.md says.)
func TestHiddenDocumentsChangeNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			bare, full := newWorld(t, sheaftest.Open(t), 100+seed), newWorld(t, sheaftest.Open(t), 100+seed)
			const caller = 1
			known := len(full.docs)
			full.hideFrom(full.people[caller])
			bare.s.CatchUp()
			full.s.CatchUp()
			_, anonymousBare := bare.s.Token(authority.Anonymous, "", grant.Search)
			_, anonymousFull := full.s.Token(authority.Anonymous, "", grant.Search)
			visible := 0
			for _, q := range bare.questions(full) {
				alike(t, q, bare.s.As(bare.people[caller].addresses[0]), full.s.As(full.people[caller].addresses[0]), bare, full)
				alike(t, q, anonymousBare, anonymousFull, bare, full)
			}
			for _, d := range bare.docs {
				if bare.sees(bare.people[caller], d) {
					visible++
				}
			}
			if len(full.docs) < known+100 || visible < 3 {
				t.Errorf("%d documents of which %d are hidden, and the caller sees %d: too few to compare", known, len(full.docs)-known, visible)
			}
		})
	}
}

type question struct {
	path string
	body any
}

// took is how long an answer took, which is left out where that is under a millisecond.
var took = regexp.MustCompile(`,"backendTimeMillis":\d+`)

func alike(t *testing.T, q question, bareToken, fullToken string, bare, full *world) {
	t.Helper()
	method, path := "POST", "/rest/api/v1/"+q.path
	if rest, is := strings.CutPrefix(q.path, "GET "); is {
		method, path = "GET", rest
	} else if strings.HasPrefix(q.path, "/") {
		path = q.path
	}
	a, b := bare.s.Do(method, path, bareToken, q.body), full.s.Do(method, path, fullToken, q.body)
	if a.Status != b.Status {
		t.Errorf("%s %v = %d without hidden documents and %d with them", q.path, q.body, a.Status, b.Status)
	}
	a.Body, b.Body = took.ReplaceAllString(a.Body, ""), took.ReplaceAllString(b.Body, "")
	if diff := cmp.Diff(a.Masked(), b.Masked()); diff != "" {
		t.Errorf("%s %v without (-) and with (+) hidden documents:\n%s", q.path, q.body, diff)
	}
}

// hideFrom adds what a person cannot see: documents of the sources that others may read, of types, tags and groups of their own, and a
// datasource for others alone.
func (w *world) hideFrom(person *worldPerson) {
	others := []*worldUser{}
	for _, src := range w.sources[:2] {
		for _, u := range src.users {
			others = append(others, u)
		}
	}
	dogwood := &worldSource{name: "dogwood", byEmail: true, category: "MESSAGING", entities: true, users: map[string]*worldUser{}, members: map[string]map[worldMember]bool{}}
	dogwood.lender = dogwood
	w.sources = append(w.sources, dogwood)
	w.configure(dogwood)
	for _, p := range w.people {
		if p != person {
			dogwood.testers = append(dogwood.testers, p.addresses[0])
			dogwood.users[p.addresses[0]] = &worldUser{p.addresses[0], true}
			w.post("indexuser", map[string]any{"datasource": dogwood.name, "user": map[string]any{"email": p.addresses[0], "name": "somebody"}})
		}
	}
	w.post("betausers", map[string]any{"datasource": dogwood.name, "emails": dogwood.testers})
	for i := range 150 {
		src := w.sources[i%len(w.sources)]
		d := &worldDoc{token: w.word(), source: src}
		w.draw(d)
		d.everyone, d.all, d.groups, d.intersections, d.users = src == dogwood, false, []string{"zg-hidden"}, [][]string{{"zg-hidden", "zg-other"}}, nil
		w.docs[d.token] = d
		body := d.body()
		body["title"] = d.token + " harbour secret" // a word that nobody else has, as many as others have
		body["tags"] = []string{"hidden", d.token}
		w.post("indexdocuments", map[string]any{"datasource": src.name, "documents": []any{body}})
	}
	if len(others) == 0 {
		w.t.Fatal("nobody else is in the sources")
	}
}

// questions are asked of both servers. They name documents of the full one, hidden ones among them.
func (w *world) questions(full *world) []question {
	list := []question{}
	for _, query := range []string{"", "harbour", "ledger", "secret", "secert", "hidden", "tag:hidden", "harbur", "zq", "zg-hidden", "type:paper", "app:dogwood", "from:somebody", "harbour secret", "-secret", `"harbour secret"`, "sec*"} {
		list = append(list,
			question{"search", map[string]any{"query": query, "pageSize": 100, "maxSnippetSize": 200, "requestOptions": map[string]any{
				"facetBucketSize": 100, "fetchAllDatasourceCounts": true,
				"responseHints": []string{"RESULTS", "FACET_RESULTS", "ALL_RESULT_COUNTS", "QUERY_METADATA", "SPELLCHECK_METADATA"},
			}}},
			question{"search", map[string]any{"query": query, "pageSize": 3}},
			question{"search", map[string]any{"query": query, "requestOptions": map[string]any{"facetBucketSize": 100, "datasourceFilter": "dogwood"}}},
			question{"search", map[string]any{"query": query, "requestOptions": map[string]any{
				"facetBucketSize": 100, "responseHints": []string{"FACET_RESULTS"}, "facetBucketFilter": map[string]any{"facet": "tag", "prefix": "hid"},
			}}},
			question{"autocomplete", map[string]any{"query": query, "resultSize": 200}},
			question{"listentities", map[string]any{"entityType": "CUSTOM_ENTITIES", "query": query, "pageSize": 3, "includeFields": []string{"FACETS"}}},
			question{"/api/search", map[string]any{"query": query, "page_size": 5, "datasources": []string{"dogwood"}}},
			question{"/api/search", map[string]any{"query": query, "page_size": 5, "filters": []any{map[string]any{"field": "tag", "operator": "NOT_EQUALS", "values": []string{"hidden"}}}}},
			question{"GET /api/search/filters?datasources=alder&query=" + url.QueryEscape(query), nil},
		)
	}
	list = append(list, question{"GET /api/search/filters", nil}, question{"GET /api/search/filters?datasources=dogwood", nil})
	for _, operator := range []string{"tag:", "app:", "status:", "container:", "berth:", "type:", "ta", "do"} {
		list = append(list, question{"autocomplete", map[string]any{"query": operator, "resultSize": 200}})
	}
	n := 0
	for _, d := range full.docs {
		if n++; n > 40 {
			break
		}
		for _, word := range []string{d.token, d.token[:5], d.token[:4] + d.token[5:]} {
			list = append(list,
				question{"search", map[string]any{"query": word, "requestOptions": map[string]any{"facetBucketSize": 100, "responseHints": []string{"RESULTS", "SPELLCHECK_METADATA", "QUERY_METADATA", "FACET_RESULTS"}}}},
				question{"autocomplete", map[string]any{"query": word}},
			)
		}
		list = append(list,
			question{"getdocuments", map[string]any{"documentSpecs": []any{map[string]any{"id": d.key()}, map[string]any{"url": d.url()}}, "includeFields": []string{"DOCUMENT_CONTENT", "VISITORS_COUNT"}}},
			question{"getdocumentsbyfacets", map[string]any{"filterSets": []any{map[string]any{"filters": []any{map[string]any{"fieldName": "tag", "values": []any{map[string]any{"value": d.token, "relationType": "EQUALS"}}}}}}}},
			question{"getdocpermissions", map[string]any{"documentId": d.key()}},
			question{"messages", map[string]any{"idType": "THREAD_ID", "id": d.token, "datasource": d.source.name, "includeRootMessage": true}},
			question{"messages", map[string]any{"idType": "CONVERSATION_ID", "id": d.box(), "datasource": "SLACK"}},
			question{"search", map[string]any{"query": "", "pageSize": 3, "requestOptions": map[string]any{"facetBucketSize": 3, "inclusions": map[string]any{
				"containerSpecs": []any{map[string]any{"id": d.key()}, map[string]any{"url": d.url()}, map[string]any{"id": d.source.name + "/box/" + d.box()}},
			}}}},
			question{"search", map[string]any{"query": "", "pageSize": 3, "requestOptions": map[string]any{"exclusions": map[string]any{
				"containerSpecs": []any{map[string]any{"url": d.url()}}, "documentSpecs": []any{map[string]any{"id": d.key()}, map[string]any{"url": d.url()}},
			}}}},
			question{"recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"url": d.url()}, "pageSize": 20}},
			question{"recommendations", map[string]any{"requestOptions": map[string]any{"context": map[string]any{"title": d.token + " secret harbour", "content": map[string]any{"fullTextList": []string{"the harbour secret"}}}}}},
		)
	}
	return list
}
