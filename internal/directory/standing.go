package directory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// What connectors and administrators ask about the users and groups of a datasource. Who may ask is the caller's business.

// LookupRealm returns a datasource's realm inside the caller's transaction. An unknown one is a fault.Invalid.
func LookupRealm(ctx context.Context, tx *sqldb.Tx, datasource string) (Realm, error) {
	return realm(ctx, tx, datasource)
}

// Totals counts what a datasource has of its own.
type Totals struct{ Users, Groups, Memberships int64 }

// Totals counts the users, groups and memberships that were sent for a datasource.
func (d *Directory) Totals(ctx context.Context, datasource string) (t Totals, err error) {
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, part := range []struct {
			into  *int64
			table string
		}{{&t.Users, "identities"}, {&t.Groups, "realm_groups"}, {&t.Memberships, "memberships"}} {
			if *part.into, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM "+part.table+" WHERE datasource = $1", datasource); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// SentUser is a user of a datasource as its connector sent it.
type SentUser struct {
	Active   bool
	Uploaded time.Time // zero where that was not kept
	Groups   []string  // in which the user is, through others too, sorted; only groups that exist
}

// SentUser returns the user of an address in a datasource, or false where there is none. Groups are those of the datasource
// that lends the identities, which the user comes from as well.
func (d *Directory) SentUser(ctx context.Context, datasource, email string) (u SentUser, known bool, err error) {
	address, err := FoldEmail(email)
	if err != nil {
		return u, false, errAddress.WithField("email")
	}
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		r, err := realm(ctx, tx, datasource)
		if err != nil {
			return err
		}
		lender, err := realm(ctx, tx, r.IdentitySource)
		if fault.KindOf(err) == fault.Invalid {
			return nil
		}
		if err != nil {
			return err
		}
		who := user{email: address}
		scan := func(s sqldb.Scanner) (at int64, err error) { err = s.Scan(&who.id, &u.Active, &at); return at, err }
		at, err := sqldb.One(ctx, tx, scan, "SELECT user_id, active, uploaded_at FROM identities WHERE datasource = $1 AND email = $2", r.IdentitySource, address)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		known, u.Uploaded = true, sqldb.Time(at)
		u.Groups, _, err = groupsOf(ctx, tx, &realmNow{Realm: r, membersByEmail: lender.ByEmail}, []user{who})
		slices.Sort(u.Groups)
		return err
	})
	return u, known, err
}

// Known reports whether every user and group that permissions name was sent, so that each of them means somebody.
func Known(ctx context.Context, tx *sqldb.Tx, datasource string, p *Permissions) (bool, error) {
	r, err := realm(ctx, tx, datasource)
	if err != nil {
		return false, err
	}
	texts := map[string]map[string]bool{"email": {}, "user_id": {}, "name": {}}
	for _, u := range p.Users {
		n, ok := u.name()
		switch n = n.counting(r.ByEmail); {
		case !ok || n.text == "":
			return false, nil
		case n.kind == kindMail:
			texts["email"][n.text] = true
		default:
			texts["user_id"][n.text] = true
		}
	}
	for _, g := range slices.Concat(slices.Concat(p.Intersections...), p.Groups) {
		texts["name"][g] = true
	}
	for column, set := range texts {
		table := "identities"
		if column == "name" {
			table = "realm_groups"
		}
		for part := range slices.Chunk(slices.Collect(maps.Keys(set)), listParameters) {
			n, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM "+table+" WHERE datasource = $1 AND "+column+" IN "+sqldb.In(2, len(part)),
				sqldb.Args(part, r.IdentitySource)...)
			if err != nil || n < int64(len(part)) {
				return false, err
			}
		}
	}
	return true, nil
}

// Refresh makes every node read anew what people hold in a datasource, or in all where it is "".
func Refresh(ctx context.Context, tx *sqldb.Tx, datasource string) error {
	sources := []string{datasource}
	if datasource == "" {
		var err error
		if sources, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT datasource FROM realms ORDER BY datasource"); err != nil {
			return err
		}
	}
	for _, name := range sources {
		if err := raiseRealms(ctx, tx, name); err != nil {
			return err
		}
	}
	return nil
}

// RefreshPeople makes every node read people anew.
func RefreshPeople(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Raise(ctx, versionPeople)
	return err
}
