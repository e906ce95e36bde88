package corpus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// One transaction of the bulk lane holds at most this much, so that none keeps the writer over
// 25 ms: a document costs some five statements, and text some milliseconds a megabyte.
const (
	chunkDocuments = 40
	chunkBytes     = 512 << 10
)

// Put makes or replaces documents of one datasource; the later of two with one key holds. All are
// checked before the first is written, and all are durable when it returns: on an error before that
// some may be written, and sending them again is safe. version is of the single document that it is
// given with, 0 for unchecked; one that is older than a version seen before is a fault.Conflict.
func (c *Corpus) Put(ctx context.Context, caller grant.Caller, datasource string, docs []Document, version int64) error {
	if err := mayIndex(caller, datasource); err != nil {
		return err
	}
	if version != 0 && len(docs) != 1 {
		return fmt.Errorf("a version with %d documents", len(docs))
	}
	ds, err := c.datasource(ctx, datasource)
	if err != nil {
		return err
	}
	list := slices.Clone(docs)
	for i := range list {
		d := &list[i]
		d.Datasource = datasource
		if d.Title == "" {
			d.Title = d.fallbackTitle()
		}
		if err := d.check(ds.Entity); err != nil {
			return inDocument(err, d, len(list))
		}
		d.Key = Ref{Datasource: datasource, ObjectType: d.ObjectType, ID: d.ID}.Key()
	}
	for rest := list; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && n < chunkDocuments && (n == 0 || size+rest[n].size() <= chunkBytes) {
			size += rest[n].size()
			n++
		}
		part := rest[:n]
		if err := c.dir.Prepare(ctx, sqldb.Bulk, datasource, permissionsOf(part)); err != nil {
			return err
		}
		err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error { return c.put(ctx, tx, datasource, part, version) })
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func permissionsOf(docs []Document) []directory.Permissions {
	list := make([]directory.Permissions, len(docs))
	for i := range docs {
		list[i] = docs[i].Permissions
	}
	return list
}

// inDocument says which of several documents a fault is about.
func inDocument(err error, d *Document, of int) error {
	if f, ok := err.(*fault.Fault); ok && of > 1 { //nolint:errorlint // made by check, never wrapped
		g := *f
		g.Message = fmt.Sprintf("Document %q: %s Nothing of this batch was written.", d.ID, f.Message)
		return &g
	}
	return err
}

// fallbackTitle is the title of a document whose connector gave none and whose text has none.
func (d *Document) fallbackTitle() string {
	if d.Filename != "" {
		return d.Filename
	}
	return d.ID
}

// size is about how many bytes the document takes in a transaction.
func (d *Document) size() int {
	n := len(d.Title) + len(d.Body) + len(d.Summary) + 40*(len(d.Permissions.Users)+len(d.Permissions.Groups))
	for i := range d.Comments {
		n += len(d.Comments[i].Text)
	}
	for i := range d.Properties {
		n += len(d.Properties[i].Value)
	}
	return n
}

func (c *Corpus) put(ctx context.Context, tx *sqldb.Tx, datasource string, docs []Document, version int64) error {
	readers, err := c.dir.Intern(ctx, tx, datasource, permissionsOf(docs))
	if err != nil {
		return err
	}
	if version != 0 {
		if err = directory.Advance(ctx, tx, subject(docs[0].Key), version); err != nil {
			return err
		}
	}
	changes := make([]change, len(docs))
	for i := range docs {
		changes[i] = change{docs[i].Key, opPut}
	}
	first, err := c.enqueue(ctx, tx, changes)
	if err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	for i := range docs {
		if err := store(ctx, tx, &docs[i], readers[i], first+int64(i), now); err != nil {
			return err
		}
	}
	return nil
}

func subject(key string) string { return "document/" + key }

