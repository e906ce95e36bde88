package directory

import (
	"context"
	"errors"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// Whoever is deleted leaves at once: the row of a user or group goes in one transaction, and with it all that it grants.
// Its memberships may be many more than one transaction can remove. A departure remembers those that are left, so that
// nobody bears the name again before they are gone, and so holds what was taken away.

// departStep is how many memberships one transaction removes: some 10 ms.
const departStep = 400

// errDeparting means that memberships of somebody deleted have to go first. It never leaves this package.
var errDeparting = errors.New("directory: departures are not settled")

func nobodyDeparts(ctx context.Context, tx *sqldb.Tx, datasource string) error {
	some, err := someRow(ctx, tx, "SELECT mark FROM departures WHERE datasource = $1 LIMIT 1", datasource)
	if err == nil && some {
		err = errDeparting
	}
	return err
}

// leave removes memberships that name somebody, touched up to a mark and at most limit, and says how many.
func leave(ctx context.Context, tx *sqldb.Tx, datasource string, who name, mark, limit int64) (n int64, err error) {
	named := []string{"member_kind = $2 AND member = $3"}
	if who.kind == kindGroup {
		named = append(named, "$2 = '"+kindGroup+"' AND group_name = $3")
	}
	for _, where := range named {
		if n >= limit {
			break
		}
		did, err := tx.Exec(ctx, `DELETE FROM memberships WHERE datasource = $1 AND (member_kind, member, group_name) IN
			(SELECT member_kind, member, group_name FROM memberships WHERE datasource = $1 AND `+where+" AND touched <= $4 LIMIT $5)",
			datasource, who.kind, who.text, mark, limit-n)
		if err != nil {
			return 0, err
		}
		n += did
	}
	return n, nil
}

// depart removes the memberships of somebody whose row goes in the same transaction, at most limit of them, and remembers
// that there may be more.
func depart(ctx context.Context, tx *sqldb.Tx, datasource string, who name, mark, limit int64) (n int64, err error) {
	if n, err = leave(ctx, tx, datasource, who, mark, limit); err != nil || n < limit {
		return n, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO departures (datasource, kind, name, mark) VALUES ($1, $2, $3, $4)
		ON CONFLICT (datasource, kind, name) DO UPDATE SET mark = excluded.mark`, datasource, who.kind, who.text, mark)
	return n, err
}

// settleSome removes at most limit memberships of those who departed. left says that there may be more.
func settleSome(ctx context.Context, tx *sqldb.Tx, datasource string, limit int64) (n int64, left bool, err error) {
	type row struct {
		who  name
		mark int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.who.kind, &r.who.text, &r.mark)
		return r, err
	}
	for n < limit {
		rows, err := sqldb.All(ctx, tx, scan, "SELECT kind, name, mark FROM departures WHERE datasource = $1 ORDER BY kind, name LIMIT 1", datasource)
		if err != nil || len(rows) == 0 {
			return n, false, err
		}
		did, err := leave(ctx, tx, datasource, rows[0].who, rows[0].mark, limit-n)
		if err != nil {
			return n, false, err
		}
		if n += did; n >= limit {
			break
		}
		_, err = tx.Exec(ctx, "DELETE FROM departures WHERE datasource = $1 AND kind = $2 AND name = $3", datasource, rows[0].who.kind, rows[0].who.text)
		if err != nil {
			return n, false, err
		}
	}
	return n, true, nil
}

// settle removes what is left of those who departed from a datasource.
func (d *Directory) settle(ctx context.Context, lane sqldb.Lane, datasource string) error {
	for left := true; left; {
		err := d.db.Write(ctx, lane, func(tx *sqldb.Tx) (err error) {
			_, left, err = settleSome(ctx, tx, datasource, departStep)
			return err // those memberships named nobody any more, so nobody holds less
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteIdentity removes a user of a datasource and the user's memberships. One that does not exist
// is no error.
func (d *Directory) DeleteIdentity(ctx context.Context, datasource, email string, version int64) error {
	address, err := FoldEmail(email)
	if err != nil {
		return errAddress.WithField("email")
	}
	return d.delete(ctx, datasource, func(tx *sqldb.Tx, mark int64) error {
		if err := Advance(ctx, tx, "user/"+datasource+"/"+address, version); err != nil {
			return err
		}
		id, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT user_id FROM identities WHERE datasource = $1 AND email = $2", datasource, address)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		_, err = deleteIdentity(ctx, tx, datasource, address, id, mark, departStep)
		return err
	})
}

// deleteIdentity removes a user by its address and its id, which may be "" where it is not known. The memberships that go are
// those sent for the user under either setting of the datasource, and those that name the user under the present one.
func deleteIdentity(ctx context.Context, tx *sqldb.Tx, datasource, address, id string, mark, limit int64) (n int64, err error) {
	r, err := realm(ctx, tx, datasource)
	if err != nil {
		return 0, err
	}
	names := []name{{kindMail, address}, {kindUser, id}, {kindMail, id}}
	if r.ByEmail {
		names[2] = name{kindUser, address}
	}
	for _, who := range names {
		if who.text == "" {
			continue
		}
		did, err := depart(ctx, tx, datasource, who, mark, max(limit-n, 0))
		if err != nil {
			return n, err
		}
		n += did
	}
	_, err = tx.Exec(ctx, "DELETE FROM identities WHERE datasource = $1 AND email = $2", datasource, address)
	return n, err
}

// DeleteGroup removes a group of a datasource and every membership that names it, as group or as
// member. One that does not exist is no error.
func (d *Directory) DeleteGroup(ctx context.Context, datasource, group string, version int64) error {
	if err := CheckName(group); err != nil {
		return err
	}
	return d.delete(ctx, datasource, func(tx *sqldb.Tx, mark int64) error {
		if err := Advance(ctx, tx, "group/"+datasource+"/"+group, version); err != nil {
			return err
		}
		_, err := deleteGroup(ctx, tx, datasource, group, mark, departStep)
		return err
	})
}

func deleteGroup(ctx context.Context, tx *sqldb.Tx, datasource, group string, mark, limit int64) (n int64, err error) {
	if n, err = depart(ctx, tx, datasource, name{kindGroup, group}, mark, limit); err != nil {
		return n, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM realm_groups WHERE datasource = $1 AND name = $2", datasource, group)
	return n, err
}

// delete takes somebody away in one transaction, and what is left of their memberships in further ones.
func (d *Directory) delete(ctx context.Context, datasource string, one func(tx *sqldb.Tx, mark int64) error) error {
	err := d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if _, err := realm(ctx, tx, datasource); err != nil {
			return err
		}
		mark, err := upload.Touch(ctx, tx)
		if err != nil {
			return err
		}
		if err = one(tx, mark); err != nil {
			return err
		}
		return raiseMembers(ctx, tx, datasource)
	})
	if err != nil {
		return err
	}
	return d.settle(ctx, sqldb.Security, datasource)
}
