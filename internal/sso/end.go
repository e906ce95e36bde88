package sso

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// Arrival is how a sign-in ended: the cookies to set, also where it failed, and where to go.
type Arrival struct {
	// Next is what Begin was given.
	Next    string
	Cookies []*http.Cookie
}

const (
	// askTime bounds all that a provider is asked at the end of one sign-in.
	askTime = 15 * time.Second
	// maxCode and maxIDToken are several times what providers in use send.
	maxCode    = 4096
	maxIDToken = 64 << 10
	// leeway is how far a provider's clock may be off.
	leeway = time.Minute
)

// algorithms are those that an ID token may be signed with. None of them is symmetric.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.PS256, oidc.EdDSA}

// End ends the sign-in that the provider of that name sent the browser back from. Its errors are faults whose words are
// for the person; the cookies of the arrival are to be set in any case. Every refusal of an answer that belongs to a
// sign-in begun here is in the audit log.
func (s *Service) End(r *http.Request, name string) (Arrival, error) {
	answer, ok := readAnswer(r.URL.Query())
	if !ok {
		return Arrival{}, notBegun()
	}
	f, cookie, ok := s.kept(r, answer.state)
	if !ok {
		return Arrival{}, notBegun()
	}
	arrival := Arrival{Next: f.Next, Cookies: []*http.Cookie{s.forget(cookie)}}
	session, err := s.end(r, name, f, answer)
	if err != nil {
		return arrival, s.refused(r.Context(), f.Provider, err)
	}
	arrival.Cookies = append(arrival.Cookies, session)
	return arrival, nil
}

// answer is what the provider put into the address.
type answer struct{ state, code, problem, issuer string }

// readAnswer refuses what two readers could take differently.
func readAnswer(q url.Values) (a answer, ok bool) {
	for name, to := range map[string]*string{"state": &a.state, "code": &a.code, "error": &a.problem, "iss": &a.issuer} {
		values := q[name]
		if len(values) > 1 {
			return answer{}, false
		}
		if len(values) == 1 {
			*to = values[0]
		}
	}
	return a, a.state != "" && (a.code == "") != (a.problem == "") && len(a.code) <= maxCode
}

// refusal is why a sign-in ended without a session: what the person is told, and what the audit log keeps.
type refusal struct {
	told *fault.Fault
	why  string
	// who is known of the account, where the provider has vouched for it.
	person, email string
}

func (r *refusal) Error() string { return r.why }

func refuse(told *fault.Fault, format string, args ...any) *refusal {
	return &refusal{told: told, why: fmt.Sprintf(format, args...)}
}

// refused puts a refusal on record, and returns what the person is told.
func (s *Service) refused(ctx context.Context, provider string, err error) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	s.cfg.Log.Info("sign-in refused", "provider", provider, "why", r.why)
	entry := audit.Entry{
		Action: "session.refuse", Subject: r.person, SubjectName: r.email, Outcome: audit.Refused, Detail: "provider " + provider + ": " + r.why,
	}
	if err := s.cfg.Audit.Record(ctx, entry); err != nil {
		return err
	}
	return r.told
}

func notBegun() *fault.Fault {
	return fault.New(fault.Unauthenticated, "This sign-in was not begun in this browser, has been used, or took too long. Start again from here.")
}

func notTaken() *fault.Fault {
	return fault.New(fault.Unauthenticated, "What the provider sent back does not hold, so you are not signed in. Start again; if it goes on, tell an administrator.")
}

func providerAway() *fault.Fault {
	return fault.New(fault.Unavailable, "The provider does not answer as it should, so you are not signed in. Try again in a moment.")
}

func noSecret() *fault.Fault {
	return fault.New(fault.Unavailable, "This server cannot read the secret that it shares with the provider. Tell an administrator.")
}

