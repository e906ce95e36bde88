package corpus

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Names of the queue's counter and of the version that wakes readers on other nodes.
const (
	counterChanges = "changes"
	versionChanges = "changes"
)

// What a change did.
const (
	opPut    = "put"
	opAccess = "access"
	opDelete = "delete"
)

type change struct{ key, op string }

// begin gives a new database its incarnation.
func begin(ctx context.Context, db *sqldb.DB) error {
	return db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO queue (one, incarnation, trimmed) VALUES (1, $1, 0) ON CONFLICT (one) DO NOTHING", rand.Text())
		return err
	})
}

// enqueue puts changes into the queue and returns the position of the first. Writes commit one
// after the other, so positions become visible in their order.
func (c *Corpus) enqueue(ctx context.Context, tx *sqldb.Tx, changes []change) (first int64, err error) {
	if first, err = tx.Next(ctx, counterChanges, int64(len(changes))); err != nil {
		return 0, err
	}
	for i, ch := range changes {
		_, err = tx.Exec(ctx, "INSERT INTO changes (pos, key, op) VALUES ($1, $2, $3)", first+int64(i), ch.key, ch.op)
		if err != nil {
			return 0, err
		}
	}
	if err = record(ctx, tx, changes, first); err != nil {
		return 0, err
	}
	if _, err = tx.Raise(ctx, versionChanges); err != nil {
		return 0, err
	}
	tx.OnCommit(c.awake)
	return first, nil
}

func (c *Corpus) awake() {
	c.wakeLock.Lock()
	defer c.wakeLock.Unlock()
	close(c.wake)
	c.wake = make(chan struct{})
}

// Awaken returns a channel that is closed when this process next commits a change. Other nodes'
// changes show in Version.
func (c *Corpus) Awaken() <-chan struct{} {
	c.wakeLock.Lock()
	defer c.wakeLock.Unlock()
	return c.wake
}

// Version differs from an earlier answer once there may be new changes, on whatever node. It is
// read from memory and at most a quarter of a second old.
func (c *Corpus) Version() int64 {
	n, _ := c.db.Version(versionChanges)
	return n
}

// Head says which history the queue belongs to, and the position of its last change.
type Head struct {
	Incarnation string
	Position    int64
}

// Head returns the end of the queue, for the server itself.
func (c *Corpus) Head(ctx context.Context, caller grant.Caller) (h Head, err error) {
	if err := maintains(caller); err != nil {
		return h, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		h, _, err = state(ctx, tx)
		return err
	})
	return h, err
}

// state reads the queue's head and up to where it was cut.
func state(ctx context.Context, tx *sqldb.Tx) (h Head, trimmed int64, err error) {
	type row struct {
		incarnation string
		trimmed     int64
	}
	r, err := sqldb.One(ctx, tx, func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.incarnation, &r.trimmed)
		return r, err
	}, "SELECT incarnation, trimmed FROM queue WHERE one = 1")
	if err != nil {
		return h, 0, err
	}
	last, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COALESCE(MAX(pos), 0) FROM changes")
	return Head{r.incarnation, max(last, r.trimmed)}, r.trimmed, err
}

// Change is one step of a document. Document is its present state, which may be newer than the
// step, and nil where it is gone.
type Change struct {
	Position int64
	Key      string
	Document *Document
}

// Stretch is a part of the queue, from after the position that was asked for through Through. Of
// several steps of one document it holds the last.
type Stretch struct {
	Changes []Change
	Through int64
	Head    Head
}

// ErrGone means that the queue does not go back, or not yet go, to a position, or is another queue:
// whoever follows it begins again.
var ErrGone = errors.New("corpus: the queue does not hold this position")

