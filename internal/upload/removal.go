package upload

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// RemoveStale is the kind of job that removes what a session left stale. Removals.Work does it.
const RemoveStale job.Kind = "remove-stale"

const (
	// PauseAbove is the percentage of all things of a kind above which their removal pauses.
	PauseAbove = 20
	// PauseFor is for how long.
	PauseFor = 7 * 24 * time.Hour
)

// Remover says how the things of a kind are counted and removed. Those of a session s are the ones of s.Datasource
// and s.Part, and stale those that were touched before s.Mark.
type Remover struct {
	// Count returns how many are stale, and how many there are in all. It runs in a read.
	Count func(ctx context.Context, tx *sqldb.Tx, s Session) (stale, all int64, err error)
	// Remove removes some of the stale ones, as many as take under 25 ms, and says how many and whether there may be more. It
	// is called until there are none, after a restart too.
	Remove func(ctx context.Context, tx *sqldb.Tx, s Session) (removed int64, more bool, err error)
}

// Removals removes what sessions leave stale. It is safe for concurrent use.
type Removals struct {
	db    *sqldb.DB
	kinds map[Kind]Remover
}

// NewRemovals returns the removals of these kinds.
func NewRemovals(db *sqldb.DB, kinds map[Kind]Remover) *Removals { return &Removals{db, kinds} }

func enqueue(ctx context.Context, tx *sqldb.Tx, seq int64, at time.Time) error {
	_, err := job.EnqueueAt(ctx, tx, RemoveStale, strconv.FormatInt(seq, 10), at)
	return err
}

// Work is the work of a job of the kind RemoveStale. What was removed before a restart stays so, and the rest follows.
func (r *Removals) Work(ctx context.Context, j job.Job, report func(done, total int64)) (string, error) {
	seq, err := strconv.ParseInt(j.Args, 10, 64)
	if err != nil {
		return "", fmt.Errorf("arguments %q: %w", j.Args, err)
	}
	s, err := r.session(ctx, seq)
	if fault.KindOf(err) == fault.NotFound {
		return "The upload is forgotten; nothing was removed.", nil
	}
	if err != nil {
		return "", err
	}
	how, ok := r.kinds[s.Kind]
	switch {
	case !ok:
		return "", fmt.Errorf("nobody removes %s", s.Kind)
	case s.Removal == Paused && time.Now().Before(s.PausedUntil):
		return "The removal is paused.", nil
	case s.Removal != Waiting && s.Removal != Paused:
		return "There was nothing to do any more.", nil
	}
	if s.Removal == Waiting {
		paused, err := r.weigh(ctx, how, &s)
		if err != nil || paused != "" {
			return paused, err
		}
	}
	return r.remove(ctx, how, s, report)
}

func (r *Removals) session(ctx context.Context, seq int64) (s Session, err error) {
	err = r.db.Read(ctx, func(tx *sqldb.Tx) error {
		s, err = bySeq(ctx, tx, seq)
		return err
	})
	return s, err
}

func bySeq(ctx context.Context, tx *sqldb.Tx, seq int64) (Session, error) {
	s, err := sqldb.One(ctx, tx, scan, "SELECT "+columns+" FROM uploads WHERE seq = $1", seq)
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "There is no such upload, or it is forgotten.").Wrap(err)
	}
	return s, err
}

// weigh counts what is stale, and pauses the removal where that is too much. It returns what to say of a pause.
func (r *Removals) weigh(ctx context.Context, how Remover, s *Session) (paused string, err error) {
	var all int64
	much, covered := false, false
	err = r.db.Read(ctx, func(tx *sqldb.Tx) error {
		s.Stale, all, err = how.Count(ctx, tx, *s)
		if much = !s.unchecked && s.Stale*100 > all*PauseAbove; err != nil || !much {
			return err
		}
		covered, err = isCovered(ctx, tx, how, *s)
		return err
	})
	if err != nil {
		return "", err
	}
	next, until := Waiting, time.Time{}
	switch {
	case covered:
		next, paused = Covered, "What is stale is part of an earlier removal, which is paused."
	case much:
		next, until = Paused, time.Now().Add(PauseFor)
		paused = fmt.Sprintf("%d of %d are stale, more than %d %%: removal is paused until %s.", s.Stale, all, PauseAbove, until.UTC().Format(time.RFC3339))
	}
	err = r.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		// What has begun is not weighed again after a restart.
		n, err := tx.Exec(ctx, "UPDATE uploads SET removal = $2, stale = $3, paused_until = $4, unchecked = $6 WHERE seq = $1 AND removal = $5",
			s.Seq, string(next), s.Removed+s.Stale, sqldb.Micros(until), string(Waiting), next == Waiting)
		if err != nil || n == 0 || next != Paused {
			return err
		}
		return enqueue(ctx, tx, s.Seq, until)
	})
	return paused, err
}

