package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Provisioned is what an identity provider says of a person by SCIM. It is beside the person: what the provider says
// of somebody is kept as it was sent, and what follows from it is the person.
type Provisioned struct {
	ID         string // of the person
	UserName   string // unique whatever its case
	ExternalID string // the provider's own id
	Address    string // that the person holds by it, folded
	Name       string // to show; "" where the provider gives none
	// Active is what the provider says. A person whom the console deactivates, or whose employment ended, is not active
	// whatever it is.
	Active bool
	// Profile is shown of people of whom no employee record speaks.
	Profile Profile
	// Attributes is all that was sent, as the SCIM API keeps it.
	Attributes       string
	Created, Updated int64 // microseconds
}

// check refuses what no person may hold, and folds the address.
func (n *Provisioned) check() (err error) {
	if n.Address, err = FoldEmail(n.Address); err != nil {
		return errAddress.WithField("userName")
	}
	if n.Name, err = personName(n.Name); err != nil {
		return err
	}
	if n.UserName == "" || len(n.UserName) > maxName || strings.ContainsFunc(n.UserName, isControl) || len(n.ExternalID) > maxName {
		return fault.Newf(fault.Invalid, "A userName is one line of at most %d bytes, and so is an externalId.", maxName).WithField("userName")
	}
	return n.Profile.check()
}

var (
	errProvisioned = fault.New(fault.Conflict, "A person with this userName or address is provisioned already.").WithCode("uniqueness").WithField("userName")
	errNoProvision = fault.New(fault.NotFound, "There is no such user.")
)

