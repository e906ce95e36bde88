package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// EmployeeRecord is one employee as indexemployee names them: the address is the key.
type EmployeeRecord struct {
	Email   string
	Profile Profile
	Version int64 // 0 for unchecked
}

// chunk is how many records go into one transaction of the bulk lane, so that none holds the writer
// over 25 ms: a record costs some six statements.
const chunk = 50

// PutEmployees makes or replaces employees. All records are checked before the first is written;
// they are durable when it returns. An older version than one seen before is a fault.Conflict, and
// so is the end of the last Super Admin's employment.
func (d *Directory) PutEmployees(ctx context.Context, records []EmployeeRecord) error {
	list := slices.Clone(records)
	for i := range list {
		address, err := FoldEmail(list[i].Email)
		if err != nil {
			return errAddress.WithField("email")
		}
		list[i].Email = address
		if err = list[i].Profile.check(); err != nil {
			return err
		}
		if list[i].Profile.ManagerEmail != "" {
			if list[i].Profile.ManagerEmail, err = FoldEmail(list[i].Profile.ManagerEmail); err != nil {
				return errAddress.WithField("managerEmail")
			}
		}
	}
	lane := sqldb.Bulk
	if len(list) == 1 {
		lane = sqldb.Security
	}
	for part := range slices.Chunk(list, chunk) {
		err := d.db.Write(ctx, lane, func(tx *sqldb.Tx) error {
			for i := range part {
				if err := putEmployee(ctx, tx, &part[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func putEmployee(ctx context.Context, tx *sqldb.Tx, r *EmployeeRecord) error {
	if err := Advance(ctx, tx, "employee/"+r.Email, r.Version); err != nil {
		return err
	}
	before, err := personByAddress(ctx, tx, r.Email)
	if err == nil {
		if err = complete(ctx, tx, before); err != nil {
			return err
		}
		if succeeds(before, &r.Profile) {
			if err = withdraw(ctx, tx, before.ID, Employee); err != nil {
				return err
			}
			gone := *before
			if err = settle(ctx, tx, before, &gone); err != nil {
				return err
			}
			err = errNoPerson
		}
	}
	if fault.KindOf(err) == fault.NotFound {
		p := &Person{Email: r.Email}
		if err = insert(ctx, tx, p); err != nil {
			return err
		}
		if err = take(ctx, tx, p.ID, r.Email); err != nil {
			return err
		}
		return employ(ctx, tx, nil, p, &r.Profile)
	}
	if err != nil {
		return err
	}
	after := *before
	return employ(ctx, tx, before, &after, &r.Profile)
}

// succeeds reports whether a record that names p's address is about somebody else, who got the
// address after p left: p's employment ended, nobody else asserts p, and the employee ids differ.
func succeeds(p *Person, profile *Profile) bool {
	return len(p.Sources) == 1 && p.Sources[0] == Assertion{Employee, false} && profile.Status != StatusEx &&
		p.Profile.EmployeeID != "" && profile.EmployeeID != "" && p.Profile.EmployeeID != profile.EmployeeID
}

func employ(ctx context.Context, tx *sqldb.Tx, before, p *Person, profile *Profile) error {
	p.Profile = *profile
	if name := profile.fullName(); name != "" {
		p.Name = name
	} else if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
	if err := assert(ctx, tx, p.ID, Employee, profile.Status != StatusEx); err != nil {
		return err
	}
	return settle(ctx, tx, before, p)
}

// DeleteEmployee withdraws the employee record of an address. Whoever no other source asserts is
// retired. An address without an employee record is no error.
func (d *Directory) DeleteEmployee(ctx context.Context, email string, version int64) error {
	address, err := FoldEmail(email)
	if err != nil {
		return errAddress.WithField("employeeEmail")
	}
	return d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := Advance(ctx, tx, "employee/"+address, version); err != nil {
			return err
		}
		before, err := personByAddress(ctx, tx, address)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if err = complete(ctx, tx, before); err != nil {
			return err
		}
		if !slices.ContainsFunc(before.Sources, func(a Assertion) bool { return a.Source == Employee }) {
			return nil
		}
		if err = withdraw(ctx, tx, before.ID, Employee); err != nil {
			return err
		}
		after := *before
		after.Profile = Profile{}
		return settle(ctx, tx, before, &after)
	})
}

// Advance records the version that a connector sent for a subject, within the transaction of the
// change. Version 0 is unchecked; one older than a version seen before is a fault.Conflict, also
// after the subject was deleted; an equal one is a repetition and passes.
func Advance(ctx context.Context, tx *sqldb.Tx, subject string, version int64) error {
	if version == 0 {
		return nil
	}
	if version < 0 {
		return fault.New(fault.Invalid, "A version is not negative.").WithField("version")
	}
	n, err := tx.Exec(ctx, `INSERT INTO stamps (subject, version) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET version = excluded.version WHERE stamps.version <= excluded.version`, subject, version)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Newf(fault.Conflict, "A version newer than %d was sent before. Send the current state with a greater version.", version).WithField("version")
	}
	return nil
}
