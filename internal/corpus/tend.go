package corpus

import (
	"context"
	"log/slog"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	tendEvery  = time.Second
	sweepEvery = 6 * time.Hour
	// keepEvents is how long the life of a document that is gone is remembered; the contract lets connectors look 30 days back.
	keepEvents = 31 * 24 * time.Hour
	// keepDays is how long the numbers of a day are kept, for plots of weeks.
	keepDays = 100
	keepRuns = 90 * 24 * time.Hour
	// sweepStep is how many documents a look through their lives takes at once.
	sweepStep = 500
)

// Tend writes down what is noted in memory and forgets what is old, until ctx ends. One goroutine of a server runs it, for the
// server itself.
func (c *Corpus) Tend(ctx context.Context, caller grant.Caller, log *slog.Logger) {
	if maintains(caller) != nil {
		return
	}
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	swept := time.Now().Add(-sweepEvery + time.Minute) // not while the server starts
	for {
		last := false
		select {
		case <-ctx.Done():
			last = true
		case <-tick.C:
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		for _, keep := range []func(context.Context) error{c.keepMarks, c.keepRefused} {
			if err := keep(end); err != nil {
				log.Warn("notes about datasources are not written", "err", err)
			}
		}
		cancel()
		if last {
			return
		}
		if time.Since(swept) > sweepEvery {
			swept = time.Now()
			if err := c.sweep(ctx, swept); err != nil && ctx.Err() == nil {
				log.Warn("old notes about datasources are not removed", "err", err)
			}
		}
	}
}

// sweep forgets what is too old at a time.
func (c *Corpus) sweep(ctx context.Context, now time.Time) error {
	err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		for _, step := range []struct {
			statement string
			before    int64
		}{
			{"DELETE FROM refusals WHERE at < $1", now.Add(-keepRefusals).UnixMicro()},
			{"DELETE FROM datasource_days WHERE day < $1", now.UnixMicro()/microsPerDay - keepDays},
			{"DELETE FROM process_runs WHERE asked_at < $1 AND ended_at > 0", now.Add(-keepRuns).UnixMicro()},
			// Of each hour the last mark stays: until then everything up to it was shown.
			{`DELETE FROM index_marks WHERE at < $1 AND pos NOT IN (SELECT MAX(pos) FROM index_marks WHERE at < $1 GROUP BY at / 3600000000)`, now.Add(-keepEvents).UnixMicro()},
		} {
			if _, err := tx.Exec(ctx, step.statement, step.before); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.sweepEvents(ctx, now.Add(-keepEvents).UnixMicro())
}

// sweepEvents forgets the lives of documents that are gone since before a time.
func (c *Corpus) sweepEvents(ctx context.Context, before int64) error {
	type life struct{ key, tail string }
	scan := func(s sqldb.Scanner) (l life, err error) { err = s.Scan(&l.key, &l.tail); return l, err }
	for after := ""; ; {
		var page []life
		err := c.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			page, err = sqldb.All(ctx, tx, scan, "SELECT key, tail FROM document_events WHERE key > $1 ORDER BY key LIMIT $2", after, sweepStep)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].key
		var old []string
		for _, l := range page {
			list, err := happenings(l.tail)
			if err != nil {
				return err
			}
			if n := len(list); n == 0 || list[n-1].at < before {
				old = append(old, l.key)
			}
		}
		if len(old) == 0 {
			continue
		}
		err = c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM document_events WHERE key IN `+sqldb.In(1, len(old))+`
				AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.key = document_events.key)`, sqldb.Args(old)...)
			return err
		})
		if err != nil {
			return err
		}
	}
}
