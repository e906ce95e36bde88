package audit

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const columns = `seq, at, actor, actor_name, acted_as, acted_as_name, token, action, subject, subject_name,
	address, request_id, outcome, detail`

const (
	day = int64(24 * time.Hour / time.Microsecond)
	// insertRows keeps a statement's parameters below a thousand.
	insertRows = 60
	// forgetRows is what one transaction removes: a few milliseconds of the bulk lane.
	forgetRows = 1000
	// forgetEvery is how often old entries are looked for.
	forgetEvery = time.Hour
)

// insert writes entries in tx, in their order.
func insert(ctx context.Context, tx *sqldb.Tx, entries []Entry) error {
	seq, err := tx.Next(ctx, "audit", int64(len(entries)))
	if err != nil {
		return err
	}
	for len(entries) > 0 {
		n := min(len(entries), insertRows)
		if err := insertChunk(ctx, tx, seq, entries[:n]); err != nil {
			return err
		}
		entries, seq = entries[n:], seq+int64(n)
	}
	return nil
}

func insertChunk(ctx context.Context, tx *sqldb.Tx, seq int64, entries []Entry) error {
	const width = 15
	var values strings.Builder
	args := make([]any, 0, width*len(entries))
	for i, e := range entries {
		if i > 0 {
			values.WriteString(", ")
		}
		values.WriteString(sqldb.In(i*width+1, width))
		at := e.At.UnixMicro()
		args = append(args, seq+int64(i), dayOf(at), at, e.Actor, e.ActorName, e.ActedAs, e.ActedAsName, e.Token,
			e.Action, e.Subject, e.SubjectName, e.Address, e.RequestID, e.Outcome, e.Detail)
	}
	_, err := tx.Exec(ctx, `INSERT INTO audit_log (seq, day, at, actor, actor_name, acted_as, acted_as_name, token,
		action, subject, subject_name, address, request_id, outcome, detail) VALUES `+values.String(), args...)
	return err
}

// dayOf counts days from 1970, also before it.
func dayOf(at int64) int64 {
	if at < 0 {
		return (at+1)/day - 1
	}
	return at / day
}

// forget removes old entries while the log is open.
func (l *Log) forget() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-l.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		if _, err := l.Prune(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Log.Warn("old audit entries cannot be removed", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Prune removes the entries of days that lie wholly before the retention, and returns how many. The
// log does so by itself every hour.
func (l *Log) Prune(ctx context.Context) (int64, error) {
	if l.cfg.Retention < 0 {
		return 0, nil
	}
	before := dayOf(l.cfg.Now().Add(-l.cfg.Retention).UnixMicro())
	var total int64
	for {
		// A read first: most times there is nothing to do, and a write would take the writer's turn.
		var end int64
		err := l.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			end, err = sqldb.One(ctx, tx, sqldb.ScanInt, `SELECT COALESCE(MAX(seq), 0) FROM
				(SELECT seq FROM audit_log WHERE day < $1 ORDER BY day, seq LIMIT $2) AS old`, before, forgetRows)
			return err
		})
		if err != nil || end == 0 {
			return total, err
		}
		var n int64
		err = l.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
			n, err = tx.Exec(ctx, `DELETE FROM audit_log WHERE seq IN
				(SELECT seq FROM audit_log WHERE day < $1 ORDER BY day, seq LIMIT $2)`, before, forgetRows)
			return err
		})
		total += n
		if err != nil {
			return total, err
		}
	}
}

// Filter chooses entries. Its zero value chooses the newest of all.
type Filter struct {
	// Actor is the id of a person or token: entries that it did, or that were done as it.
	Actor string
	// Token is the id of a credential: entries that were done with it.
	Token string
	// Subject is the id of a thing: entries about it.
	Subject string
	// Action is matched as a whole.
	Action string
	// From and To bound the time, From included and To not. Zero is no bound.
	From, To time.Time
	// Cursor is Page.Cursor of the page before.
	Cursor string
	// Limit is the greatest number of entries: 1 to 1000, and 100 where it is zero.
	Limit int
}

