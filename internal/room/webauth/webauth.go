// Package webauth is the part of the SEARCH scope that is about signing in: tokens for pages of other sites, and datasources that
// want a sign-in of their own.
//
// For a person it means that a search box on the company's intranet searches as them, with a token that can do nothing else. A
// GLOBAL token makes one for the person it names; anonymous tokens make none.
package webauth

import (
	"context"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Tokens makes tokens for web pages. Package authority does.
type Tokens interface {
	// CreateWebToken returns a token that searches as the person c acts as, and when it ends.
	CreateWebToken(ctx context.Context, c grant.Caller) (token string, ends time.Time, err error)
}

// Service answers what is about signing in.
type Service struct{ tokens Tokens }

// New returns the service.
func New(tokens Tokens) *Service { return &Service{tokens} }

// Room is what the SEARCH scope opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Search, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/createauthtoken", "Makes a short-lived token with which a web page searches as the caller.", s.create).Audited(),
		rpc.JSON("POST /rest/api/v1/checkdatasourceauth", "Lists the datasources that want a sign-in of the caller's own.", s.check),
	)
}

// TokenResponse is a token and its end.
type TokenResponse struct {
	Token   string `json:"token"`
	Expires int64  `json:"expirationTime"` // Unix seconds
}

func (s *Service) create(ctx context.Context, c grant.Caller, _ rpc.None) (TokenResponse, error) {
	token, ends, err := s.tokens.CreateWebToken(ctx, c)
	if err != nil {
		return TokenResponse{}, err
	}
	return TokenResponse{Token: token, Expires: ends.Unix()}, nil
}

// CheckResponse lists datasources.
type CheckResponse struct {
	Unauthorized []Instance `json:"unauthorizedDatasourceInstances"`
}

// Instance is a datasource that wants a sign-in.
type Instance struct {
	Name        string `json:"datasourceInstance,omitzero"`
	DisplayName string `json:"displayName,omitzero"`
	Status      string `json:"authStatus,omitzero"`
	URL         string `json:"authUrlRelativePath,omitzero"`
}

// check lists none: connectors bring everything in with credentials of theirs, and sheaf never fetches on anybody's behalf.
func (s *Service) check(context.Context, grant.Caller, rpc.None) (CheckResponse, error) {
	return CheckResponse{Unauthorized: []Instance{}}, nil
}
