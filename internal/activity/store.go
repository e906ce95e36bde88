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

// kind is how records of one kind are kept.
type kind struct {
	table, key       string // the table, and its column beside the person
	keep             int    // rows of a person
	insert, conflict string
	row              func(name, record) []any // as insert names the columns
}

func views() kind {
	return kind{
		table: "views", key: "document", keep: MaxViews,
		insert: "INSERT INTO views (person, document, times, first_at, last_at) VALUES ",
		conflict: ` ON CONFLICT (person, document)
			DO UPDATE SET times = views.times + excluded.times,
			last_at = CASE WHEN excluded.last_at > views.last_at THEN excluded.last_at ELSE views.last_at END`,
		row: func(n name, r record) []any { return []any{n.person, n.of, r.times, r.first, r.last} },
	}
}

func searches() kind {
	return kind{
		table: "searches", key: "folded", keep: MaxSearches,
		insert: "INSERT INTO searches (person, folded, text, times, last_at) VALUES ",
		conflict: ` ON CONFLICT (person, folded)
			DO UPDATE SET text = excluded.text, times = searches.times + excluded.times,
			last_at = CASE WHEN excluded.last_at > searches.last_at THEN excluded.last_at ELSE searches.last_at END`,
		row: func(n name, r record) []any { return []any{n.person, n.of, r.text, r.times, r.last} },
	}
}

// save writes a batch in short transactions. It takes out of b what is durable.
func (l *Log) save(ctx context.Context, b batch) error {
	if err := l.saveAll(ctx, views(), b.views); err != nil {
		return err
	}
	return l.saveAll(ctx, searches(), b.searches)
}

func (l *Log) saveAll(ctx context.Context, k kind, records map[name]record) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(records)), rowsPerWrite) {
		rows := make([][]any, len(part))
		people := map[string]bool{}
		for i, n := range part {
			rows[i], people[n.person] = k.row(n, records[n]), true
		}
		err := l.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			if err := upsert(ctx, tx, k.insert, rows, k.conflict); err != nil {
				return err
			}
			return trim(ctx, tx, k.table, people, k.keep)
		})
		if err != nil {
			return err
		}
		for _, n := range part {
			delete(records, n)
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
	for _, k := range []kind{views(), searches()} {
		from := "SELECT person, " + k.key + " FROM " + k.table
		if err := l.removeAll(ctx, k, from+" WHERE last_at < $1 LIMIT $2", before, forgetRows); err != nil {
			return err
		}
		if err := l.removeAll(ctx, k, from+" WHERE person IN (SELECT id FROM people WHERE retired) LIMIT $1", forgetRows); err != nil {
			return err
		}
	}
	return nil
}

// removeAll removes the rows that a query names until it names none.
func (l *Log) removeAll(ctx context.Context, k kind, query string, args ...any) error {
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
			_, err := tx.Exec(ctx, "DELETE FROM "+k.table+" WHERE (person, "+k.key+") IN ("+query+")", args...)
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
	theirs := func(n name, _ record) bool { return n.person == person }
	l.mu.Lock()
	maps.DeleteFunc(l.pending.views, theirs)
	maps.DeleteFunc(l.pending.searches, theirs)
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
