package sqldbtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// slowAndFastWriter: on two nodes one takes numbers and dawdles, the other takes numbers and is
// done. A reader who follows must never find a number while a lower one is still to come.
func slowAndFastWriter(t *testing.T, fresh func(testing.TB) string) {
	slow, fast := pair(t, fresh)
	const rounds = 40
	take := func(db *sqldb.DB, name string, pause time.Duration) error {
		for i := range rounds {
			err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
				n, err := tx.Next(t.Context(), "queue", 2)
				if err != nil {
					return err
				}
				time.Sleep(pause)
				for j := range int64(2) {
					if _, err := tx.Exec(t.Context(), "INSERT INTO items (k, n) VALUES ($1, $2)",
						fmt.Sprintf("%s-%d-%d", name, i, j), n+j); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error, 2)
	go func() { done <- take(slow, "slow", 10*time.Millisecond) }()
	go func() { done <- take(fast, "fast", 0) }()
	at, running := int64(0), 2
	for at < 4*rounds {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("Write() = %v", err)
			}
			running--
		default:
		}
		var got []int64
		read(t, fast, func(ctx context.Context, tx *sqldb.Tx) (err error) {
			got, err = sqldb.All(ctx, tx, sqldb.ScanInt, "SELECT n FROM items WHERE n > $1 ORDER BY n LIMIT 7", at)
			return err
		})
		for _, n := range got {
			if n != at+1 {
				t.Fatalf("a reader at %d found %d next", at, n)
			}
			at = n
		}
		if running == 0 && len(got) == 0 && at < 4*rounds {
			t.Fatalf("the last number is %d, want %d", at, 4*rounds)
		}
	}
}

// counterOfFailedWrite: counters have no gaps.
func counterOfFailedWrite(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	var got []int64
	for i := range 4 {
		mine := errors.New("failed")
		if i != 1 {
			mine = nil
		}
		err := db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
			n, err := tx.Next(t.Context(), "ids", 10)
			if err != nil {
				return err
			}
			got = append(got, n)
			return mine
		})
		if !errors.Is(err, mine) {
			t.Fatalf("Write() = %v, want %v", err, mine)
		}
	}
	if diff := cmp.Diff([]int64{1, 11, 11, 21}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	err := db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Next(t.Context(), "ids", 0)
		return err
	})
	if err == nil {
		t.Error("Next(0) = nil, want an error")
	}
}

// lostUpdates: what a write has read still holds when it commits, also against other nodes.
func lostUpdates(t *testing.T, fresh func(testing.TB) string) {
	a, b := pair(t, fresh)
	write(t, a, func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, "sum")(tx) })
	const writers, rounds = 6, 15
	var all sync.WaitGroup
	for i := range writers {
		db := []*sqldb.DB{a, b}[i%2]
		all.Go(func() {
			for range rounds {
				err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
					n, err := sqldb.One(t.Context(), tx, sqldb.ScanInt, "SELECT n FROM items WHERE k = $1", "sum")
					if err != nil {
						return err
					}
					_, err = tx.Exec(t.Context(), "UPDATE items SET n = $1 WHERE k = $2", n+1, "sum")
					return err
				})
				if err != nil {
					t.Errorf("Write() = %v", err)
				}
			}
		})
	}
	all.Wait()
	read(t, a, func(ctx context.Context, tx *sqldb.Tx) error {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT n FROM items WHERE k = $1", "sum")
		if n != writers*rounds {
			t.Errorf("sum = %d, want %d", n, writers*rounds)
		}
		return err
	})
}

// versionsAcross: a raised version is in memory when Write returns, and on other nodes soon.
func versionsAcross(t *testing.T, fresh func(testing.TB) string) {
	a, b := pair(t, fresh)
	if n, at := a.Version("authority"); n != 0 || time.Since(at) > patience {
		t.Errorf("Version() = %d, %v, want 0 and a recent time", n, at)
	}
	best := patience
	for want := int64(1); want <= 3; want++ {
		write(t, a, func(ctx context.Context, tx *sqldb.Tx) error {
			n, err := tx.Raise(ctx, "authority")
			if n != want {
				t.Errorf("Raise() = %d, want %d", n, want)
			}
			if again, err := tx.Raise(ctx, "authority"); again != want || err != nil {
				t.Errorf("Raise() for the second time = %d, %v, want %d again", again, err, want)
			}
			if before, _ := a.Version("authority"); before != want-1 {
				t.Errorf("before the commit Version() = %d, want %d", before, want-1)
			}
			return err
		})
		committed := time.Now()
		if n, _ := a.Version("authority"); n != want {
			t.Errorf("after Write Version() = %d, want %d", n, want)
		}
		if want == 2 {
			if n, err := b.ReadVersion(t.Context(), "authority"); err != nil || n != want {
				t.Errorf("ReadVersion() = %d, %v, want %d", n, err, want)
			}
		}
		eventually(t, "the other node sees the version", func() bool {
			n, at := b.Version("authority")
			if at.After(committed) && n != want {
				t.Fatalf("Version() = %d, read after the commit of %d", n, want)
			}
			return n == want
		})
		best = min(best, time.Since(committed))
	}
	if best > 500*time.Millisecond {
		t.Errorf("the other node saw a version after %v at best, want under 500ms", best)
	}
	_, first := b.Version("authority")
	eventually(t, "versions are read again and again", func() bool {
		n, at := b.Version("authority")
		return n == 3 && at.After(first.Add(time.Millisecond))
	})
}

func versionOfFailedWrite(t *testing.T, fresh func(testing.TB) string) {
	db := opened(t, fresh)
	err := db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Raise(t.Context(), "authority")
		return errors.Join(err, errors.New("failed"))
	})
	if err == nil {
		t.Error("Write() = nil, want an error")
	}
	if n, _ := db.Version("authority"); n != 0 {
		t.Errorf("Version() = %d, want 0", n)
	}
	if n, err := db.ReadVersion(t.Context(), "authority"); n != 0 || err != nil {
		t.Errorf("ReadVersion() = %d, %v, want 0", n, err)
	}
}
