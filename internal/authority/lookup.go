package authority

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// lookUp works an admission out from SQL, in one snapshot. Only the version is missing from it. Its
// errors are faults; where SQL cannot answer, Unavailable.
func (a *Authority) lookUp(ctx context.Context, s source, k key) (*admission, error) {
	var proved Identity
	if s.kind == oauthToken {
		var err error
		if proved, err = a.cfg.OAuth.Verify(ctx, s.token); err != nil {
			if fault.KindOf(err) == fault.Unauthenticated {
				err = unauthenticated().Wrap(err) // whatever the verifier says, the words are the same
			}
			return nil, err
		}
	}
	var web webFacts
	if s.kind == webToken {
		var err error
		if web, err = a.openWeb(s.token); err != nil {
			return nil, err
		}
	}
	var adm *admission
	var refusal *fault.Fault
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		l := lookup{a: a, tx: tx, source: s, key: k, now: a.now()}
		switch s.kind {
		case clientSecret:
			adm, refusal, err = l.client(ctx)
		case indexingSecret:
			adm, refusal, err = l.indexing(ctx)
		case sessionSecret:
			adm, refusal, err = l.session(ctx)
		case scimSecret:
			adm, refusal, err = l.scim(ctx)
		case oauthToken:
			adm, refusal, err = l.oauth(ctx, proved)
		case webToken:
			adm, refusal, err = l.web(ctx, web)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, away(ctx, err)
	case refusal != nil:
		return nil, refusal
	}
	return adm, nil
}

// lookup is one look-up under way. Its methods return an admission, or what to refuse with, or the
// error of a read.
type lookup struct {
	a      *Authority
	tx     *sqldb.Tx
	source source
	key    key
	now    int64
}

func (l lookup) mint(f *grant.Facts) grant.Caller {
	f.Recheck = l.a.recheck(l.source, l.key, f)
	return grant.Mint(f)
}

// missing tells no row from an error: no row is a refusal.
func missing(err error, refusal *fault.Fault) (*admission, *fault.Fault, error) {
	if fault.KindOf(err) == fault.NotFound {
		return nil, refusal, nil
	}
	return nil, nil, err
}

type clientRow struct {
	id, permission, scopes, person, description string
	expires, used, revoked                      int64
}

func (l lookup) client(ctx context.Context) (*admission, *fault.Fault, error) {
	row, err := sqldb.One(ctx, l.tx, func(s sqldb.Scanner) (t clientRow, err error) {
		err = s.Scan(&t.id, &t.permission, &t.scopes, &t.person, &t.description, &t.expires, &t.used, &t.revoked)
		return t, err
	}, `SELECT id, permission, scopes, person, description, expires_at, last_used_at, revoked_at
		FROM client_tokens WHERE hash = $1`, l.key.fingerprint.hex())
	if err != nil {
		return missing(err, unauthenticated())
	}
	if row.revoked != 0 || row.expires != 0 && l.now >= row.expires {
		return nil, unauthenticated(), nil
	}
	f := &grant.Facts{Scopes: l.a.parseScopes(row.scopes), Token: row.id, Holder: row.description}
	var person *directory.Person
	switch Permission(row.permission) {
	case User:
		f.Kind = grant.User
		if person, err = directory.LookupID(ctx, l.tx, row.person); err != nil {
			return missing(err, unauthenticated())
		}
		if !person.Active {
			return nil, unauthenticated(), nil
		}
		if l.key.actAs != "" {
			return nil, actAsNotAllowed(), nil
		}
	case Global:
		f.Kind = grant.Global
		if l.key.actAs == "" {
			return nil, actAsMissing(), nil
		}
		if person, err = directory.LookupEmail(ctx, l.tx, l.key.actAs); err != nil {
			return missing(err, actAsUnknown())
		}
		if !person.Active {
			return nil, actAsUnknown(), nil
		}
	case Anonymous:
		f.Kind = grant.Anonymous
		f.Scopes &= grant.ScopesOf(grant.Search) // all that such a token may ever open
		if l.key.actAs != "" {
			return nil, actAsNotAllowed(), nil
		}
	default:
		return nil, nil, fmt.Errorf("client token %s has the permission %q", row.id, row.permission)
	}
	if person != nil {
		f.Person, f.Email, f.Role = person.ID, person.Email, person.Role
	}
	return &admission{
		caller: l.mint(f), until: row.expires, mark: l.a.usage.mark(clientSecret, row.id, row.used),
	}, nil, nil
}

type indexingRow struct {
	id, description, datasources, metadata, cidrs     string
	period, rotated, expires, used, revoked, replaced int64
}

