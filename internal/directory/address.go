package directory

import (
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// MaxAddress is the greatest length of an address in bytes (RFC 5321, section 4.5.3.1.3, less the
// angle brackets).
const MaxAddress = 254

// FoldEmail returns the form of an address by which it is stored and compared: trimmed of space and
// tab, with ASCII letters in lower case, and otherwise as it stands. Anything that is not a plain
// ASCII address is refused as fault.Invalid: no plus, dot or Unicode folding takes place, so that no
// two people are ever taken for one.
func FoldEmail(address string) (string, error) {
	text := strings.Trim(address, " \t")
	at := strings.IndexByte(text, '@')
	if at <= 0 || at == len(text)-1 || len(text) > MaxAddress || strings.IndexByte(text[at+1:], '@') >= 0 {
		return "", errAddress
	}
	folded := []byte(text)
	for i, c := range folded {
		switch {
		case c >= 'A' && c <= 'Z':
			folded[i] = c + 'a' - 'A'
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>[\]`, c) >= 0:
			return "", errAddress
		}
	}
	return string(folded), nil
}

var errAddress = fault.New(fault.Invalid, "An email address is needed, in ASCII and of the form name@example.com.")
