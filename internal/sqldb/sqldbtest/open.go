// Package sqldbtest gives tests a database of their own, and states what each engine owes.
//
// Open is for tests that need some database: a fresh SQLite file, migrated, within a few
// milliseconds. Both is for tests of SQL that must mean the same on both engines. Run is the
// conformance suite of package sqldb. Only tests import this package.
package sqldbtest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Environment names the variable that holds the URL of a PostgreSQL server on which tests may
// create and drop schemas.
const Environment = "SHEAF_TEST_POSTGRES"

// template makes a migrated database once in each test binary.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "sqldbtest-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "template.db")
	db, err := sqldb.Open(context.Background(), sqldb.Config{URL: path, NoSync: true})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // the last close empties the log into the file
		return nil, err
	}
	return os.ReadFile(path)
})

// Open returns a new SQLite database with the current schema. It is closed when the test ends.
func Open(t testing.TB) *sqldb.DB {
	t.Helper()
	return OpenURL(t, File(t))
}

// File returns the path of a new SQLite database with the current schema, for tests that open it
// several times.
func File(t testing.TB) string {
	t.Helper()
	image, err := template()
	if err != nil {
		t.Fatalf("make a database: %v", err)
	}
	path := filepath.Join(t.TempDir(), "sheaf.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// OpenURL opens the database at url, SQLite or PostgreSQL, without waiting for the disk. It is
// closed when the test ends.
func OpenURL(t testing.TB, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{URL: url, NoSync: true})
	if err != nil {
		t.Fatalf("Open(%q) = %v", redacted(url), err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return db
}

func redacted(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return text
}

// Postgres returns the URL of a new, empty schema on the PostgreSQL server that the environment
// names, and drops it when the test ends. Without a server it skips the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Environment)
	if server == "" {
		t.Skipf("%s names no PostgreSQL server", Environment)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is no URL", Environment)
	}
	schema := "t_" + strings.ReplaceAll(sqldb.NewID(), "-", "")
	admin(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { admin(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Both runs test on a new database of each engine, PostgreSQL where there is a server.
func Both(t *testing.T, test func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, Open(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, OpenURL(t, Postgres(t))) })
}

// admin runs one statement on the server, outside any schema.
func admin(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.Background() // the test's own has ended when it cleans up
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("connect to %s: %v", Environment, err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
