package authority

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// linkLife is for links made on the host, invitationLife for those that an administrator hands out.
	linkLife       = 15 * time.Minute
	invitationLife = 24 * time.Hour
	// SignInPath is the page that a sign-in link opens. It asks for a click and posts the code: mail
	// scanners follow links, and must not use them up.
	SignInPath = "/signin"
)

// Link is a single-use way to sign in.
type Link struct {
	URL     string
	Code    Secret
	Expires time.Time
	Person  Party
}

// CreateLink makes a sign-in link for the person whom text names by id or address. It works once, for 15
// minutes where the host asks and for 24 hours where an administrator does, and ends the person's
// earlier links. Super Admins and the host make links for anyone active; Admins invite: a Member whom the console
// alone knows and who has never signed in.
func (a *Authority) CreateLink(ctx context.Context, c grant.Caller, text string) (Link, error) {
	code := newSecret(linkSecret)
	_, fingerprint, _ := readSecret(code.text)
	link := Link{Code: code, URL: a.cfg.PublicURL.JoinPath(SignInPath).String() + "?code=" + url.QueryEscape(code.text)}
	err := a.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		by, err := a.actor(ctx, tx, c)
		if err != nil {
			return err
		}
		if by.id != audit.Host && a.LinksOff(ctx) {
			return fault.New(fault.Conflict, "Sign-in links are turned off here: people sign in through the provider. On its host, the server still makes them.")
		}
		person, err := linkPerson(ctx, tx, by, text)
		if err != nil {
			return err
		}
		now, life := a.now(), invitationLife
		if by.id == audit.Host {
			life = linkLife
		}
		expires := now + int64(life/time.Microsecond)
		if _, err = tx.Exec(ctx, "UPDATE signin_links SET ended_at = $1 WHERE person = $2 AND ended_at = 0", now, person.ID); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `INSERT INTO signin_links (id, hash, person, spell, made_by, created_at, expires_at, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`, sqldb.NewID(), fingerprint.hex(), person.ID, person.Spell, by.id, now, expires); err != nil {
			return err
		}
		link.Expires, link.Person = sqldb.Time(expires), Party{ID: person.ID, Email: person.Email, Name: person.Name, Active: true}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName = "signin-link.create", person.ID, person.Email
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	if err != nil {
		return Link{}, err
	}
	return link, nil
}

// linkPerson finds for whom a link is, and holds the rules of who may make it. A link is the power to
// be that person, so an Admin must not make one for anybody who has been here.
func linkPerson(ctx context.Context, tx *sqldb.Tx, by actor, text string) (*directory.Person, error) {
	if by.role < grant.RoleAdmin {
		return nil, forbidden("Your role does not let you make sign-in links.")
	}
	person, err := findPerson(ctx, tx, text)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil, noPerson()
		}
		return nil, err
	}
	if by.role < grant.RoleSuperAdmin {
		if err := mayInvite(ctx, tx, person); err != nil {
			return nil, err
		}
	}
	if !person.Active {
		return nil, fault.New(fault.Conflict, "This person is not active, so a link would not let them in. Activate them first.")
	}
	return person, nil
}

// mayInvite refuses an Admin a link for anyone but a Member whom the console alone knows and who has never signed in.
// Whoever holds a link can read what the person may.
func mayInvite(ctx context.Context, tx *sqldb.Tx, person *directory.Person) error {
	if person.Role != grant.RoleMember {
		return forbidden("Sign-in links for people with a role are made by Super Admins.")
	}
	sources, err := directory.Sources(ctx, tx, person.ID)
	if err != nil {
		return err
	}
	// An employee's documents wait for them before they first sign in.
	if slices.ContainsFunc(sources, func(a directory.Assertion) bool { return a.Source != directory.Console }) {
		return forbidden("This person is known as an employee. A sign-in link for them is made by Super Admins.")
	}
	_, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT first_at FROM signins WHERE person = $1", person.ID)
	switch {
	case err == nil:
		return forbidden("This person has signed in before. A further link for them is made by Super Admins.")
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	return nil
}

func noPerson() *fault.Fault {
	return fault.New(fault.NotFound, "There is no person with this id or email address.")
}

// SignIn exchanges the code of a sign-in link for a new session, and returns its cookie. The session that
// r brought along, if any, ends. Attempts are counted by address and in all: too many are a
// fault.TooMany. Whatever is wrong with the code, the answer is the same fault.Unauthenticated.
func (a *Authority) SignIn(r *http.Request, code string) (Visit, *http.Cookie, error) {
	if err := a.CheckOrigin(r); err != nil {
		return Visit{}, nil, err
	}
	if err := a.Attempt(r); err != nil {
		return Visit{}, nil, err
	}
	k, fingerprint, ok := readSecret(code)
	if !ok || k != linkSecret {
		return Visit{}, nil, deadLink()
	}
	person, err := a.useLink(r.Context(), fingerprint)
	if err != nil {
		return Visit{}, nil, err
	}
	a.Forgive(r)
	return a.begin(r, person, "sign-in link")
}

// Attempt counts an attempt to sign in, in whatever way, by address and in all; too many are a fault.TooMany. One that
// succeeds is taken back with Forgive.
func (a *Authority) Attempt(r *http.Request) error {
	if wait := a.throttle.take(a.cfg.Address(r), a.cfg.Now()); wait > 0 {
		f := fault.New(fault.TooMany, "Too many attempts to sign in. Wait a little, then try again.")
		f.RetryAfter = wait
		return f
	}
	return nil
}

// Forgive takes the last attempt of r's address back.
func (a *Authority) Forgive(r *http.Request) { a.throttle.giveBack(a.cfg.Address(r)) }

func deadLink() *fault.Fault {
	return fault.New(fault.Unauthenticated, "This sign-in link does not work: it was used before, has expired, or was replaced by a newer one. Ask for a new one.")
}

// LinksOff reports whether sign-in links are turned off. Those that the host makes still work: somebody must be able to mend
// a provider that lets nobody in.
func (a *Authority) LinksOff(ctx context.Context) bool {
	return a.cfg.LinksOff != nil && a.cfg.LinksOff(ctx)
}

type linkRow struct {
	person, madeBy string
	spell          int64
	expires, ended int64
}

// useLink spends the link with the given fingerprint and returns its person. What was refused although the
// link exists is on record.
func (a *Authority) useLink(ctx context.Context, p fingerprint) (person *directory.Person, err error) {
	refused := ""
	err = a.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		refused, person = "", nil
		row, err := sqldb.One(ctx, tx, func(s sqldb.Scanner) (l linkRow, err error) {
			err = s.Scan(&l.person, &l.madeBy, &l.spell, &l.expires, &l.ended)
			return l, err
		}, "SELECT person, made_by, spell, expires_at, ended_at FROM signin_links WHERE hash = $1", p.hex())
		if fault.KindOf(err) == fault.NotFound {
			return deadLink()
		}
		if err != nil {
			return err
		}
		if person, err = directory.LookupID(ctx, tx, row.person); err != nil {
			return err
		}
		switch now := a.now(); {
		case row.ended != 0:
			refused = "the link was used before or replaced"
		case now >= row.expires:
			refused = "the link has expired"
		case row.madeBy != audit.Host && a.LinksOff(ctx):
			refused = "sign-in links are turned off"
		case !person.Active:
			refused = "the person is not active"
		case row.spell != person.Spell:
			refused = "the person was activated again, or got a greater role, since"
		default:
			_, err = tx.Exec(ctx, "UPDATE signin_links SET ended_at = $1 WHERE hash = $2", now, p.hex())
			return err
		}
		return a.cfg.Audit.Append(ctx, tx, audit.Entry{
			Action: "session.refuse", Subject: person.ID, SubjectName: person.Email, Outcome: audit.Refused, Detail: refused,
		})
	})
	if err == nil && refused != "" {
		err = deadLink()
	}
	return person, err
}

