// Package indexer keeps a search index in step with the corpus.
//
// Its one idea is that it remembers nothing itself: the engine knows up to which position of the
// change queue it holds everything, the queue knows what came after, and where the two do not
// fit, the index is filled again from the documents. cmd/sheaf runs one Indexer for each index.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Config says what an Indexer works with. All but Name and Log are required.
type Config struct {
	Corpus    *corpus.Corpus
	Directory *directory.Directory
	Index     *index.Index
	// Fresh makes an empty engine, for when the present one has to be filled again.
	Fresh func() (index.Engine, error)
	// Caller is the server itself: a maintenance caller.
	Caller grant.Caller
	// Name tells this follower of the queue from others. Empty makes one up, which fits an index
	// that does not outlive the process.
	Name string
	// Shown learns of each position up to which everything can be found from now on. It returns at once. Nil learns nothing.
	Shown func(position int64)
	// Log receives what operators should know. Nil discards it.
	Log *slog.Logger
}

// Indexer follows the change queue into an index.
type Indexer struct {
	cfg      Config
	log      *slog.Logger
	lasting  bool  // whether the name outlives the process
	reported int64 // the position that the queue knows of
	reportAt time.Time

	step sync.Mutex // held from reading how far the index is until it is further, so that it is not replaced between

	lock   sync.Mutex // guards what follows
	status Status
	ready  bool          // whether the index was in step once since it was last emptied
	moved  chan struct{} // closed when status.Position grows
}

// Status says where an Indexer stands.
type Status struct {
	Position int64 // everything up to here can be found
	Head     int64 // the end of the queue when it was last read
	Filling  bool  // whether the index is being filled from the documents
	Failed   int64 // documents left out since the start because the engine did not take them
	Err      error // why it does not get on at the moment, for operators
}

// Paces of the loop.
const (
	// lookEvery is how often it looks, in memory, for changes of other nodes. Its own node's wake it.
	lookEvery = 100 * time.Millisecond
	// reportEvery is how often it tells the queue how far it has come, so that it can be trimmed.
	reportEvery = 10 * time.Second
	// retryAfter is how long it waits when SQL or the engine fails.
	retryAfter = 500 * time.Millisecond
	// stretch is how many changes it takes at once.
	stretch = 500
)

// New returns an Indexer. It does nothing before Run.
func New(cfg Config) *Indexer {
	x := &Indexer{cfg: cfg, log: cfg.Log, lasting: cfg.Name != "", moved: make(chan struct{})}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	if !x.lasting {
		x.cfg.Name = "index-" + sqldb.NewID()
	}
	return x
}

