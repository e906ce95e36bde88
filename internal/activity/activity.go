// Package activity remembers what each person opened and searched for.
//
// Its one idea is that a view may cost nothing: recording puts it into memory and returns, and a
// goroutine writes what has gathered a few times a second. A kill loses at most the last second of it.
// What is kept is bounded: one row for each person and document or search, a number of them a person, and none that
// is older than the retention.
//
// A person's history is that person's alone: every read names the Caller, and answers about nobody else. Only counts
// over everyone (Visitors) speak of others, and say no names. Callers who act as no person leave no trace. The search room and the
// search page record; rooms that show history, last views and counts of visitors read. Whoever records has made
// sure that the caller sees the document.
package activity

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Bounds of what is kept.
const (
	MaxViews    = 1000 // documents of a person
	MaxSearches = 200  // searches of a person
	maxText     = 500  // bytes of a search; longer ones are pasted texts, which nobody wants offered again
	// maxPending bounds what waits to be written; about 4 MB. What is beyond it is lost, and logged.
	maxPending = 20_000
)

const (
	// gatherTime is how long the first record of a batch waits for more. With the group commit of sqldb it stays far
	// below a second.
	gatherTime = 200 * time.Millisecond
	// retryTime is how long the log waits after a failed write.
	retryTime        = time.Second
	closeTime        = 5 * time.Second
	defaultRetention = 365 * 24 * time.Hour
)

// Config adjusts a Log. The zero value is fit for use.
type Config struct {
	// Retention is how long a view or search is kept after its last time. Zero means a year, less than zero for ever.
	Retention time.Duration
	// Log is told when activity cannot be written. Nil discards.
	Log *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Log is the activity of one server's people. It is safe for concurrent use.
type Log struct {
	db  *sqldb.DB
	cfg Config

	mu      sync.Mutex // guards pending and lost
	pending batch
	lost    int

	writing sync.Mutex // held while a batch is written, so that batches commit in order
	typed   typed

	wake   chan struct{} // has room for one: something is pending
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// batch is records that wait to be written.
type batch struct{ views, searches map[name]record }

// name says whose a record is and of what: the key of a document, or a folded search.
type name struct{ person, of string }

// record is how often something happened, and when. Text is the search as typed.
type record struct {
	times       int64
	first, last int64 // microseconds
	text        string
}

func newBatch() batch { return batch{map[name]record{}, map[name]record{}} }

func (b batch) size() int { return len(b.views) + len(b.searches) }

// Open starts the log that is kept in db, and its removal of what is old.
func Open(db *sqldb.DB, cfg Config) *Log {
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{db: db, cfg: cfg, pending: newBatch(), typed: newTyped(), wake: make(chan struct{}, 1), cancel: cancel}
	l.done.Go(func() { l.write(ctx) })
	l.done.Go(func() { l.forget(ctx) })
	return l
}

// recorded is the person whose activity a caller's is, or "".
func recorded(c grant.Caller) string {
	if !c.Is(grant.User | grant.Global | grant.Session) {
		return ""
	}
	return c.Person()
}

// View notes that the caller opened a document, which it sees. It neither waits nor fails.
func (l *Log) View(c grant.Caller, document string) {
	person := recorded(c)
	if person == "" || document == "" {
		return
	}
	now := sqldb.Micros(l.cfg.Now())
	l.note(func(b batch) { add(b.views, name{person, document}, record{1, now, now, ""}) })
}

// Search notes that the caller searched for a text. It neither waits nor fails. Empty and very long texts are
// not kept.
func (l *Log) Search(c grant.Caller, text string) {
	person, text := recorded(c), strings.TrimSpace(text)
	if person == "" || text == "" || len(text) > maxText || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return
	}
	now := sqldb.Micros(l.cfg.Now())
	l.note(func(b batch) { add(b.searches, name{person, fold(text)}, record{1, now, now, text}) })
	l.typed.add(person, Searched{Text: text, At: l.cfg.Now()})
}

// fold is the form by which searches are the same.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

func (l *Log) note(put func(batch)) {
	l.mu.Lock()
	if l.pending.size() < maxPending {
		put(l.pending)
	} else {
		l.lost++
	}
	l.mu.Unlock()
	l.rouse()
}

// rouse has the writer look at what is pending.
func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// add joins a record with the one of the same name.
func add(m map[name]record, n name, r record) {
	if old, ok := m[n]; ok {
		if old.last > r.last {
			r.last, r.text = old.last, old.text
		}
		r.times, r.first = r.times+old.times, min(r.first, old.first)
	}
	m[n] = r
}

// write writes what is pending until ctx ends, and what is left then.
func (l *Log) write(ctx context.Context) {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
		select {
		case <-time.After(gatherTime):
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
			defer cancel()
			if err := l.Flush(last); err != nil {
				l.cfg.Log.Warn("the last views and searches are lost", "err", err)
			}
			return
		}
		if err := l.Flush(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Log.Warn("views and searches cannot be written", "err", err)
			l.again(ctx)
		}
	}
}

// again waits, and has the writer look once more.
func (l *Log) again(ctx context.Context) {
	select {
	case <-time.After(retryTime):
	case <-ctx.Done():
	}
	l.rouse()
}

// Flush returns once everything recorded before it is durable.
func (l *Log) Flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	taken, lost := l.pending, l.lost
	l.pending, l.lost = newBatch(), 0
	l.mu.Unlock()
	if lost > 0 {
		l.cfg.Log.Warn("more is viewed and searched than can be written", "lost", lost)
	}
	if err := l.save(ctx, taken); err != nil {
		l.giveBack(taken)
		return err
	}
	return nil
}

// giveBack has what could not be written wait again, as far as there is room.
func (l *Log) giveBack(b batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	back := func(from, to map[name]record) {
		for n, r := range from {
			if l.pending.size() < maxPending {
				add(to, n, r)
			}
		}
	}
	back(b.views, l.pending.views)
	back(b.searches, l.pending.searches)
}

// Close writes what waits and stops the log. Nothing may be recorded afterwards.
func (l *Log) Close() error {
	l.cancel()
	l.done.Wait()
	return nil
}

// errNobody is what callers who act as no person get where they ask for a history.
var errNobody = fault.New(fault.Forbidden, "This token acts as no person, so there is no history.")
