package intake_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
)

const tracker = `{"name":"tracker","datasourceCategory":"TICKETS","urlRegex":"^https://tracker\\.example/","isUserReferencedByEmail":true,
	"objectDefinitions":[
		{"propertyDefinitions":[{"name":"Due Date","propertyType":"DATE","displayLabel":"Due","uiFacetOrder":2},{"name":"secret","propertyType":"TEXT","skipIndexing":true}]},
		{"name":"Bug","propertyGroups":[{"name":"g","displayLabel":"Grading"}],"propertyDefinitions":[
			{"name":"severity","propertyType":"PICKLIST","group":"g","uiFacetOrder":1,"displayLabelPlural":"Severities"},
			{"name":"effort","propertyType":"INT","hideUiFacet":true},{"name":"teams","propertyType":"TEXTLIST"},{"name":"status","propertyType":"TEXT"}]}]}`

// world is a whole server with a datasource of tickets and one reader.
type world struct {
	*sheaftest.Server
	t     *testing.T
	token string
	ann   grant.Caller
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := sheaftest.Open(t)
	w := &world{Server: s, t: t, token: s.Indexing()}
	p := s.Person("ann@example.com", grant.RoleMember)
	w.ann = grant.Mint(&grant.Facts{Kind: grant.User, Person: p.ID, Email: p.Email})
	w.Must("POST", "/api/index/v1/adddatasource", w.token, tracker)
	w.Must("POST", "/api/index/v1/indexuser", w.token, `{"datasource":"tracker","user":{"email":"ann@example.com","name":"Ann"}}`)
	return w
}

// bug indexes a ticket that everyone may read.
func (w *world) bug(id, fields string) sheaftest.Answer {
	w.t.Helper()
	return w.Do("POST", "/api/index/v1/indexdocument", w.token, fmt.Sprintf(`{"document":{"datasource":"tracker","objectType":"Bug","id":%q,
		"viewURL":"https://tracker.example/%s","permissions":{"allowAnonymousAccess":true}%s}}`, id, id, fields))
}

// buckets counts the values of a facet among what Ann may see.
func (w *world) buckets(field string) []string {
	w.t.Helper()
	w.CatchUp()
	r, err := w.Index.Search(w.t.Context(), w.ann, index.Query{Facets: []index.FacetRequest{{Field: field, Size: 10}}})
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, b := range r.Facets[0].Buckets {
		list = append(list, fmt.Sprint(b.Value, " ", b.Count))
	}
	slices.Sort(list)
	return list
}

