package documents

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/activity"
	"github.com/sheafsearch/sheaf/internal/contract"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/wire"
)

const (
	open   = "logbook/Page/p-1"
	secret = "logbook/Page/p-2"
	twin   = "logbook/Page/p-3" // for Bo alone, under the address of the open page
)

// harbour is a service over a datasource with a page for everyone, one for Ada alone, and one for
// Bo alone under the address of the first.
type harbour struct {
	*Service
	directory *directory.Directory
	corpus    *corpus.Corpus
	activity  *activity.Log
	ada, bo   grant.Caller
}

func newHarbour(t *testing.T) *harbour {
	t.Helper()
	ctx := t.Context()
	db, err := sqldb.Open(ctx, sqldb.Config{URL: sqldb.Memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d := directory.New(db)
	c, err := corpus.Open(ctx, db, d, corpus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := activity.Open(db, activity.Config{})
	t.Cleanup(func() { _ = log.Close() })
	h := &harbour{Service: New(c, d).Found(nil, log, nil, nil), directory: d, corpus: c, activity: log}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.PutDatasource(ctx, connector, jsontext.Value(
		`{"name":"logbook","datasourceCategory":"KNOWLEDGE_HUB","urlRegex":"https://logbook.example.com/.*","isUserReferencedByEmail":true}`)))
	must(d.PutEmployees(ctx, []directory.EmployeeRecord{
		{Email: "ada@example.com", Profile: directory.Profile{FirstName: "Ada", LastName: "Anchor"}},
		{Email: "bo@example.com", Profile: directory.Profile{FirstName: "Bo", LastName: "Buoy"}},
	}))
	must(d.PutIdentities(ctx, "logbook", []directory.Identity{
		{Email: "ada@example.com", Name: "Ada", Active: true}, {Email: "bo@example.com", Name: "Bo", Active: true},
	}))
	only := func(email string) directory.Permissions {
		return directory.Permissions{Users: []directory.UserRef{{Email: email}}}
	}
	must(c.Put(ctx, connector, "logbook", []corpus.Document{
		{
			ObjectType: "Page", ID: "P-1", Title: "Tides", ViewURL: "https://logbook.example.com/1", AdditionalURLs: []string{"https://go.example.com/tides"},
			Body: "High water at noon.", MimeType: "text/plain", CreatedAt: 1700000000, Container: "Harbour", Tags: []string{"sea"},
			Author: corpus.User{Email: "ada@example.com"}, Owner: corpus.User{UserID: "u9", Name: "A visitor"},
			Permissions: directory.Permissions{Everyone: true},
			Properties: []corpus.Property{
				{Name: "berth", Value: jsontext.Value(`"north"`)},
				{Name: "depth", Value: jsontext.Value(`7.5`)},
				{Name: "buoys", Value: jsontext.Value(`["red","green"]`)},
				{Name: "open", Value: jsontext.Value(`false`)},
				{Name: "shape", Value: jsontext.Value(`{"long":true}`)},
				{Name: "void", Value: jsontext.Value(`null`)},
			},
		},
		{ObjectType: "Page", ID: "p-2", Title: "Treasure", ViewURL: "https://logbook.example.com/2", Body: "Under the pier.", Permissions: only("ada@example.com")},
		{ObjectType: "Page", ID: "p-3", Title: "Tides, again", ViewURL: "https://logbook.example.com/1", Body: "Low water.", Permissions: only("bo@example.com")},
	}, 0))
	h.ada, h.bo = h.as(t, "ada@example.com"), h.as(t, "bo@example.com")
	return h
}

var connector = grant.Mint(&grant.Facts{Kind: grant.Indexing, Scopes: grant.ScopesOf(grant.IndexingScope)})

func (h *harbour) as(t *testing.T, email string) grant.Caller {
	t.Helper()
	p, err := h.directory.ByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.ScopesOf(grant.Documents), Person: p.ID, Email: p.Email})
}

// ask answers a request and holds the answer against the contract.
func (h *harbour) ask(t *testing.T, c grant.Caller, req GetRequest) map[string]DocumentOrError {
	t.Helper()
	resp, err := h.get(t.Context(), c, req)
	if err != nil {
		t.Fatalf("get(%+v) = %v", req, err)
	}
	body, err := json.Marshal(resp)
	if err != nil {
		t.Fatal(err)
	}
	if err := contract.ValidateResponse("POST /rest/api/v1/getdocuments", 200, "application/json; charset=UTF-8", body); err != nil {
		t.Errorf("get(%+v) answers %s: %v", req, body, err)
	}
	return resp.Documents
}

