package corpus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

var (
	connector   = grant.Mint(&grant.Facts{Kind: grant.Indexing})
	maintenance = grant.Mint(&grant.Facts{Kind: grant.Maintenance})
	admin       = grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleAdmin})
	anonymous   = grant.Mint(&grant.Facts{Kind: grant.Anonymous})
)

type world struct {
	t   *testing.T
	ctx context.Context
	db  *sqldb.DB
	dir *directory.Directory
	*corpus.Corpus
}

func newWorld(t *testing.T, db *sqldb.DB) *world {
	t.Helper()
	dir := directory.New(db)
	c, err := corpus.Open(t.Context(), db, dir, corpus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, t.Context(), db, dir, c}
	w.must(c.PutDatasource(w.ctx, connector, jsontext.Value(`{"name":"wiki","datasourceCategory":"PUBLISHED_CONTENT","urlRegex":"https://wiki/.*","isUserReferencedByEmail":true}`)))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// person adds somebody who is a user of the wiki.
func (w *world) person(email string) grant.Caller {
	w.t.Helper()
	p, err := w.dir.Add(w.ctx, directory.NewPerson{Email: email})
	w.must(err)
	w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: email, Active: true}}))
	return grant.Mint(&grant.Facts{Kind: grant.User, Person: p.ID})
}

func page(id string, p directory.Permissions) corpus.Document {
	return corpus.Document{ObjectType: "Page", ID: id, Title: "Page " + id, ViewURL: "https://wiki/" + id, Body: "Text of " + id, Permissions: p}
}

func user(email string) directory.Permissions {
	return directory.Permissions{Users: []directory.UserRef{{Email: email}}}
}

var everyone = directory.Permissions{Everyone: true}

func (w *world) keys(c grant.Caller, keys ...string) []string {
	w.t.Helper()
	docs, err := w.Get(w.ctx, c, keys...)
	w.must(err)
	_, err = w.Outline(w.ctx, maintenance, keys...) // what one caller has read is remembered, but shown to those alone who may see it
	w.must(err)
	outlines, err := w.Outline(w.ctx, c, keys...)
	w.must(err)
	inside := cmpopts.IgnoreFields(corpus.Document{}, "Body", "Permissions", "UploadedAt", "Position", "Summary", "Filename", "ContainerObjectType",
		"AdditionalURLs", "NativeAppURL", "Interactions", "Comments")
	if d := cmp.Diff(docs, outlines, inside); d != "" {
		w.t.Errorf("Outline(%q) differs from Get (-Get +Outline):\n%s", keys, d)
	}
	for key, d := range outlines {
		if d.Body != "" || !reflect.ValueOf(d.Permissions).IsZero() || d.Comments != nil {
			w.t.Errorf("Outline(%q) = %+v, want neither text nor permissions", key, d)
		}
	}
	return slices.Sorted(maps.Keys(docs))
}