// found returns the keys of what Ann finds for words.
func (w *world) found(words string) []string {
	w.t.Helper()
	w.CatchUp()
	r, err := w.Index.Search(w.t.Context(), w.ann, index.Query{Text: query.Parse(words).Root, Size: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for _, h := range r.Hits {
		keys = append(keys, h.Key)
	}
	slices.Sort(keys)
	return keys
}

// eventually waits until a job has done what ok asks for.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.t.Errorf("%s: not within 15 s", what)
}

func TestWhatADatasourceDeclares(t *testing.T) {
	w := newWorld(t)
	list, err := w.Corpus.Properties(t.Context(), w.ann)
	if err != nil {
		t.Fatal(err)
	}
	want := []corpus.PropertyInfo{
		{Operator: "severity", Name: "severity", Label: "severity", LabelPlural: "Severities", Type: "PICKLIST", Datasource: "tracker", ObjectTypes: []string{"Bug"}, Facet: true, Indexed: true, Order: 1, Group: "Grading"},
		{Operator: "duedate", Name: "Due Date", Label: "Due", LabelPlural: "Due", Type: "DATE", Datasource: "tracker", Facet: true, Indexed: true, Order: 2},
		{Operator: "effort", Name: "effort", Label: "effort", LabelPlural: "effort", Type: "INT", Datasource: "tracker", ObjectTypes: []string{"Bug"}, Indexed: true},
		{Operator: "secret", Name: "secret", Label: "secret", LabelPlural: "secret", Type: "TEXT", Datasource: "tracker"},
		{Operator: "status", Name: "status", Label: "status", LabelPlural: "status", Type: "TEXT", Datasource: "tracker", ObjectTypes: []string{"Bug"}},
		{Operator: "teams", Name: "teams", Label: "teams", LabelPlural: "teams", Type: "TEXTLIST", Datasource: "tracker", ObjectTypes: []string{"Bug"}, Facet: true, Indexed: true},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("Properties() differs (-want +got):\n%s", diff)
	}
	no := false
	if _, err := w.Corpus.SetVisibility(t.Context(), w.Authority.Maintenance(), "tracker", directory.Visibility{Visible: &no}); err != nil {
		t.Fatal(err)
	}
	if list, err = w.Corpus.Properties(t.Context(), w.ann); err != nil || len(list) != 0 {
		t.Errorf("Properties() of somebody who may not see the datasource = %+v, %v, want nothing", list, err)
	}
}

func TestValuesAreHeldToWhatIsDeclared(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ property, value, holds string }{
		{"severity", `5`, "declared PICKLIST"},
		{"severity", `["a"]`, "declared PICKLIST"},
		{"severity", `"high"`, ""},
		{"SEVERITY", `true`, "declared PICKLIST"},
		{"effort", `"x"`, "whole number"},
		{"effort", `1.5`, "whole number"},
		{"effort", `1e300`, "whole number"},
		{"effort", `"12"`, ""},
		{"effort", `-3`, ""},
		{"teams", `[1]`, "list of texts"},
		{"teams", `{"a":1}`, "list of texts"},
		{"teams", `["a","b"]`, ""},
		{"teams", `"a"`, ""},
		{"teams", `null`, ""},
		{"Due Date", `"tomorrow"`, "2006-01-02"[:4]},
		{"Due Date", `"2026-02-30"`, "2006"},
		{"Due Date", `"2026-02-03"`, ""},
		{"due date", `"2026-02-03T04:05:06+01:00"`, ""},
		{"Due Date", `1767225600`, ""},
		{"Due Date", `1e15`, "2006"},
		{"undeclared", `{"any":"thing"}`, ""},
	} {
		a := w.bug("v", fmt.Sprintf(`,"customProperties":[{"name":%q,"value":%s}]`, c.property, c.value))
		if want := map[bool]int{true: 200, false: 400}[c.holds == ""]; a.Status != want || !strings.Contains(a.Body, c.holds) {
			t.Errorf("%s = %s: %d %q, want %d with %q", c.property, c.value, a.Status, a.Body, want, c.holds)
		}
	}
	for fields, holds := range map[string]string{
		`,"customProperties":[{"name":"teams","value":"a"},{"name":"Teams","value":"b"}]`: "twice",
		`,"viewURL":"x"`: "", // a duplicate key
	} {
		if a := w.bug("v", fields); a.Status != 400 || !strings.Contains(a.Body, holds) {
			t.Errorf("%s: %d %q, want 400 with %q", fields, a.Status, a.Body, holds)
		}
	}
	if a := w.Do("POST", "/api/index/v1/indexdocument", w.token, `{"document":{"datasource":"tracker","objectType":"Bug","id":"u","viewURL":"https://elsewhere.example/u"}}`); a.Status != 400 || !strings.Contains(a.Body, "urlRegex") {
		t.Errorf("a viewURL of another site = %d %q, want 400", a.Status, a.Body)
	}
	for config, holds := range map[string]string{
		`"objectDefinitions":[{"propertyDefinitions":[{"name":"a","propertyType":"FLOAT"}]}]`:                        "none of TEXT",
		`"objectDefinitions":[{"propertyDefinitions":[{"name":"Due Date"},{"name":"due-date"},{"name":"duedate"}]}]`: "same operator",
		`"objectDefinitions":[{"name":"A"},{"name":"A"}]`:                                                            "twice",
		`"objectDefinitions":[{"name":"A_B"}]`:                                                                       "underscore",
		`"urlRegex":"(?=a)"`:                                                                                         "RE2",
		`"urlRegex":"(((a{100}){100}){100}){100}"`:                                                                   "RE2",
		`"iconUrl":"javascript:alert(1)"`:                                                                            "iconUrl",
		`"aliases":[""]`:                                                                                             "alias",
		`"datasourceCategory":"UNCATEGORIZED"`:                                                                       "UNCATEGORIZED",
	} {
		body := `{"name":"other","datasourceCategory":"TICKETS","urlRegex":"."`
		if strings.HasPrefix(config, `"urlRegex"`) {
			body = `{"name":"other","datasourceCategory":"TICKETS"`
		}
		if strings.HasPrefix(config, `"datasourceC`) {
			body = `{"name":"other","urlRegex":"."`
		}
		if a := w.Do("POST", "/api/index/v1/adddatasource", w.token, body+","+config+"}"); a.Status != 400 || !strings.Contains(a.Body, holds) {
			t.Errorf("adddatasource with %s = %d %q, want 400 with %q", config, a.Status, a.Body, holds)
		}
	}
}

