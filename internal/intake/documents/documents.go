// Package documents is the part of the Indexing API through which connectors put documents in, take
// them out and say who may read them. A connector writes those datasources that its token covers, and
// no other caller is admitted.
//
// An empty 200 means that the change is durable; it can be found a moment later. A batch is checked
// as a whole before the first of its documents is written.
package documents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/extract"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// MaxBatch is how many documents one indexdocuments or one page of bulkindexdocuments may hold.
const MaxBatch = 10_000

// maxReading is how long the reading of the bodies of one request may take, each of which may take seconds.
const maxReading = time.Minute

// Service changes the documents of one corpus.
type Service struct {
	corpus *corpus.Corpus
	reader *extract.Reader
}

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c, extract.New()} }

// Room is what an indexing token opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.IndexingScope, grant.Indexing,
		rpc.JSON("POST /api/index/v1/indexdocument", "Adds or replaces a document.", s.put).Audited(),
		rpc.JSON("POST /api/index/v1/indexdocuments", "Adds or replaces documents of one datasource.", s.putMany).Audited(),
		rpc.JSON("POST /api/index/v1/bulkindexdocuments", "Replaces all documents of a datasource, page by page.", s.bulk).Audited(),
		rpc.JSON("POST /api/index/v1/updatepermissions", "Replaces who may read a document.", s.setPermissions).Audited(),
		rpc.JSON("POST /api/index/v1/deletedocument", "Removes a document.", s.remove).Audited(),
	)
}

func (s *Service) put(ctx context.Context, c grant.Caller, req IndexRequest) (rpc.None, error) {
	reading, cancel := context.WithTimeout(ctx, maxReading)
	defer cancel()
	d, err := s.document(reading, &req.Document)
	if err != nil {
		if reading.Err() != nil && ctx.Err() == nil {
			return rpc.None{}, fault.Newf(fault.TooLarge, "The body and the comments of the document take longer than %s to read. Send their text as text/plain.", maxReading).Wrap(err)
		}
		return rpc.None{}, within(err, "document")
	}
	return rpc.None{}, within(s.corpus.Put(ctx, c, req.Document.Datasource, []corpus.Document{d}, req.Version), "document")
}

func (s *Service) putMany(ctx context.Context, c grant.Caller, req IndexManyRequest) (rpc.None, error) {
	docs, err := s.batch(ctx, req.Datasource, req.Documents)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.corpus.Put(ctx, c, req.Datasource, docs, 0)
}

// batch makes corpus documents of those of one request.
func (s *Service) batch(ctx context.Context, datasource string, sent []Document) ([]corpus.Document, error) {
	if len(sent) > MaxBatch {
		return nil, fault.Newf(fault.TooLarge, "A batch has at most %d documents.", MaxBatch).WithField("documents")
	}
	reading, cancel := context.WithTimeout(ctx, maxReading)
	defer cancel()
	docs := make([]corpus.Document, len(sent))
	for i := range sent {
		d := &sent[i]
		if d.Datasource != "" && d.Datasource != datasource {
			return nil, fault.Newf(fault.Invalid, "Document %q is of another datasource than its batch. Nothing of this batch was written.", d.ID).
				WithField(fmt.Sprintf("documents[%d].datasource", i))
		}
		var err error
		if docs[i], err = s.document(reading, d); err != nil {
			if reading.Err() != nil && ctx.Err() == nil {
				return nil, fault.Newf(fault.TooLarge, "documents[%d].body: The bodies of this batch take longer than %s to read. Send fewer at once. Nothing of this batch was written.", i, maxReading).Wrap(err)
			}
			return nil, within(err, fmt.Sprintf("documents[%d]", i))
		}
	}
	return docs, nil
}

func (s *Service) setPermissions(ctx context.Context, c grant.Caller, req UpdatePermissionsRequest) (rpc.None, error) {
	ref := corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.ID, ViewURL: req.ViewURL}
	return rpc.None{}, s.corpus.SetPermissions(ctx, c, ref, req.Permissions.permissions())
}

func (s *Service) remove(ctx context.Context, c grant.Caller, req DeleteRequest) (rpc.None, error) {
	ref := corpus.Ref{Datasource: req.Datasource, ObjectType: req.ObjectType, ID: req.ID}
	return rpc.None{}, s.corpus.Delete(ctx, c, ref, req.Version)
}

// within puts the place of a document before the field of a fault. A fault of content says the place in words too: a batch has many.
func within(err error, place string) error {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err
	}
	if f.Field != "" && f.Field != "version" && f.Field != "datasource" {
		place += "." + f.Field
	} else if f.Field != "" {
		place = f.Field
	}
	f = f.WithField(place)
	if f.Code == codeContent {
		f = f.WithCode("")
		f.Message = place + ": " + f.Message
	}
	return f
}
