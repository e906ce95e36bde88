// Package platformsearch is what the SEARCH scope opens in the Platform API: search, and a catalogue of the filters that it takes.
//
// It finds nothing by itself. Its one idea is that it puts a question in the form of the Platform API to the same search as the Client
// API's, so that permissions, dates and the meaning of filters exist once. For a person it means what search means; a GLOBAL token asks
// as the person it names, and anonymous tokens are not admitted.
package platformsearch

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Codes of problems, in the API's own words.
const (
	codeMissing    = "missing_required_field"
	codeParameter  = "invalid_parameter"
	codeCursor     = "invalid_cursor"
	codeOldCursor  = "expired_cursor"
	codeFilter     = "invalid_filter"
	codeDatasource = "invalid_datasource"
)

// Question is a request as the search understands it.
type Question struct {
	Text        string
	Datasources []string
	Filters     []wire.FacetFilter
	Also        index.Filter // a further condition; nil for none
	Size        int
	Cursor      string   // of the search itself
	Facets      []string // to count instead of finding documents, where there are any
}

// Found is what the search answers.
type Found struct {
	Results []FoundDocument
	Facets  []wire.FacetResult
	Next    string   // "" at the end
	Long    bool     // a part of the question was left out, since it is too long
	Ignored []string // operators in the question that could not be used
}

// FoundDocument is a document with the passages that fit.
type FoundDocument struct {
	Document wire.Document
	Snippets []string
}

// Finder is the search.
type Finder interface {
	Find(ctx context.Context, c grant.Caller, q Question) (Found, error)
}

// Sources knows the datasources that a caller may see, and what their documents have.
type Sources interface {
	Visible(ctx context.Context, c grant.Caller) ([]corpus.Datasource, error)
	Properties(ctx context.Context, c grant.Caller, datasources ...string) ([]corpus.PropertyInfo, error)
}

// Service answers the Platform API's searches.
type Service struct {
	finder  Finder
	sources Sources
	box     *seal.Box
}

// New returns the service.
func New(finder Finder, sources Sources, box *seal.Box) *Service {
	return &Service{finder, sources, box}
}

// Room is what the SEARCH scope opens here.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Search, grant.User|grant.Global,
		rpc.JSON("POST /api/search", "Finds documents for a query, with filters that are checked.", s.Search),
		rpc.JSON("GET /api/search/filters", "Lists the filters that search takes, datasource by datasource.", s.Filters),
	)
}

const (
	defaultSize = 10
	maxSize     = 100
	maxValues   = 1000 // of all filters together, as the search itself allows
)

// Search finds documents.
func (s *Service) Search(ctx context.Context, c grant.Caller, req SearchRequest) (SearchResponse, error) {
	q, err := s.question(ctx, c, req)
	if err != nil {
		return SearchResponse{}, err
	}
	bound, err := binding(c, req)
	if err != nil {
		return SearchResponse{}, err
	}
	if req.Cursor != "" {
		inner, err := s.box.Open(seal.Cursor, bound, req.Cursor)
		if errors.Is(err, seal.ErrOld) {
			return SearchResponse{}, refuse(codeOldCursor, "cursor", "The cursor is over a day old. Search again without it.").Wrap(err)
		}
		if err != nil {
			return SearchResponse{}, refuse(codeCursor, "cursor", "The cursor is not of this search. Search again without it.").Wrap(err)
		}
		q.Cursor = string(inner)
	}
	found, err := s.find(ctx, c, q)
	if err != nil {
		return SearchResponse{}, err
	}
	resp := SearchResponse{Results: make([]Result, 0, len(found.Results)), RequestID: rpc.RequestID(ctx), Warnings: warnings(found)}
	for i := range found.Results {
		resp.Results = append(resp.Results, show(&found.Results[i]))
	}
	if found.Next != "" {
		next := s.box.Seal(seal.Cursor, bound, []byte(found.Next))
		resp.HasMore, resp.NextCursor = true, &next
	}
	return resp, nil
}

// find asks the search, and turns what it says of a filter or cursor into the words of this API.
func (s *Service) find(ctx context.Context, c grant.Caller, q Question) (Found, error) {
	found, err := s.finder.Find(ctx, c, q)
	f, is := errors.AsType[*fault.Fault](err)
	switch {
	case !is:
	case f.Kind == fault.Invalid && f.Field == "cursor":
		return found, refuse(codeCursor, "cursor", "%s", f.Message).Wrap(err)
	case f.Kind == fault.Invalid || f.Kind == fault.Unprocessable:
		return found, refuse(codeFilter, "filters", "%s", f.Message).Wrap(err)
	}
	return found, err
}

