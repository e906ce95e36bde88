package sso

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

func TestSignsIn(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleAdmin)
	b := w.browser()
	request := b.begin("work", "/?q=rain+gauge")
	u, err := url.Parse(request)
	fatal(t, err)
	for name, want := range map[string]string{
		"client_id": "sheaf", "response_type": "code", "scope": "openid email profile",
		"redirect_uri": "https://search.quillmere.example/signin/callback/work",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("the provider is asked with %s = %q, want %q", name, got, want)
		}
	}
	next, person, err := b.end(w.settings.idps["work"].approve(t, request, annAccount()))
	if err != nil || person != ann || next != "/?q=rain+gauge" {
		t.Fatalf("End = %q, signed in as %q, %v, want the way back and %s", next, person, err, ann)
	}
	for _, c := range b.jar.Cookies(w.public) {
		if strings.Contains(c.Name, "signin") {
			t.Errorf("the cookie %s stays after the sign-in", c.Name)
		}
	}
	// Once more, as somebody known.
	if person, err := b.signIn("work", annAccount()); err != nil || person != ann {
		t.Errorf("a second sign-in = %q, %v", person, err)
	}
}

func TestCookieOfAFlow(t *testing.T) {
	w := newWorld(t)
	out, err := w.service.Begin(w.browser().request("/signin/work"), "work", "")
	fatal(t, err)
	if len(out.Cookies) != 1 {
		t.Fatalf("Begin sets %d cookies, want 1", len(out.Cookies))
	}
	c := out.Cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %s, want __Host-, Secure, HttpOnly and SameSite=Lax", c)
	}
	if to, _ := url.Parse(out.To); strings.Contains(c.String(), to.Query().Get("state")) {
		t.Error("the cookie gives the state away")
	}
	if len(c.String()) > 4096 {
		t.Errorf("the cookie has %d bytes, and browsers keep 4096", len(c.String()))
	}
	long, err := w.service.Begin(w.browser().request("/signin/work"), "work", "/?q="+strings.Repeat("x", 60000))
	fatal(t, err)
	if n := len(long.Cookies[0].String()); n > 4096 {
		t.Errorf("with a long way back, the cookie has %d bytes", n)
	}
}

// TestFlowsFitAHeader holds that no page of a stranger, by beginning sign-ins, makes a browser send more than proxies take: nginx
// answers 400 to a line of 8 KiB.
func TestFlowsFitAHeader(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, next := range []string{"/" + strings.Repeat("x", 1499), "/" + strings.Repeat("x", maxNext-1), "/" + strings.Repeat("\"", maxNext-1)} {
		for range maxFlows {
			b.begin("work", next)
		}
		if n := len(b.request("/").Header.Get("Cookie")); n > 8000 {
			t.Errorf("with the way back %.3s…, of %d bytes, the browser sends %d bytes of cookies", next, len(next), n)
		}
	}
}

