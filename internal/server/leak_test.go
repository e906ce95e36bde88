package server_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/oauth/oauthtest"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

// TestNobodySeesMoreOrLess holds every surface that tells of documents against the model of random worlds: whatever
// answers, it tells of exactly those documents that the person may see. A check is one person, one document and one answer.
// SHEAF_TEST_CHECKS sets how many there are; the gate runs a million. SHEAF_TEST_SEED begins with other worlds.
func TestNobodySeesMoreOrLess(t *testing.T) {
	checks, first := number(t, "SHEAF_TEST_CHECKS", 60_000), number(t, "SHEAF_TEST_SEED", 0)
	const worlds = 4
	for seed := range uint64(worlds) {
		seed += uint64(first) * worlds
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sheaftest.Open(t, func(cfg *server.Config) { cfg.Outbound.Development = true }), seed)
			p := &prober{world: w, cursors: map[*worldPerson]string{}, typed: map[*worldPerson]map[string]bool{}}
			p.federate()
			for turns := 0; p.checks < checks/worlds; turns++ {
				w.turn()
				p.leave()
				for _, person := range w.people {
					if person.active {
						p.probe(person)
					} else {
						p.outside(person)
					}
				}
				if t.Failed() {
					t.Fatalf("after %d turns", turns+1)
				}
			}
			t.Logf("%d checks, no leak", p.checks)
		})
	}
}

// number reads a whole number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// prober asks as people and holds the answers against the world.
type prober struct {
	*world
	checks  int
	cursors map[*worldPerson]string // of a page that was asked for before the world turned
	typed   map[*worldPerson]map[string]bool
	tokens  map[*worldPerson][]string // OAuth access tokens: one that names each address, and an opaque one
	asked   int
}

// federate has an identity provider vouch for everybody, so that every other request comes with one of its access tokens.
func (p *prober) federate() {
	p.t.Helper()
	key := oauthtest.RSA(p.t, "one", 2048, 1)
	idp := oauthtest.New(p.t, key)
	err := p.s.OAuth.Put(p.t.Context(), p.s.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{
		{Name: "work", Kind: oauth.OIDC, Issuer: idp.URL, ClientIDs: []string{"app"}, Opaque: &oauth.Opaque{Method: oauth.UserInfo}},
	}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.tokens = map[*worldPerson][]string{}
	for _, person := range p.people {
		for _, address := range person.addresses {
			p.tokens[person] = append(p.tokens[person], oauthtest.Sign(p.t, key, "RS256", oauthtest.Members{"alg": "RS256", "kid": "one", "typ": "at+jwt"}, oauthtest.Members{
				"iss": idp.URL, "azp": "app", "sub": person.id, "email": strings.ToUpper(address), "exp": time.Now().Add(24 * time.Hour).Unix(),
			}))
		}
		opaque := "opaque-" + person.id
		idp.Know(opaque, oauthtest.Members{"sub": person.id, "email": person.addresses[0]})
		p.tokens[person] = append(p.tokens[person], opaque)
		p.s.As(person.addresses[0]) // made now: nobody makes a token for who has left
	}
}

// leave has somebody leave now and then, or come back.
func (p *prober) leave() {
	p.t.Helper()
	person := pick(p.world, p.people)
	if person.active && p.rng.IntN(3) > 0 {
		return
	}
	person.active = !person.active
	if _, err := p.s.People.SetActive(p.t.Context(), person.id, person.active); err != nil {
		p.t.Fatal(err)
	}
}

// outside holds that nothing of somebody who has left opens anything, and that nobody is told that they see a document.
func (p *prober) outside(person *worldPerson) {
	p.t.Helper()
	for range 2 * len(p.tokens[person]) {
		token, headers := p.as(person)
		if a := p.s.Do("POST", "/rest/api/v1/search", token, map[string]any{"query": ""}, headers...); a.Status != http.StatusUnauthorized {
			p.t.Errorf("%s has left and is answered %d %s", person.addresses[0], a.Status, a.Body)
		}
	}
	for range 4 {
		p.access(person, p.anyDoc())
	}
	p.checks += len(p.docs)
}

// as is what a person asks with: an issued token and an OAuth access token in turns, which may see the same.
func (p *prober) as(person *worldPerson) (token string, headers []string) {
	p.asked++
	if p.asked%2 == 0 {
		return p.s.As(person.addresses[0]), nil
	}
	tokens := p.tokens[person]
	return tokens[p.asked/2%len(tokens)], []string{"X-Glean-Auth-Type", "OAUTH"}
}

func (p *prober) probe(person *worldPerson) {
	p.oldCursor(person)
	p.list(person)
	p.facets(person)
	p.fetch(person)
	p.byFacets(person)
	p.complete(person, "zq")
	p.values(person)
	p.entities(person)
	p.platform(person)
	p.within(person)
	for range 4 {
		d := p.anyDoc()
		p.find(person, d)
		p.misspell(person, d)
		p.complete(person, d.token[:7])
		p.readers(person, d)
		p.access(person, d)
		p.recommend(person, d)
		p.talk(person, d)
	}
}

var anyToken = regexp.MustCompile(`zq[a-z]{8}|zg-\d`)

// ask asks and holds that the answer tells of nothing that the person may not see, but for the words they typed themselves. It
// returns the tokens that the answer tells of.
func (p *prober) ask(person *worldPerson, path string, body any, typed ...string) (sheaftest.Answer, map[string]bool) {
	p.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/rest/api/v1/" + path
	}
	method := "POST"
	if body == nil {
		method = "GET"
	}
	token, headers := p.as(person)
	a := p.s.Do(method, path, token, body, headers...)
	if a.Status >= http.StatusInternalServerError || a.Status == http.StatusUnauthorized {
		p.t.Fatalf("%s %v = %d %s", path, body, a.Status, a.Body)
	}
	told := map[string]bool{}
	if p.typed[person] == nil {
		p.typed[person] = map[string]bool{}
	}
	for _, word := range typed {
		p.typed[person][word] = true
	}
	for _, token := range anyToken.FindAllString(p.withoutHistory(person, a.Body), -1) {
		if told[token] || slices.Contains(typed, token) {
			continue
		}
		told[token] = true
		if d := p.docs[token]; d == nil || !p.sees(person, d) {
			p.t.Errorf("%s %v as %s tells of %s, which they may not see: %s", path, body, person.addresses[0], token, a.Body)
		}
	}
	p.checks += len(p.docs)
	return a, told
}

