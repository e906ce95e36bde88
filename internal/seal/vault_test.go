package seal_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/seal"
)

const (
	master = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	second = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func vault(t *testing.T, key, path string) *seal.Vault {
	t.Helper()
	v, err := seal.OpenVault(key, path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	v := vault(t, master, "")
	sealed, err := v.Seal("okta", "hush")
	if err != nil || strings.Contains(sealed, "hush") {
		t.Fatalf("Seal = %q, %v", sealed, err)
	}
	again, _ := v.Seal("okta", "hush")
	if again == sealed {
		t.Error("one secret is sealed twice to the same text")
	}
	if got, err := vault(t, strings.TrimRight(master, "="), "").Open("okta", sealed); got != "hush" || err != nil {
		t.Errorf("Open = %q, %v, want hush", got, err)
	}
	for name, try := range map[string]struct{ key, binding, text string }{
		"another binding": {master, "google", sealed}, "another key": {second, "okta", sealed}, "a changed text": {master, "okta", sealed[:len(sealed)-3] + "AAA"},
		"a cut text": {master, "okta", sealed[:20]}, "no text": {master, "okta", ""}, "another form": {master, "okta", "v9" + sealed[2:]},
	} {
		if got, err := vault(t, try.key, "").Open(try.binding, try.text); err == nil {
			t.Errorf("%s: Open = %q, want an error", name, got)
		}
	}
	for _, bad := range []string{"hush", "AAAA", master + "AA"} {
		if _, err := seal.OpenVault(bad, ""); err == nil {
			t.Errorf("OpenVault(%q) is accepted", bad)
		}
	}
	if _, err := vault(t, "", "").Seal("x", "y"); fault.KindOf(err) != fault.Unprocessable {
		t.Errorf("Seal without a key = %v", err)
	}
}

func TestVaultInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := vault(t, "", path).Open("x", "v1.00000000."+strings.Repeat("A", 100)); err == nil {
		t.Error("Open without a key is accepted")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is made before a secret is sealed")
	}
	var all sync.WaitGroup
	texts := make([]string, 8)
	for i := range texts { // as processes that start at once
		v := vault(t, "", path)
		all.Go(func() { texts[i], _ = v.Seal("okta", "hush") })
	}
	all.Wait()
	for _, text := range texts {
		if got, err := vault(t, "", path).Open("okta", text); got != "hush" || err != nil {
			t.Errorf("Open = %q, %v, want hush", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenVault("", path); err == nil {
		t.Error("a key that others can read is accepted")
	}
}