// TestStrangersAnswers holds that an answer of a provider works in the browser that asked for it, once, and nowhere else.
func TestStrangersAnswers(t *testing.T) {
	replace := func(address, name, value string) string {
		u, _ := url.Parse(address)
		q := u.Query()
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, attack := range map[string]func(w *world, b *browser, back string) (person string, err error){
		"stolen: another browser brings the address": func(w *world, _ *browser, back string) (string, error) {
			_, person, err := w.browser().end(back)
			return person, err
		},
		"stolen: another browser with a sign-in of its own under way": func(w *world, _ *browser, back string) (string, error) {
			other := w.browser()
			other.begin("work", "")
			_, person, err := other.end(back)
			return person, err
		},
		"login CSRF: the attacker's code under the victim's state": func(w *world, b *browser, _ string) (string, error) {
			mine := w.settings.idps["work"].approve(w.t, w.browser().begin("work", ""), annAccount())
			theirs, _ := url.Parse(b.begin("work", ""))
			_, person, err := b.end(replace(mine, "state", theirs.Query().Get("state")))
			return person, err
		},
		"code of another provider": func(w *world, b *browser, back string) (string, error) {
			u, _ := url.Parse(w.settings.idps["other"].approve(w.t, w.browser().begin("other", ""), annAccount()))
			_, person, err := b.end(replace(back, "code", u.Query().Get("code")))
			return person, err
		},
		"mix-up: the answer arrives at another provider's address": func(_ *world, b *browser, back string) (string, error) {
			_, person, err := b.end(strings.Replace(back, "/callback/work", "/callback/other", 1))
			return person, err
		},
		"mix-up: the answer names another issuer": func(w *world, b *browser, back string) (string, error) {
			_, person, err := b.end(replace(back, "iss", w.settings.idps["other"].url))
			return person, err
		},
		"no issuer from a provider that always names it": func(w *world, b *browser, back string) (string, error) {
			w.settings.idps["work"].namesIssuer = true
			_, person, err := b.end(back)
			return person, err
		},
		"no state": func(_ *world, b *browser, back string) (string, error) {
			_, person, err := b.end(replace(back, "state", ""))
			return person, err
		},
		"state altered": func(_ *world, b *browser, back string) (string, error) {
			u, _ := url.Parse(back)
			_, person, err := b.end(replace(back, "state", u.Query().Get("state")[:42]+"x"))
			return person, err
		},
		"state twice": func(_ *world, b *browser, back string) (string, error) {
			_, person, err := b.end(back + "&state=x")
			return person, err
		},
		"code and error at once": func(_ *world, b *browser, back string) (string, error) {
			_, person, err := b.end(back + "&error=access_denied")
			return person, err
		},
		"cookie of a flow under the name of another": func(w *world, b *browser, back string) (string, error) {
			u, _ := url.Parse(back)
			other := w.browser()
			other.begin("work", "")
			stolen := other.jar.Cookies(w.public)[0]
			r := other.request(back)
			r.Header.Del("Cookie")
			r.AddCookie(&http.Cookie{Name: w.service.cookieName(u.Query().Get("state")), Value: stolen.Value})
			_, err := w.service.End(r, "work")
			return "", err
		},
		"cookie twice": func(w *world, b *browser, back string) (string, error) {
			r := b.request(back)
			r.AddCookie(b.jar.Cookies(w.public)[0])
			_, err := w.service.End(r, "work")
			return "", err
		},
		"the client changed meanwhile": func(w *world, b *browser, back string) (string, error) {
			w.settings.change("work", func(p *Provider) { p.ClientID = "another" })
			_, person, err := b.end(back)
			return person, err
		},
		"the issuer changed meanwhile": func(w *world, b *browser, back string) (string, error) {
			w.settings.change("work", func(p *Provider) { p.Issuer = w.settings.idps["other"].url })
			_, person, err := b.end(back)
			return person, err
		},
		"the provider is gone": func(w *world, b *browser, back string) (string, error) {
			w.settings.list = w.settings.list[1:]
			_, person, err := b.end(back)
			return person, err
		},
		"the verifier of another flow": func(w *world, b *browser, back string) (string, error) {
			p := w.settings.idps["work"]
			p.mu.Lock()
			for code, a := range p.codes {
				a.challenge = "x"
				p.codes[code] = a
			}
			p.mu.Unlock()
			_, person, err := b.end(back)
			return person, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add(ann, grant.RoleSuperAdmin)
			b := w.browser()
			back := w.settings.idps["work"].approve(t, b.begin("work", ""), annAccount())
			person, err := attack(w, b, back)
			if person != "" || fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("signed in as %q, %v, want nobody and fault.Unauthenticated", person, err)
			}
		})
	}
}

// TestOnce holds that an answer signs in once, though the provider takes its code again and the browser kept the cookie.
func TestOnce(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleMember)
	p := w.settings.idps["work"]
	p.reuse = true
	b := w.browser()
	back := p.approve(t, b.begin("work", ""), annAccount())
	first, second := b.request(back), b.request(back)
	_, err := w.service.End(first, "work")
	fatal(t, err)
	if _, err := w.service.End(second, "work"); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a second End = %v, want fault.Unauthenticated", err)
	}
	if got := w.refusals(); len(got) != 1 || !strings.Contains(got[0], "used before") {
		t.Errorf("the audit log has %q, want the replay", got)
	}
}

