package oauth

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// keepEvery is how often it is written down that an issuer still publishes the same keys.
const keepEvery = 10 * time.Minute

// keptKeys is what SQL has of the keys of an issuer, as this process wrote it.
type keptKeys struct {
	text string
	at   time.Time
}

// keep writes a key set down, so that whoever starts while the issuer is away can go on with it. It is called by one fetch at a time.
func (i *issuer) keep(s *Service, set keySet, at time.Time) {
	text, err := json.Marshal(set.published)
	if err != nil || i.kept.text == string(text) && at.Sub(i.kept.at) < keepEvery {
		return
	}
	i.kept = keptKeys{string(text), at}
	s.background(func() {
		err := s.db.Write(s.ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(s.ctx, `INSERT INTO oauth_keys (issuer, keys, fetched_at) VALUES ($1, $2, $3)
				ON CONFLICT (issuer) DO UPDATE SET keys = excluded.keys, fetched_at = excluded.fetched_at WHERE oauth_keys.fetched_at < excluded.fetched_at`,
				i.name, string(text), at.UnixMicro())
			return err
		})
		if err != nil && s.ctx.Err() == nil {
			s.log.Warn("the keys of an identity provider are not kept", "issuer", i.name, "err", err)
		}
	})
}

// recall takes what was written down for what was fetched, once, where nothing was fetched yet. Its age counts as if this process had
// fetched it then.
func (i *issuer) recall(s *Service) {
	ctx, cancel := context.WithTimeout(s.ctx, staleWait)
	defer cancel()
	var set keySet
	var at int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		text, err := sqldb.One(ctx, tx, func(sc sqldb.Scanner) (text string, err error) {
			err = sc.Scan(&text, &at)
			return text, err
		}, "SELECT keys, fetched_at FROM oauth_keys WHERE issuer = $1", i.name)
		if err != nil {
			return err
		}
		var published []jsontext.Value
		err = json.Unmarshal([]byte(text), &published)
		set = readKeys(published)
		return err
	})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return
	case err != nil:
		s.log.Warn("the keys of an identity provider that were kept cannot be read", "issuer", i.name, "err", err)
		return
	}
	// Another node's clock may be ahead.
	fetched := time.UnixMicro(at)
	if now := i.now(); fetched.After(now) {
		fetched = now
	}
	i.keys.seed(set, fetched)
}

// dropKeys forgets the keys of issuers that are not accepted any more: whoever removes a provider and adds it anew begins anew.
func dropKeys(ctx context.Context, tx *sqldb.Tx, st *state) error {
	list, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT issuer FROM oauth_keys")
	if err != nil {
		return err
	}
	for _, name := range list {
		if st.issuers[name] != nil {
			continue
		}
		if _, err := tx.Exec(ctx, "DELETE FROM oauth_keys WHERE issuer = $1", name); err != nil {
			return err
		}
	}
	return nil
}
