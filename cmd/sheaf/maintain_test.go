package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// madeData is a data directory with a Super Admin.
func madeData(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	must(t, new(any), "user", "add", "--data", data, "--email", "ada@example.com", "--role", "SUPER_ADMIN")
	return data
}

func TestBackupAndRestoreCommands(t *testing.T) {
	data, dir := madeData(t), t.TempDir()
	var token struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	must(t, &token, "token", "create", "--data", data, "--permission", "USER", "--user", "ada@example.com", "--scopes", "SEARCH", "--description", "nightly report")
	file := filepath.Join(dir, "sheaf.tar.gz")
	var written backupJSON
	must(t, &written, "backup", "--data", data, "--to", file)
	if written.File != file || written.Bytes == 0 || written.TakenAt == 0 {
		t.Errorf("backup prints %+v", written)
	}
	must(t, new(any), "token", "revoke", "--data", data, token.ID)

	var restored restoredJSON
	again := filepath.Join(dir, "again")
	must(t, &restored, "restore", "--data", again, "--from", file)
	if len(restored.Tokens) != 1 || restored.Tokens[0].ID != token.ID || restored.TokensRevoked || restored.TakenAt != written.TakenAt {
		t.Errorf("restore prints %+v, want the token %s", restored, token.ID)
	}
	code, words, errs := sheaf(t, "restore", "--data", filepath.Join(dir, "words"), "--from", file, "--revoke-tokens")
	if code != 0 {
		t.Fatalf("restore = %d %s", code, errs)
	}
	for _, want := range []string{token.ID, "nightly report", "USER ada@example.com", "Revoked"} {
		if !strings.Contains(words, want) {
			t.Errorf("restore says\n%s\nwant %q in it", words, want)
		}
	}
	if strings.Contains(words, token.Secret) {
		t.Error("restore prints a secret")
	}
	if code, _, errs := sheaf(t, "backup", "--data", data, "--to", file); code != exitFailed || !strings.Contains(errs, "exists already") {
		t.Errorf("backup over a file = %d %s", code, errs)
	}
	if code, _, errs := sheaf(t, "restore", "--data", data, "--from", file); code != exitFailed || !strings.Contains(errs, "is not empty") {
		t.Errorf("restore over data = %d %s", code, errs)
	}
}

func TestCheckAndReindexCommands(t *testing.T) {
	data := madeData(t)
	for _, command := range []string{"check", "reindex"} {
		var done jobJSON
		must(t, &done, command, "--data", data)
		if done.Kind != command || done.State != "done" || done.ID == "" || done.Message == "" {
			t.Errorf("%s prints %+v", command, done)
		}
	}
	core, err := server.OpenCore(t.Context(), server.Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	err = core.DB.Write(t.Context(), sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO addresses (address, person_id, held_from) VALUES ('ghost@example.com', 'nobody', 0)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, _ := sheaf(t, "check", "--data", data)
	if code != exitFailed || !strings.Contains(out, "ghost@example.com") {
		t.Errorf("check of what is broken = %d %s, want exit code 1 and what is wrong", code, out)
	}
	var failed jobJSON
	code, out, _ = sheaf(t, "check", "--data", data, "--json")
	if err := json.Unmarshal([]byte(out), &failed); err != nil || code != exitFailed || failed.State != "failed" {
		t.Errorf("check --json of what is broken = %d %s, %v", code, out, err)
	}
}

func TestMaintenanceUsage(t *testing.T) {
	for _, args := range [][]string{
		{"reindex"},
		{"check"},
		{"backup", "--data", "x"},
		{"backup", "--to", "x"},
		{"restore", "--data", "x"},
		{"restore", "--from", "x"},
		{"check", "--data", "x", "y"},
	} {
		if code, out, errs := sheaf(t, args...); code != exitUsage || out != "" || errs == "" {
			t.Errorf("sheaf %s = %d %q %q, want exit code 2 and words", strings.Join(args, " "), code, out, errs)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for _, args := range [][]string{
		{"reindex", "--data", missing},
		{"check", "--data", missing},
		{"backup", "--data", missing, "--to", missing + ".tar.gz"},
		{"restore", "--data", missing, "--from", missing + ".tar.gz"},
	} {
		if code, out, errs := sheaf(t, args...); code != exitFailed || errs == "" {
			t.Errorf("sheaf %s = %d %q %q, want exit code 1 and words", strings.Join(args, " "), code, out, errs)
		}
	}
	if left, _ := filepath.Glob(missing + "*"); len(left) > 0 {
		t.Errorf("commands on a directory that is not there made %v", left)
	}
}

// A command is not told how long the audit log is kept, so it must not remove anything from it.
func TestCommandsKeepTheAuditLog(t *testing.T) {
	data := madeData(t)
	core, err := server.OpenCore(t.Context(), server.Config{Data: data, AuditRetention: -1})
	if err != nil {
		t.Fatal(err)
	}
	old := audit.Entry{Action: "long.ago", At: time.Now().AddDate(-5, 0, 0)}
	if err := errors.Join(core.Audit.Record(t.Context(), old), core.Audit.Flush(t.Context()), core.Close()); err != nil {
		t.Fatal(err)
	}
	must(t, new(any), "token", "list", "--data", data)
	must(t, new(any), "check", "--data", data)
	must(t, new(any), "backup", "--data", data, "--to", filepath.Join(t.TempDir(), "backup"))
	if core, err = server.OpenCore(t.Context(), server.Config{Data: data, AuditRetention: -1}); err != nil {
		t.Fatal(err)
	}
	page, err := core.Audit.List(t.Context(), audit.Filter{Action: old.Action})
	if err = errors.Join(err, core.Close()); err != nil || len(page.Entries) != 1 {
		t.Errorf("the audit log has %d entries of five years ago, %v; want the one", len(page.Entries), err)
	}
}
