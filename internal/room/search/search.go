// Package search finds documents: what the SEARCH scope opens.
//
// For a person it means to ask in words and be answered from everything that they may see. A GLOBAL
// token asks as the person it names; an ANONYMOUS one sees only what datasources opened to
// anonymous tokens show to everyone. All of it passes the gate of package index, which filters by
// the caller: results, counts, facets, snippets and completions alike.
package search

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
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

// Service answers searches.
type Service struct {
	index     *index.Index
	documents Documents
	people    People
	box       *seal.Box
	now       func() time.Time
}

// New returns the search service. It asks now for the time, which fresh documents are judged by.
func New(ix *index.Index, documents Documents, people People, box *seal.Box, now func() time.Time) *Service {
	return &Service{index: ix, documents: documents, people: people, box: box, now: now}
}

// Room is what the SEARCH scope opens. Anonymous tokens may search and complete.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Search, grant.User|grant.Global|grant.Anonymous,
		rpc.JSON("POST /rest/api/v1/search", "Finds documents for a query.", s.Search),
		rpc.JSON("POST /rest/api/v1/autocomplete", "Completes what is typed into a search box.", s.Autocomplete),
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
		return s.search(ctx, c, req)
	}
	limited, cancel := context.WithTimeout(ctx, time.Duration(req.TimeoutMillis)*time.Millisecond)
	defer cancel()
	resp, err := s.search(limited, c, req)
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return Response{}, fault.Newf(fault.Timeout, "The search took longer than the %d milliseconds that timeoutMillis allows.", req.TimeoutMillis).Wrap(err)
	}
	return resp, err
}

func (s *Service) search(ctx context.Context, c grant.Caller, req Request) (Response, error) {
	begun := s.now()
	roster, err := s.people.Roster(ctx)
	if err != nil {
		return Response{}, err
	}
	p, err := s.plan(c, roster, req, begun)
	if err != nil {
		return Response{}, err
	}
	found, err := s.index.Search(ctx, c, p.query)
	if err != nil {
		return Response{}, err
	}
	resp, err := s.present(ctx, c, roster, req, found)
	if err != nil {
		return Response{}, err
	}
	resp.Metadata, resp.Total = p.metadata, found.Total
	if found.Next != nil && p.query.Size > 0 {
		if resp.Cursor, err = s.sealCursor(c, req, found.Next); err != nil {
			return Response{}, err
		}
		resp.HasMore = true
	}
	resp.RequestID = rpc.RequestID(ctx)
	resp.BackendMillis = s.now().Sub(begun).Milliseconds()
	return resp, nil
}

// planned is a request made ready for the index.
type planned struct {
	query    index.Query
	metadata Metadata
}

func (s *Service) plan(c grant.Caller, people *directory.Roster, req Request, now time.Time) (planned, error) {
	size, err := sizeOf(req)
	if err != nil {
		return planned{}, err
	}
	if req.MaxSnippet < 0 || req.MaxSnippet > index.MaxSnippet {
		return planned{}, fault.Newf(fault.Invalid, "maxSnippetSize is from 1 to %d.", index.MaxSnippet).WithField("maxSnippetSize")
	}
	q := index.Query{
		Languages: languages(req.Locale), Now: now.Unix(), Size: size, Total: slices.Contains(req.Options.ResponseHints, hintCounts),
		Highlight: &index.Highlight{Size: cmpOr(req.MaxSnippet, defaultSnippet, index.MaxSnippet), Number: snippetsPerHit},
	}
	if req.Cursor != "" {
		if q.After, err = s.openCursor(c, req); err != nil {
			return planned{}, err
		}
		now = time.Unix(q.After.Now, 0) // "past_week" is the same week on every page
	}
	parsed := query.Parse(req.Query)
	clauses, rest := parsed.Extract(isOperator)
	q.Text = rest.Root
	f := filters{caller: c, people: people, now: now.In(zone(req.Options.TimezoneOffset))}
	f.options(req.Options)
	f.clauses(clauses)
	if q.Filter, err = f.result(); err != nil {
		return planned{}, err
	}
	if q.Facets, err = facetRequests(req.Options); err != nil {
		return planned{}, err
	}
	return planned{q, metadataOf(req.Query, parsed, rest)}, nil
}

// sizeOf is the number of results to return: none where the hints do not name them, and none where facets are asked for
// with a page of 0.
func sizeOf(req Request) (int, error) {
	size := defaultPage
	hints := req.Options.ResponseHints
	if req.PageSize != nil {
		switch size = *req.PageSize; {
		case size < 0:
			return 0, fault.New(fault.Invalid, "pageSize is negative.").WithField("pageSize")
		case size == 0 && !wantsFacets(req.Options):
			size = defaultPage
		}
	}
	if len(hints) > 0 && !slices.Contains(hints, hintResults) {
		size = 0
	}
	return min(size, maxPage), nil
}

// cmpOr returns n, or the default where it is 0, at most limit.
func cmpOr(n, def, limit int) int {
	if n == 0 {
		n = def
	}
	return min(n, limit)
}

func languages(locale string) []string {
	if locale == "" || len(locale) > 35 { // RFC 5646, section 4.4.1
		return nil
	}
	return []string{locale}
}

