package oauth

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestKeysThatAreLeftOut holds the bounds of published keys: what verifies too slowly, or too much, is no key.
func TestKeysThatAreLeftOut(t *testing.T) {
	number := func(bits uint, more int64) string { // 2^(bits-1) + more
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return base64.RawURLEncoding.EncodeToString(n.Add(n, big.NewInt(more)).Bytes())
	}
	coordinate := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		key  jwk
		want bool
	}{
		"RSA":                          {jwk{Type: "RSA", N: number(2048, 1), E: "AQAB"}, true},
		"RSA of 8192 bits":             {jwk{Type: "RSA", N: number(8192, 1), E: "AQAB"}, true},
		"RSA by three":                 {jwk{Type: "RSA", N: number(2048, 1), E: "Aw"}, true},
		"RSA of 8193 bits":             {jwk{Type: "RSA", N: number(8193, 1), E: "AQAB"}, false},
		"RSA of 16384 bits":            {jwk{Type: "RSA", N: number(16384, 1), E: "AQAB"}, false},
		"RSA of 2047 bits":             {jwk{Type: "RSA", N: number(2047, 1), E: "AQAB"}, false},
		"RSA of 2040 bits with zeros":  {jwk{Type: "RSA", N: "AAAA" + number(2040, 1), E: "AQAB"}, false},
		"an even modulus":              {jwk{Type: "RSA", N: number(2048, 0), E: "AQAB"}, false},
		"an exponent of one":           {jwk{Type: "RSA", N: number(2048, 1), E: "AQ"}, false},
		"an even exponent":             {jwk{Type: "RSA", N: number(2048, 1), E: "AQAA"}, false},
		"an exponent of zero":          {jwk{Type: "RSA", N: number(2048, 1), E: "AA"}, false},
		"an exponent of five bytes":    {jwk{Type: "RSA", N: number(2048, 1), E: "AQAAAAE"}, false},
		"an exponent past 2^31":        {jwk{Type: "RSA", N: number(2048, 1), E: "_____w"}, false},
		"no exponent":                  {jwk{Type: "RSA", N: number(2048, 1)}, false},
		"no modulus":                   {jwk{Type: "RSA", E: "AQAB"}, false},
		"padding":                      {jwk{Type: "RSA", N: number(2048, 1), E: "AQ=="}, false},
		"a point off the curve":        {jwk{Type: "EC", Curve: "P-256", X: coordinate, Y: coordinate}, false},
		"a short coordinate":           {jwk{Type: "EC", Curve: "P-256", X: "AQ", Y: coordinate}, false},
		"a short Ed25519 key":          {jwk{Type: "OKP", Curve: "Ed25519", X: "AQ"}, false},
		"Ed25519":                      {jwk{Type: "OKP", Curve: "Ed25519", X: coordinate}, true},
		"Ed25519 under the type EC":    {jwk{Type: "EC", Curve: "Ed25519", X: coordinate}, false},
		"a shared secret":              {jwk{Type: "oct"}, false},
		"no type":                      {jwk{N: number(2048, 1), E: "AQAB"}, false},
		"a type in lower case":         {jwk{Type: "rsa", N: number(2048, 1), E: "AQAB"}, false},
		"for encryption":               {jwk{Type: "RSA", Use: "enc", N: number(2048, 1), E: "AQAB"}, false},
		"for no operation":             {jwk{Type: "RSA", Operations: []string{}, N: number(2048, 1), E: "AQAB"}, false},
		"for verifying":                {jwk{Type: "RSA", Operations: []string{"verify"}, N: number(2048, 1), E: "AQAB"}, true},
		"with its private half":        {jwk{Type: "RSA", D: "AQ", N: number(2048, 1), E: "AQAB"}, false},
		"an id that no token can have": {jwk{Type: "RSA", ID: strings.Repeat("k", maxKeyID+1), N: number(2048, 1), E: "AQAB"}, false},
	} {
		if _, ok := c.key.key(); ok != c.want {
			t.Errorf("%s: taken %t, want %t", name, ok, c.want)
		}
	}
}

// TestKeySetsAreBounded holds that a set with more keys than any provider has is an error, not a hundred keys of it.
func TestKeySetsAreBounded(t *testing.T) {
	for n, fine := range map[int]bool{maxKeys: true, maxKeys + 1: false} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, strings.TrimSuffix(strings.Repeat(`{"kty":"oct"},`, n), ","))
		}))
		if _, err := fetchKeys(t.Context(), srv.Client(), srv.URL); (err == nil) != fine {
			t.Errorf("a set of %d keys: %v, want accepted %t", n, err, fine)
		}
		srv.Close()
	}
}
