package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// maxStale is how old the last read of the version may be for the settings in memory to count.
const maxStale = time.Second

// state is the settings as they were at one version. It does not change.
type state struct {
	version  int64 // of sqldb, or older than what is in it
	settings Settings
	issuers  map[string]*Provider // the enabled ones, by issuer
	opaque   *Provider            // who takes opaque tokens
	sealed   map[string]string    // secrets from SQL, by provider
}

// row is the settings in SQL.
type row struct {
	settings Settings
	sealed   map[string]string
}

// Settings returns the settings as they stand, at most a second old. Where SQL is away they are those of a server that
// accepts nothing.
func (s *Service) Settings(ctx context.Context) Settings {
	st, err := s.current(ctx)
	if err != nil {
		return Settings{}
	}
	return st.settings.clone()
}

func (s Settings) clone() Settings {
	s.Providers, s.AdmitDomains = slices.Clone(s.Providers), slices.Clone(s.AdmitDomains)
	return s
}

// current returns the state, from memory where it is fresh.
func (s *Service) current(ctx context.Context) (*state, error) {
	version, readAt := s.db.Version(Version)
	fresh := time.Since(readAt) < maxStale
	if st := s.state.Load(); fresh && st != nil && st.version == version {
		return st, nil
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	version, readAt = s.db.Version(Version)
	if time.Since(readAt) >= maxStale {
		var err error
		if version, err = s.db.ReadVersion(ctx, Version); err != nil {
			return nil, databaseAway(err)
		}
	}
	if st := s.state.Load(); st != nil && st.version == version {
		return st, nil
	}
	// The version was read before the settings, so they are at least as new.
	var r row
	if err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		r, err = readRow(ctx, tx)
		return err
	}); err != nil {
		return nil, databaseAway(err)
	}
	st := s.stateOf(r, version)
	s.state.Store(st)
	s.forget(st)
	return st, nil
}

func databaseAway(err error) error {
	return fault.New(fault.Unavailable, "The database is away, so the credential cannot be checked. Try again shortly.").Wrap(err)
}

// stateOf joins what SQL and the configuration file say. Where both name a provider, the file's counts.
func (s *Service) stateOf(r row, version int64) *state {
	st := &state{version: version, sealed: r.sealed, issuers: map[string]*Provider{}, settings: s.merge(r.settings)}
	for i := range st.settings.Providers {
		p := &st.settings.Providers[i]
		if !p.FromFile {
			_, p.HasSecret = r.sealed[p.Name]
		}
		if p.Disabled || st.issuers[p.Issuer] != nil { // the file's come first
			continue
		}
		st.issuers[p.Issuer] = p
		if p.Opaque != nil && st.opaque == nil {
			st.opaque = p
		}
	}
	return st
}

// merge puts the file's settings over others.
func (s *Service) merge(other Settings) Settings {
	merged := s.file.settings.clone()
	merged.Version = other.Version
	if !merged.Fixed.Enabled {
		merged.Enabled = other.Enabled
	}
	if !merged.Fixed.AdmitUnknown {
		merged.AdmitUnknown, merged.AdmitDomains = other.AdmitUnknown, other.AdmitDomains
	}
	if !merged.Fixed.LinksOff {
		merged.LinksOff = other.LinksOff
	}
	for _, p := range other.Providers {
		if !slices.ContainsFunc(s.file.settings.Providers, func(f Provider) bool { return strings.EqualFold(f.Name, p.Name) }) {
			merged.Providers = append(merged.Providers, p)
		}
	}
	return merged
}