// Run follows the queue until ctx ends, and then returns nil once the batch under way is done. It is
// called once. Failures of SQL or of the engine are retried for ever and shown by Status.
func (x *Indexer) Run(ctx context.Context) error {
	defer x.leave(ctx)
	for ctx.Err() == nil {
		err := x.follow(ctx)
		if errors.Is(err, corpus.ErrGone) || errors.Is(err, index.ErrIncarnation) {
			err = x.refill(ctx)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if x.failed(err) {
			x.log.Error("the index does not get on", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
	return nil
}

// leave takes back the hold that a passing reader has on the queue.
func (x *Indexer) leave(ctx context.Context) {
	if x.lasting {
		return
	}
	x.release(ctx, x.cfg.Name)
}

// follow applies the queue until ctx ends or something fails.
func (x *Indexer) follow(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		// Taken before the read, so that a change between the read and the wait still wakes us.
		awaken, version := x.cfg.Corpus.Awaken(), x.cfg.Corpus.Version()
		more, err := x.advance(ctx)
		if err != nil {
			return err
		}
		x.report(ctx)
		if more {
			continue
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case <-awaken:
				waiting = false
			case <-look.C:
				waiting = x.cfg.Corpus.Version() == version
				x.report(ctx)
			}
		}
	}
}

// advance takes the index one stretch of the queue further, and reports whether there was one.
func (x *Indexer) advance(ctx context.Context) (bool, error) {
	x.step.Lock()
	defer x.step.Unlock()
	at := x.cfg.Index.State()
	s, err := x.cfg.Corpus.Changes(ctx, x.cfg.Caller, at.Incarnation, at.Position, stretch)
	if err != nil {
		return false, err
	}
	if s.Through == at.Position {
		x.arrived(at.Position, s.Head.Position)
		return false, nil
	}
	if err := x.apply(ctx, x.put(ctx), s); err != nil {
		return false, err
	}
	x.arrived(s.Through, s.Head.Position)
	return true, nil
}

// put applies batches to the index that is searched.
func (x *Indexer) put(ctx context.Context) func(index.Batch) error {
	return func(b index.Batch) error { return x.cfg.Index.Apply(ctx, x.cfg.Caller, b) }
}

// apply puts one stretch of the queue into an engine.
func (x *Indexer) apply(ctx context.Context, put func(index.Batch) error, s corpus.Stretch) error {
	t, err := x.translator(ctx)
	if err != nil {
		return err
	}
	batch := index.Batch{Incarnation: s.Head.Incarnation, Through: s.Through, Changes: make([]index.Change, len(s.Changes))}
	for i, ch := range s.Changes {
		batch.Changes[i] = index.Change{Position: ch.Position, Key: ch.Key}
		if ch.Document != nil {
			batch.Changes[i].Document = t.document(ch.Document)
		}
	}
	return x.sift(ctx, put, batch)
}

// sift applies a batch, and where the engine does not take it, its changes one by one. A document
// that fails alone is taken out, so that the line goes on and what was there before is not found
// under permissions that have changed. Where even that fails, it is the engine that is broken.
func (x *Indexer) sift(ctx context.Context, put func(index.Batch) error, batch index.Batch) error {
	err := guarded(put, batch)
	if err == nil || ctx.Err() != nil || errors.Is(err, index.ErrIncarnation) {
		return err
	}
	for _, ch := range batch.Changes {
		one := index.Batch{Incarnation: batch.Incarnation, Changes: []index.Change{ch}}
		first := guarded(put, one)
		if first == nil {
			continue
		}
		one.Changes = []index.Change{{Position: ch.Position, Key: ch.Key}}
		if err := guarded(put, one); err != nil {
			return errors.Join(first, err)
		}
		x.log.Error("a document cannot be indexed and is left out", "document", ch.Key, "err", first)
		x.lock.Lock()
		x.status.Failed++
		x.lock.Unlock()
	}
	return guarded(put, index.Batch{Incarnation: batch.Incarnation, Through: batch.Through})
}

// guarded turns a panic of the engine into an error.
func guarded(put func(index.Batch) error, batch index.Batch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the engine panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return put(batch)
}

// refill empties the index and fills it from the documents, then lets the queue bring what changed
// meanwhile. The old content goes first: its permissions may be wrong.
func (x *Indexer) refill(ctx context.Context) error {
	x.step.Lock()
	defer x.step.Unlock()
	head, err := x.cfg.Corpus.Head(ctx, x.cfg.Caller)
	if err != nil {
		return err
	}
	// From here on the queue keeps what comes after head.
	if err := x.cfg.Corpus.Reached(ctx, x.cfg.Caller, x.cfg.Name, head.Position); err != nil {
		return err
	}
	if x.cfg.Index.State() != (index.State{Analyzer: x.cfg.Index.State().Analyzer}) {
		engine, err := x.cfg.Fresh()
		if err != nil {
			return fmt.Errorf("make an empty index: %w", err)
		}
		if err := x.cfg.Index.Replace(x.cfg.Caller, engine); err != nil {
			x.log.Warn("the old index did not close", "err", err)
		}
	}
	x.lock.Lock()
	x.ready, x.status.Filling, x.status.Position, x.status.Head = false, true, 0, head.Position
	x.lock.Unlock()
	x.log.Info("filling the index from the documents", "position", head.Position)
	if err := x.fill(ctx, x.put(ctx), head, func(int) {}); err != nil {
		return err
	}
	x.arrived(head.Position, head.Position)
	x.log.Info("the index is filled", "documents", x.cfg.Index.State().Documents)
	return nil
}

// fill puts every document of the corpus into an empty engine, which then holds what was there at head, or later. It
// reports the number of documents of each part.
func (x *Indexer) fill(ctx context.Context, put func(index.Batch) error, head corpus.Head, report func(int)) error {
	for after := ""; ; {
		docs, err := x.cfg.Corpus.Scan(ctx, x.cfg.Caller, after, stretch)
		if err != nil {
			return err
		}
		t, err := x.translator(ctx)
		if err != nil {
			return err
		}
		batch := index.Batch{Incarnation: head.Incarnation, Changes: make([]index.Change, len(docs))}
		for i, d := range docs {
			batch.Changes[i] = index.Change{Position: head.Position, Key: d.Key, Document: t.document(d)}
		}
		if len(docs) == 0 {
			batch.Through = head.Position
		}
		if err := x.sift(ctx, put, batch); err != nil {
			return err
		}
		if len(docs) == 0 {
			return nil
		}
		report(len(docs))
		after = docs[len(docs)-1].Key
	}
}

// report tells the queue, now and then, from where this reader would go on.
func (x *Indexer) report(ctx context.Context) {
	at := x.cfg.Index.State()
	position := at.Position
	if at.Durable > 0 {
		position = at.Durable
	}
	if time.Since(x.reportAt) < reportEvery || position == x.reported && time.Since(x.reportAt) < time.Hour {
		return
	}
	x.reportAt = time.Now()
	if err := x.cfg.Corpus.Reached(ctx, x.cfg.Caller, x.cfg.Name, position); err != nil {
		if ctx.Err() == nil {
			x.log.Warn("the queue cannot be trimmed", "err", err)
		}
		return
	}
	x.reported = position
}
