package oauth

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sheafsearch/sheaf/internal/directory"
)

// FuzzJWT holds that the strict reader takes nothing that a second reader would take otherwise, and that what it concludes from claims is what
// that reader sees in them. The parts are fuzzed as they are written, with pad behind the text, so that mutations reach the JSON in them.
func FuzzJWT(f *testing.F) {
	const head = `{"alg":"RS256","kid":"one","typ":"at+jwt"}`
	for _, seed := range [][4]string{
		{head, `{"iss":"x","azp":"a","email":"a@b.c","exp":1900000000}`, "sig", ""},
		{`{"alg":"ES256","typ":"JWT"}`, `{"iss":"x","aud":["s","t"],"client_id":"a","scope":"","email":"A@b.c","email_verified":true,"exp":1800000000.5,"nbf":1800000060,"iat":0}`, "s", ""},
		{head, `{"azp":"a","cid":"b","email":"a@b.c","exp":1900000000}`, "s", ""},
		{head, `{"azp":["a"],"email":"a@b.c","exp":1e300}`, "s", ""},
		{head, `{"azp":"a","email":"a@b.c","email_verified":"false","exp":"1900000000"}`, "s", ""},
		{head, `{"azp":"a","nonce":null,"at_hash":"x"}`, "s", ""},
		{head, `{"azp":"a","azp":"b","email":"a@b.c"}`, "s", ""},
		{head, `{"\u0061zp":"a","azp":"b"}`, "s", ""},
		{`{"alg":"none"}`, `{}`, "", ""},
		{`{"alg":"RS256","crit":[]}`, `{}`, "s", ""},
		{`{"alg":"HS256","alg":"RS256"}`, `{}`, "s", ""},
		{`{"ALG":"none","alg":"EdDSA","jwk":{}}`, `{"aud":[1]}`, "s", ""},
		{head, `{"a":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}`, "s", ""},
		{head, `{"typ":"Bearer","roles":[],"azp":"a","cnf":{}}`, "s", "."},
		{head, "{\"azp\":\"\xff\"}", "s", "="},
		{head, ` {}`, "s", "\n"},
		{head, `{}{}`, "s", "AA"},
		{head, `null`, "s", ".x.y"},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]), seed[3])
	}
	p := &Provider{Name: "p", Kind: OIDC, ClientIDs: []string{"a"}, Audiences: []string{"s"}}
	anybody := &Provider{Name: "q", Kind: OIDC, ClientIDs: []string{"a"}}
	f.Fuzz(func(t *testing.T, header, payload string, signature []byte, behind string) {
		encode := base64.RawURLEncoding.EncodeToString
		text := encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode(signature) + behind
		read, reason := parse(text)
		if reason != "" {
			if read.text != "" || read.claims != nil {
				t.Errorf("parse(%q) = %v beside the reason %s", text, read, reason)
			}
			return
		}
		if !isJWT(text) || len(text) > maxToken || read.text != text || len(read.kid) > maxKeyID || !slices.Contains(algorithms(), read.alg) {
			t.Errorf("parse(%q) = %+v", text, read)
		}
		seen := map[string]any{}
		if err := json.Unmarshal([]byte(payload), &seen); err != nil || len(seen) != len(read.claims) {
			t.Fatalf("%q has the claims %v here and %v for a second reader (%v)", payload, read.claims, seen, err)
		}
		for name, v := range read.claims {
			var mine any
			if err := json.Unmarshal(v, &mine); err != nil || !reflect.DeepEqual(mine, seen[name]) {
				t.Errorf("%q: the claim %s is %s here and %v for a second reader (%v)", payload, name, v, seen[name], err)
			}
		}
		if again, err := jose.ParseSignedCompact(text, algorithms()); err == nil {
			h := again.Signatures[0].Header
			if h.Algorithm != string(read.alg) || h.KeyID != read.kid || string(again.UnsafePayloadWithoutVerification()) != payload {
				t.Errorf("%q is %+v here and %+v for the one who verifies", text, read, h)
			}
		}
		holdClaims(t, payload, &read, seen, p)
		holdClaims(t, payload, &read, seen, anybody)
	})
}

// holdClaims holds what is concluded from claims against what a second reader saw in them.
func holdClaims(t *testing.T, payload string, read *token, seen map[string]any, p *Provider) {
	if read.isAccessToken() {
		for _, name := range []string{"nonce", "at_hash", "c_hash", "events"} {
			if _, has := seen[name]; has {
				t.Errorf("%q with %s is taken for an access token", payload, name)
			}
		}
	}
	if end, why := read.claims.times(testTime(), true); why == "" {
		now := float64(testTime().Unix())
		exp, _ := seen["exp"].(float64)
		nbf, _ := seen["nbf"].(float64)
		if exp+61 < now || nbf > now+61 || !end.After(testTime()) {
			t.Errorf("%q holds until %s", payload, end)
		}
	}
	address, r := read.claims.subject(p, true, nil)
	if r.reason != "" {
		if address != "" {
			t.Errorf("%q is of %s and refused for %s", payload, address, r.reason)
		}
		return
	}
	email, _ := seen["email"].(string)
	if folded, err := directory.FoldEmail(email); err != nil || folded != address {
		t.Errorf("%q is of %q, want %q, %v", payload, address, folded, err)
	}
	named := false
	for _, name := range []string{"azp", "client_id", "cid", "appid"} {
		if id, has := seen[name]; has {
			if named = true; id != "a" {
				t.Errorf("%q is of the client %v", payload, id)
			}
		}
	}
	if verified, has := seen["email_verified"]; has && verified != true && verified != "true" || !named {
		t.Errorf("%q is taken", payload)
	}
	if _, bound := seen["cnf"]; bound {
		t.Errorf("%q is taken without the proof that it needs", payload)
	}
	if len(p.Audiences) > 0 {
		list, _ := seen["aud"].([]any)
		if one, is := seen["aud"].(string); is {
			list = []any{one}
		}
		if !slices.Contains(list, any("s")) {
			t.Errorf("%q is taken for an audience of ours", payload)
		}
	}
}
