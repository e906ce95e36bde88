// Package job runs durable background work: what was enqueued runs to its end, through restarts and on whichever node is
// there.
//
// Its one idea is the lease: a runner claims a job for half a minute and renews that while it works, so
// that the job of a node that died is taken over by another, and no job runs twice at once.
// A job may therefore begin again from its start; its work must bear that. Rooms, the admin API and the
// command line enqueue; a process has a Runner for each lane of kinds that must not wait for each other.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// version is raised when a job is enqueued, which wakes the runners of all nodes.
const version = "job"

const (
	lease    = 30 * time.Second
	renew    = lease / 3
	wake     = 250 * time.Millisecond
	longest  = time.Minute // between two tries of a job that needs something that is away
	keepDone = 30 * 24 * time.Hour

	forgetStep = 200 // of those that ended, at a time
)

// Kind names what a job does, such as "reindex".
type Kind string

// State is how far a job is.
type State string

// The states.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Job is one piece of work.
type Job struct {
	ID      string
	Kind    Kind
	Args    string // as the kind understands it
	State   State
	Done    int64 // of Total, in a unit of the kind's choice; Total is 0 while unknown
	Total   int64
	Message string // what came of it, or why it failed, in words for an administrator
	Created time.Time
	Changed time.Time
}

// Ended reports whether the job will not run again.
func (j Job) Ended() bool { return j.State == Done || j.State == Failed }

// Work does what a job asks. It reports how far it is as often as it likes; what it returns is kept as
// the job's message. A fault's message is shown to administrators; other errors only reach the log. Work that ends with a
// fault.Unavailable is done again a little later.
type Work func(ctx context.Context, j Job, report func(done, total int64)) (message string, err error)

// Enqueue adds a job within a transaction and returns its id.
func Enqueue(ctx context.Context, tx *sqldb.Tx, kind Kind, args string) (string, error) {
	return EnqueueAt(ctx, tx, kind, args, time.Time{})
}

// EnqueueOnce adds a job within a transaction unless one like it waits already.
func EnqueueOnce(ctx context.Context, tx *sqldb.Tx, kind Kind, args string) error {
	n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM jobs WHERE kind = $1 AND args = $2 AND state = $3", string(kind), args, string(Queued))
	if err != nil || n > 0 {
		return err
	}
	_, err = Enqueue(ctx, tx, kind, args)
	return err
}

// EnqueueAt adds a job that begins at a time to come, or within some ten seconds after it.
func EnqueueAt(ctx context.Context, tx *sqldb.Tx, kind Kind, args string, at time.Time) (string, error) {
	id, now := sqldb.NewID(), time.Now().UnixMicro()
	if _, err := tx.Exec(ctx, `INSERT INTO jobs (id, kind, args, state, done, total, message, owner, lease, created, changed, not_before)
		VALUES ($1, $2, $3, $4, 0, 0, '', '', 0, $5, $5, $6)`, id, string(kind), args, string(Queued), now, sqldb.Micros(at)); err != nil {
		return "", fmt.Errorf("enqueue %s: %w", kind, err)
	}
	_, err := tx.Raise(ctx, version)
	return id, err
}

const columns = "id, kind, args, state, done, total, message, created, changed"

func scan(row sqldb.Scanner) (j Job, err error) {
	var kind, state string
	var created, changed int64
	err = row.Scan(&j.ID, &kind, &j.Args, &state, &j.Done, &j.Total, &j.Message, &created, &changed)
	j.Kind, j.State, j.Created, j.Changed = Kind(kind), State(state), sqldb.Time(created), sqldb.Time(changed)
	return j, err
}

// Get returns the job of that id, or fault.NotFound.
func Get(ctx context.Context, db *sqldb.DB, id string) (j Job, err error) {
	err = db.Read(ctx, func(tx *sqldb.Tx) error {
		j, err = sqldb.One(ctx, tx, scan, "SELECT "+columns+" FROM jobs WHERE id = $1", id)
		return err
	})
	return j, err
}

// Runner works on jobs until its context ends.
type Runner struct {
	db    *sqldb.DB
	log   *slog.Logger
	owner string
	works map[Kind]Work
}

// NewRunner returns a runner for the given kinds of job. Others are left to other runners. Of these kinds one job is under way
// at a time on all nodes together, in the order in which they were enqueued: what two of them do to one thing does not cross.
func NewRunner(db *sqldb.DB, log *slog.Logger, works map[Kind]Work) *Runner {
	return &Runner{db: db, log: log, owner: sqldb.NewID(), works: works}
}

