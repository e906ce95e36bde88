package corpus

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// The kinds of background work that bring what was declared otherwise into the index. Their arguments are the name of a datasource, and the id of a
// schema of metadata.
const (
	ReindexDatasource job.Kind = "reindex-datasource"
	ReindexMetadata   job.Kind = "reindex-metadata"
)

// reindexStep is how many documents one transaction puts into the queue: some 10 ms.
const reindexStep = 100

// Works are the kinds of background work of this package, for the server to run.
func (c *Corpus) Works(caller grant.Caller) map[job.Kind]job.Work {
	return map[job.Kind]job.Work{
		ReindexDatasource: func(ctx context.Context, j job.Job, report func(done, total int64)) (string, error) {
			return c.reindexDatasource(ctx, caller, j.Args, report)
		},
		ReindexNames: func(ctx context.Context, _ job.Job, report func(done, total int64)) (string, error) {
			return c.reindexNames(ctx, caller, report)
		},
		ReindexMetadata: func(ctx context.Context, j job.Job, report func(done, total int64)) (string, error) {
			return c.reindexMetadata(ctx, caller, j.Args, report)
		},
	}
}

// reindex puts documents into the queue as they are. Nothing has happened to them, so their lives do not tell of it.
func (c *Corpus) reindex(ctx context.Context, tx *sqldb.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	changes := make([]change, len(keys))
	for i, key := range keys {
		changes[i] = change{key, opAgain}
	}
	first, err := c.enqueue(ctx, tx, changes)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if _, err := tx.Exec(ctx, "UPDATE documents SET pos = $2 WHERE key = $1", key, first+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

// inSteps runs one transaction after the other, the first from a key and each from the one at which the one before ended, until one finds nothing.
func (c *Corpus) inSteps(ctx context.Context, report func(done, total int64), after string, step func(tx *sqldb.Tx, after string) (keys []string, err error)) (done int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		var keys []string
		err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
			keys, err = step(tx, after)
			return err
		})
		if err != nil || len(keys) == 0 {
			return done, err
		}
		after = keys[len(keys)-1]
		done += int64(len(keys))
		report(done, 0)
	}
}

// keyRange returns what comes before and behind the keys of a datasource: a key is the name, a slash and the rest, and "0" is what follows
// the slash in the order of bytes.
func keyRange(datasource string) (before, behind string) { return datasource + "/", datasource + "0" }

// reindexDatasource puts every document of a datasource into the queue.
func (c *Corpus) reindexDatasource(ctx context.Context, caller grant.Caller, datasource string, report func(done, total int64)) (string, error) {
	if err := maintains(caller); err != nil {
		return "", err
	}
	before, behind := keyRange(datasource)
	done, err := c.inSteps(ctx, report, before, func(tx *sqldb.Tx, after string) ([]string, error) {
		keys, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT key FROM documents WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3", after, behind, reindexStep)
		if err != nil {
			return nil, err
		}
		return keys, c.reindex(ctx, tx, keys)
	})
	return fmt.Sprintf("%d documents of %s were put into the index anew.", done, datasource), err
}

// reindexMetadata puts every document that has something of a group into the queue, and takes it from them where the group is gone.
func (c *Corpus) reindexMetadata(ctx context.Context, caller grant.Caller, schema string, report func(done, total int64)) (string, error) {
	if err := maintains(caller); err != nil {
		return "", err
	}
	done, err := c.inSteps(ctx, report, "", func(tx *sqldb.Tx, after string) ([]string, error) {
		keys, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT key FROM document_metadata WHERE schema_id = $1 AND key > $2 ORDER BY key LIMIT $3", schema, after, reindexStep)
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM metadata_schemas WHERE id = $1", schema)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			if _, err := tx.Exec(ctx, "DELETE FROM document_metadata WHERE schema_id = $1 AND key > $2 AND key <= $3", schema, after, keys[len(keys)-1]); err != nil {
				return nil, err
			}
		}
		return keys, c.reindex(ctx, tx, keys)
	})
	return fmt.Sprintf("%d documents with this metadata were put into the index anew.", done), err
}

// reindexNeeded reports whether documents are indexed otherwise under another configuration. How users are named is putRealm's affair.
func reindexNeeded(old, now *Settings) bool {
	return !slices.EqualFunc(old.Objects, now.Objects, func(a, b ObjectDefinition) bool {
		return a.Name == b.Name && slices.EqualFunc(a.Properties, b.Properties, func(p, q PropertyDefinition) bool {
			return p.Name == q.Name && p.Type == q.Type && p.SkipIndexing == q.SkipIndexing
		})
	})
}

// admission is what a datasource demands of its documents.
type admission struct {
	settings *Settings
	urls     *regexp.Regexp // nil for any
}

func admissionOf(s *Settings) (admission, error) {
	a := admission{settings: s}
	if s.URLRegex == "" {
		return a, nil
	}
	var err error
	if a.urls, err = compile(s.URLRegex); err != nil {
		// Older servers took what this one cannot read.
		return a, fault.Newf(fault.Invalid, "The urlRegex of the datasource %q cannot be read. Send its configuration again, in RE2 syntax.", s.Name).WithField("datasource")
	}
	return a, nil
}

// check refuses a document that the datasource's configuration does not admit.
func (a *admission) check(d *Document) error {
	if a.urls != nil && d.ViewURL != "" && !a.urls.MatchString(d.ViewURL) {
		return invalid("viewURL", "The viewURL does not match the urlRegex of the datasource, %q.", a.settings.URLRegex)
	}
	seen := make(map[string]bool, len(d.Properties))
	for i := range d.Properties {
		p := &d.Properties[i]
		word := Operator(p.Name)
		if word != "" && seen[word] {
			return invalid("customProperties", "customProperties holds %q twice.", fault.Clip(p.Name, 60))
		}
		seen[word] = true
		if declared, ok := a.settings.Property(d.ObjectType, p.Name); ok {
			if err := checkValue(&declared, p.Value); err != nil {
				return err
			}
		}
	}
	return nil
}
