package documents

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// BulkIndexRequest is a page of an upload that replaces all documents of a datasource.
type BulkIndexRequest struct {
	upload.Head
	Datasource                        string     `json:"datasource"`
	Documents                         []Document `json:"documents"`
	DisableStaleDocumentDeletionCheck bool       `json:"disableStaleDocumentDeletionCheck,omitzero"`
}

// AuditSubject names the datasource.
func (r BulkIndexRequest) AuditSubject() string { return r.Datasource }

func (s *Service) bulk(ctx context.Context, c grant.Caller, req BulkIndexRequest) (rpc.None, error) {
	page := req.Page(req.Documents)
	page.Datasource, page.SkipStaleCheck = req.Datasource, req.DisableStaleDocumentDeletionCheck
	if err := page.Check(); err != nil {
		return rpc.None{}, err
	}
	docs, err := s.batch(ctx, req.Datasource, req.Documents)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.corpus.Upload(ctx, c, page, docs)
}
