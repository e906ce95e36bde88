package sqldbtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// snapshots: a read sees one state from its first statement to its end, and everything that was
// committed before it began.
func snapshots(t *testing.T, fresh func(testing.TB) string) {
	a, b := pair(t, fresh)
	for i, writer := range []*sqldb.DB{a, b} {
		read(t, a, func(ctx context.Context, tx *sqldb.Tx) error {
			before, err := count(ctx, tx)
			if err != nil {
				return err
			}
			if err := writer.Write(ctx, sqldb.Bulk, put(ctx, fmt.Sprint(i))); err != nil {
				return err
			}
			after, err := count(ctx, tx)
			if before != int64(i) || after != before {
				t.Errorf("count = %d, then %d, want %d twice", before, after, i)
			}
			return err
		})
		if got := len(keys(t, a)); got != i+1 {
			t.Errorf("a read after the write sees %d items, want %d", got, i+1)
		}
	}
}

func readOnly(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	err := db.Read(t.Context(), put(t.Context(), "a"))
	wantKind(t, "a write inside Read", err, fault.Internal)
	if got := keys(t, db); len(got) != 0 {
		t.Errorf("items = %q, want none", got)
	}
}

// longRead: a caller who leaves ends a statement that would run for hours, and the connection
// serves the next one.
func longRead(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		_, err := sqldb.One(ctx, tx, sqldb.ScanInt, `
			WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000000000) SELECT count(*) FROM c`)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read() = %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("the read ended after %v, want about 50ms", took)
	}
	for range 20 {
		keys(t, db)
	}
}

// manyReaders: more reads than connections take turns, and none is refused.
func manyReaders(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 5 {
				err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
					_, err := count(t.Context(), tx)
					return err
				})
				if err != nil {
					t.Errorf("Read() = %v", err)
				}
			}
		})
	}
	all.Wait()
	if func() (p any) {
		defer func() { p = recover() }()
		_ = db.Read(t.Context(), func(*sqldb.Tx) error { panic("ours") })
		return nil
	}() == nil {
		t.Error("a panic inside Read did not reach the caller")
	}
	keys(t, db)
}

// each: a loop may stop early, sees the transaction's own writes, and runs no second statement.
func each(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	var late *sqldb.Tx
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		late = tx
		for i := range 5 {
			if err := put(ctx, fmt.Sprint(i))(tx); err != nil {
				return err
			}
		}
		const list = "SELECT k FROM items WHERE k >= $1 ORDER BY k"
		var got []string
		for k, err := range sqldb.Each(ctx, tx, sqldb.ScanText, list, "1") {
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DELETE FROM items"); err == nil {
				t.Error("a statement ran inside Each")
			}
			if got = append(got, k); len(got) == 2 {
				break
			}
		}
		if len(got) != 2 || got[0] != "1" || got[1] != "2" {
			t.Errorf("Each yielded %q, want 1 and 2", got)
		}
		mine := errors.New("scan failed")
		for _, err := range sqldb.Each(ctx, tx, func(sqldb.Scanner) (int, error) { return 0, mine }, list, "") {
			if !errors.Is(err, mine) {
				t.Errorf("Each yielded %v, want %v", err, mine)
			}
		}
		_, err := tx.Exec(ctx, "DELETE FROM items WHERE k = $1", "4")
		return err
	})
	if got := keys(t, db); len(got) != 4 {
		t.Errorf("items = %q, want 0 to 3", got)
	}
	if _, err := late.Exec(t.Context(), "DELETE FROM items"); err == nil {
		t.Error("a transaction could be used after its end")
	}
}
