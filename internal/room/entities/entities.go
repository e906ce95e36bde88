// Package entities lists the company's directory: people, teams and the things of entity datasources, by words, filters
// and order, a page at a time.
//
// What the ENTITIES scope means to a person: it reads the directory, which is open to everyone who works there, and of
// entity datasources what the person may see. Anonymous tokens do not open it; a GLOBAL token sees what the person acted
// as would see.
package entities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Bounds of a list.
const (
	defaultPage = 10
	maxPage     = 1000
	maxTeams    = 100    // teams of a page, which come with their members
	maxListed   = 10_000 // matches that a standard request reaches; a full directory has no end
	maxFilters  = 50
	maxValues   = 200  // in all filters together
	maxQuery    = 1000 // bytes
	maxBuckets  = 100  // of one facet
	maxCustom   = 20   // of the company's own fields that are counted
)

// Documents shows those documents that a caller may see, by key.
type Documents interface {
	Show(ctx context.Context, c grant.Caller, keys []string) (map[string]wire.Document, error)
}

// Config is what a Service reads.
type Config struct {
	Directory *directory.Directory
	Seal      *seal.Box // of cursors
	// Corpus, Index and Documents have the custom entities. A service without them lists none.
	Corpus    *corpus.Corpus
	Index     *index.Index
	Documents Documents
}

// Service answers from one directory.
type Service struct {
	cfg       Config
	directory *directory.Directory
	seal      *seal.Box
}

// New returns a Service.
func New(cfg Config) *Service { return &Service{cfg, cfg.Directory, cfg.Seal} }

// Room is what the ENTITIES scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Entities, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/listentities", "Lists people, teams and custom entities of the directory.", s.list),
	)
}

func (s *Service) list(ctx context.Context, c grant.Caller, req ListRequest) (ListResponse, error) {
	if err := check(&req); err != nil {
		return ListResponse{}, err
	}
	l := listing{s: s, caller: c, req: &req, end: maxListed}
	if req.RequestType == FullDirectory {
		l.end = math.MaxInt
	}
	var err error
	if l.binding, err = bindingOf(c, &req); err != nil {
		return ListResponse{}, err
	}
	if req.Cursor != "" {
		text, err := s.seal.Open(seal.Cursor, l.binding, req.Cursor)
		if err != nil {
			return ListResponse{}, err
		}
		if err = json.Unmarshal(text, &l.from); err != nil {
			return ListResponse{}, fault.New(fault.Invalid, "The cursor is not of this list, or too old. Ask again without it.").WithField("cursor").Wrap(err)
		}
	}
	switch req.EntityType {
	case Teams:
		return l.teams(ctx)
	case CustomEntities:
		return l.customEntities(ctx)
	case People:
	}
	return l.people(ctx)
}

// listing is a request on its way to its answer.
type listing struct {
	s       *Service
	caller  grant.Caller
	req     *ListRequest
	binding string
	end     int // how many matches can be reached
	from    place
}

// place is where the next page begins, as cursors hold it.
type place struct {
	Shown int             `json:"s"` // on the pages before
	Mark  *directory.Mark `json:"m,omitzero"`
	Index *index.Cursor   `json:"x,omitzero"` // of custom entities
}

// limit is how many may be shown on this page.
func (l *listing) limit(most int) int {
	size := l.req.PageSize
	if size == 0 {
		size = defaultPage
	}
	return min(size, most, l.end-l.from.Shown)
}

// more puts the cursor of the next page into an answer.
func (l *listing) more(resp *ListResponse, shown int, next place) error {
	if next.Shown = l.from.Shown + shown; shown == 0 || next.Shown >= l.end {
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("write a cursor: %w", err)
	}
	resp.HasMoreResults, resp.Cursor = true, l.s.seal.Seal(seal.Cursor, l.binding, text)
	return nil
}

func (l *listing) people(ctx context.Context) (ListResponse, error) {
	resp := ListResponse{
		Results: []wire.Person{}, SortOptions: []SortKey{ByRelevance, ByName, ByFirstName, ByLastName, ByOrgSize, ByStartDate},
	}
	roster, err := l.s.directory.Roster(ctx)
	if err != nil {
		return resp, err
	}
	q, err := l.query(maxPage)
	if err != nil {
		return resp, err
	}
	facets := slices.Contains(l.req.IncludeFields, Facets)
	if facets {
		q.Facets = []string{"department", "business_unit", "team", "title", "location", "country", "roletype"}
		resp.CustomFacets = roster.CustomFields()
		q.Facets = append(q.Facets, resp.CustomFacets[:min(len(resp.CustomFacets), maxCustom)]...)
	}
	page, err := roster.List(q)
	if err != nil {
		return resp, err
	}
	resp.TotalCount, resp.FacetResults = page.Total, facetResults(q.Facets, page.Facets)
	detail := directory.Detail{Management: slices.Contains(l.req.IncludeFields, ManagementDetails)}
	for _, p := range page.People {
		resp.Results = append(resp.Results, roster.Show(p, detail))
	}
	if page.More {
		err = l.more(&resp, len(page.People), place{Mark: &page.End})
	}
	return resp, err
}

func (l *listing) teams(ctx context.Context) (ListResponse, error) {
	resp := ListResponse{Results: []wire.Person{}, Teams: []wire.Team{}, SortOptions: []SortKey{ByRelevance, ByName, ByTeamSize}}
	roster, err := l.s.directory.Roster(ctx)
	if err != nil {
		return resp, err
	}
	q, err := l.query(maxTeams)
	if err != nil {
		return resp, err
	}
	if slices.Contains(l.req.IncludeFields, Facets) {
		q.Facets = []string{"department", "business_unit"}
	}
	page, err := roster.ListTeams(q)
	if err != nil {
		return resp, err
	}
	resp.TotalCount, resp.FacetResults = page.Total, facetResults(q.Facets, page.Facets)
	profiles := slices.Contains(l.req.IncludeFields, PeopleOfTeams)
	for _, t := range page.Teams {
		resp.Teams = append(resp.Teams, roster.ShowTeam(t, profiles))
	}
	if page.More {
		err = l.more(&resp, len(page.Teams), place{Mark: &page.End})
	}
	return resp, err
}

// query says what a request for people or teams means to the directory.
func (l *listing) query(most int) (directory.Query, error) {
	q := directory.Query{Words: l.req.Query, After: l.from.Mark, Limit: l.limit(most)}
	var err error
	if q.Sort, q.Reverse, err = order(l.req); err != nil {
		return q, err
	}
	for _, f := range l.req.Filter {
		if len(f.Values) == 0 { // a list in which nothing is ticked narrows nothing
			continue
		}
		one := directory.Filter{Field: f.FieldName}
		for _, v := range f.Values {
			if v.Value == "me" && reportsTo(f.FieldName) {
				v.Value = l.caller.Person()
			}
			one.Values = append(one.Values, v.Value)
		}
		q.Filters = append(q.Filters, one)
	}
	return q, nil
}

// bindingOf ties a cursor to the caller and to everything in the request that decides what is
// listed and in which order. The page size may change on the way.
func bindingOf(c grant.Caller, req *ListRequest) (string, error) {
	asked := *req
	asked.Cursor, asked.PageSize, asked.IncludeFields = "", 0, nil
	text, err := json.Marshal(asked, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("bind a cursor: %w", err)
	}
	sum := sha256.Sum256(text)
	return "listentities " + c.Binding() + " " + hex.EncodeToString(sum[:]), nil
}
