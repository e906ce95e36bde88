package authority

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Require refuses c with message, as a fault.Forbidden, unless c is a signed-in person who has at least that role by what tx sees,
// or the host. It is for services that keep rules of their own beside this package.
func Require(ctx context.Context, tx *sqldb.Tx, c grant.Caller, role grant.Role, message string) error {
	by, err := actorOf(ctx, tx, c)
	if err != nil {
		return err
	}
	if by.role < role {
		return forbidden(message)
	}
	return nil
}
