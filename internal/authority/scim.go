package authority

import (
	"context"
	"fmt"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// A SCIM token opens user provisioning and nothing else. Whoever holds one says who works here, so only Super Admins
// and the host make, see and revoke them.

// scimSecret is the letter of SCIM tokens: p for provisioning.
const scimSecret kind = 'p'

// SCIMToken is a SCIM token's metadata.
type SCIMToken struct {
	ID          string
	Mask        string
	Description string
	MadeBy      Party
	Created     time.Time
	Expires     time.Time // zero for never
	LastUsed    time.Time // zero for never, else exact to a minute
	Revoked     time.Time // zero while it is not
	RevokedBy   Party
	State       State
}

// NewSCIMToken is what CreateSCIMToken needs to know.
type NewSCIMToken struct {
	Description string
	// Expires is the end of the token. Zero is never.
	Expires time.Time
}

type scimRow struct {
	id, mask, description  string
	madeBy, revokedBy      string
	created, expires, used int64
	revoked                int64
}

const scimColumns = "id, mask, description, made_by, created_at, expires_at, last_used_at, revoked_at, revoked_by"

func scanSCIM(s sqldb.Scanner) (r scimRow, err error) {
	err = s.Scan(&r.id, &r.mask, &r.description, &r.madeBy, &r.created, &r.expires, &r.used, &r.revoked, &r.revokedBy)
	return r, err
}

// state says whether the token works.
func (r scimRow) state(now int64) State {
	switch {
	case r.revoked != 0:
		return Revoked
	case r.expires != 0 && now >= r.expires:
		return Expired
	}
	return Active
}

// scimAdmin returns who c is, if they may manage SCIM tokens.
func (a *Authority) scimAdmin(ctx context.Context, tx *sqldb.Tx, c grant.Caller) (actor, error) {
	by, err := a.actor(ctx, tx, c)
	if err == nil && by.role < grant.RoleSuperAdmin {
		err = forbidden("User provisioning is managed by Super Admins.")
	}
	return by, err
}

// CreateSCIMToken makes a SCIM token and returns its secret, this once. It is for Super Admins and the host.
func (a *Authority) CreateSCIMToken(ctx context.Context, c grant.Caller, n NewSCIMToken) (SCIMToken, Secret, error) {
	description, err := checkDescription(n.Description)
	if err != nil {
		return SCIMToken{}, Secret{}, err
	}
	if err := a.checkExpiry(n.Expires); err != nil {
		return SCIMToken{}, Secret{}, err
	}
	secret := newSecret(scimSecret)
	_, fingerprint, _ := readSecret(secret.text)
	row := scimRow{mask: secret.String(), description: description, expires: sqldb.Micros(n.Expires)}
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		by, err := a.scimAdmin(ctx, tx, c)
		if err != nil {
			return err
		}
		row.id, row.madeBy, row.created = sqldb.NewID(), by.id, a.now()
		_, err = tx.Exec(ctx, "INSERT INTO scim_tokens (hash, "+scimColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, '')",
			fingerprint.hex(), row.id, row.mask, row.description, row.madeBy, row.created, row.expires)
		if err != nil {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "scim-token.create", row.id, description, "without an end"
		if !n.Expires.IsZero() {
			entry.Detail = "until " + n.Expires.UTC().Format(time.DateOnly)
		}
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	if err != nil {
		return SCIMToken{}, Secret{}, err
	}
	list, err := a.presentSCIM(ctx, []scimRow{row})
	if err != nil {
		return SCIMToken{}, Secret{}, err
	}
	return list[0], secret, nil
}

// SCIMTokens lists every SCIM token, newest first, to Super Admins and the host.
func (a *Authority) SCIMTokens(ctx context.Context, c grant.Caller) ([]SCIMToken, error) {
	return a.scimTokens(ctx, c, "SELECT "+scimColumns+" FROM scim_tokens ORDER BY created_at DESC, id DESC")
}

// SCIMToken returns one SCIM token, to the same people.
func (a *Authority) SCIMToken(ctx context.Context, c grant.Caller, id string) (SCIMToken, error) {
	list, err := a.scimTokens(ctx, c, "SELECT "+scimColumns+" FROM scim_tokens WHERE id = $1", id)
	if err != nil {
		return SCIMToken{}, err
	}
	if len(list) == 0 {
		return SCIMToken{}, errNoSCIMToken()
	}
	return list[0], nil
}

func errNoSCIMToken() *fault.Fault {
	return fault.New(fault.NotFound, "There is no SCIM token with this id.")
}

func (a *Authority) scimTokens(ctx context.Context, c grant.Caller, query string, args ...any) ([]SCIMToken, error) {
	var rows []scimRow
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := a.scimAdmin(ctx, tx, c); err != nil {
			return err
		}
		var err error
		rows, err = sqldb.All(ctx, tx, scanSCIM, query, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.presentSCIM(ctx, rows)
}

// RevokeSCIMToken ends a SCIM token for good, for the same people. Whom it brought in stays as they are. A token that is
// revoked already stays as it is.
func (a *Authority) RevokeSCIMToken(ctx context.Context, c grant.Caller, id string) error {
	return a.change(ctx, func(tx *sqldb.Tx) error {
		by, err := a.scimAdmin(ctx, tx, c)
		if err != nil {
			return err
		}
		row, err := sqldb.One(ctx, tx, scanSCIM, "SELECT "+scimColumns+" FROM scim_tokens WHERE id = $1", id)
		if fault.KindOf(err) == fault.NotFound {
			return errNoSCIMToken()
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE scim_tokens SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at = 0", a.now(), by.id, id)
		if err != nil || n == 0 {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "scim-token.revoke", id, row.description, row.mask
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
}

func (a *Authority) presentSCIM(ctx context.Context, rows []scimRow) ([]SCIMToken, error) {
	parties, err := a.parties(ctx)
	if err != nil {
		return nil, err
	}
	now := a.now()
	list := make([]SCIMToken, len(rows))
	for i, r := range rows {
		list[i] = SCIMToken{
			ID: r.id, Mask: r.mask, Description: r.description, MadeBy: parties(r.madeBy), Created: sqldb.Time(r.created),
			Expires: sqldb.Time(r.expires), LastUsed: sqldb.Time(r.used), Revoked: sqldb.Time(r.revoked), RevokedBy: parties(r.revokedBy),
			State: r.state(now),
		}
	}
	return list, nil
}

// scim works out the admission of a SCIM token.
func (l lookup) scim(ctx context.Context) (*admission, *fault.Fault, error) {
	row, err := sqldb.One(ctx, l.tx, scanSCIM, "SELECT "+scimColumns+" FROM scim_tokens WHERE hash = $1", l.key.fingerprint.hex())
	if err != nil {
		return missing(err, unauthenticated())
	}
	if row.state(l.now) != Active {
		return nil, unauthenticated(), nil
	}
	if l.key.actAs != "" {
		return nil, actAsNotAllowed(), nil
	}
	return &admission{
		caller: l.mint(&grant.Facts{Kind: grant.Provisioning, Scopes: grant.ScopesOf(grant.ProvisioningScope), Token: row.id, Holder: row.description}),
		until:  row.expires, mark: l.a.usage.mark(scimSecret, row.id, row.used),
	}, nil, nil
}

// Groups lists the groups that an identity provider provisions, without their members, to Super Admins and the host.
func (a *Authority) Groups(ctx context.Context, c grant.Caller) ([]directory.ProvisionedGroup, error) {
	if err := a.mayProvision(ctx, c); err != nil {
		return nil, err
	}
	list, _, err := a.cfg.People.ProvisionedGroups(ctx, directory.ProvisionKey{}, nil, 0, maxGroups)
	return list, err
}

// maxGroups bounds the list of groups: far above what a company pushes to one server.
const maxGroups = 10_000

// SetGroupRole gives the members of a provisioned group a role, now and as they come and go; RoleMember takes it back. It is for
// Super Admins and the host.
func (a *Authority) SetGroupRole(ctx context.Context, c grant.Caller, id string, role grant.Role) (directory.ProvisionedGroup, error) {
	if err := a.mayProvision(ctx, c); err != nil {
		return directory.ProvisionedGroup{}, err
	}
	before, after, changes, err := a.cfg.People.SetGroupRole(ctx, id, role)
	if err != nil || before.Role == after.Role {
		return after, err
	}
	entry := audit.By(c)
	entry.Action, entry.Subject, entry.SubjectName = "group.role", id, after.Name
	entry.Detail = fmt.Sprintf("%s → %s, members: %d", before.Role, after.Role, after.Size)
	if err := a.cfg.Audit.Record(ctx, entry); err != nil {
		return after, err
	}
	for _, r := range changes {
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "user.update", r.ID, r.Email, r.Words(after.Name)
		if err := a.cfg.Audit.Record(ctx, entry); err != nil {
			return after, err
		}
	}
	return after, nil
}

func (a *Authority) mayProvision(ctx context.Context, c grant.Caller) error {
	return a.db.Read(ctx, func(tx *sqldb.Tx) error {
		_, err := a.scimAdmin(ctx, tx, c)
		return err
	})
}
