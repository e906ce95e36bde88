package corpus_test

import (
	"context"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// run does the work of a kind of job, once.
func (w *world) run(kind job.Kind, args string) string {
	w.t.Helper()
	message, err := w.Works(maintenance)[kind](w.ctx, job.Job{Kind: kind, Args: args}, func(int64, int64) {})
	w.must(err)
	return message
}

// queued counts the jobs of a kind that wait.
func (w *world) queued(kind job.Kind) (n int64) {
	w.t.Helper()
	w.must(w.db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
		n, err = sqldb.One(w.ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM jobs WHERE kind = $1 AND state = 'queued'", string(kind))
		return err
	}))
	return n
}

func TestMetadataAndReindexingOnBothEngines(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		keys := []corpus.PropertyDefinition{{Name: "owner", Type: corpus.TypeText}, {Name: "tags", Type: corpus.TypeTextList}}
		w.must(w.PutMetadataSchema(w.ctx, maintenance, "Legal", keys))
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{page("a", everyone), page("b", everyone)}, 0))
		w.must(w.PutMetadata(w.ctx, maintenance, "wiki/Page/A", "legal", []corpus.Property{{Name: "Owner", Value: jsontext.Value(`"Ann"`)}, {Name: "tags", Value: jsontext.Value(`["x"]`)}}))
		docs, err := w.Get(w.ctx, maintenance, "wiki/Page/a", "wiki/Page/b")
		if err != nil || len(docs["wiki/Page/a"].Metadata) != 1 || docs["wiki/Page/a"].Metadata[0].Values[0].Operator != "legalowner" || docs["wiki/Page/b"].Metadata != nil {
			t.Fatalf("Get() = %+v, %v, want metadata of the one document", docs["wiki/Page/a"], err)
		}
		if err := w.PutMetadata(w.ctx, connector, "wiki/Page/a", "legal", nil); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("PutMetadata() of a token without the scope = %v, want unauthenticated", err)
		}
		w.must(w.PutMetadataSchema(w.ctx, maintenance, "legal", keys[:1]))
		w.must(w.PutMetadataSchema(w.ctx, maintenance, "legal", keys[:1]))
		if n := w.queued(corpus.ReindexMetadata); n != 1 {
			t.Errorf("a schema that changed twice has %d jobs waiting, want one", n)
		}
		list, err := w.Properties(w.ctx, w.person("ann@example.com"))
		if err != nil || len(list) != 1 || list[0].Operator != "legalowner" {
			t.Errorf("Properties() = %+v, %v, want the key that is left", list, err)
		}
		var schema string
		w.must(db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
			schema, err = sqldb.One(w.ctx, tx, sqldb.ScanText, "SELECT id FROM metadata_schemas")
			return err
		}))
		w.must(w.DeleteMetadataSchema(w.ctx, maintenance, "LEGAL"))
		before := w.incarnation()
		head, err := w.Head(w.ctx, maintenance)
		w.must(err)
		w.run(corpus.ReindexMetadata, schema)
		s, err := w.Changes(w.ctx, maintenance, before, head.Position, 10)
		if err != nil || len(s.Changes) != 1 || s.Changes[0].Key != "wiki/Page/a" || s.Changes[0].Document.Metadata != nil {
			t.Errorf("Changes() after a group was deleted = %+v, %v, want the document without it", s, err)
		}
		if message := w.run(corpus.ReindexDatasource, "wiki"); message != "2 documents of wiki were put into the index anew." {
			t.Errorf("reindexing says %q", message)
		}
		for _, rule := range corpus.Rules() {
			w.must(db.Read(w.ctx, func(tx *sqldb.Tx) error {
				broken, err := sqldb.All(w.ctx, tx, sqldb.ScanText, rule.Query)
				if err == nil && len(broken) > 0 {
					t.Errorf("%s: %q", rule.Broken, broken)
				}
				return err
			}))
		}
	})
}

