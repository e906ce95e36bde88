package corpus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Outline is Get for lists: the documents come with what one line about each tells, that is, names and addresses, container, people, times,
// tags, status and custom properties, without their texts, permissions and the rest. They are shared: nobody changes them.
// Changes that this process made show at once, those of other nodes within a second.
func (c *Corpus) Outline(ctx context.Context, caller grant.Caller, keys ...string) (map[string]*Document, error) {
	access, err := c.dir.Access(ctx, caller)
	if err != nil {
		return nil, err
	}
	// The version is read before the documents, which may thereby be newer than their label but never older.
	version, err := c.version(ctx, versionChanges)
	if err != nil {
		return nil, err
	}
	docs, missing := c.outlines.take(version, keyArgs(keys))
	maps.DeleteFunc(docs, func(_ string, d *Document) bool { return !access.Admits(d.Readers) })
	read, err := c.find(ctx, caller, outline, byKey, missing)
	if err != nil {
		return nil, err
	}
	c.outlines.keep(version, read)
	maps.Copy(docs, read)
	return docs, nil
}

// maxVersionAge is how far what a process remembers may lag behind the changes of other nodes.
const maxVersionAge = time.Second

// version returns a version, at most maxVersionAge old.
func (c *Corpus) version(ctx context.Context, name string) (int64, error) {
	n, readAt := c.db.Version(name)
	if time.Since(readAt) < maxVersionAge {
		return n, nil
	}
	return c.db.ReadVersion(ctx, name)
}

// maxOutlines bounds how many outlines are remembered: a few MB of ordinary ones.
const maxOutlines = 2048

// outlines remembers what was read of one version of the documents. Any change of a document voids all of it.
type outlines struct {
	mu      sync.Mutex // guards what follows
	version int64
	byKey   map[string]*Document
}

// take returns what is remembered of the documents with these keys, and the keys of the others.
func (o *outlines) take(version int64, keys []any) (docs map[string]*Document, missing []any) {
	docs = make(map[string]*Document, len(keys))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.version != version {
		o.version = version
		clear(o.byKey)
	}
	for _, key := range keys {
		if d := o.byKey[key.(string)]; d != nil {
			docs[d.Key] = d
		} else {
			missing = append(missing, key)
		}
	}
	return docs, missing
}

// keep remembers documents, but for those with users who are looked up by their ids: these have versions of their own.
func (o *outlines) keep(version int64, docs map[string]*Document) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.version != version {
		return
	}
	if o.byKey == nil || len(o.byKey)+len(docs) > maxOutlines {
		o.byKey = make(map[string]*Document, len(docs))
	}
	for key, d := range docs {
		if d.Author.UserID == "" && d.Owner.UserID == "" && d.UpdatedBy.UserID == "" && len(o.byKey) < maxOutlines && d.small() {
			o.byKey[key] = d
		}
	}
}

// small reports whether an outline is of ordinary size.
func (d *Document) small() bool {
	n := len(d.Title) + len(d.ViewURL) + len(d.Container) + 4*len(d.Readers)
	for _, t := range slices.Concat(d.Tags, d.AdditionalURLs) {
		n += len(t)
	}
	for i := range d.Properties {
		n += len(d.Properties[i].Value)
	}
	return n <= 4<<10
}

const outlineColumns = "d.key, d.datasource, d.object_type, d.doc_id, d.title, d.view_url, d.meta, d.readers, d.created_at, d.updated_at"

// outlined is the part of a document's JSON that an Outline has. It is in the words of Document.
type outlined struct {
	MimeType    string     `json:"mimeType"`
	Container   string     `json:"container"`
	ContainerID string     `json:"containerDatasourceId"`
	Author      User       `json:"author"`
	Owner       User       `json:"owner"`
	UpdatedBy   User       `json:"updatedBy"`
	Tags        []string   `json:"tags"`
	Status      string     `json:"status"`
	URLs        []string   `json:"additionalUrls"`
	Properties  []Property `json:"customProperties"`
}

func scanOutline(row sqldb.Scanner) (*Document, error) {
	var d Document
	var meta, readers string
	err := row.Scan(&d.Key, &d.Datasource, &d.ObjectType, &d.ID, &d.Title, &d.ViewURL, &meta, &readers, &d.CreatedAt, &d.UpdatedAt)
	if err != nil {
		return nil, err
	}
	var o outlined
	err = json.Unmarshal([]byte(meta), &o)
	if err == nil {
		err = json.Unmarshal([]byte(readers), &d.Readers)
	}
	if err != nil {
		return nil, fmt.Errorf("stored document %s: %w", d.Key, err)
	}
	d.MimeType, d.Container, d.ContainerID, d.Status, d.AdditionalURLs = o.MimeType, o.Container, o.ContainerID, o.Status, o.URLs
	d.Author, d.Owner, d.UpdatedBy, d.Tags, d.Properties = o.Author, o.Owner, o.UpdatedBy, o.Tags, o.Properties
	return &d, nil
}
