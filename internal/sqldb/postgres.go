package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// writeFor bounds one transaction of the writer, with all its statements and waits, so that a
// network that swallows packets cannot stop writing for good.
const writeFor = 30 * time.Second

// oldest is the first version of PostgreSQL that is tested.
const oldest = 15_00_00

// postgres is a PostgreSQL database. One advisory lock, held to the end of each writing
// transaction, makes the writes of all nodes happen one after the other.
type postgres struct {
	log   *slog.Logger
	write *sql.DB
	read  *sql.DB
	watch *sql.DB
	begin string // opens a writing transaction and takes the lock
	stats *statistics
}

// settings are sent when a connection is opened, unless the URL has its own. Milliseconds.
type settings map[string]string

func openPostgres(ctx context.Context, cfg Config) (_ backend, err error) {
	config, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("the address of the database: %w", err) // pgx leaves the password out
	}
	p := &postgres{log: cfg.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	p.write = pool(config, 1, settings{
		"statement_timeout": "25000", "lock_timeout": "10000", "idle_in_transaction_session_timeout": "15000",
	})
	p.read = pool(config, cfg.Readers, settings{
		// A reader that streams rows to a slow client is idle in its transaction meanwhile.
		"statement_timeout": "60000", "idle_in_transaction_session_timeout": "300000",
		"default_transaction_read_only": "on",
	})
	p.watch = pool(config, 2, settings{"statement_timeout": "5000", "default_transaction_read_only": "on"})
	if err := p.check(ctx); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := p.migrate(ctx, cfg, config); err != nil {
		return nil, err
	}
	p.stats = newStatistics(pool(config, 1, settings{"statement_timeout": "60000"}), cfg.Log)
	return p, nil
}

// pool makes a pool of connections with settings of their own.
func pool(config *pgx.ConnConfig, size int, set settings) *sql.DB {
	c := config.Copy()
	for name, value := range set {
		if _, ok := c.RuntimeParams[name]; !ok {
			c.RuntimeParams[name] = value
		}
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "sheaf"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	// A caller who leaves has the server end the statement and the connection kept, where that
	// works; where it does not, the connection is given up a second later.
	c.BuildContextWatcherHandler = func(pc *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pc, DeadlineDelay: time.Second}
	}
	db := stdlib.OpenDB(*c, stdlib.OptionAfterConnect(func(ctx context.Context, pc *pgx.Conn) error {
		// A server may be set up to acknowledge before its disk does. We may not.
		_, err := pc.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
		return err
	}))
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(30 * time.Minute) // so that a change of addresses is noticed in time
	return db
}

// check refuses servers that would not keep what this package promises, and prepares the lock.
func (p *postgres) check(ctx context.Context) error {
	var version int
	var encoding string
	var schema sql.NullString
	var lock int64
	err := p.write.QueryRowContext(ctx, `
		SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_schema(),
		       hashtextextended('sheaf ' || coalesce(current_schema(), ''), 0)`).Scan(&version, &encoding, &schema, &lock)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return fmt.Errorf("PostgreSQL %d or newer is needed, this is %d", oldest/10000, version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database must have the encoding UTF8, it has %s", encoding)
	case !schema.Valid:
		return errors.New("the search_path names no schema that exists")
	}
	p.begin = fmt.Sprintf("begin isolation level read committed; select pg_advisory_xact_lock(%d)", lock)
	return nil
}

// migrate brings the schema up to date while it holds a lock on it.
func (p *postgres) migrate(ctx context.Context, cfg Config, config *pgx.ConnConfig) (err error) {
	// A migration may run for longer than any statement of the server may.
	db := pool(config, 2, settings{"statement_timeout": "0"})
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	const lock = "hashtextextended('sheaf schema ' || current_schema(), 0)"
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock("+lock+")"); err != nil {
		return fmt.Errorf("wait for another node's migration: %w", err)
	}
	// The lock goes with the connection if this fails.
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+lock+")") }()
	return migrator{engine: PostgreSQL, fsys: cfg.migrations, db: db, log: cfg.Log}.run(ctx)
}

func (p *postgres) engine() Engine { return PostgreSQL }

// reader opens a snapshot. A pooled connection may have died while it was idle, which shows at its
// first use and is worth one more try.
func (p *postgres) reader(ctx context.Context) (*conn, error) {
	for try := 0; ; try++ {
		raw, err := p.read.Conn(ctx)
		if err != nil {
			return nil, err
		}
		c := &conn{sql: raw}
		if _, err = c.exec(ctx, "begin isolation level repeatable read read only", nil); err == nil {
			return c, nil
		}
		p.giveBack(c, false)
		if try > 0 || ctx.Err() != nil || !lost(err) {
			return nil, err
		}
	}
}

func (p *postgres) endRead(c *conn, healthy bool) {
	if healthy {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := c.exec(ctx, "rollback", nil)
		healthy = err == nil
	}
	p.giveBack(c, healthy)
}

func (p *postgres) giveBack(c *conn, healthy bool) {
	if !healthy {
		discard(c)
	}
	if err := c.close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		p.log.Debug("close a connection", "err", err)
	}
}

func (p *postgres) watcher(ctx context.Context) (*conn, error) {
	raw, err := p.watch.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: raw}, nil
}

func (p *postgres) endWatch(c *conn, healthy bool) { p.giveBack(c, healthy) }

func (p *postgres) writeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), writeFor)
}

func (p *postgres) beginWrite(ctx context.Context) (*conn, error) {
	raw, err := p.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{sql: raw}
	if _, err := c.exec(ctx, p.begin, nil); err != nil {
		p.giveBack(c, false)
		return nil, err
	}
	return c, nil
}

func (p *postgres) endWrite(c *conn, healthy bool) {
	p.stats.changed.Add(c.changed)
	p.giveBack(c, healthy)
}

// batch stays under the 64 subtransactions that PostgreSQL keeps at hand for each session.
func (p *postgres) batch() int { return 60 }

func (p *postgres) outcome(err error) outcome {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && len(e.Code) > 1 && e.Code[:2] == "40" {
		return again
	}
	// Before the commit was sent, a lost connection has undone everything.
	if lost(err) {
		return again
	}
	return undone
}

// commit ends the transaction. Once the word may have been sent, a broken connection leaves open
// whether the server carried it out; only the caller can find out, so it is never tried again.
func (p *postgres) commit(ctx context.Context, c *conn) (outcome, error) {
	err := c.sql.Raw(func(raw any) error {
		pc := raw.(*stdlib.Conn).Conn().PgConn()
		if pc.IsClosed() {
			return driver.ErrBadConn
		}
		// A transaction that is not in order would answer COMMIT with a silent rollback.
		if status := pc.TxStatus(); status != 'T' {
			return fmt.Errorf("sqldb: the transaction is in state %q before its commit", status)
		}
		return nil
	})
	if err != nil {
		return p.outcome(err), err
	}
	if _, err = c.exec(ctx, "commit", nil); err == nil {
		return undone, nil
	}
	// A bad connection, as the driver calls it, should mean that nothing was sent. pgx 5.12 says so
	// too when the connection breaks before the answer to a simple query has come, so it is not believed.
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && !lost(err) {
		return p.outcome(e), err
	}
	return unknown, err
}

func (p *postgres) tidy(func() bool) {}

func (p *postgres) snapshot(context.Context, string) error {
	return fault.New(fault.Unprocessable, "The database is PostgreSQL: back it up with its own tools, such as pg_dump.")
}

func (p *postgres) close() error {
	var err error
	if p.stats != nil {
		err = p.stats.close()
	}
	for _, db := range []*sql.DB{p.watch, p.read, p.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}