var ownSearch = regexp.MustCompile(`\{"result":"([^"]|\\")*","resultType":"HISTORY"[^}]*\}`)

// random are the fields in which any letters may stand together.
var random = regexp.MustCompile(`"(requestID|request_id|trackingToken|cursor|next_cursor)":"[^"]*"`)

// withoutHistory leaves out of completions what the person searched for earlier themselves, and what is random.
func (p *prober) withoutHistory(person *worldPerson, body string) string {
	body = random.ReplaceAllString(body, "")
	return ownSearch.ReplaceAllStringFunc(body, func(entry string) string {
		for _, token := range anyToken.FindAllString(entry, -1) {
			if !p.typed[person][token] {
				return entry
			}
		}
		return ""
	})
}

// same holds that an answer told of exactly the documents that the person sees and that want names.
func (p *prober) same(person *worldPerson, what string, told map[string]bool, want func(*worldDoc) bool) {
	p.t.Helper()
	for token, d := range p.docs {
		if expected := p.sees(person, d) && want(d); expected != told[token] {
			p.t.Errorf("%s as %s tells of %s (%+v): %v, want %v", what, person.addresses[0], token, *d, told[token], expected)
		}
	}
}

func every(*worldDoc) bool { return true }

type searchHit struct {
	Document struct {
		ID string `json:"id"`
	} `json:"document"`
}

type searchAnswer struct {
	Results      []searchHit `json:"results"`
	Cursor       string      `json:"cursor"`
	FacetResults []struct {
		SourceName string `json:"sourceName"`
		Buckets    []struct {
			Count int `json:"count"`
			Value struct {
				StringValue string `json:"stringValue"`
			} `json:"value"`
		} `json:"buckets"`
	} `json:"facetResults"`
}

