package authority

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// OAuthVerifier says for whom an OAuth access token of a configured provider speaks.
type OAuthVerifier interface {
	// Verify returns the identity that token proves. Its errors are faults: Unauthenticated for a
	// token that does not hold, Forbidden where OAuth is off or the issuer or client id is not
	// configured, Unavailable where a provider that must be asked is away.
	Verify(ctx context.Context, token string) (Identity, error)
}

// Identity is what a verified OAuth access token says.
type Identity struct {
	// Provider is the name of the provider, as the settings have it.
	Provider string
	// Email is the verified address. It acts as the person who holds it.
	Email string
	// Scopes are what the provider's settings let its tokens open.
	Scopes grant.Scopes
	// Until is how long the answer may be used again without another Verify, at most the token's own
	// end. A change of the settings raises Version, which ends it at once.
	Until time.Time
}

// oauthToken is the source of admissions by OAuth. It is no letter of a secret.
const oauthToken kind = 'o'
