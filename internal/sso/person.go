package sso

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// personOf returns whom an account signs in as, with the role that its groups give.
//
// An account is somebody's from its first sign-in on. Whose it is then, its address decides; afterwards an account that
// comes with the same address and another id is refused, since the address may have changed hands at the provider, and so
// is an account that comes with the address of somebody else. Nobody is asserted by signing in but who was unknown: an
// employee who leaves must not stay because they once signed in.
func (s *Service) personOf(ctx context.Context, p Provider, a account) (*directory.Person, error) {
	who, err := s.recognise(ctx, p, a)
	if err != nil {
		return nil, err
	}
	if who.id == "" {
		made, err := s.admit(ctx, p, a)
		if err != nil {
			return nil, err
		}
		who.id = made.ID
	}
	if err := s.bind(ctx, p, a, who); err != nil {
		return nil, err
	}
	person, err := s.cfg.People.ByID(ctx, who.id)
	if err != nil {
		return nil, err
	}
	if !person.Active {
		return nil, a.refuse(person, inactive(), "the person is not active")
	}
	return s.give(ctx, p, a, person)
}

func (a account) refuse(person *directory.Person, told *fault.Fault, format string, args ...any) error {
	r := refuse(told, format, args...)
	r.email = a.email
	if person != nil {
		r.person, r.email = person.ID, person.Email
	}
	return r
}

// The person is told no more than that there is nothing for them here.
func inactive() *fault.Fault {
	return fault.New(fault.Forbidden, "Your provider knows you, but you have no access to sheaf. Ask an administrator.")
}

func otherHands() *fault.Fault {
	return fault.New(fault.Forbidden, "Somebody else signs in here with this address. If it has become yours, or your account was made anew, an administrator must release it first.")
}

// known is somebody recognised: an id, or "" where nobody here has the address.
type known struct{ id string }

// recognise finds whose account it is.
func (s *Service) recognise(ctx context.Context, p Provider, a account) (who known, err error) {
	err = s.cfg.DB.Read(ctx, func(tx *sqldb.Tx) error {
		who, err = recognise(ctx, tx, p, a)
		return err
	})
	return who, err
}

func recognise(ctx context.Context, tx *sqldb.Tx, p Provider, a account) (known, error) {
	holder, err := directory.LookupEmail(ctx, tx, a.email)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return known{}, err
	}
	if err != nil {
		holder = nil
	}
	owner, err := ownerOf(ctx, tx, p, a.id)
	switch {
	case err != nil:
		return known{}, err
	case owner != nil && holder != nil && holder.ID != owner.ID:
		return known{}, a.refuse(holder, otherHands(), "the account is that of %s, and comes with the address of somebody else", owner.Email)
	case owner != nil:
		return known{owner.ID}, nil
	case holder == nil:
		return known{}, nil
	}
	other, err := accountOf(ctx, tx, p, holder.ID)
	if err != nil {
		return known{}, err
	}
	if other != "" {
		return known{}, a.refuse(holder, otherHands(), "the person signs in with another account of this provider, so the address may have changed hands there")
	}
	return known{holder.ID}, nil
}

// ownerOf is whose account it is by earlier sign-ins. Retired people are nobody's owners: whoever comes back is somebody new.
func ownerOf(ctx context.Context, tx *sqldb.Tx, p Provider, id string) (*directory.Person, error) {
	owner, err := linkOf(ctx, tx, p, id)
	if err == nil {
		var person *directory.Person
		if person, err = directory.LookupID(ctx, tx, owner); err == nil && !person.Retired {
			return person, nil
		}
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	return nil, nil //nolint:nilnil // nobody
}

// admit makes a Member of somebody unknown, where the settings say so.
func (s *Service) admit(ctx context.Context, p Provider, a account) (*directory.Person, error) {
	if !s.cfg.Providers.Admits(ctx, p, a.email) {
		told := fault.New(fault.Forbidden, "Your provider knows you, but nobody has added you to sheaf yet. Ask an administrator.")
		return nil, a.refuse(nil, told, "nobody here has the address %s", a.email)
	}
	person, err := s.cfg.People.SignedIn(ctx, a.email, a.name)
	if fault.KindOf(err) == fault.Invalid { // a name that cannot be kept; the address gives one
		person, err = s.cfg.People.SignedIn(ctx, a.email, "")
	}
	if err != nil {
		return nil, err
	}
	entry := audit.Entry{
		Actor: person.ID, ActorName: person.Email, Action: "user.add", Subject: person.ID, SubjectName: person.Email,
		Detail: "MEMBER, at the first sign-in, by provider " + p.Name,
	}
	return person, s.cfg.Audit.Record(ctx, entry)
}

// bind makes the account the person's. It recognises once more, in the transaction that writes: two accounts with one address may
// arrive together.
func (s *Service) bind(ctx context.Context, p Provider, a account, who known) error {
	return s.cfg.DB.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		again, err := recognise(ctx, tx, p, a)
		if err != nil {
			return err
		}
		if again != who {
			return a.refuse(nil, notTaken(), "the address changed hands in this moment")
		}
		person, err := directory.LookupID(ctx, tx, who.id)
		if err != nil {
			return err
		}
		if !person.Active {
			return a.refuse(person, inactive(), "the person is not active")
		}
		return keepLink(ctx, tx, p, a.id, who.id, s.cfg.Now())
	})
}