func TestAChangedDefinitionReachesTheIndex(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		if a := w.bug(fmt.Sprint(i), `,"title":"Ticket","customProperties":[{"name":"severity","value":"high"},{"name":"secret","value":"hush"},{"name":"effort","value":3}]`); a.Status != 200 {
			t.Fatal(a.Body)
		}
	}
	if got := w.buckets("severity"); !slices.Equal(got, []string{"high 5"}) {
		t.Errorf("severity = %q, want five of high", got)
	}
	if got := w.found("hush"); got != nil {
		t.Errorf("what is not indexed is found: %q", got)
	}
	if got := w.found("high"); len(got) != 5 {
		t.Errorf("the words of a property find %q, want all", got)
	}
	w.Must("POST", "/api/index/v1/adddatasource", w.token, strings.NewReplacer(`,"skipIndexing":true`, "", `"severity","propertyType":"PICKLIST"`, `"severity","propertyType":"PICKLIST","skipIndexing":true`).Replace(tracker))
	w.eventually("a property that is no longer indexed goes", func() bool { return len(w.buckets("severity")) == 0 && w.found("high") == nil })
	w.eventually("a property that is indexed now comes", func() bool { return len(w.found("hush")) == 5 })
}

func TestAChangedNameReachesTheIndex(t *testing.T) {
	w := newWorld(t)
	w.Must("POST", "/api/index/v1/indexemployee", w.token, `{"employee":{"email":"bo@example.com","firstName":"Bo","lastName":"Quist","department":"Pilots"}}`)
	if a := w.bug("named", `,"title":"Ticket","author":{"email":"bo@example.com"}`); a.Status != 200 {
		t.Fatal(a.Body)
	}
	if a := w.bug("other", `,"title":"Ticket","author":{"email":"ann@example.com"}`); a.Status != 200 {
		t.Fatal(a.Body)
	}
	w.eventually("the name finds the document", func() bool { return len(w.found("quist")) == 1 })
	w.Must("POST", "/api/index/v1/indexemployee", w.token, `{"employee":{"email":"bo@example.com","firstName":"Bo","lastName":"Vandermeer","department":"Pilots"}}`)
	w.eventually("the new name finds the document", func() bool {
		return slices.Equal(w.found("vandermeer"), []string{"tracker/Bug/named"}) && w.found("quist") == nil
	})
}

func TestBodiesComeIn(t *testing.T) {
	w := newWorld(t)
	pdf := "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj 2 0 obj <</Kids[3 0 R]>> endobj 3 0 obj <</Contents 4 0 R /Resources<</Font<</F 5 0 R>>>>>> endobj\n" +
		"4 0 obj <</Length 37>> stream\nBT /F 9 Tf (a remarkable wharfage) Tj ET \nendstream endobj 5 0 obj <</Subtype/Type1>> endobj trailer <</Root 1 0 R/Info<</Title(Tariff)>>>>"
	for _, encode := range []func([]byte) string{base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString} {
		if a := w.bug("pdf", fmt.Sprintf(`,"body":{"mimeType":"application/octet-stream","binaryContent":%q}`, encode([]byte(pdf)))); a.Status != 200 {
			t.Fatal(a.Body)
		}
	}
	if got := w.found("wharfage"); !slices.Equal(got, []string{"tracker/Bug/pdf"}) {
		t.Errorf("the words of a PDF find %q", got)
	}
	docs, err := w.Corpus.Get(t.Context(), w.ann, "tracker/Bug/pdf")
	if d := docs["tracker/Bug/pdf"]; err != nil || d == nil || d.Title != "Tariff" || d.MimeType != "application/pdf" {
		t.Errorf("the document = %+v, %v, want the title and the type from its content", d, err)
	}
	if a := w.bug("urls", `,"additionalUrls":["https://short.example/1"],"nativeAppUrl":"app://1","filename":"notes.txt","body":{"mimeType":"","textContent":"x"}`); a.Status != 200 {
		t.Fatal(a.Body)
	}
	docs, err = w.Corpus.ByURL(t.Context(), w.ann, "https://short.example/1")
	if d := docs["tracker/Bug/urls"]; err != nil || d == nil || d.Title != "notes.txt" {
		t.Errorf("ByURL() = %+v, %v, want the document with the title of its file", docs, err)
	}
	docs, err = w.Corpus.Get(t.Context(), w.ann, "tracker/Bug/urls")
	if d := docs["tracker/Bug/urls"]; err != nil || d == nil || d.NativeAppURL != "app://1" {
		t.Errorf("the document = %+v, %v, want its address in an app", d, err)
	}
}

