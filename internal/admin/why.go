package admin

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/why"
)

// Explainer says why. *why.Service is one; it checks who may ask, and records it.
type Explainer interface {
	Access(ctx context.Context, c grant.Caller, req why.AccessRequest) (why.AccessAnswer, error)
	Rank(ctx context.Context, c grant.Caller, req why.RankRequest) (why.RankAnswer, error)
}

// whys are the operations that explain. The two methods of each answer alike: GET suits a link, POST a program.
func (s *Service) whys() []rpc.Operation {
	return []rpc.Operation{
		rpc.JSON("GET /api/admin/v1/why/access", "Says why a person sees a document or does not.", s.whyAccessByURL).Refusing(fault.NotFound),
		rpc.JSON("POST /api/admin/v1/why/access", "Says why a person sees a document or does not.", s.why.Access).Refusing(fault.NotFound),
		rpc.JSON("GET /api/admin/v1/why/rank", "Says why results stand where they do.", s.whyRankByURL).Refusing(fault.NotFound),
		rpc.JSON("POST /api/admin/v1/why/rank", "Says why results stand where they do.", s.why.Rank).Refusing(fault.NotFound),
	}
}

// WhyAccessURL is why.AccessRequest in an address.
type WhyAccessURL struct {
	Person   string `query:"person" json:"-"`
	Document string `query:"document" json:"-"`
}

func (s *Service) whyAccessByURL(ctx context.Context, c grant.Caller, req WhyAccessURL) (why.AccessAnswer, error) {
	return s.why.Access(ctx, c, why.AccessRequest{Person: req.Person, Document: req.Document})
}

// WhyRankURL is why.RankRequest in an address, without filters.
type WhyRankURL struct {
	Query    string `query:"query" json:"-"`
	Person   string `query:"person" json:"-"`
	Document string `query:"document" json:"-"`
	Limit    int    `query:"limit" json:"-"`
}

func (s *Service) whyRankByURL(ctx context.Context, c grant.Caller, req WhyRankURL) (why.RankAnswer, error) {
	if req.Query == "" && req.Document == "" {
		return why.RankAnswer{}, fault.New(fault.Invalid, "query or document is needed.").WithField("query")
	}
	return s.why.Rank(ctx, c, why.RankRequest{Query: req.Query, Person: req.Person, Document: req.Document, Limit: req.Limit})
}