func TestGetByName(t *testing.T) {
	h := newHarbour(t)
	for _, c := range []struct {
		name   string
		caller grant.Caller
		spec   wire.DocumentSpec
		key    string
		want   string // title; "" for the one error
	}{
		{"by id", h.bo, wire.DocumentSpec{ID: open}, open, "Tides"},
		{"by id in another case", h.bo, wire.DocumentSpec{ID: "logbook/Page/P-1"}, "logbook/Page/P-1", "Tides"},
		{"by address", h.ada, wire.DocumentSpec{URL: "https://logbook.example.com/1"}, "https://logbook.example.com/1", "Tides"},
		{"by a further address", h.ada, wire.DocumentSpec{URL: "https://go.example.com/tides"}, "https://go.example.com/tides", "Tides"},
		{"two under one address, in order of keys", h.bo, wire.DocumentSpec{URL: "https://logbook.example.com/1"}, "https://logbook.example.com/1", "Tides"},
		{"one's own", h.ada, wire.DocumentSpec{ID: secret}, secret, "Treasure"},
		{"hidden", h.bo, wire.DocumentSpec{ID: secret}, secret, ""},
		{"hidden, by address", h.bo, wire.DocumentSpec{URL: "https://logbook.example.com/2"}, "https://logbook.example.com/2", ""},
		{"missing", h.bo, wire.DocumentSpec{ID: "logbook/Page/p-9"}, "logbook/Page/p-9", ""},
		{"no key at all", h.bo, wire.DocumentSpec{ID: "nonsense"}, "nonsense", ""},
		{"no address at all", h.bo, wire.DocumentSpec{URL: "::"}, "::", ""},
		{"written in sheaf", h.bo, wire.DocumentSpec{UGCType: "ANSWERS", ContentID: 12}, "12", ""},
		{"written in sheaf, by text", h.bo, wire.DocumentSpec{UGCType: "CHATS", UGCID: "c1"}, "c1", ""},
		{"nobody's", grant.Caller{}, wire.DocumentSpec{ID: open}, open, ""},
	} {
		got, ok := h.ask(t, c.caller, GetRequest{Specs: []wire.DocumentSpec{c.spec}})[c.key]
		if !ok || got.Title != c.want || (got.Error == errMissing) != (c.want == "") {
			t.Errorf("%s: get(%+v)[%q] = %+v, want the title %q", c.name, c.spec, c.key, got, c.want)
		}
	}
}

func TestHiddenAndMissingAreAlike(t *testing.T) {
	h := newHarbour(t)
	docs := h.ask(t, h.bo, GetRequest{Specs: []wire.DocumentSpec{{ID: secret}, {ID: "logbook/Page/none"}}, IncludeFields: []Field{DocumentContent}})
	if diff := cmp.Diff(docs["logbook/Page/none"], docs[secret]); diff != "" {
		t.Errorf("hidden and missing differ:\n%s", diff)
	}
}

