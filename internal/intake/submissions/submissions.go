// Package submissions is the part of the Indexing API through which a program hands something in and leaves: the answer says that it is kept, and
// a job works on it afterwards.
//
// What can be handed in is a document to index (type document), several (documents), or one to remove (deletedocument), each as the JSON that the
// operation of that name takes. A token submits to the datasources that it covers; others do not exist for it.
package submissions

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// maxSubmission bounds the bytes of one submission.
const maxSubmission = 8 << 20

// Service keeps submissions of one corpus.
type Service struct{ corpus *corpus.Corpus }

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.Accepted("POST /rest/api/index/submissions/{datasourceInstance}/{type}", "Takes documents to be worked on later.", s.submit).
			Audited().Limit(maxSubmission),
	)
}

// Request hands something in. Payload is the whole body.
type Request struct {
	Datasource string         `json:"-" path:"datasourceInstance"`
	Type       string         `json:"-" path:"type"`
	Payload    jsontext.Value `json:",embed"`
}

// AuditSubject names the datasource.
func (r Request) AuditSubject() string { return r.Datasource }

// Response says under which id the submission is kept.
type Response struct {
	RequestID string `json:"requestId"`
}

func (s *Service) submit(ctx context.Context, c grant.Caller, req Request) (Response, error) {
	kind := corpus.SubmissionType(strings.ToLower(req.Type))
	if !kind.Known() {
		return Response{}, fault.Newf(fault.NotFound, "There are no submissions of this type. There are: %s.", strings.Join(corpus.SubmissionTypes(), ", "))
	}
	if err := check(kind, req); err != nil {
		return Response{}, err
	}
	id, err := s.corpus.Submit(ctx, c, req.Datasource, kind, req.Payload)
	return Response{id}, err
}

// check refuses what no job could make anything of. The rest is for the job: reading bodies takes time.
func check(kind corpus.SubmissionType, req Request) error {
	var shape struct {
		Datasource string           `json:"datasource"`
		ID         string           `json:"id"`
		Document   jsontext.Value   `json:"document"`
		Documents  []jsontext.Value `json:"documents"`
	}
	if err := json.Unmarshal(req.Payload, &shape); err != nil {
		return fault.Newf(fault.Invalid, "The submission is no JSON of the type %s.", kind).Wrap(err)
	}
	if shape.Datasource != "" && shape.Datasource != req.Datasource {
		return fault.Newf(fault.Invalid, "The submission names the datasource %q, its address another.", shape.Datasource)
	}
	ok := false
	switch kind {
	case corpus.SubmitDocument:
		ok = shape.Document.Kind() == '{'
	case corpus.SubmitDocuments:
		ok = len(shape.Documents) > 0
	case corpus.SubmitDelete:
		ok = shape.ID != ""
	}
	if !ok {
		return fault.Newf(fault.Invalid, "A submission of the type %s is the JSON that %s takes.", kind, map[corpus.SubmissionType]string{
			corpus.SubmitDocument: "indexdocument", corpus.SubmitDocuments: "indexdocuments", corpus.SubmitDelete: "deletedocument",
		}[kind])
	}
	return nil
}
