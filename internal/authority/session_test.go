package authority

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

func withCookie(method string, c *http.Cookie, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/api/admin/v1/tokens", nil)
	r.AddCookie(c)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestSessionLifecycle(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	p := n.person(t, "mira@example.com", grant.RoleSuperAdmin)
	link, err := n.CreateLink(ctx, n.Maintenance(), "mira@example.com")
	wantNone(t, "link", err)
	if want := "https://search.example.com/signin?code=" + link.Code.Reveal(); link.URL != want || !link.Expires.Equal(n.clock.now().Add(15*time.Minute)) {
		t.Errorf("link = %s until %v, want %s", link.URL, link.Expires, want)
	}
	v, cookie, err := n.SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal())
	wantNone(t, "sign in", err)
	if cookie.Name != "__Host-sheaf" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode ||
		cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 7*24*3600 {
		t.Errorf("cookie = %+v", cookie)
	}
	if !v.Admin.Is(grant.Session) || v.Admin.Role() != grant.RoleSuperAdmin || !v.Admin.Has(grant.AdminScope) || v.Admin.Scopes()&grant.AllScopes != 0 ||
		!v.User.Is(grant.User) || v.User.Scopes() != grant.AllScopes || v.User.Person() != p.ID || v.Session != v.Admin.Token() {
		t.Errorf("visit = %v %v, %v %v", v.Admin.Kind(), v.Admin.Role(), v.User.Kind(), v.User.Scopes())
	}
	_, _, err = n.SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal())
	wantKind(t, "the link a second time", err, fault.Unauthenticated)

	again, err := n.SessionFrom(withCookie("GET", cookie))
	if err != nil || again.CSRF != v.CSRF || v.CSRF == "" || n.CSRF(v.Admin) != v.CSRF || again.Session != v.Session {
		t.Errorf("SessionFrom = %+v, %v; want the session of the sign-in", again, err)
	}
	wantNone(t, "sign out", n.EndSession(ctx, v.Admin))
	_, err = n.SessionFrom(withCookie("GET", cookie))
	wantKind(t, "after sign-out", err, fault.Unauthenticated)
	wantKind(t, "stream after sign-out", v.User.Recheck(), fault.Unauthenticated)
	if c := n.ClearedCookie(); c.MaxAge >= 0 || c.Name != cookie.Name || c.Value != "" {
		t.Errorf("ClearedCookie = %+v", c)
	}
	for _, action := range []string{"signin-link.create", "session.begin", "session.end", "session.refuse"} {
		page, err := n.audit.List(ctx, audit.Filter{Subject: p.ID, Action: action})
		if err != nil || len(page.Entries) != 1 {
			t.Errorf("audit of %s = %+v, %v; want one entry", action, page.Entries, err)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	off := false
	for name, tc := range map[string]struct {
		do   func(n *node, v Visit, c *http.Cookie)
		ends bool
	}{
		"nothing":      {func(*node, Visit, *http.Cookie) {}, false},
		"11 h of rest": {func(n *node, _ Visit, _ *http.Cookie) { n.clock.advance(11 * time.Hour) }, false},
		"12 h of rest": {func(n *node, _ Visit, _ *http.Cookie) { n.clock.advance(12 * time.Hour) }, true},
		"6 days of use": {func(n *node, _ Visit, c *http.Cookie) {
			for range 6 * 24 / 8 {
				n.clock.advance(8 * time.Hour)
				_, _ = n.SessionFrom(withCookie("GET", c))
			}
		}, false},
		"7 days of use": {func(n *node, _ Visit, c *http.Cookie) {
			for range 7 * 24 / 8 {
				n.clock.advance(8 * time.Hour)
				_, _ = n.SessionFrom(withCookie("GET", c))
			}
		}, true},
		"deactivation": {func(n *node, v Visit, _ *http.Cookie) {
			_, err := n.UpdatePerson(context.Background(), n.Maintenance(), v.Admin.Person(), directory.Patch{Active: &off})
			wantNone(t, "deactivate", err)
		}, true},
		"deactivation and back": {func(n *node, v Visit, _ *http.Cookie) {
			for _, active := range []bool{false, true} {
				_, err := n.UpdatePerson(context.Background(), n.Maintenance(), v.Admin.Person(), directory.Patch{Active: &active})
				wantNone(t, "change", err)
			}
		}, true},
		"sign-in anew in the same browser": {func(n *node, _ Visit, c *http.Cookie) {
			link, err := n.CreateLink(context.Background(), n.Maintenance(), "mira@example.com")
			wantNone(t, "link", err)
			_, fresh, err := n.SignIn(withCookie("POST", c), link.Code.Reveal())
			wantNone(t, "sign in", err)
			if fresh.Value == c.Value {
				t.Error("the session kept its secret at sign-in")
			}
		}, true},
		"sign-in elsewhere": {func(n *node, _ Visit, _ *http.Cookie) { n.signIn(t, "mira@example.com") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			n.person(t, "root@example.com", grant.RoleSuperAdmin)
			n.person(t, "mira@example.com", grant.RoleMember)
			v, cookie := n.signIn(t, "mira@example.com")
			tc.do(n, v, cookie)
			_, err := n.SessionFrom(withCookie("GET", cookie))
			if ended := err != nil; ended != tc.ends {
				t.Errorf("SessionFrom: %v, want it ended %v", err, tc.ends)
			}
		})
	}
}

// TestIdleSessionIsSeenByOtherNodes holds that a session used on one node does not end as idle on
// another.
func TestIdleSessionIsSeenByOtherNodes(t *testing.T) {
	path, clock := database(t), newClock()
	here, there := openNode(t, path, clock), openNode(t, path, clock)
	here.person(t, "mira@example.com", grant.RoleMember)
	_, cookie := here.signIn(t, "mira@example.com")
	_, err := there.SessionFrom(withCookie("GET", cookie))
	wantNone(t, "there", err)
	for range 3 {
		clock.advance(10 * time.Hour)
		_, err = here.SessionFrom(withCookie("GET", cookie))
		wantNone(t, "here", err)
		wantNone(t, "write uses", here.writeUses(context.Background()))
	}
	clock.advance(11 * time.Hour)
	_, err = there.SessionFrom(withCookie("GET", cookie))
	wantNone(t, "there, 41 hours later", err)
}

func TestLinks(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	n.person(t, "root@example.com", grant.RoleSuperAdmin)
	root, _ := n.signIn(t, "root@example.com")
	p := n.person(t, "mira@example.com", grant.RoleMember)
	link := func(by grant.Caller) string {
		t.Helper()
		l, err := n.CreateLink(ctx, by, "mira@example.com")
		wantNone(t, "link", err)
		return l.Code.Reveal()
	}
	use := func(code string) error {
		_, _, err := n.SignIn(httptest.NewRequest("POST", "/signin", nil), code)
		return err
	}
	first := link(n.Maintenance())
	second := link(n.Maintenance())
	wantKind(t, "a replaced link", use(first), fault.Unauthenticated)
	wantNone(t, "the newer link", use(second))

	third := link(n.Maintenance())
	n.clock.advance(15 * time.Minute)
	wantKind(t, "after 15 minutes", use(third), fault.Unauthenticated)
	fourth := link(root.Admin)
	n.clock.advance(24*time.Hour - time.Microsecond)
	wantNone(t, "an invitation within 24 hours", use(fourth))
	fifth := link(n.Maintenance())
	if _, err := n.people.SetActive(ctx, p.ID, false); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "of an inactive person", use(fifth), fault.Unauthenticated)
	_, err := n.CreateLink(ctx, n.Maintenance(), "mira@example.com")
	wantKind(t, "for an inactive person", err, fault.Conflict)
	_, err = n.CreateLink(ctx, n.Maintenance(), "nobody@example.com")
	wantKind(t, "for nobody", err, fault.NotFound)
	n.clock.advance(time.Hour) // the attempts are forgiven
	for _, code := range []string{"", "x", newSecret(linkSecret).Reveal(), newSecret(clientSecret).Reveal(), strings.Repeat("a", 1<<20)} {
		wantKind(t, "a code that is none", use(code), fault.Unauthenticated)
	}
}

