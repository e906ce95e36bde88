package seal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// makeMissing makes the first key of each purpose that has none. Writes are serialised across nodes,
// so what it found missing is missing.
func makeMissing(ctx context.Context, tx *sqldb.Tx) error {
	there, err := sqldb.All(ctx, tx, sqldb.ScanText, "SELECT DISTINCT purpose FROM server_keys")
	if err != nil {
		return err
	}
	for purpose := range lifetimes() {
		if slices.Contains(there, purpose) {
			continue
		}
		var secret [keySize]byte
		_, _ = rand.Read(secret[:]) // never fails, since Go 1.24
		_, err := tx.Exec(ctx, "INSERT INTO server_keys (purpose, version, secret, made_at) VALUES ($1, 1, $2, $3)",
			purpose, base64.RawStdEncoding.EncodeToString(secret[:]), time.Now().UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

// load reads every version of every purpose that this binary knows.
func (b *Box) load(ctx context.Context, tx *sqldb.Tx) error {
	type key struct {
		purpose Purpose
		version int64
		text    string
	}
	read := func(s sqldb.Scanner) (k key, err error) {
		err = s.Scan(&k.purpose, &k.version, &k.text)
		return k, err
	}
	for k, err := range sqldb.Each(ctx, tx, read, "SELECT purpose, version, secret FROM server_keys") {
		if err != nil {
			return err
		}
		r, known := b.rings[k.purpose]
		if !known {
			continue
		}
		secret, err := base64.RawStdEncoding.DecodeString(k.text)
		if err != nil || len(secret) != keySize || k.version < 1 || k.version > 1<<16-1 {
			return fmt.Errorf("key %d of %s is damaged", k.version, k.purpose)
		}
		version := uint16(k.version)
		r.keys[version] = secret
		r.newest = max(r.newest, version)
		b.rings[k.purpose] = r
	}
	return nil
}
