package authority

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// TestRevocationHolds revokes on one node what another has in its cache.
func TestRevocationHolds(t *testing.T) {
	path, clock, ctx := database(t), newClock(), context.Background()
	here, there := openNode(t, path, clock), openNode(t, path, clock)
	p := here.person(t, "mira@example.com", grant.RoleMember)
	here.person(t, "root@example.com", grant.RoleSuperAdmin)
	inactive := false

	for name, end := range map[string]func(id string) error{
		"token revoked":      func(id string) error { return here.RevokeToken(ctx, here.Maintenance(), id) },
		"person deactivated": func(string) error { _, err := here.people.SetActive(ctx, p.ID, inactive); return err },
	} {
		if _, err := here.people.SetActive(ctx, p.ID, true); err != nil {
			t.Fatal(err)
		}
		id, secret := here.token(t, User, "mira@example.com", grant.Search)
		var streams []grant.Caller
		for _, n := range []*node{here, there, here, there} {
			c, err := n.Admit(request(secret), rpc.ClientAPI)
			if err != nil {
				t.Fatalf("%s: before: %v", name, err)
			}
			streams = append(streams, c)
		}
		if err := end(id); err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		_, err := here.Admit(request(secret), rpc.ClientAPI)
		wantKind(t, name+" here, next request", err, fault.Unauthenticated)
		wantKind(t, name+" here, stream", streams[0].Recheck(), fault.Unauthenticated)
		for {
			_, err = there.Admit(request(secret), rpc.ClientAPI)
			if err != nil {
				break
			}
			if took := time.Since(ended); took > time.Second {
				t.Fatalf("%s: still admitted on the other node after %v", name, took)
			}
			time.Sleep(time.Millisecond) // the other node polls in real time
		}
		wantKind(t, name+" there", err, fault.Unauthenticated)
		wantKind(t, name+" there, stream", streams[1].Recheck(), fault.Unauthenticated)
	}
}

// fakeEpochs says what a test wants of the version.
type fakeEpochs struct {
	version int64
	age     time.Duration
	down    error
	asked   int
}

func (e *fakeEpochs) Version(string) (int64, time.Time) { return e.version, time.Now().Add(-e.age) }

func (e *fakeEpochs) ReadVersion(context.Context, string) (int64, error) {
	e.asked++
	return e.version, e.down
}

func TestKeptAdmissionCountsWhileTheVersionIsFresh(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleMember)
	_, secret := n.token(t, User, "mira@example.com", grant.Search)
	epochs := &fakeEpochs{version: 7}
	n.epochs = epochs
	admit := func() error { _, err := n.Admit(request(secret), rpc.ClientAPI); return err }
	c, err := n.Admit(request(secret), rpc.ClientAPI)
	wantNone(t, "cold", err)

	// A change behind our back shows what is read from where.
	if err := n.db.Write(context.Background(), sqldb.Security, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE client_tokens SET revoked_at = 1")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wantNone(t, "kept while fresh", admit())
	epochs.age = 2 * time.Second
	wantNone(t, "kept while SQL says that nothing changed", admit())
	wantNone(t, "stream", c.Recheck())
	if epochs.asked != 2 {
		t.Errorf("SQL was asked %d times, want 2", epochs.asked)
	}
	epochs.down = errors.New("connection refused")
	wantKind(t, "kept while SQL is away", admit(), fault.Unavailable)
	wantKind(t, "stream while SQL is away", c.Recheck(), fault.Unavailable)
	epochs.age = 0
	wantNone(t, "kept while SQL is away for less than a second", admit())
	epochs.version = 8
	wantKind(t, "after a change", admit(), fault.Unauthenticated)
	epochs.version = 6 // after a restore it may be lower
	wantKind(t, "after a restore", admit(), fault.Unauthenticated)
}

func TestDatabaseAwayIsUnavailable(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleMember)
	_, secret := n.token(t, User, "mira@example.com", grant.Search)
	if err := n.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := n.Admit(request(secret), rpc.ClientAPI)
	wantKind(t, "cold with SQL away", err, fault.Unavailable)
	if f := new(fault.Fault); !errors.As(err, &f) || f.Message != "The database is away, so the credential cannot be checked. Try again shortly." {
		t.Errorf("Message = %q, want it to show no internals", f.Message)
	}
}

func TestExpiryIsCheckedOnEveryUse(t *testing.T) {
	n := newNode(t)
	n.person(t, "mira@example.com", grant.RoleMember)
	_, secret, err := n.CreateToken(context.Background(), n.Maintenance(), NewToken{
		Description: "x", Permission: User, User: "mira@example.com", Scopes: grant.AllScopes, Expires: n.clock.now().Add(time.Hour),
	})
	wantNone(t, "create", err)
	c, err := n.Admit(request(secret.Reveal()), rpc.ClientAPI)
	wantNone(t, "before", err)
	n.clock.advance(time.Hour - time.Microsecond)
	_, err = n.Admit(request(secret.Reveal()), rpc.ClientAPI)
	wantNone(t, "just before", err)
	n.clock.advance(time.Microsecond)
	_, err = n.Admit(request(secret.Reveal()), rpc.ClientAPI)
	wantKind(t, "at the end", err, fault.Unauthenticated)
	wantKind(t, "stream at the end", c.Recheck(), fault.Unauthenticated)
}

