// Package seal makes short texts that leave the server and come back: cursors and tracking tokens.
//
// Its one idea is that such a text says nothing, cannot be altered, and opens only for what it was
// made for: one purpose, one binding (the caller and the query), and a limited time. The keys are
// made at first start and live in SQL, so a text made on one node opens on another and after a
// restore. Rooms that hand out such texts call it.
package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Purpose is what a text is for. Each has keys of its own.
type Purpose = string

// The purposes, each with the time that its texts live.
const (
	Cursor   Purpose = "cursor"   // a day
	Tracking Purpose = "tracking" // 30 days: feedback on a result comes long after it was shown
	Web      Purpose = "web"      // a day: tokens for web pages, which say themselves when they end, and never later
	Session  Purpose = "session"  // 7 days, the length of a session; signs what belongs to one
	SignIn   Purpose = "signin"   // 20 minutes: a sign-in under way at a provider, second factor and all
)

// lifetimes lists every purpose. A new purpose is a line here; its key is made at the next start.
func lifetimes() map[Purpose]time.Duration {
	return map[Purpose]time.Duration{Cursor: 24 * time.Hour, Tracking: 30 * 24 * time.Hour, Session: 7 * 24 * time.Hour, Web: 24 * time.Hour, SignIn: 20 * time.Minute}
}

const (
	keySize  = 32
	saltSize = 12 // the part of the nonce that chooses a key of its own for each text
	gcmNonce = 12
	gcmTag   = 16
	header   = 2 + saltSize + gcmNonce // version, nonce
	stamp    = 8
	overhead = header + stamp + gcmTag
	// maxText bounds what Open looks at. Cursors are far below.
	maxText = 16 << 10
	// skew is how far ahead another node's clock may be.
	skew = 5 * time.Minute
)

// Box seals and opens texts. It is safe for concurrent use.
type Box struct {
	rings map[Purpose]ring
	now   func() time.Time
}

// ring is the keys of one purpose.
type ring struct {
	keys   map[uint16][]byte
	newest uint16
	lives  time.Duration
}

// Open returns the box whose keys are in db. It makes the keys that are missing; two nodes that
// start at once end with the same ones.
func Open(ctx context.Context, db *sqldb.DB) (*Box, error) {
	b := &Box{rings: map[Purpose]ring{}, now: time.Now}
	for purpose, lives := range lifetimes() {
		b.rings[purpose] = ring{keys: map[uint16][]byte{}, lives: lives}
	}
	if err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error { return makeMissing(ctx, tx) }); err != nil {
		return nil, fmt.Errorf("make server keys: %w", err)
	}
	if err := db.Read(ctx, func(tx *sqldb.Tx) error { return b.load(ctx, tx) }); err != nil {
		return nil, fmt.Errorf("read server keys: %w", err)
	}
	return b, nil
}

// Seal returns v as a text of URL-safe characters that Open returns for the same purpose and
// binding, and nothing else does. Purpose is one of the constants; another one is a mistake of the
// program, and panics.
func (b *Box) Seal(purpose Purpose, binding string, v []byte) string {
	r, ok := b.rings[purpose]
	if !ok {
		panic("seal: there is no purpose " + purpose)
	}
	sealed := make([]byte, header, overhead+len(v))
	binary.BigEndian.PutUint16(sealed, r.newest)
	_, _ = rand.Read(sealed[2:header]) // never fails, since Go 1.24
	plain := make([]byte, stamp, stamp+len(v))
	binary.BigEndian.PutUint64(plain, uint64(b.now().Unix())) //nolint:gosec // two's complement both ways
	plain = append(plain, v...)
	sealed = aead(r.keys[r.newest], sealed).Seal(sealed, sealed[2+saltSize:header], plain, bound(purpose, binding))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns what was sealed in text for purpose and binding. Anything else, and a text that is
// too old, is a fault.Invalid.
func (b *Box) Open(purpose Purpose, binding, text string) ([]byte, error) {
	r, ok := b.rings[purpose]
	if !ok {
		panic("seal: there is no purpose " + purpose)
	}
	if len(text) > maxText || strings.ContainsAny(text, "\r\n") { // the decoder passes over line ends
		return nil, dead()
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < overhead {
		return nil, dead()
	}
	key, ok := r.keys[binary.BigEndian.Uint16(sealed)]
	if !ok {
		return nil, dead()
	}
	plain, err := aead(key, sealed).Open(nil, sealed[2+saltSize:header], sealed[header:], bound(purpose, binding))
	if err != nil {
		return nil, dead()
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0) //nolint:gosec // two's complement both ways
	if age := b.now().Sub(made); age > r.lives || age < -skew {
		return nil, dead().Wrap(ErrOld)
	}
	return plain[stamp:], nil
}

// Sign returns a text that only this server's keys give for text: HMAC-SHA256 under the newest key
// of the purpose. It does not grow old by itself.
func (b *Box) Sign(purpose Purpose, text string) string {
	r, ok := b.rings[purpose]
	if !ok {
		panic("seal: there is no purpose " + purpose)
	}
	return signature(r.keys[r.newest], purpose, text)
}

// Signed reports whether Sign gave signature for text, under any key of the purpose. Its time does
// not depend on how much of the signature is right.
func (b *Box) Signed(purpose Purpose, text, given string) bool {
	right := false
	for _, key := range b.rings[purpose].keys {
		right = hmac.Equal([]byte(signature(key, purpose, text)), []byte(given)) || right
	}
	return right
}

func signature(key []byte, purpose Purpose, text string) string {
	// The keys of texts come from inputs of 14 bytes. The longer prefix keeps the two uses apart.
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("sheaf signature, version 1\x00"))
	mac.Write(bound(purpose, text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ErrOld is in the chain of what Open returns for a text that was sealed for just this, and whose time is over.
var ErrOld = errors.New("sealed too long ago")

func dead() *fault.Fault {
	return fault.New(fault.Invalid, "This was made for another request, or is too old. Leave it out to start again.")
}

// aead returns the cipher for one text. GCM with random nonces of 96 bits must not seal more than
// 2^32 texts under one key (NIST SP 800-38D, section 8.3), which a busy server reaches in weeks; so
// half of a nonce of 192 bits chooses a key, by HMAC as the pseudo-random function.
func aead(key, sealed []byte) cipher.AEAD {
	prf := hmac.New(sha256.New, key)
	prf.Write(sealed[:2+saltSize])
	block, err := aes.NewCipher(prf.Sum(nil))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return gcm
}

// bound is the additional data: no two pairs of purpose and binding give the same.
func bound(purpose Purpose, binding string) []byte {
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(purpose)+len(binding)), uint32(len(purpose))) //nolint:gosec // a constant's length
	return append(append(data, purpose...), binding...)
}
