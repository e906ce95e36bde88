package corpus

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// ReindexNames is the kind of job that brings people's new names into the index: documents are found by the names of their authors, which the
// index holds as they were when it took the document.
const ReindexNames job.Kind = "reindex-names"

// When changed people are looked after: once they have rested, so that a load of many is one job, and in any case after a while.
const (
	namesEvery  = 500 * time.Millisecond
	namesRest   = time.Second
	namesAtMost = time.Minute
)

// WatchNames has a job look after the documents of people whose names change, until ctx ends. The server runs it.
func (c *Corpus) WatchNames(ctx context.Context, caller grant.Caller, log *slog.Logger) {
	if maintains(caller) != nil {
		return
	}
	// The first start of a database remembers who there is at once, so that nothing that changes from then on is missed.
	filled := false
	err := c.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		filled, err = namesFilled(ctx, tx)
		return err
	})
	if err == nil && !filled {
		if err := c.FollowNames(ctx, caller); err != nil && ctx.Err() == nil {
			log.Warn("the names of authors are not remembered yet", "err", err)
		}
	}
	tick := time.NewTicker(namesEvery)
	defer tick.Stop()
	var seen *directory.Roster
	first, last := time.Time{}, time.Time{} // of the changes not yet looked after
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			roster, err := c.dir.Roster(ctx)
			if err != nil {
				continue // readers meet the same error and say so
			}
			if roster != seen {
				if seen, last = roster, now; first.IsZero() {
					first = now
				}
			}
			if first.IsZero() || now.Sub(last) < namesRest && now.Sub(first) < namesAtMost {
				continue
			}
			err = c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error { return job.EnqueueOnce(ctx, tx, ReindexNames, "") })
			if err == nil {
				first = time.Time{}
			} else if ctx.Err() == nil {
				log.Warn("new names of authors are not brought into the index yet", "err", err)
			}
		}
	}
}

// FollowNames brings new names of people into the index at once, for the server itself. Who loads people and then their
// documents spares the index to take all of those twice.
func (c *Corpus) FollowNames(ctx context.Context, caller grant.Caller) error {
	_, err := c.reindexNames(ctx, caller, func(int64, int64) {})
	return err
}

// namesFact is the name in sqldb's table meta of the fact that author_names was filled.
const namesFact = "author-names"

// reindexNames puts the documents of people whose names have changed into the queue, and remembers the names.
func (c *Corpus) reindexNames(ctx context.Context, caller grant.Caller, report func(done, total int64)) (string, error) {
	if err := maintains(caller); err != nil {
		return "", err
	}
	roster, err := c.dir.Roster(ctx)
	if err != nil {
		return "", err
	}
	now := map[string]string{}
	for _, p := range roster.Everyone() {
		for _, address := range p.Addresses {
			now[address] = p.Name + "\n" + p.Email
		}
	}
	before, filled, err := c.knownNames(ctx)
	if err != nil {
		return "", err
	}
	changed := map[string]bool{}
	for address, shown := range now {
		if before[address] != shown {
			changed[address] = true
		}
	}
	for address := range before {
		if _, there := now[address]; !there {
			changed[address] = true
		}
	}
	done := int64(0)
	if filled && len(changed) > 0 {
		if done, err = c.reindexAuthors(ctx, changed, report); err != nil {
			return "", err
		}
	}
	if err := c.rememberNames(ctx, now, changed); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d documents whose authors' names have changed were put into the index anew.", done), nil
}

// namesFilled reports whether names were ever remembered: an index of before was built with the names of its time, and is built anew at the start.
func namesFilled(ctx context.Context, tx *sqldb.Tx) (bool, error) {
	_, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT value FROM meta WHERE name = $1", namesFact)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil, err
}

// knownNames returns the names under which authors are indexed, and whether they were ever remembered.
func (c *Corpus) knownNames(ctx context.Context) (names map[string]string, filled bool, err error) {
	type row struct{ address, shown string }
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.address, &r.shown); return r, err }
	names = map[string]string{}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		for r, err := range sqldb.Each(ctx, tx, scan, "SELECT address, shown FROM author_names") {
			if err != nil {
				return err
			}
			names[r.address] = r.shown
		}
		filled, err = namesFilled(ctx, tx)
		return err
	})
	return names, filled, err
}

// authorsStep is how many documents are looked at between two transactions.
const authorsStep = 500

// reindexAuthors looks at every document for its people.
func (c *Corpus) reindexAuthors(ctx context.Context, changed map[string]bool, report func(done, total int64)) (done int64, err error) {
	scan := func(row sqldb.Scanner) (*Document, error) {
		d := &Document{}
		var meta string
		if err := row.Scan(&d.Key, &d.Datasource, &meta); err != nil {
			return nil, err
		}
		var people struct {
			Author    User `json:"author"`
			Owner     User `json:"owner"`
			UpdatedBy User `json:"updatedBy"`
		}
		if err := json.Unmarshal([]byte(meta), &people); err != nil {
			return nil, fmt.Errorf("stored document %s: %w", d.Key, err)
		}
		d.Author, d.Owner, d.UpdatedBy = people.Author, people.Owner, people.UpdatedBy
		return d, nil
	}
	for after := ""; ; {
		docs := map[string]*Document{}
		err := c.db.Read(ctx, func(tx *sqldb.Tx) error {
			for d, err := range sqldb.Each(ctx, tx, scan, "SELECT key, datasource, meta FROM documents WHERE key > $1 ORDER BY key LIMIT $2", after, authorsStep) {
				if err != nil {
					return err
				}
				docs[d.Key] = d
			}
			return fillUsers(ctx, tx, docs)
		})
		if err != nil || len(docs) == 0 {
			return done, err
		}
		keys := slices.Sorted(maps.Keys(docs))
		after = keys[len(keys)-1]
		keys = slices.DeleteFunc(keys, func(key string) bool {
			d := docs[key]
			return !slices.ContainsFunc(d.people(), func(u *User) bool {
				address, err := directory.FoldEmail(u.Email)
				return err == nil && changed[address]
			})
		})
		for part := range slices.Chunk(keys, reindexStep) {
			if err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error { return c.reindex(ctx, tx, part) }); err != nil {
				return done, err
			}
			done += int64(len(part))
			report(done, 0)
		}
	}
}

// rememberNames keeps the names that the index has from now on.
func (c *Corpus) rememberNames(ctx context.Context, now map[string]string, changed map[string]bool) error {
	for part := range slices.Chunk(slices.Sorted(maps.Keys(changed)), reindexStep) {
		err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			for _, address := range part {
				shown, there := now[address]
				if !there {
					if _, err := tx.Exec(ctx, "DELETE FROM author_names WHERE address = $1", address); err != nil {
						return err
					}
					continue
				}
				_, err := tx.Exec(ctx, "INSERT INTO author_names (address, shown) VALUES ($1, $2) ON CONFLICT (address) DO UPDATE SET shown = excluded.shown", address, shown)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '1') ON CONFLICT (name) DO NOTHING", namesFact)
		return err
	})
}
