package admin

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/authority"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Token is a client token. Times are Unix seconds, absent where there is none.
type Token struct {
	ID string `json:"id"`
	// Secret is in the answer that made the token, and nowhere else.
	Secret      string   `json:"secret,omitzero"`
	Mask        string   `json:"mask"` // the first and last characters of the secret
	Description string   `json:"description"`
	Permission  string   `json:"permission"`
	Scopes      []string `json:"scopes"`
	UserEmail   string   `json:"userEmail,omitzero"`
	UserID      string   `json:"userId,omitzero"`
	CreatedBy   string   `json:"createdBy"`
	CreatedAt   int64    `json:"createdAt"`
	ExpiresAt   int64    `json:"expiresAt,omitzero"`
	LastUsedAt  int64    `json:"lastUsedAt,omitzero"`
	RevokedAt   int64    `json:"revokedAt,omitzero"`
	RevokedBy   string   `json:"revokedBy,omitzero"`
	State       string   `json:"state"`
}

// TokenOf returns t as the admin API and the command line print it.
func TokenOf(t authority.Token, secret string) Token {
	return Token{
		ID: t.ID, Secret: secret, Mask: t.Mask, Description: t.Description, Permission: string(t.Permission), Scopes: t.Scopes.Names(),
		UserEmail: t.User.Email, UserID: t.User.ID, CreatedBy: partyName(t.MadeBy), CreatedAt: unix(t.Created), ExpiresAt: unix(t.Expires),
		LastUsedAt: unix(t.LastUsed), RevokedAt: unix(t.Revoked), RevokedBy: partyName(t.RevokedBy), State: string(t.State),
	}
}

// partyName is the address of a person, or the word for who is none.
func partyName(p authority.Party) string {
	if p.Email != "" {
		return p.Email
	}
	return p.ID
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// moment is the time of Unix seconds; 0 is no time.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// Tokens is a list of client tokens.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// NewToken asks for a client token.
type NewToken struct {
	Description string   `json:"description"`
	Permission  string   `json:"permission"`
	Scopes      []string `json:"scopes"` // names, or ALL
	UserEmail   string   `json:"userEmail,omitzero"`
	ExpiresAt   int64    `json:"expiresAt,omitzero"`
}

// ByID names one thing.
type ByID struct {
	ID string `path:"id" json:"-"`
}

func (s *Service) listTokens(ctx context.Context, c grant.Caller, _ rpc.None) (Tokens, error) {
	tokens, err := s.authority.Tokens(ctx, c)
	if err != nil {
		return Tokens{}, err
	}
	list := Tokens{make([]Token, 0, len(tokens))}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, TokenOf(t, ""))
	}
	return list, nil
}

func (s *Service) createToken(ctx context.Context, c grant.Caller, req NewToken) (Token, error) {
	scopes, err := authority.ParseScopes(req.Scopes)
	if err != nil {
		return Token{}, err
	}
	t, secret, err := s.authority.CreateToken(ctx, c, authority.NewToken{
		Description: req.Description, Permission: authority.Permission(req.Permission), Scopes: scopes,
		User: req.UserEmail, Expires: moment(req.ExpiresAt),
	})
	if err != nil {
		return Token{}, err
	}
	return TokenOf(t, secret.Reveal()), nil
}

func (s *Service) getToken(ctx context.Context, c grant.Caller, req ByID) (Token, error) {
	t, err := s.authority.Token(ctx, c, req.ID)
	if err != nil {
		return Token{}, err
	}
	return TokenOf(t, ""), nil
}

func (s *Service) revokeToken(ctx context.Context, c grant.Caller, req ByID) (Token, error) {
	if err := s.authority.RevokeToken(ctx, c, req.ID); err != nil {
		return Token{}, err
	}
	return s.getToken(ctx, c, req)
}

