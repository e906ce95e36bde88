package oauth_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/oauth"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
)

// forger has everything at hand that whoever forges tokens could have, and some that they could not.
type forger struct {
	*world
	other    *Provider // another provider that is configured
	otherKey Key
	evil     Key // of nobody here
	evilSite *Provider
	ec, ed   Key // further keys of the first provider
	small    Key // one that it publishes and that is too short
	wide     Key // P-384
	tied     Key // published for PS256 alone
	enc      Key // published for encryption
	twin     Key // of the other provider, under the id of this one's
	// Keys that are published so that nobody may take them: with their private half, for making signatures, for another curve, for key
	// agreement, and five under one id.
	bare, maker, curve, agree Key
	many                      []Key
}

func newForger(t *testing.T) *forger {
	w := newWorld(t)
	f := &forger{
		world: w, otherKey: RSA(t, "other", 2048, 2), evil: RSA(t, "one", 2048, 3), ec: EC(t, "ec", elliptic.P256()), ed: Ed25519(t, "ed"),
		small: RSA(t, "small", 1024, 4), wide: EC(t, "wide", elliptic.P384()), tied: RSA(t, "tied", 2048, 5), enc: RSA(t, "enc", 2048, 6),
	}
	f.twin = RSA(t, "one", 2048, 7)
	f.bare, f.maker, f.curve, f.agree = EC(t, "bare", elliptic.P256()), EC(t, "maker", elliptic.P256()), EC(t, "curve", elliptic.P256()), Ed25519(t, "agree")
	f.other, f.evilSite = New(t, f.otherKey, f.twin), New(t, f.evil)
	published := []Members{
		f.bare.JWK().With(Members{"d": "AQAB"}), f.maker.JWK().With(Members{"use": nil, "key_ops": []string{"sign"}}), f.curve.JWK().With(Members{"crv": "secp256k1"}),
		f.agree.JWK().With(Members{"crv": "X25519"}),
	}
	for range 5 {
		f.many = append(f.many, EC(t, "many", elliptic.P256()))
		published = append(published, f.many[len(f.many)-1].JWK())
	}
	f.idp.PublishRaw(append(published, f.key.JWK(), f.ec.JWK(), f.ed.JWK(), f.small.JWK(), f.wide.JWK(), f.tied.JWK().With(Members{"alg": "PS256"}), f.enc.JWK().With(Members{"use": "enc"}),
		Members{"kty": "oct", "kid": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"})...)
	first, second := provider("work", f.idp), provider("other", f.other)
	first.Audiences = []string{"sheaf", "sheaf-too"}
	second.ClientIDs = []string{"elsewhere"}
	w.put(nil, first, second)
	return f
}

type forgery struct {
	name   string
	token  string
	status int // 0 is 401
	// why it is refused, so that no check stands in for another; "" where the token holds and the person may not come in.
	why oauth.Reason
}

func (f *forger) signed(header, claims Members) string {
	return Sign(f.t, f.key, "RS256", header, claims)
}

// parts replaces one part of a good token.
func (f *forger) parts(i int, part string) string {
	p := strings.Split(f.good(nil), ".")
	p[i] = part
	return strings.Join(p, ".")
}

// raw signs a header and a payload as they are written.
func (f *forger) raw(header, payload string) string {
	e := base64.RawURLEncoding.EncodeToString
	return SignText(f.t, f.key, "RS256", e([]byte(header))+"."+e([]byte(payload)))
}

// elsewhere is a good token of the other provider, for which no audience is configured, with other claims.
func (f *forger) elsewhere(other Members) string {
	return Sign(f.t, f.otherKey, "RS256", header(f.otherKey, "RS256"), f.claims().With(Members{"iss": f.other.URL, "azp": "elsewhere"}).With(other))
}

// null is a good token in which one claim is null.
func (f *forger) null(claim string) string {
	claims := string(mustDecode(f.claims().With(Members{claim: nil}).Encode()))
	return f.raw(`{"alg":"RS256","kid":"one","typ":"at+jwt"}`, `{"`+claim+`":null,`+claims[1:])
}

// uneven are good claims whose last character in base64 has bits to spare.
func (f *forger) uneven() Members {
	claims := f.claims()
	for len(claims.Encode())%4 == 0 {
		claims["pad"] = fmt.Sprint(claims["pad"], "x")
	}
	return claims
}

// certificate is one for a key, made by itself.
func (f *forger) certificate(k Key) string {
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: f.now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, k.Private.Public(), k.Private)
	if err != nil {
		f.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func (f *forger) forms() []forgery {
	good := f.good(nil)
	p := strings.Split(good, ".")
	head := header(f.key, "RS256").Encode()
	claims := string(mustDecode(p[1]))
	return []forgery{
		{name: "one part", why: oauth.Malformed, token: p[0]},
		{name: "two parts", why: oauth.Malformed, token: p[0] + "." + p[1]},
		{name: "four parts", why: oauth.Malformed, token: good + ".x"},
		{name: "five parts, a JWE", why: oauth.Malformed, token: good + ".x.y"},
		{name: "only dots", why: oauth.Malformed, token: ".."},
		{name: "many dots", why: oauth.Malformed, token: strings.Repeat(".", 8000)},
		{name: "no signature", why: oauth.Malformed, token: p[0] + "." + p[1] + "."},
		{name: "no claims", why: oauth.Malformed, token: p[0] + ".." + p[2]},
		{name: "no header", why: oauth.Malformed, token: "." + p[1] + "." + p[2]},
		{name: "padding", why: oauth.Malformed, token: p[0] + "=." + p[1] + "." + p[2]},
		{name: "padding behind", why: oauth.Malformed, token: good + "="},
		{name: "ordinary base64 in the signature", why: oauth.Malformed, token: f.parts(2, p[2][:8]+"+/"+p[2][10:])},
		{name: "loose last bits", why: oauth.Malformed, token: f.parts(2, loose(p[2]))},
		{name: "loose last bits in the claims", why: oauth.Malformed, token: SignText(f.t, f.key, "RS256", head+"."+loose(f.uneven().Encode()))},
		{name: "a line end in the claims", why: oauth.Malformed, token: SignText(f.t, f.key, "RS256", head+"."+p[1][:8]+"\n"+p[1][8:])},
		{name: "header is no JSON", why: oauth.Malformed, token: f.parts(0, "eyJhbGciOi")},
		{name: "header is a list", why: oauth.Malformed, token: f.raw(`["RS256"]`, claims)},
		{name: "header is null", why: oauth.Malformed, token: f.raw(`null`, claims)},
		{name: "claims are a list", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `[]`)},
		{name: "claims are a text", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `"x"`)},
		{name: "claims with a space before", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, " "+claims)},
		{name: "claims with a second object behind", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, claims+claims)},
		{name: "claims that are not UTF-8", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, strings.Replace(claims, "u1", "\xff", 1))},
		{name: "claims nested deep", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"x":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000)+","+claims[1:])},
		{name: "iss twice", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"iss":"`+f.other.URL+`",`+claims[1:])},
		{name: "email twice", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"email":"admin@localhost",`+claims[1:])},
		{name: "exp twice", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"exp":1,`+claims[1:])},
		{name: "a name twice, once escaped", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"\u0065mail":"admin@localhost",`+claims[1:])},
		{name: "alg twice", why: oauth.Malformed, token: f.raw(`{"alg":"none","alg":"RS256","kid":"one"}`, claims)},
		{name: "a twin deep inside", why: oauth.Malformed, token: f.raw(`{"alg":"RS256","kid":"one"}`, `{"x":{"a":1,"a":2},`+claims[1:])},
		{name: "too long", why: oauth.TooLong, token: f.good(Members{"pad": strings.Repeat("x", 13000)})},
		{name: "header too long", why: oauth.TooLong, token: f.signed(header(f.key, "RS256").With(Members{"pad": strings.Repeat("x", 5000)}), f.claims())},
		{name: "signature too long", why: oauth.TooLong, token: f.parts(2, strings.Repeat("A", 1500))},
		{name: "signature cut", why: oauth.BadSignature, token: good[:len(good)-2]},
		{name: "signature changed", why: oauth.BadSignature, token: f.parts(2, flip(p[2]))},
		{name: "claims changed", why: oauth.BadSignature, token: f.parts(1, f.claims().With(Members{"email": "admin@localhost"}).Encode())},
		{name: "header changed", why: oauth.BadSignature, token: f.parts(0, header(f.key, "RS256").With(Members{"x": 1}).Encode())},
		{name: "signature of another token", why: oauth.BadSignature, token: head + "." + f.claims().With(Members{"jti": "y"}).Encode() + "." + p[2]},
		{name: "signature of zeros", why: oauth.BadSignature, token: f.parts(2, base64.RawURLEncoding.EncodeToString(make([]byte, 256)))},
	}
}