// present turns hits into results.
func (s *Service) present(ctx context.Context, c grant.Caller, people *directory.Roster, req Request, found index.Result) (Response, error) {
	resp := Response{Results: make([]Result, 0, len(found.Hits)), FacetResults: facetResults(c, req.Options, found.Facets, people)}
	keys := make([]string, len(found.Hits))
	for i, hit := range found.Hits {
		keys[i] = hit.Key
	}
	documents, err := s.documents.Show(ctx, c, keys)
	if err != nil {
		return Response{}, err
	}
	for i, hit := range found.Hits {
		// The truth may have moved on since the index was written: what is gone from it is no result.
		doc, ok := documents[hit.Key]
		if !ok {
			continue
		}
		token, err := s.track(c, req.Query, hit.Key, i)
		if err != nil {
			return Response{}, err
		}
		resp.Results = append(resp.Results, Result{
			Title: doc.Title, URL: doc.URL, Document: doc, Snippets: snippetsOf(hit), TrackingToken: token,
		})
	}
	resp.TrackingToken, err = s.track(c, req.Query, "", 0)
	return resp, err
}

func snippetsOf(hit index.Hit) []Snippet {
	order := make([]int, 0, len(hit.Snippets))
	for _, s := range hit.Snippets {
		order = append(order, s.Offset)
	}
	slices.Sort(order)
	list := make([]Snippet, 0, len(hit.Snippets))
	for _, s := range hit.Snippets {
		place, _ := slices.BinarySearch(order, s.Offset)
		list = append(list, Snippet{Text: s.Text, MimeType: "text/plain", Order: place, Ranges: ranges(s.Marked)})
	}
	return list
}

func ranges(m index.Marked) []wire.TextRange {
	if len(m.Ranges) == 0 {
		return nil
	}
	list := make([]wire.TextRange, 0, len(m.Ranges))
	for _, r := range m.UTF16() {
		list = append(list, wire.TextRange{StartIndex: r.Start, EndIndex: r.End, Type: wire.Bold})
	}
	return list
}

// metadataOf says how a query was understood.
func metadataOf(text string, parsed, rest query.Query) Metadata {
	m := Metadata{SearchedQuery: parsed.String()}
	if len(text) <= query.MaxLength { // else the warning says so, and an echo would only make the answer long too
		m.OriginalQuery = text
	}
	var positive query.All
	for _, n := range parsed.Root {
		if not, ok := n.(query.Not); ok {
			m.NegatedTerms = append(m.NegatedTerms, query.Print(not.Node))
			continue
		}
		positive = append(positive, n)
	}
	m.WithoutNegation = query.Print(positive)
	if len(rest.Ignored) > 0 {
		m.Warning = &Warning{Type: warnOperator}
		for _, ignored := range rest.Ignored {
			if ignored.Reason == query.TooLong || ignored.Reason == query.TooMany {
				m.Warning.Type = warnLong
				continue // the text itself would only make the answer long too
			}
			m.Warning.IgnoredTerms = append(m.Warning.IgnoredTerms, ignored.Text)
		}
	}
	return m
}

// binding ties a cursor to who asked and to everything that decides which results there are.
func binding(c grant.Caller, req Request) (string, error) {
	options := *req.Options
	options.ResponseHints, options.FacetBucketFilter, options.FacetBucketSize, options.DefaultFacets = nil, nil, 0, nil
	text, err := json.Marshal(struct {
		Query, Locale string
		Options       Options
	}{req.Query, req.Locale, options})
	if err != nil {
		return "", fmt.Errorf("bind a cursor: %w", err)
	}
	sum := sha256.Sum256(text)
	return "search|" + c.Binding() + "|" + base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

func (s *Service) sealCursor(c grant.Caller, req Request, next *index.Cursor) (string, error) {
	bound, err := binding(c, req)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(next)
	if err != nil {
		return "", fmt.Errorf("encode a cursor: %w", err)
	}
	return s.box.Seal(seal.Cursor, bound, text), nil
}

func (s *Service) openCursor(c grant.Caller, req Request) (*index.Cursor, error) {
	dead := fault.New(fault.Invalid, "The cursor is not of this search, or too old. Search again without it.").WithField("cursor").WithCode("invalid_cursor")
	bound, err := binding(c, req)
	if err != nil {
		return nil, err
	}
	text, err := s.box.Open(seal.Cursor, bound, req.Cursor)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			return nil, err
		}
		return nil, dead.Wrap(err)
	}
	cursor := new(index.Cursor)
	if err := json.Unmarshal(text, cursor); err != nil {
		return nil, dead.Wrap(err)
	}
	return cursor, nil
}

// tracked is what a tracking token stands for. Feedback resolves it.
type tracked struct {
	Query    string `json:"q,omitzero"`
	Key      string `json:"k,omitzero"`
	Position int    `json:"p,omitzero"`
}

// maxTracked bounds the part of a query that a token carries, in bytes.
const maxTracked = 200

func (s *Service) track(c grant.Caller, q, key string, position int) (string, error) {
	text, err := json.Marshal(tracked{strings.ToValidUTF8(q[:min(len(q), maxTracked)], ""), key, position})
	if err != nil {
		return "", fmt.Errorf("encode a tracking token: %w", err)
	}
	return s.box.Seal(seal.Tracking, c.Binding(), text), nil
}
