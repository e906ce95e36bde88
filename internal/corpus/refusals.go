package corpus

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Refusal is a request of a connector that was refused. It holds what was wrong, and nothing of what was sent but names.
type Refusal struct {
	Datasource string // as the request named it: there need not be one
	At         time.Time
	Operation  string // "POST /api/index/v1/indexdocument"
	Subject    string // the document, user or group, where the request named one
	Status     int
	Message    string // what the connector was told
	Times      int64  // how often within about a second
}

// refusals are on their way to the database: a connector that sends the same mistake a thousand times a second costs one row.
type refusals struct {
	lock sync.Mutex // guards list
	list []Refusal
}

const (
	maxRefusals  = 100 // different ones in a second, and shown of a datasource
	maxMessage   = 500 // bytes
	keepRefusals = 14 * 24 * time.Hour
	keptRefusals = 200 // of a datasource, at most
)

// Refuse notes a refusal. It keeps it in memory and never fails: the request has its answer already.
func (c *Corpus) Refuse(r Refusal) {
	if r.Datasource == "" || checkName("", r.Datasource) != nil {
		return
	}
	r.Message, r.Subject = brief(r.Message), brief(r.Subject)
	r.At, r.Times = time.Now(), 1
	c.refusals.lock.Lock()
	defer c.refusals.lock.Unlock()
	for i := range c.refusals.list {
		o := &c.refusals.list[i]
		if o.Datasource == r.Datasource && o.Operation == r.Operation && o.Subject == r.Subject && o.Status == r.Status && o.Message == r.Message {
			o.Times++
			return
		}
	}
	if len(c.refusals.list) < maxRefusals {
		c.refusals.list = append(c.refusals.list, r)
	}
}

// brief is what can be stored and shown of a text.
func brief(text string) string {
	text = text[:min(len(text), maxMessage)]
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}

// keepRefused writes down what is in memory, and forgets the oldest of datasources that have many.
func (c *Corpus) keepRefused(ctx context.Context) error {
	c.refusals.lock.Lock()
	list := c.refusals.list
	c.refusals.list = nil
	c.refusals.lock.Unlock()
	if len(list) == 0 {
		return nil
	}
	return c.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		times := map[string]int64{}
		for _, r := range list {
			times[r.Datasource] += r.Times
			_, err := tx.Exec(ctx, `INSERT INTO refusals (id, datasource, at, operation, status, message, times, subject)
				SELECT $1, name, $3, $4, $5, $6, $7, $8 FROM datasources WHERE name = $2`, // made-up names leave nothing
				sqldb.NewID(), r.Datasource, r.At.UnixMicro(), r.Operation, r.Status, r.Message, r.Times, r.Subject)
			if err != nil {
				return err
			}
		}
		for name, n := range times {
			_, err := tx.Exec(ctx, `INSERT INTO datasource_days (datasource, day, uploads, permissions, deletes, refused, last_at)
				SELECT name, $2, 0, 0, 0, $3, 0 FROM datasources WHERE name = $1
				ON CONFLICT (datasource, day) DO UPDATE SET refused = datasource_days.refused + excluded.refused`, name, time.Now().UnixMicro()/microsPerDay, n)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `DELETE FROM refusals WHERE datasource = $1 AND id NOT IN
				(SELECT id FROM refusals WHERE datasource = $1 ORDER BY at DESC, id DESC LIMIT $2)`, name, keptRefusals)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Refusals returns what was refused of a datasource lately, the newest first, for administrators.
func (c *Corpus) Refusals(ctx context.Context, caller grant.Caller, datasource string) (list []Refusal, err error) {
	if err = administers(caller); err != nil {
		return nil, err
	}
	if err = c.keepRefused(ctx); err != nil { // who looks after a mistake wants to see it
		return nil, err
	}
	scan := func(s sqldb.Scanner) (r Refusal, err error) {
		var at int64
		err = s.Scan(&r.Datasource, &at, &r.Operation, &r.Status, &r.Message, &r.Times, &r.Subject)
		r.At = sqldb.Time(at)
		return r, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err = sqldb.All(ctx, tx, scan, `SELECT datasource, at, operation, status, message, times, subject FROM refusals
			WHERE datasource = $1 ORDER BY at DESC, id DESC LIMIT $2`, datasource, maxRefusals)
		return err
	})
	return list, err
}
