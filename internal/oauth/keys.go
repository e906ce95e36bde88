package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// algorithm is how a token is signed.
type algorithm = jose.SignatureAlgorithm

// algorithms are those that are accepted. None of them works with a shared secret, so no public key can be taken for one.
func algorithms() []algorithm {
	return []algorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA}
}

// Bounds of a key set.
const (
	maxKeys     = 100
	maxKeyID    = 256
	minRSA      = 2048
	maxRSA      = 8192 // verifying takes time that grows with the square
	maxTogether = 4    // keys of one id: some providers give all the same
)

// key is a public key of an issuer.
type key struct {
	id     string
	alg    algorithm // the one that it is for; empty for each that fits
	public any       // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// fits reports whether the key can be used with alg. A key is used with one kind of algorithm alone, and with just the one it
// names.
func (k *key) fits(alg algorithm) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch k.public.(type) {
	case *rsa.PublicKey:
		return alg == jose.RS256 || alg == jose.PS256
	case *ecdsa.PublicKey:
		return alg == jose.ES256
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// keySet is the keys that an issuer publishes. It does not change.
type keySet struct {
	keys      []key
	published []jwk // the same, as they are published
}

// find returns the keys for a token. A token that names no key can only be signed with the one that fits.
func (s keySet) find(alg algorithm, kid string) []key {
	var found []key
	for _, k := range s.keys {
		if k.fits(alg) && (kid == "" || k.id == kid) {
			found = append(found, k)
		}
	}
	if kid == "" && len(found) > 1 || len(found) > maxTogether {
		return nil
	}
	return found
}

// jwk is a key as it is published (RFC 7517). Certificates and addresses in it are not looked at.
type jwk struct {
	Type       string   `json:"kty,omitzero"`
	Use        string   `json:"use,omitzero"`
	Operations []string `json:"key_ops,omitzero"`
	Algorithm  string   `json:"alg,omitzero"`
	ID         string   `json:"kid,omitzero"`
	Curve      string   `json:"crv,omitzero"`
	N          string   `json:"n,omitzero"`
	E          string   `json:"e,omitzero"`
	X          string   `json:"x,omitzero"`
	Y          string   `json:"y,omitzero"`
	D          string   `json:"d,omitzero"`
}

// fetchKeys reads a key set. Keys that are not for signatures, or not of a kind and size that is accepted, are left out, and so
// are those that cannot be read: one odd key must not take the others along.
func fetchKeys(ctx context.Context, client *http.Client, address string) (keySet, error) {
	var published struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := fetch(ctx, client, address, &published); err != nil {
		return keySet{}, err
	}
	if published.Keys == nil {
		return keySet{}, errNotJSON
	}
	if len(published.Keys) > maxKeys {
		return keySet{}, errors.New("publishes more keys than any provider should")
	}
	return readKeys(published.Keys), nil
}

func readKeys(published []jsontext.Value) (set keySet) {
	for _, text := range published {
		var j jwk
		if json.Unmarshal(text, &j) != nil {
			continue
		}
		if k, ok := j.key(); ok {
			set.keys, set.published = append(set.keys, k), append(set.published, j)
		}
	}
	return set
}

// key returns the public key of j, where it can be used to verify tokens.
func (j *jwk) key() (key, bool) {
	// A key whose private half is published is anybody's.
	if j.D != "" || j.Use != "" && j.Use != "sig" || j.Operations != nil && !slices.Contains(j.Operations, "verify") || len(j.ID) > maxKeyID {
		return key{}, false
	}
	k := key{id: j.ID, alg: algorithm(j.Algorithm)}
	var ok bool
	switch {
	case j.Type == "RSA":
		k.public, ok = j.rsa()
	case j.Type == "EC" && j.Curve == "P-256":
		k.public, ok = j.p256()
	case j.Type == "OKP" && j.Curve == "Ed25519":
		var x []byte
		x, ok = octets(j.X)
		ok = ok && len(x) == ed25519.PublicKeySize
		k.public = ed25519.PublicKey(x)
	}
	return k, ok
}

func octets(text string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return raw, err == nil && len(raw) > 0
}

func (j *jwk) rsa() (*rsa.PublicKey, bool) {
	n, okN := octets(j.N)
	e, okE := octets(j.E)
	if !okN || !okE || len(n) > maxRSA/8+1 || len(e) > 4 {
		return nil, false
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	bits := public.N.BitLen()
	return public, bits >= minRSA && bits <= maxRSA && public.N.Bit(0) == 1 && public.E >= 3 && public.E&1 == 1 && public.E < 1<<31
}

func (j *jwk) p256() (*ecdsa.PublicKey, bool) {
	x, okX := octets(j.X)
	y, okY := octets(j.Y)
	if !okX || !okY || len(x) != 32 || len(y) != 32 {
		return nil, false
	}
	// It refuses what is not on the curve.
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	return public, err == nil
}
