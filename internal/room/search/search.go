// Package search finds documents: what the SEARCH scope opens.
//
// For a person it means to ask in words and be answered from everything that they may see. A GLOBAL
// token asks as the person it names; an ANONYMOUS one sees only what datasources opened to
// anonymous tokens show to everyone. All of it passes the gate of package index, which filters by
// the caller: results, counts, facets, snippets and completions alike.
package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/activity"
	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Limits and defaults of a page.
const (
	defaultPage    = 10
	maxPage        = 100
	maxTimeout     = 120_000 // milliseconds: what the server allows a request anyway
	defaultSnippet = 300     // characters: about three lines on a page of results
	defaultLong    = 2000    // characters of a text for a language model: about 500 tokens
	snippetsPerHit = 3
	defaultBuckets = 10
)

// Documents shows documents by their keys.
type Documents interface {
	// Show returns those of the keys that the caller may see.
	Show(ctx context.Context, c grant.Caller, keys []string) (map[string]wire.Document, error)
}

// People knows who is meant by a name.
type People interface {
	Roster(ctx context.Context) (*directory.Roster, error)
}

// Sources knows the datasources that a caller may see. Package corpus fulfils it, from memory.
type Sources interface {
	// Visible returns those datasources, by name.
	Visible(ctx context.Context, c grant.Caller) ([]corpus.Datasource, error)
	// Properties returns their custom properties, in the order of facets; with names, those of these datasources alone.
	Properties(ctx context.Context, c grant.Caller, datasources ...string) ([]corpus.PropertyInfo, error)
	// Get returns those documents that the caller may see and that have one of the keys.
	Get(ctx context.Context, c grant.Caller, keys ...string) (map[string]*corpus.Document, error)
	// ByURL returns those documents that the caller may see and that have one of the addresses, without their texts.
	ByURL(ctx context.Context, c grant.Caller, urls ...string) (map[string]*corpus.Document, error)
}

// History knows what people looked at and searched for. Callers who act as no person have none, and leave none.
type History interface {
	// History returns the keys of documents that the caller opened lately.
	History(ctx context.Context, c grant.Caller) ([]string, error)
	// Searches returns what the caller searched for, latest first.
	Searches(ctx context.Context, c grant.Caller) ([]activity.Searched, error)
	// Search notes that the caller searched for a text.
	Search(c grant.Caller, text string)
}

// Admin makes callers who search past permissions.
type Admin interface {
	// AdminSearch returns such a caller for c, and records the query, or refuses.
	AdminSearch(ctx context.Context, c grant.Caller, query string) (grant.Caller, error)
}

// Config is what a Service is made of. All of it is needed.
type Config struct {
	Index     *index.Index
	Documents Documents
	People    People
	Sources   Sources
	History   History
	Admin     Admin
	Keys      *seal.Box
	// Now is the clock, which fresh documents and dates in words are judged by.
	Now func() time.Time
}

// Service answers searches.
type Service struct {
	index     *index.Index
	documents Documents
	people    People
	sources   Sources
	history   History
	admin     Admin
	box       *seal.Box
	now       func() time.Time
	naming    sync.Mutex // held while names are made anew
	names     atomic.Pointer[names]
}

// New returns the search service.
func New(cfg Config) *Service {
	return &Service{
		index: cfg.Index, documents: cfg.Documents, people: cfg.People, sources: cfg.Sources, history: cfg.History, admin: cfg.Admin,
		box: cfg.Keys, now: cfg.Now,
	}
}

// Room is what the SEARCH scope opens. Anonymous tokens may search and complete.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Search, grant.User|grant.Global|grant.Anonymous,
		rpc.JSON("POST /rest/api/v1/search", "Finds documents for a query.", s.Search),
		rpc.JSON("POST /rest/api/v1/adminsearch", "Finds documents past permissions, for Super Admins.", s.AdminSearch).Only(grant.User),
		rpc.JSON("POST /rest/api/v1/autocomplete", "Completes what is typed into a search box.", s.Autocomplete),
		rpc.JSON("POST /rest/api/v1/recommendations", "Finds documents like one.", s.Recommendations).Only(grant.User|grant.Global).Refusing(fault.Unprocessable),
	)
}

