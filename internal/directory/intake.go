package directory

import (
	"context"
	"errors"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// laneFor is the lane for so many records: a single one does not wait behind uploads.
func laneFor(records int) sqldb.Lane {
	if records == 1 {
		return sqldb.Security
	}
	return sqldb.Bulk
}

// partsOf cuts a list into parts of at most so many things each, and no heavier than limit but where one thing alone is.
func partsOf[T any](list []T, most, limit int, weight func(*T) int) (parts [][]T) {
	from, sum := 0, 0
	for i := range list {
		w := weight(&list[i])
		if i > from && (i-from == most || sum+w > limit) {
			parts, from, sum = append(parts, list[from:i]), i, 0
		}
		sum += w
	}
	if from < len(list) {
		parts = append(parts, list[from:])
	}
	return parts
}

// putParts writes records, a part in a transaction.
func putParts[T any](ctx context.Context, db *sqldb.DB, lane sqldb.Lane, parts [][]T, put func(context.Context, *sqldb.Tx, []T) error) error {
	for _, part := range parts {
		if err := db.Write(ctx, lane, func(tx *sqldb.Tx) error { return put(ctx, tx, part) }); err != nil {
			return err
		}
	}
	return nil
}

// intake is records of a datasource on their way in: on their own, or as a page of a bulk upload.
type intake[T any] struct {
	datasource string
	records    []T
	page       *upload.Page
	// write writes one record, and reports whether anything changed but its mark.
	write func(tx *sqldb.Tx, r Realm, touch int64, record *T) (changed bool, err error)
	// clear removes a few stale things at once as the upload ends, and reports how many they were. Nil does nothing.
	clear func(ctx context.Context, tx *sqldb.Tx, s *upload.Session) (removed int64, err error)
}

// load writes records in transactions short enough for the bulk lane, and durably.
func load[T any](ctx context.Context, d *Directory, in intake[T]) error {
	lane := laneFor(len(in.records))
	parts := slices.Collect(slices.Chunk(in.records, chunk))
	if len(parts) == 0 && in.page != nil {
		parts = [][]T{nil} // an empty page may still begin or end an upload
	}
	var session upload.Session
	for i := 0; i < len(parts); {
		err := d.db.Write(ctx, lane, func(tx *sqldb.Tx) (err error) {
			if err = nobodyDeparts(ctx, tx, in.datasource); err != nil {
				return err
			}
			if in.page != nil && i == 0 {
				session, err = upload.Begin(ctx, tx, *in.page)
			} else if in.page != nil {
				err = session.Still(ctx, tx)
			}
			if err != nil {
				return err
			}
			return in.put(ctx, tx, parts[i], &session, i == len(parts)-1)
		})
		switch {
		case errors.Is(err, errDeparting):
			if err = d.settle(ctx, lane, in.datasource); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			i++
		}
	}
	return nil
}

// put writes a part of the records, and ends the upload with the last part of its last page.
func (in *intake[T]) put(ctx context.Context, tx *sqldb.Tx, part []T, session *upload.Session, last bool) error {
	r, err := realm(ctx, tx, in.datasource)
	if err != nil {
		return err
	}
	touch, err := upload.Touch(ctx, tx)
	if err != nil {
		return err
	}
	changed := false
	for i := range part {
		did, err := in.write(tx, r, touch, &part[i])
		if err != nil {
			return err
		}
		changed = changed || did
	}
	if in.page != nil && in.page.Last && last {
		if in.clear != nil {
			n, err := in.clear(ctx, tx, session)
			if err != nil {
				return err
			}
			changed = changed || n > 0
		}
		stale, _, err := countUntouched(ctx, tx, *session, 1)
		if err != nil {
			return err
		}
		if err = session.Finish(ctx, tx, stale > 0); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	return raiseMembers(ctx, tx, in.datasource)
}
