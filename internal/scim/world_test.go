package scim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/scim"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// world is the SCIM API with the floor under it.
type world struct {
	*authority.Authority
	t      testing.TB
	db     *sqldb.DB
	people *directory.Directory
	log    *audit.Log
	server *rpc.Server
	token  string
}

// provider stands in for a sign-in provider: its token for ada@example.com is "ada".
type provider struct{}

func (provider) Verify(_ context.Context, token string) (authority.Identity, error) {
	return authority.Identity{Provider: "test", Email: token + "@example.com", Scopes: grant.AllScopes, Until: time.Now().Add(time.Hour)}, nil
}

func newWorld(t testing.TB, db *sqldb.DB) *world {
	t.Helper()
	ctx := t.Context()
	log, err := audit.Open(ctx, db, audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	keys, err := seal.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	people := directory.New(db)
	a, err := authority.Open(authority.Config{
		DB: db, People: people, Audit: log, Keys: keys, PublicURL: &url.URL{Scheme: "https", Host: "search.example.com"}, OAuth: provider{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &world{Authority: a, t: t, db: db, people: people, log: log}
	w.server = rpc.NewServer(rpc.Config{Admitter: a, Rooms: []rpc.Room{scim.New(people, log, "https://search.example.com/").Room()}})
	if _, _, err := people.First(ctx, "admin@example.com"); err != nil {
		t.Fatal(err)
	}
	_, secret, err := a.CreateSCIMToken(ctx, a.Maintenance(), authority.NewSCIMToken{Description: "the identity provider"})
	if err != nil {
		t.Fatal(err)
	}
	w.token = secret.Reveal()
	return w
}

// both runs a test on each engine.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) { test(t, newWorld(t, db)) })
}

// answer is what came back.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, "/scim/v2"+path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, "/scim/v2"+path, nil)
	} else {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	a := answer{w.t, rec.Code, rec.Header(), rec.Body.String(), nil}
	if a.Text != "" {
		if err := json.Unmarshal(rec.Body.Bytes(), &a.Body); err != nil {
			w.t.Fatalf("%s %s = %d %q: %v", method, path, a.Status, a.Text, err)
		}
		if media := a.Header.Get("Content-Type"); media != "application/scim+json" {
			w.t.Errorf("%s %s: Content-Type = %q", method, path, media)
		}
	}
	return a
}

// must is do with the status that is expected.
func (w *world) must(status int, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.do(method, path, body, headers...)
	if a.Status != status {
		w.t.Fatalf("%s %s = %d %s, want %d", method, path, a.Status, a.Text, status)
	}
	return a
}

// at returns what stands in the answer at a path such as "emails.0.value".
func (a answer) at(path string) any { return at(a.Body, path) }

func at(v any, path string) any {
	for path != "" {
		var name string
		if o, ok := v.(map[string]any); ok && o[path] != nil {
			return o[path]
		}
		name, path, _ = strings.Cut(path, "|")
		switch o := v.(type) {
		case map[string]any:
			v = o[name]
		case []any:
			i := int(name[0] - '0')
			if i >= len(o) {
				return nil
			}
			v = o[i]
		default:
			return nil
		}
	}
	return v
}

// user makes a user and returns its id.
func (w *world) user(email string) string {
	w.t.Helper()
	return w.must(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+email+`"}`).Body["id"].(string)
}

// group makes a group and returns its id.
func (w *world) group(name string, members ...string) string {
	w.t.Helper()
	list := make([]map[string]string, len(members))
	for i, id := range members {
		list[i] = map[string]string{"value": id}
	}
	text, err := json.Marshal(map[string]any{"displayName": name, "members": list})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.must(201, "POST", "/Groups", string(text)).Body["id"].(string)
}

// person returns who holds an address.
func (w *world) person(email string) *directory.Person {
	w.t.Helper()
	p, err := w.people.ByEmail(w.t.Context(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// admitted reports whether a client token opens the Client API.
func (w *world) admitted(token string, headers ...string) bool {
	w.t.Helper()
	r := httptest.NewRequest("POST", "/rest/api/v1/search", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	_, err := w.Admit(r, rpc.ClientAPI)
	return err == nil
}

// actions lists the actions of the audit log about a subject, the oldest first.
func (w *world) actions(subject string) []string {
	w.t.Helper()
	if err := w.log.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	page, err := w.log.List(w.t.Context(), audit.Filter{Subject: subject})
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, e := range page.Entries {
		list = append([]string{e.Action + ": " + e.Detail}, list...)
	}
	return list
}

// text is v as JSON, or "" for none.
func text(t testing.TB, v any) string {
	t.Helper()
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// count returns the one number that a query asks for.
func (w *world) count(query string) (n int64) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(tx *sqldb.Tx) (err error) {
		n, err = sqldb.One(w.t.Context(), tx, sqldb.ScanInt, query)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