// metadataToken is the secret of an indexing token with scopes of custom metadata.
func (w *world) metadataToken(scopes ...string) string {
	w.t.Helper()
	_, secret, err := w.Authority.CreateIndexingToken(w.t.Context(), w.Authority.Maintenance(), authority.NewIndexingToken{
		Description: "metadata", Expires: time.Now().Add(time.Hour), Scopes: scopes,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

func TestCustomMetadata(t *testing.T) {
	w := newWorld(t)
	one, all := w.metadataToken("custommetadata:Compliance"), w.metadataToken("custommetadata:global_scope")
	const schema = "/rest/api/index/custom-metadata/schema/"
	place := "/rest/api/index/document/" + url.PathEscape("tracker/Bug/A-1") + "/custom-metadata/"
	keys := `{"metadataKeys":[{"name":"status","propertyType":"PICKLIST"},{"name":"tags","propertyType":"MULTIPICKLIST"},{"name":"note","propertyType":"TEXT","skipIndexing":true}]}`
	if a := w.bug("A-1", `,"title":"Ticket"`); a.Status != 200 {
		t.Fatal(a.Body)
	}
	do := func(status int, holds, method, path, token, body string) {
		t.Helper()
		var sent any
		if body != "" {
			sent = body
		}
		a := w.Do(method, path, token, sent)
		if a.Status != status || !strings.Contains(a.Body, holds) || status != 200 && (!strings.Contains(a.Body, `"error"`) || !strings.Contains(a.Body, `"message"`)) {
			t.Errorf("%s %s %s = %d %s, want %d with %q", method, path, body, a.Status, a.Body, status, holds)
		}
	}
	do(404, "Define its schema", "PUT", place+"compliance", one, `{"customMetadata":[]}`)
	do(401, "custommetadata:compliance", "PUT", schema+"compliance", w.token, keys)
	do(401, "custommetadata:legal", "PUT", schema+"legal", one, keys)
	do(400, "letters and digits", "PUT", schema+"a_b", all, keys)
	do(400, "PICKLIST", "PUT", schema+"compliance", one, `{"metadataKeys":[{"name":"a","propertyType":"INT"}]}`)
	do(400, "1 to 20 keys", "PUT", schema+"compliance", one, `{"metadataKeys":[]}`)
	do(400, "case does not matter", "PUT", schema+"compliance", one, `{"metadataKeys":[{"name":"a","propertyType":"TEXT"},{"name":"A","propertyType":"TEXT"}]}`)
	do(404, "no metadata group", "GET", schema+"compliance", one, "")
	do(200, `"success":true`, "PUT", schema+"Compliance", one, keys)
	do(200, `"PICKLIST"`, "GET", schema+"COMPLIANCE", all, "")
	do(409, "is a PICKLIST already", "PUT", schema+"compliance", one, `{"metadataKeys":[{"name":"Status","propertyType":"TEXT"}]}`)
	do(400, "no key", "PUT", place+"compliance", one, `{"customMetadata":[{"name":"other","value":"x"}]}`)
	do(400, "twice", "PUT", place+"compliance", one, `{"customMetadata":[{"name":"status","value":"x"},{"name":"STATUS","value":"y"}]}`)
	do(400, "is a text", "PUT", place+"compliance", one, `{"customMetadata":[{"name":"status","value":["x"]}]}`)
	do(404, "%2F", "PUT", "/rest/api/index/document/"+url.PathEscape("tracker/Bug/none")+"/custom-metadata/compliance", one, `{"customMetadata":[{"name":"status","value":"x"}]}`)
	do(404, "", "PUT", "/rest/api/index/document/nonsense/custom-metadata/compliance", one, `{"customMetadata":[{"name":"status","value":"x"}]}`)
	do(200, `"success":true`, "PUT", place+"compliance", one, `{"customMetadata":[{"name":"Status","value":"Approved"},{"name":"tags","value":["soc","annual"]},{"name":"note","value":"hushed"}]}`)

	check := func(when string, facets []string, words map[string]int) {
		t.Helper()
		if got := w.buckets("compliancestatus"); !slices.Equal(got, facets) {
			t.Errorf("%s: the facet = %q, want %q", when, got, facets)
		}
		for word, n := range words {
			if got := w.found(word); len(got) != n {
				t.Errorf("%s: %s finds %q, want %d", when, word, got, n)
			}
		}
	}
	check("at first", []string{"Approved 1"}, map[string]int{"approved": 1, "annual": 1, "hushed": 0})
	if got := w.buckets("compliancenote"); !slices.Equal(got, []string{"hushed 1"}) {
		t.Errorf("the facet of a key whose text is not searched = %q", got)
	}
	if a := w.bug("a-1", `,"title":"Again"`); a.Status != 200 {
		t.Fatal(a.Body)
	}
	check("after the document came again", []string{"Approved 1"}, map[string]int{"approved": 1})
	docs, err := w.Corpus.Get(t.Context(), w.ann, "tracker/Bug/A-1")
	if d := docs["tracker/Bug/a-1"]; err != nil || d == nil || len(d.Metadata) != 1 || len(d.Metadata[0].Values) != 3 || d.Metadata[0].Group != "Compliance" {
		t.Errorf("Get() = %+v, %v, want the metadata", d, err)
	}
	do(200, "", "PUT", schema+"compliance", one, `{"metadataKeys":[{"name":"status","propertyType":"PICKLIST","skipIndexing":true}]}`)
	w.eventually("a changed schema reaches the index", func() bool { return w.found("approved") == nil && w.found("annual") == nil })
	check("after the schema changed", []string{"Approved 1"}, nil)
	do(200, "", "DELETE", place+"compliance", one, "")
	check("after the metadata was deleted", nil, nil)
	do(200, "", "DELETE", place+"compliance", one, "")
	do(200, "", "PUT", place+"compliance", all, `{"customMetadata":[{"name":"status","value":"Late"}]}`)
	check("anew", []string{"Late 1"}, nil)
	do(200, "", "DELETE", schema+"compliance", one, "")
	do(404, "", "DELETE", schema+"compliance", one, "")
	w.eventually("a deleted group leaves the index", func() bool { return w.buckets("compliancestatus") == nil })
	do(200, "", "PUT", schema+"compliance", one, keys)
	if docs, err = w.Corpus.Get(t.Context(), w.ann, "tracker/Bug/a-1"); err != nil || docs["tracker/Bug/a-1"].Metadata != nil {
		t.Errorf("a group that is made again has %+v, %v, want nothing", docs["tracker/Bug/a-1"].Metadata, err)
	}
	do(200, "", "PUT", place+"compliance", one, `{"customMetadata":[{"name":"status","value":"Last"}]}`)
	w.Must("POST", "/api/index/v1/deletedocument", w.token, `{"datasource":"tracker","objectType":"Bug","id":"A-1"}`)
	if a := w.bug("A-1", ""); a.Status != 200 {
		t.Fatal(a.Body)
	}
	check("after the document was deleted and made again", nil, nil)
	// The token writes metadata and nothing else.
	if a := w.Do("POST", "/api/index/v1/deletedocument", one, `{"datasource":"tracker","objectType":"Bug","id":"A-1"}`); a.Status != http.StatusForbidden {
		t.Errorf("a token of metadata deletes a document: %d %s", a.Status, a.Body)
	}
}

func TestSubmissions(t *testing.T) {
	w := newWorld(t)
	submit := func(status int, holds, path, body string) {
		t.Helper()
		if a := w.Do("POST", "/rest/api/index/submissions/"+path, w.token, body); a.Status != status || !strings.Contains(a.Body, holds) {
			t.Errorf("%s %s = %d %s, want %d with %q", path, body, a.Status, a.Body, status, holds)
		}
	}
	submit(404, "There are: document", "tracker/essay", `{}`)
	submit(404, "no datasource", "nowhere/document", `{"document":{"id":"1"}}`)
	submit(400, "indexdocument", "tracker/document", `{"text":"x"}`)
	submit(400, "another", "tracker/documents", `{"datasource":"wiki","documents":[{}]}`)
	submit(400, "", "tracker/document", `[]`)
	submit(202, `"requestId":"`, "tracker/document", `{"document":{"objectType":"Bug","id":"s1","viewURL":"https://tracker.example/s1","body":{"mimeType":"text/plain","textContent":"submitted text"},"permissions":{"allowAnonymousAccess":true}}}`)
	submit(202, "", "tracker/documents", `{"documents":[{"objectType":"Bug","id":"s2","viewURL":"https://tracker.example/s2","title":"submitted title","permissions":{"allowAnonymousAccess":true}}]}`)
	submit(202, "", "tracker/document", `{"document":{"objectType":"Bug","id":"bad","viewURL":"https://elsewhere.example/"}}`)
	w.eventually("what was submitted is found", func() bool { return len(w.found("submitted")) == 2 })
	submit(202, "", "tracker/deletedocument", `{"objectType":"Bug","id":"s1"}`)
	w.eventually("what was submitted for deletion is gone", func() bool { return slices.Equal(w.found("submitted"), []string{"tracker/Bug/s2"}) })
	other, err := w.Corpus.Get(t.Context(), w.ann, "tracker/Bug/bad")
	if err != nil || len(other) != 0 {
		t.Errorf("a submission with a mistake made %v, %v", other, err)
	}
}
