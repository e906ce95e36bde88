package sso

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// spend marks a state as used, and refuses one that was: an answer of a provider signs in once, whatever the provider
// thinks of its codes.
func (s *Service) spend(ctx context.Context, state string) error {
	now := s.cfg.Now()
	return s.cfg.DB.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM sso_spent WHERE until < $1", now.UnixMicro()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "INSERT INTO sso_spent (state, until) VALUES ($1, $2) ON CONFLICT DO NOTHING",
			state, now.Add(2*flowLife).UnixMicro())
		if err == nil && n == 0 {
			err = refuse(notBegun(), "the answer was used before")
		}
		return err
	})
}

// linkOf returns whose account it is; fault.NotFound where it never signed in.
func linkOf(ctx context.Context, tx *sqldb.Tx, p Provider, id string) (person string, err error) {
	return sqldb.One(ctx, tx, sqldb.ScanText, "SELECT person FROM sso_accounts WHERE issuer = $1 AND client = $2 AND account = $3", p.Issuer, p.ClientID, id)
}

// accountOf returns the account of p that a person signs in with, "" for none.
func accountOf(ctx context.Context, tx *sqldb.Tx, p Provider, person string) (string, error) {
	id, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT account FROM sso_accounts WHERE issuer = $1 AND client = $2 AND person = $3", p.Issuer, p.ClientID, person)
	if fault.KindOf(err) == fault.NotFound {
		return "", nil
	}
	return id, err
}

// keepLink writes down that an account signed in as a person.
func keepLink(ctx context.Context, tx *sqldb.Tx, p Provider, id, person string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO sso_accounts (issuer, client, account, person, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (issuer, client, account) DO UPDATE SET person = excluded.person, last_at = excluded.last_at`,
		p.Issuer, p.ClientID, id, person, now.UnixMicro())
	return err
}

// Rules lists what holds of the rows of sign-in.
func Rules() []sqldb.Rule {
	return []sqldb.Rule{{
		Broken: "provider's account of nobody",
		Query:  "SELECT a.account FROM sso_accounts a LEFT JOIN people p ON p.id = a.person WHERE p.id IS NULL ORDER BY a.account",
	}}
}
