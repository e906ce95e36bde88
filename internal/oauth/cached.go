package oauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// However many ask, a thing is fetched at most maxFetches times in any fetchSpan.
const (
	maxFetches = 3
	fetchSpan  = 10 * time.Second
)

// errSpent says that a fetch would be one too many.
var errSpent = errors.New("asked too often in the last seconds")

// cached is something that an issuer publishes, fetched when it is needed: by one at a time, in bounds, and kept where the next fetch
// fails.
type cached[T any] struct {
	fetch func() (T, error)
	// start runs a fetch apart from whoever asked: it belongs to all who wait, so no context of theirs ends it. The client bounds its time.
	start func(func())
	now   func() time.Time

	mu     sync.Mutex // guards what follows
	held   *holding[T]
	flight *flight
	starts [maxFetches]time.Time // of the last fetches, the oldest first
	err    error                 // of the last fetch
	failed time.Time             // when it ended, where it did with an error
}

// holding is what the last good fetch brought. It does not change.
type holding[T any] struct {
	value T
	at    time.Time // when the fetch began: what was published before is in it
}

// flight is a fetch under way. err may be read once done is closed.
type flight struct {
	done chan struct{}
	err  error
}

// peek returns what is held, nil where nothing is, and the error of the last fetch.
func (c *cached[T]) peek() (*holding[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held, c.err
}

// seed holds value as if a fetch that began at that time had brought it, where nothing is held.
func (c *cached[T]) seed(value T, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = &holding[T]{value, at}
	}
}

// failing reports whether a fetch has failed a moment ago, and none has worked since.
func (c *cached[T]) failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil && c.now().Sub(c.failed) < fetchSpan
}

// refresh starts a fetch, or joins the one under way. It returns nil where what is held was fetched after since, and errSpent
// where the bound is reached.
func (c *cached[T]) refresh(since time.Time) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch now := c.now(); {
	case c.held != nil && c.held.at.After(since):
		return nil, nil
	case c.flight != nil:
		return c.flight, nil
	case now.Sub(c.starts[0]) < fetchSpan:
		return nil, errSpent
	default:
		copy(c.starts[:], c.starts[1:])
		c.starts[maxFetches-1] = now
		f := &flight{done: make(chan struct{})}
		c.flight = f
		c.start(func() { c.run(f, now) })
		return f, nil
	}
}

func (c *cached[T]) run(f *flight, began time.Time) {
	value, err := c.fetch()
	c.mu.Lock()
	if c.err = err; err == nil {
		c.held = &holding[T]{value, began}
	} else {
		c.failed = c.now()
	}
	c.flight, f.err = nil, err
	c.mu.Unlock()
	close(f.done)
}

// wait returns the error of the fetch, or that of ctx.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew has the value fetched and waits for it, unless it was fetched after since. It returns what is held then.
func (c *cached[T]) renew(ctx context.Context, since time.Time) (*holding[T], error) {
	f, err := c.refresh(since)
	if f != nil {
		err = f.wait(ctx)
	}
	held, last := c.peek()
	if errors.Is(err, errSpent) && last != nil {
		err = last // says more: the fetches of the last seconds failed
	}
	return held, err
}
