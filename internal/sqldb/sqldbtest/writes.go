package sqldbtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// groupCommit: writes that wait together are committed together.
func groupCommit(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	const n = 50
	release := occupied(t, db)
	before := db.Stats()
	var ends []<-chan error
	for i := range n {
		ends = append(ends, queue(t, t.Context(), db, sqldb.Bulk, put(t.Context(), fmt.Sprintf("%03d", i))))
	}
	release()
	for _, end := range ends {
		if err := <-end; err != nil {
			t.Errorf("Write() = %v", err)
		}
	}
	after := db.Stats()
	if got := after.Writes - before.Writes; got != n+1 {
		t.Errorf("%d writes were committed, want %d", got, n+1)
	}
	if got := after.Commits - before.Commits; got > n/2 {
		t.Errorf("%d writes took %d commits, want few", n, got)
	}
	if got := len(keys(t, db)); got != n {
		t.Errorf("%d items, want %d", got, n)
	}
}

// failingFunctions: what fails is undone alone, gets its own error, and its neighbours in the same
// transaction are kept.
func failingFunctions(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx := t.Context()
	mine := errors.New("mine")
	for _, first := range []bool{false, true} { // the first function of a transaction is a case of its own
		name := fmt.Sprintf("first=%v ", first)
		cases := []struct {
			name string
			fn   func(*sqldb.Tx) error
			want func(error) bool
		}{
			{"error", func(tx *sqldb.Tx) error { return errors.Join(put(ctx, name+"error")(tx), mine) }, func(err error) bool { return errors.Is(err, mine) }},
			{"good", put(ctx, name+"good"), func(err error) bool { return err == nil }},
			{"duplicate", func(tx *sqldb.Tx) error {
				return errors.Join(put(ctx, name+"undone")(tx), put(ctx, name+"good")(tx))
			}, func(err error) bool { return fault.KindOf(err) == fault.Conflict }},
			{"panic", func(tx *sqldb.Tx) error {
				if err := put(ctx, name+"panic")(tx); err != nil {
					return err
				}
				panic("on purpose")
			}, func(err error) bool { return err != nil && strings.Contains(err.Error(), "on purpose") }},
			{"better", put(ctx, name+"better"), func(err error) bool { return err == nil }},
		}
		release := occupied(t, db)
		var ends []<-chan error
		if !first {
			ends = append(ends, queue(t, ctx, db, sqldb.Bulk, func(*sqldb.Tx) error { return nil }))
		}
		for _, c := range cases {
			ends = append(ends, queue(t, ctx, db, sqldb.Bulk, c.fn))
		}
		release()
		for i, end := range ends[len(ends)-len(cases):] {
			if err := <-end; !cases[i].want(err) {
				t.Errorf("%s%s: Write() = %v", name, cases[i].name, err)
			}
		}
	}
	want := []string{"first=false better", "first=false good", "first=true better", "first=true good"}
	if diff := cmp.Diff(want, keys(t, db)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// failedStatement: after a statement has failed, nothing more happens in its function, and a
// function that passes over the error is not committed.
func failedStatement(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx := t.Context()
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, "a")(tx) })
	err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_ = put(ctx, "b")(tx)
		wantKind(t, "a duplicate", put(ctx, "a")(tx), fault.Conflict)
		wantKind(t, "a statement after it", put(ctx, "c")(tx), fault.Conflict)
		return nil
	})
	wantKind(t, "Write", err, fault.Conflict)
	if diff := cmp.Diff([]string{"a"}, keys(t, db)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// laneOrder: what is urgent runs first, however much else waits.
func laneOrder(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	release := occupied(t, db)
	var order []sqldb.Lane // appended to on the writer's goroutine
	var ends []<-chan error
	for i := range 30 {
		lane := sqldb.Bulk
		if i >= 20 {
			lane = sqldb.Security
		}
		ends = append(ends, queue(t, t.Context(), db, lane, func(*sqldb.Tx) error {
			order = append(order, lane)
			return nil
		}))
	}
	release()
	for _, end := range ends {
		if err := <-end; err != nil {
			t.Errorf("Write() = %v", err)
		}
	}
	if !slices.IsSorted(order) || len(order) != 30 {
		t.Errorf("the lanes ran in the order %v, want security (0) first", order)
	}
}

// securityUnderLoad: while bulk writes never end, a security write waits for the one that runs, and
// for hardly any that started later.
func securityUnderLoad(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx, cancel := context.WithCancel(t.Context())
	var bulk atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = db.Write(ctx, sqldb.Bulk, func(*sqldb.Tx) error {
					bulk.Add(1)
					time.Sleep(2 * time.Millisecond)
					return nil
				})
			}
		})
	}
	eventually(t, "the load runs", func() bool { return bulk.Load() > 10 })
	var overtaken []int64
	for i := range 25 {
		before := bulk.Load()
		err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
			overtaken = append(overtaken, bulk.Load()-before)
			return put(ctx, fmt.Sprint(i))(tx)
		})
		if err != nil {
			t.Fatalf("Write() = %v", err)
		}
	}
	cancel()
	all.Wait()
	slices.Sort(overtaken)
	if got := overtaken[len(overtaken)/2]; got > 2 {
		t.Errorf("bulk writes that ran before a waiting security write: %v, want 0 or 1 mostly", overtaken)
	}
}

