package sqldbtest

import (
	"context"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Run states what package sqldb owes on every engine. fresh returns the URL of a new database.
func Run(t *testing.T, fresh func(testing.TB) string) {
	for _, c := range []struct {
		name string
		test func(*testing.T, func(testing.TB) string)
	}{
		{"Snapshots", snapshots},
		{"ReadOnly", readOnly},
		{"LongRead", longRead},
		{"ManyReaders", manyReaders},
		{"Each", each},
		{"GroupCommit", groupCommit},
		{"FailingFunctions", failingFunctions},
		{"FailedStatement", failedStatement},
		{"LaneOrder", laneOrder},
		{"SecurityUnderLoad", securityUnderLoad},
		{"SecurityCommitsFirst", securityCommitsFirst},
		{"BulkIsNotStarved", bulkIsNotStarved},
		{"Cancellation", cancellation},
		{"Goexit", goexit},
		{"OnCommit", onCommit},
		{"Closing", closing},
		{"SlowAndFastWriter", slowAndFastWriter},
		{"CounterOfFailedWrite", counterOfFailedWrite},
		{"LostUpdates", lostUpdates},
		{"Versions", versionsAcross},
		{"VersionOfFailedWrite", versionOfFailedWrite},
		{"Errors", errorKinds},
		{"BadText", badText},
		{"ByteOrder", byteOrder},
		{"Values", values},
		{"Lists", lists},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh) })
	}
}

// patience is how long a test waits for what must happen, on a machine that is busy with others.
const patience = 20 * time.Second

// opened returns a new database with the table of the suite.
func opened(t *testing.T, fresh func(testing.TB) string) *sqldb.DB {
	t.Helper()
	db := OpenURL(t, fresh(t))
	table(t, db)
	return db
}

// pair returns two handles on one new database, as two processes would have them.
func pair(t *testing.T, fresh func(testing.TB) string) (a, b *sqldb.DB) {
	t.Helper()
	url := fresh(t)
	a, b = OpenURL(t, url), OpenURL(t, url)
	table(t, a)
	return a, b
}

func table(t *testing.T, db *sqldb.DB) {
	t.Helper()
	text := "TEXT"
	if db.Engine() == sqldb.PostgreSQL {
		text = `TEXT COLLATE "C"`
	}
	write(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `CREATE TABLE items (k `+text+` PRIMARY KEY, n BIGINT, flag BOOLEAN, part DOUBLE PRECISION, note TEXT)`)
		return err
	})
}

func write(t testing.TB, db *sqldb.DB, fn func(context.Context, *sqldb.Tx) error) {
	t.Helper()
	ctx := t.Context()
	if err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatalf("Write() = %v", err)
	}
}

func read(t testing.TB, db *sqldb.DB, fn func(context.Context, *sqldb.Tx) error) {
	t.Helper()
	ctx := t.Context()
	if err := db.Read(ctx, func(tx *sqldb.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatalf("Read() = %v", err)
	}
}

// put returns a write that adds an item.
func put(ctx context.Context, k string) func(*sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO items (k, n) VALUES ($1, 0)", k)
		return err
	}
}

// keys lists the items in their order.
func keys(t testing.TB, db *sqldb.DB) (list []string) {
	t.Helper()
	read(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT k FROM items ORDER BY k")
		return err
	})
	return list
}

// count is how many items a transaction sees.
func count(ctx context.Context, tx *sqldb.Tx) (int64, error) {
	return sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT count(*) FROM items")
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
		time.Sleep(time.Millisecond)
	}
}

// wantKind fails the test unless err is of kind want.
func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s = %v, want an error of kind %v", what, err, want)
	}
}

// occupied has the writer of db wait inside a function until release is called, so that a test can
// queue what shall run together.
func occupied(t *testing.T, db *sqldb.DB) (release func()) {
	t.Helper()
	in, out, end := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		end <- db.Write(context.Background(), sqldb.Security, func(*sqldb.Tx) error {
			close(in)
			<-out
			return nil
		})
	}()
	<-in
	return func() {
		t.Helper()
		close(out)
		if err := <-end; err != nil {
			t.Errorf("Write() = %v, want nil", err)
		}
	}
}

// queue starts a write and returns once it waits for its turn.
func queue(t *testing.T, ctx context.Context, db *sqldb.DB, lane sqldb.Lane, fn func(*sqldb.Tx) error) <-chan error {
	t.Helper()
	before := db.Stats().Waiting
	end := make(chan error, 1)
	go func() { end <- db.Write(ctx, lane, fn) }()
	eventually(t, "a write is queued", func() bool { return db.Stats().Waiting > before })
	return end
}
