package directory

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// ByEmail returns the person who holds an address now, active or not. An address that nobody holds,
// or that is none, is a fault.NotFound. It asks SQL once: callers above keep what they need.
func (d *Directory) ByEmail(ctx context.Context, email string) (*Person, error) {
	address, err := FoldEmail(email)
	if err != nil {
		return nil, errNoPerson
	}
	return d.one(ctx, func(tx *sqldb.Tx) (*Person, error) { return personByAddress(ctx, tx, address) })
}

// ByID returns the person with a stable id, retired people included.
func (d *Directory) ByID(ctx context.Context, id string) (*Person, error) {
	return d.one(ctx, func(tx *sqldb.Tx) (*Person, error) { return personByID(ctx, tx, id) })
}

// ByIDOrEmail returns the person whom text names in either way.
func (d *Directory) ByIDOrEmail(ctx context.Context, text string) (*Person, error) {
	if strings.Contains(text, "@") {
		return d.ByEmail(ctx, text)
	}
	return d.ByID(ctx, text)
}

func (d *Directory) one(ctx context.Context, find func(*sqldb.Tx) (*Person, error)) (p *Person, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		if p, err = find(tx); err != nil {
			return err
		}
		return complete(ctx, tx, p)
	})
	return p, err
}

// LookupEmail is ByEmail for admission, inside the caller's transaction: addresses and sources stay empty.
func LookupEmail(ctx context.Context, tx *sqldb.Tx, email string) (*Person, error) {
	address, err := FoldEmail(email)
	if err != nil {
		return nil, errNoPerson
	}
	return personByAddress(ctx, tx, address)
}

// LookupID is ByID for admission, inside the caller's transaction: addresses and sources stay empty.
func LookupID(ctx context.Context, tx *sqldb.Tx, id string) (*Person, error) {
	return personByID(ctx, tx, id)
}

// Sources lists who asserts a person, inside the caller's transaction.
func Sources(ctx context.Context, tx *sqldb.Tx, id string) ([]Assertion, error) {
	return sqldb.All(ctx, tx, scanAssertion, "SELECT source, active FROM assertions WHERE person_id = $1 ORDER BY source", id)
}

// NewPerson is what Add and First need to know.
type NewPerson struct {
	Email string
	Name  string // optional
	Role  grant.Role
}

// maxName bounds names of people and of things in datasources, in bytes.
const maxName = 512

// Add makes a person whom the console asserts. Somebody whom only employee data or a sign-in
// asserts is adopted instead and given the role, if it is greater than theirs; somebody whom the
// console knows already is a fault.Conflict.
func (d *Directory) Add(ctx context.Context, n NewPerson) (*Person, error) {
	return d.ensure(ctx, n, Console, func(*sqldb.Tx) error { return nil })
}

// First makes the first Super Admin, and reports whether it did: it does nothing where there is any
// person already.
func (d *Directory) First(ctx context.Context, email string) (p *Person, made bool, err error) {
	p, err = d.ensure(ctx, NewPerson{Email: email, Role: grant.RoleSuperAdmin}, Console, func(tx *sqldb.Tx) error {
		n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM people")
		if err == nil && n > 0 {
			err = errNotFirst
		}
		return err
	})
	if err == errNotFirst { //nolint:errorlint // returned as it is
		return nil, false, nil
	}
	return p, err == nil, err
}

var errNotFirst = fault.New(fault.Conflict, "There are people already.")

// SignedIn records that a sign-in provider vouched for an address, and returns the person: the one
// who holds it, or a new Member. It reactivates nobody.
func (d *Directory) SignedIn(ctx context.Context, email, name string) (*Person, error) {
	return d.ensure(ctx, NewPerson{Email: email, Name: name}, SSO, func(*sqldb.Tx) error { return nil })
}

func (d *Directory) ensure(ctx context.Context, n NewPerson, source Source, admit func(*sqldb.Tx) error) (p *Person, err error) {
	address, err := FoldEmail(n.Email)
	if err != nil {
		return nil, errAddress.WithField("email")
	}
	name, err := personName(n.Name)
	if err != nil {
		return nil, err
	}
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := admit(tx); err != nil {
			return err
		}
		held, err := personByAddress(ctx, tx, address)
		switch {
		case err == nil:
			p, err = adopt(ctx, tx, held, source, n.Role, name)
			return err
		case fault.KindOf(err) != fault.NotFound:
			return err
		}
		p = &Person{Email: address, Name: name, Role: n.Role}
		if name == "" {
			p.Name, _, _ = strings.Cut(address, "@")
		}
		if err = insert(ctx, tx, p); err != nil {
			return err
		}
		if err = take(ctx, tx, p.ID, address); err != nil {
			return err
		}
		if err = assert(ctx, tx, p.ID, source, true); err != nil {
			return err
		}
		return settle(ctx, tx, nil, p)
	})
	return p, err
}

