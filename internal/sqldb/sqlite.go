package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	driver "modernc.org/sqlite"
	sqlite "modernc.org/sqlite/lib"
)

const (
	// busyFor is how long a write waits for the writers of other processes. Each holds the lock for
	// a few tens of milliseconds, so this is reached only when one hangs.
	busyFor = 10 * time.Second
	// checkpointFrames is how many pages the log gathers before they are copied into the main file:
	// SQLite's own default, 4 MB.
	checkpointFrames = 1000
)

// sqliteFile is a SQLite database in WAL mode: one connection writes, several read, and none waits
// for another. Other processes may have the same file open.
type sqliteFile struct {
	path  string
	temp  string // directory to remove at close, for Memory
	log   *slog.Logger
	turn  *turnstile
	pools [2]*sql.DB // writing, reading

	write *conn
	free  chan *conn // readers; nil stands for one that was not opened yet
	watch chan *conn
	gone  chan struct{} // closed by close

	leftover int64 // pages that the last checkpoint could not copy
}

func openSQLite(ctx context.Context, cfg Config) (_ backend, err error) {
	f := &sqliteFile{
		path: cfg.URL, log: cfg.Log,
		free: make(chan *conn, cfg.Readers), watch: make(chan *conn, 1), gone: make(chan struct{}),
	}
	if cfg.URL == Memory {
		if f.temp, err = os.MkdirTemp("", "sheaf-"); err != nil {
			return nil, err
		}
		f.path, cfg.NoSync = filepath.Join(f.temp, "sheaf.db"), true
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if f.path, err = filepath.Abs(f.path); err != nil {
		return nil, err
	}
	// SQLite would make the file readable to everybody. Its companions get the file's own mode.
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if f.turn, err = openTurnstile(f.path + "-turn"); err != nil {
		return nil, err
	}
	return f, f.prepare(ctx, cfg)
}

// prepare opens the connections and brings the schema up to date, one process at a time.
func (f *sqliteFile) prepare(ctx context.Context, cfg Config) error {
	if err := f.turn.enter(ctx); err != nil {
		return err
	}
	defer f.turn.leave()
	for i, readOnly := range []bool{false, true} {
		connector, err := driver.NewConnector(dsn(f.path, readOnly, cfg.NoSync))
		if err != nil {
			return err
		}
		f.pools[i] = sql.OpenDB(connector)
	}
	f.pools[0].SetMaxOpenConns(1)
	if err := f.pools[0].PingContext(ctx); err != nil {
		if e, ok := errors.AsType[coded](err); ok && e.Code() == sqlite.SQLITE_NOTADB {
			return fmt.Errorf("open the database: %s is no SQLite file", f.path)
		}
		return fmt.Errorf("open the database %s: %w", f.path, err)
	}
	m := migrator{engine: SQLite, fsys: cfg.migrations, db: f.pools[0], log: cfg.Log, backup: f.backUp}
	if err := m.run(ctx); err != nil {
		return fmt.Errorf("database %s: %w", f.path, err)
	}
	c, err := f.pools[0].Conn(ctx)
	if err != nil {
		return err
	}
	f.write = &conn{sql: c, stmts: map[string]*sql.Stmt{}}
	// From here on beginWrite does the waiting: SQLite's own pauses for up to 100 ms at a time.
	if _, err := f.write.exec(ctx, "pragma busy_timeout = 0", nil); err != nil {
		return err
	}
	for range cfg.Readers {
		f.free <- nil
	}
	f.watch <- nil
	return nil
}

// dsn is the driver's name for a file, with the settings of one kind of connection.
func dsn(path string, readOnly, noSync bool) string {
	v := url.Values{}
	v.Set("_busy_timeout", "5000")
	v.Set("_dqs", "0") // "name" is never taken for 'name'
	v.Set("_defensive", "1")
	v.Set("_txlock", "immediate")
	v.Set("_foreign_keys", "1")
	if noSync {
		v.Set("_synchronous", "OFF")
	} else {
		v.Set("_synchronous", "FULL")
	}
	v.Add("_pragma", "trusted_schema(0)")
	if readOnly {
		v.Set("_query_only", "1")
		v.Add("_pragma", "cache_size(-2000)")
	} else {
		v.Set("_journal_mode", "WAL")
		v.Add("_pragma", "cache_size(-8000)")
		v.Add("_pragma", "wal_autocheckpoint(0)") // tidy does it, behind the callers' backs
		v.Add("_pragma", "journal_size_limit(67108864)")
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + v.Encode()
}

func (f *sqliteFile) engine() Engine { return SQLite }

// lend takes a connection from a list, and opens it if it was never used.
func (f *sqliteFile) lend(ctx context.Context, list chan *conn) (*conn, error) {
	select {
	case c := <-list:
		if c != nil {
			return c, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.gone:
		return nil, closed()
	}
	c, err := f.pools[1].Conn(ctx)
	if err != nil {
		list <- nil
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

// restore is the reverse of lend.
func (f *sqliteFile) restore(c *conn, list chan *conn, healthy bool) {
	select {
	case <-f.gone:
		healthy = false // nobody will close it later
	default:
	}
	if !healthy {
		f.drop(c)
		c = nil
	}
	list <- c
}

func (f *sqliteFile) drop(c *conn) {
	discard(c)
	if err := c.close(); err != nil {
		f.log.Debug("close a connection", "err", err)
	}
}

func (f *sqliteFile) reader(ctx context.Context) (*conn, error) {
	c, err := f.lend(ctx, f.free)
	if err != nil {
		return nil, err
	}
	if _, err := c.exec(context.Background(), "begin deferred", nil); err != nil {
		f.restore(c, f.free, false)
		return nil, err
	}
	return c, nil
}

func (f *sqliteFile) endRead(c *conn, healthy bool) {
	if _, err := c.exec(context.Background(), "rollback", nil); err != nil {
		healthy = false
	}
	f.restore(c, f.free, healthy)
}

func (f *sqliteFile) watcher(ctx context.Context) (*conn, error) { return f.lend(ctx, f.watch) }

func (f *sqliteFile) endWatch(c *conn, healthy bool) { f.restore(c, f.watch, healthy) }

// writeContext has no end: interrupting a statement would undo the writes of others, and a local
// disk answers or fails by itself.
func (f *sqliteFile) writeContext() (context.Context, context.CancelFunc) {
	return context.Background(), func() {}
}

// beginWrite takes SQLite's write lock. The turnstile is held meanwhile, so that of two busy
// processes neither can take the lock twice while the other one waits for it.
func (f *sqliteFile) beginWrite(context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), busyFor/2)
	defer cancel()
	if err := f.turn.enter(ctx); err == nil {
		defer f.turn.leave()
	} // without it the lock is taken all the same, only less fairly
	end := time.Now().Add(busyFor)
	for pause := time.Millisecond; ; pause = min(2*pause, 8*time.Millisecond) {
		_, err := f.write.exec(context.Background(), "begin immediate", nil)
		if err == nil {
			return f.write, nil
		}
		e, ok := errors.AsType[coded](err)
		if !ok || e.Code()&0xff != sqlite.SQLITE_BUSY || time.Now().After(end) {
			return nil, err
		}
		time.Sleep(pause)
	}
}

// endWrite keeps the connection whatever happened: there is no network that could have lost it.
func (f *sqliteFile) endWrite(*conn, bool) {}

// batch bounds what a failed transaction would have to do again.
func (f *sqliteFile) batch() int { return 256 }

func (f *sqliteFile) outcome(err error) outcome {
	if e, ok := errors.AsType[coded](err); ok {
		switch e.Code() {
		case sqlite.SQLITE_IOERR_FSYNC, sqlite.SQLITE_IOERR_DIR_FSYNC:
			return untrusted
		}
	}
	return undone
}

// commit makes the transaction durable. An I/O error here is final for the whole database: after a
// failed fsync the kernel may have dropped the pages and marked them clean, so that the next fsync
// succeeds without them. Nothing that is built on top could be acknowledged honestly. Opening the
// file anew reads what is really there.
func (f *sqliteFile) commit(ctx context.Context, c *conn) (outcome, error) {
	_, err := c.exec(ctx, "commit", nil)
	if e, ok := errors.AsType[coded](err); ok && e.Code()&0xff == sqlite.SQLITE_IOERR {
		return untrusted, err
	}
	return undone, err
}

// tidy copies the log into the main file once it is long: after the callers have their results, and
// not while an urgent write waits, unless the log grows out of hand.
func (f *sqliteFile) tidy(urgent func() bool) {
	pages, copied, err := f.checkpoint("noop")
	if err != nil || pages-copied < f.leftover+checkpointFrames {
		return
	}
	if urgent() && pages-copied < f.leftover+8*checkpointFrames {
		return
	}
	pages, copied, err = f.checkpoint("passive")
	if err != nil {
		f.log.Warn("checkpoint of the database failed", "err", err)
		return
	}
	// A long read keeps the rest in the log. Trying again at once would find the same.
	f.leftover = pages - copied
}

// checkpoint runs a checkpoint and says how many pages the log has, and how many of them the main
// file has too.
func (f *sqliteFile) checkpoint(mode string) (pages, copied int64, err error) {
	tx := &Tx{c: f.write, ctx: context.Background()}
	_, err = One(tx.ctx, tx, func(s Scanner) (busy int64, err error) {
		err = s.Scan(&busy, &pages, &copied)
		return busy, err
	}, "pragma wal_checkpoint("+mode+")")
	return pages, copied, err
}

func (f *sqliteFile) snapshot(ctx context.Context, path string) error {
	c, err := f.pools[1].Conn(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	defer func() {
		discard(&conn{sql: c})
		_ = c.Close()
	}()
	// The copy is a write to a database, if to a new one.
	if _, err := c.ExecContext(ctx, "pragma query_only = 0"); err != nil {
		return mapError(ctx, err)
	}
	return copyInto(ctx, c, path)
}

// copyInto writes a copy of c's database to path and has it on the disk when it returns.
func copyInto(ctx context.Context, c *sql.Conn, path string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fault.Newf(fault.Conflict, "The file %s exists already.", path).Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if _, err := c.ExecContext(ctx, "vacuum into $1", path); err != nil {
		return mapError(ctx, err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new file's name durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	// Windows cannot sync a directory and does not need to.
	if err := dir.Sync(); err != nil && !errors.Is(err, os.ErrInvalid) && !errors.Is(err, os.ErrPermission) {
		return errors.Join(err, dir.Close())
	}
	return dir.Close()
}

// backUp copies the file beside itself before a migration, and names the copy after the schema it has.
func (f *sqliteFile) backUp(ctx context.Context, version int64) (err error) {
	c, err := f.pools[0].Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	path := fmt.Sprintf("%s.schema-%05d.%s.backup", f.path, version, time.Now().UTC().Format("20060102T150405.000"))
	if err := copyInto(ctx, c, path); err != nil {
		return err
	}
	f.log.Info("copied the database before changing its schema", "path", path)
	return nil
}

func (f *sqliteFile) close() error {
	close(f.gone)
	var err error
	for _, list := range []chan *conn{f.free, f.watch} {
		for len(list) > 0 {
			if c := <-list; c != nil {
				err = errors.Join(err, c.close())
			}
		}
	}
	if f.write != nil {
		err = errors.Join(err, f.write.close())
	}
	// The writer's pool is closed last: its connection is the one that may empty the log.
	for _, pool := range []*sql.DB{f.pools[1], f.pools[0]} {
		if pool != nil {
			err = errors.Join(err, pool.Close())
		}
	}
	if f.turn != nil {
		err = errors.Join(err, f.turn.close())
	}
	if f.temp != "" {
		err = errors.Join(err, os.RemoveAll(f.temp))
	}
	return err
}
