package documents

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
)

// Work is the job that works on a submission as if its JSON had just been sent to the operation for it. The caller is the server itself: whether
// the token covers the datasource was asked when it was handed in.
func (s *Service) Work(c grant.Caller) job.Work {
	return func(ctx context.Context, j job.Job, _ func(done, total int64)) (message string, err error) {
		err = s.corpus.WorkOn(ctx, c, j.Args, func(ctx context.Context, sub corpus.Submission) error {
			message = fmt.Sprintf("A submission of the type %s to %s was worked on.", sub.Type, sub.Datasource)
			return s.take(ctx, c, sub)
		})
		return message, err
	}
}

// take carries one submission out.
func (s *Service) take(ctx context.Context, c grant.Caller, sub corpus.Submission) error {
	var err error
	read := func(into any) bool {
		if err = json.Unmarshal(sub.Body, into); err != nil {
			err = fault.Newf(fault.Invalid, "The submission is no JSON of the type %s: %s", sub.Type, err)
		}
		return err == nil
	}
	switch sub.Type {
	case corpus.SubmitDocument:
		if req := (IndexRequest{}); read(&req) {
			if req.Document.Datasource != "" && req.Document.Datasource != sub.Datasource {
				return fault.New(fault.Invalid, "The document is of another datasource than its submission.").WithField("document.datasource")
			}
			req.Document.Datasource = sub.Datasource
			_, err = s.put(ctx, c, req)
		}
	case corpus.SubmitDocuments:
		if req := (IndexManyRequest{}); read(&req) {
			req.Datasource = sub.Datasource
			_, err = s.putMany(ctx, c, req)
		}
	case corpus.SubmitDelete:
		if req := (DeleteRequest{}); read(&req) {
			req.Datasource = sub.Datasource
			_, err = s.remove(ctx, c, req)
		}
	}
	return err
}
