// Package sqldb opens the database, SQLite or PostgreSQL, and runs transactions on it.
//
// Its one idea: all writes of a database happen one after the other, on every node and in every
// process, so a write can rely on what it has read and lost updates cannot happen. Each process has
// one writer goroutine that puts waiting writes into one transaction and commits them together
// (group commit); SQLite's file lock, or an advisory lock on PostgreSQL, keeps the writers of
// different processes apart. Reads never wait for writes: each is one snapshot.
//
// The SQL is the same for both engines: $1 parameters, TEXT, BIGINT, BOOLEAN, ON CONFLICT,
// RETURNING. What drivers return as errors ends here: callers meet faults. Every package with a
// table of its own calls this one; nothing else imports a driver.
package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// Engine names the database behind a DB.
type Engine uint8

// The engines.
const (
	SQLite Engine = iota + 1
	PostgreSQL
)

// String is the engine's name, for logs.
func (e Engine) String() string {
	switch e {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return "unknown engine"
}

// Memory is the URL of a database that lives as long as its DB: a SQLite file in a temporary
// directory, which behaves as any other file does.
const Memory = ":memory:"

// Config says which database to open, and how.
type Config struct {
	// URL is "postgres://…" (or "postgresql://…"), the path of a SQLite file, or Memory. Required.
	URL string
	// Log receives what operators should know. Nil discards it.
	Log *slog.Logger
	// Readers bounds how many reads run at once; further ones wait. Zero chooses 8.
	Readers int
	// NoSync gives up durability on SQLite: writes are acknowledged before they are on the disk.
	// For tests and throw-away data.
	NoSync bool

	migrations fs.FS // in place of the embedded ones, for tests of this package
}

// DB is an open database, safe for use by many goroutines.
type DB struct {
	back     backend
	log      *slog.Logger
	writer   *writer
	versions *versions
	close    sync.Once
	closeErr error
}

// backend is what differs between the engines.
type backend interface {
	engine() Engine
	// reader lends a connection with a read-only snapshot open on it; endRead closes the snapshot and
	// takes the connection back, or drops it when it is broken.
	reader(ctx context.Context) (*conn, error)
	endRead(c *conn, healthy bool)
	// watcher lends the connection that is kept apart for versions, so that no queue of reads delays them.
	watcher(ctx context.Context) (*conn, error)
	endWatch(c *conn, healthy bool)
	// writeContext bounds one transaction of the writer.
	writeContext() (context.Context, context.CancelFunc)
	// beginWrite opens a transaction that holds the write lock of the whole database.
	beginWrite(ctx context.Context) (*conn, error)
	// endWrite takes the writer's connection back, or drops it when it is broken.
	endWrite(c *conn, healthy bool)
	// batch is how many functions one transaction may hold.
	batch() int
	// outcome says what the error of a statement before the commit means for its transaction.
	outcome(err error) outcome
	// commit ends the transaction and says what its error means.
	commit(ctx context.Context, c *conn) (outcome, error)
	// tidy runs after the results of a transaction were handed out, on the writer goroutine.
	tidy(urgent func() bool)
	snapshot(ctx context.Context, path string) error
	close() error
}

// Open opens the database that cfg names and brings its schema up to date. Of several processes
// that start at once one migrates and the others wait. It refuses a schema newer than this binary.
// An existing SQLite file is copied beside itself before its schema changes.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 8
	}
	if cfg.migrations == nil {
		cfg.migrations = embedded()
	}
	var back backend
	var err error
	switch {
	case cfg.URL == "":
		return nil, errors.New("no database is configured")
	case strings.HasPrefix(cfg.URL, "postgres://"), strings.HasPrefix(cfg.URL, "postgresql://"):
		back, err = openPostgres(ctx, cfg)
	default:
		back, err = openSQLite(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{back: back, log: cfg.Log, versions: newVersions(back, cfg.Log)}
	if err := db.versions.read(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("read versions: %w", err), back.close())
	}
	go db.versions.poll()
	db.writer = newWriter(back, cfg.Log, db.versions.set)
	return db, nil
}

// Close lets the transaction under way finish, refuses the writes that wait, and closes the
// database. Reads must have ended.
func (db *DB) Close() error {
	db.close.Do(func() {
		db.writer.stop()
		db.versions.stop()
		db.closeErr = db.back.close()
	})
	return db.closeErr
}

// Engine says which database this is.
func (db *DB) Engine() Engine { return db.back.engine() }

// Read runs fn on one consistent snapshot, read only. What this process had committed before Read
// was called is in it. fn runs once, on the caller's goroutine, and must not call Read itself: with
// every connection lent out it would wait for ever.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	c, err := db.back.reader(ctx)
	if db.writer.closing() {
		if err == nil {
			db.back.endRead(c, true)
		}
		return closed()
	}
	if err != nil {
		return mapError(ctx, err)
	}
	tx := &Tx{c: c}
	healthy := false
	defer func() {
		tx.end()
		db.back.endRead(c, healthy)
	}()
	err = fn(tx)
	if err == nil {
		err = tx.failed
	}
	healthy = !lost(tx.failed)
	return err
}

// Write runs fn in a transaction and returns nil once it is durable. Writes of all processes happen
// one after the other; what fn reads cannot change before it commits.
//
// fn runs on the writer's goroutine together with the writes of others. It may run more than once,
// so it has no effect but through tx; it must be short (a bulk write under 25 ms: cut it into
// several), wait for nothing, and call neither Read nor Write. An error or a panic of fn undoes
// what fn did and nothing else. After a failed statement fn cannot succeed, whatever it returns.
//
// A context that ends before fn started makes Write return at once; afterwards Write waits for the
// outcome. An error of kind Unavailable may, on PostgreSQL, hide a write that was committed as the
// connection broke; the message says so.
func (db *DB) Write(ctx context.Context, lane Lane, fn func(*Tx) error) error {
	return db.writer.write(ctx, lane, fn)
}

// Ping says whether the database answers and takes writes.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.writer.refusal(); err != nil {
		return err
	}
	return db.Read(ctx, func(tx *Tx) error {
		_, err := One(ctx, tx, ScanInt, "SELECT 1")
		return err
	})
}

// Stats counts what the writer has done since Open.
type Stats struct {
	Commits int64 // transactions committed
	Writes  int64 // functions that were committed in them
	Waiting int   // functions that wait for their turn
}

// Stats returns the writer's counts, for metrics and tests.
func (db *DB) Stats() Stats { return db.writer.stats() }

// Snapshot writes a consistent copy of a SQLite database to a new file at path, while reads and
// writes go on. It refuses PostgreSQL, which brings its own tools for that.
func (db *DB) Snapshot(ctx context.Context, path string) error { return db.back.snapshot(ctx, path) }

// NewID returns a new UUIDv7 as text: unique, and later ones sort after earlier ones.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// closed is what a database says that was closed.
func closed() error { return fault.New(fault.Unavailable, "The database is closed.") }

// guard runs fn and turns a panic into an error that holds the stack, for the log.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a database function: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// Micros is t as the database keeps it: microseconds since 1970, UTC. The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the reverse of Micros.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
