package sqldb

import (
	"context"
	"database/sql"
	"log/slog"
	"sync/atomic"
	"time"
)

// statistics keeps what PostgreSQL's planner knows of the tables in step with mass loads. Autovacuum looks about once a
// minute, and until it has looked, plans for tables that were empty a moment ago read all of them.
type statistics struct {
	db      *sql.DB
	log     *slog.Logger
	changed atomic.Int64 // rows since the start
	stop    context.CancelFunc
	done    chan struct{}
}

const (
	// analyseAfter is how many changed rows are a mass load, where they are a tenth of all so far too.
	analyseAfter = 5000
	// analyseShare bounds the share of time that is spent on it: one part in so many.
	analyseShare = 20
)

func newStatistics(db *sql.DB, log *slog.Logger) *statistics {
	ctx, stop := context.WithCancel(context.Background())
	s := &statistics{db: db, log: log, stop: stop, done: make(chan struct{})}
	go s.run(ctx)
	return s
}

func (s *statistics) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	seen, rest := int64(0), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.changed.Load()
		if now-seen < max(analyseAfter, now/10) || time.Now().Before(rest) {
			continue
		}
		begun := time.Now()
		if _, err := s.db.ExecContext(ctx, "ANALYZE"); err != nil && ctx.Err() == nil {
			s.log.Warn("the planner's statistics are as old as autovacuum leaves them", "err", err)
		}
		seen, rest = now, time.Now().Add(analyseShare*time.Since(begun))
	}
}

func (s *statistics) close() error {
	s.stop()
	<-s.done
	return s.db.Close()
}