// TestStaleFlow holds that a flow's cookie opens for its time alone.
func TestStaleFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := sqldb.Open(context.Background(), sqldb.Config{URL: sqldb.Memory, NoSync: true})
		fatal(t, err)
		defer func() { _ = db.Close() }()
		keys, err := seal.Open(context.Background(), db)
		fatal(t, err)
		s := &Service{Config{Keys: keys, PublicURL: &url.URL{Scheme: "https", Host: "search.quillmere.example"}}}
		state := random()
		cookie, err := s.keep(state, flow{Provider: "work"})
		fatal(t, err)
		r, err := http.NewRequest(http.MethodGet, "https://search.quillmere.example/", nil)
		fatal(t, err)
		r.AddCookie(cookie)
		time.Sleep(flowLife - time.Second)
		if _, _, ok := s.kept(r, state); !ok {
			t.Error("a flow is dead before its time")
		}
		time.Sleep(2 * time.Second)
		if _, _, ok := s.kept(r, state); ok {
			t.Error("a flow outlives its time")
		}
	})
}

// TestSessionBeforeSignIn holds that a session which was planted in a browser is worth nothing once somebody signs in there.
func TestSessionBeforeSignIn(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleMember)
	w.add(bea, grant.RoleMember)
	attacker := w.browser()
	if _, err := attacker.signIn("work", map[string]any{"sub": "bea-1", "email": bea}); err != nil {
		t.Fatal(err)
	}
	victim := w.browser()
	victim.jar.SetCookies(w.public, attacker.jar.Cookies(w.public))
	before := attacker.jar.Cookies(w.public)[0].Value
	if person, err := victim.signIn("work", annAccount()); err != nil || person != ann {
		t.Fatalf("sign-in = %q, %v", person, err)
	}
	if after := victim.jar.Cookies(w.public)[0].Value; after == before {
		t.Error("the planted session's secret stays")
	}
	if _, err := w.authority.SessionFrom(attacker.request("/")); err == nil {
		t.Error("the planted session still works for whoever planted it")
	}
}

// TestTabs holds that a browser may have several sign-ins under way, and not any number of cookies.
func TestTabs(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleMember)
	b := w.browser()
	first := b.begin("work", "/first")
	second := b.begin("other", "/second")
	p := w.settings.idps["work"]
	if next, person, err := b.end(p.approve(t, first, annAccount())); err != nil || person != ann || next != "/first" {
		t.Errorf("the first tab: %q, %q, %v", next, person, err)
	}
	if next, _, err := b.end(w.settings.idps["other"].approve(t, second, annAccount())); err != nil || next != "/second" {
		t.Errorf("the second tab: %q, %v", next, err)
	}
	for range 10 {
		b.begin("work", "")
	}
	if n := len(b.jar.Cookies(w.public)); n > maxFlows+1 {
		t.Errorf("the browser keeps %d cookies, want at most %d", n, maxFlows+1)
	}
}

func TestProviderRefuses(t *testing.T) {
	for problem, want := range map[string]fault.Kind{
		"access_denied": fault.Unauthenticated, "server_error": fault.Unavailable, "temporarily_unavailable": fault.Unavailable,
		"login_required": fault.Unauthenticated, "<script>": fault.Unauthenticated, strings.Repeat("x", 5000): fault.Unauthenticated,
	} {
		w := newWorld(t)
		b := w.browser()
		u, err := url.Parse(b.begin("work", "/kept"))
		fatal(t, err)
		next, person, err := b.end("/signin/callback/work?" + url.Values{"state": {u.Query().Get("state")}, "error": {problem}, "error_description": {"<b>call 555</b>"}}.Encode())
		if person != "" || fault.KindOf(err) != want || next != "/kept" {
			t.Errorf("error=%.20s: %q as %q, %v, want %v and the way back", problem, next, person, err, want)
		}
		f, _ := errors.AsType[*fault.Fault](err)
		if strings.Contains(f.Message, "555") || strings.Contains(f.Message, "script") {
			t.Errorf("the page says what the address says: %q", f.Message)
		}
		if got := w.refusals(); len(got) != 1 || strings.ContainsAny(got[0], "<") || len(got[0]) > 200 {
			t.Errorf("error=%.20s: the audit log has %q", problem, got)
		}
	}
}

