// Package authority decides who is calling. Tokens, sessions, sign-in links and the rules of who may
// make and end them live here; every request becomes one Caller here, or is refused.
//
// Its one idea is that admission is a look-up whose answer may be kept exactly as long as nothing
// that it depends on has changed: each change of a token, session, person, role or provider raises
// one version in its own transaction, and a kept admission counts only while that version stands and
// was read less than a second ago. So an admission costs half a microsecond, and a revocation holds from
// the next request on this node and within a second on every other.
//
// rpc calls Admit. The console, the admin API and the command line call the services, each with the
// Caller of whoever asks: the rules are checked here, below all three. No other package mints a
// Caller.
package authority

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Version is the name of the version (sqldb) that every change of what admission depends on raises.
const Version = "authority"

// maxStale is how old the last read of the version may be for a kept admission to count.
const maxStale = time.Second

// admitTime bounds the look-ups of one admission.
const admitTime = 5 * time.Second

// People is what authority needs of the directory.
type People interface {
	ByIDOrEmail(ctx context.Context, text string) (*directory.Person, error)
	Add(ctx context.Context, n directory.NewPerson) (*directory.Person, error)
	First(ctx context.Context, email string) (*directory.Person, bool, error)
	Update(ctx context.Context, id string, patch directory.Patch) (*directory.Person, error)
	List(ctx context.Context, q directory.Query) (directory.Page, error)
	Roster(ctx context.Context) (*directory.Roster, error)
	ProvisionedGroups(ctx context.Context, k directory.ProvisionKey, keep func(*directory.ProvisionedGroup) (bool, error), offset, limit int) ([]directory.ProvisionedGroup, int, error)
	SetGroupRole(ctx context.Context, id string, role grant.Role) (before, after directory.ProvisionedGroup, changes []directory.RoleChange, err error)
}

// Config says what an Authority is made of. DB, People, Audit, Keys and PublicURL are needed.
type Config struct {
	DB     *sqldb.DB
	People People
	Audit  *audit.Log
	Keys   *seal.Box
	// PublicURL is the address under which browsers reach this server. It decides links, the cookie
	// (Secure and __Host- for https) and which Origin is our own; the Host header decides nothing.
	PublicURL *url.URL
	// Address says where a request came from, for lists of allowed addresses and the throttle of
	// sign-in. Nil takes the address of the connection.
	Address func(*http.Request) netip.Addr
	// OAuth verifies OAuth access tokens. Nil: OAuth is off.
	OAuth OAuthVerifier
	// LinksOff says whether sign-in links are turned off, but for those of the host. Nil: they are on.
	LinksOff func(context.Context) bool
	// Log is told of what fails in the background. Nil discards.
	Log *slog.Logger
	// Now is the clock by which tokens and sessions expire. Nil means time.Now.
	Now func() time.Time
	// WebTokenLife is how long tokens for web pages live. Zero means DefaultWebLife.
	WebTokenLife time.Duration
	// CacheSize is how many admissions are kept. Zero means 16384, some 10 MB.
	CacheSize int
}

// epochs is the part of sqldb.DB that says what has changed.
type epochs interface {
	Version(name string) (n int64, readAt time.Time)
	ReadVersion(ctx context.Context, name string) (int64, error)
}

// Authority admits requests and keeps tokens, sessions and sign-in links. It is safe for concurrent
// use.
type Authority struct {
	cfg      Config
	db       *sqldb.DB
	epochs   epochs
	cache    *cache
	usage    *usage
	throttle *throttle
	refusals *refusals
	scopes   map[string]grant.Scope // by name

	stop   context.CancelFunc
	closed sync.WaitGroup
}

var _ rpc.Admitter = (*Authority)(nil)

// Open returns the authority of one server, and starts what it does in the background.
func Open(cfg Config) (*Authority, error) {
	if cfg.DB == nil || cfg.People == nil || cfg.Audit == nil || cfg.Keys == nil || cfg.PublicURL == nil {
		return nil, errors.New("open authority: DB, People, Audit, Keys and PublicURL are needed")
	}
	if cfg.Address == nil {
		cfg.Address = rpc.Proxies(nil).Address
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.WebTokenLife == 0 {
		cfg.WebTokenLife = DefaultWebLife
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = 16384
	}
	a := &Authority{
		cfg: cfg, db: cfg.DB, epochs: cfg.DB, cache: newCache(cfg.CacheSize), usage: newUsage(),
		throttle: newThrottle(), refusals: newRefusals(), scopes: map[string]grant.Scope{},
	}
	for s := range grant.AllScopes.All() {
		a.scopes[s.String()] = s
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.closed.Go(func() { a.background(ctx) })
	return a, nil
}

// Close writes down what is not yet written of last uses, and stops what runs in the background.
func (a *Authority) Close() error {
	a.stop()
	a.closed.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), admitTime)
	defer cancel()
	// Entries that are still counted go into the log before it closes.
	return errors.Join(a.writeUses(ctx), a.writeRefusals(ctx, a.cfg.Now().Add(refusalsEvery)))
}

// now is the time as SQL keeps it.
func (a *Authority) now() int64 { return a.cfg.Now().UnixMicro() }

// background writes last uses and removes what is long dead.
func (a *Authority) background(ctx context.Context) {
	uses := time.NewTicker(writeUsesEvery)
	defer uses.Stop()
	old := time.NewTicker(sweepEvery)
	defer old.Stop()
	refused := time.NewTicker(refusalsEvery / 4)
	defer refused.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-uses.C:
			err = a.writeUses(ctx)
		case <-refused.C:
			err = a.writeRefusals(ctx, a.cfg.Now())
		case <-old.C:
			err = a.sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.cfg.Log.Warn("authority's housekeeping failed", "err", err)
		}
	}
}

// change runs fn as one change of what admission depends on: durable, first in line, and seen by
// every node.
func (a *Authority) change(ctx context.Context, fn func(*sqldb.Tx) error) error {
	return a.db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := tx.Raise(ctx, Version)
		return err
	})
}
