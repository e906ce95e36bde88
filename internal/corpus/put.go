package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// One transaction of the bulk lane holds at most this much, so that none keeps the writer over
// 25 ms: a document costs some five statements, and text some milliseconds a megabyte.
const (
	chunkDocuments = 40
	chunkBytes     = 512 << 10
)

// Put makes or replaces documents of one datasource; the later of two with one key holds. All are
// checked before the first is written, and all are durable when it returns: on an error before that
// some may be written, and sending them again is safe. A document that comes again as it was is not indexed again. version
// is of the single document that it is given with, 0 for unchecked; one that is older than a version seen before is
// a fault.Conflict.
func (c *Corpus) Put(ctx context.Context, caller grant.Caller, datasource string, docs []Document, version int64) error {
	if version != 0 && len(docs) != 1 {
		return fmt.Errorf("a version with %d documents", len(docs))
	}
	return c.load(ctx, caller, datasource, docs, version, nil)
}

// Upload takes a page of a bulk upload that replaces the documents of a datasource, as Put does. Documents that are in
// none of its pages are removed once it has ended, in the background.
func (c *Corpus) Upload(ctx context.Context, caller grant.Caller, p upload.Page, docs []Document) error {
	p.Kind, p.Items = upload.Documents, len(docs)
	if err := p.Check(); err != nil {
		return err
	}
	return c.load(ctx, caller, p.Datasource, docs, 0, &p)
}

// load puts documents, on their own or as a page.
func (c *Corpus) load(ctx context.Context, caller grant.Caller, datasource string, docs []Document, version int64, page *upload.Page) error {
	if err := mayIndex(caller, datasource); err != nil {
		return err
	}
	ds, err := c.datasource(ctx, datasource)
	if err != nil {
		return err
	}
	list, err := makeReady(ds, docs)
	if err != nil {
		return err
	}
	var session upload.Session
	begun := page == nil
	for rest := list; len(rest) > 0 || !begun; {
		part := firstPart(rest)
		rest = rest[len(part):]
		if err := c.dir.Prepare(ctx, sqldb.Bulk, datasource, permissionsOf(part)); err != nil {
			return err
		}
		err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
			switch {
			case page == nil:
			case begun:
				err = session.Still(ctx, tx)
			default:
				session, err = upload.Begin(ctx, tx, *page)
			}
			if err != nil {
				return err
			}
			if err = c.put(ctx, tx, datasource, part, version); err != nil || page == nil || !page.Last || len(rest) > 0 {
				return err
			}
			stale, err := staleKeys(ctx, tx, session, 1)
			if err != nil {
				return err
			}
			return session.Finish(ctx, tx, len(stale) > 0)
		})
		if err != nil {
			return err
		}
		begun = true
	}
	return nil
}

// ready is a document that was checked, with what is stored of it and a digest of that.
type ready struct {
	*Document
	meta, acl string
	digest    [sha256.Size]byte
}

// makeReady checks documents and does what can be done before a transaction, which everybody else waits for. Of several with one
// key it keeps the last.
func makeReady(ds *Datasource, docs []Document) ([]ready, error) {
	copies, list := slices.Clone(docs), make([]ready, 0, len(docs))
	place := make(map[string]int, len(docs))
	config := sha256.Sum256(ds.Config) // it says how documents are indexed
	admitted, err := admissionOf(&ds.Settings)
	if err != nil {
		return nil, err
	}
	for i := range copies {
		d := &copies[i]
		d.Datasource = ds.Name
		if d.Title == "" {
			d.Title = d.fallbackTitle()
		}
		if err := d.check(ds.Entity); err != nil {
			return nil, inDocument(err, d, len(copies))
		}
		if err := admitted.check(d); err != nil {
			return nil, inDocument(err, d, len(copies))
		}
		d.Key = Ref{Datasource: ds.Name, ObjectType: d.ObjectType, ID: d.ID}.Key()
		r := ready{Document: d}
		meta, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("encode document %s: %w", d.Key, err)
		}
		acl, err := json.Marshal(&d.Permissions)
		if err != nil {
			return nil, fmt.Errorf("encode permissions: %w", err)
		}
		r.meta, r.acl = string(meta), string(acl)
		r.digest = digestOf(config[:], r.ID, r.Title, r.ViewURL, r.Body, r.meta, r.acl, strconv.FormatInt(r.CreatedAt, 10), strconv.FormatInt(r.UpdatedAt, 10))
		if at, twice := place[d.Key]; twice {
			list[at] = r
			continue
		}
		place[d.Key] = len(list)
		list = append(list, r)
	}
	return list, nil
}

// digestOf is different for different lists of texts.
func digestOf(start []byte, texts ...string) (sum [sha256.Size]byte) {
	h := sha256.New()
	_, _ = h.Write(start) // a hash takes everything
	var length [8]byte
	for _, t := range texts {
		binary.BigEndian.PutUint64(length[:], uint64(len(t)))
		_, _ = h.Write(length[:])
		_, _ = io.WriteString(h, t)
	}
	h.Sum(sum[:0])
	return sum
}