// TestAnswersAreCounted holds that nobody fills the audit log, or keeps a provider busy, with one answer brought over and over.
func TestAnswersAreCounted(t *testing.T) {
	for name, query := range map[string]url.Values{
		"a refusal": {"error": {"access_denied"}}, "another issuer": {"code": {"c"}, "iss": {"https://elsewhere.example"}}, "a code": {"code": {"c"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser()
			u, err := url.Parse(b.begin("work", ""))
			fatal(t, err)
			query.Set("state", u.Query().Get("state"))
			r := b.request("/signin/callback/work?" + query.Encode())
			last := fault.Internal
			for range 40 {
				_, err := w.service.End(r, "work")
				last = fault.KindOf(err)
			}
			if last != fault.TooMany {
				t.Errorf("the fortieth answer is met with %v, want fault.TooMany", last)
			}
			if n := len(w.refusals()); n == 0 || n > 12 {
				t.Errorf("the audit log has %d refusals, want a few", n)
			}
		})
	}
}

// TestProviderGoneMeanwhile holds that a sign-in which a provider's outage ends is on record as any other refusal.
func TestProviderGoneMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleMember)
	b := w.browser()
	back := w.settings.idps["work"].approve(t, b.begin("work", ""), annAccount())
	w.settings.down = fault.New(fault.Unavailable, "away")
	if _, person, err := b.end(back); person != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("signed in as %q, %v, want nobody and fault.Unavailable", person, err)
	}
	if got := w.refusals(); len(got) != 1 || !strings.Contains(got[0], "discovery") {
		t.Errorf("the audit log has %q, want the outage", got)
	}
	w.settings.down, w.settings.keysDown = nil, fault.New(fault.Unavailable, "away")
	if person, err := w.browser().signIn("work", annAccount()); person != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without keys: signed in as %q, %v, want nobody and fault.Unavailable", person, err)
	}
	if got := w.refusals(); len(got) != 2 || !strings.Contains(strings.Join(got, " "), "keys cannot be read") {
		t.Errorf("the audit log has %q, want both outages", got)
	}
}

// TestIDTokens holds that an ID token which is not exactly that of this sign-in is refused.
func TestIDTokens(t *testing.T) {
	set := func(name string, value any) func(*idp) {
		return func(p *idp) { p.spoil = func(c map[string]any) { c[name] = value } }
	}
	for name, spoil := range map[string]func(p *idp){
		"nonce of another sign-in":     set("nonce", random()),
		"no nonce":                     func(p *idp) { p.spoil = func(c map[string]any) { delete(c, "nonce") } },
		"issuer of another":            set("iss", "https://elsewhere.example"),
		"issuer with a slash":          func(p *idp) { p.spoil = func(c map[string]any) { c["iss"] = p.url + "/" } },
		"for another client":           set("aud", "another"),
		"for several, named by none":   set("aud", []string{"sheaf", "another"}),
		"for another, by azp":          func(p *idp) { p.spoil = func(c map[string]any) { c["aud"] = []string{"sheaf", "x"}; c["azp"] = "x" } },
		"azp of another":               set("azp", "another"),
		"expired":                      set("exp", time.Now().Add(-2*time.Minute).Unix()),
		"no expiry":                    func(p *idp) { p.spoil = func(c map[string]any) { delete(c, "exp") } },
		"not yet":                      set("nbf", time.Now().Add(time.Hour).Unix()),
		"another access token's":       set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"no sub":                       func(p *idp) { p.spoil = func(c map[string]any) { delete(c, "sub") } },
		"sub that is no text":          set("sub", 7),
		"none":                         func(p *idp) { p.sign = func(map[string]any) string { return "" } },
		"alg none":                     func(p *idp) { p.sign = func(c map[string]any) string { return unsigned(p, c) } },
		"alg none with an old payload": func(p *idp) { p.sign = func(c map[string]any) string { return unsigned(p, c) + "x" } },
		"HS256 with the client secret": func(p *idp) {
			p.sign = func(c map[string]any) string { return p.signed(jose.HS256, bytes.Repeat([]byte("s3cret"), 6), c) }
		},
		"a name twice": func(p *idp) {
			p.sign = func(c map[string]any) string {
				text := p.signed(jose.ES256, p.key, c)
				payload, _ := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
				plain := payload.UnsafePayloadWithoutVerification()
				return p.signedText(jose.ES256, p.key, append([]byte(`{"email":"`+bea+`",`), plain[1:]...))
			}
		},
		"another key": func(p *idp) {
			p.sign = func(c map[string]any) string { return newIDP(p.t).signed(jose.ES256, newIDP(p.t).key, c) }
		},
		"very large": set("name", strings.Repeat("x", maxIDToken)),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add(ann, grant.RoleMember)
			w.add(bea, grant.RoleMember)
			spoil(w.settings.idps["work"])
			person, err := w.browser().signIn("work", annAccount())
			if kind := fault.KindOf(err); person != "" || kind != fault.Unauthenticated && kind != fault.Unavailable {
				t.Errorf("signed in as %q, %v, want nobody", person, err)
			}
			if got := w.refusals(); len(got) != 1 {
				t.Errorf("the audit log has %q, want one refusal", got)
			}
		})
	}
}