func TestDocuments(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann, bob := w.person("ann@example.com"), w.person("bob@example.com")
		full := page("A/b-Ä", user("ann@example.com"))
		full.Author, full.Tags, full.Status = corpus.User{Email: "ann@example.com", Name: "Ann"}, []string{"x", "y"}, "open"
		full.AdditionalURLs, full.CreatedAt, full.UpdatedAt = []string{"https://wiki/other"}, 1700000000, 1700000001
		full.Properties = []corpus.Property{{Name: "rank", Value: jsontext.Value(`{"a":[1,2]}`)}}
		full.MimeType, full.Container, full.ContainerID = "text/plain", "Handbook", "c-1"
		full.Owner, full.UpdatedBy = corpus.User{Email: "bob@example.com"}, corpus.User{UserID: "u9", Name: "Una"}
		full.Comments = []corpus.Comment{{ID: "c1", Text: "Yes."}}
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{full, page("open", everyone), page("nobody", directory.Permissions{})}, 0))
		all := []string{"wiki/Page/a/B-ä", "wiki/Page/OPEN", "wiki/Page/nobody", "wiki/Page/missing", "wiki//", "", "x", "wiki/Page/\x00"}
		for _, c := range []struct {
			name   string
			caller grant.Caller
			want   []string
		}{
			{"ann", ann, []string{"wiki/Page/a/b-ä", "wiki/Page/open"}},
			{"bob", bob, []string{"wiki/Page/open"}},
			{"anonymous", anonymous, nil},
			{"connector", connector, nil},
			{"zero", grant.Caller{}, nil},
			{"maintenance", maintenance, []string{"wiki/Page/a/b-ä", "wiki/Page/nobody", "wiki/Page/open"}},
		} {
			if got := w.keys(c.caller, all...); !slices.Equal(got, c.want) {
				t.Errorf("Get by %s = %v, want %v", c.name, got, c.want)
			}
		}
		docs, err := w.ByURL(w.ctx, ann, "https://wiki/other", "https://wiki/nobody", "nonsense")
		w.must(err)
		if d := docs["wiki/Page/a/b-ä"]; len(docs) != 1 || d == nil || !d.HasURL("https://wiki/other") {
			t.Errorf("ByURL() = %+v, want the one document", docs)
		}
		docs, err = w.Get(w.ctx, ann, "wiki/Page/a/b-ä")
		w.must(err)
		got := docs["wiki/Page/a/b-ä"]
		full.Key, full.Datasource = "wiki/Page/a/b-ä", "wiki"
		if diff := cmp.Diff(&full, got, cmpopts.IgnoreFields(corpus.Document{}, "Readers", "UploadedAt", "Position")); diff != "" || len(docs) != 1 {
			t.Errorf("Get() differs (-want +got):\n%s", diff)
		}
		yes := true
		_, err = w.SetVisibility(w.ctx, admin, "wiki", directory.Visibility{OpenToAnonymous: &yes})
		w.must(err)
		if got := w.keys(anonymous, all...); !slices.Equal(got, []string{"wiki/Page/open"}) {
			t.Errorf("Get by anonymous of an opened datasource = %v, want the open page", got)
		}
		counts, err := w.Counts(w.ctx, admin)
		if err != nil || counts["wiki"] != 3 {
			t.Errorf("Counts() = %v, %v, want 3", counts, err)
		}
		if _, err = w.Counts(w.ctx, ann); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("Counts() by a person = %v, want forbidden", err)
		}
	})
}

func TestPermissionsAndDeletion(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann, bob := w.person("ann@example.com"), w.person("bob@example.com")
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page("One", user("ann@example.com"))}, 5))
		const key = "wiki/Page/one"
		ref := corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "ONE"}
		w.must(w.SetPermissions(w.ctx, connector, ref, user("bob@example.com")))
		if a, b := w.keys(ann, key), w.keys(bob, key); len(a) != 0 || len(b) != 1 {
			t.Errorf("after SetPermissions: ann sees %v, bob %v, want bob alone", a, b)
		}
		w.must(w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ViewURL: "https://wiki/One"}, user("ann@example.com")))
		if a, b := w.keys(ann, key), w.keys(bob, key); len(a) != 1 || len(b) != 0 {
			t.Errorf("after SetPermissions by URL: ann sees %v, bob %v, want ann alone", a, b)
		}
		if err := w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "two"}, everyone); fault.KindOf(err) != fault.NotFound {
			t.Errorf("SetPermissions of no document = %v, want not found", err)
		}
		if err := w.Put(w.ctx, connector, "wiki", []corpus.Document{page("one", everyone)}, 4); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Put with a stale version = %v, want a conflict", err)
		}
		w.must(w.Delete(w.ctx, connector, ref, 6))
		w.must(w.Delete(w.ctx, connector, ref, 0))
		if got := w.keys(maintenance, key); len(got) != 0 {
			t.Errorf("after Delete: %v", got)
		}
		if err := w.Put(w.ctx, connector, "wiki", []corpus.Document{page("one", everyone)}, 5); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Put with a version older than the deletion = %v, want a conflict", err)
		}
		if docs, err := w.ByURL(w.ctx, maintenance, "https://wiki/One"); err != nil || len(docs) != 0 {
			t.Errorf("ByURL() after Delete = %v, %v, want nothing", docs, err)
		}
		s, err := w.Changes(w.ctx, maintenance, w.incarnation(), 0, 100)
		if err != nil || len(s.Changes) != 1 || s.Changes[0].Document != nil || s.Through != 4 || s.Head.Position != 4 {
			t.Errorf("Changes() = %+v, %v, want the deletion alone, through 4", s, err)
		}
	})
}