// TestLinkWorksOnce races for one link.
func TestLinkWorksOnce(t *testing.T) {
	path, clock := database(t), newClock()
	nodes := []*node{openNode(t, path, clock), openNode(t, path, clock)}
	nodes[0].person(t, "mira@example.com", grant.RoleMember)
	link, err := nodes[0].CreateLink(context.Background(), nodes[0].Maintenance(), "mira@example.com")
	wantNone(t, "link", err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		wg.Go(func() {
			if _, _, err := nodes[i%2].SignIn(httptest.NewRequest("POST", "/signin", nil), link.Code.Reveal()); err == nil {
				mu.Lock()
				defer mu.Unlock()
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("the link worked %d times, want once", won)
	}
}

func TestCSRF(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleAdmin)
	v, cookie := n.signIn(t, "mira@example.com")
	other, _ := n.signIn(t, "mira@example.com")
	const own = "https://search.example.com"
	for _, tc := range []struct {
		method  string
		headers []string
		ok      bool
	}{
		{"GET", nil, true},
		{"HEAD", nil, true},
		{"GET", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, true}, // a link; it changes nothing
		{"POST", []string{"X-CSRF-Token", v.CSRF}, true},
		{"DELETE", []string{"X-CSRF-Token", v.CSRF, "Origin", own, "Sec-Fetch-Site", "same-origin"}, true},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "https://SEARCH.example.com:443"}, true},
		{"POST", nil, false},
		{"DELETE", nil, false},
		{"PATCH", []string{"Origin", own}, false},
		{"POST", []string{"X-CSRF-Token", ""}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF + "a"}, false},
		{"POST", []string{"X-CSRF-Token", other.CSRF}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "X-CSRF-Token", v.CSRF}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "https://evil.example"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "http://search.example.com"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "https://search.example.com:8443"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "https://search.example.com.evil.example"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", "null"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Origin", own, "Origin", own}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Sec-Fetch-Site", "cross-site"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Sec-Fetch-Site", "same-site"}, false},
		{"POST", []string{"X-CSRF-Token", v.CSRF, "Sec-Fetch-Site", "same-origin", "Origin", "https://evil.example"}, false},
	} {
		_, err := n.Admit(withCookie(tc.method, cookie, tc.headers...), rpc.AdminAPI)
		if tc.ok {
			wantNone(t, tc.method+" "+strings.Join(tc.headers, " "), err)
		} else {
			wantKind(t, tc.method+" "+strings.Join(tc.headers, " "), err, fault.Forbidden)
		}
	}
	form := withCookie("POST", cookie)
	wantNone(t, "form", n.CheckForm(form, v, v.CSRF))
	wantKind(t, "form of another session", n.CheckForm(form, v, other.CSRF), fault.Forbidden)
	wantKind(t, "form without a token", n.CheckForm(form, v, ""), fault.Forbidden)

	two := withCookie("GET", cookie)
	two.AddCookie(cookie)
	_, err := n.SessionFrom(two)
	wantKind(t, "two session cookies", err, fault.Unauthenticated)
	cross := httptest.NewRequest("POST", "/signin", nil)
	cross.Header.Set("Origin", "https://evil.example")
	_, _, err = n.SignIn(cross, newSecret(linkSecret).Reveal())
	wantKind(t, "sign-in from another site", err, fault.Forbidden)
}

