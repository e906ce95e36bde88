package oauth

// Reason says why a token is refused: for metrics, the audit log and the test of a token. Whoever sent the token does not learn it.
type Reason string

// The reasons.
const (
	TooLong           Reason = "too-long"
	Malformed         Reason = "malformed"
	OwnToken          Reason = "own-token" // one that sheaf issued
	BadAlgorithm      Reason = "algorithm"
	BadHeader         Reason = "header"
	NoAccessToken     Reason = "no-access-token"
	BadIssuer         Reason = "issuer"
	UnknownIssuer     Reason = "unknown-issuer" // 403
	UnknownKey        Reason = "unknown-key"
	BadSignature      Reason = "signature"
	NoExpiry          Reason = "no-expiry"
	Expired           Reason = "expired"
	NotYet            Reason = "not-yet"
	BadTime           Reason = "time"
	NoClient          Reason = "no-client"
	UnknownClient     Reason = "unknown-client" // 403
	BoundToken        Reason = "bound-token"    // it counts only with a proof that is not asked for here
	BadAudience       Reason = "audience"
	NoEmail           Reason = "no-email"
	Unverified        Reason = "unverified-email"
	Inactive          Reason = "inactive" // an opaque token that its provider does not know
	NotOpaque         Reason = "opaque"   // an opaque token, and no provider takes them
	Off               Reason = "off"      // 403
	ProviderAway      Reason = "provider-away"
	UnknownPerson     Reason = "unknown-person"
	DeactivatedPerson Reason = "deactivated-person"
)
