package authority

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// minPeriod is the contract's least rotation period, in minutes.
	minPeriod = 1440
	maxPeriod = int64(maxLife / time.Minute)
	// rotationGrace is how long a replaced secret works, so that a running upload can finish.
	rotationGrace  = 10 * time.Minute
	maxPrefixes    = 64
	maxDatasources = 1000
)

// IndexingToken is an indexing token's metadata.
type IndexingToken struct {
	ID          string
	Mask        string
	Description string
	Datasources []string       // sorted; nil for all of them, empty for none
	Scopes      []string       // to write custom metadata, sorted: "custommetadata:" and a group, or global_scope
	Addresses   []netip.Prefix // that may use it; none means any
	// Period is how often the token must be rotated, zero for never; Rotated is when it last was.
	Period    time.Duration
	Rotated   time.Time
	MadeBy    Party
	Created   time.Time
	Expires   time.Time
	LastUsed  time.Time // zero for never, else exact to a minute
	Revoked   time.Time // zero while it is not
	RevokedBy Party
	State     State
}

// NewIndexingToken is what CreateIndexingToken needs to know.
type NewIndexingToken struct {
	Description string
	// Datasources are those that the token may write; nil means all, now and later. They need not exist yet.
	Datasources []string
	// Scopes are custommetadata:<group>, for a group of custom metadata, and custommetadata:global_scope for all of them. A token that has scopes
	// and names no datasources may write metadata alone.
	Scopes []string
	// Expires is needed, and never moves.
	Expires time.Time
	// Addresses are prefixes in CIDR form or single addresses. None means any address.
	Addresses []string
	// PeriodMinutes is 0, or at least 1440: a token that is not rotated within it is dead.
	PeriodMinutes int64
}

