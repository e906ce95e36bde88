package activity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// rowsPerWrite keeps one transaction on the bulk lane to a few milliseconds, and a statement's parameters below
	// a thousand.
	rowsPerWrite = 150
	// forgetRows is what one transaction removes.
	forgetRows = 1000
	// forgetEvery is how often old activity, and that of people who are gone, is looked for.
	forgetEvery    = time.Hour
	listParameters = 900
)

// save writes a batch in short transactions. It takes out of b what is durable.
func (l *Log) save(ctx context.Context, b batch) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(b.views)), rowsPerWrite) {
		rows := make([][]any, len(part))
		people := map[string]bool{}
		for i, n := range part {
			r := b.views[n]
			rows[i], people[n.person] = []any{n.person, n.document, r.times, r.first, r.last}, true
		}
		err := l.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			err := upsert(ctx, tx, "INSERT INTO views (person, document, times, first_at, last_at) VALUES ", rows, ` ON CONFLICT (person, document)
				DO UPDATE SET times = views.times + excluded.times,
				last_at = CASE WHEN excluded.last_at > views.last_at THEN excluded.last_at ELSE views.last_at END`)
			if err != nil {
				return err
			}
			return trim(ctx, tx, "views", people, MaxViews)
		})
		if err != nil {
			return err
		}
		for _, n := range part {
			delete(b.views, n)
		}
	}
	for part := range slices.Chunk(slices.Collect(maps.Keys(b.searches)), rowsPerWrite) {
		rows := make([][]any, len(part))
		people := map[string]bool{}
		for i, n := range part {
			r := b.searches[n]
			rows[i], people[n.person] = []any{n.person, n.folded, r.text, r.times, r.last}, true
		}
		err := l.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			err := upsert(ctx, tx, "INSERT INTO searches (person, folded, text, times, last_at) VALUES ", rows, ` ON CONFLICT (person, folded)
				DO UPDATE SET text = excluded.text, times = searches.times + excluded.times,
				last_at = CASE WHEN excluded.last_at > searches.last_at THEN excluded.last_at ELSE searches.last_at END`)
			if err != nil {
				return err
			}
			return trim(ctx, tx, "searches", people, MaxSearches)
		})
		if err != nil {
			return err
		}
		for _, n := range part {
			delete(b.searches, n)
		}
	}
	return nil
}

// upsert writes rows of one statement, all of one width.
func upsert(ctx context.Context, tx *sqldb.Tx, insert string, rows [][]any, conflict string) error {
	var values strings.Builder
	var args []any
	for i, row := range rows {
		if i > 0 {
			values.WriteString(", ")
		}
		values.WriteString(sqldb.In(len(args)+1, len(row)))
		args = append(args, row...)
	}
	_, err := tx.Exec(ctx, insert+values.String()+conflict, args...)
	return err
}

// trim removes what of these people lies behind their newest rows.
func trim(ctx context.Context, tx *sqldb.Tx, table string, people map[string]bool, keep int) error {
	for person := range people {
		_, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE person = $1 AND last_at < (SELECT last_at FROM "+table+
			" WHERE person = $1 ORDER BY last_at DESC LIMIT 1 OFFSET $2)", person, keep-1)
		if err != nil {
			return err
		}
	}
	return nil
}

// forget removes what is old while the log is open.
func (l *Log) forget(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		if err := l.Prune(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Log.Warn("old activity cannot be removed", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Prune removes what is older than the retention, and what was done by people who are gone for good. The log does so
// by itself every hour.
func (l *Log) Prune(ctx context.Context) error {
	before := int64(0)
	if l.cfg.Retention > 0 {
		before = sqldb.Micros(l.cfg.Now().Add(-l.cfg.Retention))
	}
	for _, table := range []struct{ name, key string }{{"views", "document"}, {"searches", "folded"}} {
		old := "SELECT person, " + table.key + " FROM " + table.name + " WHERE last_at < $1 LIMIT $2"
		if err := l.removeAll(ctx, table.name, table.key, old, before, forgetRows); err != nil {
			return err
		}
		gone := "SELECT person, " + table.key + " FROM " + table.name + " WHERE person IN (SELECT id FROM people WHERE retired) LIMIT $1"
		if err := l.removeAll(ctx, table.name, table.key, gone, forgetRows); err != nil {
			return err
		}
	}
	return nil
}

// removeAll removes the rows that a query names until it names none.
func (l *Log) removeAll(ctx context.Context, table, key, query string, args ...any) error {
	for {
		// A read first: most times there is nothing to do, and a write would take the writer's turn.
		some := false
		err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
			found, err := sqldb.All(ctx, tx, func(s sqldb.Scanner) (t string, err error) { var k string; err = s.Scan(&t, &k); return t, err }, query, args...)
			some = len(found) > 0
			return err
		})
		if err != nil || !some {
			return err
		}
		err = l.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE (person, "+key+") IN ("+query+")", args...)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// Erase removes everything that a person did, at once.
func (l *Log) Erase(ctx context.Context, person string) error {
	l.writing.Lock() // what is being written is gone with the rest
	defer l.writing.Unlock()
	l.mu.Lock()
	maps.DeleteFunc(l.pending.views, func(n viewName, _ record) bool { return n.person == person })
	maps.DeleteFunc(l.pending.searches, func(n searchName, _ record) bool { return n.person == person })
	l.mu.Unlock()
	l.typed.drop(person)
	return l.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM views WHERE person = $1", person); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM searches WHERE person = $1", person)
		return err
	})
}
