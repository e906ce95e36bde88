package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/authority"
)

const (
	// askTime bounds all that is asked about one token, so that an admission fails in time.
	askTime = 3 * time.Second
	// awayAge is how long it counts for a token that its provider did not answer.
	awayAge = time.Second
	// maxAsking bounds how many tokens are asked about at once in each lane: whoever makes up tokens must not make sheaf a burden to its
	// provider.
	maxAsking = 32
	// maxWaiting bounds how many tokens that nobody has vouched for are asked about, or wait for it.
	maxWaiting = 1024
	// vouchedAge is how long a token that its provider vouched for goes in the lane of those.
	vouchedAge = time.Hour
	// warnEvery is how often it is logged that a provider does not answer: made-up tokens must not fill the log.
	warnEvery = 10 * time.Second
	// maxAnswers bounds what is kept of answers, some hundred bytes each.
	maxAnswers = 8192
	// tokenInfo is Google's endpoint that says of a token for which client it was made, which its userinfo does not.
	tokenInfo = "https://oauth2.googleapis.com/tokeninfo" //nolint:gosec // no credential
	// googleUserInfo says whether a company manages the account, which tokeninfo does not.
	googleUserInfo = "https://openidconnect.googleapis.com/v1/userinfo"
)

// fingerprint tells a token of one provider from all others.
type fingerprint [sha256.Size]byte

// lane holds one value for each token that is asked about in it.
type lane chan struct{}

// answers are what providers said of opaque tokens a moment ago. Tokens that a provider has vouched for are asked about in a lane of
// their own, so that whoever makes up tokens keeps only those waiting that nobody has seen.
type answers struct {
	known, strange lane

	mu      sync.Mutex // guards what follows
	kept    map[fingerprint]*said
	vouched map[fingerprint]time.Time // until when
	waiting int                       // how many of the strange ones are not answered
	warned  time.Time                 // when it was last logged that a provider does not answer
}

// said is what a provider said of one token. id, r and until may be read once done is closed.
type said struct {
	version int64 // of the settings: no answer outlives a change of them
	lane    lane
	done    chan struct{}
	id      authority.Identity
	r       refusal
	until   time.Time
}

func newAnswers() *answers {
	return &answers{
		known: make(lane, maxAsking), strange: make(lane, maxAsking), kept: map[fingerprint]*said{}, vouched: map[fingerprint]time.Time{},
	}
}

func (a *said) over() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// mayWarn reports whether it is time to log again that a provider does not answer.
func (a *answers) mayWarn(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.warned.IsZero() && now.Sub(a.warned) < warnEvery {
		return false
	}
	a.warned = now
	return true
}

// take returns what is kept under k, or a new answer that the caller must give. It returns nil where too many wait already.
func (a *answers) take(k fingerprint, version int64, now time.Time) (s *said, ask bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.kept[k]; s != nil && s.version == version && (!s.over() || now.Before(s.until)) {
		return s, false
	}
	s = &said{version: version, lane: a.known, done: make(chan struct{})}
	if !now.Before(a.vouched[k]) {
		if a.waiting >= maxWaiting {
			return nil, false
		}
		a.waiting++
		s.lane = a.strange
	}
	if len(a.kept) >= maxAnswers {
		for k, s := range a.kept { // more than one at a time, so that it is seldom
			if s.over() && (!now.Before(s.until) || len(a.kept) > maxAnswers*7/8) {
				delete(a.kept, k)
			}
		}
	}
	a.kept[k] = s
	return s, true
}

// give ends what take began.
func (a *answers) give(k fingerprint, s *said, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.lane == a.strange {
		a.waiting--
	}
	switch s.r.reason {
	case "":
		if len(a.vouched) >= maxAnswers {
			clear(a.vouched) // each waits among the strange ones once
		}
		a.vouched[k] = now.Add(vouchedAge)
	case ProviderAway: // it may still be good
	default:
		delete(a.vouched, k)
	}
	close(s.done)
}

