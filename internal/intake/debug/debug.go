// Package debug is the part of the Indexing API in which a connector asks what became of what it sent: where documents and
// users stand, what happened to a document, how many there are, and whether a person may read one. A connector asks about
// those datasources that its token covers, and no other caller is admitted.
//
// Nothing here waits: the answers are those of the moment, from the database and from what the search index shows.
package debug

import (
	"context"
	"sync"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// Config says what a Service asks. Now may be nil.
type Config struct {
	Corpus    *corpus.Corpus
	Directory *directory.Directory
	// Shown is what the search index shows.
	Shown corpus.Shown
	// Uploads returns the last bulk uploads of a kind in a datasource, the newest first.
	Uploads func(ctx context.Context, datasource string, kind upload.Kind, n int) ([]upload.Session, error)
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Service answers about one server.
type Service struct {
	Config

	lock  sync.Mutex // guards asked
	asked map[string]time.Time
}

// New returns a Service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{Config: cfg, asked: map[string]time.Time{}}
}

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/debug/{datasource}/status", "Says where a datasource stands.", s.status),
		rpc.JSON("POST /api/index/v1/debug/{datasource}/document", "Says where a document stands.", s.document),
		rpc.JSON("POST /api/index/v1/debug/{datasource}/documents", "Says where documents stand.", s.documents),
		rpc.JSON("POST /api/index/v1/debug/{datasource}/user", "Says where a user of a datasource stands.", s.user),
		rpc.JSON("POST /api/index/v1/debug/{datasource}/document/events", "Says what happened to a document.", s.events),
		rpc.JSON("POST /api/index/v1/checkdocumentaccess", "Says whether a person may read a document.", s.checkAccess),
		rpc.JSON("POST /api/index/v1/getdocumentstatus", "Says where a document stands.", s.getStatus),
		rpc.JSON("POST /api/index/v1/getdocumentcount", "Counts the documents of a datasource.", s.countDocuments),
		rpc.JSON("POST /api/index/v1/getusercount", "Counts the users of a datasource.", s.countUsers),
	)
}

// MaxDocuments is how many documents one request may ask about.
const MaxDocuments = 500

// States of what a connector sent.
const (
	uploaded    = "UPLOADED"
	notUploaded = "NOT_UPLOADED"
	indexed     = "INDEXED"
	notIndexed  = "NOT_INDEXED"
	unknown     = "STATUS_UNKNOWN"
)

func uploadState(there bool) string {
	if there {
		return uploaded
	}
	return notUploaded
}

func indexState(c corpus.Certainty) string {
	switch c {
	case corpus.Yes:
		return indexed
	case corpus.No:
		return notIndexed
	}
	return unknown
}

// text is a time as these operations write it: RFC 3339 in UTC, "" where there is none.
func text(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func (s *Service) document(ctx context.Context, c grant.Caller, req DocumentRequest) (DocumentResponse, error) {
	st, err := s.Corpus.Status(ctx, c, corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.DocID}, s.Shown)
	if err != nil {
		return DocumentResponse{}, err
	}
	return about(&st), nil
}

func about(st *corpus.Status) DocumentResponse {
	answer := DocumentResponse{Status: DocumentStatus{
		UploadStatus: uploadState(st.Uploaded), LastUploadedAt: text(st.UploadedAt),
		IndexingStatus: indexState(st.Indexed), LastIndexedAt: text(st.IndexedAt),
		PermissionIdentityStatus: uploadState(st.Named),
	}}
	if st.Uploaded {
		p := permissionsOf(&st.Permissions)
		answer.UploadedPermissions = &p
	}
	return answer
}

func (s *Service) documents(ctx context.Context, c grant.Caller, req DocumentsRequest) (DocumentsResponse, error) {
	if len(req.Documents) > MaxDocuments {
		return DocumentsResponse{}, fault.Newf(fault.TooLarge, "One request asks about at most %d documents.", MaxDocuments).WithField("debugDocuments")
	}
	refs := make([]corpus.Ref, len(req.Documents))
	for i, d := range req.Documents {
		refs[i] = corpus.Ref{Datasource: req.Datasource, ObjectType: d.ObjectType, ID: d.DocID}
	}
	list, err := s.Corpus.Statuses(ctx, c, req.Datasource, refs, s.Shown)
	if err != nil {
		return DocumentsResponse{}, err
	}
	answer := DocumentsResponse{Statuses: make([]DocumentsItem, len(list))}
	for i, d := range req.Documents {
		answer.Statuses[i] = DocumentsItem{d.DocID, d.ObjectType, about(&list[i])}
	}
	return answer, nil
}

func (s *Service) user(ctx context.Context, c grant.Caller, req UserRequest) (UserResponse, error) {
	if _, err := s.Corpus.Datasource(ctx, c, req.Datasource); err != nil {
		return UserResponse{}, err
	}
	u, known, err := s.Directory.SentUser(ctx, req.Datasource, req.Email)
	if err != nil {
		return UserResponse{}, err
	}
	answer := UserResponse{Status: UserStatus{u.Active, uploadState(known), text(u.Uploaded)}, Groups: make([]Group, 0, len(u.Groups))}
	for _, g := range u.Groups {
		answer.Groups = append(answer.Groups, Group{g})
	}
	return answer, nil
}

func (s *Service) checkAccess(ctx context.Context, c grant.Caller, req AccessRequest) (AccessResponse, error) {
	may, err := s.Corpus.MayRead(ctx, c, corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.DocID}, req.UserEmail)
	return AccessResponse{may}, err
}

func (s *Service) getStatus(ctx context.Context, c grant.Caller, req StatusRequest) (StatusResponse, error) {
	st, err := s.Corpus.Status(ctx, c, corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.DocID}, s.Shown)
	if err != nil {
		return StatusResponse{}, err
	}
	answer := StatusResponse{UploadStatus: uploadState(st.Uploaded), IndexingStatus: indexState(st.Indexed)}
	if st.Uploaded {
		answer.LastUploadedAt = st.UploadedAt.Unix()
	}
	if !st.IndexedAt.IsZero() {
		answer.LastIndexedAt = st.IndexedAt.Unix()
	}
	return answer, nil
}

func (s *Service) countDocuments(ctx context.Context, c grant.Caller, req CountRequest) (DocumentCount, error) {
	types, _, err := s.Corpus.TypeCounts(ctx, c, req.Datasource, s.Shown)
	n := int64(0)
	for _, t := range types {
		n += t.Uploaded
	}
	return DocumentCount{n}, err
}

func (s *Service) countUsers(ctx context.Context, c grant.Caller, req CountRequest) (UserCount, error) {
	if _, err := s.Corpus.Datasource(ctx, c, req.Datasource); err != nil {
		return UserCount{}, err
	}
	t, err := s.Directory.Totals(ctx, req.Datasource)
	return UserCount{t.Users}, err
}
