package oauth

import (
	"context"
	"fmt"
	"strings"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Trial says step by step why a token would or would not be accepted now.
type Trial struct {
	Accepted bool   `json:"accepted"`
	Provider string `json:"provider,omitzero"`
	// Email is the address that the token names, where its signature holds.
	Email  string   `json:"email,omitzero"`
	Scopes []string `json:"scopes,omitempty"` // that it would open
	Steps  []Step   `json:"steps"`
}

// Step is one check. The first one that fails is the last.
type Step struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

func (t *Trial) pass(name, format string, args ...any) {
	if t != nil {
		t.Steps = append(t.Steps, Step{name, true, fmt.Sprintf(format, args...)})
	}
}

// Try takes a token through every check that it would meet, on behalf of an administrator, and keeps nothing of it.
func (s *Service) Try(ctx context.Context, c grant.Caller, text string) (Trial, error) {
	if err := s.may(ctx, c, grant.RoleAdmin, "Tokens are tested by Super Admins and Admins."); err != nil {
		return Trial{}, err
	}
	st, err := s.current(ctx)
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Steps: []Step{}}
	id, r := s.try(ctx, st, text, &t)
	if r.reason == "" {
		r, err = s.tryPerson(ctx, id, &t)
		if err != nil {
			return Trial{}, err
		}
		t.Provider, t.Email = id.Provider, id.Email
	} else {
		t.Provider, t.Email = r.provider, r.email
	}
	if r.reason != "" {
		name, says := s.advice(st, r, text)
		t.Steps = append(t.Steps, Step{name, false, says})
		return t, nil
	}
	t.Accepted, t.Scopes = true, id.Scopes.Names()
	return t, nil
}

// try verifies what an administrator pasted, which can be anything: what a request could not bring is shown to no provider.
func (s *Service) try(ctx context.Context, st *state, text string, t *Trial) (authority.Identity, refusal) {
	switch {
	case authority.IsOwn(text):
		return authority.Identity{}, refusal{reason: OwnToken}
	case !authority.IsToken(text):
		return authority.Identity{}, refusal{reason: Malformed}
	}
	return s.verify(ctx, st, text, t)
}

// tryPerson looks for the person as an admission does.
func (s *Service) tryPerson(ctx context.Context, id authority.Identity, t *Trial) (refusal, error) {
	var person *directory.Person
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		person, err = directory.LookupEmail(ctx, tx, id.Email)
		return err
	})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return refusal{reason: UnknownPerson, provider: id.Provider, email: id.Email}, nil
	case err != nil:
		return refusal{}, databaseAway(err)
	case !person.Active:
		return refusal{reason: DeactivatedPerson, provider: id.Provider, email: id.Email}, nil
	}
	t.pass("person", "%s is an active person here.", id.Email)
	return refusal{}, nil
}

// advice is the step that a refusal stands for, and what an administrator can do about it.
func (s *Service) advice(st *state, r refusal, text string) (step, says string) {
	c := r.claims
	if t, reason := parse(text); reason == "" {
		c = t.claims
	}
	p := st.settings.Provider(r.provider)
	if p == nil {
		p = &Provider{}
	}
	switch r.reason {
	case Off:
		return "enabled", "OAuth access tokens are switched off on this server."
	case TooLong:
		return "form", fmt.Sprintf("The token, or a part of it, is too long. A token has %d characters at most.", maxToken)
	case Malformed:
		return "form", "This is neither a well-formed JWT nor an opaque token. Make sure that it was copied whole, and that it is not encrypted."
	case OwnToken:
		return "form", "This is a token that sheaf itself has issued. It goes without X-Glean-Auth-Type, and no provider was asked about it."
	case BadAlgorithm:
		return "form", "It is signed by an algorithm that is not accepted. Have the provider sign with RS256, PS256, ES256 or EdDSA."
	case BadHeader:
		return "form", "Its header asks for something that is not accepted: an extension (crit, b64), compression, encryption or a token inside."
	case BadIssuer:
		return "issuer", "It names no issuer, or another one than its provider's."
	case UnknownIssuer:
		iss, _ := c.text("iss")
		return "issuer", fmt.Sprintf("Its issuer is %s, and no enabled provider here has just that issuer.%s", quote(iss), hintIssuer(iss))
	case UnknownKey:
		return "key", "The provider publishes no key that it can be signed with: the key was withdrawn, is shorter than 2048 bits, or is not for its algorithm."
	case BadSignature:
		return "signature", "The signature does not hold: the token was changed, or somebody else has signed it."
	case NoExpiry:
		return "times", "It never expires (exp). Such tokens are not accepted."
	case Expired:
		return "times", "It has expired."
	case NotYet:
		return "times", "It is not valid yet (nbf or iat). Are the clocks of the server and the provider right?"
	case BadTime:
		return "times", "One of its times (exp, nbf, iat) is not a number."
	}
	return s.adviceOnClaims(p, r, c)
}

