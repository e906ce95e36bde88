package authority

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Permission says whom a client token acts as. It never changes.
type Permission string

// The permissions.
const (
	Global    Permission = "GLOBAL"    // the person whom each request names
	User      Permission = "USER"      // the person fixed at creation
	Anonymous Permission = "ANONYMOUS" // nobody
)

// State says whether a token works.
type State string

// The states of tokens.
const (
	Active  State = "ACTIVE"
	Expired State = "EXPIRED"
	Revoked State = "REVOKED"
	// Stopped is a USER token whose person is not active, for as long as that is so.
	Stopped State = "STOPPED"
	// Overdue is an indexing token that was not rotated within its period. It is dead.
	Overdue State = "OVERDUE"
)

const (
	maxDescription = 200 // characters
	// maxLife bounds an expiry: further away it is a slip of the keyboard.
	maxLife = 10 * 366 * 24 * time.Hour
	minute  = int64(time.Minute / time.Microsecond)
)

// Token is a client token's metadata. The secret is nowhere.
type Token struct {
	ID          string
	Mask        string // "shf_c_8Kd2…q9Zt"
	Description string
	Permission  Permission
	Scopes      grant.Scopes
	User        Party // of a USER token
	MadeBy      Party
	Created     time.Time
	Expires     time.Time // zero for never
	LastUsed    time.Time // zero for never, else exact to a minute
	Revoked     time.Time // zero while it is not
	RevokedBy   Party
	State       State
}

// Party is somebody who had a hand in a token, as they are now. Its ID is audit.Host for whoever
// commands the machine.
type Party struct {
	ID, Email, Name string
	Active          bool
}

// NewToken is what CreateToken needs to know.
type NewToken struct {
	Description string
	Permission  Permission
	Scopes      grant.Scopes
	// User is the address or id of the person that a USER token acts as. A signed-in person who
	// leaves it empty means themselves. It must be empty for the other permissions.
	User string
	// Expires is the end of the token. Zero is never.
	Expires time.Time
}

// ParseScopes returns the set of the named scopes; ALL stands for every one.
func ParseScopes(names []string) (grant.Scopes, error) {
	var set grant.Scopes
	for _, name := range names {
		if name == "ALL" {
			set |= grant.AllScopes
			continue
		}
		s, ok := grant.ParseScope(name)
		if !ok {
			return 0, invalid("scopes", fmt.Sprintf("There is no scope %q. The scopes are %s, and ALL for all of them.", clip(name), grant.AllScopes))
		}
		set |= grant.ScopesOf(s)
	}
	return set, nil
}

