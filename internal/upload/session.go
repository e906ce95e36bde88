package upload

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// State is how far a session is.
type State string

// The states. Of the sessions of one place only the newest can be open.
const (
	Open    State = "open"    // the contract's ACTIVE
	Closed  State = "closed"  // it has had its last page; the contract's SUCCESSFUL
	Dropped State = "dropped" // another took its place before its last page, or the database was put back
)

// Removal says what becomes of the things that a session left stale.
type Removal string

// The states of a removal.
const (
	None    Removal = ""        // nothing was stale
	Waiting Removal = "waiting" // it is under way, or about to be
	Paused  Removal = "paused"  // it is so much that it waits until PausedUntil, or for an administrator
	Covered Removal = "covered" // the same things are part of an earlier session's paused removal
	Done    Removal = "done"
	Refused Removal = "dropped" // an administrator keeps what was stale, until the next upload ends
)

// Session is a bulk upload, as of when it was read.
type Session struct {
	Seq        int64 // grows in the order of beginnings; the name of the session in this server
	Datasource string
	Kind       Kind
	Part       string
	ID         string // uploadId
	State      State
	// Mark is what Touch gave when the session began: things that were last written before it are stale.
	Mark  int64
	Pages int64 // that arrived, those that came twice counted twice
	Items int64 // in these
	// Started, Seen and Ended are the times of the first page, of the latest one, and of the end, which is zero while open.
	Started, Seen, Ended time.Time

	Removal     Removal
	Stale       int64 // things found stale when the removal began
	Removed     int64
	PausedUntil time.Time

	unchecked bool
	digest    string
	page      Page
}

const columns = `seq, datasource, kind, part, upload_id, state, mark, digest, pages, items, started_at, seen_at, ended_at,
	unchecked, removal, stale, removed, paused_until`

func scan(row sqldb.Scanner) (s Session, err error) {
	var kind, state, removal string
	var started, seen, ended, until int64
	err = row.Scan(&s.Seq, &s.Datasource, &kind, &s.Part, &s.ID, &state, &s.Mark, &s.digest, &s.Pages, &s.Items,
		&started, &seen, &ended, &s.unchecked, &removal, &s.Stale, &s.Removed, &until)
	s.Kind, s.State, s.Removal = Kind(kind), State(state), Removal(removal)
	s.Started, s.Seen, s.Ended, s.PausedUntil = sqldb.Time(started), sqldb.Time(seen), sqldb.Time(ended), sqldb.Time(until)
	return s, err
}

// latest returns the newest session of a place, or fault.NotFound.
func latest(ctx context.Context, tx *sqldb.Tx, datasource string, kind Kind, part string) (Session, error) {
	return sqldb.One(ctx, tx, scan, "SELECT "+columns+" FROM uploads WHERE datasource = $1 AND kind = $2 AND part = $3 ORDER BY seq DESC LIMIT 1",
		datasource, string(kind), part)
}

// knows reports whether there was ever a session with the page's ID in its place, as far as is remembered.
func knows(ctx context.Context, tx *sqldb.Tx, p Page) (bool, error) {
	n, err := sqldb.All(ctx, tx, sqldb.ScanInt, `SELECT seq FROM uploads WHERE datasource = $1 AND kind = $2 AND part = $3
		AND upload_id = $4 LIMIT 1`, p.Datasource, string(p.Kind), p.Part, p.ID)
	return len(n) > 0, err
}

// open begins a session in the place of the one that may be open there.
func open(ctx context.Context, tx *sqldb.Tx, p Page, now time.Time) (Session, error) {
	_, err := tx.Exec(ctx, "UPDATE uploads SET state = $4, ended_at = $5 WHERE datasource = $1 AND kind = $2 AND part = $3 AND state = $6",
		p.Datasource, string(p.Kind), p.Part, string(Dropped), now.UnixMicro(), string(Open))
	if err != nil {
		return Session{}, err
	}
	seq, err := tx.Next(ctx, "uploads", 1)
	if err != nil {
		return Session{}, err
	}
	mark, err := Touch(ctx, tx)
	if err != nil {
		return Session{}, err
	}
	s := Session{
		Seq: seq, Datasource: p.Datasource, Kind: p.Kind, Part: p.Part, ID: p.ID, State: Open, Mark: mark,
		Started: sqldb.Time(now.UnixMicro()), Seen: sqldb.Time(now.UnixMicro()),
	}
	_, err = tx.Exec(ctx, "INSERT INTO uploads ("+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, 0, $8, $8, 0, FALSE, '', 0, 0, 0)`,
		s.Seq, s.Datasource, string(s.Kind), s.Part, s.ID, string(s.State), s.Mark, now.UnixMicro())
	return s, err
}

// DropOpen ends every open session without its end. It is for a database that was put back to an earlier state: pages of
// theirs that were acknowledged since are gone, and at the last page what was in them would count as stale.
func DropOpen(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, "UPDATE uploads SET state = $1, ended_at = $2 WHERE state = $3", string(Dropped), time.Now().UnixMicro(), string(Open))
	return err
}

// Bounds of what is remembered of the sessions of one kind in one datasource. Those of the last hour are kept beyond keep,
// and those whose removal is still to come.
const (
	keep      = 200
	keepFresh = time.Hour
	keepOpen  = 30 * 24 * time.Hour // without a page
	pruneStep = 200                 // of the oldest that are looked at: a night's upload ends once for each of twenty thousand groups
)

// prune forgets old sessions.
func prune(ctx context.Context, tx *sqldb.Tx, datasource string, kind Kind) error {
	now := time.Now()
	_, err := tx.Exec(ctx, `DELETE FROM uploads WHERE seq IN (SELECT seq FROM
		(SELECT seq, state, ended_at, seen_at, removal FROM uploads WHERE datasource = $1 AND kind = $2 ORDER BY seq LIMIT $9) AS oldest
		WHERE seq < (SELECT MIN(seq) FROM (SELECT seq FROM uploads WHERE datasource = $1 AND kind = $2 ORDER BY seq DESC LIMIT $3) AS newest)
		AND (state <> $4 AND ended_at < $5 AND removal NOT IN ($6, $7) OR state = $4 AND seen_at < $8))`,
		datasource, string(kind), keep, string(Open), now.Add(-keepFresh).UnixMicro(), string(Waiting), string(Paused),
		now.Add(-keepOpen).UnixMicro(), pruneStep)
	return err
}

// Recent returns the last n sessions of a kind in a datasource, the newest first: at least those of the last hour and 200
// besides are remembered.
func Recent(ctx context.Context, db *sqldb.DB, datasource string, kind Kind, n int) (list []Session, err error) {
	err = db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, "SELECT "+columns+" FROM uploads WHERE datasource = $1 AND kind = $2 ORDER BY seq DESC LIMIT $3",
			datasource, string(kind), n)
		return err
	})
	return list, err
}
