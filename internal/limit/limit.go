// Package limit holds callers to rates: so many requests a second of a person, an address, a token, a group or the whole server.
//
// Its one idea is that a bucket is one number, the moment at which it will be full again, so that taking from it is one
// comparison and one swap, and whoever waits as long as the refusal says is served. A request may take more than a bucket
// holds once the bucket is full, and leaves a debt: a batch of documents is neither refused for ever nor let in for less
// than it is. (golang.org/x/time/rate refuses such a request always.)
//
// The edge calls it, before it asks who is there and before it reads a body. A nil *Limits allows everything. What is counted is
// in the memory of one process: nodes count for themselves.
package limit

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// bucket is the nanosecond, counted from the start of its Limits, at which it is full again.
type bucket struct{ full atomic.Int64 }

// take takes n and returns 0, or takes nothing and returns how long to wait until n fit.
func (b *bucket) take(r rate, n, now int64) time.Duration {
	for {
		old := b.full.Load()
		from := max(old, now)
		if wait := from - now + min(n, r.burst)*r.each - r.burst*r.each; wait > 0 {
			return time.Duration(wait)
		}
		if b.full.CompareAndSwap(old, from+n*r.each) {
			return 0
		}
	}
}

// rate is a Rate as buckets reckon with it. The zero rate limits nothing.
type rate struct {
	each  int64 // nanoseconds until one more fits
	burst int64
}

// buckets are all that is counted of one person, token, address or group.
type buckets [names]bucket

func (b *buckets) idle(now int64) bool {
	for i := range b {
		if b[i].full.Load() > now {
			return false
		}
	}
	return true
}

// Memory for what is counted: some 200 bytes a key, so 8 MB in all, whatever strangers send.
const (
	maxAddresses = 16384
	maxCallers   = 16384
	maxGroups    = 1024
)

// Limits counts. It is safe for concurrent use.
type Limits struct {
	rates     [names]rate
	says      [names]string
	start     time.Time
	all       buckets // of the whole server
	addresses *table[netip.Prefix]
	callers   *table[string]
	groups    *table[string]
	refused   [names]prometheus.Counter
}

// New returns what holds callers to rules, or nil where they limit nothing. Time is counted from now.
func New(rules Rules, now time.Time, metrics prometheus.Registerer) *Limits {
	if rules.empty() {
		return nil
	}
	l := &Limits{
		start:     now,
		addresses: newTable[netip.Prefix](maxAddresses), callers: newTable[string](maxCallers), groups: newTable[string](maxGroups),
	}
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sheaf_rate_limited_total", Help: "Requests refused because they came too fast, by limit.",
	}, []string{"limit"})
	keys := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sheaf_rate_limit_keys", Help: "Addresses, callers and groups whose requests are being counted.",
	}, func() float64 { return float64(l.addresses.len() + l.callers.len() + l.groups.len()) })
	if metrics != nil {
		metrics.MustRegister(refused, keys)
	}
	for n := range names {
		r := rules.rates[n]
		l.refused[n] = refused.WithLabelValues(n.String())
		if r.Count == 0 {
			continue
		}
		l.rates[n] = rate{each: max(1, int64(r.Per)/int64(r.Count)), burst: int64(r.Burst)}
		l.says[n] = fmt.Sprintf("Too many requests: the limit %q allows %s %s. Try again when Retry-After says.", n, r, described[n].of)
	}
	return l
}

// Arrived counts a request before anybody asks whose it is: of its address, and of the server.
func (l *Limits) Arrived(address netip.Addr, at time.Time) error {
	if l == nil {
		return nil
	}
	now := int64(at.Sub(l.start))
	if l.rates[Address].each > 0 {
		if err := l.take(l.addresses.get(site(address), now), Address, 1, now); err != nil {
			return err
		}
	}
	return l.take(&l.all, Deployment, 1, now)
}

// Call is what Called is told of a request.
type Call struct {
	Caller  grant.Caller
	Address netip.Addr
	Name    Name   // the limit of the operation, from NameOf
	Group   string // of custom metadata, where the operation is about one
	At      time.Time
}

// Called counts a request of an admitted caller: of the person acted as, of the token where it acts for many, and of
// the operation. What is refused by one limit stays counted by those before it.
func (l *Limits) Called(c Call) error {
	if l == nil {
		return nil
	}
	now := int64(c.At.Sub(l.start))
	var who *buckets
	if person := c.Caller.Person(); person != "" {
		who = l.callers.get(person, now)
		if err := l.take(who, User, 1, now); err != nil {
			return err
		}
	}
	if c.Caller.Is(grant.Global | grant.Anonymous | grant.Indexing) {
		token := l.callers.get(c.Caller.Token(), now)
		if err := l.take(token, Token, 1, now); err != nil {
			return err
		}
		switch {
		case c.Caller.Is(grant.Anonymous): // guests share a token, and are told apart by where they are
			who = l.addresses.get(site(c.Address), now)
		case who == nil:
			who = token
		}
	}
	if who == nil {
		return nil
	}
	switch c.Name {
	case CustomMetadata:
		return l.take(l.groups.get(c.Group, now), CustomMetadata, 1, now)
	case IndexDocuments: // its documents count, once they are known
		return l.take(who, Others, 1, now)
	}
	return l.take(who, c.Name, 1, now)
}

// Documents counts the documents of a request of indexdocuments, once it has been read.
func (l *Limits) Documents(c grant.Caller, n int, at time.Time) error {
	if l == nil || n == 0 || l.rates[IndexDocuments].each == 0 {
		return nil
	}
	now := int64(at.Sub(l.start))
	return l.take(l.callers.get(c.Token(), now), IndexDocuments, int64(n), now)
}

func (l *Limits) take(b *buckets, name Name, n, now int64) error {
	r := l.rates[name]
	if r.each == 0 {
		return nil
	}
	wait := b[name].take(r, n, now)
	if wait == 0 {
		return nil
	}
	l.refused[name].Inc()
	f := fault.New(fault.TooMany, l.says[name])
	f.RetryAfter = wait
	return f
}

// site is what counts as one address: a whole /64 of IPv6, which one customer of a provider has (RFC 6177).
func site(address netip.Addr) netip.Prefix {
	if address.Is4() {
		return netip.PrefixFrom(address, 32)
	}
	if address = address.Unmap().WithZone(""); address.Is4() {
		return netip.PrefixFrom(address, 32)
	}
	p, _ := address.Prefix(64) // the zero Prefix for the zero Addr, which all share
	return p
}