// Changes returns the next part of the queue after a position, for the server itself: at most limit
// steps, and fewer where the documents are large. It fails with ErrGone where the position is not
// of this incarnation, was trimmed, or lies past the head.
func (c *Corpus) Changes(ctx context.Context, caller grant.Caller, incarnation string, after int64, limit int) (s Stretch, err error) {
	if err := maintains(caller); err != nil {
		return s, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		head, trimmed, err := state(ctx, tx)
		if err != nil {
			return err
		}
		if head.Incarnation != incarnation || after < trimmed || after > head.Position {
			return ErrGone
		}
		steps, err := sqldb.All(ctx, tx, func(row sqldb.Scanner) (ch Change, err error) {
			err = row.Scan(&ch.Position, &ch.Key)
			return ch, err
		}, "SELECT pos, key FROM changes WHERE pos > $1 ORDER BY pos LIMIT $2", after, limit)
		if err != nil {
			return err
		}
		s = Stretch{Head: head, Through: after}
		return s.fill(ctx, tx, steps)
	})
	if err != nil {
		return Stretch{}, err
	}
	return s, nil
}

// fill adds the documents of steps until there is enough text.
func (s *Stretch) fill(ctx context.Context, tx *sqldb.Tx, steps []Change) error {
	const few = 25 // documents a statement, so that the bound on text is not passed by much
	size := 0
	for part := range slices.Chunk(steps, few) {
		if size >= readBytes {
			break
		}
		args := make([]any, len(part))
		for i, step := range part {
			args[i] = step.Key
		}
		docs := map[string]*Document{}
		for d, err := range sqldb.Each(ctx, tx, scanDocument, "SELECT "+documentColumns+" FROM documents d WHERE d.key IN "+sqldb.In(1, len(args)), args...) {
			if err != nil {
				return err
			}
			docs[d.Key] = d
			size += d.size()
		}
		if err := fillUsers(ctx, tx, docs); err != nil {
			return err
		}
		if err := fillMetadata(ctx, tx, docs); err != nil {
			return err
		}
		for _, step := range part {
			step.Document = docs[step.Key]
			s.Changes = append(s.Changes, step)
			s.Through = step.Position
		}
	}
	last := make(map[string]int, len(s.Changes))
	for i, ch := range s.Changes {
		last[ch.Key] = i
	}
	kept := s.Changes[:0]
	for i, ch := range s.Changes {
		if last[ch.Key] == i {
			kept = append(kept, ch)
		}
	}
	s.Changes = kept
	return nil
}

// A reader that was not seen for this long no longer holds the queue back: it begins again.
const readerForgotten = 24 * time.Hour

// trimStep is how many entries one transaction cuts.
const trimStep = 2000

// Reached records how far the named reader of the queue has come for good, and cuts what every
// reader is past, for the server itself.
func (c *Corpus) Reached(ctx context.Context, caller grant.Caller, reader string, position int64) error {
	if err := maintains(caller); err != nil {
		return err
	}
	now := time.Now()
	for more := true; more; {
		err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO queue_readers (name, pos, seen_at) VALUES ($1, $2, $3)
				ON CONFLICT (name) DO UPDATE SET pos = excluded.pos, seen_at = excluded.seen_at`, reader, position, now.UnixMicro())
			if err != nil {
				return err
			}
			if _, err = tx.Exec(ctx, "DELETE FROM queue_readers WHERE seen_at < $1", now.Add(-readerForgotten).UnixMicro()); err != nil {
				return err
			}
			_, trimmed, err := state(ctx, tx)
			if err != nil {
				return err
			}
			slowest, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT MIN(pos) FROM queue_readers")
			if err != nil {
				return err
			}
			to := min(slowest, trimmed+trimStep)
			if more = to < slowest; to <= trimmed {
				return nil
			}
			if _, err = tx.Exec(ctx, "DELETE FROM changes WHERE pos <= $1", to); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "UPDATE queue SET trimmed = $1 WHERE one = 1", to)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget takes a reader's hold off the queue, for the server itself.
func (c *Corpus) Forget(ctx context.Context, caller grant.Caller, reader string) error {
	if err := maintains(caller); err != nil {
		return err
	}
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM queue_readers WHERE name = $1", reader)
		return err
	})
}
