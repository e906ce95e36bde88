package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
)

const (
	// maxManifest bounds the manifest; ours are some 300 bytes.
	maxManifest = 64 << 10
	// maxRatio is how many bytes may come out of each byte of the archive, beyond a first stretch: databases of
	// text shrink to a third or a tenth, and what shrinks to less than a hundredth was made to fill a disk.
	maxRatio, freeBytes = 100, 64 << 20
	// stagingPrefix begins the names of folders in which a restore is under way.
	stagingPrefix = ".restore-"
)

// Restored says what a restore has put in place.
type Restored struct {
	Manifest Manifest
	authority.Revived
}

// Restore puts a backup into an empty data directory, which it makes where there is none. Nothing in the directory is
// usable before all of it is: what is interrupted can be begun again. Sessions and sign-in links of the backup are dead
// then, and tokens too if revoke says so; every index begins again.
func Restore(ctx context.Context, cfg Config, from string, revoke bool, report func(done, total int64)) (done Restored, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Database != "" {
		return done, errors.New("a backup is restored into a data directory with a database of its own; PostgreSQL is restored with its own tools")
	}
	file, err := os.Open(from)
	if err != nil {
		return done, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return done, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := own(cfg.Data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	if err := empty(cfg.Data); err != nil {
		return done, err
	}
	staging, err := os.MkdirTemp(cfg.Data, stagingPrefix)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	staged := filepath.Join(staging, databaseFile)
	if done.Manifest, err = unpack(ctx, file, staged, report); err != nil {
		return done, fmt.Errorf("%s: %w", from, err)
	}
	cfg.Data, cfg.Database = staging, ""
	if done.Revived, err = settle(ctx, cfg, done.Manifest, filepath.Base(from), revoke); err != nil {
		return done, fmt.Errorf("%s: %w", from, err)
	}
	return done, publishDatabase(staged, filepath.Dir(staging))
}

// empty refuses a directory that holds anything but the lock and what an interrupted restore has left, which it removes.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Name() == lockFileName:
		case e.IsDir() && strings.HasPrefix(e.Name(), stagingPrefix):
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is not empty (it holds %s); a backup is restored into a directory of its own, and what was there before stays as it is", dir, e.Name())
		}
	}
	return nil
}

// publishDatabase moves a finished database into the data directory, as the one step that makes the restore real.
func publishDatabase(staged, data string) error {
	for _, suffix := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(staged + suffix); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the restored database was not closed cleanly: %s is there", databaseFile+suffix)
		}
		if _, err := os.Lstat(filepath.Join(data, databaseFile+suffix)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("another program has made a database in %s meanwhile", data)
		}
	}
	return publish(staged, filepath.Join(data, databaseFile))
}

// settle opens the database of a backup, checks it whole, and makes it safe to serve.
func settle(ctx context.Context, cfg Config, m Manifest, from string, revoke bool) (done authority.Revived, err error) {
	core, err := OpenCore(ctx, cfg)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	damage, err := core.DB.Damage(ctx, fewNames)
	if err != nil {
		return done, fmt.Errorf("the database in the backup is damaged, or cannot be checked: %w", err)
	}
	if len(damage) > 0 {
		return done, fmt.Errorf("the database in the backup is damaged: %s", strings.Join(damage, "; "))
	}
	documents, err := corpus.Open(ctx, core.DB, core.People, corpus.Config{})
	if err != nil {
		return done, err
	}
	host := core.Authority.Maintenance()
	if err := documents.Renew(ctx, host); err != nil {
		return done, err
	}
	taken := time.Unix(m.Taken, 0).UTC().Format(time.RFC3339)
	return core.Authority.Revive(ctx, host, revoke, "from "+from+", taken "+taken)
}