// Begin signs a person in whom a sign-in provider vouches for; how says which, for the audit log.
// The person must exist and be active.
func (a *Authority) Begin(r *http.Request, person *directory.Person, how string) (Visit, *http.Cookie, error) {
	if !person.Active {
		return Visit{}, nil, signedOut()
	}
	return a.begin(r, person, how)
}

// begin makes a session with a new secret. The one that the browser had ends with it, so that a
// session planted there before (session fixation) is worth nothing.
func (a *Authority) begin(r *http.Request, person *directory.Person, how string) (Visit, *http.Cookie, error) {
	ctx := r.Context()
	secret := newSecret(sessionSecret)
	_, fingerprint, _ := readSecret(secret.text)
	id, now := sqldb.NewID(), a.now()
	before, had := a.sessionPrint(r)
	err := a.change(ctx, func(tx *sqldb.Tx) error {
		if had {
			if _, err := tx.Exec(ctx, "UPDATE sessions SET ended_at = $1 WHERE hash = $2 AND ended_at = 0", now, before.hex()); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sessions (id, hash, person, spell, created_at, last_used_at, ended_at)
			VALUES ($1, $2, $3, $4, $5, $5, 0)`, id, fingerprint.hex(), person.ID, person.Spell, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO signins (person, first_at, last_at) VALUES ($1, $2, $2)
			ON CONFLICT (person) DO UPDATE SET last_at = excluded.last_at`, person.ID, now); err != nil {
			return err
		}
		return a.cfg.Audit.Append(ctx, tx, audit.Entry{
			Actor: person.ID, ActorName: person.Email, Token: id, Action: "session.begin",
			Subject: person.ID, SubjectName: person.Email, Detail: how,
		})
	})
	if err != nil {
		return Visit{}, nil, err
	}
	adm, err := a.admission(ctx, source{kind: sessionSecret}, key{fingerprint: fingerprint})
	if err != nil {
		return Visit{}, nil, err
	}
	v := Visit{Session: id, Admin: adm.caller, User: adm.user, CSRF: adm.csrf}
	return v, a.cookie(secret.text, sessionLife), nil
}

// sweepEvery is how often what is long dead is removed.
const sweepEvery = time.Hour

// sweepRows keeps one transaction on the bulk lane to a few milliseconds.
const sweepRows = 500

// sweep removes sessions and links that ended a month ago, and replaced secrets whose minutes are
// over. Tokens stay in the list for ever.
func (a *Authority) sweep(ctx context.Context) error {
	month := a.now() - int64(30*24*time.Hour/time.Microsecond)
	for _, dead := range []struct {
		statement string
		before    int64
	}{
		{"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE created_at < $1 LIMIT $2)", month - int64(sessionLife/time.Microsecond)},
		{"DELETE FROM signin_links WHERE id IN (SELECT id FROM signin_links WHERE expires_at < $1 LIMIT $2)", month},
		{"DELETE FROM indexing_secrets WHERE hash IN (SELECT hash FROM indexing_secrets WHERE until > 0 AND until < $1 LIMIT $2)", a.now()},
	} {
		for n := int64(sweepRows); n == sweepRows; {
			err := a.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
				n, err = tx.Exec(ctx, dead.statement, dead.before, sweepRows)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
