package activity

import (
	"context"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Viewed is a document that somebody opened.
type Viewed struct {
	Document string // its key
	At       time.Time
	Times    int64
}

// Searched is something that somebody searched for.
type Searched struct {
	Text string // as last typed
	At   time.Time
}

// Recent returns the documents that the caller opened, latest first, at most limit of them and at most MaxViews. Documents
// that the caller may see no more, or that are gone, are among them: whoever shows them filters. It fails with
// fault.Forbidden for callers who act as no person.
func (l *Log) Recent(ctx context.Context, c grant.Caller, limit int) (list []Viewed, err error) {
	person := recorded(c)
	if person == "" {
		return nil, errNobody
	}
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scanViewed, `SELECT document, last_at, times FROM views WHERE person = $1
			ORDER BY last_at DESC, document LIMIT $2`, person, min(max(limit, 0), MaxViews))
		return err
	})
	return list, err
}

// History returns the keys of Recent, all of them: what my:history stands for. Callers who act as no person have
// none.
func (l *Log) History(ctx context.Context, c grant.Caller) ([]string, error) {
	if recorded(c) == "" {
		return nil, nil
	}
	list, err := l.Recent(ctx, c, MaxViews)
	keys := make([]string, len(list))
	for i, v := range list {
		keys[i] = v.Document
	}
	return keys, err
}

func scanViewed(row sqldb.Scanner) (v Viewed, err error) {
	var at int64
	err = row.Scan(&v.Document, &at, &v.Times)
	v.At = sqldb.Time(at)
	return v, err
}

// LastViewed returns when the caller last opened those of the documents that it did.
func (l *Log) LastViewed(ctx context.Context, c grant.Caller, documents []string) (map[string]time.Time, error) {
	last := make(map[string]time.Time, len(documents))
	person := recorded(c)
	if person == "" {
		return last, nil
	}
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		for part := range slices.Chunk(documents, listParameters) {
			for v, err := range sqldb.Each(ctx, tx, scanViewed, "SELECT document, last_at, times FROM views WHERE person = $1 AND document IN "+
				sqldb.In(2, len(part)), sqldb.Args(part, person)...) {
				if err != nil {
					return err
				}
				last[v.Document] = v.At
			}
		}
		return nil
	})
	return last, err
}

// Visitors returns how many people opened each of the documents, within what is kept. Documents that nobody opened
// are not in the answer. The caller sees the documents: a count tells that there is one.
func (l *Log) Visitors(ctx context.Context, documents []string) (map[string]int64, error) {
	type row struct {
		document string
		n        int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) { err = s.Scan(&r.document, &r.n); return r, err }
	counts := make(map[string]int64, len(documents))
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		for part := range slices.Chunk(documents, listParameters) {
			for r, err := range sqldb.Each(ctx, tx, scan, "SELECT document, COUNT(*) FROM views WHERE document IN "+
				sqldb.In(1, len(part))+" GROUP BY document", sqldb.Args(part)...) {
				if err != nil {
					return err
				}
				counts[r.document] = r.n
			}
		}
		return nil
	})
	return counts, err
}

// Searches returns what the caller searched for, latest first: at most MaxSearches, each once. It is asked at every key
// that is typed, and so answers from memory: what the caller searched for on another node shows within ten seconds. The list is
// shared and must not be changed. Callers who act as no person have none.
func (l *Log) Searches(ctx context.Context, c grant.Caller) ([]Searched, error) {
	person := recorded(c)
	if person == "" {
		return nil, nil
	}
	if list, ok := l.typed.get(person); ok {
		return list, nil
	}
	scan := func(s sqldb.Scanner) (r Searched, err error) {
		var at int64
		err = s.Scan(&r.Text, &at)
		r.At = sqldb.Time(at)
		return r, err
	}
	begun := l.typed.changes()
	var list []Searched
	err := l.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(ctx, tx, scan, "SELECT text, last_at FROM searches WHERE person = $1 ORDER BY last_at DESC, folded LIMIT $2", person, MaxSearches)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.typed.put(person, list, begun), nil
}
