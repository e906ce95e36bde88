package oauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/oauth"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
	"github.com/sheafsearch/sheaf/internal/server"
)

func opaqueWorld(t *testing.T, method oauth.Method, change ...func(*oauth.Provider)) *world {
	w := newWorld(t)
	w.idp.Secret = "hush"
	if method == oauth.UserInfo {
		w.idp.Secret = ""
	}
	p := provider("work", w.idp)
	p.Opaque = &oauth.Opaque{Method: method}
	for _, c := range change {
		c(&p)
	}
	w.put(map[string]string{"work": w.idp.Secret}, p)
	return w
}

func TestIntrospection(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect, func(p *oauth.Provider) { p.Audiences = []string{"sheaf"} })
	good := Members{"client_id": "app", "aud": "sheaf", "email": mira, "sub": "u1", "token_type": "Bearer", "exp": w.now().Add(time.Hour).Unix(), "iss": w.idp.URL}
	for name, c := range map[string]struct {
		claims Members
		status int
	}{
		"good":                       {good, 200},
		"without an issuer":          {good.With(Members{"iss": nil}), 200},
		"without an end":             {good.With(Members{"exp": nil}), 200},
		"verified":                   {good.With(Members{"email_verified": true}), 200},
		"not active":                 {good.With(Members{"active": false}), 401},
		"active as a text":           {good.With(Members{"active": "true"}), 401},
		"active as a number":         {good.With(Members{"active": 1}), 401},
		"of another client":          {good.With(Members{"client_id": "evil"}), 403},
		"without a client":           {good.With(Members{"client_id": nil}), 401},
		"for another audience":       {good.With(Members{"aud": "payroll"}), 401},
		"of another issuer":          {good.With(Members{"iss": "https://evil.example"}), 401},
		"ended":                      {good.With(Members{"exp": w.now().Add(-2 * time.Minute).Unix()}), 401},
		"not yet":                    {good.With(Members{"nbf": w.now().Add(time.Hour).Unix()}), 401},
		"that needs a proof":         {good.With(Members{"token_type": "DPoP"}), 401},
		"bound":                      {good.With(Members{"cnf": map[string]string{"x5t#S256": "x"}}), 401},
		"with an unverified address": {good.With(Members{"email_verified": false}), 401},
		"of somebody who left":       {good.With(Members{"email": gone}), 401},
		"of somebody unknown":        {good.With(Members{"email": "nobody@quillmere.example"}), 401},
		"without an address":         {good.With(Members{"email": nil}), 401},
	} {
		token := fmt.Sprintf("opaque-%d", len(name)) + "-" + fmt.Sprintf("%x", name)
		w.idp.Know(token, c.claims)
		w.want("a token "+name, token, c.status)
	}
	w.want("a token that nobody knows", "opaque-unknown", 401)
	w.want("a JWT all the same", w.good(nil), 200)
}

func TestIntrospectionWithTheAddressInUserinfo(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("split", Members{"client_id": "app", "sub": "u1"})
	w.want("a token whose address is nowhere", "split", 401)
	p := provider("work", w.idp)
	p.Opaque, p.UserClaim = &oauth.Opaque{Method: oauth.Introspect}, "mail"
	w.put(nil, p)
	// Both endpoints of the test's provider answer alike, so the claim is asked for in userinfo and not there either.
	w.want("a token whose address has another name", "split", 401)
	if w.idp.UserInfos.Load() == 0 {
		t.Error("userinfo was not asked")
	}
}

func TestATriedOpaqueTokenIsQuoted(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect, func(p *oauth.Provider) { p.Audiences = []string{"sheaf"} })
	for token, c := range map[string]struct {
		claims Members
		says   string
	}{
		"other-audience": {Members{"client_id": "app", "aud": []string{"payroll", "lunch"}, "email": mira}, "It is meant for “payroll, lunch”, and the audiences of work are sheaf."},
		"no-audience":    {Members{"client_id": "app", "email": mira}, "It does not say for whom it is meant (aud), and"},
		"other-client":   {Members{"client_id": "evil", "aud": "sheaf", "email": mira}, "It was made for the client “evil” (client_id)"},
	} {
		w.idp.Know(token, c.claims)
		trial, err := w.OAuth.Try(t.Context(), w.Authority.Maintenance(), token)
		if err != nil {
			t.Fatal(err)
		}
		if last := trial.Steps[len(trial.Steps)-1]; last.OK || !strings.HasPrefix(last.Says, c.says) {
			t.Errorf("Try(%s) says %q, want %q", token, last.Says, c.says)
		}
	}
}

