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

// PutIdentities makes or replaces users of a datasource, by address. A user id that another user
// of the datasource has moves to the new one, and the other user is gone: one id is one user.
func (d *Directory) PutIdentities(ctx context.Context, datasource string, records []Identity) error {
	return d.putIdentities(ctx, intake[Identity]{datasource: datasource, records: records})
}

func (d *Directory) putIdentities(ctx context.Context, in intake[Identity]) error {
	in.records = slices.Clone(in.records)
	for i := range in.records {
		r := &in.records[i]
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
	in.write = func(tx *sqldb.Tx, _ Realm, touch int64, r *Identity) (bool, error) {
		if err := Advance(ctx, tx, "user/"+in.datasource+"/"+r.Email, r.Version); err != nil {
			return false, err
		}
		return putIdentity(ctx, tx, in.datasource, touch, r)
	}
	return load(ctx, d, in)
}

// putIdentity writes a user. One that comes again as it was, from the same holder of the address, changes nothing but
// its mark.
func putIdentity(ctx context.Context, tx *sqldb.Tx, datasource string, touch int64, r *Identity) (changed bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE identities SET touched = $6, uploaded_at = $7 WHERE datasource = $1 AND email = $2 AND user_id = $3 AND name = $4 AND active = $5
		AND NOT EXISTS (SELECT 1 FROM addresses a WHERE a.address = identities.email AND a.held_from >= identities.seq)`,
		datasource, r.Email, r.UserID, r.Name, r.Active, touch, now())
	if err != nil || n > 0 {
		return false, err
	}
	seq, err := tx.Next(ctx, counterSeq, 1)
	if err != nil {
		return false, err
	}
	if _, err = tx.Exec(ctx, "DELETE FROM identities WHERE datasource = $1 AND user_id = $2 AND email <> $3", datasource, r.UserID, r.Email); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO identities (datasource, email, user_id, name, active, seq, touched, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (datasource, email) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, active = excluded.active, seq = excluded.seq,
		touched = excluded.touched, uploaded_at = excluded.uploaded_at`, datasource, r.Email, r.UserID, r.Name, r.Active, seq, touch, now())
	return true, err
}

// PutGroups makes groups of a datasource; a group that exists stays as it is.
func (d *Directory) PutGroups(ctx context.Context, datasource string, records []Group) error {
	return d.putGroups(ctx, intake[Group]{datasource: datasource, records: records})
}

func (d *Directory) putGroups(ctx context.Context, in intake[Group]) error {
	for i := range in.records {
		if err := CheckName(in.records[i].Name); err != nil {
			return err
		}
	}
	in.write = func(tx *sqldb.Tx, _ Realm, touch int64, r *Group) (bool, error) {
		if err := Advance(ctx, tx, "group/"+in.datasource+"/"+r.Name, r.Version); err != nil {
			return false, err
		}
		n, err := tx.Exec(ctx, "UPDATE realm_groups SET touched = $3 WHERE datasource = $1 AND name = $2", in.datasource, r.Name, touch)
		if err != nil || n > 0 {
			return false, err
		}
		_, err = tx.Exec(ctx, "INSERT INTO realm_groups (datasource, name, touched) VALUES ($1, $2, $3)", in.datasource, r.Name, touch)
		return true, err
	}
	return load(ctx, d, in)
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
	return d.putMemberships(ctx, intake[Membership]{datasource: datasource, records: records})
}

func (d *Directory) putMemberships(ctx context.Context, in intake[Membership]) error {
	for i := range in.records {
		if err := CheckName(in.records[i].Group); err != nil {
			return err
		}
	}
	if err := d.checkMembers(ctx, &in); err != nil {
		return err
	}
	in.write = func(tx *sqldb.Tx, r Realm, touch int64, m *Membership) (bool, error) {
		member, err := m.member(r.ByEmail)
		if err != nil {
			return false, err
		}
		if err = Advance(ctx, tx, m.subject(in.datasource, member), m.Version); err != nil {
			return false, err
		}
		n, err := tx.Exec(ctx, "UPDATE memberships SET touched = $5 WHERE datasource = $1 AND member_kind = $2 AND member = $3 AND group_name = $4",
			in.datasource, member.kind, member.text, m.Group, touch)
		if err != nil || n > 0 {
			return false, err
		}
		_, err = tx.Exec(ctx, "INSERT INTO memberships (datasource, member_kind, member, group_name, touched) VALUES ($1, $2, $3, $4, $5)",
			in.datasource, member.kind, member.text, m.Group, touch)
		return true, err
	}
	return load(ctx, d, in)
}

// checkMembers refuses members that cannot be, before the first of several is written.
func (d *Directory) checkMembers(ctx context.Context, in *intake[Membership]) error {
	var r Realm
	err := d.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		r, err = realm(ctx, tx, in.datasource)
		return err
	})
	for i := 0; err == nil && i < len(in.records); i++ {
		_, err = in.records[i].member(r.ByEmail)
	}
	return err
}

// DeleteMembership ends a membership. One that does not exist is no error.
func (d *Directory) DeleteMembership(ctx context.Context, datasource string, m Membership) error {
	if err := CheckName(m.Group); err != nil {
		return err
	}
	in := intake[Membership]{datasource: datasource, records: []Membership{m}}
	in.write = func(tx *sqldb.Tx, r Realm, _ int64, m *Membership) (bool, error) {
		member, err := m.member(r.ByEmail)
		if err != nil {
			return false, err
		}
		if err = Advance(ctx, tx, m.subject(datasource, member), m.Version); err != nil {
			return false, err
		}
		// What names a user counts under either setting (groupsOf), so it ends under either.
		other := member.kind
		switch member.kind {
		case kindMail:
			other = kindUser
		case kindUser:
			other = kindMail
		}
		n, err := tx.Exec(ctx, "DELETE FROM memberships WHERE datasource = $1 AND member_kind IN ($2, $5) AND member = $3 AND group_name = $4",
			datasource, member.kind, member.text, m.Group, other)
		return n > 0, err
	}
	return load(ctx, d, in)
}
