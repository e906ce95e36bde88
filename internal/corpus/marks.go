package corpus

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// marks are the moments at which the index was seen to show more. They are in memory until tending writes them down: a kill
// loses the last second, and the next start sees the same positions a little later.
type marks struct {
	lock sync.Mutex // guards list
	list []mark     // in the order of positions
}

type mark struct{ position, at int64 }

// maxMarks bounds those in memory. Past it, neighbours are one.
const maxMarks = 64

// Reveal notes that the index shows everything up to a position from now on.
func (c *Corpus) Reveal(position int64) {
	c.marks.lock.Lock()
	defer c.marks.lock.Unlock()
	list := c.marks.list
	if n := len(list); n > 0 && list[n-1].position >= position {
		return
	}
	if len(list) >= maxMarks {
		list = list[:maxMarks-1] // the one before the last is shown at the last's time at the latest
	}
	c.marks.list = append(list, mark{position, time.Now().UnixMicro()})
}

// markOf returns when the index first showed a position that it shows now, and through which position it did then.
func (c *Corpus) markOf(ctx context.Context, tx *sqldb.Tx, position int64) (at, through int64, err error) {
	scan := func(s sqldb.Scanner) (m mark, err error) { err = s.Scan(&m.position, &m.at); return m, err }
	m, err := sqldb.One(ctx, tx, scan, "SELECT pos, at FROM index_marks WHERE pos >= $1 ORDER BY pos LIMIT 1", position)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return m.at, m.position, err
	}
	c.marks.lock.Lock()
	defer c.marks.lock.Unlock()
	for _, m := range c.marks.list {
		if m.position >= position {
			return m.at, m.position, nil
		}
	}
	return time.Now().UnixMicro(), position, nil // it was seen before it could be noted
}

// keepMarks writes down what is in memory. What it could not write stays there.
func (c *Corpus) keepMarks(ctx context.Context) error {
	c.marks.lock.Lock()
	list := slices.Clone(c.marks.list)
	c.marks.lock.Unlock()
	if len(list) == 0 {
		return nil
	}
	err := c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		for _, m := range list {
			_, err := tx.Exec(ctx, `INSERT INTO index_marks (pos, at) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM index_marks WHERE pos >= $1)`, m.position, m.at)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.marks.lock.Lock()
	defer c.marks.lock.Unlock()
	last := list[len(list)-1].position
	c.marks.list = slices.DeleteFunc(c.marks.list, func(m mark) bool { return m.position <= last })
	return nil
}
