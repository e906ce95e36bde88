package authority

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// Attempts to sign in: from one address ten at once and ten a minute, in all two hundred at once and twenty
// a second. No code can be guessed at any rate; this keeps strangers from keeping SQL busy. Attempts
// that succeed do not count, so an office behind one address signs in unhindered.
const (
	addressBurst, addressEvery = 10, 6 * time.Second
	overallBurst, overallEvery = 200, 50 * time.Millisecond
	// maxBuckets bounds the memory that strangers can take, to less than a MB.
	maxBuckets = 8192
)

// throttle counts attempts by address.
type throttle struct {
	mu      sync.Mutex // guards the rest
	by      map[netip.Prefix]bucket
	overall bucket
	swept   time.Time
}

// bucket holds attempts that were made and not yet forgiven; it leaks one in every interval.
type bucket struct {
	level float64
	at    time.Time
}

// take counts one more attempt, or says how long to wait until one fits.
func (b *bucket) take(burst int, every time.Duration, now time.Time) time.Duration {
	b.leak(every, now)
	if over := b.level + 1 - float64(burst); over > 0 {
		return time.Duration(over * float64(every))
	}
	b.level++
	return 0
}

func (b *bucket) leak(every time.Duration, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.level = max(0, b.level-float64(passed)/float64(every))
	}
	b.at = now
}

func newThrottle() *throttle { return &throttle{by: map[netip.Prefix]bucket{}} }

// site is what counts as one address: a whole /64 of IPv6, which one customer of a provider has.
func site(address netip.Addr) netip.Prefix {
	bits := 64
	if address = address.Unmap().WithZone(""); address.Is4() {
		bits = 32
	}
	p, _ := address.Prefix(bits) // the zero Prefix for the zero Addr, which all share
	return p
}

// take counts an attempt and returns 0, or refuses it and returns how long to wait.
func (t *throttle) take(address netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := site(address)
	b, known := t.by[from]
	if !known {
		t.makeRoom(now)
	}
	wait := b.take(addressBurst, addressEvery, now)
	t.by[from] = b
	if wait > 0 {
		return wait
	}
	return t.overall.take(overallBurst, overallEvery, now)
}

// makeRoom keeps the map within its bound: addresses without a count go first, at most once a second,
// and then any.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.by) < maxBuckets {
		return
	}
	if now.Sub(t.swept) >= time.Second {
		t.swept = now
		maps.DeleteFunc(t.by, func(_ netip.Prefix, b bucket) bool {
			b.leak(addressEvery, now)
			return b.level == 0
		})
	}
	for from := range t.by {
		if len(t.by) < maxBuckets {
			return
		}
		delete(t.by, from)
	}
}

// giveBack forgives the last attempt from an address.
func (t *throttle) giveBack(address netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overall.level = max(0, t.overall.level-1)
	from := site(address)
	if b, known := t.by[from]; known {
		b.level = max(0, b.level-1)
		t.by[from] = b
	}
}
