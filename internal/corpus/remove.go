package corpus

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

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
		_, err := c.erase(ctx, tx, []string{key})
		return err
	})
}

// A removal of several documents takes a few at a time, and no more once it has taken this long: what one costs depends on
// its size, up to some 10 ms.
const (
	eraseFew  = 4
	eraseTime = 20 * time.Millisecond
)

// erase removes those of the named documents that there are, and says so in the queue. It stops early where that takes
// long, and returns how many of the keys it has dealt with.
func (c *Corpus) erase(ctx context.Context, tx *sqldb.Tx, keys []string) (done int, err error) {
	var changes []change
	for begun := time.Now(); done < len(keys) && time.Since(begun) < eraseTime; {
		few := keys[done:min(done+eraseFew, len(keys))]
		gone, err := sqldb.All(ctx, tx, sqldb.ScanText, "DELETE FROM documents WHERE key IN "+sqldb.In(1, len(few))+" RETURNING key", sqldb.Args(few)...)
		if err != nil {
			return 0, err
		}
		for _, key := range gone {
			changes = append(changes, change{key, opDelete})
		}
		done += len(few)
	}
	if len(changes) == 0 {
		return done, nil
	}
	for _, table := range []string{"document_urls", "document_metadata"} {
		if _, err = tx.Exec(ctx, "DELETE FROM "+table+" WHERE key IN "+sqldb.In(1, done), sqldb.Args(keys[:done])...); err != nil {
			return 0, err
		}
	}
	_, err = c.enqueue(ctx, tx, changes)
	return done, err
}

// eraseStep is how many documents one transaction removes at most: some 5 ms where they are of usual size.
const eraseStep = 100

// Remover says how documents that a bulk upload left stale are removed.
func (c *Corpus) Remover() upload.Remover {
	return upload.Remover{
		Count: func(ctx context.Context, tx *sqldb.Tx, s upload.Session) (stale, all int64, err error) {
			stale, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM documents WHERE datasource = $1 AND touched < $2", s.Datasource, s.Mark)
			if err != nil {
				return 0, 0, err
			}
			all, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM documents WHERE datasource = $1", s.Datasource)
			return stale, all, err
		},
		Remove: func(ctx context.Context, tx *sqldb.Tx, s upload.Session) (removed int64, more bool, err error) {
			keys, err := staleKeys(ctx, tx, s, eraseStep)
			if err != nil || len(keys) == 0 {
				return 0, false, err
			}
			done, err := c.erase(ctx, tx, keys)
			return int64(done), done == eraseStep || done < len(keys), err
		},
	}
}

// staleKeys names documents that were last touched before a session began, at most limit.
func staleKeys(ctx context.Context, tx *sqldb.Tx, s upload.Session, limit int) ([]string, error) {
	return sqldb.All(ctx, tx, sqldb.ScanText, "SELECT key FROM documents WHERE datasource = $1 AND touched < $2 ORDER BY touched LIMIT $3", s.Datasource, s.Mark, limit)
}
