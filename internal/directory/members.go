package directory

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Identity is a user of a datasource. It maps to the person who holds its address.
type Identity struct {
	Email   string
	UserID  string // the datasource's own id; "" is the address
	Name    string
	Active  bool // identities of leavers and bots are not: they hold nothing
	Version int64
}

// Group is a group of a datasource.
type Group struct {
	Name    string
	Version int64
}

// Membership puts a user or a group of a datasource into a group of it. Exactly one member is set.
type Membership struct {
	Group       string
	User        string // an address or an id, as the datasource refers to users
	MemberGroup string
	Version     int64
}

// CheckName refuses what no connector may use as a name of a group or as a user id.
func CheckName(text string) error {
	if text == "" || len(text) > maxName || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fault.Newf(fault.Invalid, "A name of a group or a user id is 1 to %d bytes long and holds no white space.", maxName)
	}
	return nil
}

// load writes records in transactions short enough for the bulk lane, and durably. write reports
// whether anything changed.
func load[T any](ctx context.Context, d *Directory, datasource string, records []T, write func(*sqldb.Tx, Realm, *T) (changed bool, err error)) error {
	lane := sqldb.Bulk
	if len(records) == 1 {
		lane = sqldb.Security
	}
	for part := range slices.Chunk(records, chunk) {
		err := d.db.Write(ctx, lane, func(tx *sqldb.Tx) error {
			r, err := realm(ctx, tx, datasource)
			if err != nil {
				return err
			}
			changed := false
			for i := range part {
				did, err := write(tx, r, &part[i])
				if err != nil {
					return err
				}
				changed = changed || did
			}
			if !changed {
				return nil
			}
			return raiseMembers(ctx, tx, datasource)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// PutIdentities makes or replaces users of a datasource, by address. A user id that another user
// of the datasource has moves to the new one, and the other user is gone: one id is one user.
func (d *Directory) PutIdentities(ctx context.Context, datasource string, records []Identity) error {
	list := slices.Clone(records)
	for i := range list {
		r := &list[i]
		var err error
		if r.Email, err = FoldEmail(r.Email); err != nil {
			return errAddress.WithField("email")
		}
		if r.UserID == "" {
			r.UserID = r.Email
		}
		if err = CheckName(r.UserID); err != nil {
			return err
		}
		if r.Name, err = personName(r.Name); err != nil {
			return err
		}
	}
	return load(ctx, d, datasource, list, func(tx *sqldb.Tx, _ Realm, r *Identity) (bool, error) {
		if err := Advance(ctx, tx, "user/"+datasource+"/"+r.Email, r.Version); err != nil {
			return false, err
		}
		seq, err := tx.Next(ctx, counterSeq, 1)
		if err != nil {
			return false, err
		}
		if _, err = tx.Exec(ctx, "DELETE FROM identities WHERE datasource = $1 AND user_id = $2 AND email <> $3", datasource, r.UserID, r.Email); err != nil {
			return false, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO identities (datasource, email, user_id, name, active, seq) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (datasource, email) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, active = excluded.active, seq = excluded.seq`,
			datasource, r.Email, r.UserID, r.Name, r.Active, seq)
		return true, err
	})
}

// PutGroups makes groups of a datasource; a group that exists stays as it is.
func (d *Directory) PutGroups(ctx context.Context, datasource string, records []Group) error {
	for i := range records {
		if err := CheckName(records[i].Name); err != nil {
			return err
		}
	}
	return load(ctx, d, datasource, records, func(tx *sqldb.Tx, _ Realm, r *Group) (bool, error) {
		if err := Advance(ctx, tx, "group/"+datasource+"/"+r.Name, r.Version); err != nil {
			return false, err
		}
		n, err := tx.Exec(ctx, "INSERT INTO realm_groups (datasource, name) VALUES ($1, $2) ON CONFLICT (datasource, name) DO NOTHING", datasource, r.Name)
		return n > 0, err
	})
}

// member returns the member of m as SQL keeps it.
func (m *Membership) member(byEmail bool) (name, error) {
	switch {
	case (m.User == "") == (m.MemberGroup == ""):
		return name{}, fault.New(fault.Invalid, "A membership has exactly one of memberUserId and memberGroupName.")
	case m.MemberGroup != "":
		return name{kindGroup, m.MemberGroup}, CheckName(m.MemberGroup)
	case !byEmail:
		return name{kindUser, m.User}, CheckName(m.User)
	}
	address, err := FoldEmail(m.User)
	if err != nil {
		return name{}, fault.New(fault.Invalid, "This datasource refers to users by email (isUserReferencedByEmail), so memberUserId must be an ASCII email address.").WithField("memberUserId")
	}
	return name{kindMail, address}, nil
}

func (m *Membership) subject(datasource string, member name) string {
	return "membership/" + datasource + "/" + groupsName([]string{m.Group, member.kind, member.text})
}

// PutMemberships adds memberships in a datasource. Groups and users need not exist: a membership
// grants something as soon as both do.
func (d *Directory) PutMemberships(ctx context.Context, datasource string, records []Membership) error {
	for i := range records {
		if err := CheckName(records[i].Group); err != nil {
			return err
		}
	}
	return load(ctx, d, datasource, records, func(tx *sqldb.Tx, r Realm, m *Membership) (bool, error) {
		member, err := m.member(r.ByEmail)
		if err != nil {
			return false, err
		}
		if err = Advance(ctx, tx, m.subject(datasource, member), m.Version); err != nil {
			return false, err
		}
		n, err := tx.Exec(ctx, `INSERT INTO memberships (datasource, member_kind, member, group_name) VALUES ($1, $2, $3, $4)
			ON CONFLICT (datasource, member_kind, member, group_name) DO NOTHING`, datasource, member.kind, member.text, m.Group)
		return n > 0, err
	})
}

// DeleteMembership ends a membership. One that does not exist is no error.
func (d *Directory) DeleteMembership(ctx context.Context, datasource string, m Membership) error {
	if err := CheckName(m.Group); err != nil {
		return err
	}
	return load(ctx, d, datasource, []Membership{m}, func(tx *sqldb.Tx, r Realm, m *Membership) (bool, error) {
		member, err := m.member(r.ByEmail)
		if err != nil {
			return false, err
		}
		if err = Advance(ctx, tx, m.subject(datasource, member), m.Version); err != nil {
			return false, err
		}
		n, err := tx.Exec(ctx, "DELETE FROM memberships WHERE datasource = $1 AND member_kind = $2 AND member = $3 AND group_name = $4",
			datasource, member.kind, member.text, m.Group)
		return n > 0, err
	})
}

// DeleteIdentity removes a user of a datasource and the user's memberships. One that does not exist
// is no error.
func (d *Directory) DeleteIdentity(ctx context.Context, datasource, email string, version int64) error {
	address, err := FoldEmail(email)
	if err != nil {
		return errAddress.WithField("email")
	}
	return d.remove(ctx, datasource, func(tx *sqldb.Tx) (more bool, err error) {
		if err := Advance(ctx, tx, "user/"+datasource+"/"+address, version); err != nil {
			return false, err
		}
		members := []name{{kindMail, address}}
		id, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT user_id FROM identities WHERE datasource = $1 AND email = $2", datasource, address)
		if err == nil {
			members = append(members, name{kindUser, id})
		} else if fault.KindOf(err) != fault.NotFound {
			return false, err
		}
		for _, m := range members {
			n, err := tx.Exec(ctx, `DELETE FROM memberships WHERE datasource = $1 AND member_kind = $2 AND member = $3 AND group_name IN
				(SELECT group_name FROM memberships WHERE datasource = $1 AND member_kind = $2 AND member = $3 LIMIT 500)`, datasource, m.kind, m.text)
			if err != nil || n >= 500 {
				return true, err
			}
		}
		_, err = tx.Exec(ctx, "DELETE FROM identities WHERE datasource = $1 AND email = $2", datasource, address)
		return false, err
	})
}

// DeleteGroup removes a group of a datasource and every membership that names it, as group or as
// member. One that does not exist is no error.
func (d *Directory) DeleteGroup(ctx context.Context, datasource, group string, version int64) error {
	if err := CheckName(group); err != nil {
		return err
	}
	return d.remove(ctx, datasource, func(tx *sqldb.Tx) (more bool, err error) {
		if err := Advance(ctx, tx, "group/"+datasource+"/"+group, version); err != nil {
			return false, err
		}
		for _, where := range []string{"group_name = $2", "member_kind = 'g' AND member = $2"} {
			other := "member"
			if where != "group_name = $2" {
				other = "group_name"
			}
			n, err := tx.Exec(ctx, "DELETE FROM memberships WHERE datasource = $1 AND "+where+" AND "+other+
				" IN (SELECT "+other+" FROM memberships WHERE datasource = $1 AND "+where+" LIMIT 500)", datasource, group)
			if err != nil || n >= 500 {
				return true, err
			}
		}
		_, err = tx.Exec(ctx, "DELETE FROM realm_groups WHERE datasource = $1 AND name = $2", datasource, group)
		return false, err
	})
}

// remove runs step in one transaction after the other until there is no more to do. The last one
// takes the thing itself away, so that it never outlives a part of its memberships unseen: an
// interrupted removal was not acknowledged, and repeating it ends it.
func (d *Directory) remove(ctx context.Context, datasource string, step func(*sqldb.Tx) (more bool, err error)) error {
	for more := true; more; {
		err := d.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
			if _, err := realm(ctx, tx, datasource); err != nil {
				return err
			}
			var err error
			if more, err = step(tx); err != nil {
				return err
			}
			return raiseMembers(ctx, tx, datasource)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
