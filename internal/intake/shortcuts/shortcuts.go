// Package shortcuts is the part of the Indexing API in which a connector sends short names of addresses: those that
// another service hosts, all of them at a time, and those that are to be hosted here from now on. Only tokens over
// all datasources are admitted, for shortcuts belong to none.
package shortcuts

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/shortcut"
)

// Service changes the shortcuts of one store.
type Service struct{ store *shortcut.Store }

// New returns a Service.
func New(store *shortcut.Store) *Service { return &Service{store} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/bulkindexshortcuts", "Replaces all shortcuts of another service, page by page.", s.bulk).Audited(),
		rpc.JSON("POST /api/index/v1/uploadshortcuts", "Adds or replaces shortcuts that are hosted here, page by page.", s.upload).Audited(),
	)
}

// maxPage bounds the shortcuts of one request.
const maxPage = 50_000

func check(c grant.Caller, n int) error {
	if !c.MayIndexAll() {
		return fault.New(fault.Forbidden, "Shortcuts need an indexing token over all datasources.")
	}
	if n > maxPage {
		return fault.Newf(fault.TooLarge, "A page has at most %d shortcuts.", maxPage)
	}
	return nil
}

func (s *Service) bulk(ctx context.Context, c grant.Caller, req BulkRequest) (rpc.None, error) {
	if err := check(c, len(req.Shortcuts)); err != nil {
		return rpc.None{}, err
	}
	list := make([]shortcut.Shortcut, len(req.Shortcuts))
	for i := range req.Shortcuts {
		e := &req.Shortcuts[i]
		if e.IntermediateURL == "" {
			return rpc.None{}, fault.New(fault.Invalid, "A shortcut of another service needs an intermediateUrl.").WithField("intermediateUrl")
		}
		var err error
		if list[i], err = e.record(); err != nil {
			return rpc.None{}, err
		}
		list[i].Title, list[i].Intermediate, list[i].EditURL, list[i].VisitScore = e.Title, e.IntermediateURL, e.EditURL, e.DecayedVisitScore
	}
	return rpc.None{}, s.store.Upload(ctx, req.Page(req.Shortcuts), shortcut.External, list)
}

func (s *Service) upload(ctx context.Context, c grant.Caller, req UploadRequest) (rpc.None, error) {
	if err := check(c, len(req.Shortcuts)); err != nil {
		return rpc.None{}, err
	}
	list := make([]shortcut.Shortcut, len(req.Shortcuts))
	for i := range req.Shortcuts {
		h := &req.Shortcuts[i]
		var err error
		if list[i], err = h.record(); err != nil {
			return rpc.None{}, err
		}
		list[i].Unlisted, list[i].Template = h.Unlisted, h.URLTemplate
	}
	return rpc.None{}, s.store.Upload(ctx, req.Page(req.Shortcuts), shortcut.Hosted, list)
}
