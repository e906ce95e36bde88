package authority

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"log/slog"
)

// kind is the letter in a secret that says what it is for.
type kind byte

const (
	clientSecret   kind = 'c'
	indexingSecret kind = 'i'
	sessionSecret  kind = 's'
	linkSecret     kind = 'l'
)

const (
	issuer     = "shf_" // every secret that sheaf makes begins so
	prefixSize = 6      // "shf_c_"
	bodySize   = 43     // 43 * log2(62) = 256.03 bits
	checkSize  = 6      // 62^6 > 2^32
	secretSize = prefixSize + bodySize + checkSize
	digits     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	shownChars = 4
)

// Secret is a credential on its way to the one person who may see it. It prints as its mask, in
// logs too; only Reveal gives the text.
type Secret struct{ text string }

// Reveal returns the secret itself, for the one answer that shows it.
func (s Secret) Reveal() string { return s.text }

// String returns the prefix with the first and last four characters, by which people tell tokens
// apart. What it shows leaves more than 200 bits unknown.
func (s Secret) String() string {
	if len(s.text) != secretSize {
		return ""
	}
	return s.text[:prefixSize+shownChars] + "…" + s.text[secretSize-shownChars:]
}

// LogValue keeps the secret out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// newSecret makes a secret: its prefix, 43 random characters, and the CRC-32 of both in 6 characters.
// The checksum protects nothing; it lets typos be refused without a look-up, and scanners of leaked
// code match exactly.
func newSecret(k kind) Secret {
	text := make([]byte, prefixSize, secretSize)
	copy(text, issuer)
	text[4], text[5] = byte(k), '_'
	text = appendRandom(text, bodySize)
	return Secret{string(appendCheck(text))}
}

// appendRandom appends n characters, each of the 62 equally likely.
func appendRandom(text []byte, n int) []byte {
	const fair = 256 - 256%len(digits) // bytes from here on would favour the first characters
	var pool [64]byte
	for n > 0 {
		_, _ = rand.Read(pool[:]) // never fails, since Go 1.24
		for _, b := range pool {
			if n > 0 && int(b) < fair {
				text = append(text, digits[int(b)%len(digits)])
				n--
			}
		}
	}
	return text
}

func appendCheck(text []byte) []byte {
	sum := crc32.ChecksumIEEE(text)
	var check [checkSize]byte
	for i := checkSize - 1; i >= 0; i-- {
		check[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return append(text, check[:]...)
}

// fingerprint is the SHA-256 of a secret. It is all that is stored, and what secrets are looked up by. A
// look-up by hash needs no constant time: who measures how far a hash matched learns about the hash of
// a guess, and cannot make guesses whose hashes begin as they wish and that are secrets at all. A plain
// hash is enough, without salt or stretching, because nobody can list 2^256 candidates.
type fingerprint [sha256.Size]byte

// hex is how SQL keeps it.
func (p fingerprint) hex() string { return hex.EncodeToString(p[:]) }

// readSecret returns what a well-formed secret is for, and its fingerprint. It is false for anything else.
func readSecret(text string) (kind, fingerprint, bool) {
	if len(text) != secretSize {
		return 0, fingerprint{}, false
	}
	var buf [secretSize]byte
	copy(buf[:], text)
	if string(buf[:4]) != issuer || buf[5] != '_' {
		return 0, fingerprint{}, false
	}
	sum := crc32.ChecksumIEEE(buf[:prefixSize+bodySize])
	for i := secretSize - 1; i >= prefixSize+bodySize; i-- {
		if buf[i] != digits[sum%uint32(len(digits))] {
			return 0, fingerprint{}, false
		}
		sum /= uint32(len(digits))
	}
	for _, c := range buf[prefixSize : prefixSize+bodySize] {
		if !alphanumeric(c) {
			return 0, fingerprint{}, false
		}
	}
	return kind(buf[4]), sha256.Sum256(buf[:]), true
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
