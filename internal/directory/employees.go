package directory

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// EmployeeRecord is one employee as indexemployee names them: the address is the key. A photo may come as a data URL.
type EmployeeRecord struct {
	Email   string
	Profile Profile
	Version int64 // 0 for unchecked

	photo *Photo
}

// chunk is how many records go into one transaction of the bulk lane, so that none holds the writer
// over 25 ms: a record costs some six statements.
const chunk = 50

// chunkPeople is how many of them are people: a new one, or one who goes, costs some ten statements, which PostgreSQL takes
// 40 ms for.
const chunkPeople = 25

// chunkPhotos is how many bytes of photos go with them.
const chunkPhotos = 512 << 10

// PutEmployees makes or replaces employees. All records are checked before the first is written;
// they are durable when it returns. An older version than one seen before is a fault.Conflict, and
// so is the end of the last Super Admin's employment.
func (d *Directory) PutEmployees(ctx context.Context, records []EmployeeRecord) error {
	list, err := checkEmployees(records)
	if err != nil {
		return err
	}
	return putParts(ctx, d.db, laneFor(len(list)), employeeChunks(list), putEmployees)
}

// UploadEmployees is PutEmployees for a page of an upload that replaces all employees. Those whom the upload leaves out
// lose their employee record once it has ended; whom console, SCIM or a sign-in asserts stays.
func (d *Directory) UploadEmployees(ctx context.Context, page upload.Page, records []EmployeeRecord) error {
	list, err := checkEmployees(records)
	if err != nil {
		return err
	}
	page.Kind, page.Items = upload.Employees, len(list)
	return upload.Write(ctx, d.db, page, employeeChunks(list), putEmployees, leavesEmployees)
}

func checkEmployees(records []EmployeeRecord) ([]EmployeeRecord, error) {
	list := slices.Clone(records)
	for i := range list {
		if err := list[i].prepare(); err != nil {
			return nil, placed(err, i, len(list))
		}
	}
	return list, nil
}

// prepare checks a record, folds its addresses and takes the photo out.
func (r *EmployeeRecord) prepare() (err error) {
	if r.Email, err = FoldEmail(r.Email); err != nil {
		return errAddress.WithField("email")
	}
	if err = r.takePhoto(); err != nil {
		return err
	}
	if err = r.Profile.check(); err != nil {
		return err
	}
	if r.Profile.ManagerEmail != "" {
		if r.Profile.ManagerEmail, err = FoldEmail(r.Profile.ManagerEmail); err != nil {
			return errAddress.WithField("managerEmail")
		}
	}
	return nil
}

// placed says which of several things a fault is about.
func placed(err error, i, n int) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || n < 2 {
		return err
	}
	return fault.Newf(f.Kind, "Number %d of %d: %s", i+1, n, f.Message).WithField(f.Field)
}

func employeeChunks(list []EmployeeRecord) [][]EmployeeRecord {
	return partsOf(list, chunkPeople, chunkPhotos, func(r *EmployeeRecord) int {
		if r.photo == nil {
			return 0
		}
		return len(r.photo.Content)
	})
}

