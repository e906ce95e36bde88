package authority

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// useEvery is how exactly last uses are known: each is written at most once in this time.
	useEvery = int64(time.Minute / time.Microsecond)
	// writeUsesEvery is how often noted uses go to SQL, all together.
	writeUsesEvery = 5 * time.Second
	// usesPerWrite keeps one transaction on the bulk lane to a few milliseconds.
	usesPerWrite = 100
)

// mark is when a credential was last used, in microseconds. Every admission of one credential shares
// it, and it outlives them.
type mark struct {
	name markName
	at   atomic.Int64
}

type markName struct {
	kind kind
	id   string
}

// usage notes when credentials are used, so that a use costs one comparison and SQL hears of it
// seldom and late.
type usage struct {
	mu      sync.Mutex // guards both maps
	marks   map[markName]*mark
	pending map[*mark]int64
}

func newUsage() *usage {
	return &usage{marks: map[markName]*mark{}, pending: map[*mark]int64{}}
}

// mark returns the mark of a credential whose last use SQL has as lastUsed.
func (u *usage) mark(k kind, id string, lastUsed int64) *mark {
	u.mu.Lock()
	defer u.mu.Unlock()
	name := markName{k, id}
	m := u.marks[name]
	if m == nil {
		m = &mark{name: name}
		u.marks[name] = m
	}
	if m.at.Load() < lastUsed {
		m.at.Store(lastUsed)
	}
	return m
}

// touch notes a use, at most once a minute.
func (u *usage) touch(m *mark, now int64) {
	last := m.at.Load()
	if now-last < useEvery || !m.at.CompareAndSwap(last, now) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending[m] = now
}

// take returns the noted uses, and forgets marks of credentials that are no longer in use.
func (u *usage) take(now int64) map[*mark]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	noted := u.pending
	u.pending = map[*mark]int64{}
	maps.DeleteFunc(u.marks, func(_ markName, m *mark) bool {
		_, waits := noted[m]
		return !waits && now-m.at.Load() > 10*useEvery
	})
	return noted
}

// giveBack notes uses again that could not be written.
func (u *usage) giveBack(noted map[*mark]int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for m, at := range noted {
		u.pending[m] = max(u.pending[m], at)
	}
}

// writeUses writes the noted uses. It raises no version: admission does not depend on them.
func (a *Authority) writeUses(ctx context.Context) error {
	noted := a.usage.take(a.now())
	for part := range slices.Chunk(slices.Collect(maps.Keys(noted)), usesPerWrite) {
		err := a.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			for _, m := range part {
				if err := writeUse(ctx, tx, m.name, noted[m]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			a.usage.giveBack(noted)
			return err
		}
		for _, m := range part {
			delete(noted, m)
		}
	}
	return nil
}

// writeUse writes one use, unless another node has written one within the minute.
func writeUse(ctx context.Context, tx *sqldb.Tx, name markName, at int64) error {
	var err error
	switch name.kind {
	case clientSecret:
		_, err = tx.Exec(ctx, "UPDATE client_tokens SET last_used_at = $1 WHERE id = $2 AND last_used_at <= $3", at, name.id, at-useEvery)
	case indexingSecret:
		_, err = tx.Exec(ctx, "UPDATE indexing_tokens SET last_used_at = $1 WHERE id = $2 AND last_used_at <= $3", at, name.id, at-useEvery)
	case scimSecret:
		_, err = tx.Exec(ctx, "UPDATE scim_tokens SET last_used_at = $1 WHERE id = $2 AND last_used_at <= $3", at, name.id, at-useEvery)
	case sessionSecret:
		if _, err = tx.Exec(ctx, "UPDATE sessions SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1", at, name.id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE signins SET last_at = $1 WHERE last_at < $1 AND person = (SELECT person FROM sessions WHERE id = $2)", at, name.id)
	}
	return err
}
