package authority

import (
	"net/http"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// The spellings of the ActAs header, as net/http keeps them: X-Glean-ActAs, X-Glean-Act-As and
// X-Scio-ActAs.
const (
	actAsHeader    = "X-Glean-Actas"
	actAsHyphened  = "X-Glean-Act-As"
	actAsOlder     = "X-Scio-Actas"
	authTypeHeader = "X-Glean-Auth-Type"
	csrfHeader     = "X-Csrf-Token"
	actAsName      = "X-Glean-ActAs" // as people write it
)

// maxToken bounds a bearer token. Access tokens of identity providers that list groups reach a few KB.
const maxToken = 16 << 10

// credentials is what the headers of a request say.
type credentials struct {
	token string // of the form token68 (RFC 9110, section 11.2)
	oauth bool   // X-Glean-Auth-Type says that the token is an OAuth access token
	actAs string // a folded address, or ""
	// late is a mistake that only a caller whose token holds is told of: whoever has no token learns
	// that, and nothing else.
	late *fault.Fault
}

// readCredentials is the one reader of the credential headers. It refuses whatever another reader
// could take differently: no or several Authorization headers, a form that is not exactly
// "Bearer token68", several auth types, several ActAs headers of one spelling, or spellings that
// differ.
func readCredentials(h http.Header) (credentials, error) {
	token, ok := bearer(h["Authorization"])
	if !ok {
		return credentials{}, unauthenticated()
	}
	c := credentials{token: token}
	types := h[authTypeHeader]
	if len(types) > 1 {
		return credentials{}, fault.New(fault.Invalid, "X-Glean-Auth-Type may be sent once.").WithField("X-Glean-Auth-Type")
	}
	// Any other value leaves the token an issued one: clients in use send BEARER or GLOBAL with those.
	c.oauth = len(types) == 1 && strings.EqualFold(strings.Trim(types[0], " \t"), "OAUTH")
	c.actAs, c.late = readActAs(h)
	return c, nil
}

// bearer returns the token of exactly one "Bearer token68".
func bearer(values []string) (string, bool) {
	const scheme = "Bearer "
	if len(values) != 1 || len(values[0]) <= len(scheme) || len(values[0]) > len(scheme)+maxToken ||
		!strings.EqualFold(values[0][:len(scheme)], scheme) {
		return "", false
	}
	token := values[0][len(scheme):]
	if !IsToken(token) {
		return "", false
	}
	return token, true
}

// IsToken reports whether text has the form of a bearer token.
func IsToken(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		if !token68[body[i]] {
			return false
		}
	}
	return body != ""
}

// IsOwn reports whether text looks like a secret that this server makes, though mistyped. It must never be shown to a provider.
func IsOwn(text string) bool { return strings.HasPrefix(text, issuer) }

// token68 are the characters of a token. JWTs are long, so they are looked up in a table.
var token68 = func() (set [256]bool) { //nolint:gochecknoglobals // constant
	for c := range set {
		set[c] = alphanumeric(byte(c)) || strings.IndexByte("-._~+/", byte(c)) >= 0
	}
	return set
}()

// readActAs returns the one address that the ActAs headers name, "" where they name none.
func readActAs(h http.Header) (string, *fault.Fault) {
	folded := ""
	for _, name := range [...]string{actAsHeader, actAsHyphened, actAsOlder} {
		values := h[name]
		if len(values) > 1 {
			return "", badActAs(actAsName + " may be sent once.")
		}
		if len(values) == 0 {
			continue
		}
		if strings.Trim(values[0], " \t") == "" {
			continue
		}
		address, err := directory.FoldEmail(values[0])
		if err != nil {
			return "", badActAs(actAsName + " must be one email address, in ASCII and of the form name@example.com.")
		}
		if folded != "" && folded != address {
			return "", badActAs(actAsName + " and its other spellings name different people. Send one of them.")
		}
		folded = address
	}
	return folded, nil
}

func badActAs(message string) *fault.Fault {
	return fault.New(fault.Invalid, message).WithField(actAsName)
}
