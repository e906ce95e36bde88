package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// shards divides a table so that processors seldom wait for each other. A power of two.
const shards = 32

// sweepEvery is how often a full shard looks for what is idle.
const sweepEvery = int64(time.Second)

// table keeps the buckets of a bounded number of keys.
type table[K comparable] struct {
	seed  maphash.Seed
	limit int // of one shard
	parts [shards]shard[K]
}

type shard[K comparable] struct {
	mu    sync.Mutex // guards the rest
	by    map[K]*buckets
	swept int64
}

func newTable[K comparable](size int) *table[K] {
	t := &table[K]{seed: maphash.MakeSeed(), limit: max(1, size/shards)}
	for i := range t.parts {
		t.parts[i] = shard[K]{by: map[K]*buckets{}, swept: -sweepEvery}
	}
	return t
}

// get returns the buckets of k, full ones where k is new.
func (t *table[K]) get(k K, now int64) *buckets {
	s := &t.parts[maphash.Comparable(t.seed, k)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.by[k]
	if b == nil {
		s.makeRoom(t.limit, now)
		b = new(buckets)
		s.by[k] = b
	}
	return b
}

// makeRoom keeps a shard within its bound: keys that nothing is counted of go first, at most once a second, and then any. Who
// can send from thousands of addresses could be forgotten so; the limit of the server holds all the same.
func (s *shard[K]) makeRoom(limit int, now int64) {
	if len(s.by) < limit {
		return
	}
	if now-s.swept >= sweepEvery {
		s.swept = now
		for k, b := range s.by {
			if b.idle(now) {
				delete(s.by, k)
			}
		}
	}
	for k := range s.by {
		if len(s.by) < limit {
			return
		}
		delete(s.by, k)
	}
}

func (t *table[K]) len() int {
	n := 0
	for i := range t.parts {
		s := &t.parts[i]
		s.mu.Lock()
		n += len(s.by)
		s.mu.Unlock()
	}
	return n
}
