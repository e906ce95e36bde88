package debug

import (
	"cmp"
	"context"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// history is how many uploads and runs an answer tells of.
const history = 20

func (s *Service) status(ctx context.Context, c grant.Caller, req DatasourceRequest) (DatasourceStatus, error) {
	var answer DatasourceStatus
	counts, known, err := s.Corpus.TypeCounts(ctx, c, req.Datasource, s.Shown)
	if err != nil {
		return answer, err
	}
	answer.Documents.Counts.Uploaded = make([]TypeCount, 0, len(counts))
	for _, t := range counts {
		answer.Documents.Counts.Uploaded = append(answer.Documents.Counts.Uploaded, TypeCount{t.ObjectType, t.Uploaded})
		if known {
			answer.Documents.Counts.Indexed = append(answer.Documents.Counts.Indexed, TypeCount{t.ObjectType, t.Indexed})
		}
	}
	if answer.Documents.Uploads, err = s.uploads(ctx, req.Datasource, upload.Documents); err != nil {
		return answer, err
	}
	if answer.Documents.Processing, err = s.runs(ctx, c, req.Datasource, corpus.ProcessDocuments); err != nil {
		return answer, err
	}
	if answer.Identity.Processing, err = s.runs(ctx, c, req.Datasource, corpus.ProcessMemberships); err != nil {
		return answer, err
	}
	totals, err := s.Directory.Totals(ctx, req.Datasource)
	if err != nil {
		return answer, err
	}
	for _, part := range []struct {
		into *IdentityPart
		kind upload.Kind
		n    int64
	}{
		{&answer.Identity.Users, upload.Users, totals.Users},
		{&answer.Identity.Groups, upload.Groups, totals.Groups},
		{&answer.Identity.Memberships, upload.Memberships, totals.Memberships},
	} {
		part.into.Counts.Uploaded = part.n
		if part.into.Uploads, err = s.uploads(ctx, req.Datasource, part.kind); err != nil {
			return answer, err
		}
	}
	audience, err := s.Directory.Audience(ctx, req.Datasource)
	switch audience {
	case directory.VisibleToAll:
		answer.Visibility = "ENABLED_FOR_ALL"
	case directory.VisibleToTestGroup:
		answer.Visibility = "ENABLED_FOR_TEST_GROUP"
	default:
		answer.Visibility = "NOT_ENABLED"
	}
	return answer, err
}

// uploads tells of bulk uploads. One that another took the place of is left out: the contract has no word for it.
func (s *Service) uploads(ctx context.Context, datasource string, kind upload.Kind) ([]BulkUpload, error) {
	sessions, err := s.Uploads(ctx, datasource, kind, history)
	if err != nil {
		return nil, err
	}
	list := make([]BulkUpload, 0, len(sessions))
	for i := range sessions {
		u := &sessions[i]
		told := BulkUpload{UploadID: u.ID, Start: text(u.Started), End: "NA", Status: "ACTIVE", State: "UPLOAD STARTED"}
		switch {
		case u.State == upload.Dropped:
			continue
		case u.State == upload.Open && u.Pages > 1:
			told.State = "UPLOAD IN PROGRESS"
		case u.State == upload.Closed:
			told.End, told.Status, told.State = text(u.Ended), "SUCCESSFUL", "INDEXING COMPLETED"
			switch u.Removal {
			case upload.Paused:
				told.State = "DELETION PAUSED"
			case upload.Waiting, upload.Covered:
				told.State = "UPLOAD COMPLETED"
			}
		}
		list = append(list, told)
	}
	return list, nil
}

func (s *Service) runs(ctx context.Context, c grant.Caller, datasource string, kind corpus.ProcessKind) ([]Processing, error) {
	runs, err := s.Corpus.Runs(ctx, c, datasource, kind, history)
	if err != nil {
		return nil, err
	}
	list := make([]Processing, 0, len(runs))
	for _, r := range runs {
		list = append(list, Processing{text(cmp.Or(r.Begun, r.Asked)), text(r.Ended)})
	}
	return list, nil
}