// securityCommitsFirst: a security write does not wait for bulk ones that could have joined it.
func securityCommitsFirst(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	release := occupied(t, db)
	urgent := queue(t, t.Context(), db, sqldb.Security, put(t.Context(), "urgent"))
	done := make(chan struct{})
	bulk := queue(t, t.Context(), db, sqldb.Bulk, func(*sqldb.Tx) error {
		select {
		case <-done:
			return nil
		case <-time.After(patience):
			return errors.New("the security write waits for this one")
		}
	})
	release()
	if err := <-urgent; err != nil {
		t.Errorf("Write() = %v", err)
	}
	close(done)
	if err := <-bulk; err != nil {
		t.Errorf("Write() = %v", err)
	}
}

// bulkIsNotStarved: bulk writes go on, if slowly, while security writes never end.
func bulkIsNotStarved(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = db.Write(ctx, sqldb.Security, func(*sqldb.Tx) error {
					time.Sleep(time.Millisecond)
					return nil
				})
			}
		})
	}
	end := make(chan error, 1)
	go func() { end <- db.Write(ctx, sqldb.Bulk, put(ctx, "a")) }()
	select {
	case err := <-end:
		if err != nil {
			t.Errorf("Write() = %v", err)
		}
	case <-time.After(patience):
		t.Errorf("a bulk write did not run within %v", patience)
	}
	cancel()
	all.Wait()
}

// cancellation: a caller who leaves before its turn changes nothing; one who leaves in between ends
// its own function at the next statement; one who leaves later still learns what happened.
func cancellation(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ran := false
	release := occupied(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	left := queue(t, ctx, db, sqldb.Security, func(*sqldb.Tx) error {
		ran = true
		return nil
	})
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) { // while the writer is still occupied
		t.Errorf("Write() = %v, want %v", err, context.Canceled)
	}
	between, leave := context.WithCancel(t.Context())
	middle := queue(t, between, db, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := put(between, "undone")(tx); err != nil {
			return err
		}
		leave()
		return put(between, "never")(tx)
	})
	last, finish := context.WithCancel(t.Context())
	end := queue(t, last, db, sqldb.Security, func(tx *sqldb.Tx) error {
		defer finish()
		return put(last, "kept")(tx)
	})
	release()
	if err := <-middle; !errors.Is(err, context.Canceled) {
		t.Errorf("Write() = %v, want %v", err, context.Canceled)
	}
	if err := <-end; err != nil {
		t.Errorf("Write() = %v, want nil: it was committed", err)
	}
	if ran {
		t.Error("a function ran although its caller had left before")
	}
	if diff := cmp.Diff([]string{"kept"}, keys(t, db)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if err := db.Write(ctx, sqldb.Security, put(ctx, "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write() = %v, want %v", err, context.Canceled)
	}
}

// goexit: a function that ends its goroutine, as a failing test does, does not end the writer.
func goexit(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	err := db.Write(t.Context(), sqldb.Security, func(*sqldb.Tx) error {
		runtime.Goexit()
		return nil
	})
	if err == nil {
		t.Error("Write() = nil, want an error")
	}
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, "a")(tx) })
}

// onCommit: hooks run once, in order, after the commit and before Write returns, and for writes that
// were committed only.
func onCommit(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	ctx := t.Context()
	var got []string
	note := func(name string, err error) func(*sqldb.Tx) error {
		return func(tx *sqldb.Tx) error {
			tx.OnCommit(func() { got = append(got, name+" 1") })
			tx.OnCommit(func() { got = append(got, name+" 2") })
			return err
		}
	}
	for _, c := range []struct {
		name string
		err  error
	}{{"a", nil}, {"b", errors.New("failed")}, {"c", nil}} {
		if err := db.Write(ctx, sqldb.Security, note(c.name, c.err)); !errors.Is(err, c.err) {
			t.Errorf("Write(%s) = %v, want %v", c.name, err, c.err)
		}
		if n := len(got); c.err == nil && (n == 0 || got[n-1] != c.name+" 2") {
			t.Errorf("when Write(%s) returned, the hooks were %q", c.name, got)
		}
	}
	write(t, db, func(_ context.Context, tx *sqldb.Tx) error {
		tx.OnCommit(func() { panic("in a hook") })
		return nil
	})
	if diff := cmp.Diff([]string{"a 1", "a 2", "c 1", "c 2"}, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}

// closing: the write under way is finished, those that wait are refused, and so is everything after.
func closing(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	release := occupied(t, db)
	end := queue(t, t.Context(), db, sqldb.Bulk, put(t.Context(), "a"))
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	eventually(t, "closing begins", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := db.Write(ctx, sqldb.Bulk, func(*sqldb.Tx) error { return nil })
		return fault.KindOf(err) == fault.Unavailable
	})
	release()
	wantKind(t, "a write that waited", <-end, fault.Unavailable)
	if err := <-closed; err != nil {
		t.Errorf("Close() = %v", err)
	}
	wantKind(t, "Write after Close", db.Write(t.Context(), sqldb.Security, put(t.Context(), "b")), fault.Unavailable)
	wantKind(t, "Read after Close", db.Read(t.Context(), func(*sqldb.Tx) error { return nil }), fault.Unavailable)
}
