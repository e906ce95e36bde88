package indexer

import "context"

// arrived notes a position that the index has reached, and wakes those who wait for it.
func (x *Indexer) arrived(position, head int64) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.status.Err, x.status.Filling, x.ready = nil, false, true
	x.status.Head = head
	x.status.Position = position
	if x.cfg.Shown != nil {
		x.cfg.Shown(position)
	}
	close(x.moved)
	x.moved = make(chan struct{})
}

// failed notes why the index does not get on, and reports whether that is news.
func (x *Indexer) failed(err error) bool {
	x.lock.Lock()
	defer x.lock.Unlock()
	news := x.status.Err == nil || x.status.Err.Error() != err.Error()
	x.status.Err = err
	return news
}

// Status returns where the Indexer stands.
func (x *Indexer) Status() Status {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.status
}

// Position returns up to where everything can be found.
func (x *Indexer) Position() int64 { return x.Status().Position }

// Lag asks SQL how many positions the index is behind.
func (x *Indexer) Lag(ctx context.Context) (int64, error) {
	head, err := x.cfg.Corpus.Head(ctx, x.cfg.Caller)
	if err != nil {
		return 0, err
	}
	return max(head.Position-x.Position(), 0), nil
}

// WaitFor returns once everything up to a position of the queue can be found, or ctx ends.
func (x *Indexer) WaitFor(ctx context.Context, position int64) error {
	for {
		x.lock.Lock()
		reached, moved := x.status.Position >= position && x.ready, x.moved
		x.lock.Unlock()
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

// CatchUp returns once everything that is in the corpus now can be found, or ctx ends.
func (x *Indexer) CatchUp(ctx context.Context) error {
	head, err := x.cfg.Corpus.Head(ctx, x.cfg.Caller)
	if err != nil {
		return err
	}
	return x.WaitFor(ctx, head.Position)
}