// end holds the answer against the flow, fetches the ID token, and makes the session.
func (s *Service) end(r *http.Request, name string, f flow, a answer) (*http.Cookie, error) {
	ctx := r.Context()
	// No code can be guessed. This keeps strangers from making sheaf ask the provider without end, and from filling the audit
	// log: an answer that says no can be brought again and again.
	if err := s.cfg.Authority.Attempt(r); err != nil {
		return nil, err
	}
	if f.Provider != name {
		return nil, refuse(notTaken(), "the answer arrived at the address of %q", name)
	}
	p, err := s.provider(ctx, name)
	if err != nil || p.Issuer != f.Issuer || p.ClientID != f.Client {
		return nil, refuse(notBegun(), "the provider's settings changed meanwhile")
	}
	if a.issuer != "" && a.issuer != p.Issuer {
		return nil, refuse(notTaken(), "the answer names another issuer")
	}
	if a.problem != "" {
		return nil, refuse(declined(a.problem), "the provider answered %s", wordOf(a.problem))
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	account, err := s.redeem(ctx, p, f, a)
	if err != nil {
		return nil, err
	}
	if err := s.spend(ctx, a.state); err != nil {
		return nil, err
	}
	person, err := s.personOf(ctx, p, account)
	if err != nil {
		return nil, err
	}
	_, cookie, err := s.cfg.Authority.Begin(r, person, "provider "+p.Name)
	if err != nil {
		return nil, err
	}
	s.cfg.Authority.Forgive(r)
	return cookie, nil
}

// declined puts a provider's refusal into words. What it says itself is not shown: anybody can write an address.
func declined(problem string) *fault.Fault {
	switch problem {
	case "access_denied":
		return fault.New(fault.Unauthenticated, "The provider did not let you in, or you cancelled there. If you should have access, ask whoever runs it.")
	case "temporarily_unavailable", "server_error":
		return providerAway()
	}
	return fault.New(fault.Unauthenticated, "The provider refused the sign-in. Start again; if it goes on, tell an administrator: the reason is in the audit log.")
}

// wordOf is a provider's error code, if it has the form of one (RFC 6749, section 4.1.2.1).
func wordOf(problem string) string {
	if len(problem) > 60 {
		return "an error"
	}
	for i := range len(problem) {
		if c := problem[i]; (c < 'a' || c > 'z') && c != '_' {
			return "an error"
		}
	}
	return problem
}

// redeem exchanges the code, and returns the account that the provider vouches for.
func (s *Service) redeem(ctx context.Context, p Provider, f flow, a answer) (account, error) {
	at, err := s.cfg.Providers.Endpoints(ctx, p.Name)
	if err != nil {
		s.cfg.Log.Warn("a provider's endpoints cannot be read", "provider", p.Name, "err", short(err))
		return account{}, refuse(providerAway(), "the provider's discovery document cannot be read")
	}
	if at.NamesIssuer && a.issuer == "" {
		return account{}, refuse(notTaken(), "the answer names no issuer, and this provider's always do")
	}
	secret, err := s.cfg.Providers.Secret(ctx, p.Name)
	if err != nil {
		s.cfg.Log.Error("a client secret cannot be read", "provider", p.Name, "err", err)
		return account{}, refuse(noSecret(), "the client secret cannot be read on this server")
	}
	ctx = oidc.ClientContext(ctx, s.cfg.Providers.Client()) // the same key as oauth2.HTTPClient
	token, err := s.client(p, at, secret).Exchange(ctx, a.code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return account{}, s.exchangeFailed(p, err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" || len(raw) > maxIDToken {
		return account{}, refuse(providerAway(), "the provider sent no ID token")
	}
	keys := &keySet{providers: s.cfg.Providers, name: p.Name}
	id, err := s.verifier(p, keys).Verify(ctx, raw)
	switch {
	case fault.KindOf(keys.err) == fault.Unavailable:
		s.cfg.Log.Warn("a provider's keys cannot be read", "provider", p.Name, "err", keys.err)
		return account{}, refuse(providerAway(), "the provider's keys cannot be read")
	case err != nil:
		s.cfg.Log.Warn("an ID token does not hold", "provider", p.Name, "err", err)
		return account{}, refuse(notTaken(), "the ID token does not hold: %s", short(err))
	}
	if id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return account{}, refuse(notTaken(), "the ID token was made for another sign-in")
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return account{}, refuse(notTaken(), "the ID token was made for another access token")
	}
	return s.read(ctx, p, at, raw, token)
}

// exchangeFailed tells a code that does not hold from a client that the provider does not know, and from a provider that is
// away.
func (s *Service) exchangeFailed(p Provider, err error) error {
	s.cfg.Log.Warn("a code could not be exchanged", "provider", p.Name, "err", short(err))
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return refuse(providerAway(), "the token endpoint does not answer as it should")
	}
	switch {
	case r.ErrorCode == "invalid_grant":
		return refuse(notTaken(), "the provider does not take the code")
	case r.ErrorCode == "invalid_client" || r.ErrorCode == "unauthorized_client" || r.ErrorCode == "" && statusOf(r) == http.StatusUnauthorized:
		told := fault.New(fault.Unavailable, "The provider does not know this server: its client id or secret is wrong. Tell an administrator.")
		return refuse(told, "the provider does not take the client id or secret (%d %s)", statusOf(r), wordOf(r.ErrorCode))
	}
	return refuse(providerAway(), "the token endpoint answered %d %s", statusOf(r), wordOf(r.ErrorCode))
}

func statusOf(r *oauth2.RetrieveError) int {
	if r.Response == nil {
		return 0
	}
	return r.Response.StatusCode
}

// short is an error in at most a line. Errors of exchanges can hold the whole answer, and with it what is secret.
func short(err error) string {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Sprintf("status %d, %s", statusOf(r), wordOf(r.ErrorCode))
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	text := err.Error()
	return text[:min(len(text), 300)]
}

// verifier checks ID tokens of p: issuer, audience and times here, form, algorithm and key as those of access tokens are.
func (s *Service) verifier(p Provider, keys oidc.KeySet) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(p.Issuer, keys, &oidc.Config{
		ClientID: p.ClientID, SupportedSigningAlgs: algorithms, Now: func() time.Time { return s.cfg.Now().Add(-leeway) },
	})
}

// keySet is what the settings know of a provider's keys. go-oidc keeps no more than the text of an error, so err is kept here.
type keySet struct {
	providers Providers
	name      string
	err       error
}

// VerifySignature returns the payload of a token that the provider has signed.
func (k *keySet) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	payload, k.err = k.providers.VerifySignature(ctx, k.name, token)
	return payload, k.err
}