func (f *forger) algorithms() []forgery {
	claims := f.claims()
	public := f.key.Private.Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		f.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hs := header(f.key, "HS256").Encode() + "." + claims.Encode()
	none := func(alg any) string { return Members{"alg": alg, "kid": "one"}.Encode() + "." + claims.Encode() + "." }
	return []forgery{
		{name: "alg none, no signature", why: oauth.Malformed, token: none("none")},
		{name: "alg none, a signature", why: oauth.BadAlgorithm, token: none("none") + "AAAA"},
		{name: "alg None", why: oauth.BadAlgorithm, token: none("None") + "AAAA"},
		{name: "alg nOnE", why: oauth.BadAlgorithm, token: none("nOnE") + "AAAA"},
		{name: "alg empty", why: oauth.BadAlgorithm, token: none("") + "AAAA"},
		{name: "alg absent", why: oauth.BadAlgorithm, token: none(nil) + "AAAA"},
		{name: "alg a number", why: oauth.BadAlgorithm, token: none(256) + "AAAA"},
		{name: "alg a list", why: oauth.BadAlgorithm, token: none([]string{"RS256"}) + "AAAA"},
		{name: "alg in lower case", why: oauth.BadAlgorithm, token: f.signed(Members{"alg": "rs256", "kid": "one"}, claims)},
		{name: "HS256 with the public key in PEM", why: oauth.BadAlgorithm, token: HMAC(hs, text)},
		{name: "HS256 with the public key in DER", why: oauth.BadAlgorithm, token: HMAC(hs, der)},
		{name: "HS256 with the published JWK", why: oauth.BadAlgorithm, token: HMAC(hs, mustDecode(f.key.JWK().Encode()))},
		{name: "HS256 with the modulus", why: oauth.BadAlgorithm, token: HMAC(hs, mustDecode(f.key.JWK()["n"].(string)))},
		{name: "HS256 with the shared key that is published", why: oauth.BadAlgorithm, token: HMAC(Members{"alg": "HS256", "kid": "oct"}.Encode()+"."+claims.Encode(), []byte("secretsecretsecretsecret"))},
		{name: "RS384", why: oauth.BadAlgorithm, token: f.signed(header(f.key, "RS384"), claims)},
		{name: "RS512", why: oauth.BadAlgorithm, token: f.signed(header(f.key, "RS512"), claims)},
		{name: "RS1", why: oauth.BadAlgorithm, token: f.signed(header(f.key, "RS1"), claims)},
		{name: "signed RS256, said PS256", why: oauth.BadSignature, token: f.signed(header(f.key, "PS256"), claims)},
		{name: "signed PS256, said RS256", why: oauth.BadSignature, token: Sign(f.t, f.key, "PS256", header(f.key, "RS256"), claims)},
		{name: "ES256 with the RSA key", why: oauth.UnknownKey, token: Sign(f.t, f.ec, "ES256", header(f.key, "ES256"), claims)},
		{name: "RS256 with the id of the EC key", why: oauth.UnknownKey, token: f.signed(header(f.ec, "RS256"), claims)},
		{name: "EdDSA with the id of the EC key", why: oauth.UnknownKey, token: Sign(f.t, f.ed, "EdDSA", header(f.ec, "EdDSA"), claims)},
		{name: "ES256 with the id of the Ed25519 key", why: oauth.UnknownKey, token: Sign(f.t, f.ec, "ES256", header(f.ed, "ES256"), claims)},
		{name: "RS256 with the id of the Ed25519 key", why: oauth.UnknownKey, token: f.signed(header(f.ed, "RS256"), claims)},
		{name: "EdDSA with the id of the RSA key", why: oauth.UnknownKey, token: Sign(f.t, f.ed, "EdDSA", header(f.key, "EdDSA"), claims)},
		{name: "ES256 with a key on P-384", why: oauth.UnknownKey, token: Sign(f.t, f.wide, "ES256", header(f.wide, "ES256"), claims)},
		{name: "ES384", why: oauth.BadAlgorithm, token: Sign(f.t, f.wide, "ES256", header(f.wide, "ES384"), claims)},
		{name: "ES256 with r and s zero", why: oauth.BadSignature, token: header(f.ec, "ES256").Encode() + "." + claims.Encode() + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))},
		{name: "EdDSA with a signature of zeros", why: oauth.BadSignature, token: header(f.ed, "EdDSA").Encode() + "." + claims.Encode() + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))},
		{name: "an RSA key of 1024 bits", why: oauth.UnknownKey, token: Sign(f.t, f.small, "RS256", header(f.small, "RS256"), claims)},
		{name: "RS256 by a key that is published for PS256", why: oauth.UnknownKey, token: Sign(f.t, f.tied, "RS256", header(f.tied, "RS256"), claims)},
		{name: "a key that is published for encryption", why: oauth.UnknownKey, token: Sign(f.t, f.enc, "RS256", header(f.enc, "RS256"), claims)},
		{name: "a key that is published with its private half", why: oauth.UnknownKey, token: Sign(f.t, f.bare, "ES256", header(f.bare, "ES256"), claims)},
		{name: "a key that is published for making signatures alone", why: oauth.UnknownKey, token: Sign(f.t, f.maker, "ES256", header(f.maker, "ES256"), claims)},
		{name: "a key that is published for another curve", why: oauth.UnknownKey, token: Sign(f.t, f.curve, "ES256", header(f.curve, "ES256"), claims)},
		{name: "a key that is published for agreement", why: oauth.UnknownKey, token: Sign(f.t, f.agree, "EdDSA", header(f.agree, "EdDSA"), claims)},
		{name: "one of too many keys of one id", why: oauth.UnknownKey, token: Sign(f.t, f.many[0], "ES256", header(f.many[0], "ES256"), claims)},
	}
}

