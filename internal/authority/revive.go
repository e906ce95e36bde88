package authority

import (
	"context"
	"fmt"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Revived is what a restored database brought back to life, and what was done about it.
type Revived struct {
	Sessions, Links int64 // ended: signing in again proves that the person still may
	// Tokens, Indexing and SCIM are those that work by what the backup says, or will once their person is active. Some may have
	// been revoked after the backup was taken.
	Tokens   []Token
	Indexing []IndexingToken
	SCIM     []SCIMToken
	// Revoked says that all of them were revoked.
	Revoked bool
}

// Revive makes a database safe that was put back to an earlier state: every session and sign-in link ends, and every
// token that works is named, and revoked if asked. It is for the host, before the database is served; from says in
// words which backup it was, for the audit log.
func (a *Authority) Revive(ctx context.Context, c grant.Caller, revoke bool, from string) (Revived, error) {
	if !c.Is(grant.Maintenance) {
		return Revived{}, forbidden("Only the host restores a backup.")
	}
	var tokens []tokenRow
	var indexing []indexingTokenRow
	var scim []scimRow
	done := Revived{Revoked: revoke}
	err := a.change(ctx, func(tx *sqldb.Tx) (err error) {
		now := a.now()
		if done.Sessions, err = tx.Exec(ctx, "UPDATE sessions SET ended_at = $1 WHERE ended_at = 0", now); err != nil {
			return err
		}
		if done.Links, err = tx.Exec(ctx, "UPDATE signin_links SET ended_at = $1 WHERE ended_at = 0", now); err != nil {
			return err
		}
		tokens, err = sqldb.All(ctx, tx, scanToken, "SELECT "+tokenColumns+` FROM client_tokens
			WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > $1) ORDER BY created_at DESC, id DESC`, now)
		if err != nil {
			return err
		}
		indexing, err = sqldb.All(ctx, tx, scanIndexing, "SELECT "+indexingColumns+` FROM indexing_tokens
			WHERE revoked_at = 0 AND expires_at > $1 ORDER BY created_at DESC, id DESC`, now)
		if err != nil {
			return err
		}
		scim, err = sqldb.All(ctx, tx, scanSCIM, "SELECT "+scimColumns+` FROM scim_tokens
			WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > $1) ORDER BY created_at DESC, id DESC`, now)
		if err != nil {
			return err
		}
		if revoke {
			if err = a.revokeAll(ctx, tx, c, tokens, indexing, scim); err != nil {
				return err
			}
		}
		entry := audit.By(c)
		entry.Action = "database.restore"
		entry.Detail = fmt.Sprintf("%s; sessions ended: %d, sign-in links ended: %d, tokens alive: %d, indexing tokens alive: %d, SCIM tokens alive: %d, revoked: %t",
			from, done.Sessions, done.Links, len(tokens), len(indexing), len(scim), revoke)
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	if err != nil {
		return Revived{}, err
	}
	if done.Tokens, err = a.present(ctx, tokens); err != nil {
		return Revived{}, err
	}
	if done.Indexing, err = a.presentIndexing(ctx, indexing); err != nil {
		return Revived{}, err
	}
	done.SCIM, err = a.presentSCIM(ctx, scim)
	return done, err
}

// revokeAll ends tokens, each with an entry of its own in the audit log.
func (a *Authority) revokeAll(ctx context.Context, tx *sqldb.Tx, c grant.Caller, tokens []tokenRow, indexing []indexingTokenRow, scim []scimRow) error {
	revoke := func(table, action, id, description, mask string) error {
		_, err := tx.Exec(ctx, "UPDATE "+table+" SET revoked_at = $1, revoked_by = $2 WHERE id = $3", a.now(), audit.Host, id)
		if err != nil {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = action, id, description, mask
		return a.cfg.Audit.Append(ctx, tx, entry)
	}
	for i := range tokens {
		t := &tokens[i]
		if err := revoke("client_tokens", "token.revoke", t.id, t.description, t.mask); err != nil {
			return err
		}
	}
	for i := range indexing {
		t := &indexing[i]
		if err := revoke("indexing_tokens", "indexing-token.revoke", t.id, t.description, t.mask); err != nil {
			return err
		}
	}
	for i := range scim {
		t := &scim[i]
		if err := revoke("scim_tokens", "scim-token.revoke", t.id, t.description, t.mask); err != nil {
			return err
		}
	}
	return nil
}
