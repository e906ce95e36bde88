package corpus

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Certainty is an answer that may not be known at the moment.
type Certainty int8

// The answers.
const (
	Unknown Certainty = iota
	No
	Yes
)

func certain(yes bool) Certainty {
	if yes {
		return Yes
	}
	return No
}

// Status says where a document stands on its way from its connector to those who search.
type Status struct {
	Uploaded    bool
	UploadedAt  time.Time
	Permissions directory.Permissions
	// Named says whether every user and group of the permissions was sent.
	Named bool
	// Indexed says whether the index shows the document as it was uploaded last; Unknown while the index is being filled.
	Indexed Certainty
	// IndexedAt is since when it shows it, never before UploadedAt; zero unless Indexed is Yes.
	IndexedAt time.Time
}

// Status returns where a document stands, for connectors that may write its datasource and for administrators.
func (c *Corpus) Status(ctx context.Context, caller grant.Caller, ref Ref, shown Shown) (Status, error) {
	list, err := c.Statuses(ctx, caller, ref.Datasource, []Ref{ref}, shown)
	if err != nil {
		return Status{}, err
	}
	return list[0], nil
}

// Statuses is Status for documents of one datasource, in the order asked.
func (c *Corpus) Statuses(ctx context.Context, caller grant.Caller, datasource string, refs []Ref, shown Shown) ([]Status, error) {
	if _, err := c.Datasource(ctx, caller, datasource); err != nil {
		return nil, err
	}
	keys := make([]string, len(refs))
	for i, ref := range refs {
		if err := checkRef(ref.ObjectType, ref.ID); err != nil {
			return nil, err
		}
		ref.Datasource = datasource
		keys[i] = ref.Key()
	}
	through, ready := shown.Through()
	holds, err := shown.Holds(ctx, keys)
	if err != nil {
		return nil, err
	}
	list := make([]Status, len(keys))
	err = c.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		for i, key := range keys {
			if list[i], err = c.status(ctx, tx, datasource, key, through, ready, holds[key]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// status reads where a document stands, of which the index holds something or not, and shows everything through a position once it is ready.
func (c *Corpus) status(ctx context.Context, tx *sqldb.Tx, datasource, key string, through int64, ready, held bool) (s Status, err error) {
	var position, at int64
	scan := func(row sqldb.Scanner) (acl string, err error) { err = row.Scan(&position, &at, &acl); return acl, err }
	acl, err := sqldb.One(ctx, tx, scan, "SELECT pos, uploaded_at, acl FROM documents WHERE key = $1", key)
	if fault.KindOf(err) == fault.NotFound {
		if ready {
			s.Indexed = certain(held)
		}
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err = json.Unmarshal([]byte(acl), &s.Permissions); err != nil {
		return s, err
	}
	s.Uploaded, s.UploadedAt = true, sqldb.Time(at)
	if s.Named, err = directory.Known(ctx, tx, datasource, &s.Permissions); err != nil || !ready {
		return s, err
	}
	if s.Indexed = certain(position <= through && held); s.Indexed == Yes {
		var first int64
		first, _, err = c.markOf(ctx, tx, position)
		// What came again as it was, is shown from the moment it came: a time before that would read as if it waited.
		if s.IndexedAt = sqldb.Time(first); s.IndexedAt.Before(s.UploadedAt) {
			s.IndexedAt = s.UploadedAt
		}
	}
	return s, err
}

// TypeCounts are the documents of one object type.
type TypeCounts struct {
	ObjectType        string
	Uploaded, Indexed int64
}

// TypeCounts counts the documents of a datasource by object type, for connectors that may write it and for administrators.
// Indexed are those that the index shows as they were uploaded last; known is false while it is being filled.
func (c *Corpus) TypeCounts(ctx context.Context, caller grant.Caller, datasource string, shown Shown) (list []TypeCounts, known bool, err error) {
	if _, err = c.Datasource(ctx, caller, datasource); err != nil {
		return nil, false, err
	}
	through, known := shown.Through()
	scan := func(s sqldb.Scanner) (t TypeCounts, err error) {
		err = s.Scan(&t.ObjectType, &t.Uploaded)
		return t, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, "SELECT object_type, COUNT(*) FROM documents WHERE datasource = $1 GROUP BY object_type ORDER BY object_type", datasource)
		if err != nil {
			return err
		}
		waiting := map[string]int64{}
		for t, err := range sqldb.Each(ctx, tx, scan, `SELECT object_type, COUNT(*) FROM documents WHERE key IN (SELECT key FROM changes WHERE pos > $2)
			AND datasource = $1 GROUP BY object_type`, datasource, through) {
			if err != nil {
				return err
			}
			waiting[t.ObjectType] = t.Uploaded
		}
		for i := range list {
			list[i].Indexed = list[i].Uploaded - waiting[list[i].ObjectType]
		}
		return nil
	})
	return list, known, err
}

// MayRead reports whether the person who holds an address may read a document, by the same rule as search: for connectors that may
// write the datasource, and for administrators. A document that is not there is read by nobody.
func (c *Corpus) MayRead(ctx context.Context, caller grant.Caller, ref Ref, email string) (bool, error) {
	if err := c.mayAsk(ctx, caller, ref); err != nil {
		return false, err
	}
	access, err := c.dir.AccessOf(ctx, caller, email)
	if err != nil || access.Everything() {
		return false, err // nobody has such an access by an address
	}
	var admitted []any
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		admitted, err = admittedKeys(ctx, tx, access, byKey, []any{ref.Key()})
		return err
	})
	return len(admitted) > 0, err
}
