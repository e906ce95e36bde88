package authority

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// tokenRow is a client token as SQL keeps it, without its hash.
type tokenRow struct {
	id, mask, description string
	permission            Permission
	scopes, person        string
	madeBy, revokedBy     string
	created, expires      int64
	used, revoked         int64
}

const tokenColumns = `id, mask, description, permission, scopes, person, made_by, created_at, expires_at, last_used_at, revoked_at, revoked_by` //nolint:gosec // names of columns, no secrets

func scanToken(s sqldb.Scanner) (r tokenRow, err error) {
	err = s.Scan(&r.id, &r.mask, &r.description, &r.permission, &r.scopes, &r.person, &r.madeBy, &r.created, &r.expires,
		&r.used, &r.revoked, &r.revokedBy)
	return r, err
}

func insertToken(ctx context.Context, tx *sqldb.Tx, r tokenRow, fingerprint fingerprint) error {
	_, err := tx.Exec(ctx, `INSERT INTO client_tokens (hash, `+tokenColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '')`, fingerprint.hex(), r.id, r.mask, r.description,
		string(r.permission), r.scopes, r.person, r.madeBy, r.created, r.expires)
	return err
}

func tokenByID(ctx context.Context, tx *sqldb.Tx, id string) (tokenRow, error) {
	return sqldb.One(ctx, tx, scanToken, "SELECT "+tokenColumns+" FROM client_tokens WHERE id = $1", id)
}

// listTokens returns all tokens, or those that act as own.
func listTokens(ctx context.Context, tx *sqldb.Tx, own string) ([]tokenRow, error) {
	if own == "" {
		return sqldb.All(ctx, tx, scanToken, "SELECT "+tokenColumns+" FROM client_tokens ORDER BY created_at DESC, id DESC")
	}
	return sqldb.All(ctx, tx, scanToken, "SELECT "+tokenColumns+" FROM client_tokens WHERE person = $1 ORDER BY created_at DESC, id DESC", own)
}

// findPerson returns the person whom text names by id or address.
func findPerson(ctx context.Context, tx *sqldb.Tx, text string) (*directory.Person, error) {
	if strings.Contains(text, "@") {
		return directory.LookupEmail(ctx, tx, text)
	}
	return directory.LookupID(ctx, tx, text)
}
