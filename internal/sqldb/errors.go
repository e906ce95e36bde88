package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sheafsearch/sheaf/internal/fault"
	sqlite "modernc.org/sqlite/lib"
)

// mapError turns what a driver returned into what callers meet. The driver's words stay in the
// cause, for the log.
func mapError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Fault](err); ok {
		return err
	}
	// A statement that was interrupted because its caller left is reported as the caller's end.
	if e := ctx.Err(); e != nil {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	switch kind := classify(err); kind {
	case fault.Conflict:
		return fault.New(kind, "It exists already.").Wrap(err)
	case fault.NotFound:
		return fault.New(kind, "There is no such thing.").Wrap(err)
	case fault.Invalid:
		return fault.New(kind, "Text must be valid UTF-8 without NUL characters.").Wrap(err)
	case fault.TooLarge:
		return fault.New(kind, "A value is too large to be stored.").Wrap(err)
	case fault.Unavailable:
		return away(err)
	}
	return err
}

// away says that the database cannot serve now.
func away(err error) *fault.Fault {
	return fault.New(fault.Unavailable, "The database is not available. Try again shortly.").Wrap(err)
}

// coded is an error of the SQLite driver.
type coded interface {
	error
	Code() int
}

// classify names the kind of a driver's error; Internal where the statement itself is wrong.
func classify(err error) fault.Kind {
	if e, ok := errors.AsType[coded](err); ok {
		return classifySQLite(e.Code())
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(e.Code)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.NotFound
	case lost(err), errors.Is(err, sql.ErrConnDone), errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable
	}
	return fault.Internal
}

func classifySQLite(code int) fault.Kind {
	switch code {
	case sqlite.SQLITE_CONSTRAINT_UNIQUE, sqlite.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite.SQLITE_CONSTRAINT_ROWID:
		return fault.Conflict
	}
	switch code & 0xff { // the primary code of an extended one
	case sqlite.SQLITE_BUSY, sqlite.SQLITE_LOCKED, sqlite.SQLITE_IOERR, sqlite.SQLITE_FULL,
		sqlite.SQLITE_CANTOPEN, sqlite.SQLITE_READONLY, sqlite.SQLITE_PROTOCOL, sqlite.SQLITE_NOMEM:
		return fault.Unavailable
	case sqlite.SQLITE_TOOBIG:
		return fault.TooLarge
	}
	return fault.Internal
}

// classifyPostgres knows the SQLSTATE codes of PostgreSQL's appendix A.
func classifyPostgres(code string) fault.Kind {
	switch code {
	case "23505": // unique_violation
		return fault.Conflict
	case "22021", "22P05": // character_not_in_repertoire, untranslatable_character
		return fault.Invalid
	case "54000": // program_limit_exceeded: an index entry over a third of a page, among others
		return fault.TooLarge
	case "55P03", // lock_not_available: the writers of other nodes hold the lock for too long
		"57014", // query_canceled: statement_timeout
		"25006", // read_only_sql_transaction: the primary became a standby
		"25P03": // idle_in_transaction_session_timeout
		return fault.Unavailable
	}
	switch code[:min(2, len(code))] {
	case "08", // connection exception
		"40", // transaction rollback: serialization failure, deadlock
		"53", // insufficient resources
		"57", // operator intervention: shutdown, not ready yet
		"58", // system error
		"28", // invalid authorization
		"3D": // invalid catalog name
		return fault.Unavailable
	}
	return fault.Internal
}

// readOnly says that a statement wanted to write where that is not allowed.
func readOnly(err error) bool {
	if e, ok := errors.AsType[coded](err); ok {
		return e.Code()&0xff == sqlite.SQLITE_READONLY
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "25006"
}

// lost says that the connection is gone, so that nothing can be done on it any more.
func lost(err error) bool {
	if err == nil {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Severity == "FATAL" || e.Severity == "PANIC"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed)
}

// outcome says what the error of a transaction means for what was done in it.
type outcome uint8

const (
	undone    outcome = iota // nothing of it was kept, and trying again would meet the same
	again                    // nothing of it was kept, and trying again may work
	unknown                  // it may have been kept
	untrusted                // the disk lied: nothing more may be written
)
