package permissions

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// TestersRequest names the people who may see a datasource before others.
type TestersRequest struct {
	Datasource string   `json:"datasource"`
	Emails     []string `json:"emails"`
}

// AuditSubject names the datasource.
func (r TestersRequest) AuditSubject() string { return r.Datasource }

// setTesters replaces the test group of a datasource. Who sees one that an administrator has shown or hidden stays the
// administrator's decision.
func (s *Service) setTesters(ctx context.Context, c grant.Caller, req TestersRequest) (rpc.None, error) {
	if err := covers(c, req.Datasource); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.directory.SetTesters(ctx, req.Datasource, req.Emails)
}
