// Package people answers who someone is: the profiles of the people that a caller names, or the
// caller's own.
//
// What the PEOPLE scope means to a person: it reads the company's directory, which is open to
// everyone who works there. Anonymous tokens do not open it; a GLOBAL token sees what the person
// acted as would see.
package people

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// maxAsked bounds the ids and addresses of one request.
const maxAsked = 1000

// Service answers from one directory.
type Service struct {
	directory *directory.Directory
	now       func() time.Time
}

// New returns the service over d, with a clock.
func New(d *directory.Directory, now func() time.Time) *Service { return &Service{d, now} }

// Room is what the PEOPLE scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.People, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/people", "Reads the profiles of people.", s.get),
		rpc.File("GET /rest/api/v1/people/{person_id}/photo", "Reads the photo of a person.", s.photo),
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
		roster: roster, shown: map[string]bool{}, caller: c.Person(), fields: req.IncludeFields, now: s.now(),
		detail: directory.Detail{
			Management: slices.Contains(req.IncludeFields, ManagementDetails), Profiles: slices.Contains(req.IncludeFields, PeopleDetails),
		},
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
	caller  string
	fields  []Field
	now     time.Time
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
	shown := a.roster.Show(p, a.detail)
	a.furnish(p, &shown)
	a.answer.Results = append(a.answer.Results, shown)
}

// newFor is how long somebody is new.
const newFor = 90 * 24 * time.Hour

// furnish adds what a request asked for beside the profile.
func (a *asking) furnish(p *directory.Person, shown *wire.Person) {
	if slices.Contains(a.fields, Badges) && p.Active {
		if began, err := time.Parse(time.DateOnly, p.Profile.StartDate); err == nil && !began.After(a.now) && a.now.Sub(began) < newFor {
			shown.Metadata.Badges = []wire.Badge{{Key: "new_hire", DisplayName: "New hire"}}
		}
	}
	if p.ID != a.caller {
		return
	}
	if slices.Contains(a.fields, Permissions) {
		shown.Metadata.Permissions = &wire.PersonPermissions{
			Role: p.Role.String(), CanAdminSearch: p.Role == grant.RoleSuperAdmin, CanAdminClientAPIGlobalTokens: p.Role == grant.RoleSuperAdmin,
		}
	}
	if slices.Contains(a.fields, ProfileSettings) {
		shown.Metadata.ProfileBoolSettings = map[string]bool{}
	}
}

// photoAge is how long a photo may be kept by who asked for it; the contract gives the number.
const photoAge = time.Hour

// photo answers with the photo of an active person that is kept here. One that is hosted elsewhere has its address in
// the profile, and is not fetched from there.
func (s *Service) photo(ctx context.Context, _ grant.Caller, req PhotoRequest) (rpc.Content, error) {
	p, err := s.directory.Photo(ctx, req.Person)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = fault.New(fault.NotFound, "There is no photo of this person here.")
		}
		return rpc.Content{}, err
	}
	return rpc.Content{
		Name: "photo." + strings.TrimPrefix(p.Media, "image/"), ContentType: p.Media, Size: int64(len(p.Content)), Inline: true, MaxAge: photoAge,
		ReadCloser: io.NopCloser(bytes.NewReader(p.Content)),
	}, nil
}