func (f *forger) headers() []forgery {
	claims, head := f.claims(), header(f.key, "RS256")
	evil := func(other Members) string { return Sign(f.t, f.evil, "RS256", head.With(other), claims) }
	good := func(other Members) string { return f.signed(head.With(other), claims) }
	return []forgery{
		{name: "a stranger's key under the same id", why: oauth.BadSignature, token: evil(nil)},
		{name: "a stranger's key in jwk", why: oauth.BadSignature, token: evil(Members{"jwk": f.evil.JWK()})},
		{name: "a stranger's key in jwk, without an id", why: oauth.BadSignature, token: evil(Members{"jwk": f.evil.JWK(), "kid": nil})},
		{name: "a stranger's key at jku", why: oauth.BadSignature, token: evil(Members{"jku": f.evilSite.URL + "/keys"})},
		{name: "a stranger's key at jku, another id", why: oauth.UnknownKey, token: evil(Members{"jku": f.evilSite.URL + "/keys", "kid": "theirs"})},
		{name: "a stranger's certificate at x5u", why: oauth.BadSignature, token: evil(Members{"x5u": f.evilSite.URL + "/cert"})},
		{name: "a stranger's certificate in x5c", why: oauth.BadSignature, token: evil(Members{"x5c": []string{f.certificate(f.evil)}})},
		{name: "a certificate that is none in x5c", why: oauth.Malformed, token: evil(Members{"x5c": []string{"MIIB"}})},
		{name: "an unknown id", why: oauth.UnknownKey, token: evil(Members{"kid": "unknown"})},
		{name: "an id that is an address", why: oauth.UnknownKey, token: evil(Members{"kid": f.evilSite.URL + "/keys"})},
		{name: "an id that is a path", why: oauth.UnknownKey, token: evil(Members{"kid": "../../../../dev/null"})},
		{name: "an id that is SQL", why: oauth.UnknownKey, token: evil(Members{"kid": "' UNION SELECT 'x"})},
		{name: "an id in another case", why: oauth.UnknownKey, token: good(Members{"kid": "ONE"})},
		{name: "an empty id", why: oauth.BadHeader, token: good(Members{"kid": ""})},
		{name: "an id that is a number", why: oauth.BadHeader, token: good(Members{"kid": 1})},
		{name: "an id that is too long", why: oauth.BadHeader, token: good(Members{"kid": strings.Repeat("k", 300)})},
		{name: "no id, and several keys that fit", why: oauth.UnknownKey, token: Sign(f.t, f.key, "PS256", head.With(Members{"kid": nil, "alg": "PS256"}), claims)},
		{name: "crit", why: oauth.BadHeader, token: good(Members{"crit": []string{"exp"}, "exp": 1})},
		{name: "crit, empty", why: oauth.BadHeader, token: good(Members{"crit": []string{}})},
		{name: "b64", why: oauth.BadHeader, token: good(Members{"b64": false})},
		{name: "zip", why: oauth.BadHeader, token: good(Members{"zip": "DEF"})},
		{name: "enc", why: oauth.BadHeader, token: good(Members{"enc": "A256GCM"})},
		{name: "epk", why: oauth.BadHeader, token: good(Members{"epk": f.ec.JWK()})},
		{name: "cty JWT", why: oauth.BadHeader, token: good(Members{"cty": "JWT"})},
		{name: "typ of a logout token", why: oauth.NoAccessToken, token: good(Members{"typ": "logout+jwt"})},
		{name: "typ of a proof", why: oauth.NoAccessToken, token: good(Members{"typ": "dpop+jwt"})},
		{name: "typ a number", why: oauth.BadHeader, token: good(Members{"typ": 1})},
	}
}