// verifyOpaque asks the one provider that takes opaque tokens, or remembers what it said.
func (s *Service) verifyOpaque(ctx context.Context, st *state, text string, tr *Trial) (authority.Identity, refusal) {
	if len(text) > maxToken {
		return authority.Identity{}, refusal{reason: TooLong}
	}
	p := st.opaque
	if p == nil {
		return authority.Identity{}, refusal{reason: NotOpaque}
	}
	tr.pass("form", "It is no JWT, so the provider %s is asked about it.", p.Name)
	if tr != nil { // what is tried is not kept
		id, r, _ := s.ask(ctx, st, p, text, s.opaque.known, tr)
		return id, r
	}
	k := fingerprint(sha256.Sum256([]byte(p.Name + "\x00" + text)))
	answer, mine := s.opaque.take(k, st.version, s.cfg.Now())
	if answer == nil {
		return authority.Identity{}, away(p, errCrowded)
	}
	if mine {
		s.background(func() {
			answer.id, answer.r, answer.until = s.ask(s.ctx, st, p, text, answer.lane, nil)
			s.opaque.give(k, answer, s.cfg.Now())
		})
	}
	select {
	case <-answer.done:
		return answer.id, answer.r
	case <-ctx.Done():
		return authority.Identity{}, away(p, ctx.Err())
	}
}

// ask asks a provider about a token. It says until when the answer counts.
func (s *Service) ask(ctx context.Context, st *state, p *Provider, text string, in lane, tr *Trial) (id authority.Identity, r refusal, until time.Time) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	asked := s.cfg.Now()
	c, err := s.claimsOf(ctx, st, p, text, in)
	switch {
	case errors.Is(err, errInactive):
		s.metrics.asked("refused")
		return id, refusal{reason: Inactive, provider: p.Name}, asked.Add(s.cfg.OpaqueAge)
	case err != nil:
		s.metrics.asked("away")
		if s.opaque.mayWarn(asked) {
			s.log.Warn("an identity provider does not answer for a token", "provider", p.Name, "err", err)
		}
		return id, away(p, err), asked.Add(awayAge)
	}
	s.metrics.asked("answered")
	tr.pass("provider", "The provider knows it.")
	until = asked.Add(s.cfg.OpaqueAge)
	end, reason := c.times(s.cfg.Now(), false)
	if reason != "" {
		return id, refusal{reason: reason, provider: p.Name}, until
	}
	if iss, ok := c.text("iss"); c.has("iss") && (!ok || iss != p.Issuer) && p.Kind != Google {
		return id, refusal{reason: BadIssuer, provider: p.Name}, until
	}
	if end = end.Add(-leeway); end.Before(until) { // the provider itself knows the time
		until = end
	}
	email, r := c.subject(p, p.Opaque.Method == Introspect || p.Kind == Google, tr)
	if r.reason != "" {
		if tr != nil { // the advice quotes them
			r.claims = c
		}
		return id, r, until
	}
	return authority.Identity{Provider: p.Name, Email: email, Scopes: p.Opens(), Until: until}, refusal{}, until
}

// errCrowded says that a token is not asked about.
var errCrowded = errors.New("too many tokens are asked about that it has not vouched for")

// errInactive is what a provider says of a token that it does not know, or that has ended.
var errInactive = errors.New("the provider does not know the token")