// Page is a part of the log, newest first. Cursor is "" on the last one.
type Page struct {
	Entries []Entry
	Cursor  string
}

// List returns the entries that f chooses, newest first. Entries that are still queued are not among
// them: Flush first to see one's own.
func (l *Log) List(ctx context.Context, f Filter) (Page, error) {
	before := int64(1) << 62
	if f.Cursor != "" {
		n, err := strconv.ParseInt(f.Cursor, 10, 64)
		if err != nil || n < 1 {
			return Page{}, fault.New(fault.Invalid, "The cursor is not one that this list gave out.").WithField("cursor")
		}
		before = n
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return Page{}, fault.New(fault.Invalid, "limit must be 1 to 1000.").WithField("limit")
	}
	var page Page
	err := l.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		after := int64(0)
		if before, after, err = narrow(ctx, tx, f, before); err != nil {
			return err
		}
		query, args := f.query(before, after)
		page.Entries, err = sqldb.All(ctx, tx, scan, query, args...)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	if len(page.Entries) > f.Limit {
		page.Entries = page.Entries[:f.Limit]
		page.Cursor = strconv.FormatInt(page.Entries[f.Limit-1].Seq, 10)
	}
	return page, nil
}

// narrow turns the bounds of time into bounds of seq, so that a look far back reads no rows between.
// Entries are committed within seconds, so the order of seq is that of time but for neighbours: whatever
// lies a whole day further is surely outside.
func narrow(ctx context.Context, tx *sqldb.Tx, f Filter, before int64) (int64, int64, error) {
	after := int64(0)
	if !f.To.IsZero() {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, `SELECT COALESCE(MIN(seq), 0) FROM audit_log WHERE day =
			(SELECT MIN(day) FROM audit_log WHERE day > $1)`, dayOf(f.To.UnixMicro())+1)
		if err != nil {
			return 0, 0, err
		}
		if n > 0 {
			before = min(before, n)
		}
	}
	if !f.From.IsZero() {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, `SELECT COALESCE(MAX(seq), 0) FROM audit_log WHERE day =
			(SELECT MAX(day) FROM audit_log WHERE day < $1)`, dayOf(f.From.UnixMicro())-1)
		if err != nil {
			return 0, 0, err
		}
		after = n
	}
	return before, after, nil
}

// query is the statement for one page and one entry more.
func (f Filter) query(before, after int64) (string, []any) {
	args := []any{before, after, f.Limit + 1}
	where := "seq < $1 AND seq > $2"
	add := func(column, op string, value any) {
		args = append(args, value)
		where += " AND " + column + " " + op + " $" + strconv.Itoa(len(args))
	}
	for _, is := range []struct{ column, value string }{{"token", f.Token}, {"subject", f.Subject}, {"action", f.Action}} {
		if is.value != "" {
			add(is.column, "=", is.value)
		}
	}
	if !f.From.IsZero() {
		add("at", ">=", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		add("at", "<", f.To.UnixMicro())
	}
	const newest = " ORDER BY seq DESC LIMIT $3"
	if f.Actor == "" {
		return "SELECT " + columns + " FROM audit_log WHERE " + where + newest, args
	}
	// One index each for who did it and as whom it was done; UNION drops the rows found by both.
	args = append(args, f.Actor)
	who := " = $" + strconv.Itoa(len(args)) + newest + ")"
	part := "SELECT * FROM (SELECT " + columns + " FROM audit_log WHERE " + where + " AND "
	return part + "actor" + who + " AS did UNION " + part + "acted_as" + who + " AS acted" + newest, args
}

func scan(s sqldb.Scanner) (e Entry, err error) {
	var at int64
	err = s.Scan(&e.Seq, &at, &e.Actor, &e.ActorName, &e.ActedAs, &e.ActedAsName, &e.Token, &e.Action, &e.Subject,
		&e.SubjectName, &e.Address, &e.RequestID, &e.Outcome, &e.Detail)
	e.At = sqldb.Time(at)
	return e, err
}
