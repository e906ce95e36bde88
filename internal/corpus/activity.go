package corpus

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Day is what happened to the documents of a datasource on a day in UTC.
type Day struct {
	Start       time.Time
	Uploads     int64
	Permissions int64 // replaced alone
	Deletes     int64
	Refused     int64 // requests
}

// Activity is what an administrator wants to know of a datasource at a glance.
type Activity struct {
	Documents int64
	directory.Totals
	Audience   directory.Audience
	Testers    []string  // addresses, sorted
	LastUpload time.Time // of anything of a document, deletes too; zero where there was none for as long as days are kept
	Days       []Day     // the oldest first, without gaps, the last one today
	Refusals   []Refusal // the newest first
}

// Activity returns what happened in a datasource in the last days, for administrators.
func (c *Corpus) Activity(ctx context.Context, caller grant.Caller, datasource string, days int) (a Activity, err error) {
	if err = administers(caller); err != nil {
		return a, err
	}
	if a.Audience, err = c.dir.Audience(ctx, datasource); err != nil {
		return a, err
	}
	if a.Testers, err = c.dir.Testers(ctx, datasource); err != nil {
		return a, err
	}
	if a.Totals, err = c.dir.Totals(ctx, datasource); err != nil {
		return a, err
	}
	if a.Refusals, err = c.Refusals(ctx, caller, datasource); err != nil {
		return a, err
	}
	today := time.Now().UnixMicro() / microsPerDay
	days = min(max(days, 1), keepDays)
	a.Days = make([]Day, days)
	for i := range a.Days {
		a.Days[i].Start = time.UnixMicro((today - int64(days-1-i)) * microsPerDay).UTC()
	}
	type row struct {
		day, last int64
		Day
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.day, &r.Uploads, &r.Permissions, &r.Deletes, &r.Refused, &r.last)
		return r, err
	}
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		if a.Documents, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM documents WHERE datasource = $1", datasource); err != nil {
			return err
		}
		for r, err := range sqldb.Each(ctx, tx, scan, `SELECT day, uploads, permissions, deletes, refused, last_at FROM datasource_days
			WHERE datasource = $1 ORDER BY day`, datasource) {
			if err != nil {
				return err
			}
			if r.last > 0 {
				a.LastUpload = sqldb.Time(r.last)
			}
			if i := int(r.day - today + int64(days) - 1); i >= 0 && i < days {
				r.Start = a.Days[i].Start
				a.Days[i] = r.Day
			}
		}
		return nil
	})
	return a, err
}