func (s *Service) adviceOnClaims(p *Provider, r refusal, c claims) (step, says string) {
	switch r.reason {
	case NoAccessToken:
		return "kind", "It is an ID token, or nothing in it says that it is an access token. Send the access token that the provider gives for your API."
	case NoClient:
		return "client", "It does not say for which client it was made (azp, client_id, cid or appid)."
	case UnknownClient:
		for _, name := range clientClaims {
			if id, ok := c.text(name); ok {
				return "client", fmt.Sprintf("It was made for the client %s (%s), which is not among the client ids of %s.", quote(id), name, p.Name)
			}
		}
		return "client", "It was made for a client that is not among the client ids of " + p.Name + "."
	case BoundToken:
		return "client", "It is bound to a key of its client (cnf), whose proof is not asked for here. Have the provider give plain bearer tokens."
	case BadAudience:
		wanted := strings.Join(p.Audiences, ", ")
		list, _ := c.list("aud")
		if len(list) == 0 {
			return "audience", fmt.Sprintf("It does not say for whom it is meant (aud), and the audiences of %s are %s. Have the provider name one, or leave the audiences out.", p.Name, wanted)
		}
		return "audience", fmt.Sprintf("It is meant for %s, and the audiences of %s are %s.", quote(strings.Join(list, ", ")), p.Name, wanted)
	case NoEmail:
		return "address", fmt.Sprintf("Its claim %s holds no email address. Have the provider put it into access tokens, or choose another claim.", quote(p.Claim()))
	case Unverified:
		if p.Kind == Azure {
			return "address", "Entra ID does not vouch for the address: add the optional claim xms_edov to access tokens, or leave the claim of the person at preferred_username."
		}
		if verified, _ := c.truth("email_verified"); p.Kind == Google && verified {
			return "address", "No company manages this Google account (hd), so Google does not vouch for its address."
		}
		return "address", "The provider has not verified the address (email_verified)."
	case Inactive:
		return "provider", "The provider does not know it, or it has ended."
	case NotOpaque:
		return "form", "It is no JWT, and no enabled provider takes opaque tokens."
	case ProviderAway:
		return "provider", "The provider cannot be asked: " + explain(r.err) + "."
	case UnknownPerson:
		return "person", fmt.Sprintf("Nobody here has the address %s.", r.email)
	case DeactivatedPerson:
		return "person", fmt.Sprintf("%s is not active here.", r.email)
	}
	return "token", "It is not accepted: " + string(r.reason) + "."
}

// hintIssuer knows the one mistake that everybody makes.
func hintIssuer(iss string) string {
	const old = "https://sts.windows.net/"
	if len(iss) > len(old) && iss[:len(old)] == old {
		return " This is a token of Entra ID's version 1: set requestedAccessTokenVersion to 2 in the manifest of the application."
	}
	return ""
}
