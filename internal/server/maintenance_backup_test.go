package server_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

func nothing(int64, int64) {}

// backup makes a backup the way the command does: as another process beside the server.
func backup(t *testing.T, cfg server.Config, to string) server.Manifest {
	t.Helper()
	core, err := server.OpenCore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	m, err := core.Backup(t.Context(), to, "test", nothing)
	if err = errors.Join(err, core.Close()); err != nil {
		t.Fatalf("Backup = %v", err)
	}
	return m
}

func restore(t *testing.T, data, from string, revoke bool) server.Restored {
	t.Helper()
	done, err := server.Restore(t.Context(), server.Config{Data: data, NoSync: true, AuditRetention: -1}, from, revoke, nothing)
	if err != nil {
		t.Fatalf("Restore = %v", err)
	}
	return done
}

// foundBy lists what a person finds.
func foundBy(t *testing.T, s *sheaftest.Server, token, query string) (list []string) {
	t.Helper()
	var found struct {
		Results []struct {
			Document struct {
				ID string `json:"id"`
			} `json:"document"`
		} `json:"results"`
	}
	s.Must("POST", "/rest/api/v1/search", token, map[string]any{"query": query, "pageSize": 100}).Decode(&found)
	for _, r := range found.Results {
		list = append(list, r.Document.ID)
	}
	return list
}

