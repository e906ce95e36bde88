package authority

import (
	"context"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

func TestRotation(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	end := n.clock.now().Add(4 * 24 * time.Hour)
	id, first := n.indexingToken(t, NewIndexingToken{PeriodMinutes: 1440, Expires: end})
	admit := func(secret string) (grant.Caller, error) { return n.Admit(request(secret), rpc.IndexingAPI) }
	rotate := func(secret string) string {
		t.Helper()
		c, err := admit(secret)
		wantNone(t, "admit before rotation", err)
		done, err := n.Rotate(ctx, c)
		if err != nil || done.PeriodMinutes != 1440 || !done.At.Equal(n.clock.now()) {
			t.Fatalf("Rotate = %+v, %v", done, err)
		}
		return done.Secret.Reveal()
	}

	n.clock.advance(23 * time.Hour)
	second := rotate(first)
	for _, secret := range []string{first, second} {
		c, err := admit(secret)
		if err != nil || c.Token() != id {
			t.Errorf("right after rotation: %v, %v", c.Token(), err)
		}
	}
	n.clock.advance(10*time.Minute - time.Microsecond)
	_, err := admit(first)
	wantNone(t, "old secret within ten minutes", err)
	third := rotate(first) // the answer with the second secret was lost
	n.clock.advance(time.Microsecond)
	_, err = admit(first)
	wantKind(t, "old secret after ten minutes, in spite of a further rotation", err, fault.Unauthenticated)
	_, err = admit(second)
	wantNone(t, "the lost secret has its own ten minutes", err)
	_, err = admit(third)
	wantNone(t, "the newest secret", err)

	n.clock.advance(24*time.Hour - 2*time.Microsecond)
	_, err = admit(third)
	wantNone(t, "just within the period", err)
	n.clock.advance(time.Microsecond)
	c, err := admit(third)
	wantKind(t, "not rotated within the period", err, fault.Unauthenticated)
	if c.Kind() != 0 {
		t.Error("refused and given a caller")
	}
	if got, err := n.IndexingToken(ctx, n.Maintenance(), id); err != nil || got.State != Overdue {
		t.Errorf("State = %s, %v; want OVERDUE", got.State, err)
	}
}

func TestRotationNeverMovesTheExpiry(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	end := n.clock.now().Add(25 * time.Hour)
	id, secret := n.indexingToken(t, NewIndexingToken{PeriodMinutes: 1440, Expires: end})
	n.clock.advance(24*time.Hour - time.Minute)
	c, err := n.Admit(request(secret), rpc.IndexingAPI)
	wantNone(t, "admit", err)
	done, err := n.Rotate(ctx, c)
	wantNone(t, "rotate", err)
	if got, _ := n.IndexingToken(ctx, n.Maintenance(), id); !got.Expires.Equal(end.Truncate(time.Microsecond)) || got.Mask != done.Secret.String() {
		t.Errorf("after rotation: expires %v mask %s, want %v %s", got.Expires, got.Mask, end, done.Secret)
	}
	n.clock.advance(time.Hour + time.Minute)
	_, err = n.Admit(request(done.Secret.Reveal()), rpc.IndexingAPI)
	wantKind(t, "at the expiry", err, fault.Unauthenticated)
	_, err = n.Rotate(ctx, c)
	wantKind(t, "rotation at the expiry", err, fault.Unauthenticated)
}

func TestRotationRefuses(t *testing.T) {
	n := newNode(t)
	ctx := context.Background()
	_, plain := n.indexingToken(t, NewIndexingToken{})
	c, err := n.Admit(request(plain), rpc.IndexingAPI)
	wantNone(t, "admit", err)
	_, err = n.Rotate(ctx, c)
	wantKind(t, "a token without a period", err, fault.Invalid)
	_, err = n.Rotate(ctx, n.Maintenance())
	wantKind(t, "no indexing token", err, fault.Forbidden)

	id, secret := n.indexingToken(t, NewIndexingToken{PeriodMinutes: 1440})
	c, err = n.Admit(request(secret), rpc.IndexingAPI)
	wantNone(t, "admit", err)
	var last Rotated
	for range maxReplaced {
		last, err = n.Rotate(ctx, c)
		wantNone(t, "rotate", err)
	}
	_, err = n.Rotate(ctx, c)
	wantKind(t, "rotation in a loop", err, fault.TooMany)
	wantNone(t, "revoke", n.RevokeIndexingToken(ctx, n.Maintenance(), id))
	for _, s := range []string{secret, last.Secret.Reveal()} {
		_, err = n.Admit(request(s), rpc.IndexingAPI)
		wantKind(t, "a secret of a revoked token", err, fault.Unauthenticated)
	}
	_, err = n.Rotate(ctx, c)
	wantKind(t, "rotation of a revoked token", err, fault.Unauthenticated)
}
