package corpus

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// EventKind is what happened to a document, as the contract calls it.
type EventKind string

// The kinds of event.
const (
	Uploaded          EventKind = "UPLOADED" // or given other permissions
	Indexed           EventKind = "INDEXED"  // the index shows what was uploaded
	DeletionRequested EventKind = "DELETION_REQUESTED"
	Deleted           EventKind = "DELETED" // the index shows the document no more
)

// Event is one step in the life of a document.
type Event struct {
	Kind EventKind
	At   time.Time
}

// Shown says what the search index shows. The indexer and the index know.
type Shown interface {
	// Through is the position up to which everything can be found; false while the index is being filled.
	Through() (position int64, ready bool)
	// Holds tells which of the documents are in the index.
	Holds(ctx context.Context, keys []string) (map[string]bool, error)
}

const (
	recordLength = 1 + 11 + 9
	// maxRecords is how many records of a document are kept. With what the index adds they are twice as many events.
	maxRecords = 50
)

const (
	recordUpload = 'U'
	recordAccess = 'P'
	recordDelete = 'D'
)

// opAgain takes a document into the index once more. Nothing has happened to it.
const opAgain = "again"

// record notes changes in the life of documents and in the numbers of their datasources, in the transaction of the changes.
// It costs each transaction two statements, and each document one row of some fifty bytes.
func record(ctx context.Context, tx *sqldb.Tx, changes []change, first int64) error {
	now := time.Now().UnixMicro()
	tails := make(map[string]string, len(changes))
	keys := make([]string, 0, len(changes))
	days := map[string]*dayCount{}
	for i, ch := range changes {
		if ch.op == opAgain {
			continue
		}
		if tails[ch.key] == "" {
			keys = append(keys, ch.key)
		}
		datasource, _, _ := strings.Cut(ch.key, "/")
		if days[datasource] == nil {
			days[datasource] = &dayCount{}
		}
		tails[ch.key] += days[datasource].add(ch.op, now, first+int64(i))
	}
	for part := range slices.Chunk(keys, 100) {
		var rows strings.Builder
		args := make([]any, 0, 2*len(part))
		for i, key := range part {
			fmt.Fprintf(&rows, ", ($%d, $%d)", 2*i+1, 2*i+2)
			args = append(args, key, tails[key])
		}
		_, err := tx.Exec(ctx, "INSERT INTO document_events (key, tail) VALUES "+rows.String()[2:]+` ON CONFLICT (key) DO UPDATE SET
			tail = CASE WHEN LENGTH(document_events.tail) < `+strconv.Itoa(maxRecords*recordLength)+` THEN document_events.tail
			ELSE SUBSTR(document_events.tail, `+strconv.Itoa(recordLength+1)+`) END || excluded.tail`, args...)
		if err != nil {
			return err
		}
	}
	for datasource, n := range days {
		_, err := tx.Exec(ctx, `INSERT INTO datasource_days (datasource, day, uploads, permissions, deletes, refused, last_at) VALUES ($1, $2, $3, $4, $5, 0, $6)
			ON CONFLICT (datasource, day) DO UPDATE SET uploads = datasource_days.uploads + excluded.uploads,
			permissions = datasource_days.permissions + excluded.permissions, deletes = datasource_days.deletes + excluded.deletes,
			last_at = excluded.last_at`, datasource, now/microsPerDay, n.uploads, n.permissions, n.deletes, now)
		if err != nil {
			return err
		}
	}
	return nil
}

const microsPerDay = int64(24 * time.Hour / time.Microsecond)

type dayCount struct{ uploads, permissions, deletes int64 }

// add counts a change and returns its record.
func (n *dayCount) add(op string, at, position int64) string {
	kind := byte(recordUpload)
	switch op {
	case opAccess:
		kind = recordAccess
		n.permissions++
	case opDelete:
		kind = recordDelete
		n.deletes++
	default:
		n.uploads++
	}
	return string(kind) + base36(at, 11) + base36(position, 9)
}

func base36(n int64, width int) string {
	text := strconv.FormatInt(n, 36)
	return strings.Repeat("0", max(width-len(text), 0)) + text
}

// happened is a record, read back.
type happened struct {
	kind         byte
	at, position int64
}

// happenings takes a tail apart, the oldest first.
func happenings(tail string) (list []happened, err error) {
	for ; len(tail) >= recordLength; tail = tail[recordLength:] {
		h := happened{kind: tail[0]}
		var err1, err2 error
		h.at, err1 = strconv.ParseInt(tail[1:12], 36, 64)
		h.position, err2 = strconv.ParseInt(tail[12:recordLength], 36, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("stored events of a document: %q", tail[:recordLength])
		}
		list = append(list, h)
	}
	return list, nil
}

// Events returns the last steps of a document since a time, at most limit, the newest first, for connectors that may write its
// datasource and for administrators. A document that never was has none.
func (c *Corpus) Events(ctx context.Context, caller grant.Caller, ref Ref, shown Shown, since time.Time, limit int) ([]Event, error) {
	if err := c.mayAsk(ctx, caller, ref); err != nil {
		return nil, err
	}
	key := ref.Key()
	through, ready := shown.Through()
	holds, err := shown.Holds(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	var events []Event
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		tail, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT tail FROM document_events WHERE key = $1", key)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		list, err := happenings(tail)
		if err != nil {
			return err
		}
		for i := len(list) - 1; i >= 0 && len(events) < limit; i-- {
			h := list[i]
			asked, done := Uploaded, Indexed
			if h.kind == recordDelete {
				asked, done = DeletionRequested, Deleted
			}
			latest := i == len(list)-1
			if ready && h.position <= through && (!latest || holds[key] == (done == Indexed)) {
				at, mark, err := c.markOf(ctx, tx, h.position)
				if err != nil {
					return err
				}
				// Of steps that the index took at once, it showed the last one alone.
				if latest || mark < list[i+1].position {
					events = append(events, Event{done, sqldb.Time(max(at, h.at))})
				}
			}
			events = append(events, Event{asked, sqldb.Time(h.at)})
		}
		return nil
	})
	slices.SortStableFunc(events, func(a, b Event) int { return b.At.Compare(a.At) })
	events = slices.DeleteFunc(events, func(e Event) bool { return e.At.Before(since) })
	return events[:min(len(events), limit)], err
}

// mayAsk refuses callers who may not write the datasource that a document is asked about in, and what is no name of one.
func (c *Corpus) mayAsk(ctx context.Context, caller grant.Caller, ref Ref) error {
	if _, err := c.Datasource(ctx, caller, ref.Datasource); err != nil {
		return err
	}
	return checkRef(ref.ObjectType, ref.ID)
}