// Run works on one job after the other until ctx ends. A job under way then goes back into the queue.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(wake)
	defer tick.Stop()
	seen, looked := int64(-1), time.Time{}
	for ctx.Err() == nil {
		// Queued jobs announce themselves; those whose runner died or whose time has come are looked for every few seconds.
		if n, _ := r.db.Version(version); n != seen || time.Since(looked) > renew {
			j, err := r.claim(ctx)
			switch {
			case err == nil:
				r.work(ctx, j)
				continue
			case fault.KindOf(err) == fault.NotFound:
				seen, looked = n, time.Now()
			case ctx.Err() == nil:
				r.log.Warn("claim a job", "err", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Orphan frees the jobs that are marked as under way. It is for a process that knows itself alone with the database as it
// starts, so that what its predecessor was killed at goes on without waiting for the lease.
func Orphan(ctx context.Context, db *sqldb.DB) error {
	return db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE jobs SET lease = 0 WHERE state = $1", string(Running))
		return err
	})
}

// claim takes the oldest job that waits or whose lease ran out, and with it forgets some that ended long ago.
func (r *Runner) claim(ctx context.Context) (j Job, err error) {
	kinds := make([]any, 0, len(r.works)+5)
	now := time.Now()
	kinds = append(kinds, r.owner, now.Add(lease).UnixMicro(), now.UnixMicro(), string(Queued), string(Running))
	for kind := range r.works {
		kinds = append(kinds, string(kind))
	}
	err = r.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		// What ended long ago was made longer ago, and by that an index finds it: there can be a job for each submission of a month.
		_, err := tx.Exec(ctx, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ($1, $2) AND created < $3 AND changed < $3 LIMIT $4)`,
			string(Done), string(Failed), now.Add(-keepDone).UnixMicro(), forgetStep)
		if err != nil {
			return err
		}
		j, err = sqldb.One(ctx, tx, scan, `UPDATE jobs SET state = $5, owner = $1, lease = $2, changed = $3 WHERE id = (
			SELECT id FROM jobs WHERE (state = $4 AND not_before <= $3 OR state = $5 AND lease < $3) AND kind IN `+sqldb.In(6, len(r.works))+`
			AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.state = $5 AND o.lease >= $3 AND o.kind IN `+sqldb.In(6, len(r.works))+`)
			ORDER BY created, id LIMIT 1) RETURNING `+columns, kinds...)
		return err
	})
	return j, err
}

// errLost ends the work of a runner whose lease another has taken.
var errLost = errors.New("the job was taken over")

func (r *Runner) work(ctx context.Context, j Job) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done, total atomic.Int64
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick, renewed := time.NewTicker(wake), time.Now()
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				err := r.put(ctx, j.ID, Running, done.Load(), total.Load(), "")
				if err == nil {
					renewed = time.Now()
				} else if fault.KindOf(err) != fault.Unavailable || time.Since(renewed) > lease-renew {
					cancel(err)
					return
				}
			}
		}
	}()
	message, err := r.try(ctx, j, func(d, t int64) { done.Store(d); total.Store(t) })
	cause := context.Cause(ctx)
	cancel(nil)
	<-stopped
	state := Done
	switch {
	case errors.Is(cause, context.Canceled) && err != nil:
		state, message = Queued, "" // this runner stops; the next one begins again
	case cause != nil && err != nil:
		r.log.Warn("a job was left", "kind", j.Kind, "job", j.ID, "err", cause)
		return
	case err != nil:
		state, message = Failed, "Internal error; the server's log has the details."
		if f, ok := errors.AsType[*fault.Fault](err); ok {
			message = f.Message
		}
		r.log.Error("a job failed", "kind", j.Kind, "job", j.ID, "err", err)
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), renew)
	defer stop()
	if err := r.put(end, j.ID, state, done.Load(), total.Load(), message); err != nil {
		r.log.Warn("record the end of a job", "kind", j.Kind, "job", j.ID, "err", err)
	}
}

// try does the work of a job, again and again while something that it needs is away: what was enqueued is not lost by a
// database that restarts.
func (r *Runner) try(ctx context.Context, j Job, report func(done, total int64)) (message string, err error) {
	for wait := wake; ; wait = min(2*wait, longest) {
		message, err = guard(func() (string, error) { return r.works[j.Kind](ctx, j, report) })
		if fault.KindOf(err) != fault.Unavailable {
			return message, err
		}
		r.log.Warn("a job waits for what is away", "kind", j.Kind, "job", j.ID, "err", err)
		select {
		case <-ctx.Done():
			return message, err
		case <-time.After(wait):
		}
	}
}

func guard(work func() (string, error)) (message string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work()
}

// put records how far a job is, and renews its lease.
func (r *Runner) put(ctx context.Context, id string, state State, done, total int64, message string) error {
	return r.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		now := time.Now()
		n, err := tx.Exec(ctx, `UPDATE jobs SET state = $1, done = $2, total = $3, message = $4, lease = $5, changed = $6
			WHERE id = $7 AND owner = $8 AND state = $9`,
			string(state), done, total, message, now.Add(lease).UnixMicro(), now.UnixMicro(), id, r.owner, string(Running))
		if err == nil && n == 0 {
			err = errLost
		}
		return err
	})
}
