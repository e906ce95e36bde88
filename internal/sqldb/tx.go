package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Tx is one transaction. It is used by one goroutine, and only until the function that was given it
// returns. The context of each call ends that call's waiting, not the transaction.
type Tx struct {
	c *conn
	// ctx replaces the callers' contexts inside a write. An interrupted statement would take the
	// transaction, and with it the writes of others, so a caller who leaves is noticed between
	// statements only. Nil in a read.
	ctx    context.Context
	rows   *sql.Rows // of an Each that is under way
	ended  bool
	failed error
	raised map[string]int64
	hooks  []func()
}

// Scanner is one row of a result.
type Scanner interface{ Scan(dest ...any) error }

var (
	errEnded = errors.New("sqldb: a transaction was used after its function had returned")
	errOpen  = errors.New("sqldb: a statement inside Each: one transaction runs one statement at a time")
)

// ready says whether another statement may run, and with which context.
func (tx *Tx) ready(ctx context.Context) (context.Context, error) {
	switch {
	case tx.ended:
		return nil, errEnded
	case tx.failed != nil:
		return nil, tx.failed
	case tx.rows != nil:
		return nil, errOpen
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if tx.ctx != nil {
		return tx.ctx, nil
	}
	return ctx, nil
}

// fail maps the error of a statement and keeps it: a failed statement ends the transaction, on
// PostgreSQL by its nature and on SQLite because code must not come to rely on the difference.
func (tx *Tx) fail(ctx context.Context, err error) error {
	if tx.ctx == nil && readOnly(err) {
		err = fmt.Errorf("sqldb: a write inside Read: %w", err) // a mistake of ours, not a database that is away
	} else {
		err = mapError(ctx, err)
	}
	tx.failed = err
	return err
}

// end makes the transaction unusable.
func (tx *Tx) end() {
	if tx.rows != nil {
		_ = tx.rows.Close()
		tx.rows = nil
	}
	tx.ended = true
}

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	run, err := tx.ready(ctx)
	if err != nil {
		return 0, err
	}
	args, err = arguments(args)
	if err != nil {
		return 0, err
	}
	res, err := tx.c.exec(run, query, args)
	if err != nil {
		return 0, tx.fail(ctx, err)
	}
	affected, err = res.RowsAffected()
	if err != nil {
		return 0, tx.fail(ctx, err)
	}
	tx.c.changed += affected
	return affected, nil
}

// query starts a statement that returns rows; the caller ends it with done.
func (tx *Tx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	run, err := tx.ready(ctx)
	if err != nil {
		return nil, err
	}
	args, err = arguments(args)
	if err != nil {
		return nil, err
	}
	rows, err := tx.c.query(run, query, args)
	if err != nil {
		return nil, tx.fail(ctx, err)
	}
	tx.rows = rows
	return rows, nil
}

// done closes rows and returns the error that the statement met, if any.
func (tx *Tx) done(ctx context.Context, rows *sql.Rows) error {
	tx.rows = nil
	err := rows.Close()
	if e := rows.Err(); e != nil {
		err = e
	}
	if err != nil {
		return tx.fail(ctx, err)
	}
	return nil
}

// One returns the first row of a query as scan reads it. No row is a fault.NotFound, which leaves
// the transaction usable; a duplicate key is a fault.Conflict, here and in every other statement.
func One[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := tx.query(ctx, query, args)
	if err != nil {
		return zero, err
	}
	found := rows.Next()
	var v T
	var bad error
	if found {
		v, bad = scan(rows)
		rows.Next() // to the end of the statement, where engines report what they put off
	}
	if err := tx.done(ctx, rows); err != nil {
		return zero, err
	}
	switch {
	case !found:
		return zero, fault.New(fault.NotFound, "There is no such thing.")
	case bad != nil:
		return zero, bad
	}
	return v, nil
}

// All returns every row of a query as scan reads it, never nil. The caller sees to it that there are not too
// many: with LIMIT, or with Each.
func All[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	list := []T{}
	for v, err := range Each(ctx, tx, scan, query, args...) {
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// Each yields the rows of a query one by one. An error ends it. Inside the loop the transaction
// runs no other statement.
func Each[T any](ctx context.Context, tx *Tx, scan func(Scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := tx.query(ctx, query, args)
		if err != nil {
			yield(zero, err)
			return
		}
		open := true
		defer func() {
			if open {
				_ = tx.done(ctx, rows)
			}
		}()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				yield(zero, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		open = false
		if err := tx.done(ctx, rows); err != nil {
			yield(zero, err)
		}
	}
}

// ScanInt reads a row of one BIGINT.
func ScanInt(s Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// ScanText reads a row of one TEXT.
func ScanText(s Scanner) (text string, err error) {
	err = s.Scan(&text)
	return text, err
}

// OnCommit has fn run in this process after the commit and before Write returns, in the order of
// the commits. fn is short and calls neither Read nor Write. In a Read it does nothing.
func (tx *Tx) OnCommit(fn func()) {
	if tx.ctx != nil {
		tx.hooks = append(tx.hooks, fn)
	}
}

// Next takes n numbers from a counter and returns the first: 1 for a new counter. The numbers
// become visible in their order, for the writes that take them commit in that order: whoever sees N
// committed has N-1 committed too. Taken numbers of a write that fails are given out again.
func (tx *Tx) Next(ctx context.Context, counter string, n int64) (first int64, err error) {
	if n < 1 {
		return 0, errors.New("sqldb: Next takes at least one number")
	}
	last, err := One(ctx, tx, ScanInt, `
		INSERT INTO counters (name, n) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n RETURNING n`, counter, n)
	return last - n + 1, err
}

// Raise raises a named version by one in this transaction, however often it is called there, and returns it.
func (tx *Tx) Raise(ctx context.Context, name string) (int64, error) {
	if n, already := tx.raised[name]; already {
		_, err := tx.ready(ctx)
		return n, err // nobody sees a step between; and PostgreSQL would keep each until the commit
	}
	n, err := One(ctx, tx, ScanInt, `
		INSERT INTO versions (name, n) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET n = versions.n + 1 RETURNING n`, name)
	if err != nil {
		return 0, err
	}
	if tx.raised == nil {
		tx.raised = map[string]int64{}
	}
	tx.raised[name] = n
	return n, nil
}

// In returns the list of n parameters that starts with number first: In(3, 2) is "($3, $4)".
// Callers keep n under a thousand. For n = 0 it is "(NULL)", which no value is in.
func In(first, n int) string {
	if n <= 0 {
		return "(NULL)"
	}
	var b strings.Builder
	b.Grow(2 + 6*n)
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	b.WriteByte(')')
	return b.String()
}

// Args returns the parameters of a statement that has a list (In) behind others: those before it, then the list.
func Args[T any](list []T, before ...any) []any {
	args := make([]any, 0, len(before)+len(list))
	args = append(args, before...)
	for _, v := range list {
		args = append(args, v)
	}
	return args
}
