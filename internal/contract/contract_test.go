package contract

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

func TestOperationsAndShapesNameTheSameOperations(t *testing.T) {
	shaped := map[string]bool{}
	for _, api := range []API{Client, Indexing, Platform} {
		for name, shape := range ShapesOf(api).Operations {
			shaped[name] = true
			if len(shape.Responses) == 0 {
				t.Errorf("%s has no responses", name)
			}
		}
	}
	for _, op := range Operations() {
		if !shaped[op.Name()] {
			t.Errorf("%s is in operations.tsv and has no shape", op.Name())
		}
		delete(shaped, op.Name())
		if !slices.Contains([]Evidence{Yes, No, Unknown}, op.Anonymous) {
			t.Errorf("%s: Anonymous = %q", op.Name(), op.Anonymous)
		}
		if got := familyAPI(rpc.FamilyOf(op.Path)); got != op.API {
			t.Errorf("%s: rpc puts the path in %q, the facts in %q", op.Name(), got, op.API)
		}
	}
	for name := range shaped {
		t.Errorf("%s has a shape and is not in operations.tsv", name)
	}
	if got := len(Operations()); got != 148 {
		t.Errorf("%d operations, want 148", got)
	}
}

func TestShapesHoldWhatTheDescriptionsSay(t *testing.T) {
	client := ShapesOf(Client)
	spec := client.Types["DocumentSpec"]
	if len(spec.OneOf) != 4 || spec.Fields["ugcType"] == nil || spec.Fields["url"].Required {
		t.Errorf("DocumentSpec = %+v, want a choice of four with optional fields", spec)
	}
	for field, want := range map[string]string{
		"SearchResult.url": "string", "SearchResult.document": "ref:Document", "DocumentMetadata.createTime": "string/date-time",
		"GetDocumentsResponse.documents": "map:ref:DocumentOrError", "ErrorResponse.message": "string",
		"AgentRunCreate.input": "object", "CustomFieldData.values": "[]ref:CustomFieldValue",
	} {
		owner, name, _ := strings.Cut(field, ".")
		if f := client.Types[owner].Fields[name]; f == nil || f.Kind != want {
			t.Errorf("%s = %+v, want the kind %s", field, f, want)
		}
	}
	if f := client.Types["AutocompleteResult"].Fields["result_type"]; f != nil {
		t.Errorf("AutocompleteResult.result_type = %+v, want nothing: it is a slip of the description", f)
	}
	if f := ShapesOf(Platform).Types["SearchResponse"].Fields["next_cursor"]; !f.Nullable {
		t.Error("platform SearchResponse.next_cursor is not nullable")
	}
	if f := ShapesOf(Platform).Types["ChatCreateRequest"].Fields["input"]; f.Kind != "string|[]ref:ChatInputMessage" {
		t.Errorf("ChatCreateRequest.input = %q, want a choice", f.Kind)
	}
}

func TestBrokenFactsAreRefused(t *testing.T) {
	for _, text := range []string{
		"nonsense", "A.b string sometimes", "A oneof B", "A.b ref:C optional", "POST /x sent application/json any",
	} {
		if _, err := parseShapes(Client, text+"\n"); err == nil {
			t.Errorf("parseShapes(%q) succeeded, want an error", text)
		}
	}
	for _, text := range []string{
		"client required SearchResult.url\tit is so already", "client required Nothing.url\tno such type",
		"client required SearchResponse.cursor", "client answers POST /nowhere 200 a/b any\tno such operation",
	} {
		s, err := parseShapes(Client, clientText)
		if err != nil {
			t.Fatal(err)
		}
		if err := applyClients(map[API]*Shapes{Client: s}, text+"\n"); err == nil {
			t.Errorf("applyClients(%q) succeeded, want an error", text)
		}
	}
}

// room opens operations as a room does.
func room(s grant.Scope, kinds grant.Kind, ops ...rpc.Operation) rpc.Room {
	return rpc.Open(s, kinds, ops...)
}

func op[Req, Resp any](pattern string) rpc.Operation {
	return rpc.JSON(pattern, "", func(context.Context, grant.Caller, Req) (r Resp, err error) { return r, err })
}

type pinAsk struct {
	ID string `json:"id,omitzero"`
}

type pin struct {
	ID         string    `json:"id,omitzero"`
	DocumentID string    `json:"documentId"`
	CreateTime time.Time `json:"createTime,omitzero"`
}

type pinAnswer struct {
	Pin pin `json:"pin,omitzero"`
}