func TestLoopbackNamesAreOneOrigin(t *testing.T) {
	n := openNode(t, database(t), newClock(), func(c *Config) {
		c.PublicURL = &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}
	})
	for origin, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://[::1]:8080": true,
		"http://localhost:8081": false, "https://localhost:8080": false, "http://localhost.evil.example:8080": false, "http://10.0.0.1:8080": false,
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Origin", origin)
		if err := n.CheckOrigin(r); ok != (err == nil) {
			t.Errorf("CheckOrigin(%s) = %v, want allowed %v", origin, err, ok)
		}
	}
	n.person(t, "mira@example.com", grant.RoleMember)
	if _, cookie := n.signIn(t, "mira@example.com"); cookie.Name != "sheaf" || cookie.Secure {
		t.Errorf("cookie over plain HTTP = %+v", cookie)
	}
}

func TestSignInIsThrottled(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleMember)
	attempt := func(address string) error {
		r := httptest.NewRequest("POST", "/signin", nil)
		r.RemoteAddr = address + ":1234"
		_, _, err := n.SignIn(r, newSecret(linkSecret).Reveal())
		return err
	}
	for range addressBurst {
		wantKind(t, "an attempt", attempt("203.0.113.5"), fault.Unauthenticated)
	}
	err := attempt("203.0.113.5")
	wantKind(t, "one too many", err, fault.TooMany)
	if f, ok := err.(*fault.Fault); !ok || f.RetryAfter <= 0 || f.RetryAfter > addressEvery { //nolint:errorlint // as it is
		t.Errorf("RetryAfter = %v, want up to %v", f.RetryAfter, addressEvery)
	}
	wantKind(t, "from another address", attempt("203.0.113.6"), fault.Unauthenticated)
	n.clock.advance(addressEvery)
	wantKind(t, "after the wait", attempt("203.0.113.5"), fault.Unauthenticated)
	wantKind(t, "and again", attempt("203.0.113.5"), fault.TooMany)

	for range 5 * addressBurst { // attempts that succeed do not count
		n.signIn(t, "mira@example.com")
	}
}