// roleOf is the greatest role that groups give, a Member's where they give none.
func (p Provider) roleOf(groups []string) grant.Role {
	role := grant.RoleMember
	for _, g := range groups {
		role = max(role, p.Roles[g])
	}
	return role
}

// giver is the name under which the groups of p give roles.
func (p Provider) giver() string { return giverPrefix + p.Issuer + " " + p.ClientID }

const giverPrefix = "sso "

// giversOf lists the providers, past ones too, whose groups give a person a role.
func (s *Service) giversOf(ctx context.Context, person *directory.Person) ([]string, error) {
	held, err := s.cfg.People.Givers(ctx, person.ID)
	return slices.DeleteFunc(held, func(giver string) bool { return !strings.HasPrefix(giver, giverPrefix) }), err
}

// give makes what the provider's groups give the person what they give now. Groups raise a role, and take back what they gave; a role
// of the person's own, or of groups that are provisioned, is never lowered by them. What a provider gave goes, too, once the
// settings have it give roles no more, or do not have it: nobody is left to take it back later.
func (s *Service) give(ctx context.Context, p Provider, a account, person *directory.Person) (*directory.Person, error) {
	roles := map[string]grant.Role{}
	gives := map[string]bool{}
	for _, other := range s.cfg.Providers.SignIn(ctx) {
		gives[other.giver()] = other.GroupsClaim != "" && len(other.Roles) > 0
	}
	held, err := s.giversOf(ctx, person)
	if err != nil {
		return nil, err
	}
	for _, giver := range held {
		if !gives[giver] {
			roles[giver] = grant.RoleMember
		}
	}
	if a.known && len(p.Roles) > 0 {
		roles[p.giver()] = p.roleOf(a.groups)
	}
	return s.giveAll(ctx, person, roles, "by the groups that provider "+p.Name+" told")
}

// giveAll gives a person roles by giver, the greatest first, and returns them as they are then. why is for the audit log.
func (s *Service) giveAll(ctx context.Context, person *directory.Person, roles map[string]grant.Role, why string) (*directory.Person, error) {
	for _, giver := range slices.SortedFunc(maps.Keys(roles), func(a, b string) int { return cmp.Compare(roles[b], roles[a]) }) {
		before, after, err := s.cfg.People.GiveRole(ctx, person.ID, giver, roles[giver])
		if fault.KindOf(err) == fault.Conflict {
			// The last Super Admin stays, by whatever source.
			s.cfg.Log.Warn("a role is not taken back: this is the last Super Admin", "person", person.ID, "giver", giver)
			continue
		}
		if err != nil {
			return nil, err
		}
		if person = after; before.Role == after.Role {
			continue
		}
		if err := s.cfg.Audit.Record(ctx, audit.Entry{
			Actor: person.ID, ActorName: person.Email, Action: "user.update", Subject: person.ID, SubjectName: person.Email,
			Detail: before.Role.String() + " → " + after.Role.String() + ", " + why,
		}); err != nil {
			return nil, err
		}
	}
	return person, nil
}

// Release forgets which accounts a person signs in with: the next one with their address becomes theirs. It reports
// whether there was any. What the groups of those accounts gave goes with them, as the next one may be in none. It is for Super
// Admins and the host: whoever comes next is that person.
func (s *Service) Release(ctx context.Context, c grant.Caller, person *directory.Person) (bool, error) {
	if !c.Is(grant.Maintenance) && (!c.Is(grant.Session) || c.Role() < grant.RoleSuperAdmin) {
		return false, fault.New(fault.Forbidden, "Sign-in accounts are released by Super Admins.")
	}
	held, err := s.giversOf(ctx, person)
	if err != nil {
		return false, err
	}
	roles := map[string]grant.Role{}
	for _, giver := range held {
		roles[giver] = grant.RoleMember
	}
	if _, err := s.giveAll(ctx, person, roles, "as their sign-in account was released"); err != nil {
		return false, err
	}
	var n int64
	err = s.cfg.DB.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) (err error) {
		if n, err = tx.Exec(ctx, "DELETE FROM sso_accounts WHERE person = $1", person.ID); err != nil || n == 0 {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName = "signin-account.release", person.ID, person.Email
		return s.cfg.Audit.Append(ctx, tx, entry)
	})
	return n > 0, err
}

// Linked says which of the given people, at most a thousand, sign in with an account of a provider.
func (s *Service) Linked(ctx context.Context, ids []string) (map[string]bool, error) {
	found := map[string]bool{}
	if len(ids) == 0 || len(ids) > 990 {
		return found, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	err := s.cfg.DB.Read(ctx, func(tx *sqldb.Tx) error {
		list, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT DISTINCT person FROM sso_accounts WHERE person IN "+sqldb.In(1, len(ids)), args...)
		for _, id := range list {
			found[id] = true
		}
		return err
	})
	return found, err
}
