package directory

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const personColumns = "p.id, p.seq, p.email, p.name, p.role, p.active, p.retired, p.profile, p.created_at, p.updated_at, p.spell"

func scanPerson(row sqldb.Scanner) (*Person, error) {
	var (
		p       Person
		role    int64
		profile string
	)
	if err := row.Scan(&p.ID, &p.seq, &p.Email, &p.Name, &role, &p.Active, &p.Retired, &profile, &p.Created, &p.Updated, &p.Spell); err != nil {
		return nil, err
	}
	p.Role = grant.Role(role) //nolint:gosec // written from a grant.Role
	if err := json.Unmarshal([]byte(profile), &p.Profile); err != nil {
		return nil, fmt.Errorf("profile of person %s: %w", p.ID, err)
	}
	return &p, nil
}

func personByID(ctx context.Context, tx *sqldb.Tx, id string) (*Person, error) {
	return found(sqldb.One(ctx, tx, scanPerson, "SELECT "+personColumns+" FROM people p WHERE p.id = $1", id))
}

// personByAddress finds who holds a folded address.
func personByAddress(ctx context.Context, tx *sqldb.Tx, address string) (*Person, error) {
	return found(sqldb.One(ctx, tx, scanPerson, "SELECT "+personColumns+
		" FROM addresses a JOIN people p ON p.id = a.person_id WHERE a.address = $1", address))
}

var errNoPerson = fault.New(fault.NotFound, "There is no such person.")

func found(p *Person, err error) (*Person, error) {
	if fault.KindOf(err) == fault.NotFound {
		return nil, errNoPerson.Wrap(err)
	}
	return p, err
}

func scanAssertion(row sqldb.Scanner) (a Assertion, err error) {
	err = row.Scan(&a.Source, &a.Active)
	return a, err
}

// complete adds what stands in tables of its own.
func complete(ctx context.Context, tx *sqldb.Tx, p *Person) (err error) {
	p.Addresses, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT address FROM addresses WHERE person_id = $1 ORDER BY address", p.ID)
	if err != nil {
		return err
	}
	p.Sources, err = Sources(ctx, tx, p.ID)
	return err
}

// insert adds a person's row. Its role and state are settled afterwards.
func insert(ctx context.Context, tx *sqldb.Tx, p *Person) error {
	p.ID, p.Created = sqldb.NewID(), now()
	_, err := tx.Exec(ctx, `INSERT INTO people (id, seq, email, name, role, active, retired, profile, employee_id, created_at, updated_at, spell)
		VALUES ($1, 0, $2, $3, 0, FALSE, FALSE, '{}', '', $4, $4, 0)`, p.ID, p.Email, p.Name, p.Created)
	return err
}