// TestOnlyTokensAreTried holds that whatever somebody pastes by mistake is not sent to the provider.
func TestOnlyTokensAreTried(t *testing.T) {
	w := opaqueWorld(t, oauth.UserInfo)
	asked := w.idp.Asked()
	for _, text := range []string{"shf_c_0000000000000000000000000000000000000000000000000", "shf_x", "", "=", "my password", "Bearer opaque", "opaque\n", "öpaque"} {
		trial, err := w.OAuth.Try(t.Context(), w.Authority.Maintenance(), text)
		if err != nil || trial.Accepted || trial.Steps[len(trial.Steps)-1].Name != "form" {
			t.Errorf("Try(%q) = %+v, %v, want to fail at the form", text, trial, err)
		}
	}
	if n := w.idp.Asked() - asked; n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestUserinfo(t *testing.T) {
	w := opaqueWorld(t, oauth.UserInfo)
	w.idp.Know("mira", Members{"sub": "u1", "email": mira, "email_verified": true})
	w.idp.Know("unverified", Members{"sub": "u1", "email": mira, "email_verified": false})
	w.idp.Know("of-another-client", Members{"sub": "u1", "email": mira, "azp": "evil"})
	w.want("a token", "mira", 200)
	w.want("an unverified address", "unverified", 401)
	w.want("another client, where it is named", "of-another-client", 403)
	w.want("an unknown one", "who", 401)
}

func TestGoogleTokensNameTheirClient(t *testing.T) {
	w := newWorld(t)
	// Google's own addresses cannot be reached from a test: its endpoint for tokens is played by introspection, which answers alike.
	p := oauth.Provider{
		Name: "google", Kind: oauth.Google, Issuer: "https://accounts.google.com", ClientIDs: []string{"app"}, Disabled: true,
		Opaque: &oauth.Opaque{Method: oauth.UserInfo, URL: w.idp.URL + "/tokeninfo"},
	}
	if err := w.OAuth.Put(t.Context(), w.Authority.Maintenance(), oauth.Settings{Enabled: true, Providers: []oauth.Provider{p}}, nil); err != nil {
		t.Fatal(err)
	}
	got := w.OAuth.Settings(t.Context())
	if len(got.Providers) != 1 || got.Providers[0].Claim() != "email" {
		t.Errorf("Settings = %+v", got)
	}
}

func TestAnswersAreKeptFor5Seconds(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("mira", Members{"client_id": "app", "email": mira})
	w.idp.SetDelay(20 * time.Millisecond)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.want("one of many", "mira", 200) })
	}
	all.Wait()
	for range 20 {
		w.want("unknown", "unknown", 401)
	}
	if n := w.idp.Introspections.Load(); n != 2 {
		t.Errorf("two tokens were asked about %d times, want once each", n)
	}
	w.idp.Know("mira", nil)
	w.advance(4900 * time.Millisecond)
	w.want("revoked just now", "mira", 200)
	w.advance(100 * time.Millisecond)
	w.want("revoked five seconds ago", "mira", 401)
}

// TestAFloodOfMadeUpTokens holds that whoever makes up opaque tokens does not keep those waiting whom the provider has vouched for, and
// that only so many wait.
func TestAFloodOfMadeUpTokens(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("mira", Members{"client_id": "app", "email": mira})
	w.want("before", "mira", 200)
	w.advance(6 * time.Second)
	w.idp.SetDelay(200 * time.Millisecond)
	const flood = 1400
	var wait sync.WaitGroup
	var crowded atomic.Int64
	for i := range flood {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := w.OAuth.Verify(ctx, fmt.Sprintf("made-up-%d", i))
			if fault.KindOf(err) == fault.Unavailable && strings.Contains(fmt.Sprint(errors.Unwrap(err)), "too many") {
				crowded.Add(1)
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // for the flood to be there
	began := time.Now()
	w.want("in the flood", "mira", 200)
	if took := time.Since(began); took > time.Second {
		t.Errorf("a token that is known waited %v behind made-up ones", took)
	}
	wait.Wait()
	if n := crowded.Load(); n < flood-1024-100 {
		t.Errorf("%d of %d made-up tokens were sent away at once", n, flood)
	}
}

func TestAnAnswerDoesNotOutliveTheToken(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("mira", Members{"client_id": "app", "email": mira, "exp": w.now().Add(2 * time.Second).Unix()})
	w.want("before its end", "mira", 200)
	w.advance(2 * time.Second)
	asked := w.idp.Introspections.Load()
	w.send("mira")
	if w.idp.Introspections.Load() == asked {
		t.Error("the answer was kept past the end of the token")
	}
}

func TestAProviderThatIsAwayIsA503InTime(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("mira", Members{"client_id": "app", "email": mira})
	w.want("before", "mira", 200)
	w.advance(5 * time.Second)
	w.idp.SetDown(true)
	w.want("down", "mira", 503)
	w.idp.SetDown(false)
	w.want("a second has not passed", "mira", 503)
	w.advance(time.Second)
	w.want("up again", "mira", 200)
	w.advance(5 * time.Second)
	w.idp.SetDelay(30 * time.Second)
	begun := time.Now()
	var all sync.WaitGroup
	for i := range 50 { // more than are asked about at once
		all.Go(func() { w.want("slow", fmt.Sprintf("slow-%d", i), 503) })
	}
	all.Go(func() { w.want("slow", "mira", 503) })
	all.Wait()
	if took := time.Since(begun); took > 4500*time.Millisecond {
		t.Errorf("503 took %s", took)
	}
}

func TestMadeUpTokensDoNotFillTheLog(t *testing.T) {
	var log lockedBuffer
	w := newWorld(t, func(cfg *server.Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	p := provider("work", w.idp)
	p.Opaque = &oauth.Opaque{Method: oauth.Introspect}
	w.put(nil, p)
	w.idp.SetDown(true)
	const words = "an identity provider does not answer"
	for round, want := range []int{1, 2} {
		for i := range 20 {
			w.want("made up", fmt.Sprintf("made-up-%d-%d", round, i), 503)
		}
		if got := strings.Count(log.String(), words); got != want {
			t.Errorf("%q is %d times in the log, want %d", words, got, want)
		}
		w.advance(10 * time.Second)
	}
}

// lockedBuffer is a buffer that several may write to.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestTheWrongSecretIsNoAnswer(t *testing.T) {
	w := opaqueWorld(t, oauth.Introspect)
	w.idp.Know("mira", Members{"client_id": "app", "email": mira})
	w.idp.Secret = "other"
	w.want("a token that cannot be asked about", "mira", 503)
}