func TestNamesAndSubmissionsOnBothEngines(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		d := page("a", everyone)
		d.Author = corpus.User{Email: "bo@example.com"}
		w.must(w.Put(w.ctx, connector, "wiki", []corpus.Document{d, page("b", everyone)}, 0))
		const none, one = "0 documents whose authors' names have changed were put into the index anew.", "1 documents whose authors' names have changed were put into the index anew."
		for i, step := range []struct {
			do   func() error
			want string
		}{
			{func() error { return nil }, none}, // fills what is known
			{func() error {
				return w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "bo@example.com", Profile: directory.Profile{FirstName: "Bo", LastName: "Quist", Department: "d"}}})
			}, one},
			{func() error { return nil }, none},
			{func() error {
				return w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "cy@example.com", Profile: directory.Profile{FirstName: "Cy", LastName: "Ray", Department: "d"}}})
			}, none},
		} {
			w.must(step.do())
			if got := w.run(corpus.ReindexNames, ""); got != step.want {
				t.Errorf("step %d: %q, want %q", i, got, step.want)
			}
		}

		id, err := w.Submit(w.ctx, connector, "wiki", corpus.SubmitDocument, jsontext.Value(`{"a":1}`))
		w.must(err)
		work := func() (n int) {
			_ = w.WorkOn(w.ctx, maintenance, id, func(_ context.Context, s corpus.Submission) error {
				n++
				if s.Datasource != "wiki" || string(s.Body) != `{"a":1}` {
					t.Errorf("WorkOn() gives %+v", s)
				}
				return nil
			})
			return n
		}
		away := fault.New(fault.Unavailable, "away")
		if err := w.WorkOn(w.ctx, maintenance, id, func(context.Context, corpus.Submission) error { return away }); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("WorkOn() while something is away = %v, want that, so that the job waits for it", err)
		}
		if n := work() + work(); n != 1 {
			t.Errorf("a submission was worked on %d times after it could be, want once", n)
		}
		if _, err := w.Submit(w.ctx, connector, "nowhere", corpus.SubmitDocument, nil); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Submit() to no datasource = %v, want not found", err)
		}
	})
}

// FuzzConfig holds that a configuration is refused, or kept so that it can be read and its documents checked.
func FuzzConfig(f *testing.F) {
	f.Add(`{"name":"x","datasourceCategory":"TICKETS","urlRegex":"(a|b)*","objectDefinitions":[{"propertyDefinitions":[{"name":"Due Date","propertyType":"DATE"}]}]}`, `"2026-01-02"`)
	f.Add(`{"name":"x","datasourceCategory":"CRM","isEntityDatasource":true,"aliases":["a"]}`, `["a",1]`)
	db := sqldbtest.Open(f)
	dir := directory.New(db)
	c, err := corpus.Open(f.Context(), db, dir, corpus.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, config, value string) {
		err := c.PutDatasource(t.Context(), connector, jsontext.Value(config))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("PutDatasource(%s) = %v, want it refused as invalid", config, err)
			}
			return
		}
		list, err := c.Datasources(t.Context(), maintenance)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Properties(t.Context(), maintenance); err != nil {
			t.Fatal(err)
		}
		if !jsontext.Value(value).IsValid() {
			return
		}
		for i := range list {
			for _, o := range list[i].Objects {
				for _, p := range o.Properties {
					d := page("a", everyone)
					d.ObjectType, d.Properties = o.Name, []corpus.Property{{Name: p.Name, Value: jsontext.Value(value)}}
					if err := c.Put(t.Context(), connector, list[i].Name, []corpus.Document{d}, 0); err != nil && fault.KindOf(err) != fault.Invalid {
						t.Errorf("Put(%s with %s) = %v", config, value, err)
					}
				}
			}
		}
	})
}

// FuzzMetadata holds that metadata is refused, or kept so that the document can be read and says it.
func FuzzMetadata(f *testing.F) {
	f.Add("legal", "owner", "TEXT", `"Ann"`)
	f.Add("Legal", "tags", "MULTIPICKLIST", `["a","b"]`)
	f.Add("x", "y", "TEXTLIST", `{"a":null}`)
	db := sqldbtest.Open(f)
	c, err := corpus.Open(f.Context(), db, directory.New(db), corpus.Config{})
	if err != nil {
		f.Fatal(err)
	}
	err = c.PutDatasource(f.Context(), connector, jsontext.Value(`{"name":"wiki","datasourceCategory":"TICKETS","urlRegex":"."}`))
	if err == nil {
		err = c.Put(f.Context(), connector, "wiki", []corpus.Document{page("a", everyone)}, 0)
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, group, key, kind, value string) {
		ctx := t.Context()
		if !jsontext.Value(value).IsValid() {
			return
		}
		err := c.PutMetadataSchema(ctx, maintenance, group, []corpus.PropertyDefinition{{Name: key, Type: corpus.PropertyType(kind)}})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("PutMetadataSchema(%q, %q %q) = %v", group, key, kind, err)
			}
			return
		}
		defer func() {
			if err := c.DeleteMetadataSchema(ctx, maintenance, group); err != nil {
				t.Error(err)
			}
		}()
		err = c.PutMetadata(ctx, maintenance, "wiki/Page/a", group, []corpus.Property{{Name: key, Value: jsontext.Value(value)}})
		docs, readErr := c.Get(ctx, maintenance, "wiki/Page/a")
		switch {
		case readErr != nil:
			t.Error(readErr)
		case err != nil && fault.KindOf(err) != fault.Invalid:
			t.Errorf("PutMetadata(%q, %q = %s) = %v", group, key, value, err)
		case (err == nil) != (len(docs["wiki/Page/a"].Metadata) == 1):
			t.Errorf("PutMetadata(%q, %q = %s) = %v, and the document has %+v", group, key, value, err, docs["wiki/Page/a"].Metadata)
		}
	})
}
