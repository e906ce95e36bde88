// Package docpermissions says who else may read a document: what the DOCPERMISSIONS scope opens.
//
// For a person it means to ask of a document that they may read themselves; of any other, and of one that does not
// exist, the answer is the same refusal. The addresses are those of people who are active now, whichever of a group, a
// datasource's users or their own name the document admits them by. A GLOBAL token asks as the person it names;
// anonymous tokens do not open it.
package docpermissions

import (
	"context"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// visibleToAll stands for the addresses of everyone.
const visibleToAll = "VISIBLE_TO_ALL"

// atOnce bounds how many lists are made at a time: one of a hundred thousand people reads them all.
const atOnce = 2

// Service expands who may read a document.
type Service struct {
	corpus    *corpus.Corpus
	directory *directory.Directory
	turns     chan struct{} // holds a token for each list being made
}

// New returns the service over c, whose readers d knows.
func New(c *corpus.Corpus, d *directory.Directory) *Service {
	return &Service{corpus: c, directory: d, turns: make(chan struct{}, atOnce)}
}

// Room is what the DOCPERMISSIONS scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.DocPermissions, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/getdocpermissions", "Says who may read a document.", s.Get),
	)
}

// GetRequest names a document by its id.
type GetRequest struct {
	DocumentID string `json:"documentId,omitzero"`
}

// GetResponse holds the main addresses of those who may read it, in order, or VISIBLE_TO_ALL alone.
type GetResponse struct {
	Emails []string `json:"allowedUserEmails"`
}

var errMissing = fault.New(fault.Forbidden, "There is no such document, or you may not see it.").WithField("documentId")

// Get says who may read a document that the caller may read too.
func (s *Service) Get(ctx context.Context, c grant.Caller, req GetRequest) (GetResponse, error) {
	resp := GetResponse{Emails: []string{}}
	if req.DocumentID == "" {
		return resp, fault.New(fault.Invalid, "Name the document by its documentId.").WithField("documentId")
	}
	ref, ok := corpus.ParseKey(req.DocumentID)
	if !ok {
		return resp, errMissing
	}
	found, err := s.corpus.Outline(ctx, c, ref.Key())
	if err != nil {
		return resp, err
	}
	d := found[ref.Key()]
	if d == nil {
		return resp, errMissing
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return resp, ctx.Err()
	}
	readers, err := s.directory.ReadersOf(ctx, d.Datasource, d.Readers)
	switch {
	case err != nil:
		return resp, err
	case readers.Everyone:
		resp.Emails = append(resp.Emails, visibleToAll)
	default:
		resp.Emails = append(resp.Emails, readers.Emails...)
	}
	return resp, nil
}
