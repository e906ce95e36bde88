package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// leeway is how far the clock of a provider may be from ours.
const leeway = 60 * time.Second

// refusal is why a token is refused, and what is known of it by then. Its zero value refuses nothing.
type refusal struct {
	reason   Reason
	provider string // where the issuer is known
	email    string // where the signature holds
	claims   claims // where the provider was asked for them
	err      error  // for the log
}

// fault is what whoever sent the token learns: the same of every token that does not hold.
func (r refusal) fault() error {
	why := &authority.Refusal{Provider: r.provider, Reason: string(r.reason), Email: r.email, Err: r.err}
	switch r.reason {
	case Off:
		return fault.New(fault.Forbidden, "OAuth access tokens are not accepted: OAuth is off on this server.").Wrap(why)
	case UnknownIssuer:
		return fault.New(fault.Forbidden, "OAuth access tokens of this issuer are not accepted: it is not configured on this server.").Wrap(why)
	case UnknownClient:
		return fault.New(fault.Forbidden, "OAuth access tokens of this client are not accepted: its client id is not configured on this server.").Wrap(why)
	case ProviderAway:
		return providerAway(why)
	}
	return fault.New(fault.Unauthenticated, "The token does not hold.").Wrap(why)
}

// Verify returns for whom an access token speaks.
func (s *Service) Verify(ctx context.Context, text string) (authority.Identity, error) {
	st, err := s.current(ctx)
	if err != nil {
		return authority.Identity{}, err
	}
	id, r := s.verify(ctx, st, text, nil)
	if r.reason != "" {
		return authority.Identity{}, r.fault()
	}
	return id, nil
}

// VerifySignature returns the payload of a JWT that an issuer among the settings has signed. It looks at nothing in the payload.
// Sign-in uses it for ID tokens, so that their keys are kept and bounded as those of access tokens are.
func (s *Service) VerifySignature(ctx context.Context, p Provider, text string) ([]byte, error) {
	t, reason := parseSigned(text, maxIDToken)
	if reason != "" {
		return nil, refusal{reason: reason, provider: p.Name}.fault()
	}
	payload, _, r := s.signed(ctx, &t, &p, nil)
	if r.reason != "" {
		return nil, r.fault()
	}
	return payload, nil
}

// verify takes a token through all checks. tr, which may be nil, is told of each.
func (s *Service) verify(ctx context.Context, st *state, text string, tr *Trial) (authority.Identity, refusal) {
	if !st.settings.Enabled {
		return authority.Identity{}, refusal{reason: Off}
	}
	tr.pass("enabled", "OAuth access tokens are accepted on this server.")
	if !isJWT(text) {
		return s.verifyOpaque(ctx, st, text, tr)
	}
	t, reason := parse(text)
	if reason != "" {
		return authority.Identity{}, refusal{reason: reason}
	}
	tr.pass("form", "It is one signed JWT, by %s.", t.alg)
	iss, ok := t.claims.text("iss")
	if !ok {
		return authority.Identity{}, refusal{reason: BadIssuer}
	}
	p := st.issuers[iss]
	if p == nil {
		return authority.Identity{}, refusal{reason: UnknownIssuer}
	}
	tr.pass("issuer", "The issuer is that of the provider %s.", p.Name)
	_, until, r := s.signed(ctx, &t, p, tr)
	if r.reason != "" {
		return authority.Identity{}, r
	}
	now := s.cfg.Now()
	end, reason := t.claims.times(now, true)
	if reason != "" {
		return authority.Identity{}, refusal{reason: reason, provider: p.Name}
	}
	tr.pass("times", "It is valid now.")
	if end.Before(until) {
		until = end
	}
	if !t.isAccessToken() {
		return authority.Identity{}, refusal{reason: NoAccessToken, provider: p.Name}
	}
	tr.pass("kind", "It is an access token, not an ID token.")
	email, r := t.claims.subject(p, true, tr)
	if r.reason != "" {
		return authority.Identity{}, r
	}
	return authority.Identity{Provider: p.Name, Email: email, Scopes: p.Opens(), Until: until}, refusal{}
}

// signed checks the signature of t by the keys of p, and says until when that counts.
func (s *Service) signed(ctx context.Context, t *token, p *Provider, tr *Trial) ([]byte, time.Time, refusal) {
	keys, until, err := s.issuerOf(p.Issuer).find(ctx, t.alg, t.kid)
	switch {
	case err != nil:
		return nil, until, refusal{reason: ProviderAway, provider: p.Name, err: err}
	case len(keys) == 0:
		return nil, until, refusal{reason: UnknownKey, provider: p.Name}
	}
	tr.pass("key", "The provider publishes the key that it names.")
	read, err := jose.ParseSignedCompact(t.text, []algorithm{t.alg})
	if err != nil {
		return nil, until, refusal{reason: Malformed, provider: p.Name, err: err}
	}
	for _, k := range keys {
		payload, err := read.Verify(k.public)
		if err == nil {
			tr.pass("signature", "The signature holds.")
			return payload, until, refusal{}
		}
	}
	return nil, until, refusal{reason: BadSignature, provider: p.Name}
}

