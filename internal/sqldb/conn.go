package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// conn is one connection, used by one goroutine at a time.
type conn struct {
	sql *sql.Conn
	// stmts keeps prepared statements by their text. Nil where the driver keeps its own.
	stmts map[string]*sql.Stmt
	// changed counts the rows that its statements changed.
	changed int64
}

// keptStatements and keptLength bound the prepared statements of one connection. Statements of
// varying length, as In makes them, are long or many; the rest of the program has a few hundred.
const (
	keptStatements = 512
	keptLength     = 2048
)

func (c *conn) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	s, err := c.prepared(ctx, query) //nolint:sqlclosecheck // kept; forget closes it
	if err != nil {
		return nil, err
	}
	if s != nil {
		return s.ExecContext(ctx, args...)
	}
	return c.sql.ExecContext(ctx, query, args...)
}

func (c *conn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, query) //nolint:sqlclosecheck // kept; forget closes it
	if err != nil {
		return nil, err
	}
	if s != nil {
		return s.QueryContext(ctx, args...)
	}
	return c.sql.QueryContext(ctx, query, args...)
}

// prepared returns the kept statement of query, or nil where it should be sent as text.
func (c *conn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if c.stmts == nil || len(query) > keptLength {
		return nil, nil
	}
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) >= keptStatements {
		for text, old := range c.stmts {
			_ = old.Close()
			delete(c.stmts, text)
		}
	}
	c.stmts[query] = s
	return s, nil
}

// close gives the connection back to its pool.
func (c *conn) close() error { return errors.Join(c.forget(), c.sql.Close()) }

// forget closes the prepared statements.
func (c *conn) forget() (err error) {
	for _, s := range c.stmts {
		err = errors.Join(err, s.Close())
	}
	clear(c.stmts)
	return err
}

// discard makes the pool close the connection instead of keeping it. The statements go first: SQLite's
// driver frees them with the connection, and crashes on one that is closed later.
func discard(c *conn) {
	_ = c.forget() // a broken connection may refuse
	_ = c.sql.Raw(func(any) error { return driver.ErrBadConn })
}
