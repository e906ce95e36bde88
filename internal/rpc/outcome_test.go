package rpc

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
)

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		outcome error
		status  int
		retry   string
	}{
		{Nothing(), 204, ""},
		{Later(1500 * time.Millisecond), 202, "2"},
		{Later(time.Nanosecond), 202, "1"},
	} {
		room := Open(grant.Search, grant.User, JSON("POST /rest/api/v1/echo", "Answers nothing.", func(context.Context, grant.Caller, echoRequest) (echoResponse, error) {
			return echoResponse{}, c.outcome
		}))
		s := NewServer(Config{Admitter: as(grant.User, grant.Search), Rooms: []Room{room}, Log: slog.New(slog.DiscardHandler)})
		resp := do(t, s, "POST", "/rest/api/v1/echo", `{}`)
		if body := text(t, resp); resp.StatusCode != c.status || body != "" || resp.Header.Get("Retry-After") != c.retry {
			t.Errorf("%v = %d %q, Retry-After %q, want %d, nothing and %q", c.outcome, resp.StatusCode, body, resp.Header.Get("Retry-After"), c.status, c.retry)
		}
	}
}