// isCovered reports whether the newest paused removal of the same place has all that this session left stale.
func isCovered(ctx context.Context, tx *sqldb.Tx, how Remover, s Session) (bool, error) {
	earlier, err := sqldb.All(ctx, tx, scan, "SELECT "+columns+` FROM uploads WHERE datasource = $1 AND kind = $2 AND part = $3 AND seq < $4 AND removal = $5
		ORDER BY seq DESC LIMIT 1`, s.Datasource, string(s.Kind), s.Part, s.Seq, string(Paused))
	if err != nil || len(earlier) == 0 {
		return false, err
	}
	n, _, err := how.Count(ctx, tx, earlier[0])
	return n == s.Stale, err
}

// remove removes what is stale in short transactions, each of which counts what it did.
func (r *Removals) remove(ctx context.Context, how Remover, s Session, report func(done, total int64)) (string, error) {
	for more := true; more; {
		err := r.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			now, err := bySeq(ctx, tx, s.Seq)
			if err != nil {
				return err
			}
			if more = now.Removal == Waiting || now.Removal == Paused; !more {
				return nil // an administrator dropped it
			}
			var n int64
			if n, more, err = how.Remove(ctx, tx, now); err != nil {
				return err
			}
			s.Removed, s.Removal = now.Removed+n, Waiting
			if !more {
				s.Removal = Done
			}
			_, err = tx.Exec(ctx, "UPDATE uploads SET removed = $2, removal = $3, unchecked = TRUE WHERE seq = $1", s.Seq, s.Removed, string(s.Removal))
			return err
		})
		if err != nil {
			return "", err
		}
		report(s.Removed, max(s.Stale, s.Removed))
	}
	return fmt.Sprintf("%d removed.", s.Removed), nil
}

// administers refuses callers other than administrators and the server itself.
func administers(c grant.Caller) error {
	if c.Is(grant.Maintenance) || c.Administers() {
		return nil
	}
	return fault.New(fault.Forbidden, "Only administrators may do this.")
}

// Paused returns the removals that wait, the newest first, for administrators: those of a datasource, or all where it
// is "*".
func (r *Removals) Paused(ctx context.Context, c grant.Caller, datasource string) (list []Session, err error) {
	if err := administers(c); err != nil {
		return nil, err
	}
	err = r.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, "SELECT "+columns+" FROM uploads WHERE removal = $1 AND ($2 = '*' OR datasource = $2) ORDER BY seq DESC LIMIT 1000",
			string(Paused), datasource)
		return err
	})
	return list, err
}

// List returns the last n sessions of all kinds in a datasource, the newest first, for administrators.
func (r *Removals) List(ctx context.Context, c grant.Caller, datasource string, n int) (list []Session, err error) {
	if err := administers(c); err != nil {
		return nil, err
	}
	err = r.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, "SELECT "+columns+" FROM uploads WHERE datasource = $1 ORDER BY seq DESC LIMIT $2", datasource, n)
		return err
	})
	return list, err
}

// Session returns one session, for administrators. One that is unknown is a fault.NotFound.
func (r *Removals) Session(ctx context.Context, c grant.Caller, seq int64) (Session, error) {
	if err := administers(c); err != nil {
		return Session{}, err
	}
	return r.session(ctx, seq)
}

var errNotPaused = fault.New(fault.Conflict, "This removal is not paused any more.")

// Run ends the pause of a removal, for an administrator: what is stale goes now. It also begins one again whose job failed. A
// session that is unknown is a fault.NotFound, one whose removal neither is paused nor waits a fault.Conflict.
func (r *Removals) Run(ctx context.Context, c grant.Caller, seq int64) error {
	if err := administers(c); err != nil {
		return err
	}
	return r.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		s, err := bySeq(ctx, tx, seq)
		if err != nil {
			return err
		}
		if s.Removal != Paused && s.Removal != Waiting {
			return errNotPaused
		}
		_, err = tx.Exec(ctx, "UPDATE uploads SET removal = $2, unchecked = TRUE WHERE seq = $1", seq, string(Waiting))
		if err != nil {
			return err
		}
		return enqueue(ctx, tx, seq, time.Time{})
	})
}

// Drop ends a paused removal and the earlier ones of the same place, for an administrator: what was stale stays until
// the next upload ends. A session that is unknown is a fault.NotFound, one whose removal is not paused a fault.Conflict.
func (r *Removals) Drop(ctx context.Context, c grant.Caller, seq int64) error {
	if err := administers(c); err != nil {
		return err
	}
	return r.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		s, err := bySeq(ctx, tx, seq)
		if err != nil {
			return err
		}
		if s.Removal != Paused {
			return errNotPaused
		}
		_, err = tx.Exec(ctx, "UPDATE uploads SET removal = $5 WHERE datasource = $1 AND kind = $2 AND part = $3 AND seq <= $4 AND removal = $6",
			s.Datasource, string(s.Kind), s.Part, seq, string(Refused), string(Paused))
		return err
	})
}
