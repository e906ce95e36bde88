package server

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// webTokens shows a web token's secret, in the one answer that makes it.
type webTokens struct{ authority *authority.Authority }

// CreateWebToken makes a token with which a web page searches as c.
func (t webTokens) CreateWebToken(ctx context.Context, c grant.Caller) (string, time.Time, error) {
	secret, ends, err := t.authority.CreateWebToken(ctx, c)
	return secret.Reveal(), ends, err
}