// CreateIndexingToken makes an indexing token and returns its secret, this once. It is for Super Admins,
// Admins and the host.
func (a *Authority) CreateIndexingToken(ctx context.Context, c grant.Caller, n NewIndexingToken) (IndexingToken, Secret, error) {
	row, err := a.checkIndexing(n)
	if err != nil {
		return IndexingToken{}, Secret{}, err
	}
	secret := newSecret(indexingSecret)
	_, fingerprint, _ := readSecret(secret.text)
	row.mask = secret.String()
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		by, err := a.indexingAdmin(ctx, tx, c)
		if err != nil {
			return err
		}
		row.id, row.madeBy, row.created = sqldb.NewID(), by.id, a.now()
		row.rotated = row.created
		if err := insertIndexing(ctx, tx, row); err != nil {
			return err
		}
		if err := insertIndexingSecret(ctx, tx, row.id, fingerprint); err != nil {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName = "indexing-token.create", row.id, row.description
		entry.Detail = "all datasources"
		if n.Datasources != nil || len(n.Scopes) > 0 {
			entry.Detail = strings.Join(append(slices.Clone(n.Datasources), n.Scopes...), ", ")
		}
		entry.Detail += ", until " + n.Expires.UTC().Format(time.DateOnly)
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	if err != nil {
		return IndexingToken{}, Secret{}, err
	}
	list, err := a.presentIndexing(ctx, []indexingTokenRow{row})
	if err != nil {
		return IndexingToken{}, Secret{}, err
	}
	return list[0], secret, nil
}

// checkIndexing turns what was asked for into a row, or says what to mend.
func (a *Authority) checkIndexing(n NewIndexingToken) (row indexingTokenRow, err error) {
	if row.description, err = checkDescription(n.Description); err != nil {
		return row, err
	}
	if n.Expires.IsZero() {
		return row, invalid("expiresAt", "An indexing token needs an expiry.")
	}
	if err = a.checkExpiry(n.Expires); err != nil {
		return row, err
	}
	row.expires = sqldb.Micros(n.Expires)
	groups, err := checkMetadata(n.Scopes)
	if err != nil {
		return row, err
	}
	if len(groups) > 0 && n.Datasources == nil {
		n.Datasources = []string{}
	}
	names, err := checkDatasources(n.Datasources, len(groups) > 0)
	if err != nil {
		return row, err
	}
	prefixes, err := checkPrefixes(n.Addresses)
	if err != nil {
		return row, err
	}
	if n.PeriodMinutes != 0 && (n.PeriodMinutes < minPeriod || n.PeriodMinutes > maxPeriod) {
		return row, invalid("rotationPeriodMinutes", fmt.Sprintf("The rotation period must be 0, for none, or %d (a day) to %d minutes.", minPeriod, maxPeriod))
	}
	row.period = n.PeriodMinutes
	row.datasources, row.cidrs, row.metadata = jsonText(names), jsonText(prefixes), jsonText(groups)
	return row, nil
}

// jsonText is for lists of texts, which always have a JSON form.
func jsonText(v any) string {
	text, err := json.Marshal(v, json.FormatNilSliceAsNull(true)) // null stands for every datasource
	if err != nil {
		panic(err)
	}
	return string(text)
}

// scopePrefix stands before the group in the scopes of custom metadata.
const scopePrefix = "custommetadata:"

// checkMetadata returns the groups that scopes name, in lower case.
func checkMetadata(scopes []string) ([]string, error) {
	groups := make([]string, 0, len(scopes))
	if len(scopes) > maxDatasources {
		return nil, invalid("scopes", fmt.Sprintf("Name at most %d scopes.", maxDatasources))
	}
	for _, scope := range scopes {
		group, ok := strings.CutPrefix(strings.ToLower(scope), scopePrefix)
		plain := !strings.ContainsFunc(group, func(r rune) bool { return r > 0x7f || !alphanumeric(byte(r)) }) //nolint:gosec // at most 0x7f
		// Letters beyond ASCII fold to letters in it: U+212A is no k.
		foreign := strings.ContainsFunc(scope, func(r rune) bool { return r > 0x7f })
		if !ok || foreign || group == "" || len(group) > 50 || !plain && group != grant.AllMetadata {
			return nil, invalid("scopes", fmt.Sprintf("%q is no scope of an indexing token: custommetadata:<group> and custommetadata:global_scope are.", clip(scope)))
		}
		groups = append(groups, group)
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

func checkDatasources(names []string, mayBeNone bool) ([]string, error) {
	if names == nil {
		return nil, nil
	}
	if len(names) == 0 && !mayBeNone || len(names) > maxDatasources {
		return nil, invalid("datasources", fmt.Sprintf("Name 1 to %d datasources, or leave the list out for all of them.", maxDatasources))
	}
	for _, name := range names {
		if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || !alphanumeric(byte(r)) && r != '_' && r != '-' }) { //nolint:gosec // at most 0x7f
			return nil, invalid("datasources", fmt.Sprintf("%q cannot be the name of a datasource: letters and digits are.", clip(name)))
		}
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names), nil
}

func checkPrefixes(texts []string) ([]netip.Prefix, error) {
	if len(texts) > maxPrefixes {
		return nil, invalid("allowedCidrs", fmt.Sprintf("At most %d address ranges can be listed.", maxPrefixes))
	}
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := readPrefix(strings.TrimSpace(text))
		switch {
		case err != nil || p.Addr().Is4In6():
			return nil, invalid("allowedCidrs", fmt.Sprintf("%q is no range of addresses like 10.20.0.0/16 or 2001:db8::/32.", clip(text)))
		case p != p.Masked():
			return nil, invalid("allowedCidrs", fmt.Sprintf("%s has bits set after its prefix. Write %s for the range, or %s for the one address.", p, p.Masked(), p.Addr()))
		}
		list = append(list, p)
	}
	return list, nil
}

func readPrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("parse address: %w", err)
	}
	return address.Prefix(address.BitLen())
}

// indexingAdmin returns who c is, if they may manage indexing tokens.
func (a *Authority) indexingAdmin(ctx context.Context, tx *sqldb.Tx, c grant.Caller) (actor, error) {
	by, err := a.actor(ctx, tx, c)
	if err == nil && by.role < grant.RoleAdmin {
		err = forbidden("Indexing tokens are managed by Admins and Super Admins.")
	}
	return by, err
}

// IndexingTokens lists every indexing token, newest first. It is for Super Admins, Admins and the host.
func (a *Authority) IndexingTokens(ctx context.Context, c grant.Caller) ([]IndexingToken, error) {
	var rows []indexingTokenRow
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := a.indexingAdmin(ctx, tx, c); err != nil {
			return err
		}
		var err error
		rows, err = sqldb.All(ctx, tx, scanIndexing, "SELECT "+indexingColumns+" FROM indexing_tokens ORDER BY created_at DESC, id DESC")
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.presentIndexing(ctx, rows)
}

