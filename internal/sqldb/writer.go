package sqldb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Lane says how urgent a write is.
type Lane uint8

// The lanes. Security writes go first and do not wait for bulk ones beyond the transaction under way.
const (
	Security Lane = iota // tokens, people, sessions, and whatever a person waits for
	Bulk                 // documents and other loads
)

const (
	// window is how long a transaction takes in further writes.
	window = 10 * time.Millisecond
	// hold is how long a transaction may hold the write lock, as far as that can be foreseen.
	hold = 50 * time.Millisecond
	// starving is how long security writes alone may keep bulk ones waiting.
	starving = 250 * time.Millisecond
	// tries is how often the functions of a transaction run before their error is handed out.
	tries = 3
	// queued bounds each lane; writers beyond it wait in Write.
	queued = 512
)

// job is one call of Write.
type job struct {
	ctx   context.Context
	lane  Lane
	fn    func(*Tx) error
	state atomic.Int32 // waiting, then started or abandoned
	done  chan struct{}

	// What the last run left; settled says that there will be no further one.
	tx      *Tx
	err     error
	settled bool
}

const (
	waiting int32 = iota
	started
	abandoned
)

// writer runs the writes of one process, several in one transaction.
type writer struct {
	back  backend
	log   *slog.Logger
	raise func(map[string]int64)

	lanes   [2]chan *job
	quit    chan struct{} // closed by stop
	stopped chan struct{} // closed when the last transaction has ended
	once    sync.Once
	refused atomic.Pointer[fault.Fault] // why nothing is written any more

	commits, writes atomic.Int64

	// Used by the loop's goroutine only.
	lastBulk time.Time     // when a bulk write ran last, or when none waited last
	bulkCost time.Duration // what bulk writes took lately
}

func newWriter(back backend, log *slog.Logger, raise func(map[string]int64)) *writer {
	w := &writer{
		back: back, log: log, raise: raise,
		quit: make(chan struct{}), stopped: make(chan struct{}), lastBulk: time.Now(),
	}
	for i := range w.lanes {
		w.lanes[i] = make(chan *job, queued)
	}
	go w.loop()
	return w
}

func (w *writer) stats() Stats {
	return Stats{
		Commits: w.commits.Load(), Writes: w.writes.Load(),
		Waiting: len(w.lanes[Security]) + len(w.lanes[Bulk]),
	}
}

// refusal is the fault that ends all writing, or nil.
func (w *writer) refusal() error {
	if f := w.refused.Load(); f != nil {
		return f
	}
	if w.closing() {
		return closed()
	}
	return nil
}

// closing says that the database was closed, or is about to be.
func (w *writer) closing() bool {
	select {
	case <-w.quit:
		return true
	default:
		return false
	}
}

func (w *writer) write(ctx context.Context, lane Lane, fn func(*Tx) error) error {
	if lane > Bulk {
		return fmt.Errorf("sqldb: there is no lane %d", lane)
	}
	if err := w.refusal(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, lane: lane, fn: fn, done: make(chan struct{})}
	select {
	case w.lanes[lane] <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return closed()
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
	case <-w.stopped:
		if j.state.CompareAndSwap(waiting, abandoned) {
			return closed()
		}
	}
	<-j.done
	return j.err
}

// stop ends the loop after the transaction under way. Writes that wait are refused.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.stopped
}

// loop is the writer's goroutine.
func (w *writer) loop() {
	finished := false
	defer func() {
		if !finished { // a function ended this goroutine with runtime.Goexit, as t.FailNow does
			go w.loop()
		}
	}()
	for {
		first := w.wait()
		if first == nil {
			break
		}
		w.transaction(first)
		w.back.tidy(func() bool { return len(w.lanes[Security]) > 0 })
	}
	finished = true
	close(w.stopped)
}

