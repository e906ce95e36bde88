package sqldb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// steps makes a folder of migrations from names and statements.
func steps(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{"00001_sqldb.sql": {Data: []byte(`-- +goose Up
CREATE TABLE counters (name {{text}} PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE versions (name {{text}} PRIMARY KEY, n BIGINT NOT NULL);`)}}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + pairs[i+1])}
	}
	return fsys
}

func openSteps(t *testing.T, path string, fsys fstest.MapFS) (*DB, error) {
	t.Helper()
	db, err := Open(t.Context(), Config{URL: path, NoSync: true, migrations: fsys})
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

func mustOpen(t *testing.T, path string, fsys fstest.MapFS) *DB {
	t.Helper()
	db, err := openSteps(t, path, fsys)
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	return db
}

func names(t *testing.T, db *DB, query string) (list []string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *Tx) (err error) {
		list, err = All(t.Context(), tx, ScanText, query)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return list
}

func backups(t *testing.T, path string) []string {
	t.Helper()
	list, err := filepath.Glob(path + ".*.backup")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := mustOpen(t, path, steps("00020_more.sql", "CREATE TABLE more (k TEXT);")).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := openSteps(t, path, steps())
	if err == nil || !strings.Contains(err.Error(), "version 20") || !strings.Contains(err.Error(), "newer sheaf") {
		t.Errorf("Open() = %v, want a refusal that names version 20", err)
	}
	mustOpen(t, path, steps("00020_more.sql", "CREATE TABLE more (k TEXT);"))
}

func TestMigrationsOfALaterRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	old := steps("00020_b.sql", "CREATE TABLE b (k {{text}} NOT NULL); INSERT INTO b VALUES ('kept');")
	if err := mustOpen(t, path, old).Close(); err != nil {
		t.Fatal(err)
	}
	if got := backups(t, path); len(got) != 0 {
		t.Errorf("a new database was copied to %q", got)
	}
	// The later release brings a number below the highest one.
	newer := steps("00010_a.sql", "CREATE TABLE a (k TEXT);", "00020_b.sql", "", "00030_c.sql", "ALTER TABLE b ADD COLUMN c BIGINT;")
	db := mustOpen(t, path, newer)
	if diff := cmp.Diff([]string{"kept"}, names(t, db, "SELECT k FROM b WHERE c IS NULL")); diff != "" {
		t.Errorf("b (-want +got):\n%s", diff)
	}
	copies := backups(t, path)
	if len(copies) != 1 || !strings.Contains(copies[0], "schema-00020") {
		t.Fatalf("backups = %q, want one of schema 20", copies)
	}
	info, err := os.Stat(copies[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has mode %v, %v, want 0600", info.Mode(), err)
	}
	if diff := cmp.Diff([]string{"kept"}, names(t, mustOpen(t, copies[0], old), "SELECT k FROM b")); diff != "" {
		t.Errorf("b of the backup (-want +got):\n%s", diff)
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := mustOpen(t, path, steps()).Close(); err != nil {
		t.Fatal(err)
	}
	bad := steps("00010_a.sql", "CREATE TABLE a (k TEXT);\nINSERT INTO missing VALUES (1);")
	if _, err := openSteps(t, path, bad); err == nil || !strings.Contains(err.Error(), "version:10") {
		t.Errorf("Open() = %v, want an error that names the migration", err)
	}
	db := mustOpen(t, path, steps())
	if got := names(t, db, "SELECT name FROM sqlite_master WHERE name = 'a'"); len(got) != 0 {
		t.Errorf("tables = %q, want none of the failed migration", got)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	fsys := steps("00010_a.sql", "CREATE TABLE a (k {{text}} PRIMARY KEY);\nINSERT INTO a VALUES ('once');")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := Open(context.Background(), Config{URL: path, migrations: fsys})
			if err != nil {
				t.Errorf("Open() = %v", err)
				return
			}
			err = db.Write(context.Background(), Bulk, func(tx *Tx) error {
				_, err := tx.Next(context.Background(), "opened", 1)
				return err
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	db := mustOpen(t, path, fsys)
	if diff := cmp.Diff([]string{"8"}, names(t, db, "SELECT CAST(n AS TEXT) FROM counters")); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("This is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ url, want string }{
		{"", "no database is configured"},
		{text, "no SQLite file"},
		{filepath.Join(dir, "missing", "a.db"), "missing"},
		{dir, "directory"},
		{"postgres://user:secret@127.0.0.1:1/x?sslmode=disable&connect_timeout=2", "127.0.0.1"},
	} {
		db, err := Open(t.Context(), Config{URL: c.url})
		if err == nil {
			_ = db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, want an error with %q", c.url, err, c.want)
		}
	}
}

func TestFileOfStrangeName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41&mode=ro;é.db")
	db := mustOpen(t, path, steps())
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode = %v, want 0600", got)
	}
	copied := path + ".copy"
	if err := db.Snapshot(t.Context(), copied); err != nil {
		t.Fatalf("Snapshot() = %v", err)
	}
	mustOpen(t, copied, steps())
	if err := db.Snapshot(t.Context(), copied); err == nil {
		t.Error("Snapshot() wrote over an existing file")
	}
}

func TestMemory(t *testing.T) {
	a, b := mustOpen(t, Memory, steps()), mustOpen(t, Memory, steps())
	dir := a.back.(*sqliteFile).temp
	write := func(tx *Tx) error { _, err := tx.Next(t.Context(), "x", 1); return err }
	if err := a.Write(t.Context(), Bulk, write); err != nil {
		t.Fatal(err)
	}
	if got := names(t, b, "SELECT name FROM counters"); len(got) != 0 {
		t.Errorf("two databases in memory share %q", got)
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after Close the directory is still there: %v", err)
	}
}

func TestExpand(t *testing.T) {
	const text = "a {{text}} NOT NULL, b {{bytes}}, c TEXT"
	for e, want := range map[Engine]string{
		SQLite:     "a TEXT NOT NULL, b BLOB, c TEXT",
		PostgreSQL: `a TEXT COLLATE "C" NOT NULL, b BYTEA, c TEXT`,
	} {
		if got := expand(e, text); got != want {
			t.Errorf("expand(%v) = %q, want %q", e, got, want)
		}
	}
}