// take gives a free address to a person. Where somebody else held it before, what datasources said
// of it until now is theirs and stays behind.
func take(ctx context.Context, tx *sqldb.Tx, id, address string) error {
	earlier, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT person_id FROM former_addresses WHERE address = $1 AND person_id <> $2 LIMIT 1", address, id)
	if err != nil {
		return err
	}
	var heldFrom int64
	if len(earlier) > 0 {
		if heldFrom, err = tx.Next(ctx, counterSeq, 1); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO addresses (address, person_id, held_from) VALUES ($1, $2, $3)", address, id, heldFrom)
	if fault.KindOf(err) == fault.Conflict {
		return errTaken.Wrap(err)
	}
	return err
}

var errTaken = fault.New(fault.Conflict, "Somebody has this address already.").WithField("email")

// release takes addresses from a person: the one given, or all where it is "".
func release(ctx context.Context, tx *sqldb.Tx, id, address string) error {
	where, args := "person_id = $1", []any{id}
	if address != "" {
		where, args = "person_id = $1 AND address = $2", []any{id, address}
	}
	_, err := tx.Exec(ctx, `INSERT INTO former_addresses (address, person_id)
		SELECT address, person_id FROM addresses WHERE `+where+` ON CONFLICT (address, person_id) DO NOTHING`, args...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM addresses WHERE "+where, args...)
	return err
}

func assert(ctx context.Context, tx *sqldb.Tx, id string, source Source, active bool) error {
	return assertTouched(ctx, tx, id, source, active, 0)
}

// assertTouched is assert with the mark of the transaction, for a source that uploads replace.
func assertTouched(ctx context.Context, tx *sqldb.Tx, id string, source Source, active bool, mark int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO assertions (person_id, source, active, at, touched) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person_id, source) DO UPDATE SET active = excluded.active, at = excluded.at, touched = excluded.touched`,
		id, source, active, now(), mark)
	return err
}

func withdraw(ctx context.Context, tx *sqldb.Tx, id string, source Source) error {
	_, err := tx.Exec(ctx, "DELETE FROM assertions WHERE person_id = $1 AND source = $2", id, source)
	return err
}

// settle derives a person's state from their assertions, writes the row and raises the versions.
// before is the person as SQL had it, complete, and nil for a new one. Every change of a person ends here, so
// that no source can take away the last Super Admin.
func settle(ctx context.Context, tx *sqldb.Tx, before, p *Person) error {
	if err := complete(ctx, tx, p); err != nil {
		return err
	}
	p.Active, p.Retired = state(p.Sources)
	if p.Retired {
		p.Role, p.Addresses = grant.RoleMember, nil
		if p.Profile.PhotoDigest != "" {
			p.Profile.PhotoDigest = ""
			if err := putPhoto(ctx, tx, p, nil); err != nil {
				return err
			}
		}
		if err := release(ctx, tx, p.ID, ""); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM given_roles WHERE person_id = $1", p.ID); err != nil {
			return err
		}
	}
	if before != nil && (!before.Active && p.Active || before.Role < p.Role) {
		p.Spell++
	}
	if before != nil && administers(before) && !administers(p) {
		others, err := otherSuperAdmins(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if others == 0 {
			return errLastSuperAdmin
		}
	}
	profile, err := json.Marshal(&p.Profile)
	if err != nil {
		return fmt.Errorf("encode profile of person %s: %w", p.ID, err)
	}
	admission, shown, err := differs(before, p, profile)
	if err != nil || !admission && !shown {
		return err
	}
	if p.seq, err = tx.Next(ctx, counterSeq, 1); err != nil {
		return err
	}
	p.Updated = now()
	_, err = tx.Exec(ctx, `UPDATE people SET seq = $2, email = $3, name = $4, role = $5, active = $6, retired = $7,
		profile = $8, employee_id = $9, updated_at = $10, spell = $11 WHERE id = $1`,
		p.ID, p.seq, p.Email, p.Name, int64(p.Role), p.Active, p.Retired, string(profile), p.Profile.EmployeeID, p.Updated, p.Spell)
	if err != nil {
		return err
	}
	if _, err = tx.Raise(ctx, versionPeople); err != nil || !admission {
		return err
	}
	_, err = tx.Raise(ctx, versionAuthority)
	return err
}

// differs says what of a person has changed: what admission depends on, and anything that is shown.
// Personnel systems send everybody every night, and most of them are as they were.
func differs(before, p *Person, profile []byte) (admission, shown bool, err error) {
	if before == nil {
		return true, true, nil
	}
	old, err := json.Marshal(&before.Profile)
	if err != nil {
		return false, false, fmt.Errorf("encode profile of person %s: %w", p.ID, err)
	}
	admission = before.Role != p.Role || before.Active != p.Active || before.Retired != p.Retired || before.Email != p.Email ||
		!slices.Equal(before.Addresses, p.Addresses)
	shown = before.Name != p.Name || !slices.Equal(before.Sources, p.Sources) || string(old) != string(profile)
	return admission, shown, nil
}

func otherSuperAdmins(ctx context.Context, tx *sqldb.Tx, id string) (int64, error) {
	return sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM people WHERE role = $1 AND active AND id <> $2", int64(grant.RoleSuperAdmin), id)
}

// sameProfile reports whether two profiles are stored alike.
func sameProfile(a, b *Profile) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func administers(p *Person) bool { return p.Active && p.Role == grant.RoleSuperAdmin }

// state says what assertions amount to.
func state(sources []Assertion) (active, retired bool) {
	denied := false
	for _, a := range sources {
		active = active || a.Active
		denied = denied || !a.Active
	}
	return active && !denied, len(sources) == 0
}