// wait returns the next job, a security one if there is any, or nil when the writer stops.
func (w *writer) wait() *job {
	if w.closing() {
		return nil
	}
	if len(w.lanes[Bulk]) == 0 {
		w.lastBulk = time.Now() // nobody has waited so far
	}
	if w.starved() {
		select {
		case j := <-w.lanes[Bulk]:
			return j
		default:
		}
	}
	select {
	case j := <-w.lanes[Security]:
		return j
	default:
	}
	select {
	case j := <-w.lanes[Security]:
		return j
	case j := <-w.lanes[Bulk]:
		return j
	case <-w.quit:
		return nil
	}
}

// starved says that security writes have kept bulk ones waiting for too long.
func (w *writer) starved() bool {
	return len(w.lanes[Bulk]) > 0 && time.Since(w.lastBulk) > starving
}

// more returns a further job for a transaction that began at start and holds n functions, or nil
// when it is time to commit.
func (w *writer) more(start time.Time, n int, urgent bool) *job {
	spent := time.Since(start)
	if spent >= window || n >= w.back.batch() {
		return nil
	}
	select {
	case j := <-w.lanes[Security]:
		return j
	default:
	}
	// Bulk writes would hold up the commit that a security write waits for, or take a transaction
	// that is not yet too long over its limit.
	if urgent || spent+w.bulkCost > hold {
		return nil
	}
	select {
	case j := <-w.lanes[Bulk]:
		return j
	default:
		return nil
	}
}

// batch is what one transaction holds.
type batch struct {
	jobs   []*job // in the order in which they run
	urgent bool   // a security write is among them
}

// transaction runs first and what waits behind it, commits, and hands out the results.
func (w *writer) transaction(first *job) {
	b := &batch{}
	finished := false
	defer func() {
		if !finished {
			w.fail(b, errors.New("sqldb: a function ended the writer's goroutine"))
		}
	}()
	w.try(b, first)
	finished = true
}

// try runs the transaction until it has an outcome that can be handed out.
func (w *writer) try(b *batch, first *job) {
	for n := 1; ; n++ {
		what, err := w.attempt(b, first)
		first = nil
		switch {
		case err == nil:
			w.hand(b)
			return
		case what == again && n < tries:
			w.log.Warn("transaction is tried again", "err", err, "try", n)
			time.Sleep(time.Duration(n) * 20 * time.Millisecond)
			continue
		case what == untrusted:
			f := fault.New(fault.Unavailable, "The disk of the database failed. Nothing is written until the server is restarted.").Wrap(err)
			w.refused.Store(f)
			w.log.Error("the disk failed: writing stops until the database is opened anew", "err", err)
			w.fail(b, f)
			return
		case what == unknown:
			w.fail(b, fault.New(fault.Unavailable, "The connection to the database broke while the change was being saved. It may have been saved.").Wrap(err))
			return
		default:
			w.fail(b, mapError(context.Background(), err))
			return
		}
	}
}

// attempt runs one transaction. On the first one it takes jobs from the lanes, starting with first;
// later ones run the same jobs again. Its error is about the transaction as a whole; what a single
// function returned is in its job.
func (w *writer) attempt(b *batch, first *job) (outcome, error) {
	if f := w.refused.Load(); f != nil {
		w.admit(b, first)
		return undone, f
	}
	ctx, cancel := w.back.writeContext()
	defer cancel()
	c, err := w.back.beginWrite(ctx)
	if err != nil {
		w.admit(b, first)
		return w.back.outcome(err), err
	}
	healthy, open := false, true
	defer func() {
		if open {
			if _, err := c.exec(ctx, "rollback", nil); err != nil {
				healthy = false
			}
		}
		w.back.endWrite(c, healthy)
	}()
	what, err := w.fill(ctx, c, b, first)
	if err != nil {
		healthy = !lost(err)
		return what, err
	}
	if !b.changed() {
		healthy = true
		return undone, nil
	}
	if what, err := w.back.commit(ctx, c); err != nil {
		healthy = what == undone || what == untrusted
		return what, err
	}
	healthy, open = true, false
	return undone, nil
}