func TestPermissionsHoldAtOnce(t *testing.T) {
	h := newHarbour(t)
	spec := GetRequest{Specs: []wire.DocumentSpec{{ID: secret}}}
	if got := h.ask(t, h.ada, spec)[secret].Title; got != "Treasure" {
		t.Fatalf("Ada reads %q, want Treasure", got)
	}
	err := h.corpus.SetPermissions(t.Context(), connector, corpus.Ref{Datasource: "logbook", ObjectType: "Page", ID: "p-2"},
		directory.Permissions{Users: []directory.UserRef{{Email: "bo@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.ask(t, h.ada, spec)[secret].Error; got != errMissing {
		t.Errorf("Ada reads %q after the change, want %q", got, errMissing)
	}
	if got := h.ask(t, h.bo, spec)[secret].Title; got != "Treasure" {
		t.Errorf("Bo reads %q after the change, want Treasure", got)
	}
}

func TestShow(t *testing.T) {
	h := newHarbour(t)
	docs, err := h.Show(t.Context(), h.bo, []string{open, secret, "logbook/Page/none"})
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != 1 {
		t.Fatalf("Show = %v, want the open page alone", docs)
	}
	d := docs[open]
	if d.Content != nil || d.ID != open || d.DocType != "Page" || d.Metadata.DatasourceID != "P-1" || d.Metadata.CreateTime.Unix() != 1700000000 || !d.Metadata.UpdateTime.IsZero() {
		t.Errorf("Show = %+v, want the page without its text", d)
	}
	p, err := h.directory.ByEmail(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if a := d.Metadata.Author; a == nil || a.Name != "Ada Anchor" || a.ObfuscatedID != p.ID {
		t.Errorf("author = %+v, want Ada as the directory has her", a)
	}
	if o := d.Metadata.Owner; o == nil || o.Name != "A visitor" || o.ObfuscatedID == "" || d.Metadata.UpdatedBy != nil {
		t.Errorf("owner = %+v, editor = %+v, want the visitor with an id, and nobody", o, d.Metadata.UpdatedBy)
	}
	depth, isOpen := 7.5, false
	want := map[string]wire.CustomDataValue{
		"berth": {StringValue: "north"}, "depth": {NumberValue: &depth}, "buoys": {StringList: []string{"red", "green"}},
		"open": {BooleanValue: &isOpen}, "shape": {StringValue: `{"long":true}`},
	}
	if diff := cmp.Diff(want, d.Metadata.CustomData); diff != "" {
		t.Errorf("custom data (-want +got):\n%s", diff)
	}
}

// TestNobodyIsShownAddresses holds that a token without a person learns names alone.
func TestNobodyIsShownAddresses(t *testing.T) {
	h := newHarbour(t)
	err := h.corpus.Put(t.Context(), connector, "logbook", []corpus.Document{{
		ObjectType: "Page", ID: "p-1", Title: "Tides", ViewURL: "https://logbook.example.com/1", Permissions: directory.Permissions{Everyone: true},
		Author: corpus.User{Email: "ada@example.com"}, Owner: corpus.User{Email: "visitor@elsewhere.example"}, UpdatedBy: corpus.User{Email: "x@elsewhere.example", Name: "Xenia"},
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	admin := grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleSuperAdmin})
	if _, err := h.corpus.SetVisibility(t.Context(), admin, "logbook", directory.Visibility{OpenToAnonymous: new(true)}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		caller grant.Caller
		owner  *wire.Person
	}{
		{h.bo, &wire.Person{Name: "visitor@elsewhere.example"}},
		{grant.Mint(&grant.Facts{Kind: grant.Anonymous, Token: "t", Scopes: grant.ScopesOf(grant.Search)}), nil},
	} {
		docs, err := h.Show(t.Context(), c.caller, []string{open})
		if err != nil || len(docs) != 1 {
			t.Fatalf("Show = %v, %v, want the open page", docs, err)
		}
		m := docs[open].Metadata
		if m.Author == nil || m.UpdatedBy == nil || (m.Owner == nil) != (c.owner == nil) || m.Owner != nil && m.Owner.Name != c.owner.Name {
			t.Errorf("author %+v, editor %+v, owner %+v, want names, and %+v", m.Author, m.UpdatedBy, m.Owner, c.owner)
		}
	}
}

func TestContent(t *testing.T) {
	h := newHarbour(t)
	if c := h.ask(t, h.bo, GetRequest{Specs: []wire.DocumentSpec{{ID: open}}})[open].Content; c != nil {
		t.Errorf("content = %+v, want none unless asked for", c)
	}
	c := h.ask(t, h.bo, GetRequest{Specs: []wire.DocumentSpec{{ID: open}}, IncludeFields: []Field{"VISITORS_COUNT", DocumentContent}})[open].Content
	if diff := cmp.Diff(&wire.DocumentContent{FullTextList: []string{"High water at noon."}}, c); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
}

func TestContentIsBounded(t *testing.T) {
	roster, err := newHarbour(t).directory.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := answer{resp: GetResponse{Documents: map[string]DocumentOrError{}}, people: roster, withText: true, left: maxContent}
	body := strings.Repeat("x", maxContent/2+1)
	for _, id := range []string{"a/b/1", "a/b/2"} {
		a.add(wire.DocumentSpec{ID: id}, map[string]*corpus.Document{id: {Key: id, Title: id, Body: body}}, nil)
	}
	a.add(wire.DocumentSpec{ID: "a/b/3"}, map[string]*corpus.Document{"a/b/3": {Key: "a/b/3", Title: "short", Body: "y"}}, nil)
	if got := a.resp.Documents["a/b/1"]; got.Content == nil {
		t.Errorf("the first document is %+v, want its text", got.Error)
	}
	if got := a.resp.Documents["a/b/2"].Error; got != errFull {
		t.Errorf("the second document is %q, want %q", got, errFull)
	}
	if got := a.resp.Documents["a/b/3"]; got.Content == nil {
		t.Errorf("a short one after them is %+v, want its text", got)
	}
}

func TestRefusals(t *testing.T) {
	h := newHarbour(t)
	for name, specs := range map[string][]wire.DocumentSpec{"too many": make([]wire.DocumentSpec, maxSpecs+1), "nameless": {{ID: open}, {}}} {
		if _, err := h.get(t.Context(), h.bo, GetRequest{Specs: specs}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: get = %v, want %v", name, err, fault.Invalid)
		}
	}
	if docs := h.ask(t, h.bo, GetRequest{}); len(docs) != 0 {
		t.Errorf("get of nothing = %v, want nothing", docs)
	}
}

func TestManyDocumentsComeInParts(t *testing.T) {
	h := newHarbour(t)
	specs := make([]wire.DocumentSpec, 0, 2*readAtOnce)
	for i := range 2*readAtOnce - 1 {
		specs = append(specs, wire.DocumentSpec{ID: "logbook/Page/none" + strings.Repeat("x", i)})
	}
	specs = append(specs, wire.DocumentSpec{ID: open})
	docs := h.ask(t, h.bo, GetRequest{Specs: specs})
	if len(docs) != len(specs) || docs[open].Title != "Tides" {
		t.Errorf("get of %d documents = %d, want each, the last one found", len(specs), len(docs))
	}
}

func TestContract(t *testing.T) {
	for _, d := range contract.Unaccepted(newHarbour(t).Room()) {
		t.Error(d)
	}
}

// TestWhatElseIsIncluded holds that further fields are told of visible documents alone, and that a last view is the
// caller's own.
func TestWhatElseIsIncluded(t *testing.T) {
	h := newHarbour(t)
	h.activity.View(h.ada, open)
	h.activity.View(h.bo, open)
	h.activity.View(h.ada, secret)
	if err := h.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	specs := []wire.DocumentSpec{{ID: open}, {ID: secret}, {URL: "https://logbook.example.com/1"}, {ID: "logbook/Page/none"}}
	req := GetRequest{Specs: specs, IncludeFields: []Field{LastViewedAt, VisitorsCount, RecentShares}}
	docs := h.ask(t, h.bo, req)
	for _, name := range []string{open, "https://logbook.example.com/1"} {
		m := docs[name].Metadata
		if m.ViewerInfo == nil || time.Since(m.ViewerInfo.LastViewedTime) > time.Hour {
			t.Errorf("%s: viewerInfo = %+v, want a view of just now", name, m.ViewerInfo)
		}
		if m.Interactions == nil || m.Interactions.VisitorCount == nil || m.Interactions.VisitorCount.Count != 2 || m.Interactions.Shares == nil {
			t.Errorf("%s: interactions = %+v, want two visitors and an empty list of shares", name, m.Interactions)
		}
	}
	if diff := cmp.Diff(docs["logbook/Page/none"], docs[secret]); diff != "" {
		t.Errorf("hidden and missing differ:\n%s", diff)
	}
	if m := h.ask(t, h.ada, req)[secret].Metadata; m.Interactions == nil || m.Interactions.VisitorCount.Count != 1 {
		t.Errorf("Ada's own page: interactions = %+v, want one visitor", m.Interactions)
	}
	if m := h.ask(t, h.ada, GetRequest{Specs: specs})[open].Metadata; m.Interactions != nil || m.ViewerInfo != nil {
		t.Errorf("without includeFields: %+v and %+v, want neither", m.Interactions, m.ViewerInfo)
	}
}

// TestCustomMetadataIsIncluded holds that groups of metadata stand beside the document's own properties, and only where they were
// asked for.
func TestCustomMetadataIsIncluded(t *testing.T) {
	h := newHarbour(t)
	d := wire.Document{Metadata: wire.DocumentMetadata{CustomData: map[string]wire.CustomDataValue{"harbourberth": {StringValue: "north"}}}}
	addMetadata(&d, &corpus.Document{Metadata: []corpus.Metadata{{Group: "harbour", Values: []corpus.MetadataValue{
		{Property: corpus.Property{Name: "berth", Value: jsontext.Value(`"south"`)}},
		{Property: corpus.Property{Name: "flags", Value: jsontext.Value(`["red","green"]`)}},
	}}}})
	want := map[string]wire.CustomDataValue{"harbourberth": {StringValue: "north"}, "harbourflags": {StringList: []string{"red", "green"}}}
	if diff := cmp.Diff(want, d.Metadata.CustomData); diff != "" {
		t.Errorf("custom data (-want +got):\n%s", diff)
	}
	plain := h.ask(t, h.bo, GetRequest{Specs: []wire.DocumentSpec{{ID: open}}})[open]
	asked := h.ask(t, h.bo, GetRequest{Specs: []wire.DocumentSpec{{ID: open}}, IncludeFields: []Field{CustomMetadata}})[open]
	if diff := cmp.Diff(plain, asked); diff != "" {
		t.Errorf("a document without metadata changes (-without +with the field):\n%s", diff)
	}
}
