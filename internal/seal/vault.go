package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Vault seals the secrets of third parties, which the database keeps: client secrets, keys of models. Unlike the keys of a
// Box its key is neither in the database nor in a backup, so whoever comes by those learns no such secret. It is safe for
// concurrent use.
type Vault struct {
	path string // of the key's file; empty where the key was given

	mu  sync.Mutex // guards key
	key []byte     // nil until it is needed
}

// vaultForm is the version of what Seal writes.
const vaultForm = "v1"

// OpenVault returns the vault of a master key: 32 bytes in base64, as `openssl rand -base64 32` prints them. Where it is empty,
// the key is in the file at path, which only its owner may read, and which is made when the first secret is sealed. Where both are empty,
// nothing can be sealed.
func OpenVault(master, path string) (*Vault, error) {
	v := &Vault{path: path}
	if master = strings.TrimSpace(master); master == "" {
		if path == "" {
			return v, nil
		}
		err := v.read()
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return v, err
	}
	key, err := masterKey(master)
	if err != nil {
		return nil, fmt.Errorf("SHEAF_MASTER_KEY: %w", err)
	}
	return &Vault{key: key}, nil
}

func masterKey(text string) ([]byte, error) {
	for _, form := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := form.DecodeString(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("a master key is %d bytes in base64, as openssl rand -base64 %d prints them", keySize, keySize)
}

// read takes the key from its file.
func (v *Vault) read() error {
	info, err := os.Stat(v.path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the file %s can be read by others: make it mode 0600", v.path)
	}
	text, err := os.ReadFile(filepath.Clean(v.path))
	if err != nil {
		return err
	}
	if v.key, err = masterKey(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("the file %s: %w", v.path, err)
	}
	return nil
}

// make makes the key and its file. Another process may have done so first: its key counts.
func (v *Vault) make() error {
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // never fails, since Go 1.24
	made, err := os.CreateTemp(filepath.Dir(v.path), ".master-key-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(made.Name()) }()
	_, err = made.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, made.Sync(), made.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link does not replace what is there.
	if err = os.Link(made.Name(), v.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return v.read()
}

// aead returns the cipher of a salt, and the name of the key.
func (v *Vault) aead(salt []byte, fresh bool) (cipher.AEAD, string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil && v.path != "" {
		err := v.read()
		if errors.Is(err, fs.ErrNotExist) && fresh {
			err = v.make()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, "", fmt.Errorf("master key: %w", err)
		}
	}
	if v.key == nil {
		return nil, "", fault.New(fault.Unprocessable, "The server has no master key to keep secrets under. Start it with SHEAF_MASTER_KEY, 32 bytes in base64.")
	}
	name := sha256.Sum256(append([]byte("sheaf master key\x00"), v.key...))
	key, err := hkdf.Key(sha256.New, v.key, salt, "sheaf secrets of third parties", keySize)
	if err != nil {
		return nil, "", err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, "", err
	}
	gcm, err := cipher.NewGCM(block)
	return gcm, hex.EncodeToString(name[:4]), err
}

// Seal returns secret as a text for the database, which Open gives back for the same binding alone.
func (v *Vault) Seal(binding, secret string) (string, error) {
	salt := make([]byte, keySize)
	_, _ = rand.Read(salt)
	gcm, name, err := v.aead(salt, true)
	if err != nil {
		return "", err
	}
	// Each text has a key of its own, by the salt, so the nonce need not differ.
	sealed := gcm.Seal(nil, make([]byte, gcmNonce), []byte(secret), []byte(binding))
	return strings.Join([]string{vaultForm, name, base64.RawURLEncoding.EncodeToString(append(salt, sealed...))}, "."), nil
}

// Open returns the secret that was sealed for binding.
func (v *Vault) Open(binding, text string) (string, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != vaultForm {
		return "", errors.New("open sealed secret: not a form that this server knows")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(sealed) < keySize+gcmTag {
		return "", errors.New("open sealed secret: damaged")
	}
	gcm, name, err := v.aead(sealed[:keySize], false)
	if err != nil {
		return "", err
	}
	if name != parts[1] {
		return "", fmt.Errorf("open sealed secret: it was sealed under the master key %s, and the server has %s; give it that key, or enter the secret anew", parts[1], name)
	}
	secret, err := gcm.Open(nil, make([]byte, gcmNonce), sealed[keySize:], []byte(binding))
	if err != nil {
		return "", errors.New("open sealed secret: damaged, or made for something else")
	}
	return string(secret), nil
}