// Provision lets SCIM assert a person: the one who holds the address and whom SCIM does not know yet, or a new Member, as well where the
// holder left and had another number as an employee. Roles,
// and whom the console deactivated, stay as they are. A userName or address that is provisioned already is a fault.Conflict, and
// so is the deactivation of the last Super Admin.
func (d *Directory) Provision(ctx context.Context, n Provisioned) (Provisioned, error) {
	if err := n.check(); err != nil {
		return n, err
	}
	err := d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		before, err := personByAddress(ctx, tx, n.Address)
		if err == nil {
			before, err = n.heir(ctx, tx, before)
		}
		var p Person
		switch {
		case err == nil:
			p = *before
		case fault.KindOf(err) == fault.NotFound:
			p = Person{Email: n.Address}
			p.Name, _, _ = strings.Cut(n.Address, "@")
			if err = insert(ctx, tx, &p); err != nil {
				return err
			}
			if err = take(ctx, tx, p.ID, n.Address); err != nil {
				return err
			}
		default:
			return err
		}
		n.ID, n.Created = p.ID, now()
		n.Updated = n.Created
		_, err = tx.Exec(ctx, `INSERT INTO provisioned_people (person_id, user_name, user_key, external_id, address, name, profile, attributes, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
			n.ID, n.UserName, FoldKey(n.UserName), n.ExternalID, n.Address, n.Name, profileText(&n.Profile), n.Attributes, n.Created)
		if fault.KindOf(err) == fault.Conflict {
			return errProvisioned.Wrap(err)
		}
		if err != nil {
			return err
		}
		return n.settle(ctx, tx, before, &p)
	})
	return n, err
}

// heir returns the holder of the address, complete, or errNoPerson where they left, the address went on to somebody else, and has been freed now.
func (n *Provisioned) heir(ctx context.Context, tx *sqldb.Tx, holder *Person) (*Person, error) {
	if err := complete(ctx, tx, holder); err != nil {
		return nil, err
	}
	left, err := gone(ctx, tx, holder, true)
	if err != nil || !left || sameEmployee(&holder.Profile, &n.Profile) {
		return holder, err
	}
	return nil, retire(ctx, tx, holder)
}

// gone reports whether a person left: their employment ended, or SCIM deleted them. Whom the console deactivated stays, whoever comes, and
// so does whom it names, unless adopt says that SCIM may take them over.
func gone(ctx context.Context, tx *sqldb.Tx, p *Person, adopt bool) (bool, error) {
	for _, a := range p.Sources {
		if a.Source == SSO || a.Source == Console && !(a.Active && adopt) {
			return false, nil
		}
	}
	if p.Active {
		return false, nil
	}
	n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM provisioned_people WHERE person_id = $1", p.ID)
	return n == 0, err
}

// sameEmployee reports whether two profiles may be of one person: numbers of employees are never given twice.
func sameEmployee(a, b *Profile) bool {
	return a.EmployeeID == "" || b.EmployeeID == "" || a.EmployeeID == b.EmployeeID
}

// retire withdraws whatever is said of a person. It returns errNoPerson, which then holds of their addresses.
func retire(ctx context.Context, tx *sqldb.Tx, p *Person) error {
	for _, a := range p.Sources {
		if err := withdraw(ctx, tx, p.ID, a.Source); err != nil {
			return err
		}
	}
	after := *p
	if err := settle(ctx, tx, p, &after); err != nil {
		return err
	}
	return errNoPerson
}

// settle makes of a person what the provider says.
func (n *Provisioned) settle(ctx context.Context, tx *sqldb.Tx, before, p *Person) error {
	if err := assert(ctx, tx, p.ID, SCIM, n.Active); err != nil {
		return err
	}
	if before == nil || !slices.ContainsFunc(before.Sources, func(a Assertion) bool { return a.Source == Employee }) {
		n.show(p)
	}
	return settle(ctx, tx, before, p)
}

// show makes name and profile those of the provider. A photo that is kept here is not the provider's.
func (n *Provisioned) show(p *Person) {
	photo := p.Profile.PhotoDigest
	p.Profile = n.Profile
	p.Profile.PhotoDigest = photo
	if name := n.Name; name != "" {
		p.Name = name
	} else if name := p.Profile.fullName(); name != "" {
		p.Name = name
	}
}

// Reprovision changes what SCIM says of a person, all of it or nothing. edit returns the new state of what it is given; it may run
// more than once. Another address takes the place of the one held by SCIM before, which is free then; whoever has a role that no
// provisioned group gives keeps their address: fault.Conflict. The state before is returned too.
func (d *Directory) Reprovision(ctx context.Context, id string, edit func(Provisioned) (Provisioned, error)) (before, after Provisioned, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if before, err = provisionedByID(ctx, tx, id); err != nil {
			return err
		}
		if after, err = edit(before); err != nil {
			return err
		}
		after.ID, after.Created, after.Updated = before.ID, before.Created, before.Updated
		if err = after.check(); err != nil {
			return err
		}
		if sameProvision(&before, &after) {
			return nil
		}
		after.Updated = now()
		_, err = tx.Exec(ctx, `UPDATE provisioned_people SET user_name = $2, user_key = $3, external_id = $4, address = $5, name = $6, profile = $7, attributes = $8, updated_at = $9
			WHERE person_id = $1`, id, after.UserName, FoldKey(after.UserName), after.ExternalID, after.Address, after.Name, profileText(&after.Profile), after.Attributes, after.Updated)
		if fault.KindOf(err) == fault.Conflict {
			return errProvisioned.Wrap(err)
		}
		if err != nil {
			return err
		}
		held, err := personByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err = complete(ctx, tx, held); err != nil {
			return err
		}
		p := *held
		if before.Address != after.Address {
			role, err := beyondSCIM(ctx, tx, held)
			if err == nil && role > grant.RoleMember {
				err = errOwnRole
			}
			if err != nil {
				return err
			}
			if err = readdress(ctx, tx, &p, before.Address, after.Address); err != nil {
				return err
			}
		}
		return after.settle(ctx, tx, held, &p)
	})
	return before, after, err
}

func sameProvision(a, b *Provisioned) bool {
	return a.UserName == b.UserName && a.ExternalID == b.ExternalID && a.Address == b.Address && a.Name == b.Name && a.Active == b.Active &&
		a.Attributes == b.Attributes && sameProfile(&a.Profile, &b.Profile)
}

// readdress gives a person the address to in the place of from.
func readdress(ctx context.Context, tx *sqldb.Tx, p *Person, from, to string) error {
	if !slices.Contains(p.Addresses, to) {
		holder, err := personByAddress(ctx, tx, to)
		if err == nil && holder.ID != p.ID {
			return errTaken.WithCode("uniqueness")
		}
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err = take(ctx, tx, p.ID, to); err != nil {
			return err
		}
	}
	if p.Email == from || !slices.Contains(p.Addresses, p.Email) {
		p.Email = to
	}
	return release(ctx, tx, p.ID, from)
}

// Deprovision ends what SCIM says of a person: they are not active from then on, whatever console or employee records say, and
// whom neither knows is retired. Signing in before counts for nothing, as it was by the same provider. The last Super Admin stays:
// fault.Conflict.
func (d *Directory) Deprovision(ctx context.Context, id string) (before Provisioned, err error) {
	err = d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if before, err = provisionedByID(ctx, tx, id); err != nil {
			return err
		}
		held, err := personByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err = complete(ctx, tx, held); err != nil {
			return err
		}
		p := *held
		if p.Role, err = give(ctx, tx, held, giverSCIM, grant.RoleMember); err != nil {
			return err
		}
		for _, q := range []string{"DELETE FROM provisioned_members WHERE person_id = $1", "DELETE FROM provisioned_people WHERE person_id = $1"} {
			if _, err = tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		if err = withdraw(ctx, tx, id, SSO); err != nil {
			return err
		}
		// Where others assert the person, a denial stays behind: withdrawing it would let somebody in again who was deactivated
		// before, which is how providers delete.
		if slices.ContainsFunc(held.Sources, func(a Assertion) bool { return a.Source != SCIM && a.Source != SSO }) {
			err = assert(ctx, tx, id, SCIM, false)
		} else {
			err = withdraw(ctx, tx, id, SCIM)
		}
		if err != nil {
			return err
		}
		return settle(ctx, tx, held, &p)
	})
	return before, err
}

// readmit takes back the denial that a person deleted by SCIM has, where the console says that they are here: nobody else could.
func readmit(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM assertions WHERE person_id = $1 AND source = $2
		AND NOT EXISTS (SELECT 1 FROM provisioned_people n WHERE n.person_id = $1)`, id, string(SCIM))
	return err
}

// reprofile gives a person whose employee record is gone the profile that SCIM knows.
func reprofile(ctx context.Context, tx *sqldb.Tx, p *Person) error {
	p.Profile = Profile{}
	n, err := provisionedByID(ctx, tx, p.ID)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err == nil {
		n.show(p)
	}
	return err
}
