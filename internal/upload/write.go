package upload

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Write writes a page part by part, each in a transaction of its own on the bulk lane, with Begin, Still and Finish at their
// places. put writes a part, which is not empty; left reports whether the session leaves something stale behind, and is
// asked with the last part of a last page.
func Write[T any](ctx context.Context, db *sqldb.DB, page Page, parts [][]T,
	put func(context.Context, *sqldb.Tx, []T) error, left func(context.Context, *sqldb.Tx, Session) (bool, error),
) error {
	if len(parts) == 0 {
		parts = [][]T{nil} // a page without items may still begin a session, or end one
	}
	var begun Session
	for i, part := range parts {
		err := db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
			session := begun
			if i == 0 {
				session, err = Begin(ctx, tx, page)
			} else {
				err = session.Still(ctx, tx)
			}
			if err != nil {
				return err
			}
			if len(part) > 0 {
				if err = put(ctx, tx, part); err != nil {
					return err
				}
			}
			if i == len(parts)-1 && page.Last {
				stale, err := left(ctx, tx, session)
				if err != nil {
					return err
				}
				if err = session.Finish(ctx, tx, stale); err != nil {
					return err
				}
			}
			begun = session
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
