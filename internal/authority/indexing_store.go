package authority

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// indexingTokenRow is an indexing token as SQL keeps it.
type indexingTokenRow struct {
	id, mask, description string
	datasources, cidrs    string // JSON
	metadata              string // JSON
	period                int64  // minutes
	madeBy, revokedBy     string
	created, rotated      int64
	expires               int64
	used, revoked         int64
}

const indexingColumns = `id, mask, description, datasources, cidrs, period, made_by, created_at, rotated_at, expires_at,
	last_used_at, revoked_at, revoked_by, metadata`

func scanIndexing(s sqldb.Scanner) (r indexingTokenRow, err error) {
	err = s.Scan(&r.id, &r.mask, &r.description, &r.datasources, &r.cidrs, &r.period, &r.madeBy, &r.created, &r.rotated,
		&r.expires, &r.used, &r.revoked, &r.revokedBy, &r.metadata)
	return r, err
}

// state says whether the token works, by its current secret.
func (r indexingTokenRow) state(now int64) State {
	switch {
	case r.revoked != 0:
		return Revoked
	case now >= r.expires:
		return Expired
	case r.period > 0 && now >= r.rotated+r.period*minute:
		return Overdue
	}
	return Active
}

func insertIndexing(ctx context.Context, tx *sqldb.Tx, r indexingTokenRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO indexing_tokens (`+indexingColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '', $11)`, r.id, r.mask, r.description, r.datasources, r.cidrs,
		r.period, r.madeBy, r.created, r.rotated, r.expires, r.metadata)
	return err
}

func insertIndexingSecret(ctx context.Context, tx *sqldb.Tx, token string, fingerprint fingerprint) error {
	_, err := tx.Exec(ctx, "INSERT INTO indexing_secrets (hash, token, until) VALUES ($1, $2, 0)", fingerprint.hex(), token)
	return err
}

// maxReplaced bounds the replaced secrets of one token that still work, and so a program that rotates
// in a loop.
const maxReplaced = 20

// retireSecrets gives the current secret its last minutes, and forgets those whose minutes are over.
func retireSecrets(ctx context.Context, tx *sqldb.Tx, token string, now int64) error {
	if _, err := tx.Exec(ctx, "DELETE FROM indexing_secrets WHERE token = $1 AND until > 0 AND until <= $2", token, now); err != nil {
		return err
	}
	n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM indexing_secrets WHERE token = $1 AND until > 0", token)
	if err != nil {
		return err
	}
	if n >= maxReplaced {
		f := fault.New(fault.TooMany, "This token was rotated too often within ten minutes. Try again later.")
		f.RetryAfter = rotationGrace
		return f
	}
	_, err = tx.Exec(ctx, "UPDATE indexing_secrets SET until = $1 WHERE token = $2 AND until = 0", now+int64(rotationGrace/time.Microsecond), token)
	return err
}

func indexingByID(ctx context.Context, tx *sqldb.Tx, id string) (indexingTokenRow, error) {
	row, err := sqldb.One(ctx, tx, scanIndexing, "SELECT "+indexingColumns+" FROM indexing_tokens WHERE id = $1", id)
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "There is no indexing token with this id.")
	}
	return row, err
}