// admit makes a job part of the batch unless its caller has left.
func (w *writer) admit(b *batch, j *job) bool {
	if j == nil || !j.state.CompareAndSwap(waiting, started) {
		return false
	}
	b.jobs = append(b.jobs, j)
	b.urgent = b.urgent || j.lane == Security
	return true
}

// fill runs the jobs that b has and, when first is given, those that wait.
func (w *writer) fill(ctx context.Context, c *conn, b *batch, first *job) (outcome, error) {
	begun := time.Now()
	for _, j := range b.jobs {
		if j.settled {
			continue
		}
		if what, err := w.run(ctx, c, j, len(b.jobs) > 1); err != nil {
			return what, err
		}
	}
	for j := first; j != nil; j = w.more(begun, len(b.jobs), b.urgent) {
		if !w.admit(b, j) {
			continue
		}
		if what, err := w.run(ctx, c, j, len(b.jobs) > 1); err != nil {
			return what, err
		}
		if len(b.jobs) == 1 && j.err != nil {
			return undone, nil // it had no savepoint to go back to
		}
	}
	return undone, nil
}

// changed says that at least one function succeeded, so that there is something to commit.
func (b *batch) changed() bool {
	for _, j := range b.jobs {
		if j.err == nil {
			return true
		}
	}
	return false
}

// run runs one job, in a savepoint unless it is alone so far. Its error says that the transaction
// cannot go on; what the function returned is in the job.
func (w *writer) run(ctx context.Context, c *conn, j *job, savepoint bool) (outcome, error) {
	if j.err = j.ctx.Err(); j.err != nil && savepoint {
		return undone, nil
	}
	if savepoint {
		if _, err := c.exec(ctx, "savepoint fn", nil); err != nil {
			return w.back.outcome(err), err
		}
	}
	begun := time.Now()
	tx := &Tx{c: c, ctx: ctx}
	j.tx = tx
	if j.err == nil {
		j.err = w.call(tx, j.fn)
	}
	if j.lane == Bulk {
		w.lastBulk = time.Now()
		w.bulkCost = max(w.lastBulk.Sub(begun), w.bulkCost*7/8)
	}
	if tx.failed != nil {
		if what := w.back.outcome(tx.failed); what == again || what == untrusted {
			return what, tx.failed
		}
	}
	if !savepoint {
		return undone, nil
	}
	end := "release savepoint fn"
	if j.err != nil {
		end = "rollback to savepoint fn"
	}
	if _, err := c.exec(ctx, end, nil); err != nil {
		// SQLite ends the whole transaction on some errors, a full disk for one. This function has
		// its error; the ones before it did nothing wrong and run again.
		j.settled = j.err != nil
		return again, err
	}
	return undone, nil
}

// call runs fn and makes sure that a failed statement is not passed over.
func (w *writer) call(tx *Tx, fn func(*Tx) error) error {
	defer tx.end()
	err := guard(func() error { return fn(tx) })
	if err == nil {
		err = tx.failed
	}
	return err
}

// hand gives out the results of a transaction that was committed, or in which no function
// succeeded: first what this process keeps in memory, then the hooks, then the callers.
func (w *writer) hand(b *batch) {
	var ok int64
	for _, j := range b.jobs {
		if j.err != nil {
			continue
		}
		ok++
		w.raise(j.tx.raised)
	}
	if ok > 0 {
		w.commits.Add(1)
		w.writes.Add(ok)
	}
	for _, j := range b.jobs {
		if j.err != nil {
			continue
		}
		for _, hook := range j.tx.hooks {
			if err := guard(func() error { hook(); return nil }); err != nil {
				w.log.Error("a hook failed after its commit", "err", err)
			}
		}
	}
	for _, j := range b.jobs {
		close(j.done)
	}
	b.jobs = nil
}

// fail gives every function of the batch the same error, save those that have one for good.
func (w *writer) fail(b *batch, err error) {
	for _, j := range b.jobs {
		if !j.settled {
			j.err = err
		}
		close(j.done)
	}
	b.jobs = nil
}