// claimsOf returns what a provider says of a token.
func (s *Service) claimsOf(ctx context.Context, st *state, p *Provider, text string, in lane) (claims, error) {
	select {
	case in <- struct{}{}:
		defer func() { <-in }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var e Endpoints
	if p.Opaque.URL == "" && p.Kind != Google {
		var err error
		if e, err = s.issuerOf(p.Issuer).endpoints(ctx); err != nil {
			return nil, err
		}
	}
	address := s.opaqueURL(p, &e)
	if address == "" {
		return nil, errors.New("the discovery document of the provider names no endpoint for opaque tokens")
	}
	switch {
	case p.Kind == Google:
		return s.tokenInfo(ctx, address, text)
	case p.Opaque.Method == UserInfo:
		return s.userInfo(ctx, address, text)
	}
	secret, err := s.secretOf(st, p)
	if err != nil {
		return nil, err
	}
	c, err := s.introspect(ctx, address, p.ClientID(), secret, text)
	if err != nil || c.has(p.Claim()) {
		return c, err
	}
	// Many providers say no more than who it is by their own id. The address is in userinfo then.
	if e.UserInfo == "" {
		if e, err = s.issuerOf(p.Issuer).endpoints(ctx); err != nil || e.UserInfo == "" {
			return c, err
		}
	}
	more, err := s.userInfo(ctx, e.UserInfo, text)
	if err != nil {
		return nil, err
	}
	return c.with(more, p.Claim())
}

// with adds the person from userinfo to what introspection said.
func (c claims) with(more claims, claim string) (claims, error) {
	one, ok := c.text("sub")
	other, okToo := more.text("sub")
	if !ok || !okToo || one != other {
		return nil, errInactive // OpenID Connect Core, section 5.3.2: they must not be used together
	}
	for _, name := range [...]string{claim, "email_verified"} {
		if v, there := more[name]; there {
			c[name] = v
		}
	}
	return c, nil
}

func (s *Service) opaqueURL(p *Provider, e *Endpoints) string {
	switch {
	case p.Opaque.URL != "":
		return p.Opaque.URL
	case p.Kind == Google:
		return tokenInfo
	case p.Opaque.Method == UserInfo:
		return e.UserInfo
	}
	return e.Introspection
}

// introspect asks by RFC 7662.
func (s *Service) introspect(ctx context.Context, address, client, secret, text string) (claims, error) {
	form := url.Values{"token": {text}, "token_type_hint": {"access_token"}}
	if secret == "" {
		form.Set("client_id", client)
	}
	c, err := s.post(ctx, address, form, func(r *http.Request) {
		if secret != "" { // RFC 6749, section 2.3.1
			r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
		}
	})
	if err != nil {
		return nil, err
	}
	if active, ok := c.truth("active"); !ok || !active || c["active"].Kind() == '"' {
		return nil, errInactive
	}
	if kind, ok := c.text("token_type"); c.has("token_type") && (!ok || !strings.EqualFold(kind, "Bearer") && !strings.EqualFold(kind, "access_token")) {
		return nil, errInactive // a token that counts only with a proof, or none for access
	}
	return c, nil
}

// userInfo asks by OpenID Connect Core, section 5.3.
func (s *Service) userInfo(ctx context.Context, address, text string) (claims, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+text)
	var c claims
	err = do(s.client, r, &c)
	if answered, ok := errors.AsType[*statusError](err); ok && (answered.status == http.StatusUnauthorized || answered.status == http.StatusForbidden) {
		return nil, errInactive
	}
	if err == nil && c == nil {
		err = errNotJSON
	}
	// What userinfo answers speaks of the person. These speak of the token, and are not looked for there.
	for _, name := range [...]string{"exp", "iat", "nbf"} {
		delete(c, name)
	}
	return c, err
}

// tokenInfo asks Google.
func (s *Service) tokenInfo(ctx context.Context, address, text string) (claims, error) {
	c, err := s.post(ctx, address, url.Values{"access_token": {text}}, func(*http.Request) {})
	if answered, ok := errors.AsType[*statusError](err); ok && (answered.status == http.StatusBadRequest || answered.status == http.StatusUnauthorized) {
		return nil, errInactive
	}
	if err != nil {
		return nil, err
	}
	if !c.has("azp") { // for which client; the audience is one too
		c["azp"] = c["aud"]
	}
	if end, ok := c.text("exp"); ok { // a number, in a string
		c["exp"] = jsontext.Value(end)
	}
	if address, ok := c.text("email"); !ok || c.has("hd") || isGmail(address) {
		return c, nil
	}
	more, err := s.userInfo(ctx, googleUserInfo, text)
	if err != nil {
		return nil, err
	}
	return c.with(more, "hd")
}

func (s *Service) post(ctx context.Context, address string, form url.Values, prepare func(*http.Request)) (claims, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	prepare(r)
	var c claims
	if err = do(s.client, r, &c); err == nil && c == nil {
		err = errNotJSON
	}
	return c, err
}