// adopt adds a source to somebody who exists.
func adopt(ctx context.Context, tx *sqldb.Tx, held *Person, source Source, role grant.Role, name string) (*Person, error) {
	if err := complete(ctx, tx, held); err != nil {
		return nil, err
	}
	for _, a := range held.Sources {
		if a.Source != source {
			continue
		}
		if source == Console {
			return nil, fault.New(fault.Conflict, "A person with this address exists already. Change their role instead.").WithField("email")
		}
		return held, nil
	}
	if err := assert(ctx, tx, held.ID, source, true); err != nil {
		return nil, err
	}
	p := *held
	p.Role = max(p.Role, role)
	if name != "" && p.Profile.fullName() == "" {
		p.Name = name
	}
	return &p, settle(ctx, tx, held, &p)
}

func personName(name string) (string, error) {
	text := strings.TrimSpace(name)
	if len(text) > maxName || strings.ContainsFunc(text, isControl) {
		return "", fault.Newf(fault.Invalid, "A name is one line of at most %d bytes.", maxName).WithField("name")
	}
	return text, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// change loads a person, lets edit work on a copy, and settles the result.
func (d *Directory) change(ctx context.Context, id string, edit func(*sqldb.Tx, *Person) error) (p *Person, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		before, err := personByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if before.Retired {
			return errNoPerson
		}
		if err = complete(ctx, tx, before); err != nil {
			return err
		}
		after := *before
		if err = edit(tx, &after); err != nil {
			return err
		}
		p = &after
		return settle(ctx, tx, before, p)
	})
	return p, err
}

// SetRole gives a person a role. The last active Super Admin keeps theirs: fault.Conflict.
func (d *Directory) SetRole(ctx context.Context, id string, role grant.Role) (*Person, error) {
	return d.change(ctx, id, func(_ *sqldb.Tx, p *Person) error {
		p.Role = role
		return nil
	})
}

// SetActive lets the console assert a person, or deactivate them whatever other sources say. The
// last active Super Admin stays: fault.Conflict.
func (d *Directory) SetActive(ctx context.Context, id string, active bool) (*Person, error) {
	return d.change(ctx, id, func(tx *sqldb.Tx, _ *Person) error { return activate(ctx, tx, id, active) })
}

func activate(ctx context.Context, tx *sqldb.Tx, id string, active bool) error {
	if active {
		if err := readmit(ctx, tx, id); err != nil {
			return err
		}
	}
	return assert(ctx, tx, id, Console, active)
}

// Patch is a change of role and state in one step; nil leaves a thing as it is.
type Patch struct {
	Role   *grant.Role
	Active *bool
}

var errLeft = fault.New(fault.Conflict, "The identity provider or the employee record says that this person has left. Mend it there; nobody can be activated here against it.")

// Update applies a Patch, all of it or nothing. Activating somebody whom SCIM or an employee record keeps inactive is a fault.Conflict.
func (d *Directory) Update(ctx context.Context, id string, patch Patch) (*Person, error) {
	return d.change(ctx, id, func(tx *sqldb.Tx, p *Person) error {
		if patch.Role != nil {
			p.Role = *patch.Role
		}
		if patch.Active != nil {
			if err := activate(ctx, tx, id, *patch.Active); err != nil || !*patch.Active {
				return err
			}
			sources, err := Sources(ctx, tx, id)
			if active, _ := state(sources); err == nil && !active {
				err = errLeft
			}
			return err
		}
		return nil
	})
}

// Remove withdraws what a source says of a person. Whoever is asserted by nobody afterwards is
// retired: inactive for good, without role or address.
func (d *Directory) Remove(ctx context.Context, id string, source Source) (*Person, error) {
	return d.change(ctx, id, func(tx *sqldb.Tx, _ *Person) error { return withdraw(ctx, tx, id, source) })
}

// AddAddress gives a person a further address. One that somebody holds is a fault.Conflict.
func (d *Directory) AddAddress(ctx context.Context, id, email string) (*Person, error) {
	address, err := FoldEmail(email)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, id, func(tx *sqldb.Tx, _ *Person) error { return take(ctx, tx, id, address) })
}

// RemoveAddress takes a further address from a person. The main address stays until another one is
// made the main one.
func (d *Directory) RemoveAddress(ctx context.Context, id, email string) (*Person, error) {
	address, err := FoldEmail(email)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, id, func(tx *sqldb.Tx, p *Person) error {
		if p.Email == address {
			return fault.New(fault.Conflict, "This is the person's main address. Make another one the main address first.").WithField("email")
		}
		return release(ctx, tx, id, address)
	})
}

// SetMainAddress makes one of a person's addresses the one that is shown.
func (d *Directory) SetMainAddress(ctx context.Context, id, email string) (*Person, error) {
	address, err := FoldEmail(email)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, id, func(tx *sqldb.Tx, p *Person) error {
		holder, err := personByAddress(ctx, tx, address)
		if err != nil {
			return err
		}
		if holder.ID != id {
			return errTaken
		}
		p.Email = address
		return nil
	})
}
