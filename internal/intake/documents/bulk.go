package documents

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// BulkIndexRequest is a page of an upload that replaces all documents of a datasource.
type BulkIndexRequest struct {
	UploadID                          string     `json:"uploadId"`
	IsFirstPage                       bool       `json:"isFirstPage,omitzero"`
	IsLastPage                        bool       `json:"isLastPage,omitzero"`
	ForceRestartUpload                bool       `json:"forceRestartUpload,omitzero"`
	Datasource                        string     `json:"datasource"`
	Documents                         []Document `json:"documents"`
	DisableStaleDocumentDeletionCheck bool       `json:"disableStaleDocumentDeletionCheck,omitzero"`
}

// AuditSubject names the datasource.
func (r BulkIndexRequest) AuditSubject() string { return r.Datasource }

func (s *Service) bulk(ctx context.Context, c grant.Caller, req BulkIndexRequest) (rpc.None, error) {
	page := upload.Page{
		Datasource: req.Datasource, ID: req.UploadID, First: req.IsFirstPage, Last: req.IsLastPage, Restart: req.ForceRestartUpload,
		SkipStaleCheck: req.DisableStaleDocumentDeletionCheck,
	}
	if err := page.Check(); err != nil {
		return rpc.None{}, err
	}
	docs, err := s.batch(ctx, req.Datasource, req.Documents)
	if err != nil {
		return rpc.None{}, err
	}
	if page.First && page.Last {
		page.Digest = upload.Digest(req.Documents)
	}
	return rpc.None{}, s.corpus.Upload(ctx, c, page, docs)
}
