package corpus

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const documentColumns = "d.key, d.datasource, d.object_type, d.doc_id, d.pos, d.title, d.view_url, d.body, d.meta, d.acl, d.readers, d.created_at, d.updated_at, d.uploaded_at"

func scanDocument(row sqldb.Scanner) (*Document, error) {
	var d Document
	var meta, acl, readers string
	err := row.Scan(&d.Key, &d.Datasource, &d.ObjectType, &d.ID, &d.Position, &d.Title, &d.ViewURL, &d.Body, &meta, &acl, &readers,
		&d.CreatedAt, &d.UpdatedAt, &d.UploadedAt)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		text string
		into any
	}{{meta, &d}, {acl, &d.Permissions}, {readers, &d.Readers}} {
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return nil, fmt.Errorf("stored document %s: %w", d.Key, err)
		}
	}
	return &d, nil
}

// listParameters bounds the parameters of one statement.
const listParameters = 900

// Get returns those of the named documents that the caller may see, by key. The others, hidden or
// missing, are not in the answer. Keys are compared with the id folded.
func (c *Corpus) Get(ctx context.Context, caller grant.Caller, keys ...string) (map[string]*Document, error) {
	return c.find(ctx, caller, whole, byKey, keyArgs(keys))
}

// keyArgs returns those of keys that are names of documents, with the id folded.
func keyArgs(keys []string) []any {
	folded := make([]any, 0, len(keys))
	for _, key := range keys {
		if ref, ok := ParseKey(key); ok {
			folded = append(folded, ref.Key())
		}
	}
	return folded
}

// ByURL returns those documents that the caller may see and that have one of the addresses, as
// viewURL or otherwise, by key. They come as from Outline: any number of documents can have one address, and few of them are wanted
// in full.
func (c *Corpus) ByURL(ctx context.Context, caller grant.Caller, urls ...string) (map[string]*Document, error) {
	args := make([]any, 0, len(urls))
	for _, u := range urls {
		if directory.CheckURL("", u) == nil && u != "" {
			args = append(args, u)
		}
	}
	return c.find(ctx, caller, outline, byURL, args)
}

// people returns those whom a document itself names, beside its comments.
func (d *Document) people() []*User { return []*User{&d.Author, &d.Owner, &d.UpdatedBy} }

// HasURL reports whether the document has an address, as viewURL or otherwise.
func (d *Document) HasURL(url string) bool {
	return d.ViewURL == url || slices.Contains(d.AdditionalURLs, url)
}

// How much of a document find reads.
type extent bool

const (
	whole   extent = false
	outline extent = true
)

// Where find looks.
const (
	byKey = " FROM documents d WHERE d.key IN "
	byURL = " FROM documents d JOIN document_urls u ON u.key = d.key WHERE u.url IN "
)

func (c *Corpus) find(ctx context.Context, caller grant.Caller, much extent, where string, args []any) (map[string]*Document, error) {
	docs := map[string]*Document{}
	if len(args) == 0 {
		return docs, nil
	}
	access, err := c.dir.Access(ctx, caller)
	if err != nil {
		return nil, err
	}
	if !access.Everything() && len(access.Principals()) == 0 {
		return docs, nil
	}
	columns, scan := documentColumns, scanDocument
	if much == outline {
		columns, scan = outlineColumns, scanOutline
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		admitted, err := admittedKeys(ctx, tx, access, where, args)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(admitted, listParameters) {
			for d, err := range sqldb.Each(ctx, tx, scan, "SELECT "+columns+byKey+sqldb.In(1, len(part)), part...) {
				if err != nil {
					return err
				}
				docs[d.Key] = d
			}
		}
		if much == whole {
			if err := fillMetadata(ctx, tx, docs); err != nil {
				return err
			}
		}
		return fillUsers(ctx, tx, docs)
	})
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// admittedKeys returns the keys of those documents that access admits. The documents themselves are read afterwards: what it costs to
// read a hidden one would tell that it is there, and how large it is.
func admittedKeys(ctx context.Context, tx *sqldb.Tx, access grant.Access, where string, args []any) (admitted []any, err error) {
	scan := func(row sqldb.Scanner) (d Document, err error) {
		var readers string
		if err = row.Scan(&d.Key, &readers); err == nil {
			err = json.Unmarshal([]byte(readers), &d.Readers)
		}
		return d, err
	}
	for part := range slices.Chunk(args, listParameters) {
		for d, err := range sqldb.Each(ctx, tx, scan, "SELECT d.key, d.readers"+where+sqldb.In(1, len(part)), part...) {
			if err != nil {
				return nil, err
			}
			if access.Admits(d.Readers) {
				admitted = append(admitted, d.Key)
			}
		}
	}
	return admitted, nil
}

// fillUsers adds the addresses of users whom documents name by id. Where a document has both, the setting of its datasource says
// which counts.
func fillUsers(ctx context.Context, tx *sqldb.Tx, docs map[string]*Document) error {
	missing := map[string][]*User{} // by datasource
	for _, d := range docs {
		for _, u := range d.people() {
			if u.UserID != "" {
				missing[d.Datasource] = append(missing[d.Datasource], u)
			}
		}
	}
	for datasource, users := range missing {
		ids := make([]string, len(users))
		for i, u := range users {
			ids[i] = u.UserID
		}
		slices.Sort(ids)
		emails, byEmail, err := directory.UserEmails(ctx, tx, datasource, slices.Compact(ids))
		if err != nil {
			return err
		}
		for _, u := range users {
			if known := emails[u.UserID]; known != "" && (u.Email == "" || !byEmail) {
				u.Email = known
			}
		}
	}
	return nil
}

// Scan returns documents in order of their keys, from after the given one, for the server itself.
// It returns fewer than limit where they are large, and none at the end.
func (c *Corpus) Scan(ctx context.Context, caller grant.Caller, after string, limit int) (docs []*Document, err error) {
	if err := maintains(caller); err != nil {
		return nil, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		size := 0
		byKey := map[string]*Document{}
		for d, err := range sqldb.Each(ctx, tx, scanDocument, "SELECT "+documentColumns+" FROM documents d WHERE d.key > $1 ORDER BY d.key LIMIT $2", after, limit) {
			if err != nil {
				return err
			}
			docs, byKey[d.Key] = append(docs, d), d
			if size += d.size(); size >= readBytes {
				break
			}
		}
		if err := fillMetadata(ctx, tx, byKey); err != nil {
			return err
		}
		return fillUsers(ctx, tx, byKey)
	})
	return docs, err
}

// readBytes is about how much text one read for the index takes into memory.
const readBytes = 16 << 20

// Counts returns how many documents each datasource has, for administrators.
func (c *Corpus) Counts(ctx context.Context, caller grant.Caller) (map[string]int64, error) {
	if err := administers(caller); err != nil {
		return nil, err
	}
	type row struct {
		name string
		n    int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.name, &r.n); return r, err }
	counts := map[string]int64{}
	err := c.db.Read(ctx, func(tx *sqldb.Tx) error {
		for r, err := range sqldb.Each(ctx, tx, scan, "SELECT datasource, COUNT(*) FROM documents GROUP BY datasource") {
			if err != nil {
				return err
			}
			counts[r.name] = r.n
		}
		return nil
	})
	return counts, err
}
