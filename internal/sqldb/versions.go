package sqldb

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// pollEvery is how often the versions are read. The promise is 250 ms, start to start; the rest is
// for the read itself and a busy scheduler.
const pollEvery = 200 * time.Millisecond

// versions keeps the named versions of the database in memory.
type versions struct {
	back backend
	log  *slog.Logger
	view atomic.Pointer[view]

	mu  sync.Mutex // guards changes of view, seq and own
	seq int64      // counts the commits of this process that raised something
	own map[string]int64

	reading chan struct{} // holds one value while a read is under way
	ended   context.Context
	end     context.CancelFunc
	stopped chan struct{}
}

// view is what Version shows; it never changes.
type view struct {
	n      map[string]int64
	readAt time.Time
}

func newVersions(back backend, log *slog.Logger) *versions {
	v := &versions{back: back, log: log, own: map[string]int64{}, reading: make(chan struct{}, 1), stopped: make(chan struct{})}
	v.ended, v.end = context.WithCancel(context.Background())
	v.view.Store(&view{n: map[string]int64{}})
	return v
}

// Version returns a named version from memory: 0 for one that was never raised. This process's own
// changes are in it before their Write returns. readAt is when the last read of all versions that
// succeeded was begun: whatever others had committed by then is in it. A caller that needs to be at
// most a second behind the other nodes compares it with now, and asks ReadVersion when it is older.
//
// Compare versions for equality: after a restore one may be lower than before.
func (db *DB) Version(name string) (n int64, readAt time.Time) {
	v := db.versions.view.Load()
	return v.n[name], v.readAt
}

// ReadVersion asks the database for a named version now. Every other version in memory is brought
// up to date by the way.
func (db *DB) ReadVersion(ctx context.Context, name string) (int64, error) {
	if db.writer.closing() {
		return 0, closed()
	}
	if err := db.versions.read(ctx); err != nil {
		return 0, err
	}
	n, _ := db.Version(name)
	return n, nil
}

// poll reads the versions until stop.
func (v *versions) poll() {
	defer close(v.stopped)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-v.ended.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(v.ended, 2*time.Second)
		err := v.read(ctx)
		cancel()
		switch {
		case v.ended.Err() != nil:
			return
		case err != nil && !away:
			v.log.Warn("the database does not answer", "err", err)
		case err == nil && away:
			v.log.Info("the database answers again")
		}
		away = err != nil
	}
}

func (v *versions) stop() {
	v.end()
	<-v.stopped
}

type version struct {
	name string
	n    int64
}

// read reads all versions. A read that comes while another is under way waits, and is spared where
// a third one was begun after it came.
func (v *versions) read(ctx context.Context) error {
	asked := time.Now()
	select {
	case v.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-v.reading }()
	if v.view.Load().readAt.After(asked) {
		return nil
	}
	v.mu.Lock()
	seq := v.seq
	v.mu.Unlock()
	began := time.Now()
	c, err := v.back.watcher(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	tx := &Tx{c: c}
	list, err := All(ctx, tx, func(s Scanner) (r version, err error) {
		err = s.Scan(&r.name, &r.n)
		return r, err
	}, "SELECT name, n FROM versions")
	v.back.endWatch(c, err == nil)
	if err != nil {
		return err
	}
	v.absorb(list, began, seq)
	return nil
}

// absorb takes over what a read found that began at seq. What this process has committed since is
// newer than the read may know.
func (v *versions) absorb(list []version, began time.Time, seq int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.view.Load()
	n := make(map[string]int64, len(list))
	for _, r := range list {
		n[r.name] = r.n
	}
	for name, at := range v.own {
		if at <= seq {
			delete(v.own, name)
			continue
		}
		n[name] = max(n[name], old.n[name])
	}
	if maps.Equal(n, old.n) {
		n = old.n
	}
	v.view.Store(&view{n: n, readAt: began})
}

// set takes over what a transaction of this process has raised.
func (v *versions) set(raised map[string]int64) {
	if len(raised) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seq++
	old := v.view.Load()
	n := maps.Clone(old.n)
	for name, to := range raised {
		n[name] = to
		v.own[name] = v.seq
	}
	v.view.Store(&view{n: n, readAt: old.readAt})
}
