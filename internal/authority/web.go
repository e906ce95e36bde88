package authority

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// A web token is for a page of another site, where everybody who opens the page's tools can read it. So it is short-lived,
// searches as one person and does nothing else, has no role, makes no further tokens, and is worth nothing from the moment at which
// the token that made it is revoked or the person is stopped. Nothing of it is stored: it is sealed.
const (
	webToken  kind = 'w'
	webPrefix      = "shf_w_"
	// madeBy marks, in a caller, the id of the token that a web token was made with.
	madeBy = "web:"
	// DefaultWebLife is how long web tokens live where nothing else is said.
	DefaultWebLife = 2 * time.Hour
)

// webFacts is what is sealed in a web token.
type webFacts struct {
	Parent string `json:"t"` // the client token that made it
	Person string `json:"p"`
	Spell  int64  `json:"s"` // the person's spell at that time: nobody comes back with an old token
	Until  int64  `json:"u"` // microseconds
}

// CreateWebToken makes a token with which a web page searches as the person that c acts as, and says when it ends. c must be
// an issued USER or GLOBAL token.
func (a *Authority) CreateWebToken(ctx context.Context, c grant.Caller) (Secret, time.Time, error) {
	if !c.Is(grant.User|grant.Global) || c.Person() == "" || strings.HasPrefix(c.Token(), madeBy) {
		return Secret{}, time.Time{}, forbidden("Tokens for web pages are made with an issued token that acts as a person.")
	}
	facts := webFacts{Parent: c.Token(), Person: c.Person(), Until: a.cfg.Now().Add(a.cfg.WebTokenLife).UnixMicro()}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		parent, err := clientToken(ctx, tx, facts.Parent)
		if err != nil {
			return err
		}
		person, err := directory.LookupID(ctx, tx, facts.Person)
		if err != nil {
			return err
		}
		facts.Spell = person.Spell
		if parent.expires != 0 {
			facts.Until = min(facts.Until, parent.expires)
		}
		return nil
	})
	if fault.KindOf(err) == fault.NotFound { // an OAuth access token, whose end nobody here could see
		return Secret{}, time.Time{}, forbidden("Tokens for web pages are made with an issued token, not with an OAuth access token.")
	}
	if err != nil {
		return Secret{}, time.Time{}, err
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return Secret{}, time.Time{}, err
	}
	return Secret{webPrefix + a.cfg.Keys.Seal(seal.Web, "", text)}, time.UnixMicro(facts.Until), nil
}

// admitWeb admits a web token.
func (a *Authority) admitWeb(r *http.Request, family rpc.Family, c credentials) (grant.Caller, error) {
	if family == rpc.IndexingAPI || family == rpc.SCIMAPI {
		return grant.Caller{}, unauthenticated()
	}
	adm, err := a.admission(r.Context(), source{kind: webToken, token: c.token}, key{fingerprint: sha256.Sum256([]byte(c.token))})
	switch {
	case err != nil:
		return grant.Caller{}, err
	case c.late != nil:
		return grant.Caller{}, c.late
	case c.actAs != "":
		return grant.Caller{}, actAsNotAllowed()
	}
	a.usage.touch(adm.mark, a.now())
	return adm.caller, nil
}

// openWeb reads a web token, and is a refusal where it is not one that holds by itself.
func (a *Authority) openWeb(token string) (webFacts, error) {
	var facts webFacts
	text, err := a.cfg.Keys.Open(seal.Web, "", strings.TrimPrefix(token, webPrefix))
	if err == nil {
		err = json.Unmarshal(text, &facts)
	}
	if err != nil || a.now() >= facts.Until {
		return facts, unauthenticated()
	}
	return facts, nil
}

func clientToken(ctx context.Context, tx *sqldb.Tx, id string) (clientRow, error) {
	return sqldb.One(ctx, tx, func(s sqldb.Scanner) (t clientRow, err error) {
		err = s.Scan(&t.id, &t.permission, &t.scopes, &t.person, &t.description, &t.expires, &t.used, &t.revoked)
		return t, err
	}, `SELECT id, permission, scopes, person, description, expires_at, last_used_at, revoked_at
		FROM client_tokens WHERE id = $1`, id)
}

// web works out the admission of a web token from the token that made it, as that stands now.
func (l lookup) web(ctx context.Context, facts webFacts) (*admission, *fault.Fault, error) {
	row, err := clientToken(ctx, l.tx, facts.Parent)
	if err != nil {
		return missing(err, unauthenticated())
	}
	makes := []Permission{User, Global}
	if row.revoked != 0 || row.expires != 0 && l.now >= row.expires || !slices.Contains(makes, Permission(row.permission)) {
		return nil, unauthenticated(), nil
	}
	person, err := directory.LookupID(ctx, l.tx, facts.Person)
	if err != nil {
		return missing(err, unauthenticated())
	}
	if !person.Active || person.Spell != facts.Spell {
		return nil, unauthenticated(), nil
	}
	return &admission{
		caller: l.mint(&grant.Facts{
			Kind: grant.User, Scopes: l.a.parseScopes(row.scopes) & grant.ScopesOf(grant.Search),
			Person: person.ID, Email: person.Email, Token: madeBy + row.id, Holder: row.description + ", in a web page",
		}),
		until: facts.Until, mark: l.a.usage.mark(clientSecret, row.id, row.used),
	}, nil, nil
}
