package rpc

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// requestContext is the context of one request: where it came from, and by when it must be answered.
//
// Its timer starts when somebody first waits for it. An operation that waits for nothing costs none.
type requestContext struct {
	parent   context.Context
	id       string
	request  *http.Request
	proxies  Proxies
	deadline time.Time // zero for none

	mu     sync.Mutex // guards what follows
	timed  context.Context
	cancel context.CancelFunc
}

type originKey struct{}

// Deadline is part of context.Context.
func (c *requestContext) Deadline() (time.Time, bool) {
	at, ok := c.parent.Deadline()
	if c.deadline.IsZero() || ok && at.Before(c.deadline) {
		return at, ok
	}
	return c.deadline, true
}

// Done is part of context.Context.
func (c *requestContext) Done() <-chan struct{} { return c.running().Done() }

// Err is part of context.Context.
func (c *requestContext) Err() error { return c.running().Err() }

// Value is part of context.Context.
func (c *requestContext) Value(key any) any {
	if _, ours := key.(originKey); ours {
		return c
	}
	return c.parent.Value(key)
}

func (c *requestContext) running() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed = c.parent
		if !c.deadline.IsZero() {
			c.timed, c.cancel = context.WithDeadline(c.parent, c.deadline)
		}
	}
	return c.timed
}

// end stops the timer, if there is one, and ends whatever still waits.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed = ended{c.parent}
	}
	if c.cancel != nil {
		c.cancel()
	}
}

// ended is the context of a request that was answered before anything waited for it.
type ended struct{ context.Context }

func (ended) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func (ended) Err() error { return context.Canceled }

func originOf(ctx context.Context) *requestContext {
	c, _ := ctx.Value(originKey{}).(*requestContext)
	return c
}

// RequestID returns the id of the request that ctx belongs to, or "". It stands in the log line,
// in the audit log and in the answer's X-Request-Id.
func RequestID(ctx context.Context) string {
	if c := originOf(ctx); c != nil {
		return c.id
	}
	return ""
}

// Origin returns the address and the id of the request that ctx belongs to, or zero values.
func Origin(ctx context.Context) (netip.Addr, string) {
	if c := originOf(ctx); c != nil {
		return c.proxies.Address(c.request), c.id
	}
	return netip.Addr{}, ""
}

// Identify returns r with a new request id and its origin in its context, for servers beside this
// one, and sets the answer's X-Request-Id.
func (p Proxies) Identify(w http.ResponseWriter, r *http.Request) *http.Request {
	c := &requestContext{parent: r.Context(), id: newRequestID(), request: r, proxies: p}
	w.Header()["X-Request-Id"] = []string{c.id}
	return r.WithContext(c)
}