// unpack reads an archive and puts its database into a new file at path. Names in the archive are compared and never
// used. It trusts nothing that the archive says of itself.
func unpack(ctx context.Context, from io.Reader, path string, report func(done, total int64)) (m Manifest, err error) {
	compressed := int64(0)
	zip, err := gzip.NewReader(watched{ctx, from, func(n int64) { compressed += n }})
	if err != nil {
		return m, notBackup(err)
	}
	zip.Multistream(false)
	archive := tar.NewReader(zip)
	if m, err = readManifest(archive); err != nil {
		return m, err
	}
	header, err := nextEntry(archive, databaseEntry)
	if err != nil {
		return m, err
	}
	if header.Size != m.Bytes {
		return m, fmt.Errorf("not a whole backup: its %s has %d bytes, and its manifest says %d", databaseEntry, header.Size, m.Bytes)
	}
	done := int64(0)
	limit := func(n int64) { done += n; report(done, m.Bytes) }
	bounded := &inflated{archive, &compressed, 0}
	if err := receive(path, watched{ctx, bounded, limit}, m); err != nil {
		return m, err
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return m, errors.New("not a backup of sheaf: it holds more than a manifest and a database")
	}
	if rest, err := io.Copy(io.Discard, io.LimitReader(zip, maxManifest)); err != nil || rest == maxManifest {
		return m, notBackup(err) // the end holds the checksum of what came before
	}
	return m, nil
}

// receive writes the database of a backup to a new file and checks its sum.
func receive(path string, from io.Reader, m Manifest) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	var magic [len(sqliteMagic)]byte
	if _, err := io.ReadFull(from, magic[:]); err != nil || string(magic[:]) != sqliteMagic {
		return notBackup(err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), io.MultiReader(bytes.NewReader(magic[:]), from))
	if err != nil {
		return notBackup(err)
	}
	if n != m.Bytes || hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return errors.New("the backup is damaged: its database is not the one that its manifest describes")
	}
	return out.Sync()
}

// sqliteMagic is how a SQLite file begins (its file format, section 1.3.1).
const sqliteMagic = "SQLite format 3\x00"

func readManifest(archive *tar.Reader) (m Manifest, err error) {
	header, err := nextEntry(archive, manifestEntry)
	if err != nil {
		return m, err
	}
	if header.Size > maxManifest {
		return m, errors.New("not a backup of sheaf: its manifest is too large")
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return m, notBackup(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("not a backup of sheaf: its manifest cannot be read: %w", err)
	}
	switch {
	case m.Format > backupFormat:
		return m, fmt.Errorf("the backup has format %d, and this sheaf knows formats to %d: restore it with sheaf %.40q or newer", m.Format, backupFormat, m.Sheaf)
	case m.Format < 1 || m.Bytes < 1 || len(m.SHA256) != 2*sha256.Size:
		return m, errors.New("not a backup of sheaf: its manifest is incomplete")
	}
	return m, nil
}

// nextEntry returns the header of the next entry, which must be a file of that name.
func nextEntry(archive *tar.Reader, name string) (*tar.Header, error) {
	header, err := archive.Next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not a whole backup: it has no %s", name)
	}
	if err != nil {
		return nil, notBackup(err)
	}
	if header.Name != name || header.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("not a backup of sheaf: it holds %.80q where a plain file %s was expected", header.Name, name)
	}
	return header, nil
}

// notBackup says that an archive cannot be read to its end.
func notBackup(err error) error {
	switch {
	case errors.Is(err, errBomb), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the backup is cut off: the file is not whole")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("the backup is damaged: its checksum does not fit")
	case err == nil:
		return errors.New("not a backup of sheaf: there is no database in it")
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err // the disk, not the archive
	}
	return fmt.Errorf("not a backup of sheaf, or a damaged one: %w", err)
}

var errBomb = fmt.Errorf("the file unpacks to more than %d times its size; no backup of sheaf does, so it was not unpacked further", maxRatio)

// inflated stops reading where far more comes out of an archive than went in.
type inflated struct {
	r    io.Reader
	in   *int64
	read int64
}

func (f *inflated) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if f.read += int64(n); f.read > freeBytes+maxRatio**f.in {
		return n, errBomb
	}
	return n, err
}