// clip bounds what is repeated from a request.
func clip(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// CreateToken makes a client token and returns its secret, this once. Super Admins and the host make
// any; Admins and API Token Creators make USER tokens for themselves.
func (a *Authority) CreateToken(ctx context.Context, c grant.Caller, n NewToken) (Token, Secret, error) {
	description, err := checkDescription(n.Description)
	if err != nil {
		return Token{}, Secret{}, err
	}
	if err := checkPermission(n); err != nil {
		return Token{}, Secret{}, err
	}
	if err := a.checkExpiry(n.Expires); err != nil {
		return Token{}, Secret{}, err
	}
	secret := newSecret(clientSecret)
	_, fingerprint, _ := readSecret(secret.text)
	var row tokenRow
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		by, err := a.actor(ctx, tx, c)
		if err != nil {
			return err
		}
		person, err := tokenPerson(ctx, tx, by, n)
		if err != nil {
			return err
		}
		row = tokenRow{
			id: sqldb.NewID(), mask: secret.String(), description: description, permission: n.Permission, scopes: n.Scopes.String(),
			person: person.ID, madeBy: by.id, created: a.now(), expires: sqldb.Micros(n.Expires),
		}
		if err := insertToken(ctx, tx, row, fingerprint); err != nil {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "token.create", row.id, description, describe(n, person)
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	if err != nil {
		return Token{}, Secret{}, err
	}
	list, err := a.present(ctx, []tokenRow{row})
	if err != nil {
		return Token{}, Secret{}, err
	}
	return list[0], secret, nil
}

// describe says in words what a token may do, for the audit log.
func describe(n NewToken, person *directory.Person) string {
	as, until := "", "without an end"
	if n.Permission == User {
		as = " for " + person.Email
	}
	if !n.Expires.IsZero() {
		until = "until " + n.Expires.UTC().Format(time.DateOnly)
	}
	scopes := strings.Join(n.Scopes.Names(), ", ")
	if n.Scopes == grant.AllScopes {
		scopes = "every scope"
	}
	return fmt.Sprintf("%s%s, %s, %s", n.Permission, as, scopes, until)
}

func checkDescription(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > maxDescription || strings.ContainsFunc(text, unicode.IsControl) {
		return "", invalid("description", fmt.Sprintf("A description of 1 to %d characters, in one line, is needed: who uses the token, and where.", maxDescription))
	}
	return text, nil
}

func checkPermission(n NewToken) error {
	switch n.Permission {
	case Global, Anonymous:
		if n.User != "" {
			return invalid("userEmail", "Only a token with the permission USER is for one person. Leave the email address out.")
		}
	case User:
	default:
		return invalid("permission", "The permission must be GLOBAL, USER or ANONYMOUS.")
	}
	switch {
	case n.Scopes == 0 || n.Scopes&^grant.AllScopes != 0:
		return invalid("scopes", "At least one scope is needed.")
	case n.Permission == Anonymous && !n.Scopes.Has(grant.Search):
		return invalid("scopes", "An anonymous token needs the scope SEARCH: no other scope opens anything to it.")
	}
	return nil
}

func (a *Authority) checkExpiry(end time.Time) error {
	if end.IsZero() {
		return nil
	}
	now := a.cfg.Now()
	if !end.After(now) {
		return invalid("expiresAt", "The expiry must be in the future.")
	}
	if end.After(now.Add(maxLife)) {
		return invalid("expiresAt", "The expiry must be within ten years.")
	}
	return nil
}

// tokenPerson finds whom a new token acts as, and holds the rules of who may make it.
func tokenPerson(ctx context.Context, tx *sqldb.Tx, by actor, n NewToken) (*directory.Person, error) {
	if by.role < grant.RoleTokenCreator {
		return nil, forbidden("Your role does not let you make tokens.")
	}
	if n.Permission != User {
		if by.role < grant.RoleSuperAdmin {
			return nil, forbidden(string(n.Permission) + " tokens are made by Super Admins only.")
		}
		return &directory.Person{}, nil
	}
	who := n.User
	if who == "" {
		if by.id == audit.Host {
			return nil, invalid("userEmail", "Say for whom the token is: a USER token needs a person's email address.")
		}
		who = by.id
	}
	person, err := findPerson(ctx, tx, who)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	// Only a Super Admin may learn who exists.
	if by.role < grant.RoleSuperAdmin && (err != nil || person.ID != by.id) {
		return nil, forbidden("You can make tokens for yourself. For others they are made by Super Admins.")
	}
	if err != nil || !person.Active {
		return nil, invalid("userEmail", "No active person has this email address.")
	}
	return person, nil
}

// Tokens lists client tokens, newest first: all of them to Super Admins, Admins and the host, and to API
// Token Creators those that act as them.
func (a *Authority) Tokens(ctx context.Context, c grant.Caller) ([]Token, error) {
	var rows []tokenRow
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		own, err := a.tokenView(ctx, tx, c)
		if err != nil {
			return err
		}
		rows, err = listTokens(ctx, tx, own)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.present(ctx, rows)
}

// Token returns one client token, if c may see it.
func (a *Authority) Token(ctx context.Context, c grant.Caller, id string) (Token, error) {
	var row tokenRow
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		own, err := a.tokenView(ctx, tx, c)
		if err != nil {
			return err
		}
		row, err = visibleToken(ctx, tx, id, own)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	tokens, err := a.present(ctx, []tokenRow{row})
	if err != nil {
		return Token{}, err
	}
	return tokens[0], nil
}

// tokenView returns whose tokens c may see: "" for everybody's.
func (a *Authority) tokenView(ctx context.Context, tx *sqldb.Tx, c grant.Caller) (string, error) {
	by, err := a.actor(ctx, tx, c)
	switch {
	case err != nil:
		return "", err
	case by.role >= grant.RoleAdmin:
		return "", nil
	case by.role == grant.RoleTokenCreator:
		return by.id, nil
	}
	return "", forbidden("Your role does not let you see tokens.")
}

// visibleToken returns a token, or NotFound where own does not cover it.
func visibleToken(ctx context.Context, tx *sqldb.Tx, id, own string) (tokenRow, error) {
	row, err := tokenByID(ctx, tx, id)
	if fault.KindOf(err) == fault.NotFound || err == nil && own != "" && row.person != own {
		return tokenRow{}, fault.New(fault.NotFound, "There is no token with this id.")
	}
	return row, err
}

// MayRevoke reports whether somebody with role, whose id is person, may revoke t. Super Admins revoke
// any token, Admins USER tokens, API Token Creators those that act as them.
func MayRevoke(role grant.Role, person string, t Token) bool {
	return mayRevoke(actor{id: person, role: role}, t.Permission, t.User.ID)
}

func mayRevoke(by actor, permission Permission, person string) bool {
	switch by.role {
	case grant.RoleSuperAdmin:
		return true
	case grant.RoleAdmin:
		return permission == User
	case grant.RoleTokenCreator:
		return permission == User && person == by.id
	}
	return false
}

// RevokeToken ends a client token for good. A token that is revoked already stays as it is.
func (a *Authority) RevokeToken(ctx context.Context, c grant.Caller, id string) error {
	return a.change(ctx, func(tx *sqldb.Tx) error {
		own, err := a.tokenView(ctx, tx, c)
		if err != nil {
			return err
		}
		row, err := visibleToken(ctx, tx, id, own)
		if err != nil {
			return err
		}
		by, err := a.actor(ctx, tx, c)
		if err != nil {
			return err
		}
		if !mayRevoke(by, row.permission, row.person) {
			return forbidden(string(row.permission) + " tokens are revoked by Super Admins only.")
		}
		n, err := tx.Exec(ctx, "UPDATE client_tokens SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at = 0", a.now(), by.id, id)
		if err != nil || n == 0 {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "token.revoke", id, row.description, row.mask
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
}

// present turns rows into what people see, with the people as they are now.
func (a *Authority) present(ctx context.Context, rows []tokenRow) ([]Token, error) {
	parties, err := a.parties(ctx)
	if err != nil {
		return nil, err
	}
	now := a.now()
	list := make([]Token, len(rows))
	for i, r := range rows {
		t := Token{
			ID: r.id, Mask: r.mask, Description: r.description, Permission: r.permission, Scopes: a.parseScopes(r.scopes),
			User: parties(r.person), MadeBy: parties(r.madeBy), Created: sqldb.Time(r.created), Expires: sqldb.Time(r.expires),
			LastUsed: sqldb.Time(r.used), Revoked: sqldb.Time(r.revoked), RevokedBy: parties(r.revokedBy), State: Active,
		}
		switch {
		case r.revoked != 0:
			t.State = Revoked
		case r.expires != 0 && now >= r.expires:
			t.State = Expired
		case r.permission == User && !t.User.Active:
			t.State = Stopped
		}
		list[i] = t
	}
	return list, nil
}

// parties returns a function that names people by id.
func (a *Authority) parties(ctx context.Context) (func(id string) Party, error) {
	roster, err := a.cfg.People.Roster(ctx)
	if err != nil {
		return nil, err
	}
	return func(id string) Party {
		switch p, known := roster.ByID(id); {
		case known:
			return Party{ID: id, Email: p.Email, Name: p.Name, Active: p.Active}
		case id == audit.Host:
			return Party{ID: id, Name: "the host"}
		}
		return Party{ID: id}
	}, nil
}