func TestPermissionsByAddressNameOneDocument(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann := w.person("ann@example.com")
		const shared = "https://wiki/shared"
		one, two, alias := page("one", everyone), page("two", everyone), page("alias", everyone)
		one.ViewURL, two.ViewURL, two.ObjectType = shared, shared, "Task"
		alias.AdditionalURLs = []string{shared}
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{one, two, alias}, 0))
		all := []string{"wiki/Page/alias", "wiki/Page/one", "wiki/Task/two"}

		found, err := w.ByURL(w.ctx, ann, shared)
		w.must(err)
		for key, d := range found {
			if !d.HasURL(shared) || d.Body != "" {
				t.Errorf("ByURL(%q) = %s with text %q, want the address and no text", shared, key, d.Body)
			}
		}
		if len(found) != 3 {
			t.Errorf("ByURL(%q) = %d documents, want 3", shared, len(found))
		}
		err = w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ViewURL: shared}, directory.Permissions{})
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("SetPermissions by an address of two documents = %v, want invalid", err)
		}
		if got := w.keys(ann, all...); len(got) != 3 {
			t.Errorf("after the refusal ann sees %v, want %v", got, all)
		}
		w.must(w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ViewURL: shared}, directory.Permissions{}))
		if got, want := w.keys(ann, all...), []string{"wiki/Page/alias", "wiki/Task/two"}; !slices.Equal(got, want) {
			t.Errorf("after SetPermissions by address and type ann sees %v, want %v", got, want)
		}
	})
}

// TestManyNewReadersTakeTurns holds that a document for thousands of groups that nobody knows leaves the writer to others
// in between.
func TestManyNewReadersTakeTurns(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		ann := w.person("ann@example.com")
		many := directory.Permissions{Intersections: [][]string{{"g-7", "h"}}}
		for i := range 3000 {
			many.Groups = append(many.Groups, fmt.Sprintf("g-%d", i))
		}
		before := db.Stats().Commits
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page("many", many)}, 0))
		if n := db.Stats().Commits - before; n < 10 {
			t.Errorf("Put() for %d new groups took %d transactions, want 10 or more", len(many.Groups), n)
		}
		w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "g-2999"}}))
		w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "g-2999", User: "ann@example.com"}}))
		if got := w.keys(ann, "wiki/Page/many"); len(got) != 1 {
			t.Errorf("a member of the last group sees %v, want the document", got)
		}
		before = db.Stats().Commits
		for i := range many.Groups {
			many.Groups[i] += "-next"
		}
		w.must(w.SetPermissions(w.ctx, connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "many"}, many))
		if n := db.Stats().Commits - before; n < 10 {
			t.Errorf("SetPermissions() for %d new groups took %d transactions, want 10 or more", len(many.Groups), n)
		}
		if got := w.keys(ann, "wiki/Page/many"); len(got) != 0 {
			t.Errorf("a member of a group that lost the document sees %v, want nothing", got)
		}
	})
}

