package rpc

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// TestLargeBodiesTakeTurns holds that a large body waits while the memory for such bodies is taken, and is let go when the
// caller gives up.
func TestLargeBodiesTakeTurns(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	if !s.large.TryAcquire(largeBodies) {
		t.Fatal("the memory for large bodies is taken at the start")
	}
	send := func(ctx context.Context, size int) int {
		r := httptest.NewRequestWithContext(ctx, "POST", "/api/index/v1/thing", strings.NewReader(`{"text":"`+strings.Repeat("x", size)+`"}`))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	if got := send(t.Context(), 10); got != 200 {
		t.Errorf("a small body = %d, want 200", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got := send(gone, 2<<20); got != 503 {
		t.Errorf("a large body that nobody waits for = %d, want 503", got)
	}
	s.large.Release(largeBodies)
	if got := send(t.Context(), 2<<20); got != 200 {
		t.Errorf("a large body with room = %d, want 200", got)
	}
}

// TestSlowLargeBodiesHoldNobodyUp holds that a body takes memory as it arrives: announced sizes and unknown ones take none.
func TestSlowLargeBodiesHoldNobodyUp(t *testing.T) {
	s := testServer(as(grant.User, grant.Search), nil, io.Discard)
	var wait sync.WaitGroup
	defer wait.Wait()
	for range 2 * largeBodies / IndexingBody {
		for _, size := range []int64{-1, IndexingBody} {
			body, slow := io.Pipe()
			defer func() { _ = slow.Close() }()
			wait.Go(func() {
				r := httptest.NewRequest("POST", "/api/index/v1/thing", body)
				r.ContentLength = size
				s.ServeHTTP(httptest.NewRecorder(), r)
			})
			_, _ = slow.Write([]byte(`{"text":"`)) // returns once the server reads
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/index/v1/thing", strings.NewReader(`{"text":"`+strings.Repeat("x", 8<<20)+`"}`))
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("a large body beside slow ones = %d, want 200", w.Code)
	}
}

// stuck is a reader who takes nothing until it is let go.
type stuck struct {
	*httptest.ResponseRecorder
	reached chan<- struct{}
	wait    <-chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	s.reached <- struct{}{}
	<-s.wait
	return s.ResponseRecorder.Write(p)
}

// TestSlowReadersAreCounted holds that callers who ask for large answers and do not read them cannot fill the memory, nor
// keep others from theirs.
func TestSlowReadersAreCounted(t *testing.T) {
	callers := admit(func(r *http.Request, _ Family) (grant.Caller, error) {
		return grant.Mint(&grant.Facts{Kind: grant.User, Scopes: grant.ScopesOf(grant.Search), Person: r.Header.Get("X-Person")}), nil
	})
	s := testServer(callers, nil, io.Discard)
	const size = 3 << 19
	s.outgoing.all, s.outgoing.each = 10*size, 3*size
	ask := func(person string) *http.Request {
		r := httptest.NewRequest("POST", "/api/index/v1/thing", strings.NewReader(`{"text":"`+strings.Repeat("x", size)+`"}`))
		r.Header.Set("X-Person", person)
		return r
	}
	code := func(person string) int {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, ask(person))
		return w.Code
	}
	reached, wait := make(chan struct{}), make(chan struct{})
	var slow sync.WaitGroup
	for range 2 {
		slow.Go(func() { s.ServeHTTP(stuck{httptest.NewRecorder(), reached, wait}, ask("ada")) })
		<-reached
	}
	if got := code("ada"); got != 503 {
		t.Errorf("one more large answer to who does not read = %d, want 503", got)
	}
	if got := code("bob"); got != 200 {
		t.Errorf("a large answer to somebody else = %d, want 200", got)
	}
	if got := do(t, s, "POST", "/rest/api/v1/echo", `{"text":"x"}`, "X-Person", "ada").StatusCode; got != 200 {
		t.Errorf("a small answer to who does not read = %d, want 200", got)
	}
	close(wait)
	slow.Wait()
	if got := code("ada"); got != 200 {
		t.Errorf("a large answer after the others were read = %d, want 200", got)
	}
	if n := len(s.outgoing.by); n != 0 || s.outgoing.total != 0 {
		t.Errorf("%d bytes of %d callers are counted after all, want none", s.outgoing.total, n)
	}
}
