// Package audit keeps the append-only record of who did what to which thing.
//
// Its one idea is a bounded queue between the request and the disk: Record waits only when the
// queue is full, and what it took is committed within a second and at Close, so that a kill loses
// at most the last second. Changes that must not be lost apart from their record write both in one
// transaction, with Append. Nothing edits or removes an entry but its age.
//
// The edge, authority and rooms record; the admin API and the console list.
package audit

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// queueLength is the number of entries that may wait; about 2 MB of memory.
	queueLength = 4096
	// gatherTime is how long the first entry of a batch waits for more. With the group commit of
	// sqldb it stays far below the promised second.
	gatherTime = 100 * time.Millisecond
	batchSize  = 512
	// closeTime bounds the last commits at Close where SQL is away.
	closeTime        = 20 * time.Second
	defaultRetention = 400 * 24 * time.Hour
)

// Config adjusts a Log. The zero value is fit for use.
type Config struct {
	// Retention is how long entries are kept. Zero means 400 days, less than zero for ever.
	Retention time.Duration
	// Origin says from which address and under which id the request of a context came, for entries
	// that do not say so themselves. Nil leaves those empty.
	Origin func(context.Context) (address netip.Addr, requestID string)
	// Log is told when entries cannot be written. Nil discards.
	Log *slog.Logger
	// Now tells the time of entries that say none, and their age. Nil means time.Now.
	Now func() time.Time
}

// Log is the audit log of one server. It is safe for concurrent use.
type Log struct {
	db    *sqldb.DB
	cfg   Config
	queue chan item
	done  sync.WaitGroup

	closeOnce sync.Once
	closing   chan struct{} // closed when Close begins: nothing more goes into the queue
	drain     chan struct{} // closed when nothing more can be on its way into the queue
	sending   sync.RWMutex  // held for reading while an entry goes into the queue
	lost      int           // entries that could not be written at Close; read after done
}

// item is an entry, or a mark that is answered once all entries before it are committed.
type item struct {
	entry Entry
	mark  chan<- error
}

// Open starts the log that is kept in db, and its removal of old entries.
func Open(_ context.Context, db *sqldb.DB, cfg Config) (*Log, error) {
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Log{db: db, cfg: cfg, queue: make(chan item, queueLength), closing: make(chan struct{}), drain: make(chan struct{})}
	l.done.Go(l.write)
	if cfg.Retention > 0 {
		l.done.Go(l.forget)
	}
	return l, nil
}

// Record queues e. It waits while the queue is full, and returns fault.Unavailable where ctx ends
// first or the log is closed; the entry is then not recorded.
func (l *Log) Record(ctx context.Context, e Entry) error {
	return l.send(ctx, item{entry: l.complete(ctx, e)})
}

// Append writes e in tx: it is there exactly if what else tx changes is.
func (l *Log) Append(ctx context.Context, tx *sqldb.Tx, e Entry) error {
	return insert(ctx, tx, []Entry{l.complete(ctx, e)})
}

// Flush returns once every entry recorded before it is committed.
func (l *Log) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	if err := l.send(ctx, item{mark: answer}); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errBehind.Wrap(ctx.Err())
	}
}

// Close commits what is queued and stops the log. It gives up after ten seconds, and says so.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		close(l.closing)
		l.sending.Lock() // all senders have put their entry in, or given up
		close(l.drain)
		l.sending.Unlock()
		l.done.Wait()
	})
	if l.lost > 0 {
		return fmt.Errorf("close audit log: %d entries could not be written", l.lost)
	}
	return nil
}

var errBehind = fault.New(fault.Unavailable, "The audit log cannot keep up. Try again shortly.")

func (l *Log) send(ctx context.Context, it item) error {
	l.sending.RLock()
	defer l.sending.RUnlock()
	select {
	case <-l.closing:
		return errBehind
	default:
	}
	select {
	case l.queue <- it: // what happened is on record though whoever asked for it went away meanwhile
		return nil
	default:
	}
	select {
	case l.queue <- it:
		return nil
	case <-ctx.Done():
		return errBehind.Wrap(ctx.Err())
	case <-l.closing:
		return errBehind
	}
}

// write commits batches until the log is closed and the queue is empty.
func (l *Log) write() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // bounds what is tried after Close
		<-l.drain
		select {
		case <-time.After(closeTime):
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		batch, marks, more := l.gather()
		err := l.commit(ctx, batch)
		for _, m := range marks {
			m <- err
		}
		if err != nil {
			l.lost = len(batch) + len(l.queue)
			l.cfg.Log.Error("audit entries lost at stop", "count", l.lost, "err", err)
			return
		}
		if !more {
			return
		}
	}
}

// gather takes the next batch. It returns false with the last one.
func (l *Log) gather() (batch []Entry, marks []chan<- error, more bool) {
	closed := l.drain
	var late <-chan time.Time
	for len(batch) < batchSize {
		var it item
		select {
		case it = <-l.queue:
		default:
			if len(marks) > 0 || closed == nil {
				return batch, marks, closed != nil
			}
			select {
			case it = <-l.queue:
			case <-late:
				return batch, marks, true
			case <-closed:
				closed = nil
				continue
			}
		}
		if it.mark != nil {
			marks = append(marks, it.mark)
			continue
		}
		batch = append(batch, it.entry)
		if late == nil {
			late = time.After(gatherTime)
		}
	}
	return batch, marks, true
}

// commit writes batch, and keeps trying until ctx ends.
func (l *Log) commit(ctx context.Context, batch []Entry) error {
	if len(batch) == 0 {
		return nil
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := l.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error { return insert(ctx, tx, batch) })
		if err == nil || ctx.Err() != nil {
			return err
		}
		l.cfg.Log.Warn("audit log cannot be written", "count", len(batch), "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