func readRow(ctx context.Context, tx *sqldb.Tx) (row, error) {
	r := row{sealed: map[string]string{}}
	type stored struct {
		version int64
		body    string
	}
	got, err := sqldb.One(ctx, tx, func(sc sqldb.Scanner) (v stored, err error) {
		err = sc.Scan(&v.version, &v.body)
		return v, err
	}, "SELECT version, body FROM oauth_settings WHERE id = 1")
	if fault.KindOf(err) == fault.NotFound {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	var form Form
	if err := json.Unmarshal([]byte(got.body), &form); err != nil {
		return r, fmt.Errorf("read the settings of oauth: %w", err)
	}
	if r.settings, _, err = form.Settings(); err != nil {
		return r, fmt.Errorf("read the settings of oauth: %w", err)
	}
	r.settings.Version = got.version
	type secret struct{ provider, sealed string }
	for v, err := range sqldb.Each(ctx, tx, func(sc sqldb.Scanner) (v secret, err error) {
		err = sc.Scan(&v.provider, &v.sealed)
		return v, err
	}, "SELECT provider, sealed FROM oauth_secrets") {
		if err != nil {
			return r, err
		}
		r.sealed[v.provider] = v.sealed
	}
	return r, nil
}

// Put replaces the settings, on behalf of a Super Admin or the host. secrets are the client secrets to keep from now on, by
// provider; an empty one removes what is kept, and a provider that is not in it keeps its own. Providers of the configuration file are
// left as they are. The issuer of each provider that is accepted anew is asked for its discovery document. It holds on this node when Put returns, and
// on the others within a second.
func (s *Service) Put(ctx context.Context, c grant.Caller, want Settings, secrets map[string]string) error {
	if err := s.may(ctx, c, grant.RoleSuperAdmin, "The settings of OAuth are changed by Super Admins."); err != nil {
		return err
	}
	want, err := s.checkPut(ctx, want, secrets)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		// Again inside: a role that was lowered a moment ago counts as lowered.
		if err := authority.Require(ctx, tx, c, grant.RoleSuperAdmin, "The settings of OAuth are changed by Super Admins."); err != nil {
			return err
		}
		before, err := readRow(ctx, tx)
		if err != nil {
			return err
		}
		if want.Version != 0 && want.Version != before.settings.Version {
			return fault.New(fault.Conflict, "Somebody else has changed these settings meanwhile. Read them again, then make your change.")
		}
		if err := s.write(ctx, tx, c, want, before.settings.Version+1); err != nil {
			return err
		}
		if err := s.writeSecrets(ctx, tx, want, before, secrets); err != nil {
			return err
		}
		if err := dropKeys(ctx, tx, s.stateOf(row{settings: want}, 0)); err != nil {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.Detail = "oauth.update", "oauth", difference(before.settings, want, secrets)
		if err := s.cfg.Audit.Append(ctx, tx, entry); err != nil {
			return err
		}
		if _, err := tx.Raise(ctx, Version); err != nil {
			return err
		}
		_, err = tx.Raise(ctx, authority.Version)
		return err
	})
}

// may refuses whoever has a lesser role.
func (s *Service) may(ctx context.Context, c grant.Caller, role grant.Role, message string) error {
	return s.db.Read(ctx, func(tx *sqldb.Tx) error { return authority.Require(ctx, tx, c, role, message) })
}

func (s *Service) write(ctx context.Context, tx *sqldb.Tx, c grant.Caller, want Settings, version int64) error {
	form := FormOf(want)
	form.Version, form.FixedByFile = 0, nil
	for i := range form.Providers {
		form.Providers[i].HasClientSecret = false
	}
	body, err := json.Marshal(form, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO oauth_settings (id, version, body, changed_at, changed_by) VALUES (1, $1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		version, string(body), s.cfg.Now().UnixMicro(), audit.By(c).Actor)
	return err
}

// binding is what a secret is sealed to: with another issuer it does not open, so it cannot be sent elsewhere.
func binding(p *Provider) string { return "oauth client\x00" + p.Name + "\x00" + p.Issuer }

// writeSecrets keeps the secrets of want, and removes all others.
func (s *Service) writeSecrets(ctx context.Context, tx *sqldb.Tx, want Settings, before row, secrets map[string]string) error {
	keep := map[string]string{}
	for i := range want.Providers {
		p := &want.Providers[i]
		secret, given := secrets[p.Name]
		if given && secret != "" {
			sealed, err := s.cfg.Vault.Seal(binding(p), secret)
			if err != nil {
				return err
			}
			keep[p.Name] = sealed
			continue
		}
		old, had := before.sealed[p.Name]
		if given || !had {
			continue
		}
		if moved(before.settings.Provider(p.Name), p) {
			return wrong(fmt.Sprintf("providers[%d].clientSecret", i),
				"Enter the client secret of %s again: its issuer or endpoint has changed, and a secret is not sent to a place that it was not entered for.", quote(p.Name))
		}
		keep[p.Name] = old
	}
	if _, err := tx.Exec(ctx, "DELETE FROM oauth_secrets"); err != nil {
		return err
	}
	for _, name := range sortedKeys(keep) {
		if _, err := tx.Exec(ctx, "INSERT INTO oauth_secrets (provider, sealed, changed_at) VALUES ($1, $2, $3)", name, keep[name], s.cfg.Now().UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// moved reports whether a provider's secret would go to another place than before.
func moved(before, after *Provider) bool {
	if before == nil || before.Issuer != after.Issuer {
		return true
	}
	to := func(p *Provider) string {
		if p.Opaque == nil {
			return ""
		}
		return p.Opaque.URL
	}
	return to(after) != "" && to(before) != to(after)
}

// Secret returns the client secret of a provider, "" where none is kept.
func (s *Service) Secret(ctx context.Context, provider string) (string, error) {
	st, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	p := st.settings.Provider(provider)
	if p == nil {
		return "", fault.New(fault.NotFound, "There is no such provider.")
	}
	return s.secretOf(st, p)
}

func (s *Service) secretOf(st *state, p *Provider) (string, error) {
	if p.FromFile {
		return s.file.secrets[p.Name], nil
	}
	sealed, ok := st.sealed[p.Name]
	if !ok {
		return "", nil
	}
	secret, err := s.cfg.Vault.Open(binding(p), sealed)
	if err != nil {
		return "", fmt.Errorf("the client secret of provider %s: %w", p.Name, err)
	}
	return secret, nil
}