func (w *world) incarnation() string {
	w.t.Helper()
	h, err := w.Head(w.ctx, maintenance)
	w.must(err)
	return h.Incarnation
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	limited := grant.Mint(&grant.Facts{Kind: grant.Indexing, Datasources: []string{"wiki"}})
	edit := func(change func(*corpus.Document)) corpus.Document {
		d := page("a", everyone)
		change(&d)
		return d
	}
	for what, c := range map[string]struct {
		doc  corpus.Document
		want fault.Kind
	}{
		"no id":              {edit(func(d *corpus.Document) { d.ID = "" }), fault.Invalid},
		"long id":            {edit(func(d *corpus.Document) { d.ID = strings.Repeat("ä", 201) }), fault.Invalid},
		"control in id":      {edit(func(d *corpus.Document) { d.ID = "a\nb" }), fault.Invalid},
		"type with a space":  {edit(func(d *corpus.Document) { d.ObjectType = "a b" }), fault.Invalid},
		"type with _":        {edit(func(d *corpus.Document) { d.ObjectType = "a_b" }), fault.Invalid},
		"type with a slash":  {edit(func(d *corpus.Document) { d.ObjectType = "a/b" }), fault.Invalid},
		"no URL":             {edit(func(d *corpus.Document) { d.ViewURL = "" }), fault.Invalid},
		"relative URL":       {edit(func(d *corpus.Document) { d.ViewURL = "/a" }), fault.Invalid},
		"script URL":         {edit(func(d *corpus.Document) { d.ViewURL = "JavaScript:alert(1)" }), fault.Invalid},
		"long URL":           {edit(func(d *corpus.Document) { d.ViewURL = "https://wiki/" + strings.Repeat("a", 2048) }), fault.Invalid},
		"NUL in title":       {edit(func(d *corpus.Document) { d.Title = "a\x00" }), fault.Invalid},
		"NUL in author's id": {edit(func(d *corpus.Document) { d.Author.UserID = "\x00" }), fault.Invalid},
		"NUL in a comment": {edit(func(d *corpus.Document) {
			d.Comments = []corpus.Comment{{ID: "1", UpdatedBy: corpus.User{UserID: "\x00"}}}
		}), fault.Invalid},
		"NUL in a property":  {edit(func(d *corpus.Document) { d.Properties = []corpus.Property{{Name: "\x00"}} }), fault.Invalid},
		"milliseconds":       {edit(func(d *corpus.Document) { d.UpdatedAt = 1700000000000 }), fault.Invalid},
		"group with a space": {edit(func(d *corpus.Document) { d.Permissions.Groups = []string{"a b"} }), fault.Invalid},
		"huge body":          {edit(func(d *corpus.Document) { d.Body = strings.Repeat("a", corpus.MaxBody+1) }), fault.TooLarge},
		"property unnamed":   {edit(func(d *corpus.Document) { d.Properties = []corpus.Property{{}} }), fault.Invalid},
		"too many tags":      {edit(func(d *corpus.Document) { d.Tags = make([]string, 501) }), fault.Invalid},
	} {
		err := w.Put(w.ctx, connector, "wiki", []corpus.Document{page("fine", everyone), c.doc}, 0)
		if fault.KindOf(err) != c.want {
			t.Errorf("%s: Put() = %v, want %v", what, err, c.want)
		}
	}
	if got := w.keys(maintenance, "wiki/Page/fine"); len(got) != 0 {
		t.Error("a refused batch wrote something")
	}
	if err := w.Put(w.ctx, connector, "other", nil, 0); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Put() into an unknown datasource = %v, want invalid", err)
	}
	if err := w.Put(w.ctx, limited, "other", nil, 0); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("Put() past the token's datasources = %v, want forbidden", err)
	}
	for _, config := range []string{
		`{}`, `{"name":"a/b","datasourceCategory":"TICKETS","urlRegex":"."}`, `{"name":"a","urlRegex":"."}`,
		`{"name":"a","datasourceCategory":"UNCATEGORIZED","urlRegex":"."}`, `{"name":"a","datasourceCategory":"TICKET","urlRegex":"."}`,
		`{"name":"a","datasourceCategory":"TICKETS","urlRegex":".","objectDefinitions":[{"name":"A","docCategory":"TICKET"}]}`, `{"name":"a","datasourceCategory":"TICKETS"}`,
		`{"name":"a","datasourceCategory":"TICKETS","urlRegex":"("}`, `{"name":"WIKI","datasourceCategory":"TICKETS","urlRegex":"."}`,
		`{"name":"a","datasourceCategory":"TICKETS","urlRegex":".","objectDefinitions":[{"name":"a b"}]}`,
		`{"name":"a","datasourceCategory":"TICKETS","urlRegex":".","objectDefinitions":[{"name":"a"},{"name":"a"}]}`,
	} {
		if err := w.PutDatasource(w.ctx, connector, jsontext.Value(config)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("PutDatasource(%s) = %v, want invalid", config, err)
		}
	}
	for what, call := range map[string]func(grant.Caller) error{
		"Scan":    func(c grant.Caller) error { _, err := w.Scan(w.ctx, c, "", 1); return err },
		"Head":    func(c grant.Caller) error { _, err := w.Head(w.ctx, c); return err },
		"Changes": func(c grant.Caller) error { _, err := w.Changes(w.ctx, c, "", 0, 1); return err },
		"Reached": func(c grant.Caller) error { return w.Reached(w.ctx, c, "x", 0) },
	} {
		for _, c := range []grant.Caller{{}, connector, admin, anonymous} {
			if err := call(c); fault.KindOf(err) != fault.Forbidden {
				t.Errorf("%s by %v = %v, want forbidden", what, c.Kind(), err)
			}
		}
	}
}

func TestDatasourceIsReplacedAndStaysAsAdministratorsSetIt(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	no := false
	_, err := w.SetVisibility(w.ctx, admin, "wiki", directory.Visibility{Visible: &no})
	w.must(err)
	config := `{"name":"wiki","datasourceCategory":"TICKETS","isEntityDatasource":true,"suggestionText":"Ask"}`
	w.must(w.PutDatasource(w.ctx, connector, jsontext.Value(config)))
	d, err := w.Datasource(w.ctx, connector, "wiki")
	w.must(err)
	if string(d.Config) != config || d.Category != "TICKETS" || d.URLRegex != "" || d.Realm.ByEmail || d.Realm.Visible || d.DisplayName != "Wiki" {
		t.Errorf("Datasource() = %+v, want the new configuration, hidden still", d)
	}
	if _, err = w.SetVisibility(w.ctx, admin, "nowhere", directory.Visibility{Visible: &no}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("SetVisibility(nowhere) = %v, want not found", err)
	}
}