func unsigned(p *idp, claims map[string]any) string {
	signed := p.signed(jose.ES256, p.key, claims)
	parts := strings.Split(signed, ".")
	return "eyJhbGciOiJub25lIn0." + parts[1] + "."
}

// TestAttemptsAreCounted holds that a stranger cannot make sheaf ask a provider without end.
func TestAttemptsAreCounted(t *testing.T) {
	w := newWorld(t)
	p := w.settings.idps["work"]
	var last error
	for range 30 {
		b := w.browser()
		u, err := url.Parse(b.begin("work", ""))
		fatal(t, err)
		_, _, last = b.end("/signin/callback/work?" + url.Values{"state": {u.Query().Get("state")}, "code": {"guessed"}}.Encode())
	}
	if fault.KindOf(last) != fault.TooMany || p.exchanges > 12 {
		t.Errorf("after 30 guesses: %v, and %d exchanges, want fault.TooMany and a dozen at most", last, p.exchanges)
	}
	// Those that succeed are forgiven: an office behind one address signs in unhindered.
	w = newWorld(t)
	w.add(ann, grant.RoleMember)
	for range 30 {
		if _, err := w.browser().signIn("work", annAccount()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProviderAway(t *testing.T) {
	w := newWorld(t)
	w.add(ann, grant.RoleMember)
	b := w.browser()
	back := w.settings.idps["work"].approve(t, b.begin("work", ""), annAccount())
	w.settings.idps["work"].url = "http://127.0.0.1:1"
	if _, person, err := b.end(back); person != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("signed in as %q, %v, want fault.Unavailable", person, err)
	}
	w.settings.secret["other"] = "wrong"
	if person, err := w.browser().signIn("other", annAccount()); person != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("with a wrong secret: %q, %v, want fault.Unavailable", person, err)
	}
	if got := w.refusals(); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "client id or secret") }) {
		t.Errorf("the audit log has %q, want a word about the client secret", got)
	}
}

// FuzzAnswer holds that whatever stands in the address of the callback, nobody is signed in without a flow of this browser.
func FuzzAnswer(f *testing.F) {
	f.Add("state=x&code=y")
	f.Add("state=" + random() + "&code=1&iss=https://a")
	f.Add("error=access_denied&state=" + strings.Repeat("a", 43))
	db, err := sqldb.Open(context.Background(), sqldb.Config{URL: sqldb.Memory, NoSync: true})
	fatal(f, err)
	f.Cleanup(func() { _ = db.Close() })
	keys, err := seal.Open(context.Background(), db)
	fatal(f, err)
	s := &Service{Config{Keys: keys, PublicURL: &url.URL{Scheme: "https", Host: "search.quillmere.example"}}}
	cookie, err := s.keep(random(), flow{Provider: "work"})
	fatal(f, err)
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/signin/callback/work", RawQuery: query}, Header: http.Header{}}
		r.AddCookie(cookie)
		in, err := s.End(r, "work")
		if err == nil || len(in.Cookies) > 0 {
			t.Errorf("End(%q) = %v, %v", query, in, err)
		}
	})
}
