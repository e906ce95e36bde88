package rpc

import (
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Bounds of the answers above DefaultBody that are in memory until their readers have taken them, in bytes. A reader
// may take two minutes, so their number must not be the readers' choice; and one caller's slow readers leave
// most of it to others.
const (
	largeAnswers   = 256 << 20
	largeOfACaller = 64 << 20
)

// outgoing counts the large answers that are being sent.
type outgoing struct {
	all, each int64 // the bounds

	mu    sync.Mutex // guards the rest
	total int64
	by    map[string]int64 // by what Caller.Binding says
}

// take counts a large answer of n bytes, and returns what takes it back. It is a fault where there are too many. It does
// not wait: whoever waits holds the memory already.
func (o *outgoing) take(who string, n int64) (giveBack func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// One answer fits always, however large.
	if o.total > 0 && o.total+n > o.all || o.by[who] > 0 && o.by[who]+n > o.each {
		f := fault.New(fault.Unavailable, "Too many large answers are being sent. Read those that were asked for, or ask for less at a time.")
		f.RetryAfter = time.Second
		return nil, f
	}
	o.total += n
	o.by[who] += n
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.total -= n
		if o.by[who] -= n; o.by[who] == 0 {
			delete(o.by, who)
		}
	}, nil
}
