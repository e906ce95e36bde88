// Package tokens is the part of the Indexing API in which an indexing token changes its own secret. A token that was made with
// a rotation period has to, or it dies; no other caller is admitted, and no token changes another.
package tokens

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Rotated is the outcome of a rotation. Secret is the secret in clear.
type Rotated struct {
	Secret        string
	At            time.Time
	PeriodMinutes int64
}

// Rotate gives the caller, an indexing token, another secret, and records it. Package server adapts authority to it.
type Rotate func(ctx context.Context, c grant.Caller) (Rotated, error)

// Service rotates tokens.
type Service struct{ rotate Rotate }

// New returns a Service.
func New(rotate Rotate) *Service { return &Service{rotate} }

// Room is what an indexing token opens here. Rotation writes its own entry into the audit log, in its transaction.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/rotatetoken", "Gives the token that asks another secret.", s.rotateToken),
	)
}

// RotateTokenResponse is the new secret. The one before it works for ten more minutes.
type RotateTokenResponse struct {
	RawSecret             string `json:"rawSecret"`
	CreatedAt             int64  `json:"createdAt"` // Unix seconds
	RotationPeriodMinutes int64  `json:"rotationPeriodMinutes"`
}

func (s *Service) rotateToken(ctx context.Context, c grant.Caller, _ rpc.None) (RotateTokenResponse, error) {
	r, err := s.rotate(ctx, c)
	if err != nil {
		return RotateTokenResponse{}, err
	}
	return RotateTokenResponse{r.Secret, r.At.Unix(), r.PeriodMinutes}, nil
}