func TestBackupAndRestore(t *testing.T) {
	s, cfg := company(t)
	host := s.Authority.Maintenance()
	ctx := t.Context()
	reader := s.Company.People[0].Email
	kept, keptSecret := s.Token(authority.User, reader)
	dead, _ := s.Token(authority.Global, "")
	if err := s.Authority.RevokeToken(ctx, host, dead.ID); err != nil {
		t.Fatal(err)
	}
	indexing, _, err := s.Authority.CreateIndexingToken(ctx, host, authority.NewIndexingToken{Description: "connector", Expires: kept.Created.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	person, err := s.People.ByEmail(ctx, s.Company.Admin)
	if err != nil {
		t.Fatal(err)
	}
	_, cookie, err := s.Authority.Begin(httptest.NewRequestWithContext(ctx, http.MethodPost, "/signin", nil), person, "test")
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.Authority.CreateLink(ctx, host, reader)
	if err != nil {
		t.Fatal(err)
	}
	before := foundBy(t, s, keptSecret, "sensor")
	if len(before) == 0 {
		t.Fatal("the reader finds nothing to compare")
	}

	file := filepath.Join(t.TempDir(), "sheaf.tar.gz")
	m := backup(t, cfg, file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v; want a file for its owner alone", info.Mode(), err)
	}

	// What happens after the backup is undone by the restore.
	if err := s.Authority.RevokeToken(ctx, host, kept.ID); err != nil {
		t.Fatal(err)
	}
	ref, _ := corpus.ParseKey(before[0])
	connector := grant.Mint(&grant.Facts{Kind: grant.Indexing})
	if err := s.Corpus.Delete(ctx, connector, ref, 0); err != nil {
		t.Fatalf("delete %q: %v", before[0], err)
	}

	data := filepath.Join(t.TempDir(), "restored")
	done := restore(t, data, file, false)
	if done.Manifest != m {
		t.Errorf("Restore read the manifest %+v, Backup wrote %+v", done.Manifest, m)
	}
	if done.Sessions != 1 || done.Links < 1 {
		t.Errorf("Restore ended %d sessions and %d links, want 1 and at least 1", done.Sessions, done.Links)
	}
	var names []string
	for _, tok := range done.Tokens {
		names = append(names, tok.ID)
	}
	if diff := cmp.Diff([]string{kept.ID}, names); diff != "" {
		t.Errorf("tokens that came back to life (-want +got):\n%s", diff)
	}
	if len(done.Indexing) != 1 || done.Indexing[0].ID != indexing.ID || done.Indexing[0].Mask == "" {
		t.Errorf("indexing tokens that came back to life = %+v, want %s", done.Indexing, indexing.ID)
	}

	r := sheaftest.Open(t, func(c *server.Config) { c.Data, c.Database = data, "" })
	r.CatchUp()
	if diff := cmp.Diff(before, foundBy(t, r, keptSecret, "sensor")); diff != "" {
		t.Errorf("what the reader finds after the restore (-before +after):\n%s", diff)
	}
	old := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	old.AddCookie(cookie)
	if _, err := r.Authority.SessionFrom(old); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a session of before = %v, want dead", err)
	}
	post := httptest.NewRequestWithContext(ctx, http.MethodPost, "/signin", nil)
	if _, _, err := r.Authority.SignIn(post, link.Code.Reveal()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a sign-in link of before = %v, want dead", err)
	}
	head, err := r.Corpus.Head(ctx, host)
	if err != nil || head.Incarnation == m.Incarnation || m.Incarnation == "" {
		t.Errorf("the queue has incarnation %q after the restore, %v; want another than %q", head.Incarnation, err, m.Incarnation)
	}
	if _, err := r.Corpus.Changes(ctx, host, m.Incarnation, head.Position, 1); !errors.Is(err, corpus.ErrGone) {
		t.Errorf("an index of before that follows the queue is told %v, want ErrGone", err)
	}
	page, err := r.Audit.List(ctx, audit.Filter{Action: "database.restore"})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Actor != audit.Host {
		t.Errorf("the audit log says %+v, %v of the restore, want one entry of the host", page.Entries, err)
	}
	checkPasses(t, server.Config{Data: data, NoSync: true, AuditRetention: -1})
}

func TestRestoreRevokesTokens(t *testing.T) {
	s, cfg := company(t)
	_, secret := s.Token(authority.User, s.Company.People[0].Email)
	connector := s.Indexing()
	file := filepath.Join(t.TempDir(), "sheaf.tar.gz")
	backup(t, cfg, file)
	data := filepath.Join(t.TempDir(), "restored")
	if done := restore(t, data, file, true); !done.Revoked || len(done.Tokens) != 1 || len(done.Indexing) != 1 || done.Tokens[0].State != authority.Active {
		t.Errorf("Restore with revoke-tokens = %+v, want both named as they were", done.Revived)
	}
	r := sheaftest.Open(t, func(c *server.Config) { c.Data, c.Database = data, "" })
	if a := r.Do("POST", "/rest/api/v1/search", secret, map[string]any{"query": "x"}); a.Status != http.StatusUnauthorized {
		t.Errorf("a search with a revoked token = %d, want 401", a.Status)
	}
	if a := r.Do("POST", "/api/index/v1/indexdocument", connector, `{}`); a.Status != http.StatusUnauthorized {
		t.Errorf("indexing with a revoked token = %d, want 401", a.Status)
	}
	list, err := r.Authority.Tokens(t.Context(), r.Authority.Maintenance())
	if err != nil || len(list) != 1 || list[0].State != authority.Revoked || list[0].RevokedBy.ID != audit.Host {
		t.Errorf("tokens after the restore = %+v, %v; want one, revoked by the host", list, err)
	}
}

func TestBackupNeverWritesOver(t *testing.T) {
	s := sheaftest.Open(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "there.tar.gz")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(t.Context(), file, "test", nothing); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("Backup over a file = %v, want words about it", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Backup(ctx, filepath.Join(dir, "cut.tar.gz"), "test", func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("Backup that is interrupted = %v, want context.Canceled", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v; want the one file of before", left, err)
	}
}

// entry is one entry of a made-up archive.
type entry struct {
	name string
	kind byte
	body []byte
}

func file(name string, body []byte) entry { return entry{name, tar.TypeReg, body} }

// archive packs entries.
func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o600, Size: int64(len(e.body))}
		if e.kind != tar.TypeReg {
			h.Linkname, h.Size, e.body = "/etc/passwd", 0, nil
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// manifest is the entry that describes a database, after a change.
func manifest(t *testing.T, database []byte, change func(*server.Manifest)) entry {
	t.Helper()
	sum := sha256.Sum256(database)
	m := server.Manifest{Format: 1, Sheaf: "test", Schema: 1, Taken: 1, Incarnation: "x", Bytes: int64(len(database)), SHA256: hex.EncodeToString(sum[:])}
	change(&m)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return file("manifest.json", text)
}

// copyOf is the database of a server as a file, after something was done to it.
func copyOf(t *testing.T, s *sheaftest.Server, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := s.DB.Snapshot(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if len(statements) > 0 {
		db, err := sqldb.Open(t.Context(), sqldb.Config{URL: path, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			err := db.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	s := sheaftest.Open(t)
	good := copyOf(t, s)
	asIs := func(*server.Manifest) {}
	fits := manifest(t, good, asIs)
	whole := archive(t, fits, file("sheaf.db", good))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x10
	newer := copyOf(t, s, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, true)")
	torn := bytes.Clone(good)
	for i := 4096; i < len(torn); i += 4096 {
		copy(torn[i:], "not a page of any tree")
	}
	// The last page is a leaf of a table that nothing reads at the start.
	hollow := copyOf(t, s, "CREATE TABLE ballast (text TEXT)", "INSERT INTO ballast VALUES (hex(zeroblob(1800))), (hex(zeroblob(1800))), (hex(zeroblob(1800)))")
	clear(hollow[len(hollow)-4096:])
	zeros := append([]byte("SQLite format 3\x00"), make([]byte, 160<<20)...)

	cases := []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"an empty file", nil, "cut off"},
		{"text", []byte("nightly backup, see attachment"), "not a backup of sheaf"},
		{"cut in the manifest", whole[:100], "cut off"},
		{"cut in the database", whole[:len(whole)/2], "cut off"},
		{"cut in the checksum", whole[:len(whole)-3], "cut off"},
		{"a flipped bit", flipped, "damaged"},
		{"no manifest", archive(t, file("sheaf.db", good)), "where a plain file manifest.json was expected"},
		{"no database", archive(t, fits), "it has no sheaf.db"},
		{"a path out of the directory", archive(t, fits, file("../../sheaf.db", good)), "where a plain file sheaf.db was expected"},
		{"an absolute path", archive(t, fits, file("/tmp/sheaf.db", good)), "where a plain file sheaf.db was expected"},
		{"a symbolic link", archive(t, fits, entry{"sheaf.db", tar.TypeSymlink, nil}), "where a plain file sheaf.db was expected"},
		{"a hard link", archive(t, fits, entry{"sheaf.db", tar.TypeLink, nil}), "where a plain file sheaf.db was expected"},
		{"a device", archive(t, fits, entry{"sheaf.db", tar.TypeChar, nil}), "where a plain file sheaf.db was expected"},
		{"one entry more", archive(t, fits, file("sheaf.db", good), file("run.sh", []byte("rm"))), "more than a manifest and a database"},
		{"a huge manifest", archive(t, file("manifest.json", make([]byte, 1<<20))), "manifest is too large"},
		{"a manifest that is no JSON", archive(t, file("manifest.json", []byte("{]"))), "manifest cannot be read"},
		{"an empty manifest", archive(t, file("manifest.json", []byte("{}"))), "manifest is incomplete"},
		{"a newer format", archive(t, manifest(t, good, func(m *server.Manifest) { m.Format, m.Sheaf = 2, "9.1.0" })), `restore it with sheaf "9.1.0" or newer`},
		{"another size", archive(t, manifest(t, good, func(m *server.Manifest) { m.Bytes++ }), file("sheaf.db", good)), "its manifest says"},
		{"another sum", archive(t, manifest(t, good, func(m *server.Manifest) { m.SHA256 = strings.Repeat("0", 64) }), file("sheaf.db", good)), "damaged"},
		{"no SQLite file", archive(t, manifest(t, []byte(strings.Repeat("x", 9000)), asIs), file("sheaf.db", []byte(strings.Repeat("x", 9000)))), "no database in it"},
		{"a newer schema", archive(t, manifest(t, newer, asIs), file("sheaf.db", newer)), "run the newer sheaf that made it"},
		{"a torn database", archive(t, manifest(t, torn, asIs), file("sheaf.db", torn)), "malformed"},
		{"a database with an empty page", archive(t, manifest(t, hollow, asIs), file("sheaf.db", hollow)), "the database in the backup is damaged"},
		{"a bomb", archive(t, manifest(t, zeros, asIs), file("sheaf.db", zeros)), "no backup of sheaf does"},
	}
	data := filepath.Join(t.TempDir(), "data")
	for _, c := range cases {
		from := filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(from, c.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := server.Restore(t.Context(), server.Config{Data: data, NoSync: true}, from, false, nothing)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Restore = %v, want %q in it", c.name, err, c.want)
		}
		left, err := os.ReadDir(data)
		if err != nil || len(left) != 1 || left[0].Name() != "owner.lock" {
			t.Fatalf("%s: the data directory holds %v, %v; want the lock alone", c.name, left, err)
		}
	}
	// After all that, the good one still goes in.
	from := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(from, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	restore(t, data, from, false)
}

func TestRestoreKeepsWhatIsThere(t *testing.T) {
	_, cfg := company(t)
	from := filepath.Join(t.TempDir(), "backup")
	backup(t, cfg, from)
	try := func(data string) error {
		_, err := server.Restore(t.Context(), server.Config{Data: data, NoSync: true}, from, false, nothing)
		return err
	}
	if err := try(cfg.Data); err == nil || !strings.Contains(err.Error(), "another sheaf serves") {
		t.Errorf("Restore into a directory that is served = %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := try(full); err == nil || !strings.Contains(err.Error(), "it holds notes.txt") {
		t.Errorf("Restore into a directory with a file = %v", err)
	}
	// A restore that was killed leaves its folder, which the next one clears away.
	killed := t.TempDir()
	left := filepath.Join(killed, ".restore-123", "sheaf.db")
	if err := errors.Join(os.Mkdir(filepath.Dir(left), 0o700), os.WriteFile(left, []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := try(killed); err != nil {
		t.Errorf("Restore after one that was killed = %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(killed, ".restore-*")); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
	// One that is interrupted leaves nothing to serve.
	cut := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := server.Restore(ctx, server.Config{Data: cut, NoSync: true}, from, false, func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Restore that is interrupted = %v, want context.Canceled", err)
	}
	if err := try(cut); err != nil {
		t.Errorf("Restore after one that was interrupted = %v", err)
	}
}

func TestBackupsAreWhole(t *testing.T) {
	s := sheaftest.Open(t)
	path := filepath.Join(t.TempDir(), "backup")
	m, err := s.Backup(t.Context(), path, "1.2.3", nothing)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "sheaf.db" && h.Size != m.Bytes {
			t.Errorf("the database has %d bytes, the manifest says %d", h.Size, m.Bytes)
		}
	}
	if diff := cmp.Diff([]string{"manifest.json", "sheaf.db"}, names); diff != "" {
		t.Errorf("a backup holds (-want +got):\n%s", diff)
	}
	if m.Sheaf != "1.2.3" || m.Schema < 50 {
		t.Errorf("manifest = %+v", m)
	}
}
