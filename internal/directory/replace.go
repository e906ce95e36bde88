package directory

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// PeopleRemovers say how what an upload of employees or teams left behind is removed, for upload.Removals.
func (d *Directory) PeopleRemovers() map[upload.Kind]upload.Remover {
	return map[upload.Kind]upload.Remover{
		upload.Employees: {Count: staleEmployees, Remove: removeEmployees},
		upload.Teams:     {Count: staleTeams, Remove: removeTeams},
	}
}

func countStale(ctx context.Context, tx *sqldb.Tx, query string, args ...any) (stale, all int64, err error) {
	type counts struct{ stale, all int64 }
	scan := func(row sqldb.Scanner) (n counts, err error) { err = row.Scan(&n.stale, &n.all); return n, err }
	n, err := sqldb.One(ctx, tx, scan, query, args...)
	return n.stale, n.all, err
}

func someRow(ctx context.Context, tx *sqldb.Tx, query string, args ...any) (bool, error) {
	rows, err := sqldb.All(ctx, tx, sqldb.ScanInt, query, args...)
	return len(rows) > 0, err
}

func leavesEmployees(ctx context.Context, tx *sqldb.Tx, s upload.Session) (bool, error) {
	return someRow(ctx, tx, "SELECT touched FROM assertions WHERE source = $1 AND touched < $2 LIMIT 1", string(Employee), s.Mark)
}

func staleEmployees(ctx context.Context, tx *sqldb.Tx, s upload.Session) (stale, all int64, err error) {
	return countStale(ctx, tx, "SELECT COALESCE(SUM(CASE WHEN touched < $2 THEN 1 ELSE 0 END), 0), COUNT(*) FROM assertions WHERE source = $1",
		string(Employee), s.Mark)
}

// removeEmployees withdraws stale records. The last Super Admin keeps theirs, for nobody could sign in to mend that.
func removeEmployees(ctx context.Context, tx *sqldb.Tx, s upload.Session) (removed int64, more bool, err error) {
	ids, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT person_id FROM assertions WHERE source = $1 AND touched < $2 ORDER BY touched, person_id LIMIT $3",
		string(Employee), s.Mark, chunkPeople)
	if err != nil {
		return 0, false, err
	}
	for _, id := range ids {
		p, err := personByID(ctx, tx, id)
		if err != nil {
			return 0, false, err
		}
		if err = complete(ctx, tx, p); err != nil {
			return 0, false, err
		}
		if last, err := lastSuperAdmin(ctx, tx, p); err != nil {
			return 0, false, err
		} else if last && !asserted(p, Employee) {
			mark, err := upload.Touch(ctx, tx)
			if err != nil {
				return 0, false, err
			}
			if _, err = tx.Exec(ctx, "UPDATE assertions SET touched = $3 WHERE person_id = $1 AND source = $2", id, string(Employee), mark); err != nil {
				return 0, false, err
			}
			continue
		}
		if err = dismiss(ctx, tx, p); err != nil {
			return 0, false, err
		}
		removed++
	}
	return removed, len(ids) == chunkPeople, nil
}

// asserted reports whether p stays active when a source withdraws what it says.
func asserted(p *Person, without Source) bool {
	left := make([]Assertion, 0, len(p.Sources))
	for _, a := range p.Sources {
		if a.Source != without {
			left = append(left, a)
		}
	}
	active, _ := state(left)
	return active
}

func lastSuperAdmin(ctx context.Context, tx *sqldb.Tx, p *Person) (bool, error) {
	if !administers(p) {
		return false, nil
	}
	others, err := otherSuperAdmins(ctx, tx, p.ID)
	return others == 0, err
}

var errLastSuperAdmin = fault.New(fault.Conflict,
	"This is the last Super Admin, who can be neither lowered, deactivated nor removed. Make somebody else Super Admin first.")