func store(ctx context.Context, tx *sqldb.Tx, d *Document, readers []uint32, position, now int64) error {
	meta, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode document %s: %w", d.Key, err)
	}
	acl, ids, err := encodePermissions(&d.Permissions, readers)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO documents (key, datasource, object_type, doc_id, pos, title, view_url, body, meta, acl, readers, created_at, updated_at, uploaded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (key) DO UPDATE SET doc_id = excluded.doc_id, pos = excluded.pos, title = excluded.title, view_url = excluded.view_url,
			body = excluded.body, meta = excluded.meta, acl = excluded.acl, readers = excluded.readers,
			created_at = excluded.created_at, updated_at = excluded.updated_at, uploaded_at = excluded.uploaded_at`,
		d.Key, d.Datasource, d.ObjectType, d.ID, position, d.Title, d.ViewURL, d.Body, string(meta), acl, ids, d.CreatedAt, d.UpdatedAt, now)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, "DELETE FROM document_urls WHERE key = $1", d.Key); err != nil {
		return err
	}
	for _, u := range append([]string{d.ViewURL}, d.AdditionalURLs...) {
		if u == "" {
			continue
		}
		if _, err = tx.Exec(ctx, "INSERT INTO document_urls (url, key) VALUES ($1, $2) ON CONFLICT (url, key) DO NOTHING", u, d.Key); err != nil {
			return err
		}
	}
	return nil
}

func encodePermissions(p *directory.Permissions, readers []uint32) (acl, ids string, err error) {
	a, err := json.Marshal(p)
	if err != nil {
		return "", "", fmt.Errorf("encode permissions: %w", err)
	}
	r, err := json.Marshal(readers)
	if err != nil {
		return "", "", fmt.Errorf("encode readers: %w", err)
	}
	return string(a), string(r), nil
}

// SetPermissions replaces who may read a document and leaves the rest of it alone. A document that
// does not exist is a fault.NotFound.
func (c *Corpus) SetPermissions(ctx context.Context, caller grant.Caller, ref Ref, p directory.Permissions) error {
	if err := mayIndex(caller, ref.Datasource); err != nil {
		return err
	}
	if _, err := c.datasource(ctx, ref.Datasource); err != nil {
		return err
	}
	if err := checkPermissions(&p); err != nil {
		return err
	}
	if ref.ID != "" {
		if err := checkRef(ref.ObjectType, ref.ID); err != nil {
			return err
		}
	} else if err := directory.CheckURL("viewURL", ref.ViewURL); err != nil || ref.ViewURL == "" {
		return invalid("id", "Name the document by id and objectType, or by viewURL.")
	}
	if err := c.dir.Prepare(ctx, sqldb.Security, ref.Datasource, []directory.Permissions{p}); err != nil {
		return err
	}
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		key, err := resolve(ctx, tx, ref)
		if err != nil {
			return err
		}
		readers, err := c.dir.Intern(ctx, tx, ref.Datasource, []directory.Permissions{p})
		if err != nil {
			return err
		}
		acl, ids, err := encodePermissions(&p, readers[0])
		if err != nil {
			return err
		}
		position, err := c.enqueue(ctx, tx, []change{{key, opAccess}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE documents SET pos = $2, acl = $3, readers = $4 WHERE key = $1", key, position, acl, ids)
		return err
	})
}

// resolve finds the key of a document that a connector names. An address names the document whose own
// it is, before those that have it besides. Where it could be several, none is taken: to narrow one of
// them would leave the others open.
func resolve(ctx context.Context, tx *sqldb.Tx, ref Ref) (string, error) {
	var keys []string
	var err error
	if ref.ID != "" {
		keys, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT key FROM documents WHERE key = $1", ref.Key())
	} else {
		const named = " AND d.datasource = $2 AND ($3 = '' OR d.object_type = $3) ORDER BY d.key LIMIT 2"
		for _, query := range []string{
			"SELECT d.key FROM document_urls u JOIN documents d ON d.key = u.key WHERE u.url = $1 AND d.view_url = $1" + named,
			"SELECT d.key FROM document_urls u JOIN documents d ON d.key = u.key WHERE u.url = $1" + named,
		} {
			keys, err = sqldb.All(ctx, tx, sqldb.ScanText, query, ref.ViewURL, ref.Datasource, ref.ObjectType)
			if err != nil || len(keys) > 0 {
				break
			}
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(keys) == 0:
		return "", fault.New(fault.NotFound, "There is no such document in this datasource. Index it first.")
	case len(keys) > 1:
		return "", invalid("viewURL", "Several documents of this datasource have this viewURL. Name the one that is meant by id and objectType.")
	}
	return keys[0], nil
}

// Delete removes a document. One that does not exist is no error.
func (c *Corpus) Delete(ctx context.Context, caller grant.Caller, ref Ref, version int64) error {
	if err := mayIndex(caller, ref.Datasource); err != nil {
		return err
	}
	if _, err := c.datasource(ctx, ref.Datasource); err != nil {
		return err
	}
	if err := checkRef(ref.ObjectType, ref.ID); err != nil {
		return err
	}
	key := ref.Key()
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := directory.Advance(ctx, tx, subject(key), version); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "DELETE FROM documents WHERE key = $1", key)
		if err != nil || n == 0 {
			return err
		}
		if _, err = tx.Exec(ctx, "DELETE FROM document_urls WHERE key = $1", key); err != nil {
			return err
		}
		_, err = c.enqueue(ctx, tx, []change{{key, opDelete}})
		return err
	})
}
