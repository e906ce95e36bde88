package corpus

import (
	"context"
	"crypto/rand"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// Renew gives the queue a new incarnation, for the server itself: the database was put back to an earlier state, so that
// an index which followed the queue before may hold what is no longer so. Every index begins again from the documents, and
// every bulk upload that was open is to be begun again.
func (c *Corpus) Renew(ctx context.Context, caller grant.Caller) error {
	if err := maintains(caller); err != nil {
		return err
	}
	return c.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE queue SET incarnation = $1 WHERE one = 1", rand.Text()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM queue_readers"); err != nil {
			return err
		}
		if err := upload.DropOpen(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Raise(ctx, versionChanges); err != nil {
			return err
		}
		tx.OnCommit(c.awake)
		return nil
	})
}
