package job

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

func enqueue(t *testing.T, db *sqldb.DB, kind Kind, args string) (id string) {
	t.Helper()
	err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
		id, err = Enqueue(t.Context(), tx, kind, args)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await returns the job once it is in one of the states.
func await(t *testing.T, db *sqldb.DB, id string, states ...State) Job {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		j, err := Get(t.Context(), db, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if j.State == s {
				return j
			}
		}
	}
	t.Fatalf("job %s never came to be one of %v", id, states)
	return Job{}
}

func run(t *testing.T, r *Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestRun(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		r := NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{
			"count": func(_ context.Context, j Job, report func(int64, int64)) (string, error) {
				report(3, 4)
				return "counted " + j.Args, nil
			},
			"refuse": func(context.Context, Job, func(int64, int64)) (string, error) {
				return "", fault.New(fault.Conflict, "Not now.")
			},
			"break": func(context.Context, Job, func(int64, int64)) (string, error) { return "", errors.New("disk 7") },
			"panic": func(context.Context, Job, func(int64, int64)) (string, error) { panic("disk 8") },
		})
		defer run(t, r)()
		for _, c := range []struct {
			kind    Kind
			state   State
			message string
		}{
			{"count", Done, "counted sheep"},
			{"refuse", Failed, "Not now."},
			{"break", Failed, "Internal error; the server's log has the details."},
			{"panic", Failed, "Internal error; the server's log has the details."},
		} {
			j := await(t, db, enqueue(t, db, c.kind, "sheep"), Done, Failed)
			if j.State != c.state || j.Message != c.message {
				t.Errorf("%s ended as %s %q, want %s %q", c.kind, j.State, j.Message, c.state, c.message)
			}
			if c.kind == "count" && (j.Done != 3 || j.Total != 4) {
				t.Errorf("progress = %d of %d, want 3 of 4", j.Done, j.Total)
			}
		}
	})
}

func TestUnknownKindWaitsForItsRunner(t *testing.T) {
	db := sqldbtest.Open(t)
	ran := func(context.Context, Job, func(int64, int64)) (string, error) { return "", nil }
	stop := run(t, NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{"known": ran}))
	other, known := enqueue(t, db, "other", ""), enqueue(t, db, "known", "")
	await(t, db, known, Done)
	stop()
	if j, err := Get(t.Context(), db, other); err != nil || j.State != Queued {
		t.Errorf("a job of another kind = %v, %v, want queued", j.State, err)
	}
}

// TestTakenOver holds that the job of a runner that went away is run again, and that the first runner's late
// word no longer counts.
func TestTakenOver(t *testing.T) {
	db := sqldbtest.Open(t)
	id := enqueue(t, db, "slow", "")
	first := NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{"slow": nil})
	if j, err := first.claim(t.Context()); err != nil || j.ID != id {
		t.Fatalf("claim = %v, %v, want %s", j.ID, err, id)
	}
	if _, err := NewRunner(db, nil, map[Kind]Work{"slow": nil}).claim(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Fatalf("a second claim within the lease: %v, want not found", err)
	}
	err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE jobs SET lease = 0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int32
	defer run(t, NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{
		"slow": func(context.Context, Job, func(int64, int64)) (string, error) { runs.Add(1); return "second", nil },
	}))()
	if j := await(t, db, id, Done, Failed); j.Message != "second" || runs.Load() != 1 {
		t.Errorf("the job ended with %q after %d runs, want the second runner's word after 1", j.Message, runs.Load())
	}
	if err := first.put(t.Context(), id, Done, 0, 0, "first"); !errors.Is(err, errLost) {
		t.Errorf("the first runner's late word: %v, want %v", err, errLost)
	}
}

func TestStopReturnsTheJob(t *testing.T) {
	db := sqldbtest.Open(t)
	started := make(chan struct{})
	stop := run(t, NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{
		"long": func(ctx context.Context, _ Job, _ func(int64, int64)) (string, error) {
			close(started)
			<-ctx.Done()
			return "", ctx.Err()
		},
	}))
	id := enqueue(t, db, "long", "")
	<-started
	stop()
	if j, err := Get(t.Context(), db, id); err != nil || j.State != Queued {
		t.Errorf("after a stop the job is %v, %v, want queued", j.State, err)
	}
}

// TestAway holds that a job outlives what it needs being away for a while, and goes before those that came after it.
func TestAway(t *testing.T) {
	db := sqldbtest.Open(t)
	var tries atomic.Int32
	var early atomic.Bool
	defer run(t, NewRunner(db, slog.New(slog.DiscardHandler), map[Kind]Work{
		"need": func(context.Context, Job, func(int64, int64)) (string, error) {
			if tries.Add(1) < 3 {
				return "", fault.New(fault.Unavailable, "The database is not available.")
			}
			return "there", nil
		},
		"next": func(context.Context, Job, func(int64, int64)) (string, error) {
			early.Store(tries.Load() < 3)
			return "", nil
		},
	}))()
	id, next := enqueue(t, db, "need", ""), enqueue(t, db, "next", "")
	if j := await(t, db, id, Done, Failed); j.Message != "there" || tries.Load() != 3 {
		t.Errorf("the job ended as %s %q after %d tries, want it done at the third", j.State, j.Message, tries.Load())
	}
	if await(t, db, next, Done, Failed); early.Load() {
		t.Error("a later job was done first")
	}
}