func (f *forger) contents() []forgery {
	at := func(d time.Duration) int64 { return f.now().Add(d).Unix() }
	jwt := Members{"alg": "RS256", "kid": "one", "typ": "JWT"}
	list := []forgery{
		{name: "the issuer of another provider", why: oauth.BadSignature, token: f.good(Members{"iss": f.other.URL})},
		{name: "the other provider's key, this issuer", why: oauth.UnknownKey, token: Sign(f.t, f.otherKey, "RS256", header(f.otherKey, "RS256"), f.claims())},
		{name: "the other provider's key of the same id, this issuer", why: oauth.BadSignature, token: Sign(f.t, f.twin, "RS256", header(f.twin, "RS256"), f.claims())},
		{name: "this provider's key, the other issuer with a key of the same id", why: oauth.BadSignature, token: f.good(Members{"iss": f.other.URL, "azp": "elsewhere"})},
		{name: "the other provider's token, this one's client", why: oauth.UnknownClient, token: Sign(f.t, f.otherKey, "RS256", header(f.otherKey, "RS256"), f.claims().With(Members{"iss": f.other.URL})), status: 403},
		{name: "an issuer that is not configured", why: oauth.UnknownIssuer, token: Sign(f.t, f.evil, "RS256", header(f.evil, "RS256"), f.claims().With(Members{"iss": f.evilSite.URL})), status: 403},
		{name: "the issuer with a slash", why: oauth.UnknownIssuer, token: f.good(Members{"iss": f.idp.URL + "/"}), status: 403},
		{name: "the issuer in another case", why: oauth.UnknownIssuer, token: f.good(Members{"iss": strings.ToUpper(f.idp.URL)}), status: 403},
		{name: "the issuer with a path", why: oauth.UnknownIssuer, token: f.good(Members{"iss": f.idp.URL + "/../" + "x"}), status: 403},
		{name: "no issuer", why: oauth.BadIssuer, token: f.good(Members{"iss": nil})},
		{name: "an issuer that is a list", why: oauth.BadIssuer, token: f.good(Members{"iss": []string{f.idp.URL}})},
		{name: "an issuer that is null", why: oauth.BadIssuer, token: f.null("iss")},
		{name: "a client that is not configured", why: oauth.UnknownClient, token: f.good(Members{"azp": "evil"}), status: 403},
		{name: "a second client that is not configured", why: oauth.UnknownClient, token: f.good(Members{"client_id": "evil"}), status: 403},
		{name: "a client in cid that is not configured", why: oauth.UnknownClient, token: f.good(Members{"cid": "evil"}), status: 403},
		{name: "a client in appid that is not configured", why: oauth.UnknownClient, token: f.good(Members{"appid": "evil"}), status: 403},
		{name: "a client that is null", why: oauth.NoClient, token: f.null("azp")},
		{name: "a client that is not configured, forged", why: oauth.BadSignature, token: Sign(f.t, f.evil, "RS256", header(f.key, "RS256"), f.claims().With(Members{"azp": "evil"}))},
		{name: "a client that is not configured, expired", why: oauth.Expired, token: f.good(Members{"azp": "evil", "exp": at(-time.Hour)})},
		{name: "a client in another case", why: oauth.UnknownClient, token: f.good(Members{"azp": "APP"}), status: 403},
		{name: "no client", why: oauth.NoClient, token: f.good(Members{"azp": nil})},
		{name: "a client that is a list", why: oauth.NoClient, token: f.good(Members{"azp": []string{"app"}})},
		{name: "an empty client", why: oauth.NoClient, token: f.good(Members{"azp": ""})},
		{name: "another audience", why: oauth.BadAudience, token: f.good(Members{"aud": "payroll"})},
		{name: "other audiences", why: oauth.BadAudience, token: f.good(Members{"aud": []string{"payroll", "Sheaf"}})},
		{name: "no audience", why: oauth.BadAudience, token: f.good(Members{"aud": nil})},
		{name: "no audience in the list", why: oauth.BadAudience, token: f.good(Members{"aud": []string{}})},
		{name: "an audience that is a number", why: oauth.BadAudience, token: f.good(Members{"aud": 7})},
		{name: "an audience that is a number in the list", why: oauth.BadAudience, token: f.good(Members{"aud": []any{"sheaf", 7}})},
		{name: "an audience that is an object", why: oauth.BadAudience, token: f.good(Members{"aud": map[string]string{"sheaf": "sheaf"}})},
		{name: "an audience that is a number, where any is accepted", why: oauth.BadAudience, token: f.elsewhere(Members{"aud": 7})},
		{name: "an audience that is a list of nothing, where any is accepted", why: oauth.BadAudience, token: f.elsewhere(Members{"aud": []string{}})},
		{name: "no end", why: oauth.NoExpiry, token: f.good(Members{"exp": nil})},
		{name: "ended", why: oauth.Expired, token: f.good(Members{"exp": at(-61 * time.Second)})},
		{name: "an end that is a text", why: oauth.BadTime, token: f.good(Members{"exp": fmt.Sprint(at(time.Hour))})},
		{name: "an end below zero", why: oauth.BadTime, token: f.good(Members{"exp": -1})},
		{name: "an end past counting", why: oauth.BadTime, token: f.raw(`{"alg":"RS256","kid":"one"}`, strings.Replace(string(mustDecode(f.claims().Encode())), `"exp":`, `"exp":1e300,"was":`, 1))},
		{name: "an end that is true", why: oauth.BadTime, token: f.good(Members{"exp": true})},
		{name: "not before tomorrow", why: oauth.NotYet, token: f.good(Members{"nbf": at(24 * time.Hour)})},
		{name: "not before a text", why: oauth.BadTime, token: f.good(Members{"nbf": "0"})},
		{name: "made tomorrow", why: oauth.NotYet, token: f.good(Members{"iat": at(24 * time.Hour)})},
		{name: "made at a text", why: oauth.BadTime, token: f.good(Members{"iat": "now"})},
		{name: "bound to a key", why: oauth.BoundToken, token: f.good(Members{"cnf": map[string]string{"jkt": "x"}})},
		{name: "an ID token by nonce", why: oauth.NoAccessToken, token: f.good(Members{"nonce": "n"})},
		{name: "an ID token by at_hash", why: oauth.NoAccessToken, token: f.good(Members{"at_hash": "h"})},
		{name: "an ID token by c_hash", why: oauth.NoAccessToken, token: f.good(Members{"c_hash": "h"})},
		{name: "an ID token by s_hash", why: oauth.NoAccessToken, token: f.good(Members{"s_hash": "h"})},
		{name: "an ID token by sid_hash", why: oauth.NoAccessToken, token: f.good(Members{"sid_hash": "h"})},
		{name: "an ID token with roles", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"scope": nil, "azp": nil, "roles": []string{"x"}}))},
		{name: "an ID token that nothing gives away", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"scope": nil, "aud": "sheaf"}))},
		{name: "Keycloak's ID token", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"typ": "ID"}))},
		{name: "Keycloak's refresh token", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"typ": "Refresh"}))},
		{name: "Cognito's ID token", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"token_use": "id"}))},
		{name: "a kind in typ that is a number", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"typ": 7}))},
		{name: "a kind in token_use that is a list", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"token_use": []string{"access"}}))},
		{name: "a logout token", why: oauth.NoAccessToken, token: f.signed(jwt, f.claims().With(Members{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}))},
		{name: "an address that is not verified", why: oauth.Unverified, token: f.good(Members{"email_verified": false})},
		{name: "an address whose proof is a text", why: oauth.Unverified, token: f.good(Members{"email_verified": "yes"})},
		{name: "an address whose proof is null", why: oauth.Unverified, token: f.raw(`{"alg":"RS256","kid":"one","typ":"at+jwt"}`, strings.Replace(string(mustDecode(f.claims().Encode())), `"email_verified":true`, `"email_verified":null`, 1))},
		{name: "no address", why: oauth.NoEmail, token: f.good(Members{"email": nil, "upn": mira})},
		{name: "an address that is a list", why: oauth.NoEmail, token: f.good(Members{"email": []string{mira}})},
		{name: "an address that is null", why: oauth.NoEmail, token: f.null("email")},
		{name: "an address that is none", why: oauth.NoEmail, token: f.good(Members{"email": "mira"})},
		{name: "two addresses", why: oauth.NoEmail, token: f.good(Members{"email": mira + "," + gone})},
		{name: "an address in other letters", why: oauth.NoEmail, token: f.good(Members{"email": strings.Replace(mira, "i", "ı", 1)})},
		{name: "an address with a line end", why: oauth.NoEmail, token: f.good(Members{"email": mira + "\n"})},
		{name: "somebody unknown", token: f.good(Members{"email": "nobody@quillmere.example"})},
		{name: "somebody with a plus", token: f.good(Members{"email": "mira+x@quillmere.example"})},
		{name: "somebody who left", token: f.good(Members{"email": gone})},
	}
	return list
}