func TestThrottleIsBoundedAndCountsInAll(t *testing.T) {
	th, now := newThrottle(), time.Now()
	refused := 0
	for i := range 20_000 {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if th.take(address, now) > 0 {
			refused++
		}
	}
	if len(th.by) > maxBuckets || refused != 20_000-overallBurst {
		t.Errorf("%d addresses kept, %d attempts refused; want at most %d, and %d", len(th.by), refused, maxBuckets, 20_000-overallBurst)
	}
	same := 0
	for i := range 100 { // one customer's IPv6 addresses are one
		a := netip.MustParseAddr("2001:db8::").As16()
		a[15] = byte(i)
		if th.take(netip.AddrFrom16(a), now.Add(time.Hour)) == 0 {
			same++
		}
	}
	if same != addressBurst {
		t.Errorf("%d attempts from one /64, want %d", same, addressBurst)
	}
}

func TestFirstStart(t *testing.T) {
	path, clock := database(t), newClock()
	nodes := []*node{openNode(t, path, clock), openNode(t, path, clock)}
	var wg sync.WaitGroup
	links := make([]Link, 2)
	made := make([]bool, 2)
	for i, n := range nodes {
		wg.Go(func() {
			var err error
			links[i], made[i], err = n.FirstStart(context.Background(), "admin@localhost")
			wantNone(t, "first start", err)
		})
	}
	wg.Wait()
	if made[0] == made[1] {
		t.Fatalf("first start on two nodes made %v, want one", made)
	}
	i := 0
	if made[1] {
		i = 1
	}
	v, _, err := nodes[0].SignIn(httptest.NewRequest("POST", "/signin", nil), links[i].Code.Reveal())
	if err != nil || v.Admin.Role() != grant.RoleSuperAdmin || v.Admin.Email() != "admin@localhost" {
		t.Errorf("first sign-in = %s %v, %v", v.Admin.Email(), v.Admin.Role(), err)
	}
}

func TestSweepRemovesOnlyWhatIsLongDead(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	n.person(t, "mira@example.com", grant.RoleMember)
	n.signIn(t, "mira@example.com")
	id, secret := n.indexingToken(t, NewIndexingToken{PeriodMinutes: 1440})
	c, err := n.Admit(request(secret), rpc.IndexingAPI)
	wantNone(t, "admit", err)
	_, err = n.Rotate(ctx, c)
	wantNone(t, "rotate", err)
	count := func() (rows []int64) {
		for _, q := range []string{
			"SELECT COUNT(*) FROM sessions", "SELECT COUNT(*) FROM signin_links", "SELECT COUNT(*) FROM indexing_secrets", "SELECT COUNT(*) FROM indexing_tokens",
		} {
			wantNone(t, "count", n.db.Read(ctx, func(tx *sqldb.Tx) error {
				k, err := sqldb.One(ctx, tx, sqldb.ScanInt, q)
				rows = append(rows, k)
				return err
			}))
		}
		return rows
	}
	for _, step := range []struct {
		pass time.Duration
		want [4]int64
	}{
		{0, [4]int64{1, 1, 2, 1}},
		{11 * time.Minute, [4]int64{1, 1, 1, 1}},
		{31 * 24 * time.Hour, [4]int64{1, 0, 1, 1}},
		{7 * 24 * time.Hour, [4]int64{0, 0, 1, 1}},
	} {
		n.clock.advance(step.pass)
		wantNone(t, "sweep", n.sweep(ctx))
		if got := [4]int64(count()); got != step.want {
			t.Errorf("after %v more: sessions, links, secrets, tokens = %v, want %v", step.pass, got, step.want)
		}
	}
	if _, err := n.IndexingToken(ctx, n.Maintenance(), id); err != nil {
		t.Errorf("an expired token has left the list: %v", err)
	}
}
