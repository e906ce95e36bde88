package server

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// A backup is a gzipped tar of two entries, in this order.
const (
	manifestEntry = "manifest.json"
	databaseEntry = databaseFile
)

// backupFormat is the version of that arrangement.
const backupFormat = 1

// Manifest is the first entry of a backup: what it holds.
type Manifest struct {
	Format      int    `json:"format"`
	Sheaf       string `json:"sheaf"`       // the version of sheaf that made it
	Schema      int64  `json:"schema"`      // of the database
	Taken       int64  `json:"taken"`       // Unix seconds
	Incarnation string `json:"incarnation"` // of the change queue; empty before the first start of a server
	Bytes       int64  `json:"bytes"`       // of the database
	SHA256      string `json:"sha256"`      // of the database, in hex
}

// Backup writes everything that a data directory holds and an index cannot be built from again into a new file, beside
// a running server too. It never writes over a file, and the file is there under its name only once it is whole and on
// the disk. It reports bytes of the database written. What is said in version is kept in the manifest.
func (c *Core) Backup(ctx context.Context, to, version string, report func(done, total int64)) (m Manifest, err error) {
	if c.DB.Engine() != sqldb.SQLite {
		return m, errors.New("this database is PostgreSQL, which brings its own backup: pg_dump for a copy, or base backups with the write-ahead log for any moment")
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return m, exists(to, err)
	}
	// Beside the target, so that the last step is a rename on one file system.
	temp, err := os.MkdirTemp(filepath.Dir(to), ".sheaf-backup-")
	if err != nil {
		return m, fmt.Errorf("make room for the backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	copied := filepath.Join(temp, databaseEntry)
	if err := c.DB.Snapshot(ctx, copied); err != nil {
		return m, err
	}
	if m, err = describeCopy(ctx, copied, version); err != nil {
		return m, err
	}
	archive := filepath.Join(temp, "archive")
	if err := writeArchive(ctx, archive, copied, m, report); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	if err := publish(archive, to); err != nil {
		return m, err
	}
	entry := audit.By(c.Authority.Maintenance())
	entry.Action, entry.Subject = "database.backup", filepath.Base(to)
	entry.Detail = fmt.Sprintf("%d bytes, schema %d", m.Bytes, m.Schema)
	return m, c.Audit.Record(ctx, entry)
}

func exists(path string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s exists already; a backup never writes over a file", path)
}

// describeCopy makes the manifest of a copy from what is in the copy, so that both are of one moment.
func describeCopy(ctx context.Context, path, version string) (m Manifest, err error) {
	m = Manifest{Format: backupFormat, Sheaf: version, Taken: time.Now().Unix()}
	db, err := sqldb.Open(ctx, sqldb.Config{URL: path, NoSync: true, Readers: 1})
	if err != nil {
		return m, err
	}
	m.Schema, err = db.Schema(ctx)
	if err == nil {
		err = db.Read(ctx, func(tx *sqldb.Tx) error {
			m.Incarnation, err = sqldb.One(ctx, tx, sqldb.ScanText, "SELECT COALESCE((SELECT incarnation FROM queue WHERE one = 1), '')")
			return err
		})
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return m, fmt.Errorf("read the copy of the database: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if m.Bytes, err = io.Copy(sum, watched{ctx, f, func(int64) {}}); err != nil {
		return m, err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

// writeArchive writes a backup to a new file and has it on the disk when it returns.
func writeArchive(ctx context.Context, path, database string, m Manifest, report func(done, total int64)) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	in, err := os.Open(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	text, err := json.Marshal(m, jsontext.Multiline(true))
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(out)
	archive := tar.NewWriter(zip)
	header := tar.Header{Typeflag: tar.TypeReg, Mode: 0o600, ModTime: time.Unix(m.Taken, 0)}
	header.Name, header.Size = manifestEntry, int64(len(text))
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	if _, err := archive.Write(text); err != nil {
		return err
	}
	header.Name, header.Size = databaseEntry, m.Bytes
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	done := int64(0)
	if _, err := io.Copy(archive, watched{ctx, in, func(n int64) { done += n; report(done, m.Bytes) }}); err != nil {
		return err
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		return err
	}
	return out.Sync()
}

// publish gives a finished file its name, where no file has it.
func publish(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		err = os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return exists(to, nil)
	default: // a file system without hard links: between the look and the rename another could take the name
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return exists(to, err)
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// syncDir makes the names in a directory durable.
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

// watched is a reader that ends with its context and tells how much was read.
type watched struct {
	ctx  context.Context
	r    io.Reader
	tell func(n int64)
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	w.tell(int64(n))
	return n, err
}
