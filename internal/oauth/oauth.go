// Package oauth accepts the access tokens of a company's identity providers: which providers there are, and whether a token
// of theirs holds.
//
// Its one idea is that a token says nothing until all of it was checked in one order: its form by a strict reader of ours, its
// issuer against the settings, its signature against the keys of just that issuer, its times, its kind, its client, its
// audience, and only then the person in it. Nothing in a token leads anywhere: no key, address or algorithm is taken from
// it, and no token makes the server ask a provider more than the bounded refresh of its own issuer's keys.
//
// authority asks Verify, the admin API and the console read and change the settings, sign-in asks for secrets, endpoints and keys.
package oauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/outbound"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Version is the name of the version (sqldb) that every change of the settings raises.
const Version = "oauth"

// Defaults of Config, and the least that KeyAge can be.
const (
	DefaultKeyAge    = 5 * time.Minute
	LeastKeyAge      = 15 * time.Second
	DefaultOpaqueAge = 5 * time.Second
)

// Config says what a Service is made of. DB, Audit and Vault are needed.
type Config struct {
	DB    *sqldb.DB
	Audit *audit.Log
	Vault *seal.Vault // seals client secrets
	// Client makes the calls to providers. Nil means outbound's, with nothing private allowed.
	Client *http.Client
	// File are the settings of the configuration file. Nil where it has none.
	File *File
	// KeyAge is within which time a key that a provider withdraws stops to count. Zero means DefaultKeyAge.
	KeyAge time.Duration
	// OpaqueAge is for how long what a provider said of an opaque token counts. Zero means DefaultOpaqueAge.
	OpaqueAge time.Duration
	// Log is told of what fails in the background. Nil discards.
	Log *slog.Logger
	// Now is the clock that tokens are judged by. Nil means time.Now.
	Now func() time.Time
}

// Service holds the settings, and verifies tokens by them. It is safe for concurrent use.
type Service struct {
	cfg    Config
	db     *sqldb.DB
	client *http.Client
	log    *slog.Logger
	file   fileSettings

	state   atomic.Pointer[state]
	loading sync.Mutex // held while the settings are read from SQL

	mu      sync.Mutex // guards issuers
	issuers map[string]*issuer

	opaque  *answers
	metrics *metrics

	ctx  context.Context //nolint:containedctx // of what runs in the background, until Close
	stop context.CancelFunc
	work sync.WaitGroup
}

var _ authority.OAuthVerifier = (*Service)(nil)

// Open returns the service of one server. It asks no provider anything: what a provider says is asked for when it is needed.
func Open(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Audit == nil || cfg.Vault == nil {
		return nil, errors.New("open oauth: DB, Audit and Vault are needed")
	}
	if cfg.Client == nil {
		cfg.Client = outbound.New(outbound.Config{})
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.KeyAge == 0 {
		cfg.KeyAge = DefaultKeyAge
	}
	if cfg.KeyAge < LeastKeyAge {
		return nil, errors.New("open oauth: keys cannot be asked for more often than every 15 s")
	}
	if cfg.OpaqueAge == 0 {
		cfg.OpaqueAge = DefaultOpaqueAge
	}
	file, err := cfg.File.read()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, db: cfg.DB, client: cfg.Client, log: cfg.Log, file: file, issuers: map[string]*issuer{},
		opaque: newAnswers(), metrics: newMetrics(),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Close stops what runs in the background.
func (s *Service) Close() error {
	s.stop()
	s.work.Wait()
	return nil
}

// Client returns the client that calls providers.
func (s *Service) Client() *http.Client { return s.client }