// IndexingToken is an indexing token. Times are Unix seconds, absent where there is none.
type IndexingToken struct {
	ID                    string   `json:"id"`
	Secret                string   `json:"secret,omitzero"`
	Mask                  string   `json:"mask"`
	Description           string   `json:"description"`
	Datasources           []string `json:"datasources,omitzero"` // absent for all of them
	Scopes                []string `json:"scopes,omitempty"`
	AllowedCIDRs          []string `json:"allowedCidrs,omitzero"`
	RotationPeriodMinutes int64    `json:"rotationPeriodMinutes,omitzero"`
	RotatedAt             int64    `json:"rotatedAt,omitzero"`
	CreatedBy             string   `json:"createdBy"`
	CreatedAt             int64    `json:"createdAt"`
	ExpiresAt             int64    `json:"expiresAt"`
	LastUsedAt            int64    `json:"lastUsedAt,omitzero"`
	RevokedAt             int64    `json:"revokedAt,omitzero"`
	RevokedBy             string   `json:"revokedBy,omitzero"`
	State                 string   `json:"state"`
}

// IndexingTokenOf returns t as the admin API and the command line print it.
func IndexingTokenOf(t authority.IndexingToken, secret string) IndexingToken {
	w := IndexingToken{
		ID: t.ID, Secret: secret, Mask: t.Mask, Description: t.Description, Datasources: t.Datasources, Scopes: t.Scopes,
		RotationPeriodMinutes: int64(t.Period / time.Minute), RotatedAt: unix(t.Rotated), CreatedBy: partyName(t.MadeBy),
		CreatedAt: unix(t.Created), ExpiresAt: unix(t.Expires), LastUsedAt: unix(t.LastUsed), RevokedAt: unix(t.Revoked),
		RevokedBy: partyName(t.RevokedBy), State: string(t.State),
	}
	for _, prefix := range t.Addresses {
		w.AllowedCIDRs = append(w.AllowedCIDRs, prefix.String())
	}
	return w
}

// IndexingTokens is a list of indexing tokens.
type IndexingTokens struct {
	Tokens []IndexingToken `json:"tokens"`
}

// NewIndexingToken asks for an indexing token.
type NewIndexingToken struct {
	Description           string   `json:"description"`
	Datasources           []string `json:"datasources,omitzero"`
	Scopes                []string `json:"scopes,omitempty"` // custommetadata:<group>, custommetadata:global_scope
	ExpiresAt             int64    `json:"expiresAt"`
	AllowedCIDRs          []string `json:"allowedCidrs,omitzero"`
	RotationPeriodMinutes int64    `json:"rotationPeriodMinutes,omitzero"`
}

func (s *Service) listIndexing(ctx context.Context, c grant.Caller, _ rpc.None) (IndexingTokens, error) {
	tokens, err := s.authority.IndexingTokens(ctx, c)
	if err != nil {
		return IndexingTokens{}, err
	}
	list := IndexingTokens{make([]IndexingToken, 0, len(tokens))}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, IndexingTokenOf(t, ""))
	}
	return list, nil
}

func (s *Service) createIndexing(ctx context.Context, c grant.Caller, req NewIndexingToken) (IndexingToken, error) {
	t, secret, err := s.authority.CreateIndexingToken(ctx, c, authority.NewIndexingToken{
		Description: req.Description, Datasources: req.Datasources, Scopes: req.Scopes, Expires: moment(req.ExpiresAt),
		Addresses: req.AllowedCIDRs, PeriodMinutes: req.RotationPeriodMinutes,
	})
	if err != nil {
		return IndexingToken{}, err
	}
	return IndexingTokenOf(t, secret.Reveal()), nil
}

func (s *Service) getIndexing(ctx context.Context, c grant.Caller, req ByID) (IndexingToken, error) {
	t, err := s.authority.IndexingToken(ctx, c, req.ID)
	if err != nil {
		return IndexingToken{}, err
	}
	return IndexingTokenOf(t, ""), nil
}

func (s *Service) revokeIndexing(ctx context.Context, c grant.Caller, req ByID) (IndexingToken, error) {
	if err := s.authority.RevokeIndexingToken(ctx, c, req.ID); err != nil {
		return IndexingToken{}, err
	}
	return s.getIndexing(ctx, c, req)
}