// IndexingToken returns one indexing token, to the same people.
func (a *Authority) IndexingToken(ctx context.Context, c grant.Caller, id string) (IndexingToken, error) {
	var row indexingTokenRow
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := a.indexingAdmin(ctx, tx, c); err != nil {
			return err
		}
		var err error
		row, err = indexingByID(ctx, tx, id)
		return err
	})
	if err != nil {
		return IndexingToken{}, err
	}
	list, err := a.presentIndexing(ctx, []indexingTokenRow{row})
	if err != nil {
		return IndexingToken{}, err
	}
	return list[0], nil
}

// RevokeIndexingToken ends an indexing token and its replaced secrets for good, for the same people. A
// token that is revoked already stays as it is.
func (a *Authority) RevokeIndexingToken(ctx context.Context, c grant.Caller, id string) error {
	return a.change(ctx, func(tx *sqldb.Tx) error {
		by, err := a.indexingAdmin(ctx, tx, c)
		if err != nil {
			return err
		}
		row, err := indexingByID(ctx, tx, id)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE indexing_tokens SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at = 0", a.now(), by.id, id)
		if err != nil || n == 0 {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "indexing-token.revoke", id, row.description, row.mask
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
}

// Rotated is the outcome of a rotation.
type Rotated struct {
	Secret        Secret
	At            time.Time
	PeriodMinutes int64
}

// Rotate gives an indexing token a new secret; c is the token itself. The secret before works ten more
// minutes, and may rotate once more in them: whoever lost the answer has no other way. The token's
// expiry stays. Which secret c came with does not matter; those replaced earlier end when they
// would have.
func (a *Authority) Rotate(ctx context.Context, c grant.Caller) (Rotated, error) {
	if !c.Is(grant.Indexing) {
		return Rotated{}, forbidden("Only an indexing token can be rotated.")
	}
	secret := newSecret(indexingSecret)
	_, fingerprint, _ := readSecret(secret.text)
	var done Rotated
	err := a.change(ctx, func(tx *sqldb.Tx) error {
		row, err := indexingByID(ctx, tx, c.Token())
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		now := a.now()
		if err != nil || row.state(now) != Active {
			return unauthenticated()
		}
		if row.period == 0 {
			return fault.New(fault.Invalid, "This token was made without a rotation period, so it does not rotate.")
		}
		if err = retireSecrets(ctx, tx, row.id, now); err != nil {
			return err
		}
		if err = insertIndexingSecret(ctx, tx, row.id, fingerprint); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, "UPDATE indexing_tokens SET rotated_at = $1, mask = $2 WHERE id = $3", now, secret.String(), row.id); err != nil {
			return err
		}
		done = Rotated{Secret: secret, At: sqldb.Time(now), PeriodMinutes: row.period}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName, entry.Detail = "indexing-token.rotate", row.id, row.description, secret.String()
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
	return done, err
}

func (a *Authority) presentIndexing(ctx context.Context, rows []indexingTokenRow) ([]IndexingToken, error) {
	parties, err := a.parties(ctx)
	if err != nil {
		return nil, err
	}
	now := a.now()
	list := make([]IndexingToken, len(rows))
	for i, r := range rows {
		t := IndexingToken{
			ID: r.id, Mask: r.mask, Description: r.description, Period: time.Duration(r.period) * time.Minute,
			Rotated: sqldb.Time(r.rotated), MadeBy: parties(r.madeBy), Created: sqldb.Time(r.created), Expires: sqldb.Time(r.expires),
			LastUsed: sqldb.Time(r.used), Revoked: sqldb.Time(r.revoked), RevokedBy: parties(r.revokedBy), State: r.state(now),
		}
		if err := json.Unmarshal([]byte(r.datasources), &t.Datasources); err != nil {
			return nil, fmt.Errorf("datasources of indexing token %s: %w", r.id, err)
		}
		if err := json.Unmarshal([]byte(r.metadata), &t.Scopes); err != nil {
			return nil, fmt.Errorf("scopes of indexing token %s: %w", r.id, err)
		}
		for i, group := range t.Scopes {
			t.Scopes[i] = scopePrefix + group
		}
		if t.Addresses, err = readPrefixes(r.cidrs); err != nil {
			return nil, fmt.Errorf("addresses of indexing token %s: %w", r.id, err)
		}
		list[i] = t
	}
	return list, nil
}
