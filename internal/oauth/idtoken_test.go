package oauth_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/fault"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
)

// TestSignatureOfIDTokens holds that the signature of an ID token is checked as strictly as that of an access token, by the same keys
// and within the same bounds of asking.
func TestSignatureOfIDTokens(t *testing.T) {
	w := newWorld(t)
	p := provider("work", w.idp)
	w.put(nil, p)
	claims := Members{"iss": w.idp.URL, "aud": "sheaf", "sub": "u1", "nonce": "n"}
	sign := func(k Key, alg string, head, claims Members) string {
		return Sign(t, k, alg, Members{"alg": alg, "kid": k.ID, "typ": "JWT"}.With(head), claims)
	}
	groups := make([]string, 1000)
	for i := range groups {
		groups[i] = "/departments/observation/stations"
	}
	for name, token := range map[string]string{
		"plain": sign(w.key, "RS256", nil, claims), "of another type": sign(w.key, "RS256", Members{"typ": "idtoken+jwt"}, claims),
		"with a thousand groups": sign(w.key, "RS256", nil, claims.With(Members{"groups": groups})),
	} {
		if text, err := w.OAuth.VerifySignature(t.Context(), p, token); err != nil || !strings.Contains(string(text), `"nonce"`) {
			t.Errorf("%s: %.60s, %v, want the claims", name, text, err)
		}
	}
	asked := w.idp.Asked()
	small, stranger := RSA(t, "small", 1024, 2), RSA(t, "one", 2048, 3)
	for name, token := range map[string]string{
		"of a key with the same id": sign(stranger, "RS256", nil, claims), "of a small key": sign(small, "RS256", nil, claims),
		"with an extension": sign(w.key, "RS256", Members{"crit": []string{"x"}}, claims), "of an algorithm that is not ours": sign(w.key, "RS256", Members{"alg": "RS512"}, claims),
		"with a name twice": SignText(t, w.key, "RS256", Members{"alg": "RS256", "kid": "one"}.Encode()+"."+base64.RawURLEncoding.EncodeToString([]byte(`{"nonce":"a","nonce":"b"}`))),
		"too long":          sign(w.key, "RS256", nil, claims.With(Members{"x": strings.Repeat("x", 70000)})),
	} {
		if _, err := w.OAuth.VerifySignature(t.Context(), p, token); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v, want fault.Unauthenticated", name, err)
		}
	}
	if n := w.idp.Asked() - asked; n > 3 {
		t.Errorf("the provider was asked %d times for its keys", n)
	}
}