func TestQueueHoldsASlowWriterBeforeAFastOne(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		incarnation := w.incarnation()
		// Slow writers put long batches, fast ones single documents, while a reader follows. Whatever the
		// reader has seen at position N, nothing at or below N may appear later.
		done := make(chan error)
		for writer := range 4 {
			go func() {
				var err error
				for i := 0; i < 25 && err == nil; i++ {
					n := 1
					if writer%2 == 0 {
						n = 90
					}
					batch := make([]corpus.Document, n)
					for j := range batch {
						batch[j] = page(fmt.Sprintf("w%d-%d-%d", writer, i, j), everyone)
					}
					err = w.Put(w.ctx, connector, "wiki", batch, 0)
				}
				done <- err
			}()
		}
		var at int64
		seen := map[string]bool{}
		for running := 4; ; {
			awaken := w.Awaken()
			s, err := w.Changes(w.ctx, maintenance, incarnation, at, 37)
			w.must(err)
			for i, ch := range s.Changes {
				if ch.Position != at+int64(i)+1 || seen[ch.Key] || ch.Document == nil {
					t.Fatalf("Changes(after %d)[%d] = %d %s, want position %d of a new document", at, i, ch.Position, ch.Key, at+int64(i)+1)
				}
				seen[ch.Key] = true
			}
			at = s.Through
			if len(s.Changes) > 0 {
				continue
			}
			if running == 0 {
				break
			}
			select {
			case err := <-done:
				w.must(err)
				running--
			case <-awaken:
			}
		}
		if want := 2*25*90 + 2*25; len(seen) != want {
			t.Errorf("the reader saw %d documents, want %d", len(seen), want)
		}
	})
}

func TestQueueIsTrimmedBehindItsReaders(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	for i := range 10 {
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page(fmt.Sprint(i), everyone)}, 0))
	}
	incarnation := w.incarnation()
	w.must(w.Reached(w.ctx, maintenance, "slow", 4))
	w.must(w.Reached(w.ctx, maintenance, "fast", 10))
	if _, err := w.Changes(w.ctx, maintenance, incarnation, 3, 10); !errors.Is(err, corpus.ErrGone) {
		t.Errorf("Changes(after 3) = %v, want ErrGone", err)
	}
	if s, err := w.Changes(w.ctx, maintenance, incarnation, 4, 10); err != nil || len(s.Changes) != 6 {
		t.Errorf("Changes(after 4) = %d changes, %v, want 6", len(s.Changes), err)
	}
	w.must(w.Reached(w.ctx, maintenance, "slow", 10))
	if h, err := w.Head(w.ctx, maintenance); err != nil || h.Position != 10 {
		t.Errorf("Head() of an empty queue = %+v, %v, want 10", h, err)
	}
	if _, err := w.Changes(w.ctx, maintenance, incarnation, 11, 10); !errors.Is(err, corpus.ErrGone) {
		t.Errorf("Changes() past the head = %v, want ErrGone", err)
	}
	if _, err := w.Changes(w.ctx, maintenance, "another", 10, 10); !errors.Is(err, corpus.ErrGone) {
		t.Errorf("Changes() of another incarnation = %v, want ErrGone", err)
	}
}

// BenchmarkPut writes chunks of documents as large as one transaction takes.
func BenchmarkPut(b *testing.B) {
	db := sqldbtest.Open(b)
	dir := directory.New(db)
	c, err := corpus.Open(b.Context(), db, dir, corpus.Config{})
	if err != nil {
		b.Fatal(err)
	}
	err = c.PutDatasource(b.Context(), connector, jsontext.Value(`{"name":"wiki","datasourceCategory":"TICKETS","urlRegex":"."}`))
	if err != nil {
		b.Fatal(err)
	}
	const batch = 40
	text := strings.Repeat("Some words of an ordinary document. ", 100)
	n := 0
	for b.Loop() {
		docs := make([]corpus.Document, batch)
		for i := range docs {
			n++
			docs[i] = page(fmt.Sprint(n), directory.Permissions{Groups: []string{fmt.Sprint("g", n%50), fmt.Sprint("h", n)}})
			docs[i].Body = text
		}
		if err := c.Put(b.Context(), connector, "wiki", docs, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "documents/s")
}
