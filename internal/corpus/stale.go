package corpus

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

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
func staleKeys(ctx context.Context, tx *sqldb.Tx, s upload.Session, limit int) ([]any, error) {
	scan := func(row sqldb.Scanner) (any, error) { return sqldb.ScanText(row) }
	return sqldb.All(ctx, tx, scan, "SELECT key FROM documents WHERE datasource = $1 AND touched < $2 ORDER BY touched LIMIT $3", s.Datasource, s.Mark, limit)
}
