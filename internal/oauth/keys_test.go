package oauth_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/oauth"
	. "github.com/sheafsearch/sheaf/internal/oauth/oauthtest" //nolint:revive // the vocabulary of these tests
	"github.com/sheafsearch/sheaf/internal/server"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

func (w *world) by(k Key) string { return Sign(w.t, k, "RS256", header(k, "RS256"), w.claims()) }

func TestANewKeyIsFoundAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	w.want("before", w.good(nil), 200)
	next := RSA(t, "two", 2048, 2)
	w.idp.Publish(w.key, next)
	fetched := w.idp.KeySets.Load()
	w.want("signed with the new key", w.by(next), 200)
	w.want("signed with the old key", w.good(Members{"jti": "again"}), 200)
	if n := w.idp.KeySets.Load() - fetched; n != 1 {
		t.Errorf("a new key took %d fetches, want 1", n)
	}
}

func TestAWithdrawnKeyIsGoneInTime(t *testing.T) {
	for _, age := range []time.Duration{15 * time.Second, 5 * time.Minute} {
		t.Run(age.String(), func(t *testing.T) {
			w := newWorld(t, func(cfg *server.Config) { cfg.KeyAge = age })
			w.put(nil, provider("work", w.idp))
			token := w.good(nil)
			w.want("before", token, 200)
			w.idp.Publish(RSA(t, "two", 2048, 2))
			// Whoever keeps coming is never refused before, nor let in after.
			for at := time.Duration(0); at < age; at += age / 10 {
				w.send(token)
				w.advance(age / 10)
				time.Sleep(5 * time.Millisecond) // for a fetch in the background
			}
			w.want("after the time", token, 401)
		})
	}
	t.Run("nobody came meanwhile", func(t *testing.T) {
		w := newWorld(t)
		w.put(nil, provider("work", w.idp))
		token := w.good(nil)
		w.want("before", token, 200)
		w.idp.Publish(RSA(t, "two", 2048, 2))
		w.advance(5 * time.Minute)
		w.want("after the time", token, 401)
	})
}

func TestKeysOutliveAnOutage(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	w.want("before", w.good(nil), 200)
	w.idp.SetDown(true)
	for _, later := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 20 * time.Hour} {
		w.advance(later)
		w.want("in an outage of "+later.String(), w.good(Members{"jti": later.String()}), 200)
		w.want("forged in an outage", w.by(RSA(t, "one", 2048, 3)), 401)
	}
	w.want("a new key in an outage", w.by(RSA(t, "two", 2048, 2)), 503)
	w.advance(5 * time.Hour)
	w.want("after a day of outage", w.good(Members{"jti": "late"}), 503)
	w.idp.SetDown(false)
	w.advance(11 * time.Second)
	w.want("after the outage", w.good(Members{"jti": "on"}), 200)
}

func TestAnOutageAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp)) // what was checked on saving is not kept for tokens
	w.idp.SetDown(true)
	begun := time.Now()
	w.want("at first", w.good(nil), 503)
	for range 20 {
		w.want("again", w.good(nil), 503)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("refusing took %s", took)
	}
	w.idp.SetDown(false)
	w.advance(11 * time.Second)
	w.want("afterwards", w.good(nil), 200)
}

// kept waits until SQL has the keys of n issuers.
func (w *world) kept(n int) {
	w.t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		has := 0
		err := w.DB.Read(w.t.Context(), func(tx *sqldb.Tx) (err error) {
			has, err = sqldb.One(w.t.Context(), tx, func(s sqldb.Scanner) (n int, err error) { return n, s.Scan(&n) }, "SELECT count(*) FROM oauth_keys")
			return err
		})
		if err != nil || has == n {
			if err != nil {
				w.t.Fatal(err)
			}
			return
		}
		if time.Since(begun) > 5*time.Second {
			w.t.Fatalf("keys of %d issuers are kept, want %d", has, n)
		}
	}
}

// TestAStartInAnOutage holds that the last good set of keys outlives the process that fetched it, and neither the key that was withdrawn
// before nor a day.
func TestAStartInAnOutage(t *testing.T) {
	var database string
	w := newWorld(t, func(cfg *server.Config) { database = cfg.Database })
	w.put(nil, provider("work", w.idp))
	old := w.good(nil)
	w.want("before", old, 200)
	next := RSA(t, "two", 2048, 2)
	w.idp.Publish(next)
	w.advance(5 * time.Minute)
	w.want("of a key that was withdrawn", old, 401)
	w.kept(1)

	start := func() *world {
		again := &world{t: t, clock: w.clock, idp: w.idp, key: next}
		again.Server = openSecond(t, database, w)
		return again
	}
	w.idp.SetDown(true)
	w.advance(time.Hour)
	again := start()
	again.want("after a start", w.by(next), 200)
	again.want("after a start, of a key that was withdrawn before", w.good(Members{"jti": "old"}), 503)
	again.want("after a start, forged", w.by(RSA(t, "two", 2048, 3)), 401)
	w.advance(23 * time.Hour)
	start().want("after a start a day later", Sign(t, next, "RS256", header(next, "RS256"), w.claims()), 503)

	w.idp.SetDown(false)
	w.advance(11 * time.Second)
	asked := w.idp.Asked()
	third := start()
	third.want("when it is back", w.by(next), 200)
	if w.idp.Asked() == asked {
		t.Error("nobody asked the provider whether the keys are still the same")
	}
	asked = w.idp.Asked()
	w.advance(time.Minute)
	start().want("on a node that starts beside another", w.by(next), 200)
	if n := w.idp.Asked() - asked; n != 0 {
		t.Errorf("a node that starts beside another asked the provider %d times", n)
	}

	disabled := provider("work", w.idp)
	disabled.Disabled = true
	w.put(nil, disabled)
	w.kept(0)
}

func TestASlowProviderHoldsNobodyWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	w.want("before", w.good(nil), 200)
	w.idp.SetDelay(20 * time.Second)
	defer w.idp.SetDelay(0)
	w.advance(6 * time.Minute)
	begun := time.Now()
	w.want("with a provider that does not answer", w.good(Members{"jti": "slow"}), 200)
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestAFloodOfUnknownKeys sends tokens of made-up key ids from many sides at once.
func TestAFloodOfUnknownKeys(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	w.want("before", w.good(nil), 200)
	before := w.idp.KeySets.Load()
	flood := func() {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 50 {
					k := w.key
					k.ID = fmt.Sprintf("made-up-%d-%d", i, j)
					w.want("a made-up key", w.by(k), 401)
				}
			})
		}
		all.Wait()
	}
	flood()
	if n := w.idp.KeySets.Load() - before; n > 2 { // the first of the three brought the keys
		t.Errorf("400 unknown keys took %d fetches, want 2", n)
	}
	w.want("during the flood", w.good(Members{"jti": "x2"}), 200)
	w.advance(10 * time.Second)
	next := RSA(t, "two", 2048, 2)
	w.idp.Publish(w.key, next)
	w.want("a new key in the flood", w.by(next), 200)
	flood()
	if n := w.idp.KeySets.Load() - before; n > 5 {
		t.Errorf("800 unknown keys in 10 s took %d fetches, want 5", n)
	}
}

func TestManyAtOnceFetchOnce(t *testing.T) {
	w := newWorld(t)
	w.put(nil, provider("work", w.idp))
	before := w.idp.KeySets.Load()
	w.idp.SetDelay(50 * time.Millisecond)
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() { w.want("one of many", w.good(Members{"jti": fmt.Sprint(i)}), 200) })
	}
	all.Wait()
	if n := w.idp.KeySets.Load() - before; n != 1 {
		t.Errorf("30 at once fetched %d times, want 1", n)
	}
}

func TestOddKeySets(t *testing.T) {
	w := newWorld(t)
	good := w.key.JWK()
	w.put(nil, provider("work", w.idp))
	w.want("before", w.good(nil), 200)
	odd := []Members{
		good,
		{"kty": "RSA"},
		{"kty": "RSA", "n": "!", "e": "AQAB"},
		{"kty": "RSA", "kid": 7},
		{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
		{"kty": "EC", "crv": "P-256", "kid": "off", "x": encoded(32), "y": encoded(32)},
		{"kty": "OKP", "crv": "Ed25519", "x": "AA"},
		{"kty": "LATTICE"},
		{},
		RSA(t, "private", 2048, 7).JWK().With(Members{"d": "AQAB"}), RSA(t, "even", 2048, 8).JWK().With(Members{"e": "Ag"}),
	}
	w.idp.PublishRaw(odd...)
	w.advance(6 * time.Minute)
	w.want("one good key among odd ones", w.good(Members{"jti": "odd"}), 200)
	w.want("a key whose private half is published", w.by(RSA(t, "private", 2048, 7)), 401)
	many := make([]Members, 200)
	for i := range many {
		many[i] = good
	}
	w.advance(6 * time.Minute)
	w.idp.PublishRaw(many...)
	w.want("too many keys are an outage", w.good(Members{"jti": "many"}), 200)
	w.advance(6 * time.Minute)
	w.idp.PublishRaw()
	w.want("no keys any more", w.good(Members{"jti": "none"}), 401)
}

func encoded(n int) string {
	return string(make([]byte, 0, n)) + "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
}

// TestSettingsHoldOnEveryNode changes settings on one of two servers that share a database.
func TestSettingsHoldOnEveryNode(t *testing.T) {
	var database string
	a := newWorld(t, func(cfg *server.Config) { database = cfg.Database })
	clock := new(atomic.Int64)
	clock.Store(a.clock.Load())
	b := &world{t: t, clock: clock, idp: a.idp, key: a.key}
	b.Server = openSecond(t, database, b)
	token := a.good(nil)
	a.want("before, on A", token, 403)
	b.want("before, on B", token, 403)
	within := func(about string, status int) {
		t.Helper()
		a.want(about+", on A at once", token, status)
		changed := time.Now()
		for b.send(token).Status != status {
			if time.Since(changed) > time.Second {
				t.Fatalf("%s: B does not know after a second", about)
			}
			time.Sleep(10 * time.Millisecond)
		}
		b.want(about+", on B from then on", token, status)
	}
	a.put(nil, provider("work", a.idp))
	within("a provider", 200)
	other := provider("work", a.idp)
	other.ClientIDs = []string{"other"}
	a.put(nil, other)
	within("another client", 403)
	a.put(nil, provider("work", a.idp))
	within("the client again", 200)
	none := provider("work", a.idp)
	none.Disabled = true
	a.put(nil, none)
	within("disabled", 403)
	a.put(nil, provider("work", a.idp))
	within("enabled", 200)
	if err := a.OAuth.Put(t.Context(), a.Authority.Maintenance(), oauth.Settings{Providers: []oauth.Provider{provider("work", a.idp)}}, nil); err != nil {
		t.Fatal(err)
	}
	within("off", 403)
}
