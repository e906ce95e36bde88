package indexer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// rebuildTries is how often Rebuild begins again because the queue was cut away or renewed under it.
const rebuildTries = 3

// Rebuild builds the index anew from the documents, beside the present one, and then puts the new one in its place.
// Searches go on meanwhile, and so does following the queue: the new index holds whatever the old one did. It reports
// documents taken over, of how many there were. Run must be running, and one Rebuild at a time.
func (x *Indexer) Rebuild(ctx context.Context, report func(done, total int64)) error {
	counts, err := x.cfg.Corpus.Counts(ctx, x.cfg.Caller)
	if err != nil {
		return err
	}
	var total int64
	for _, n := range counts {
		total += n
	}
	for try := 1; ; try++ {
		err := x.rebuild(ctx, func(done int64) { report(min(done, total), total) })
		again := errors.Is(err, corpus.ErrGone) || errors.Is(err, index.ErrIncarnation)
		if !again || try == rebuildTries {
			return err
		}
		x.log.Warn("building the index begins again: the queue is another one than before", "err", err)
	}
}

func (x *Indexer) rebuild(ctx context.Context, report func(done int64)) error {
	head, err := x.cfg.Corpus.Head(ctx, x.cfg.Caller)
	if err != nil {
		return err
	}
	// A reader of its own, so that the queue keeps what comes after head until the new index has it.
	name := "rebuild-" + sqldb.NewID()
	hold := func() error { return x.cfg.Corpus.Reached(ctx, x.cfg.Caller, name, head.Position) }
	if err := hold(); err != nil {
		return err
	}
	defer x.release(ctx, name)
	engine, err := x.cfg.Fresh()
	if err != nil {
		return fmt.Errorf("make an empty index: %w", err)
	}
	taken := false
	defer func() {
		if !taken {
			_ = engine.Close() // nobody has seen it
		}
	}()
	put := func(b index.Batch) error { return engine.Apply(ctx, b) }
	report(0)
	done, held := int64(0), time.Now()
	err = x.fill(ctx, put, head, func(n int) {
		done += int64(n)
		report(done)
		if time.Since(held) < time.Hour {
			return
		}
		held = time.Now()
		if err := hold(); err != nil { // if it is lost, catching up finds out
			x.log.Warn("the queue may be cut under the index that is being built", "err", err)
		}
	})
	if err != nil {
		return err
	}
	if err := x.chase(ctx, engine, put); err != nil {
		return err
	}
	x.step.Lock()
	defer x.step.Unlock()
	if err := x.chase(ctx, engine, put); err != nil { // what came since is little
		return err
	}
	taken = true
	if err := x.cfg.Index.Replace(x.cfg.Caller, engine); err != nil {
		x.log.Warn("the old index did not close", "err", err)
	}
	at := engine.State()
	x.arrived(at.Position, at.Position)
	x.log.Info("the index was built anew", "documents", at.Documents, "position", at.Position)
	return nil
}

// chase applies the queue to an engine up to its end.
func (x *Indexer) chase(ctx context.Context, engine index.Engine, put func(index.Batch) error) error {
	for {
		at := engine.State()
		s, err := x.cfg.Corpus.Changes(ctx, x.cfg.Caller, at.Incarnation, at.Position, stretch)
		if err != nil {
			return err
		}
		if s.Through == at.Position {
			return nil
		}
		if err := x.apply(ctx, put, s); err != nil {
			return err
		}
	}
}

// release takes back the hold of a reader of the queue.
func (x *Indexer) release(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := x.cfg.Corpus.Forget(ctx, x.cfg.Caller, name); err != nil {
		x.log.Warn("the queue keeps a reader that has left", "err", err)
	}
}
