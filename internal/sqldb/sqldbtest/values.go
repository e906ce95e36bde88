package sqldbtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// errorKinds: callers meet faults, and no word of a driver in their messages.
func errorKinds(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, "a")(tx) })
	for _, c := range []struct {
		name string
		want fault.Kind
		fn   func(context.Context, *sqldb.Tx) error
	}{
		{"no row", fault.NotFound, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT n FROM items WHERE k = $1", "b")
			return err
		}},
		{"duplicate in Exec", fault.Conflict, func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, "a")(tx) }},
		{"duplicate in One", fault.Conflict, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := sqldb.One(ctx, tx, sqldb.ScanText, "INSERT INTO items (k) VALUES ($1) RETURNING k", "a")
			return err
		}},
		{"duplicate in All", fault.Conflict, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := sqldb.All(ctx, tx, sqldb.ScanText, "INSERT INTO items (k) VALUES ($1), ($2) RETURNING k", "b", "a")
			return err
		}},
		{"no such table", fault.Internal, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM nothing")
			return err
		}},
		{"a type that is no parameter", fault.Internal, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE items SET n = $1", time.Now())
			return err
		}},
	} {
		err := db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error { return c.fn(t.Context(), tx) })
		wantKind(t, c.name, err, c.want)
		if f, ok := errors.AsType[*fault.Fault](err); ok {
			for _, word := range []string{"constraint", "SQL", "items", "unique", "driver", "row"} {
				if strings.Contains(strings.ToLower(f.Message), strings.ToLower(word)) {
					t.Errorf("%s: the message %q says %q", c.name, f.Message, word)
				}
			}
		}
	}
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT n FROM items WHERE k = $1", "b")
		wantKind(t, "One", err, fault.NotFound)
		return put(ctx, "b")(tx) // finding nothing leaves the transaction in order
	})
}

// badText: what the engines would store differently is refused, and the transaction goes on.
func badText(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	type name string
	bad := "a\x00b"
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, v := range []any{bad, "\x00", "a\xff", "\xed\xa0\x80", name(bad), &bad} {
			_, err := tx.Exec(ctx, "INSERT INTO items (k) VALUES ($1)", v)
			wantKind(t, fmt.Sprintf("Exec(%q)", v), err, fault.Invalid)
			_, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT n FROM items WHERE k = $1", v)
			wantKind(t, fmt.Sprintf("One(%q)", v), err, fault.Invalid)
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			_, err := tx.Exec(ctx, "INSERT INTO items (k, part) VALUES ($1, $2)", "a", v)
			wantKind(t, fmt.Sprintf("Exec(%v)", v), err, fault.Invalid)
		}
		_, err := tx.Exec(ctx, "INSERT INTO items (k, n) VALUES ($1, $2)", "a", uint64(math.MaxUint64))
		wantKind(t, "Exec(MaxUint64)", err, fault.Invalid)
		return put(ctx, "good")(tx)
	})
	if diff := cmp.Diff([]string{"good"}, keys(t, db)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// byteOrder: text is compared and ordered byte by byte, as Go does it.
func byteOrder(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	want := []string{"", " ", "a", "A", "aa", "a b", "a-b", "a_b", "ab", "B", "b", "Z", "_", "~", "é", "e\u0301", "ß", "ss", "\ufffd", "\U0001f600", "10", "9"}
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, k := range want {
			if err := put(ctx, k)(tx); err != nil {
				return fmt.Errorf("%q: %w", k, err)
			}
		}
		return nil
	})
	slices.Sort(want)
	if diff := cmp.Diff(want, keys(t, db)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	read(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for i, k := range want {
			got, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT k FROM items WHERE k > $1 ORDER BY k", k)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want[i+1:], got); diff != "" {
				t.Errorf("greater than %q (-want +got):\n%s", k, diff)
			}
		}
		return nil
	})
}

// values: what goes in comes out, absent values as well.
func values(t *testing.T, fresh func(testing.TB) string) {
	type (
		role string
		size int32
		row  struct {
			K    role
			N    *int64
			Flag *bool
			Part *float64
			Note *string
		}
	)
	scan := func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.K, &r.N, &r.Flag, &r.Part, &r.Note)
		return r, err
	}
	db := opened(t, fresh)
	long := strings.Repeat("ä€😀", 120_000)
	want := []row{
		{K: "absent"},
		{K: "greatest", N: new(int64(math.MaxInt64)), Flag: new(true), Part: new(math.MaxFloat64), Note: &long},
		{K: "least", N: new(int64(math.MinInt64)), Flag: new(false), Part: new(-math.SmallestNonzeroFloat64), Note: new("")},
		{K: "zero", N: new(int64(0)), Flag: new(false), Part: new(0.1), Note: new("$1 '\"\\ %_\r\n\t\u2028")},
	}
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, r := range want {
			got, err := sqldb.One(ctx, tx, scan, `INSERT INTO items (k, n, flag, part, note) VALUES ($1, $2, $3, $4, $5)
				RETURNING k, n, flag, part, note`, r.K, r.N, r.Flag, r.Part, r.Note)
			if err != nil {
				return fmt.Errorf("%s: %w", r.K, err)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.K, diff)
			}
		}
		// Parameters by number, out of order and twice; types that are numbers underneath.
		n, err := tx.Exec(ctx, "UPDATE items SET n = $2, flag = (n IS NULL OR n <> $2) WHERE k = $1", role("zero"), size(7))
		if n != 1 {
			t.Errorf("Exec() changed %d rows, want 1", n)
		}
		return err
	})
	read(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		got, err := sqldb.All(ctx, tx, scan, "SELECT k, n, flag, part, note FROM items ORDER BY k")
		if err != nil {
			return err
		}
		want[3].N, want[3].Flag = new(int64(7)), new(true)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		set, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT k FROM items WHERE flag = $1 AND flag ORDER BY k", true)
		if diff := cmp.Diff([]string{"greatest", "zero"}, set); diff != "" {
			t.Errorf("where flag (-want +got):\n%s", diff)
		}
		return err
	})
}

// lists: In takes as many values as callers may give it, and none.
func lists(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	const n = 999
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for i := range n {
			if err := put(ctx, fmt.Sprint(i))(tx); err != nil {
				return err
			}
		}
		return nil
	})
	read(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, size := range []int{0, 1, 2, n - 1} {
			args := []any{"5"}
			for i := range size {
				args = append(args, fmt.Sprint(i))
			}
			got, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT count(*) FROM items WHERE k <> $1 AND k IN "+sqldb.In(2, size), args...)
			if err != nil {
				return err
			}
			want := int64(size)
			if size > 5 {
				want--
			}
			if got != want {
				t.Errorf("with In(2, %d) %d items were found, want %d", size, got, want)
			}
		}
		return nil
	})
}