func TestDiff(t *testing.T) {
	people := grant.User | grant.Global
	type pinOfWrongKinds struct {
		ID         int            `json:"id,omitzero"`
		DocumentID *string        `json:"documentId"`
		CreateTime string         `json:"createTime,omitzero"`
		Queries    string         `json:"queries,omitzero"`
		Extra      jsontext.Value `json:"extra,omitzero"`
		Hidden     jsontext.Value `json:"-"`
	}
	type wrongAnswer struct {
		Pin pinOfWrongKinds `json:"pin"`
	}
	type located struct {
		pinAsk
		Locale string `json:"-" query:"locale"`
	}
	for _, c := range []struct {
		name string
		room rpc.Room
		want []string
	}{
		{"as the contract", room(grant.Pins, people, op[located, pinAnswer]("POST /rest/api/v1/getpin")), nil},
		{"unknown operation", room(grant.Pins, people, op[pinAsk, pinAnswer]("POST /rest/api/v1/nopin")), []string{
			"client POST /rest/api/v1/nopin not in the contract",
		}},
		{"scope and kinds", room(grant.Search, people|grant.Anonymous, op[located, pinAnswer]("POST /rest/api/v1/getpin")), []string{
			"client POST /rest/api/v1/getpin admits ANONYMOUS, contract no",
			"client POST /rest/api/v1/getpin scope SEARCH, contract PINS",
		}},
		{"not built", room(grant.Search, people, rpc.Unbuilt("POST", "/rest/api/v1/getpin")), []string{
			"client POST /rest/api/v1/getpin scope SEARCH, contract PINS",
		}},
		{"request", room(grant.Pins, people, op[struct {
			Title string `json:"title"`
		}, pinAnswer]("POST /rest/api/v1/getpin")), []string{
			"client POST /rest/api/v1/getpin query locale missing",
			"client request GetPinRequest.id missing",
			"client request GetPinRequest.title not in the contract",
		}},
		{"response", room(grant.Pins, people, op[located, wrongAnswer]("POST /rest/api/v1/getpin")), []string{
			"client response PinDocument.createTime string, contract string/date-time",
			"client response PinDocument.documentId may be null",
			"client response PinDocument.extra not in the contract",
			"client response PinDocument.id integer, contract string",
			"client response PinDocument.queries string, contract []string",
		}},
		{"missing", room(grant.Pins, people, op[located, struct {
			Pin struct {
				DocumentID string `json:"documentId,omitzero"`
			} `json:"pin,omitzero"`
		}]("POST /rest/api/v1/getpin"), op[located, struct{}]("POST /rest/api/v1/listpins")), []string{
			"client response ListPinsResponse.pins missing, contract required",
			"client response PinDocument.documentId optional, contract required",
		}},
		{"void", room(grant.Pins, people, op[located, rpc.None]("POST /rest/api/v1/getpin")), []string{
			`client POST /rest/api/v1/getpin media "", contract "application/json"`,
		}},
		{"stream", room(grant.Pins, people, rpc.Lines("POST /rest/api/v1/getpin", "",
			func(context.Context, grant.Caller, located) iter.Seq2[pinAnswer, error] { return nil })), []string{
			`client POST /rest/api/v1/getpin media "text/plain", contract "application/json"`,
		}},
		{"our own API", room(grant.AdminScope, grant.Session, op[pinAsk, pinAnswer]("POST /api/admin/v1/anything")), nil},
	} {
		var got []string
		for _, d := range Diff(c.room) {
			got = append(got, d.Text)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Diff (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestCheckReportsLinesThatAcceptNothing(t *testing.T) {
	var idle int
	for _, d := range Check(nil) {
		if strings.HasPrefix(d.Text, "divergences.txt accepts what does not occur: ") {
			idle++
		}
	}
	if want := len(acceptedDivergences()); idle != want {
		t.Errorf("Check of no rooms reports %d idle lines, want all %d", idle, want)
	}
	d := Divergence{"client POST /rest/api/v1/getpin query locale missing"}
	if want := "client * query locale missing"; !slices.Contains(d.forms(), want) {
		t.Errorf("%q can be accepted by %q, want %q among them", d, d.forms(), want)
	}
}

func TestValidateResponse(t *testing.T) {
	const jsonType = "application/json; charset=UTF-8"
	for _, c := range []struct {
		name, operation, media, body string
		status                       int
		want                         string // part of the error; "" for none
	}{
		{
			"right", "POST /rest/api/v1/search", jsonType,
			`{"metadata":{"searchedQuery":"x"},"results":[{"url":"u","document":{"id":"d","metadata":{"createTime":"2026-01-02T03:04:05Z"}}}]}`, 200, "",
		},
		{"missing", "POST /rest/api/v1/search", jsonType, `{"metadata":{"searchedQuery":"x"},"results":[{}]}`, 200, ".results[0].url: missing"},
		{"null", "POST /rest/api/v1/search", jsonType, `{"metadata":{"searchedQuery":"x"},"cursor":null}`, 200, ".cursor: null"},
		{"kind", "POST /rest/api/v1/search", jsonType, `{"metadata":{"searchedQuery":1}}`, 200, "searchedQuery: not a string"},
		{"whole number", "POST /rest/api/v1/listentities", jsonType, `{"totalCount":1.5}`, 200, "1.5 is not a whole number"},
		{"time", "POST /rest/api/v1/getdocuments", jsonType, `{"documents":{"d":{"metadata":{"createTime":"2026-01-02T03:04:05"}}}}`, 200, "is not a date-time"},
		{"closed", "POST /rest/api/v1/people", jsonType, `{"results":[{"name":"n","obfuscatedId":"o","metadata":{"type":"ROBOT"}}]}`, 200, `"ROBOT" is none of`},
		{"unknown field", "POST /rest/api/v1/people", jsonType, `{"resultz":[]}`, 200, ".resultz: not in the contract"},
		{"choice", "POST /rest/api/v1/getdocuments", jsonType, `{"documents":{"d":{"error":"gone"},"e":{"title":"t"}}}`, 200, ""},
		{"no choice", "POST /rest/api/v1/getdocuments", jsonType, `{"documents":{"d":{"error":7}}}`, 200, "not"},
		{"media", "POST /rest/api/v1/people", "application/json", `{}`, 200, "compare the whole"},
		{"other media", "POST /rest/api/v1/people", "text/html", `{}`, 200, "not in the contract"},
		{"void", "POST /rest/api/v1/activity", "", "", 200, ""},
		{"void with body", "POST /rest/api/v1/activity", jsonType, "{}", 200, "where the contract has none"},
		{"error as text", "POST /rest/api/v1/search", "text/plain; charset=UTF-8", "no", 403, ""},
		{"error as JSON", "POST /rest/api/v1/search", jsonType, `"no"`, 403, "not an object"},
		{"lines", "POST /rest/api/v1/chat", "text/plain; charset=UTF-8", "{\"chatId\":\"c\"}\n{\"chatId\":7}\n", 200, "chatId: not a string"},
		{
			"nullable", "POST /api/search", jsonType,
			`{"results":[],"has_more":false,"next_cursor":null,"warnings":[],"request_id":"r"}`, 200, "",
		},
		{"status", "POST /rest/api/v1/search", jsonType, `{}`, 206, "status 206 is not in the contract"},
		{"malformed", "POST /rest/api/v1/people", jsonType, `{"results":[}`, 200, "not an object"},
		{"unknown operation", "POST /rest/api/v1/nothing", jsonType, `{}`, 200, "is not in the contract"},
	} {
		err := ValidateResponse(c.operation, c.status, c.media, []byte(c.body))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ValidateResponse(%s, %d, %q) = %v, want %q", c.name, c.operation, c.status, c.body, err, c.want)
		}
	}
}

func BenchmarkOperations(b *testing.B) {
	for b.Loop() {
		if len(Operations()) == 0 {
			b.Fatal("no operations")
		}
	}
}

func BenchmarkShapes(b *testing.B) {
	for b.Loop() {
		if _, err := parseShapes(Client, clientText); err != nil {
			b.Fatal(err)
		}
	}
}

func TestUnbuilt(t *testing.T) {
	built := room(grant.Pins, grant.User, op[pinAsk, pinAnswer]("POST /rest/api/v1/getpin"))
	rest := Unbuilt([]rpc.Room{built})
	seen := map[string]bool{}
	for _, r := range rest {
		for _, op := range r.Operations() {
			seen[op.Method+" "+op.Path] = true
			if op.Built || op.Kinds&grant.Anonymous != 0 {
				t.Errorf("%s %s = %+v, want it not built and closed to anonymous tokens", op.Method, op.Path, op)
			}
		}
	}
	if got, want := len(seen), len(Operations())-1; got != want || seen["POST /rest/api/v1/getpin"] {
		t.Errorf("Unbuilt declares %d operations, want the %d others", got, want)
	}
	if d := Diff(append(rest, built)...); slices.ContainsFunc(d, func(d Divergence) bool { return strings.Contains(d.Text, "scope") }) {
		t.Errorf("Diff = %v, want no scope to differ", d)
	}
}
