package sqldb

import (
	"context"
	"fmt"
)

// Schema returns the version of the schema: the greatest number among the migrations that were applied.
func (db *DB) Schema(ctx context.Context) (version int64, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		version, err = One(ctx, tx, ScanInt, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied")
		return err
	})
	return version, err
}

// Damage reads a SQLite file to its end and returns what is wrong with its structure, at most limit findings. A sound
// one gives none, and so does PostgreSQL, which has tools of its own for that.
func (db *DB) Damage(ctx context.Context, limit int) (findings []string, err error) {
	if db.Engine() != SQLite {
		return nil, nil
	}
	err = db.Read(ctx, func(tx *Tx) error {
		findings, err = All(ctx, tx, ScanText, fmt.Sprintf("pragma integrity_check(%d)", limit))
		return err
	})
	if err == nil && len(findings) == 1 && findings[0] == "ok" {
		findings = nil
	}
	return findings, err
}

// Rule is something that holds of the rows of a database and that its schema does not enforce.
type Rule struct {
	// Broken says in words what a row is that breaks the rule, such as "document of no datasource".
	Broken string
	// Query returns a text that names each such row, in an order.
	Query string
}

// Strays returns how many rows break the rule, and names the first few of them.
func (r Rule) Strays(ctx context.Context, tx *Tx, few int) (n int64, names []string, err error) {
	if n, err = One(ctx, tx, ScanInt, "SELECT COUNT(*) FROM ("+r.Query+") AS strays"); err != nil || n == 0 {
		return n, nil, err
	}
	names, err = All(ctx, tx, ScanText, r.Query+fmt.Sprintf(" LIMIT %d", few))
	return n, names, err
}
