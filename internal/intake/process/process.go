// Package process is the part of the Indexing API in which a connector has everything gone through again.
//
// Elsewhere this sets going what was sent. In sheaf that counts at once, and what these operations do is to do again what
// followed from it: documents are resolved and indexed anew, users, groups and people are read anew by every node. A
// connector reaches those datasources that its token covers, and no other caller is admitted.
package process

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// Service has the documents of one corpus processed.
type Service struct{ corpus *corpus.Corpus }

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/processalldocuments", "Indexes all documents of a datasource, or of all, anew.", s.documents).Audited(),
		rpc.JSON("POST /api/index/v1/processallmemberships", "Reads the users and groups of a datasource, or of all, anew.", s.memberships).Audited(),
		rpc.JSON("POST /api/index/v1/processallemployeesandteams", "Reads all people anew.", s.people).Audited(),
	)
}

// Request names a datasource. Without one, and without a body, all are meant.
type Request struct {
	Datasource string `json:"datasource,omitzero"`
}

// BodyOptional says that the request may come without a body.
func (Request) BodyOptional() {}

// AuditSubject names the datasource.
func (r Request) AuditSubject() string { return r.Datasource }

func (s *Service) documents(ctx context.Context, c grant.Caller, req Request) (rpc.None, error) {
	return rpc.None{}, s.corpus.Process(ctx, c, corpus.ProcessDocuments, req.Datasource)
}

func (s *Service) memberships(ctx context.Context, c grant.Caller, req Request) (rpc.None, error) {
	return rpc.None{}, s.corpus.Process(ctx, c, corpus.ProcessMemberships, req.Datasource)
}

func (s *Service) people(ctx context.Context, c grant.Caller, _ rpc.None) (rpc.None, error) {
	return rpc.None{}, s.corpus.Process(ctx, c, corpus.ProcessPeople, "")
}