func (l lookup) indexing(ctx context.Context) (*admission, *fault.Fault, error) {
	row, err := sqldb.One(ctx, l.tx, func(s sqldb.Scanner) (t indexingRow, err error) {
		err = s.Scan(&t.id, &t.description, &t.datasources, &t.metadata, &t.cidrs, &t.period, &t.rotated, &t.expires, &t.used, &t.revoked, &t.replaced)
		return t, err
	}, `SELECT t.id, t.description, t.datasources, t.metadata, t.cidrs, t.period, t.rotated_at, t.expires_at, t.last_used_at, t.revoked_at, s.until
		FROM indexing_secrets s JOIN indexing_tokens t ON t.id = s.token WHERE s.hash = $1`, l.key.fingerprint.hex())
	if err != nil {
		return missing(err, unauthenticated())
	}
	until := row.expires
	if row.period > 0 {
		until = min(until, row.rotated+row.period*minute)
	}
	if row.replaced > 0 {
		until = min(until, row.replaced)
	}
	if row.revoked != 0 || l.now >= until {
		return nil, unauthenticated(), nil
	}
	if l.key.actAs != "" {
		return nil, actAsNotAllowed(), nil
	}
	adm := &admission{until: until, mark: l.a.usage.mark(indexingSecret, row.id, row.used)}
	f := &grant.Facts{Kind: grant.Indexing, Scopes: grant.ScopesOf(grant.IndexingScope), Token: row.id, Holder: row.description}
	if err := json.Unmarshal([]byte(row.datasources), &f.Datasources); err != nil {
		return nil, nil, fmt.Errorf("datasources of indexing token %s: %w", row.id, err)
	}
	if err := json.Unmarshal([]byte(row.metadata), &f.Metadata); err != nil {
		return nil, nil, fmt.Errorf("scopes of indexing token %s: %w", row.id, err)
	}
	if adm.from, err = readPrefixes(row.cidrs); err != nil {
		return nil, nil, fmt.Errorf("addresses of indexing token %s: %w", row.id, err)
	}
	adm.caller = l.mint(f)
	return adm, nil, nil
}

func readPrefixes(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	err := json.Unmarshal([]byte(text), &list)
	return list, err
}

type sessionRow struct {
	id, person           string
	spell                int64
	created, used, ended int64
}

func (l lookup) session(ctx context.Context) (*admission, *fault.Fault, error) {
	row, err := sqldb.One(ctx, l.tx, func(s sqldb.Scanner) (t sessionRow, err error) {
		err = s.Scan(&t.id, &t.person, &t.spell, &t.created, &t.used, &t.ended)
		return t, err
	}, "SELECT id, person, spell, created_at, last_used_at, ended_at FROM sessions WHERE hash = $1", l.key.fingerprint.hex())
	if err != nil {
		return missing(err, signedOut())
	}
	if row.ended != 0 {
		return nil, signedOut(), nil
	}
	person, err := directory.LookupID(ctx, l.tx, row.person)
	if err != nil {
		return missing(err, signedOut())
	}
	adm := &admission{
		until: row.created + int64(sessionLife/time.Microsecond), idle: int64(sessionIdle / time.Microsecond),
		mark: l.a.usage.mark(sessionSecret, row.id, row.used),
	}
	if !person.Active || row.spell != person.Spell || !adm.holds(l.now) {
		return nil, signedOut(), nil
	}
	f := grant.Facts{Person: person.ID, Email: person.Email, Role: person.Role, Token: row.id, Holder: person.Email}
	console, search := f, f
	console.Kind, console.Scopes = grant.Session, grant.ScopesOf(grant.AdminScope)
	search.Kind, search.Scopes = grant.User, grant.AllScopes
	adm.caller, adm.user = l.mint(&console), l.mint(&search)
	adm.csrf = l.a.csrfToken(row.id)
	return adm, nil, nil
}

func (l lookup) oauth(ctx context.Context, proved Identity) (*admission, *fault.Fault, error) {
	person, err := directory.LookupEmail(ctx, l.tx, proved.Email)
	if err != nil {
		return missing(err, notAdmitted(proved, unknownPerson))
	}
	if !person.Active {
		return nil, notAdmitted(proved, deactivatedPerson), nil
	}
	adm := &admission{until: max(1, proved.Until.UnixMicro())} // never 0, which is for ever
	adm.caller = l.mint(&grant.Facts{
		Kind: grant.User, Scopes: proved.Scopes & grant.AllScopes, Person: person.ID, Email: person.Email, Role: person.Role,
		Token: proved.Provider, Holder: person.Email,
	})
	return adm, nil, nil
}

// parseScopes reads a list as SQL keeps it. A name that this binary does not know opens nothing.
func (a *Authority) parseScopes(text string) grant.Scopes {
	var set grant.Scopes
	for name := range strings.SplitSeq(text, ",") {
		set |= grant.ScopesOf(a.scopes[name]) &^ 1
	}
	return set
}
