package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// next takes one number of counter "x".
func next(ctx context.Context) func(*sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		_, err := tx.Next(ctx, "x", 1)
		return err
	}
}

func counted(t *testing.T, db *sqldb.DB) (n int64) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqldb.Tx) (err error) {
		n, err = sqldb.One(t.Context(), tx, sqldb.ScanInt, "SELECT n FROM counters WHERE name = 'x'")
		return err
	})
	if err != nil && fault.KindOf(err) != fault.NotFound {
		t.Fatalf("Read() = %v", err)
	}
	return n
}

// TestConnectionLostBeforeCommit: nothing was kept, so the write is run again and nobody notices.
func TestConnectionLostBeforeCommit(t *testing.T) {
	db := sqldbtest.OpenURL(t, sqldbtest.Postgres(t))
	ctx, runs := t.Context(), 0
	err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		if err := next(ctx)(tx); err != nil {
			return err
		}
		if runs++; runs == 1 {
			_, err := tx.Exec(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("Write() = %v after %d runs, want nil after 2", err, runs)
	}
	if got := counted(t, db); got != 1 {
		t.Errorf("x = %d, want 1", got)
	}
}

// TestSerializationFailure: the database may ask for another try.
func TestSerializationFailure(t *testing.T) {
	db := sqldbtest.OpenURL(t, sqldbtest.Postgres(t))
	ctx, runs := t.Context(), 0
	fail := func(always bool) error {
		runs = 0
		return db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
			if runs++; runs > 1 && !always {
				return next(ctx)(tx)
			}
			_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")
			return err
		})
	}
	if err := fail(false); err != nil || runs != 2 {
		t.Errorf("Write() = %v after %d runs, want nil after 2", err, runs)
	}
	if err := fail(true); fault.KindOf(err) != fault.Unavailable || runs != 3 {
		t.Errorf("Write() = %v after %d runs, want an error of kind unavailable after 3", err, runs)
	}
}

// TestConnectionLostWhileIdle: neither reads nor writes notice.
func TestConnectionLostWhileIdle(t *testing.T) {
	address := sqldbtest.Postgres(t)
	p := newProxy(t, address)
	db := sqldbtest.OpenURL(t, p.url)
	ctx := t.Context()
	for range 3 {
		if err := db.Write(ctx, sqldb.Security, next(ctx)); err != nil {
			t.Fatalf("Write() = %v", err)
		}
		counted(t, db)
		p.cut()
	}
	if got := counted(t, db); got != 3 {
		t.Errorf("x = %d, want 3", got)
	}
}

// TestAmbiguousCommit: the connection breaks after COMMIT was sent. The write may have been kept,
// so it is reported and not run again.
func TestAmbiguousCommit(t *testing.T) {
	p := newProxy(t, sqldbtest.Postgres(t))
	db := sqldbtest.OpenURL(t, p.url)
	ctx, runs := t.Context(), 0
	p.trap.Store(true)
	err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		runs++
		return next(ctx)(tx)
	})
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind != fault.Unavailable || !strings.Contains(f.Message, "may have been saved") || runs != 1 {
		t.Errorf("Write() = %v after %d runs, want to learn that it may have been saved after 1", err, runs)
	}
	if p.trap.Load() {
		t.Fatal("no COMMIT was seen")
	}
	before := counted(t, db)
	if err := db.Write(ctx, sqldb.Security, next(ctx)); err != nil {
		t.Errorf("the next Write() = %v", err)
	}
	if got := counted(t, db); got != before+1 {
		t.Errorf("x = %d, want %d", got, before+1)
	}
}

// TestDatabaseAway: what needs the database says so, versions stop to be fresh, and all comes back.
func TestDatabaseAway(t *testing.T) {
	p := newProxy(t, sqldbtest.Postgres(t))
	db := sqldbtest.OpenURL(t, p.url)
	ctx := t.Context()
	p.refuse.Store(true)
	p.cut()
	left := time.Now()
	for name, err := range map[string]error{
		"Write": db.Write(ctx, sqldb.Security, next(ctx)),
		"Read":  db.Read(ctx, func(*sqldb.Tx) error { return nil }),
		"Ping":  db.Ping(ctx),
	} {
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unavailable || strings.Contains(f.Message, "127.0.0.1") {
			t.Errorf("%s() = %v, want an error of kind unavailable without an address", name, err)
		}
	}
	if _, err := db.ReadVersion(ctx, "a"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("ReadVersion() = %v, want an error of kind unavailable", err)
	}
	if _, at := db.Version("a"); at.After(left) {
		t.Error("versions were read without a database")
	}
	p.refuse.Store(false)
	back := time.Now()
	for end := back.Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, at := db.Version("a")
		if at.After(back) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("versions are not read again")
		}
	}
	if err := db.Write(ctx, sqldb.Security, next(ctx)); err != nil {
		t.Errorf("Write() = %v", err)
	}
}

// proxy stands between a DB and its server.
type proxy struct {
	url    string
	trap   atomic.Bool // break the connection once a COMMIT has passed
	refuse atomic.Bool
	epoch  atomic.Pointer[context.CancelFunc]
	ctx    atomic.Pointer[context.Context]
}

func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	p.renew()
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
	})
	server := u.Host
	u.Host = l.Addr().String()
	p.url = u.String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c, server)
		}
	}()
	return p
}

func (p *proxy) renew() {
	ctx, cancel := context.WithCancel(context.Background())
	p.ctx.Store(&ctx)
	p.epoch.Store(&cancel)
}

// cut breaks all connections that are open.
func (p *proxy) cut() {
	cancel := *p.epoch.Load()
	p.renew()
	cancel()
}

func (p *proxy) serve(client net.Conn, address string) {
	ctx := *p.ctx.Load()
	defer func() { _ = client.Close() }()
	if p.refuse.Load() {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
	defer stop()
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) && p.trap.Swap(false) {
			_ = client.Close() // the answer finds nobody
			_, _ = server.Write(buf[:n])
			time.Sleep(50 * time.Millisecond)
			return
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestPlannerKnowsOfMassLoads: plans of queries follow a load within seconds, not when autovacuum comes round.
func TestPlannerKnowsOfMassLoads(t *testing.T) {
	db := sqldbtest.OpenURL(t, sqldbtest.Postgres(t))
	err := db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO counters (name, n) SELECT 'load' || i, 1 FROM generate_series(1, 20000) AS i")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const limit = 15 * time.Second
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		var rows int64
		err := db.Read(t.Context(), func(tx *sqldb.Tx) (err error) {
			rows, err = sqldb.One(t.Context(), tx, sqldb.ScanInt, "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = CAST('counters' AS regclass)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows >= 20000 {
			return
		}
		if time.Since(begun) > limit {
			t.Fatalf("%v after the load the planner knows of %d rows, want 20000", limit, rows)
		}
	}
}