// Search finds documents for a query. The console calls it too.
func (s *Service) Search(ctx context.Context, c grant.Caller, req Request) (Response, error) {
	if req.Options == nil {
		req.Options = &Options{}
	}
	if req.TimeoutMillis < 0 {
		return Response{}, fault.New(fault.Invalid, "timeoutMillis is negative.").WithField("timeoutMillis")
	}
	if req.TimeoutMillis == 0 || req.TimeoutMillis > maxTimeout {
		return s.search(ctx, c, &req)
	}
	limited, cancel := context.WithTimeout(ctx, time.Duration(req.TimeoutMillis)*time.Millisecond)
	defer cancel()
	resp, err := s.search(limited, c, &req)
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return Response{}, fault.Newf(fault.Timeout, "The search took longer than the %d milliseconds that timeoutMillis allows.", req.TimeoutMillis).Wrap(err)
	}
	return resp, err
}

// AdminSearch is Search past permissions, for Super Admins in person. All that is asked is in the audit log before it is answered, and
// neither cursors nor tracking tokens of the answer open in an ordinary search.
func (s *Service) AdminSearch(ctx context.Context, c grant.Caller, req Request) (Response, error) {
	asked, err := recorded(&req)
	if err != nil {
		return Response{}, err
	}
	all, err := s.admin.AdminSearch(ctx, c, asked)
	if err != nil {
		return Response{}, err
	}
	return s.Search(ctx, all, req)
}

// maxRecorded bounds what an admin search asks, in bytes, so that the audit log has room for all of it.
const maxRecorded = 900

// recorded is what the audit log keeps of an admin search: the query and, as JSON, whatever else decides what is found.
func recorded(req *Request) (string, error) {
	asked := req.Query
	if req.Options != nil || len(req.TabIDs) > 0 {
		beside, err := json.Marshal(struct {
			Tabs    []string      `json:"resultTabIds,omitzero"`
			Options Options       `json:"requestOptions,omitzero"`
			Buckets *BucketFilter `json:"facetBucketFilter,omitzero"`
		}{req.TabIDs, deciding(cmp.Or(req.Options, &Options{})), cmp.Or(req.Options, &Options{}).FacetBucketFilter})
		if err != nil {
			return "", fmt.Errorf("record an admin search: %w", err)
		}
		if string(beside) != "{}" {
			asked += " " + string(beside)
		}
	}
	if len(asked) > maxRecorded {
		return "", fault.Newf(fault.Invalid, "A search past permissions is recorded in full. With its filters it has at most %d bytes.", maxRecorded).WithField("query")
	}
	return asked, nil
}

func (s *Service) search(ctx context.Context, c grant.Caller, req *Request) (Response, error) {
	begun := s.now()
	q, err := s.understand(ctx, c, req, begun)
	if err != nil {
		return Response{}, err
	}
	reader, err := s.index.Reader(ctx, c)
	if err != nil {
		return Response{}, err
	}
	found, err := s.find(ctx, reader, q)
	if closed := reader.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Response{}, err
	}
	resp, err := s.present(ctx, q, found)
	if err != nil {
		return Response{}, err
	}
	if q.first() && q.ask.Size > 0 { // neither further pages nor counts alone are searches of their own
		s.history.Search(c, req.Query)
	}
	resp.RequestID = rpc.RequestID(ctx)
	resp.BackendMillis = s.now().Sub(begun).Milliseconds()
	return resp, nil
}

// find asks the index: for what was typed or, where that finds nothing and its words are misspelt, for what was meant.
func (s *Service) find(ctx context.Context, reader *index.Reader, q *question) (index.Result, error) {
	found, err := reader.Search(ctx, q.ask)
	if err != nil {
		return found, err
	}
	empty := len(found.Hits) == 0 && (q.ask.Size > 0 || q.ask.Total && found.Total == 0)
	if err := q.spell(ctx, reader, found); err != nil {
		return found, err
	}
	if !empty || !q.mayCorrect() {
		return found, nil
	}
	instead := q.ask
	instead.Text = q.corrected
	again, err := reader.Search(ctx, instead)
	if err != nil || len(again.Hits) == 0 && again.Total == 0 {
		return found, err
	}
	q.ask, q.usedCorrection = instead, true
	return again, nil
}