func refuse(code, field, format string, args ...any) *fault.Fault {
	return fault.Newf(fault.Invalid, format, args...).WithCode(code).WithField(field)
}

// binding ties a cursor to who asked and to everything that decides which results there are.
func binding(c grant.Caller, req SearchRequest) (string, error) {
	req.Cursor, req.Size = "", nil
	text, err := json.Marshal(req, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("bind a cursor: %w", err)
	}
	sum := sha256.Sum256(text)
	return "platformsearch|" + c.Binding() + "|" + base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// question checks a request and puts it in the search's words.
func (s *Service) question(ctx context.Context, c grant.Caller, req SearchRequest) (Question, error) {
	q := Question{Text: req.Query, Size: defaultSize}
	if req.Query == "" {
		return q, refuse(codeMissing, "query", "query is missing or empty.")
	}
	if req.Size != nil {
		if q.Size = *req.Size; q.Size < 1 || q.Size > maxSize {
			return q, refuse(codeParameter, "page_size", "page_size is from 1 to %d.", maxSize)
		}
	}
	if req.Datasources != nil {
		chosen, err := s.datasources(ctx, c, req.Datasources)
		if err != nil {
			return q, err
		}
		for i := range chosen {
			q.Datasources = append(q.Datasources, chosen[i].Name)
		}
	}
	var also index.All
	if span, err := req.TimeRange.within(); err != nil {
		return q, err
	} else if span != nil {
		also = append(also, *span)
	}
	conditions, ranges, err := translate(req.Filters)
	if err != nil {
		return q, err
	}
	q.Filters = conditions
	if also = append(also, ranges...); len(also) > 0 {
		q.Also = also
	}
	return q, nil
}

// datasources returns those of the given names that the caller may see. Another name is refused, and a hidden datasource like
// one that does not exist.
func (s *Service) datasources(ctx context.Context, c grant.Caller, names []string) ([]corpus.Datasource, error) {
	if len(names) == 0 {
		return nil, refuse(codeParameter, "datasources", "datasources names one at least, or is absent.")
	}
	visible, err := s.sources.Visible(ctx, c)
	if err != nil {
		return nil, err
	}
	var chosen []corpus.Datasource
	for i, name := range names {
		at := slices.IndexFunc(visible, func(d corpus.Datasource) bool { return strings.EqualFold(d.Name, name) })
		if at < 0 {
			return nil, refuse(codeDatasource, fmt.Sprintf("datasources.%d", i), "There is no datasource of this name, or you may not see it. GET /api/search/filters lists those that there are.")
		}
		if !slices.ContainsFunc(chosen, func(d corpus.Datasource) bool { return d.Name == visible[at].Name }) {
			chosen = append(chosen, visible[at])
		}
	}
	return chosen, nil
}

func warnings(found Found) []Warning {
	list := []Warning{}
	if found.Long {
		list = append(list, Warning{"query_too_long", "The query is longer than what is searched for. Its end was left out."})
	}
	for _, text := range found.Ignored {
		if text != "" {
			list = append(list, Warning{"ignored_term", "This part of the query was not understood, and left out: " + text})
		}
	}
	return list
}

// show returns a result as this API has it. Every result has a title and an address, if need be made of its id.
func show(f *FoundDocument) Result {
	d, m := &f.Document, &f.Document.Metadata
	r := Result{
		URL: d.URL, Title: d.Title, Snippets: slices.DeleteFunc(f.Snippets, func(text string) bool { return text == "" }),
		Datasource: d.Datasource, DocumentType: d.DocType, Creator: person(m.Author), Owner: person(m.Owner),
		UpdatedAt: m.UpdateTime, CreatedAt: m.CreateTime,
	}
	if r.URL == "" {
		r.URL = (&url.URL{Scheme: "urn", Opaque: "sheaf:" + url.PathEscape(d.ID)}).String()
	}
	if r.Title == "" {
		r.Title = r.URL
	}
	return r
}

func person(p *wire.Person) *Person {
	if p == nil {
		return nil
	}
	return &Person{ID: p.ObfuscatedID, Name: p.Name}
}

// within is the range of the time of the last change, nil for none.
func (t *TimeRange) within() (*index.Within, error) {
	if t == nil || t.Start.IsZero() && t.End.IsZero() {
		return nil, nil
	}
	if !t.Start.IsZero() && !t.End.IsZero() && !t.Start.Before(t.End) {
		return nil, refuse(codeParameter, "time_range", "The start of time_range is not before its end.")
	}
	w := everywhere(index.FieldUpdated)
	if !t.Start.IsZero() {
		w.From = upward(t.Start)
	}
	if !t.End.IsZero() {
		w.To = upward(t.End)
	}
	return &w, nil
}

// upward is the first whole second that is not before t: documents are known to a second.
func upward(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
