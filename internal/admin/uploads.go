package admin

import (
	"context"
	"strconv"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// uploadOperations show bulk uploads, and decide about removals that are paused.
func (s *Service) uploadOperations() []rpc.Operation {
	return []rpc.Operation{
		rpc.JSON("GET /api/admin/v1/uploads", "Lists the bulk uploads of a datasource, newest first.", s.listUploads),
		rpc.JSON("POST /api/admin/v1/uploads/{id}/removal", "Runs or drops the paused removal of what an upload left stale.", s.decideRemoval).Audited(),
	}
}

// Upload is a bulk upload. Times are Unix seconds.
type Upload struct {
	ID          int64  `json:"id"`
	UploadID    string `json:"uploadId"` // as the connector calls it
	Datasource  string `json:"datasource,omitzero"`
	Kind        string `json:"kind"`
	Group       string `json:"group,omitzero"` // whose members it replaces
	State       string `json:"state"`          // open, closed, dropped
	Started     int64  `json:"started"`
	LastPage    int64  `json:"lastPageAt"`
	Ended       int64  `json:"ended,omitzero"`
	Pages       int64  `json:"pages"`
	Items       int64  `json:"items"`
	Removal     string `json:"removal,omitzero"` // waiting, paused, covered, done, dropped; absent where nothing was stale
	Stale       int64  `json:"stale"`
	Removed     int64  `json:"removed"`
	PausedUntil int64  `json:"pausedUntil,omitzero"`
}

// Uploads is a list of them.
type Uploads struct {
	Uploads []Upload `json:"uploads"`
}

func uploadOf(s *upload.Session) Upload {
	seconds := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.Unix()
	}
	u := Upload{
		ID: s.Seq, UploadID: s.ID, Datasource: s.Datasource, Kind: string(s.Kind), Group: s.Part, State: string(s.State),
		Started: seconds(s.Started), LastPage: seconds(s.Seen), Ended: seconds(s.Ended), Pages: s.Pages, Items: s.Items,
		Removal: string(s.Removal), Stale: s.Stale, Removed: s.Removed,
	}
	if s.Removal == upload.Paused {
		u.PausedUntil = seconds(s.PausedUntil)
	}
	return u
}

// ListUploadsRequest chooses uploads: of a datasource, or, where it is absent, of what belongs to none, such as employees.
type ListUploadsRequest struct {
	Datasource string `query:"datasource" json:"-"`
	Limit      int    `query:"limit" json:"-"` // 50 where it is absent, 500 at most
}

func (s *Service) listUploads(ctx context.Context, c grant.Caller, req ListUploadsRequest) (Uploads, error) {
	if req.Limit < 0 || req.Limit > 500 {
		return Uploads{}, fault.New(fault.Invalid, "limit is 1 to 500.").WithField("limit")
	}
	if req.Limit == 0 {
		req.Limit = 50
	}
	list, err := s.uploads.List(ctx, c, req.Datasource, req.Limit)
	if err != nil {
		return Uploads{}, err
	}
	answer := Uploads{make([]Upload, len(list))}
	for i := range list {
		answer.Uploads[i] = uploadOf(&list[i])
	}
	return answer, nil
}

// RemovalRequest decides about a paused removal: "run" removes what is stale now, "drop" keeps it until the next upload ends.
type RemovalRequest struct {
	ID     string `path:"id" json:"-"`
	Action string `json:"action"`
}

// AuditSubject names the upload and what was decided.
func (r RemovalRequest) AuditSubject() string { return r.ID + " " + r.Action }

func (s *Service) decideRemoval(ctx context.Context, c grant.Caller, req RemovalRequest) (Upload, error) {
	seq, err := strconv.ParseInt(req.ID, 10, 64)
	if err != nil {
		return Upload{}, fault.New(fault.NotFound, "There is no such upload.")
	}
	switch req.Action {
	case "run":
		err = s.uploads.Run(ctx, c, seq)
	case "drop":
		err = s.uploads.Drop(ctx, c, seq)
	default:
		err = fault.New(fault.Invalid, `action is "run" or "drop".`).WithField("action")
	}
	if err != nil {
		return Upload{}, err
	}
	now, err := s.uploads.Session(ctx, c, seq)
	return uploadOf(&now), err
}