// firstPart returns what of list goes into one transaction.
func firstPart(list []ready) []ready {
	n, size := 0, 0
	for n < len(list) && n < chunkDocuments && (n == 0 || size+list[n].size() <= chunkBytes) {
		size += list[n].size()
		n++
	}
	return list[:n]
}

func permissionsOf(docs []ready) []directory.Permissions {
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

// put writes documents, none of them twice.
func (c *Corpus) put(ctx context.Context, tx *sqldb.Tx, datasource string, docs []ready, version int64) error {
	if len(docs) == 0 {
		return nil
	}
	readers, err := c.dir.Intern(ctx, tx, datasource, permissionsOf(docs))
	if err != nil {
		return err
	}
	if version != 0 {
		if err = directory.Advance(ctx, tx, subject(docs[0].Key), version); err != nil {
			return err
		}
	}
	touch, err := upload.Touch(ctx, tx)
	if err != nil {
		return err
	}
	known, err := digests(ctx, tx, docs)
	if err != nil {
		return err
	}
	var rows []row
	var changes []change
	var same []string
	for i := range docs {
		r := row{ready: docs[i], touch: touch, now: time.Now().UnixMicro()}
		if r.readers, err = encodeReaders(readers[i]); err != nil {
			return err
		}
		sum := digestOf(r.digest[:], r.readers)
		r.stored = base64.RawURLEncoding.EncodeToString(sum[:18])
		before, exists := known[r.Key]
		if exists && before == r.stored {
			same = append(same, r.Key)
			continue
		}
		r.fresh = !exists
		rows, changes = append(rows, r), append(changes, change{r.Key, opPut})
	}
	if len(same) > 0 {
		_, err = tx.Exec(ctx, "UPDATE documents SET touched = $1, uploaded_at = $2 WHERE key IN "+sqldb.In(3, len(same)), sqldb.Args(same, touch, time.Now().UnixMicro())...)
		if err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	first, err := c.enqueue(ctx, tx, changes)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := rows[i].store(ctx, tx, first+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

func subject(key string) string { return "document/" + key }

// digests returns the stored digests of those documents that there are, by key.
func digests(ctx context.Context, tx *sqldb.Tx, docs []ready) (map[string]string, error) {
	type pair struct{ key, digest string }
	scan := func(s sqldb.Scanner) (p pair, err error) { err = s.Scan(&p.key, &p.digest); return p, err }
	keys := make([]string, len(docs))
	for i := range docs {
		keys[i] = docs[i].Key
	}
	known := map[string]string{}
	for p, err := range sqldb.Each(ctx, tx, scan, "SELECT key, digest FROM documents WHERE key IN "+sqldb.In(1, len(keys)), sqldb.Args(keys)...) {
		if err != nil {
			return nil, err
		}
		known[p.key] = p.digest
	}
	return known, nil
}

// row is a document as it is stored.
type row struct {
	ready
	readers, stored string // the principals, and the digest with them
	fresh           bool   // there is none of this key
	touch, now      int64
}

func encodeReaders(readers []uint32) (string, error) {
	ids, err := json.Marshal(readers)
	if err != nil {
		return "", fmt.Errorf("encode readers: %w", err)
	}
	return string(ids), nil
}

func (r *row) store(ctx context.Context, tx *sqldb.Tx, position int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO documents (key, datasource, object_type, doc_id, pos, title, view_url, body, meta, acl, readers, created_at, updated_at,
		uploaded_at, touched, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (key) DO UPDATE SET doc_id = excluded.doc_id, pos = excluded.pos, title = excluded.title, view_url = excluded.view_url,
			body = excluded.body, meta = excluded.meta, acl = excluded.acl, readers = excluded.readers,
			created_at = excluded.created_at, updated_at = excluded.updated_at, uploaded_at = excluded.uploaded_at,
			touched = excluded.touched, digest = excluded.digest`,
		r.Key, r.Datasource, r.ObjectType, r.ID, position, r.Title, r.ViewURL, r.Body, r.meta, r.acl, r.readers, r.CreatedAt, r.UpdatedAt,
		r.now, r.touch, r.stored)
	if err != nil {
		return err
	}
	if !r.fresh {
		if _, err = tx.Exec(ctx, "DELETE FROM document_urls WHERE key = $1", r.Key); err != nil {
			return err
		}
	}
	for _, u := range append([]string{r.ViewURL}, r.AdditionalURLs...) {
		if u == "" {
			continue
		}
		if _, err = tx.Exec(ctx, "INSERT INTO document_urls (url, key) VALUES ($1, $2) ON CONFLICT (url, key) DO NOTHING", u, r.Key); err != nil {
			return err
		}
	}
	return nil
}