// list pages through everything, by words that all documents have and by none.
func (p *prober) list(person *worldPerson) {
	query := pick(p.world, []string{"", "harbour", "ledger harbour", "says OR nothing"})
	all := map[string]bool{}
	for cursor := ""; ; {
		a, told := p.ask(person, "search", map[string]any{"query": query, "pageSize": 7, "cursor": cursor, "maxSnippetSize": 300})
		var page searchAnswer
		a.Decode(&page)
		for token := range told {
			all[token] = true
		}
		if cursor == "" {
			p.cursors[person] = page.Cursor
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	p.same(person, fmt.Sprintf("the list of %q", query), all, every)
}

// oldCursor goes on with a page from before the world turned: the readers of now count.
func (p *prober) oldCursor(person *worldPerson) {
	if cursor := p.cursors[person]; cursor != "" {
		for _, query := range []string{"", "harbour", "ledger harbour", "says OR nothing"} {
			p.ask(person, "search", map[string]any{"query": query, "pageSize": 50, "cursor": cursor})
		}
	}
}

// facets compares counts with the model's.
func (p *prober) facets(person *worldPerson) {
	a, _ := p.ask(person, "search", map[string]any{"query": "", "pageSize": 0, "requestOptions": map[string]any{
		"facetBucketSize": 200, "responseHints": []string{"FACET_RESULTS", "ALL_RESULT_COUNTS"},
	}})
	var answer searchAnswer
	a.Decode(&answer)
	want := map[string]map[string]int{"datasource": {}, "type": {}}
	for _, d := range p.docs {
		if p.sees(person, d) {
			want["datasource"][d.source.name]++
			want["type"]["paper"]++
		}
	}
	for _, f := range answer.FacetResults {
		field := f.SourceName
		if field == "app" {
			field = "datasource"
		}
		if want[field] == nil {
			continue
		}
		got := map[string]int{}
		for _, b := range f.Buckets {
			got[b.Value.StringValue] = b.Count
		}
		if fmt.Sprint(got) != fmt.Sprint(want[field]) {
			p.t.Errorf("facet %s as %s = %v, want %v", field, person.addresses[0], got, want[field])
		}
		delete(want, field)
	}
	for field, counts := range want {
		if len(counts) > 0 {
			p.t.Errorf("the facet %s is absent as %s, want %v", field, person.addresses[0], counts)
		}
	}
}

// find looks for one document by a word that only it has.
func (p *prober) find(person *worldPerson, d *worldDoc) {
	query := pick(p.world, []string{d.token, `"` + d.token + ` harbour"`, "tag:" + d.token, "harbour " + d.token, `container:"` + d.token + " " + d.shelf() + `"`})
	a, _ := p.ask(person, "search", map[string]any{"query": query, "pageSize": 100}, d.token)
	var answer searchAnswer
	a.Decode(&answer)
	found := slices.ContainsFunc(answer.Results, func(r searchHit) bool { return r.Document.ID == d.key() })
	if found != p.sees(person, d) {
		p.t.Errorf("%q as %s finds %+v: %v, want %v: %s", query, person.addresses[0], *d, found, !found, a.Body)
	}
}

// misspell leaves a letter out of a word that only one document has: it is corrected for those alone who see it.
func (p *prober) misspell(person *worldPerson, d *worldDoc) {
	at := 3 + p.rng.IntN(6)
	_, told := p.ask(person, "search", map[string]any{"query": d.token[:at] + d.token[at+1:]})
	if told[d.token] != p.sees(person, d) {
		p.t.Errorf("a slip in %s is corrected for %s: %v, want %v", d.token, person.addresses[0], told[d.token], !told[d.token])
	}
}

func (p *prober) complete(person *worldPerson, typed string) {
	_, told := p.ask(person, "autocomplete", map[string]any{"query": typed, "resultSize": 200})
	if len(typed) > 2 {
		p.same(person, "completing "+typed, told, func(d *worldDoc) bool { return strings.HasPrefix(d.token, typed) })
	}
}

// fetch asks for all documents at once, by id or address.
func (p *prober) fetch(person *worldPerson) {
	byURL := p.rng.IntN(2) == 0
	specs := []any{}
	for _, d := range p.docs {
		if byURL {
			specs = append(specs, map[string]any{"url": d.url()})
		} else {
			specs = append(specs, map[string]any{"id": d.key()})
		}
	}
	token, headers := p.as(person)
	a := p.s.Must("POST", "/rest/api/v1/getdocuments", token, map[string]any{"documentSpecs": specs, "includeFields": []string{"DOCUMENT_CONTENT", "LAST_VIEWED_AT", "VISITORS_COUNT", "RECENT_SHARES", "CUSTOM_METADATA"}}, headers...)
	var answer struct {
		Documents map[string]struct {
			Error string `json:"error"`
			Title string `json:"title"`
		} `json:"documents"`
	}
	a.Decode(&answer)
	for _, d := range p.docs {
		name := d.key()
		if byURL {
			name = d.url()
		}
		got, present := answer.Documents[name]
		if !present {
			p.t.Fatalf("getdocuments leaves out %s: %s", name, a.Body)
		}
		if shown := got.Error == ""; shown != p.sees(person, d) || shown != (got.Title != "") {
			p.t.Errorf("getdocuments of %+v as %s: %+v, want shown %v", *d, person.addresses[0], got, p.sees(person, d))
		}
	}
	p.checks += len(p.docs)
}

func (p *prober) byFacets(person *worldPerson) {
	shelf := fmt.Sprintf("shelf%d", p.rng.IntN(5))
	all := map[string]bool{}
	for cursor := ""; ; {
		a, told := p.ask(person, "getdocumentsbyfacets", map[string]any{"cursor": cursor, "filterSets": []any{
			map[string]any{"filters": []any{map[string]any{"fieldName": "status", "values": []any{map[string]any{"value": shelf, "relationType": "EQUALS"}}}}},
		}})
		for token := range told {
			all[token] = true
		}
		var page struct {
			Cursor  string `json:"cursor"`
			HasMore bool   `json:"hasMoreResults"`
		}
		a.Decode(&page)
		if cursor = page.Cursor; !page.HasMore {
			break
		}
	}
	p.same(person, "getdocumentsbyfacets of "+shelf, all, func(d *worldDoc) bool { return d.shelf() == shelf })
}

// readers asks who sees a document: those who see it are told all of them, others nothing.
func (p *prober) readers(person *worldPerson, d *worldDoc) {
	a, _ := p.ask(person, "getdocpermissions", map[string]any{"documentId": d.key()}, d.token)
	p.checks += len(p.people)
	if !p.sees(person, d) {
		missing := p.s.Do("POST", "/rest/api/v1/getdocpermissions", p.s.As(person.addresses[0]), map[string]any{"documentId": d.source.name + "/paper/none"})
		if a.Status < 400 || a.Status != missing.Status || a.Body != missing.Body {
			p.t.Errorf("getdocpermissions of a hidden document = %d %s, of a missing one %d %s", a.Status, a.Body, missing.Status, missing.Body)
		}
		return
	}
	var answer struct {
		Emails []string `json:"allowedUserEmails"`
	}
	a.Decode(&answer)
	var want []string
	for _, other := range p.people {
		if p.sees(other, d) {
			want = append(want, other.addresses[0])
		}
	}
	if d.everyone && len(d.source.testers) == 0 {
		want = []string{"VISIBLE_TO_ALL"}
	}
	slices.Sort(answer.Emails)
	if slices.Sort(want); !slices.Equal(answer.Emails, want) {
		p.t.Errorf("getdocpermissions of %+v = %d %v, want %v", *d, a.Status, answer.Emails, want)
	}
}

func (p *prober) access(person *worldPerson, d *worldDoc) {
	a := p.s.Must("POST", "/api/index/v1/checkdocumentaccess", p.token, map[string]any{
		"datasource": d.source.name, "objectType": "paper", "docId": d.token, "userEmail": pick(p.world, person.addresses),
	})
	var answer struct {
		HasAccess bool `json:"hasAccess"`
	}
	a.Decode(&answer)
	if p.checks++; answer.HasAccess != p.sees(person, d) {
		p.t.Errorf("checkdocumentaccess of %+v for %s = %v, want %v", *d, person.addresses[0], answer.HasAccess, !answer.HasAccess)
	}
}

func (p *prober) recommend(person *worldPerson, d *worldDoc) {
	a, told := p.ask(person, "recommendations", map[string]any{"recommendationDocumentSpec": map[string]any{"id": d.key()}, "pageSize": 50, "maxSnippetSize": 200})
	if sees := p.sees(person, d); (a.Status == http.StatusForbidden) == sees || a.Status != http.StatusForbidden && a.Status != http.StatusOK && a.Status != http.StatusNoContent {
		p.t.Errorf("recommendations beside %+v as %s = %d %s, want 403: %v", *d, person.addresses[0], a.Status, a.Body, !sees)
	}
	if told[d.token] {
		p.t.Errorf("recommendations beside %s as %s hold the document itself", d.token, person.addresses[0])
	}
}

// values asks for the values that documents have, as completions of an operator and as facets.
func (p *prober) values(person *worldPerson) {
	operator := pick(p.world, []string{"tag:", "container:", "berth:", "channel:"})
	_, told := p.ask(person, "autocomplete", map[string]any{"query": operator, "resultTypes": []string{"OPERATOR_VALUE"}, "resultSize": 200})
	if operator != "berth:" { // nobody has declared that
		p.same(person, "completing "+operator, told, every)
	}
	_, told = p.ask(person, "search", map[string]any{"query": "harbour", "pageSize": 0, "requestOptions": map[string]any{
		"facetBucketSize": 200, "defaultFacets": []string{"berth"}, "responseHints": []string{"FACET_RESULTS"},
	}})
	p.same(person, "the facet berth", told, every)
}

// entities lists the things of the one source that has any.
func (p *prober) entities(person *worldPerson) {
	a, told := p.ask(person, "listentities", map[string]any{"entityType": "CUSTOM_ENTITIES", "pageSize": 100, "includeFields": []string{"FACETS"}})
	p.same(person, "listentities", told, func(d *worldDoc) bool { return d.source.entities })
	var answer struct {
		Total  int `json:"totalCount"`
		Facets []struct {
			Buckets []struct {
				Count int `json:"count"`
			} `json:"buckets"`
		} `json:"facetResults"`
	}
	a.Decode(&answer)
	for _, f := range answer.Facets {
		if len(f.Buckets) != 1 || f.Buckets[0].Count != len(told) {
			p.t.Errorf("listentities as %s counts %+v, want %d", person.addresses[0], f.Buckets, len(told))
		}
	}
	if answer.Total != len(told) {
		p.t.Errorf("listentities as %s says that there are %d, want %d", person.addresses[0], answer.Total, len(told))
	}
}

// platform asks the same in the words of the Platform API.
func (p *prober) platform(person *worldPerson) {
	shelf := fmt.Sprintf("shelf%d", p.rng.IntN(5))
	_, told := p.ask(person, "/api/search", map[string]any{"query": "harbour", "page_size": 100, "filters": []any{map[string]any{"field": "status", "values": []string{shelf}}}})
	p.same(person, "/api/search for "+shelf, told, func(d *worldDoc) bool { return d.shelf() == shelf })
	p.ask(person, "/api/search/filters?query=harbour&datasources="+pick(p.world, p.sources).name, nil)
}

// within searches in a container, and outside of it.
func (p *prober) within(person *worldPerson) {
	d := p.anyDoc()
	spec := map[string]any{"containerSpecs": []any{map[string]any{"id": d.source.name + "/box/" + d.box()}}}
	inside := func(other *worldDoc) bool { return other.source == d.source && other.box() == d.box() }
	_, told := p.ask(person, "search", map[string]any{"query": "harbour", "pageSize": 100, "requestOptions": map[string]any{"inclusions": spec}})
	p.same(person, "search in a container", told, inside)
	_, told = p.ask(person, "search", map[string]any{"query": "harbour", "pageSize": 100, "requestOptions": map[string]any{"exclusions": spec}})
	p.same(person, "search outside of a container", told, func(other *worldDoc) bool { return !inside(other) })
}

// talk reads the conversation that a document is in, and the document as a thread.
func (p *prober) talk(person *worldPerson, d *worldDoc) {
	talks := func(other *worldDoc) bool { return other.source.category == "MESSAGING" }
	ask := func(kind, id string) map[string]bool {
		_, told := p.ask(person, "messages", map[string]any{
			"idType": kind, "id": id, "datasource": pick(p.world, []string{"alder", "GCHAT"}), "direction": pick(p.world, []string{"OLDER", "NEWER"}), "includeRootMessage": true,
		})
		return told
	}
	p.same(person, "messages of "+d.box(), ask("CONVERSATION_ID", d.box()), func(other *worldDoc) bool { return talks(other) && other.box() == d.box() })
	same := func(other *worldDoc) bool { return talks(other) && other == d }
	p.same(person, "messages of a thread", ask("THREAD_ID", d.token), same)
	p.same(person, "messages of a channel", ask("CHANNEL_NAME", "#"+d.token+" "+d.shelf()), same)
}
