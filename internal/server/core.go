// Package server wires a whole sheaf: it opens the floor, makes the rooms, and hands each what it needs of others.
//
// It is the only package that knows them all. Its one idea is that wiring is plain Go read from top to bottom:
// no registry, no injection. The commands call it, and sheaftest does for tests.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/limit"
	"github.com/sheafsearch/sheaf/internal/oauth"
	"github.com/sheafsearch/sheaf/internal/outbound"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// DefaultPublicURL is where a server is reached that was told nothing else.
const DefaultPublicURL = "http://127.0.0.1:8080"

// Config is what a server is told. The zero value of each field is usable, save that Data or Database is needed.
type Config struct {
	// Data is the data directory: the SQLite database where there is no other, and the index. It is made where it does not exist.
	Data string
	// Database is the database's URL, postgres://… or the path of a SQLite file. Empty means a file in Data.
	Database string
	// PublicURL is the address at which browsers and clients reach the server. Empty means the one that the
	// server last ran with, or DefaultPublicURL.
	PublicURL string
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies rpc.Proxies
	// AuditRetention is how long the audit log is kept. Zero means 400 days.
	AuditRetention time.Duration
	// ActivityRetention is how long views and searches of people are kept after their last time. Zero means a year.
	ActivityRetention time.Duration
	// HideNewDatasources keeps a new datasource from everyone until an administrator shows it.
	HideNewDatasources bool
	// AdminEmail becomes the Super Admin where a first start finds no person. Empty means admin@localhost.
	AdminEmail string
	// MetricsToken opens /metrics on the main listener. Empty keeps it closed there.
	MetricsToken string
	// NoSync gives durability up, for throw-away data.
	NoSync bool
	// Limits are the rates that callers are held to. The zero value holds nobody.
	Limits limit.Rules
	// HideExperimental hides experimental operations from requests without X-Glean-Include-Experimental: true.
	HideExperimental bool
	// WebTokenLife is how long a token made for a web page lives. Zero means two hours.
	WebTokenLife time.Duration
	// OAuth are the settings of OAuth that a configuration file makes. Nil leaves all of them to the console.
	OAuth *oauth.File
	// KeyAge is within which time a key that an identity provider withdraws stops to count. Zero means five minutes.
	KeyAge time.Duration
	// MasterKey seals the secrets of third parties: 32 bytes in base64. Empty means a file in Data, made when it is needed.
	MasterKey string
	// Outbound says how far calls to elsewhere reach.
	Outbound outbound.Config
	// Log takes what operators should know. Nil discards.
	Log *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Core is the part of a server that commands on its host need too: the database, people, tokens and the audit log.
type Core struct {
	DB        *sqldb.DB
	Audit     *audit.Log
	Keys      *seal.Box
	People    *directory.Directory
	Authority *authority.Authority
	OAuth     *oauth.Service
	PublicURL *url.URL
}

// publicURLFact is the name in sqldb's table meta.
const publicURLFact = "public-url"

// OpenCore opens the core of a data directory. Any number of processes may have it open.
func OpenCore(ctx context.Context, cfg Config) (_ *Core, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Core{}
	defer func() {
		if err != nil {
			_ = c.Close() // the first error is the one to tell
		}
	}()
	if c.DB, err = openDatabase(ctx, cfg); err != nil {
		return nil, err
	}
	if c.PublicURL, err = c.publicURL(ctx, cfg.PublicURL); err != nil {
		return nil, err
	}
	if c.Keys, err = seal.Open(ctx, c.DB); err != nil {
		return nil, err
	}
	c.People = directory.NewAt(c.DB, c.PublicURL.String())
	c.Audit, err = audit.Open(ctx, c.DB, audit.Config{Retention: cfg.AuditRetention, Origin: rpc.Origin, Log: cfg.Log})
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	if c.OAuth, err = openOAuth(cfg, c); err != nil {
		return nil, err
	}
	c.Authority, err = authority.Open(authority.Config{
		OAuth: c.OAuth, LinksOff: linksOff(c.OAuth), DB: c.DB, People: c.People, Audit: c.Audit, Keys: c.Keys, PublicURL: c.PublicURL, Address: cfg.Proxies.Address, Log: cfg.Log, Now: cfg.Now, WebTokenLife: cfg.WebTokenLife,
	})
	return c, err
}

// Close writes down what is still in memory and closes the database.
func (c *Core) Close() error {
	var errs []error
	if c.Authority != nil {
		errs = append(errs, c.Authority.Close())
	}
	if c.OAuth != nil {
		errs = append(errs, c.OAuth.Close())
	}
	if c.Audit != nil {
		errs = append(errs, c.Audit.Close())
	}
	if c.DB != nil {
		errs = append(errs, c.DB.Close())
	}
	return errors.Join(errs...)
}

// masterKeyFile is where the key of secrets is kept that the server made itself. Backups leave it out.
const masterKeyFile = "master.key"

func openOAuth(cfg Config, c *Core) (*oauth.Service, error) {
	path := ""
	if cfg.Data != "" {
		path = filepath.Join(cfg.Data, masterKeyFile)
	}
	vault, err := seal.OpenVault(cfg.MasterKey, path)
	if err != nil {
		return nil, err
	}
	return oauth.Open(oauth.Config{
		DB: c.DB, Audit: c.Audit, Vault: vault, Client: outbound.New(cfg.Outbound), File: cfg.OAuth, KeyAge: cfg.KeyAge, Log: cfg.Log, Now: cfg.Now,
	})
}

func openDatabase(ctx context.Context, cfg Config) (*sqldb.DB, error) {
	address := cfg.Database
	if cfg.Data != "" {
		if err := makeData(cfg.Data); err != nil {
			return nil, err
		}
		if address == "" {
			address = filepath.Join(cfg.Data, "sheaf.db")
		}
	}
	db, err := sqldb.Open(ctx, sqldb.Config{URL: address, Log: cfg.Log, NoSync: cfg.NoSync})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// makeData makes a data directory. Only its owner may look inside: what people wrote in confidence lies there in clear.
func makeData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

// publicURL returns the configured address and remembers it, so that commands on the host make links that lead to the
// running server; or the one remembered.
func (c *Core) publicURL(ctx context.Context, configured string) (*url.URL, error) {
	if configured != "" {
		u, err := parsePublicURL(configured)
		if err != nil {
			return nil, err
		}
		return u, nil
	}
	remembered := DefaultPublicURL
	err := c.DB.Read(ctx, func(tx *sqldb.Tx) error {
		text, err := sqldb.One(ctx, tx, sqldb.ScanText, "SELECT value FROM meta WHERE name = $1", publicURLFact)
		if err == nil {
			remembered = text
		} else if fault.KindOf(err) != fault.NotFound {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the public address: %w", err)
	}
	return parsePublicURL(remembered)
}

// rememberPublicURL keeps the address under which this server is reached.
func (c *Core) rememberPublicURL(ctx context.Context) error {
	return c.DB.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2", publicURLFact, c.PublicURL.String())
		return err
	})
}

func parsePublicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("public address %q: want http:// or https://, a host, and nothing behind it", text)
	}
	u.Path = ""
	return u, nil
}