func flip(part string) string {
	c := byte('A')
	if part[10] == c {
		c = 'B'
	}
	return part[:10] + string(c) + part[11:]
}

// loose sets bits of the last character that mean nothing.
func loose(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[i|1])
}

func mustDecode(part string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		panic(err)
	}
	return raw
}

// wantReason holds that a token is refused by the check that is there for it.
func (f *forger) wantReason(c forgery) {
	f.t.Helper()
	_, err := f.OAuth.Verify(f.t.Context(), c.token)
	got := oauth.Reason("")
	if r, ok := errors.AsType[*authority.Refusal](err); ok {
		got = oauth.Reason(r.Reason)
	}
	if got != c.why || (err == nil) != (c.why == "") {
		f.t.Errorf("%s is refused for %q (%v), want %q", c.name, got, err, c.why)
	}
}

// TestForgedTokens sends tokens that are forged, confused or broken. All are answered with the same words, and none has anybody asked anything
// beyond the bounded refresh of its own issuer's keys.
func TestForgedTokens(t *testing.T) {
	f := newForger(t)
	saved, savedOther := f.idp.KeySets.Load(), f.other.KeySets.Load() // saving the settings asked once
	for name, token := range map[string]string{
		"RS256": f.good(nil), "PS256": Sign(t, f.key, "PS256", header(f.key, "PS256"), f.claims()), "ES256": Sign(t, f.ec, "ES256", header(f.ec, "ES256"), f.claims()),
		"EdDSA": Sign(t, f.ed, "EdDSA", header(f.ed, "EdDSA"), f.claims()), "PS256 alone": Sign(t, f.tied, "PS256", header(f.tied, "PS256"), f.claims()),
		"the other provider":     f.elsewhere(nil),
		"unused extras":          Sign(t, f.key, "RS256", header(f.key, "RS256").With(Members{"x5t": "x", "jku": f.evilSite.URL, "x5u": f.evilSite.URL}), f.claims()),
		"typ JWT":                f.signed(Members{"alg": "RS256", "kid": "one", "typ": "JWT"}, f.claims()),
		"no typ":                 f.signed(Members{"alg": "RS256", "kid": "one"}, f.claims()),
		"no id, one that fits":   Sign(t, f.ed, "EdDSA", Members{"alg": "EdDSA"}, f.claims()),
		"the last minute":        f.good(Members{"exp": f.now().Add(-59 * time.Second).Unix()}),
		"a year ahead":           f.good(Members{"exp": f.now().Add(365 * 24 * time.Hour).Unix()}),
		"a clock ahead":          f.good(Members{"iat": f.now().Add(50 * time.Second).Unix(), "nbf": f.now().Add(50 * time.Second).Unix()}),
		"half seconds":           f.good(Members{"exp": float64(f.now().Unix()) + 100.5}),
		"a list of audiences":    f.good(Members{"aud": []string{"account", "sheaf-too"}}),
		"an address in capitals": f.good(Members{"email": strings.ToUpper(mira)}),
		"verified as a text":     f.good(Members{"email_verified": "true"}),
		"nothing of verified":    f.good(Members{"email_verified": nil}),
	} {
		f.want("a good token, "+name, token, 200)
	}
	list := append(append(append(f.forms(), f.algorithms()...), f.headers()...), f.contents()...)
	if len(list) < 80 {
		t.Errorf("only %d forgeries", len(list))
	}
	for _, c := range list {
		status := c.status
		if status == 0 {
			status = 401
		}
		f.want(c.name, c.token, status)
		f.wantReason(c)
		for range 3 {
			f.send(c.token)
		}
	}
	if n := f.idp.KeySets.Load() - saved; n > 3 {
		t.Errorf("the issuer's keys were fetched %d times in under ten seconds, want 3 at most", n)
	}
	if n := f.idp.Discoveries.Load(); n > 3 {
		t.Errorf("discovery was asked for %d times", n)
	}
	if n := f.other.KeySets.Load() - savedOther; n > 3 || f.other.Others.Load()+f.other.Introspections.Load()+f.other.UserInfos.Load() > 0 {
		t.Errorf("the other provider's keys were fetched %d times, want 3 at most and nothing else", n)
	}
	if n := f.evilSite.Asked(); n != 0 {
		t.Errorf("a stranger's site was asked %d times", n)
	}
	if n := f.idp.Introspections.Load() + f.idp.UserInfos.Load() + f.idp.Others.Load(); n != 0 {
		t.Errorf("the issuer was asked %d times about tokens", n)
	}
	f.want("a good token afterwards", f.good(nil), 200)
	t.Logf("%d forgeries", len(list))
}

// TestBrokenJWTsAreNotShown holds that what is meant to be a JWT is never sent to the provider that takes opaque tokens.
func TestBrokenJWTsAreNotShown(t *testing.T) {
	f := newForger(t)
	vault := provider("vault", f.evilSite)
	vault.Opaque = &oauth.Opaque{Method: oauth.Introspect}
	first := provider("work", f.idp)
	first.Audiences = []string{"sheaf"}
	f.put(nil, first, vault)
	asked := f.evilSite.Introspections.Load()
	for _, c := range append(f.forms(), f.algorithms()...) {
		f.want(c.name, c.token, 401)
	}
	if n := f.evilSite.Introspections.Load() - asked; n != 0 {
		t.Errorf("%d broken JWTs were shown to a provider", n)
	}
}
