// Package documents is the part of the Indexing API through which connectors put documents in, take
// them out and say who may read them. A connector writes those datasources that its token covers, and
// no other caller is admitted.
//
// An empty 200 means that the change is durable; it can be found a moment later. A batch is checked
// as a whole before the first of its documents is written.
package documents

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// MaxBatch is how many documents one indexdocuments or one page of bulkindexdocuments may hold.
const MaxBatch = 10_000

// Service changes the documents of one corpus.
type Service struct{ corpus *corpus.Corpus }

// New returns a Service.
func New(c *corpus.Corpus) *Service { return &Service{c} }

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
	d, err := document(&req.Document)
	if err != nil {
		return rpc.None{}, within(err, "document")
	}
	return rpc.None{}, within(s.corpus.Put(ctx, c, req.Document.Datasource, []corpus.Document{d}, req.Version), "document")
}

func (s *Service) putMany(ctx context.Context, c grant.Caller, req IndexManyRequest) (rpc.None, error) {
	docs, err := batch(req.Datasource, req.Documents)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.corpus.Put(ctx, c, req.Datasource, docs, 0)
}

// batch makes corpus documents of those of one request.
func batch(datasource string, sent []Document) ([]corpus.Document, error) {
	if len(sent) > MaxBatch {
		return nil, fault.Newf(fault.TooLarge, "A batch has at most %d documents.", MaxBatch).WithField("documents")
	}
	docs := make([]corpus.Document, len(sent))
	for i := range sent {
		d := &sent[i]
		if d.Datasource != "" && d.Datasource != datasource {
			return nil, fault.Newf(fault.Invalid, "Document %q is of another datasource than its batch. Nothing of this batch was written.", d.ID).
				WithField(fmt.Sprintf("documents[%d].datasource", i))
		}
		var err error
		if docs[i], err = document(d); err != nil {
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

// within puts the place of a document before the field of a fault.
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
	return f.WithField(place)
}

// document makes a corpus document of what was sent, with the text of its parts.
func document(d *Document) (corpus.Document, error) {
	out := corpus.Document{
		ObjectType: d.ObjectType, ID: d.ID, Title: d.Title, ViewURL: d.ViewURL, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Permissions: d.Permissions.permissions(),
		Filename:    d.Filename, Container: d.Container, ContainerID: d.ContainerDatasourceID, ContainerObjectType: d.ContainerObjectType,
		Author: corpus.User(d.Author), Owner: corpus.User(d.Owner), UpdatedBy: corpus.User(d.UpdatedBy),
		Tags: d.Tags, Status: d.Status, AdditionalURLs: d.AdditionalURLs, NativeAppURL: d.NativeAppURL,
		Interactions: corpus.Interactions{Views: d.Interactions.NumViews, Likes: d.Interactions.NumLikes, Comments: d.Interactions.NumComments},
	}
	body, err := text(&d.Body, "body")
	if err != nil {
		return out, err
	}
	out.Body, out.MimeType = body.Text, body.MimeType
	if out.Title == "" {
		out.Title = body.Title
	}
	summary, err := text(&d.Summary, "summary")
	if err != nil {
		return out, err
	}
	out.Summary = summary.Text
	for i := range d.Comments {
		c := &d.Comments[i]
		said, err := text(&c.Content, fmt.Sprintf("comments[%d].content", i))
		if err != nil {
			return out, err
		}
		out.Comments = append(out.Comments, corpus.Comment{
			ID: c.ID, Author: corpus.User(c.Author), Text: said.Text, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, UpdatedBy: corpus.User(c.UpdatedBy),
		})
	}
	for _, p := range d.CustomProperties {
		out.Properties = append(out.Properties, corpus.Property{Name: p.Name, Value: p.Value})
	}
	return out, nil
}

// text takes the text out of a piece of content. One that is absent has none.
func text(c *Content, field string) (corpus.Text, error) {
	if *c == (Content{}) {
		return corpus.Text{}, nil
	}
	if c.TextContent != "" && c.BinaryContent != "" {
		return corpus.Text{}, fault.New(fault.Invalid, "Content is textContent or binaryContent, not both.").WithField(field)
	}
	raw := []byte(c.TextContent)
	if c.BinaryContent != "" {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(c.BinaryContent); err != nil {
			return corpus.Text{}, fault.New(fault.Invalid, "binaryContent is not valid base64.").WithField(field + ".binaryContent").Wrap(err)
		}
	}
	t, err := corpus.Extract(c.MimeType, raw)
	if err != nil {
		var f *fault.Fault
		if errors.As(err, &f) && f.Field != "" {
			return t, f.WithField(field + "." + f.Field)
		}
		return t, within(err, field)
	}
	return t, nil
}
