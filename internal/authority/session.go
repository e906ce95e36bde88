package authority

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

const (
	// sessionLife and sessionIdle end a session: a week after sign-in, and half a day after its last use,
	// which is known to a minute.
	sessionLife = 7 * 24 * time.Hour
	sessionIdle = 12 * time.Hour
)

// Visit is a request with a session: one signed-in person, as the two callers that they are.
type Visit struct {
	// Session is the session's id.
	Session string
	// Admin is the person in the console and the admin API, of kind Session, with their role.
	Admin grant.Caller
	// User is the same person on the search page, of kind User, with every scope.
	User grant.Caller
	// CSRF is what forms post back and scripts send as X-CSRF-Token. It belongs to the session.
	CSRF string
}

// cookieName binds the cookie to this very host where the connection is private (RFC 6265bis, section
// 4.1.3.2).
func (a *Authority) cookieName() string {
	if a.private() {
		return "__Host-sheaf"
	}
	return "sheaf"
}

func (a *Authority) private() bool { return a.cfg.PublicURL.Scheme == "https" }

func (a *Authority) cookie(value string, age time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the public address is https; plain HTTP is for one's own machine
		Name: a.cookieName(), Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true,
		Secure: a.private(), SameSite: http.SameSiteLaxMode,
	}
}

// ClearedCookie is the cookie that makes a browser forget its session.
func (a *Authority) ClearedCookie() *http.Cookie { return a.cookie("", -time.Second) }

// SessionFrom returns the visit that the cookie of r proves, or fault.Unauthenticated. It does not
// tell whose request it is: for anything that changes state CheckForm must agree too.
func (a *Authority) SessionFrom(r *http.Request) (Visit, error) {
	fingerprint, ok := a.sessionPrint(r)
	if !ok {
		return Visit{}, signedOut()
	}
	adm, err := a.admission(r.Context(), source{kind: sessionSecret}, key{fingerprint: fingerprint})
	if err != nil {
		return Visit{}, err
	}
	a.usage.touch(adm.mark, a.now())
	return Visit{Session: adm.caller.Token(), Admin: adm.caller, User: adm.user, CSRF: adm.csrf}, nil
}

// sessionPrint reads the one session cookie of r. Two of them mean that something else sets cookies
// for this host, and neither is believed.
func (a *Authority) sessionPrint(r *http.Request) (fingerprint, bool) {
	cookies := r.CookiesNamed(a.cookieName())
	if len(cookies) != 1 {
		return fingerprint{}, false
	}
	k, p, ok := readSecret(cookies[0].Value)
	return p, ok && k == sessionSecret
}

// admitSession admits a request of the admin API: a session, and for whatever may change state its
// CSRF token and our own origin. No bearer token opens the admin API, not even beside a session.
func (a *Authority) admitSession(r *http.Request) (grant.Caller, error) {
	for _, value := range r.Header["Authorization"] {
		if scheme, _, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
			return grant.Caller{}, signedOut()
		}
	}
	v, err := a.SessionFrom(r)
	if err != nil {
		return grant.Caller{}, err
	}
	if changes(r.Method) {
		sent := r.Header[csrfHeader]
		if len(sent) != 1 {
			return grant.Caller{}, crossSite("Send the session's CSRF token in the header X-CSRF-Token, once.")
		}
		if err := a.CheckForm(r, v, sent[0]); err != nil {
			return grant.Caller{}, err
		}
	}
	return v.Admin, nil
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func crossSite(message string) *fault.Fault {
	return fault.New(fault.Forbidden, message).WithCode("csrf")
}

// CheckForm reports whether a request that changes state was sent from a page of ours: token must be
// v's CSRF token, and what the browser says of the request's origin must not speak against it.
func (a *Authority) CheckForm(r *http.Request, v Visit, token string) error {
	if err := a.CheckOrigin(r); err != nil {
		return err
	}
	if !a.cfg.Keys.Signed(seal.Session, v.Session, token) {
		return crossSite("The CSRF token is not the one of this session. Load the page again.")
	}
	return nil
}

// CSRF returns the CSRF token of c's session, and "" for a caller without one.
func (a *Authority) CSRF(c grant.Caller) string {
	if !c.Is(grant.Session) {
		return ""
	}
	return a.csrfToken(c.Token())
}

// csrfToken is the CSRF token of a session: a signature of its id, so nothing is stored.
func (a *Authority) csrfToken(session string) string { return a.cfg.Keys.Sign(seal.Session, session) }

// CheckOrigin refuses a request that a browser sent from a page of another site. Programs that send
// neither Origin nor Sec-Fetch-Site pass: they hold no cookie that a stranger could borrow.
func (a *Authority) CheckOrigin(r *http.Request) error {
	site, origin := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	if len(site) > 1 || len(origin) > 1 || len(site) == 1 && site[0] != "same-origin" && site[0] != "none" {
		return crossSite("The request came from a page of another site.")
	}
	if len(origin) == 1 && !a.ownOrigin(origin[0]) {
		return crossSite("The request came from a page of another site. If it is this server, set public-url to the address that browsers show.")
	}
	return nil
}

// ownOrigin compares an origin with the public address. The names of the loopback interface are one.
func (a *Authority) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return false
	}
	own := a.cfg.PublicURL
	if !strings.EqualFold(u.Scheme, own.Scheme) || portOf(u) != portOf(own) {
		return false
	}
	return strings.EqualFold(u.Hostname(), own.Hostname()) || loopback(u.Hostname()) && loopback(own.Hostname())
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

func loopback(host string) bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(host))
}

// EndSession signs c out: the session is dead from the next request on.
func (a *Authority) EndSession(ctx context.Context, c grant.Caller) error {
	if c.Token() == "" || !c.Is(grant.Session|grant.User) {
		return signedOut()
	}
	return a.change(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at = 0", a.now(), c.Token())
		if err != nil || n == 0 {
			return err
		}
		entry := audit.By(c)
		entry.Action, entry.Subject, entry.SubjectName = "session.end", c.Person(), c.Email()
		return a.cfg.Audit.Append(ctx, tx, entry)
	})
}
