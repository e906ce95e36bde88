package seal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// database is the address of a new database: SQLite, or PostgreSQL where the environment names a server.
func database(t testing.TB) string {
	t.Helper()
	if os.Getenv(sqldbtest.Environment) != "" {
		return sqldbtest.Postgres(t)
	}
	return sqldbtest.File(t)
}

func openBox(t testing.TB, db *sqldb.DB) *Box {
	t.Helper()
	b, err := Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newBox(t testing.TB) *Box { return openBox(t, sqldbtest.OpenURL(t, database(t))) }

func TestOpensForWhatItWasMadeForAndNothingElse(t *testing.T) {
	b, stranger := newBox(t), newBox(t)
	for _, v := range [][]byte{nil, {}, []byte("page 2"), bytes.Repeat([]byte{0}, 4096)} {
		text := b.Seal(Cursor, "USER:p1\x00query", v)
		if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(text) || len(text) > (overhead+len(v))*4/3+1 {
			t.Errorf("Seal = %q, want short URL-safe text", text)
		}
		if got, err := b.Open(Cursor, "USER:p1\x00query", text); err != nil || !bytes.Equal(got, v) {
			t.Errorf("Open = %q, %v; want %q", got, err, v)
		}
		for _, other := range []struct {
			box              *Box
			purpose, binding string
		}{
			{b, Tracking, "USER:p1\x00query"},
			{b, Cursor, "USER:p2\x00query"},
			{b, Cursor, ""},
			{b, Cursor, "USER:p1\x00query "},
			{stranger, Cursor, "USER:p1\x00query"},
		} {
			if got, err := other.box.Open(other.purpose, other.binding, text); fault.KindOf(err) != fault.Invalid || got != nil {
				t.Errorf("Open for %s %q = %q, %v; want invalid", other.purpose, other.binding, got, err)
			}
		}
	}
	if first, second := b.Seal(Cursor, "b", nil), b.Seal(Cursor, "b", nil); first == second {
		t.Error("two texts for one value are equal")
	}
}

func TestEveryChangedCharacterIsNoticed(t *testing.T) {
	b := newBox(t)
	text := b.Seal(Cursor, "b", []byte("page 2"))
	for i := range text {
		for _, c := range []string{"A", "z", "_", "=", ""} {
			changed := text[:i] + c + text[i+1:]
			if changed == text {
				continue
			}
			if _, err := b.Open(Cursor, "b", changed); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Open of %q, changed at %d: %v, want invalid", changed, i, err)
			}
		}
	}
	for _, s := range []string{"", text + "A", text + "\n", " " + text, text[:len(text)-1], strings.Repeat("A", maxText+1)} {
		if _, err := b.Open(Cursor, "b", s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Open(%.40q): %v, want invalid", s, err)
		}
	}
}

func TestTextsGrowOld(t *testing.T) {
	b := newBox(t)
	made := time.Unix(1_800_000_000, 0)
	b.now = func() time.Time { return made }
	text := b.Seal(Cursor, "b", nil)
	for after, ok := range map[time.Duration]bool{
		0: true, 24 * time.Hour: true, 24*time.Hour + time.Second: false, -skew: true, -skew - time.Second: false,
	} {
		b.now = func() time.Time { return made.Add(after) }
		if _, err := b.Open(Cursor, "b", text); ok != (err == nil) || !ok && !errors.Is(err, ErrOld) {
			t.Errorf("Open %v after Seal: %v, want open %v, or that it is old", after, err, ok)
		}
		if _, err := b.Open(Cursor, "c", text); errors.Is(err, ErrOld) {
			t.Errorf("Open %v after Seal for something else says that it is old", after)
		}
	}
}

// TestFirstStartOfTwoNodes opens boxes on one new database at once: they must end with the same keys.
func TestFirstStartOfTwoNodes(t *testing.T) {
	path := database(t)
	dbs := []*sqldb.DB{sqldbtest.OpenURL(t, path), sqldbtest.OpenURL(t, path)}
	boxes := make([]*Box, 8)
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() {
			var err error
			if boxes[i], err = Open(context.Background(), dbs[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for purpose := range lifetimes() {
		text, mac := boxes[0].Seal(purpose, "b", []byte("v")), boxes[0].Sign(purpose, "t")
		for i, b := range append(boxes, openBox(t, dbs[0])) {
			if _, err := b.Open(purpose, "b", text); err != nil {
				t.Errorf("box %d does not open %s of box 0: %v", i, purpose, err)
			}
			if !b.Signed(purpose, "t", mac) {
				t.Errorf("box %d does not know the signature of box 0 for %s", i, purpose)
			}
		}
	}
}

// TestNewerKeySealsAndOlderOnesStillOpen adds a version of a key, as a rotation does.
func TestNewerKeySealsAndOlderOnesStillOpen(t *testing.T) {
	db := sqldbtest.OpenURL(t, database(t))
	before := openBox(t, db)
	old, oldMAC := before.Seal(Cursor, "b", []byte("v")), before.Sign(Cursor, "t")
	ctx := context.Background()
	if err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO server_keys (purpose, version, secret, made_at) VALUES ($1, 2, $2, 0)", Cursor, strings.Repeat("A", 43))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	after := openBox(t, db)
	if got, err := after.Open(Cursor, "b", old); err != nil || string(got) != "v" {
		t.Errorf("Open of an older version = %q, %v", got, err)
	}
	if !after.Signed(Cursor, "t", oldMAC) || after.Sign(Cursor, "t") == oldMAC {
		t.Error("a signature of an older key is not known, or the newer key does not sign")
	}
	if _, err := before.Open(Cursor, "b", after.Seal(Cursor, "b", nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Open with a key not known yet: %v, want invalid", err)
	}
}

func TestDamagedKeyStopsTheStart(t *testing.T) {
	db := sqldbtest.OpenURL(t, database(t))
	openBox(t, db)
	ctx := context.Background()
	if err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE server_keys SET secret = 'c2hvcnQ'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, db); err == nil {
		t.Error("Open with damaged keys succeeded")
	}
}

func TestSignatures(t *testing.T) {
	b := newBox(t)
	mac := b.Sign(Session, "s1")
	for _, tc := range []struct {
		purpose, text, mac string
		want               bool
	}{
		{Session, "s1", mac, true},
		{Session, "s2", mac, false},
		{Cursor, "s1", mac, false},
		{Session, "s1", "", false},
		{Session, "s1", mac + "A", false},
		{Session, "s1", mac[:len(mac)-1], false},
		{"unknown", "s1", mac, false},
	} {
		if got := b.Signed(tc.purpose, tc.text, tc.mac); got != tc.want {
			t.Errorf("Signed(%s, %s, %q) = %v, want %v", tc.purpose, tc.text, tc.mac, got, tc.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := newBox(f)
	f.Add(b.Seal(Cursor, "b", []byte("v")))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := b.Open(Cursor, "b", text)
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Open(%q) = %v, want invalid", text, err)
		}
		if err == nil && string(v) != "v" {
			t.Errorf("Open(%q) = %q, which was never sealed", text, v)
		}
	})
}

func BenchmarkSealOpen(b *testing.B) {
	box := newBox(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := box.Open(Cursor, "USER:p1", box.Seal(Cursor, "USER:p1", []byte("page 2"))); err != nil {
			b.Fatal(err)
		}
	}
}
