// Package people answers who someone is: the profiles of the people that a caller names, or the
// caller's own.
//
// What the PEOPLE scope means to a person: it reads the company's directory, which is open to
// everyone who works there. Anonymous tokens do not open it; a GLOBAL token sees what the person
// acted as would see.
package people

import (
	"context"
	"slices"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// maxAsked bounds the ids and addresses of one request.
const maxAsked = 1000

// Service answers from one directory.
type Service struct{ directory *directory.Directory }

// New returns the service over d.
func New(d *directory.Directory) *Service { return &Service{d} }

// Room is what the PEOPLE scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.People, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/people", "Reads the profiles of people.", s.get),
	)
}

// get answers with the people named, in the order asked for and each once. Whoever is not there, or
// not any more, is named in errors as the caller spelt them.
func (s *Service) get(ctx context.Context, c grant.Caller, req GetRequest) (GetResponse, error) {
	if len(req.ObfuscatedIDs)+len(req.EmailIDs) > maxAsked {
		return GetResponse{}, fault.Newf(fault.Invalid, "Ask for at most %d people at a time.", maxAsked)
	}
	roster, err := s.directory.Roster(ctx)
	if err != nil {
		return GetResponse{}, err
	}
	asked := asking{
		roster: roster, shown: map[string]bool{},
		detail:  directory.Detail{Management: slices.Contains(req.IncludeFields, ManagementDetails)},
		invalid: slices.Contains(req.IncludeTypes, InvalidEntities),
		answer:  GetResponse{Results: []wire.Person{}},
	}
	if len(req.ObfuscatedIDs)+len(req.EmailIDs) == 0 {
		req.ObfuscatedIDs = []string{c.Person()}
	}
	for _, id := range req.ObfuscatedIDs {
		p, ok := roster.ByID(id)
		asked.add(id, p, ok)
	}
	for _, email := range req.EmailIDs {
		p, ok := roster.ByEmail(email)
		asked.add(email, p, ok)
	}
	return asked.answer, nil
}

// asking is one request on its way to its answer.
type asking struct {
	roster  *directory.Roster
	detail  directory.Detail
	invalid bool // whether those who are not there are shown too
	shown   map[string]bool
	answer  GetResponse
}

func (a *asking) add(asked string, p *directory.Person, known bool) {
	if !known || !p.Active {
		if !slices.Contains(a.answer.Errors, asked) {
			a.answer.Errors = append(a.answer.Errors, asked)
		}
		if !a.invalid {
			return
		}
		if !known {
			p = &directory.Person{ID: asked, Name: asked}
		}
	}
	if a.shown[p.ID] {
		return
	}
	a.shown[p.ID] = true
	if !known {
		a.answer.Results = append(a.answer.Results, directory.Brief(p))
		return
	}
	a.answer.Results = append(a.answer.Results, a.roster.Show(p, a.detail))
}
