package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var files embed.FS

// embedded is the folder of this binary's migrations.
func embedded() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name is a constant, and valid
	}
	return sub
}

// migrator brings one database to the schema of this binary. The caller holds the lock that keeps
// other migrators away.
type migrator struct {
	engine Engine
	fsys   fs.FS
	db     *sql.DB
	log    *slog.Logger
	// backup copies a database that has a schema already. Nil where that is the operator's business.
	backup func(ctx context.Context, version int64) error
}

func (m migrator) run(ctx context.Context) error {
	known, err := m.known()
	if err != nil {
		return err
	}
	applied, err := m.applied(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	for _, v := range applied {
		if !slices.Contains(known, v) {
			return fmt.Errorf("the schema has version %d, which this sheaf does not know (it knows %d at most): "+
				"run the newer sheaf that made it, or restore the backup from before the upgrade", v, slices.Max(known))
		}
	}
	if len(applied) == len(known) {
		return nil
	}
	if len(applied) > 0 && m.backup != nil {
		if err := m.backup(ctx, slices.Max(applied)); err != nil {
			return fmt.Errorf("back up before changing the schema: %w", err)
		}
	}
	dialect := goose.DialectSQLite3
	if m.engine == PostgreSQL {
		dialect = goose.DialectPostgres
	}
	// Packages number their migrations in blocks of their own, so a later release may bring a number
	// below the highest one.
	p, err := goose.NewProvider(dialect, m.db, expandedFS{m.fsys, m.engine},
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	results, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("change the schema: %w", err)
	}
	m.log.Info("changed the schema", "engine", m.engine.String(), "steps", len(results), "version", slices.Max(known))
	return nil
}

// known lists the versions of this binary.
func (m migrator) known() ([]int64, error) {
	names, err := fs.Glob(m.fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	var list []int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil || v < 1 || slices.Contains(list, v) {
			return nil, fmt.Errorf("migration %s: its name must begin with a number of its own", name)
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, errors.New("there are no migrations")
	}
	return list, nil
}

// applied lists the versions that the database has.
func (m migrator) applied(ctx context.Context) ([]int64, error) {
	exists := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'"
	if m.engine == PostgreSQL {
		exists = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'"
	}
	var n int
	if err := m.db.QueryRowContext(ctx, exists).Scan(&n); err != nil || n == 0 {
		return nil, err
	}
	rows, err := m.db.QueryContext(ctx, "SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err, below, tells what went wrong
	var list []int64
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// expand replaces the macros of a migration:
//
//	{{text}}   text that is compared or ordered: byte by byte on both engines
//	{{bytes}}  bytes
func expand(e Engine, text string) string {
	if e == PostgreSQL {
		return strings.NewReplacer("{{text}}", `TEXT COLLATE "C"`, "{{bytes}}", "BYTEA").Replace(text)
	}
	return strings.NewReplacer("{{text}}", "TEXT", "{{bytes}}", "BLOB").Replace(text)
}

// expandedFS shows the migrations of one engine.
type expandedFS struct {
	fs.FS
	engine Engine
}

// Open opens a migration with its macros expanded.
func (f expandedFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &expandedFile{file, strings.NewReader(expand(f.engine, string(text)))}, nil
}

// ReadDir lists the folder as it is.
func (f expandedFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

type expandedFile struct {
	fs.File
	text *strings.Reader
}

// Read reads the expanded text.
func (f *expandedFile) Read(p []byte) (int, error) { return f.text.Read(p) }