// putEmployees writes records in one transaction. Personnel systems send everybody every night, and most are as they
// were: those cost a share of four statements.
func putEmployees(ctx context.Context, tx *sqldb.Tx, records []EmployeeRecord) error {
	mark, err := upload.Touch(ctx, tx)
	if err != nil {
		return err
	}
	same, err := unchanged(ctx, tx, records)
	if err != nil {
		return err
	}
	var ids []any
	for i := range records {
		if id := same[records[i].Email]; id != "" {
			ids = append(ids, id)
			continue
		}
		if err := putEmployee(ctx, tx, &records[i], mark); err != nil {
			if f, ok := errors.AsType[*fault.Fault](err); ok && f.Kind == fault.Conflict && len(records) > 1 {
				return fault.Newf(fault.Conflict, "%s: %s Those before may have been written.", records[i].Email, f.Message).WithField(f.Field)
			}
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, "UPDATE assertions SET touched = $1 WHERE source = $2 AND person_id IN "+sqldb.In(3, len(ids)), append([]any{mark, string(Employee)}, ids...)...)
	return err
}

// unchanged returns the ids of the people whose records say what is known already, by address.
func unchanged(ctx context.Context, tx *sqldb.Tx, records []EmployeeRecord) (map[string]string, error) {
	if len(records) < 2 {
		return nil, nil
	}
	times := make(map[string]int, len(records))
	args := make([]any, len(records))
	for i := range records {
		times[records[i].Email]++
		args[i] = records[i].Email
	}
	type known struct {
		address string
		*Person
	}
	scan := func(row sqldb.Scanner) (k known, err error) {
		k.Person, err = scanPerson(prefixed{row, &k.address})
		return k, err
	}
	list, err := sqldb.All(ctx, tx, scan, "SELECT a.address, "+personColumns+
		" FROM addresses a JOIN people p ON p.id = a.person_id WHERE a.address IN "+sqldb.In(1, len(args)), args...)
	if err != nil {
		return nil, err
	}
	people, byAddress := make([]*Person, 0, len(list)), make(map[string]*Person, len(list))
	for _, k := range list {
		byAddress[k.address] = k.Person
		if !slices.ContainsFunc(people, func(p *Person) bool { return p.ID == k.ID }) {
			people = append(people, k.Person)
		}
	}
	if err = completeAll(ctx, tx, people); err != nil {
		return nil, err
	}
	same := make(map[string]string, len(list))
	for i := range records {
		r := &records[i]
		if p := byAddress[r.Email]; p != nil && times[r.Email] == 1 && r.Version == 0 && says(p, &r.Profile) {
			same[r.Email] = p.ID
		}
	}
	return same, nil
}

// prefixed is a row whose first column goes elsewhere.
type prefixed struct {
	row   sqldb.Scanner
	first any
}

func (p prefixed) Scan(dest ...any) error { return p.row.Scan(append([]any{p.first}, dest...)...) }

// says reports whether a record with the profile leaves p as it is.
func says(p *Person, profile *Profile) bool {
	if !slices.Contains(p.Sources, Assertion{Employee, profile.Status != StatusEx}) {
		return false
	}
	after := *p
	after.employ(profile)
	return after.Name == p.Name && sameProfile(&p.Profile, &after.Profile)
}

func putEmployee(ctx context.Context, tx *sqldb.Tx, r *EmployeeRecord, mark int64) error {
	if err := Advance(ctx, tx, "employee/"+r.Email, r.Version); err != nil {
		return err
	}
	before, err := personByAddress(ctx, tx, r.Email)
	if err == nil {
		if err = complete(ctx, tx, before); err != nil {
			return err
		}
		over, failed := succeeds(ctx, tx, before, &r.Profile)
		if failed != nil {
			return failed
		}
		if over {
			err = retire(ctx, tx, before)
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
		return employ(ctx, tx, nil, p, r, mark)
	}
	if err != nil {
		return err
	}
	after := *before
	return employ(ctx, tx, before, &after, r, mark)
}

// succeeds reports whether a record that names p's address is about somebody else, who got the
// address after p left: p's employment ended or SCIM deleted p, nobody else asserts p, and the employee ids differ.
func succeeds(ctx context.Context, tx *sqldb.Tx, p *Person, profile *Profile) (bool, error) {
	if profile.Status == StatusEx || sameEmployee(&p.Profile, profile) {
		return false, nil
	}
	return gone(ctx, tx, p, false)
}

// employ makes p what an employee record says.
func (p *Person) employ(profile *Profile) {
	p.Profile = *profile
	if name := profile.fullName(); name != "" {
		p.Name = name
	} else if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
}

func employ(ctx context.Context, tx *sqldb.Tx, before, p *Person, r *EmployeeRecord, mark int64) error {
	had := p.Profile.PhotoDigest
	p.employ(&r.Profile)
	if had != p.Profile.PhotoDigest {
		if err := putPhoto(ctx, tx, p, r.photo); err != nil {
			return err
		}
	}
	if err := assertTouched(ctx, tx, p.ID, Employee, r.Profile.Status != StatusEx, mark); err != nil {
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
		return dismiss(ctx, tx, before)
	})
}

// dismiss withdraws what an employee record says of a person, if there is one.
func dismiss(ctx context.Context, tx *sqldb.Tx, before *Person) error {
	if err := complete(ctx, tx, before); err != nil {
		return err
	}
	if !slices.ContainsFunc(before.Sources, func(a Assertion) bool { return a.Source == Employee }) {
		return nil
	}
	if err := withdraw(ctx, tx, before.ID, Employee); err != nil {
		return err
	}
	if before.Profile.PhotoDigest != "" {
		if err := putPhoto(ctx, tx, before, nil); err != nil {
			return err
		}
	}
	after := *before
	if err := reprofile(ctx, tx, &after); err != nil {
		return err
	}
	return settle(ctx, tx, before, &after)
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
