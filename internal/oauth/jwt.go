package oauth

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a token, looked at before anything else of it is.
const (
	maxToken     = 16 << 10
	maxIDToken   = 64 << 10 // it has come from the provider itself, and can hold groups by the hundred
	maxHeader    = 4 << 10
	maxSignature = 1400 // base64 of the signature of an RSA key of 8192 bits is 1366 long
	maxDepth     = 16
)

// token is a JWT that was read and not yet believed.
type token struct {
	text   string
	alg    algorithm
	kid    string
	typ    string // in lower case, without "application/"
	claims claims
}

// claims are the claims by name. Each value is JSON.
type claims map[string]jsontext.Value

// isJWT reports whether text has the form of a JWT, or is meant to have it: such a token is verified here and never shown
// to a provider, however broken it is.
func isJWT(text string) bool {
	return strings.Count(text, ".") > 1 || strings.HasPrefix(text, "eyJ") // {"
}

// isBase64 reports whether text is base64url without padding, and nothing else: the decoder of the library passes over line ends.
func isBase64(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return text != ""
}

// object decodes one part of a token: a JSON object, without names that stand in it twice.
func object(part string) (map[string]jsontext.Value, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || len(raw) == 0 || raw[0] != '{' || deep(raw) {
		return nil, false
	}
	var members map[string]jsontext.Value
	err = json.Unmarshal(raw, &members, jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))
	return members, err == nil
}

// deep reports whether JSON nests deeper than any token does. It may count brackets in strings too, which no token has in such numbers.
func deep(raw []byte) bool {
	depth := 0
	for _, c := range raw {
		switch c {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// parse is the strict reader: nothing that is not plainly one signed JWT gets past it, and it asks nobody.
func parse(text string) (token, Reason) {
	t, reason := parseSigned(text, maxToken)
	if reason == "" && t.typ != "" && t.typ != "jwt" && t.typ != accessTokenType {
		return token{}, NoAccessToken
	}
	return t, reason
}

// parseSigned is parse for a JWT of any type, of most bytes.
func parseSigned(text string, most int) (token, Reason) {
	if len(text) > most {
		return token{}, TooLong
	}
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 3 {
		return token{}, Malformed
	}
	if len(parts[0]) > maxHeader || len(parts[2]) > maxSignature {
		return token{}, TooLong
	}
	for _, part := range parts {
		if !isBase64(part) {
			return token{}, Malformed
		}
	}
	// One token has one form: the last character must not be free to differ in bits that mean nothing.
	if _, err := base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return token{}, Malformed
	}
	header, ok := object(parts[0])
	if !ok {
		return token{}, Malformed
	}
	t := token{text: text}
	if reason := t.readHeader(header); reason != "" {
		return token{}, reason
	}
	if t.claims, ok = object(parts[1]); !ok {
		return token{}, Malformed
	}
	return t, ""
}

// readHeader takes what counts from a header. Keys, certificates and addresses in it do not.
func (t *token) readHeader(header claims) Reason {
	alg, ok := header.text("alg")
	if !ok {
		return BadAlgorithm
	}
	t.alg = algorithm(alg)
	known := false
	for _, a := range algorithms() {
		known = known || a == t.alg
	}
	if !known {
		return BadAlgorithm
	}
	// Extensions that must be understood, encryption, payloads that are elsewhere or not in base64 (RFC 7797), and tokens in tokens.
	for _, name := range [...]string{"crit", "enc", "zip", "b64", "epk"} {
		if header.has(name) {
			return BadHeader
		}
	}
	for _, optional := range []struct {
		name string
		to   *string
	}{{"kid", &t.kid}, {"typ", &t.typ}} {
		if !header.has(optional.name) {
			continue
		}
		if *optional.to, ok = header.text(optional.name); !ok || *optional.to == "" || len(*optional.to) > maxKeyID {
			return BadHeader
		}
	}
	t.typ = strings.TrimPrefix(strings.ToLower(t.typ), "application/")
	if header.has("cty") {
		return BadHeader
	}
	return ""
}

// accessTokenType is the type of RFC 9068.
const accessTokenType = "at+jwt"

func (c claims) has(name string) bool {
	_, ok := c[name]
	return ok
}

// text returns a claim that is a string.
func (c claims) text(name string) (string, bool) {
	v := c[name]
	if v.Kind() != '"' {
		return "", false
	}
	var text string
	err := json.Unmarshal(v, &text)
	return text, err == nil
}

// list returns a claim that is a string, or a list of strings.
func (c claims) list(name string) ([]string, bool) {
	if text, ok := c.text(name); ok {
		return []string{text}, true
	}
	v := c[name]
	if v.Kind() != '[' {
		return nil, false
	}
	var values []jsontext.Value
	if json.Unmarshal(v, &values) != nil {
		return nil, false
	}
	list := make([]string, 0, len(values))
	for _, v := range values {
		var text string
		if v.Kind() != '"' || json.Unmarshal(v, &text) != nil {
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}

// time returns a claim that is a time (RFC 7519, section 2), in seconds.
func (c claims) time(name string) (float64, bool) {
	v := c[name]
	if v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	// Past 2^53 the numbers are not exact any more; the year is then 285 million.
	return f, err == nil && !math.IsNaN(f) && f >= 0 && f < 1<<53
}

// truth returns a claim that is true or false. Some providers write it as a string.
func (c claims) truth(name string) (value, ok bool) {
	switch string(c[name]) {
	case "true", `"true"`:
		return true, true
	case "false", `"false"`:
		return false, true
	}
	return false, false
}
