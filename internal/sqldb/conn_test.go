package sqldb

import (
	"context"
	"path/filepath"
	"testing"
)

// A connection that is dropped has prepared statements. The driver frees them with the connection, and
// crashes where one is closed after that.
func TestDroppedConnectionWithStatements(t *testing.T) {
	db, err := Open(t.Context(), Config{URL: filepath.Join(t.TempDir(), "test.db"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	f := db.back.(*sqliteFile)
	for range 3 {
		c, err := f.reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := One(t.Context(), &Tx{c: c}, ScanInt, "SELECT COUNT(*) FROM meta"); err != nil {
			t.Fatal(err)
		}
		f.endRead(c, false)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.ReadVersion(ctx, "x"); err == nil {
		t.Error("ReadVersion on a context that has ended = nil error")
	}
}