func TestLastUseIsWrittenOnceAMinute(t *testing.T) {
	path, clock, ctx := database(t), newClock(), context.Background()
	n, other := openNode(t, path, clock), openNode(t, path, clock)
	n.person(t, "mira@example.com", grant.RoleMember)
	id, secret := n.token(t, User, "mira@example.com", grant.Search)
	used := func() time.Time {
		t.Helper()
		for _, one := range []*node{n, other} {
			wantNone(t, "write uses", one.writeUses(ctx))
		}
		token, err := n.Token(ctx, n.Maintenance(), id)
		wantNone(t, "read", err)
		return token.LastUsed
	}
	admit := func(n *node) {
		t.Helper()
		_, err := n.Admit(request(secret), rpc.ClientAPI)
		wantNone(t, "admit", err)
	}
	if got := used(); !got.IsZero() {
		t.Errorf("LastUsed of a new token = %v, want never", got)
	}
	admit(n)
	first := clock.now()
	clock.advance(30 * time.Second)
	admit(other) // which has not heard of the use before
	clock.advance(-30 * time.Second)
	if got := used(); !got.Equal(first) {
		t.Errorf("LastUsed = %v, want %v", got, first)
	}
	clock.advance(59 * time.Second)
	admit(n)
	admit(other)
	if got := used(); !got.Equal(first) {
		t.Errorf("LastUsed after 59 s = %v, want %v still", got, first)
	}
	clock.advance(time.Second)
	for range 100 {
		admit(other)
	}
	admit(n)
	if got := used(); !got.Equal(clock.now()) {
		t.Errorf("LastUsed after a minute = %v, want %v", got, clock.now())
	}
	before := n.db.Stats().Writes
	for range 1000 {
		admit(n)
	}
	used()
	if now := n.db.Stats().Writes; now != before {
		t.Errorf("%d writes for uses within a minute, want none", now-before)
	}
	clock.advance(time.Hour)
	admit(n)
	wantNone(t, "close", n.Close())
	token, err := other.Token(ctx, other.Maintenance(), id)
	if err != nil || !token.LastUsed.Equal(clock.now()) {
		t.Errorf("LastUsed after Close = %v, %v; want %v", token.LastUsed, err, clock.now())
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(cacheShards * 4)
	for i := range 10_000 {
		_, fingerprint, _ := readSecret(newSecret(clientSecret).Reveal())
		k := key{fingerprint: fingerprint}
		c.put(k, &admission{version: int64(i / 100)})
		if c.get(k) == nil {
			t.Fatal("what was put last is not there")
		}
	}
	total := 0
	for i := range c.shards {
		total += len(c.shards[i].kept)
	}
	if total > cacheShards*4 {
		t.Errorf("%d admissions kept, want at most %d", total, cacheShards*4)
	}
}

func TestAddressListIsCheckedOnEveryUse(t *testing.T) {
	path, clock := database(t), newClock()
	n := openNode(t, path, clock, func(c *Config) {
		c.Address = rpc.Proxies{netip.MustParsePrefix("192.0.2.0/24")}.Address
	})
	_, secret := n.indexingToken(t, NewIndexingToken{Addresses: []string{"10.20.0.0/16", "2001:db8::/32", "198.51.100.7"}})
	for _, tc := range []struct {
		from string
		ok   bool
	}{
		{"10.20.255.1", true},
		{"10.21.0.1", false},
		{"::ffff:10.20.1.1", true},
		{"2001:db8:1::1", true},
		{"2001:db9::1", false},
		{"198.51.100.7", true},
		{"198.51.100.8", false},
		{"", false},
		{"garbage", false},
		{"10.20.1.1, 203.0.113.5", false},
		{"203.0.113.5, 10.20.1.1", true},
	} {
		r := request(secret)
		r.RemoteAddr = "192.0.2.9:1234" // a trusted proxy
		if tc.from != "" {
			r.Header.Set("X-Forwarded-For", tc.from)
		}
		_, err := n.Admit(r, rpc.IndexingAPI)
		if tc.ok {
			wantNone(t, "from "+tc.from, err)
		} else {
			wantKind(t, "from "+tc.from, err, fault.Forbidden)
		}
	}
	r := request(secret, "X-Forwarded-For", "10.20.1.1")
	r.RemoteAddr = "203.0.113.5:1234"
	_, err := n.Admit(r, rpc.IndexingAPI)
	wantKind(t, "a stranger's X-Forwarded-For", err, fault.Forbidden)
}

// TestAdmissionUnderChange admits on all processors while tokens are revoked and roles change: once
// RevokeToken has returned, no request may pass.
func TestAdmissionUnderChange(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	n.person(t, "root@example.com", grant.RoleSuperAdmin)
	p := n.person(t, "mira@example.com", grant.RoleMember)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			role := grant.Role(i % 3)
			if _, err := n.people.Update(ctx, p.ID, directory.Patch{Role: &role}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		id, secret := n.token(t, User, "mira@example.com", grant.Search)
		var revoked atomic.Bool
		var admitters sync.WaitGroup
		for range 4 {
			admitters.Go(func() {
				for {
					was := revoked.Load()
					_, err := n.Admit(request(secret), rpc.ClientAPI)
					if was {
						if err == nil {
							t.Error("admitted after RevokeToken had returned")
						}
						return
					}
				}
			})
		}
		wantNone(t, "revoke", n.RevokeToken(ctx, n.Maintenance(), id))
		revoked.Store(true)
		admitters.Wait()
	}
	close(stop)
	wg.Wait()
}

func TestNobodyIsAdmittedByABareRequest(t *testing.T) {
	n := newNode(t)
	for _, family := range []rpc.Family{rpc.NoFamily, rpc.ClientAPI, rpc.IndexingAPI, rpc.PlatformAPI, rpc.AdminAPI} {
		_, err := n.Admit(httptest.NewRequest("GET", "/", nil), family)
		wantKind(t, "bare request", err, fault.Unauthenticated)
	}
}
