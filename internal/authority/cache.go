package authority

import "sync"

// cacheShards divides the cache so that processors seldom wait for each other. A power of two.
const cacheShards = 32

// cache keeps a bounded number of admissions. It knows nothing of their validity.
type cache struct {
	shards [cacheShards]shard
	limit  int // of one shard
}

type shard struct {
	mu   sync.RWMutex // guards kept
	kept map[key]*admission
}

func newCache(size int) *cache {
	c := &cache{limit: max(1, size/cacheShards)}
	for i := range c.shards {
		c.shards[i].kept = map[key]*admission{}
	}
	return c
}

// shard is chosen by the fingerprint alone; a hash spreads evenly.
func (c *cache) shard(k key) *shard { return &c.shards[k.fingerprint[0]%cacheShards] }

func (c *cache) get(k key) *admission {
	s := c.shard(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kept[k]
}

// put keeps adm. A full shard gives up what is out of date first, and else any admission: what is
// used comes back with one look-up.
func (c *cache) put(k key, adm *admission) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.kept[k]; !there && len(s.kept) >= c.limit {
		for old, kept := range s.kept {
			if kept.version != adm.version {
				delete(s.kept, old)
			}
		}
		for old := range s.kept {
			if len(s.kept) < c.limit {
				break
			}
			delete(s.kept, old)
		}
	}
	s.kept[k] = adm
}
