package authority

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Who may do what to people: Super Admins and the host everything; Admins see everybody and add Members,
// and neither change a role nor deactivate anyone.

// may checks what c may do to people, by their role at this moment.
func (a *Authority) may(ctx context.Context, c grant.Caller, least grant.Role, refusal string) error {
	return a.db.Read(ctx, func(tx *sqldb.Tx) error {
		by, err := a.actor(ctx, tx, c)
		if err == nil && by.role < least {
			err = forbidden(refusal)
		}
		return err
	})
}

// ListPeople lists people for an administrator. Set All in the query for those who are not active too.
func (a *Authority) ListPeople(ctx context.Context, c grant.Caller, q directory.Query) (directory.Page, error) {
	if err := a.may(ctx, c, grant.RoleAdmin, "Your role does not let you see people's roles."); err != nil {
		return directory.Page{}, err
	}
	return a.cfg.People.List(ctx, q)
}

// Person returns the person whom text names by id or address, to an administrator.
func (a *Authority) Person(ctx context.Context, c grant.Caller, text string) (*directory.Person, error) {
	if err := a.may(ctx, c, grant.RoleAdmin, "Your role does not let you see people's roles."); err != nil {
		return nil, err
	}
	return a.person(ctx, text)
}

func (a *Authority) person(ctx context.Context, text string) (*directory.Person, error) {
	p, err := a.cfg.People.ByIDOrEmail(ctx, text)
	if fault.KindOf(err) == fault.NotFound {
		return nil, noPerson()
	}
	return p, err
}

// AddPerson makes a person whom the console asserts, or gives one whom only employee data or a
// sign-in provider knows to the console. Super Admins add with any role, Admins Members.
func (a *Authority) AddPerson(ctx context.Context, c grant.Caller, n directory.NewPerson) (*directory.Person, error) {
	least, refusal := grant.RoleAdmin, "Your role does not let you add people."
	if n.Role != grant.RoleMember {
		least, refusal = grant.RoleSuperAdmin, "People with a role are added by Super Admins. You can add Members."
	}
	if err := a.may(ctx, c, least, refusal); err != nil {
		return nil, err
	}
	p, err := a.cfg.People.Add(ctx, n)
	if err != nil {
		return nil, err
	}
	return p, a.recordPerson(ctx, c, "user.add", p, p.Role.String())
}

// UpdatePerson changes a person's role or state; c must be a Super Admin or the host. Whoever is
// deactivated loses their sessions and links for good, and their tokens while it lasts. Whoever gets a
// greater role signs in anew: an Admin may hold an invitation made for a Member, or a session begun
// with it, and must not rise with them. The last active Super Admin can be neither lowered nor
// deactivated: fault.Conflict.
func (a *Authority) UpdatePerson(ctx context.Context, c grant.Caller, text string, patch directory.Patch) (*directory.Person, error) {
	if err := a.may(ctx, c, grant.RoleSuperAdmin, "Roles are changed by Super Admins, and so is who is active."); err != nil {
		return nil, err
	}
	before, err := a.person(ctx, text)
	if err != nil {
		return nil, err
	}
	after, err := a.cfg.People.Update(ctx, before.ID, patch)
	if err != nil {
		return nil, err
	}
	var said []string
	if before.Role != after.Role {
		said = append(said, fmt.Sprintf("%s → %s", before.Role, after.Role))
	}
	if before.Active != after.Active {
		said = append(said, map[bool]string{true: "activated", false: "deactivated"}[after.Active])
	}
	if len(said) == 0 {
		return after, nil
	}
	return after, a.recordPerson(ctx, c, "user.update", after, strings.Join(said, ", "))
}

func (a *Authority) recordPerson(ctx context.Context, c grant.Caller, action string, p *directory.Person, detail string) error {
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.SubjectName, entry.Detail = action, p.ID, p.Email, detail
	return a.cfg.Audit.Record(ctx, entry)
}

// FirstStart makes the first Super Admin where there is no person at all, and a sign-in link for them.
// It reports whether it did.
func (a *Authority) FirstStart(ctx context.Context, email string) (Link, bool, error) {
	p, made, err := a.cfg.People.First(ctx, email)
	if err != nil || !made {
		return Link{}, false, err
	}
	host := a.Maintenance()
	if err := a.recordPerson(ctx, host, "user.add", p, "first Super Admin"); err != nil {
		return Link{}, false, err
	}
	link, err := a.CreateLink(ctx, host, p.ID)
	return link, err == nil, err
}

// Presence is what the tables of authority know of a person.
type Presence struct {
	// FirstSeen and LastSeen are sign-in and last use of the pages, zero for never.
	FirstSeen, LastSeen time.Time
	// Invited is the end of an unused sign-in link, zero for none.
	Invited time.Time
	// Tokens counts the client tokens that act as the person and are neither revoked nor expired.
	Tokens int
}

// Presences returns what is known of the given people, at most a thousand, for an administrator.
func (a *Authority) Presences(ctx context.Context, c grant.Caller, ids []string) (map[string]Presence, error) {
	if err := a.may(ctx, c, grant.RoleAdmin, "Your role does not let you see people's roles."); err != nil {
		return nil, err
	}
	found := make(map[string]Presence, len(ids))
	if len(ids) == 0 || len(ids) > 990 {
		return found, nil
	}
	args := make([]any, 1, 1+len(ids))
	args[0] = a.now()
	for _, id := range ids {
		args = append(args, id)
	}
	in := sqldb.In(2, len(ids))
	type row struct {
		person         string
		first, last, n int64
	}
	scan := func(s sqldb.Scanner) (r row, err error) {
		err = s.Scan(&r.person, &r.first, &r.last, &r.n)
		return r, err
	}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, q := range []string{
			"SELECT person, first_at, last_at, 0 FROM signins WHERE first_at <= $1 AND person IN " + in,
			`SELECT l.person, 0, MAX(l.expires_at), -1 FROM signin_links l JOIN people p ON p.id = l.person AND p.spell = l.spell
				WHERE l.ended_at = 0 AND l.expires_at > $1 AND l.person IN ` + in + " GROUP BY l.person",
			"SELECT person, 0, 0, COUNT(*) FROM client_tokens WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > $1) AND person IN " + in + " GROUP BY person",
		} {
			for r, err := range sqldb.Each(ctx, tx, scan, q, args...) {
				if err != nil {
					return err
				}
				p := found[r.person]
				switch {
				case r.n > 0:
					p.Tokens = int(r.n)
				case r.n < 0:
					p.Invited = sqldb.Time(r.last)
				default:
					p.FirstSeen, p.LastSeen = sqldb.Time(r.first), sqldb.Time(r.last)
				}
				found[r.person] = p
			}
		}
		return nil
	})
	return found, err
}
