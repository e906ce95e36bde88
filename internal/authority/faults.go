package authority

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// unauthenticated is the answer to every token that does not hold, whatever the reason: the words
// must not tell an unknown token from a revoked one.
func unauthenticated() *fault.Fault {
	return fault.New(fault.Unauthenticated, "The token is missing, malformed, unknown, expired or revoked.")
}

// signedOut is the same for sessions.
func signedOut() *fault.Fault {
	return fault.New(fault.Unauthenticated, "You are not signed in, or your session has ended. Sign in again.")
}

// The texts that the contract reports for these two (behaviour.md, section 1.3).
func actAsMissing() *fault.Fault {
	return fault.New(fault.Invalid, "Required header missing: "+actAsName).WithField(actAsName)
}

func actAsUnknown() *fault.Fault { return fault.New(fault.Unauthenticated, "Invalid identity") }

func actAsNotAllowed() *fault.Fault {
	return badActAs(actAsName + " is for tokens with the permission GLOBAL. Leave it out or empty with this token.")
}

func oauthOff() *fault.Fault {
	return fault.New(fault.Forbidden, "OAuth access tokens are not accepted: OAuth is off on this server.")
}

func addressRefused() *fault.Fault {
	return fault.New(fault.Forbidden, "This token may not be used from your address.")
}

func forbidden(message string) *fault.Fault { return fault.New(fault.Forbidden, message) }

func invalid(field, message string) *fault.Fault {
	return fault.New(fault.Invalid, message).WithField(field)
}

// away turns the error of a look-up into what a caller may know: admission cannot be decided.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fault.New(fault.Unavailable, "The database is away, so the credential cannot be checked. Try again shortly.").Wrap(err)
}