// times checks the times of a token and returns when it ends.
func (c claims) times(now time.Time, needEnd bool) (time.Time, Reason) {
	seconds := float64(now.UnixMicro()) / 1e6
	slack := leeway.Seconds()
	for _, name := range [...]string{"nbf", "iat"} {
		if !c.has(name) {
			continue
		}
		switch at, ok := c.time(name); {
		case !ok:
			return time.Time{}, BadTime
		case at > seconds+slack:
			return time.Time{}, NotYet
		}
	}
	far := now.Add(24 * time.Hour) // what is kept is kept for less
	if !c.has("exp") {
		if needEnd {
			return time.Time{}, NoExpiry
		}
		return far, ""
	}
	end, ok := c.time("exp")
	switch {
	case !ok:
		return time.Time{}, BadTime
	case seconds >= end+slack:
		return time.Time{}, Expired
	case end+slack > seconds+far.Sub(now).Seconds():
		return far, ""
	}
	return time.UnixMicro(int64((end + slack) * 1e6)), ""
}

// isAccessToken tells access tokens from ID tokens, which prove to a client who signed in, and must open nothing. RFC 9068 gives access
// tokens a type of their own; of others something must say that they are access tokens, and nothing the contrary.
func (t *token) isAccessToken() bool {
	c := t.claims
	for _, name := range [...]string{"at_hash", "c_hash", "s_hash", "nonce", "events", "sid_hash"} {
		if c.has(name) {
			return false
		}
	}
	typ, hasTyp := c.text("typ") // Keycloak
	use, hasUse := c.text("token_use")
	if c.has("typ") && (!hasTyp || !strings.EqualFold(typ, "Bearer")) || c.has("token_use") && (!hasUse || use != "access") {
		return false
	}
	if t.typ == accessTokenType || hasTyp || hasUse {
		return true
	}
	for _, name := range [...]string{"scope", "scp", "client_id", "cid", "appid"} {
		if c.has(name) {
			return true
		}
	}
	// Application permissions of Entra ID. An ID token can have roles too, but no azp.
	return c.has("roles") && c.has("azp")
}

// clientClaims are the names under which providers say for which client a token was made.
var clientClaims = [...]string{"azp", "client_id", "cid", "appid"} //nolint:gochecknoglobals // constant

// subject checks for whom the claims are meant and returns the address of the person. needClient says whether they must name a
// client.
func (c claims) subject(p *Provider, needClient bool, tr *Trial) (string, refusal) {
	named := false
	for _, name := range clientClaims {
		if !c.has(name) {
			continue
		}
		switch id, ok := c.text(name); {
		case !ok || id == "":
			return "", refusal{reason: NoClient, provider: p.Name}
		case !slices.Contains(p.ClientIDs, id): // each that is there, for they should not differ
			return "", refusal{reason: UnknownClient, provider: p.Name}
		}
		named = true
	}
	if !named && needClient {
		return "", refusal{reason: NoClient, provider: p.Name}
	}
	if named {
		tr.pass("client", "It was made for a client that is configured.")
	} else {
		tr.pass("client", "The provider does not say for which client it was made; any client of the provider is accepted.")
	}
	if c.has("cnf") {
		return "", refusal{reason: BoundToken, provider: p.Name}
	}
	if r := c.meant(p, tr); r.reason != "" {
		return "", r
	}
	return c.email(p, tr)
}

// meant checks the audience.
func (c claims) meant(p *Provider, tr *Trial) refusal {
	if c.has("aud") {
		list, ok := c.list("aud")
		if !ok || len(list) == 0 {
			return refusal{reason: BadAudience, provider: p.Name}
		}
		if len(p.Audiences) > 0 && !slices.ContainsFunc(list, func(a string) bool { return slices.Contains(p.Audiences, a) }) {
			return refusal{reason: BadAudience, provider: p.Name}
		}
	} else if len(p.Audiences) > 0 {
		return refusal{reason: BadAudience, provider: p.Name}
	}
	if len(p.Audiences) > 0 {
		tr.pass("audience", "It is meant for an audience that is configured.")
	} else {
		tr.pass("audience", "No audience is configured, so for whom it is meant is not looked at.")
	}
	return refusal{}
}

// email returns the address of the person.
func (c claims) email(p *Provider, tr *Trial) (string, refusal) {
	name := p.Claim()
	text, ok := c.text(name)
	if !ok {
		return "", refusal{reason: NoEmail, provider: p.Name}
	}
	address, err := directory.FoldEmail(text)
	if err != nil {
		return "", refusal{reason: NoEmail, provider: p.Name}
	}
	if verified, _ := c.truth("email_verified"); c.has("email_verified") && !verified {
		return "", refusal{reason: Unverified, provider: p.Name, email: address}
	}
	// Whoever holds an account in any directory can set its mail to any address. Entra ID vouches for it in this claim alone.
	if p.Kind == Azure && name == "email" && !slices.Contains([]string{"true", `"true"`, "1", `"1"`}, string(c["xms_edov"])) {
		return "", refusal{reason: Unverified, provider: p.Name, email: address}
	}
	// Google vouches for addresses of its own and of its customers' domains. Any other was verified once, and may have another holder by now.
	if hd, _ := c.text("hd"); p.Kind == Google && hd == "" && !isGmail(address) {
		return "", refusal{reason: Unverified, provider: p.Name, email: address}
	}
	tr.pass("address", "The claim %s names %s.", name, address)
	return address, refusal{}
}

func isGmail(address string) bool { return strings.HasSuffix(strings.ToLower(address), "@gmail.com") }

// away says what a provider was asked and how it failed.
func away(p *Provider, err error) refusal {
	return refusal{reason: ProviderAway, provider: p.Name, err: fmt.Errorf("ask %s: %w", p.Name, err)}
}
