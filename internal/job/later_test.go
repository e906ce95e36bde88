package job

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestLater says that a job put off is left alone until its time, and is done then.
func TestLater(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		var id string
		err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
			id, err = EnqueueAt(t.Context(), tx, "later", "", time.Now().Add(time.Hour))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r := NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{
			"later": func(context.Context, Job, func(int64, int64)) (string, error) { return "done", nil },
		})
		if j, err := r.claim(t.Context()); fault.KindOf(err) != fault.NotFound {
			t.Fatalf("claim() an hour early = %+v, %v, want nothing", j, err)
		}
		err = db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE jobs SET not_before = $1", time.Now().Add(-time.Second).UnixMicro())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer run(t, r)()
		await(t, db, id, Done)
	})
}

// TestOrphan says that what a killed process was at is taken up at once by one that is alone.
func TestOrphan(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		id := enqueue(t, db, "work", "")
		works := map[Kind]Work{"work": func(context.Context, Job, func(int64, int64)) (string, error) { return "done", nil }}
		if j, err := NewRunner(db, slog.New(slog.DiscardHandler), works).claim(t.Context()); err != nil || j.ID != id { // and dies
			t.Fatalf("claim() = %+v, %v", j, err)
		}
		next := NewRunner(db, slog.New(slog.DiscardHandler), works)
		if j, err := next.claim(t.Context()); fault.KindOf(err) != fault.NotFound {
			t.Fatalf("claim() of a job under way = %+v, %v, want nothing", j, err)
		}
		if err := Orphan(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if j, err := next.claim(t.Context()); err != nil || j.ID != id {
			t.Errorf("claim() of an orphan = %+v, %v, want it", j, err)
		}
	})
}

// TestForgotten holds that what ended a month ago is forgotten, and nothing else.
func TestForgotten(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		old, fresh, long, waiting := enqueue(t, db, "a", ""), enqueue(t, db, "a", ""), enqueue(t, db, "a", ""), enqueue(t, db, "b", "")
		month := time.Now().Add(-keepDone - time.Hour).UnixMicro()
		err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
			for id, set := range map[string]string{
				old: "state = 'done', created = $2, changed = $2", fresh: "state = 'failed', changed = $2 + 7200000000", long: "state = 'done', created = $2",
				waiting: "created = $2, changed = $2",
			} {
				if _, err := tx.Exec(t.Context(), "UPDATE jobs SET "+set+" WHERE id = $1", id, month); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if j, err := NewRunner(db, nil, map[Kind]Work{"b": nil}).claim(t.Context()); err != nil || j.ID != waiting {
			t.Fatalf("claim = %v, %v, want %s", j.ID, err, waiting)
		}
		for id, gone := range map[string]bool{old: true, fresh: false, long: false, waiting: false} {
			if _, err := Get(t.Context(), db, id); err != nil != gone {
				t.Errorf("Get(%s) = %v, want it gone: %v", id, err, gone)
			}
		}
	})
}

// TestInOrder holds that the runners of two nodes do not pass each other, also where one of them was killed.
func TestInOrder(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		first, second, other := enqueue(t, db, "a", ""), enqueue(t, db, "b", ""), enqueue(t, db, "c", "")
		lane := map[Kind]Work{"a": nil, "b": nil}
		claim := func(works map[Kind]Work, want string) {
			t.Helper()
			j, err := NewRunner(db, nil, works).claim(t.Context())
			if want == "" && fault.KindOf(err) != fault.NotFound || j.ID != want {
				t.Errorf("claim = %q, %v, want %q", j.ID, err, want)
			}
		}
		claim(lane, first)
		claim(lane, "")
		claim(map[Kind]Work{"c": nil}, other)
		if err := Orphan(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		claim(lane, first)
		if err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE jobs SET state = 'done' WHERE id = $1", first)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		claim(lane, second)
	})
}
