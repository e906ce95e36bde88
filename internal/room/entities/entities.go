// Package entities lists the company's directory: people by words, filters and order, a page at a
// time.
//
// What the ENTITIES scope means to a person: it reads the directory, which is open to everyone who
// works there. Anonymous tokens do not open it; a GLOBAL token sees what the person acted as would
// see.
package entities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
	"github.com/sheafsearch/sheaf/internal/seal"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Bounds of a list.
const (
	defaultPage = 10
	maxPage     = 1000
	maxListed   = 10_000 // matches that a standard request reaches; a full directory has no end
	maxFilters  = 50
	maxValues   = 200  // in all filters together
	maxQuery    = 1000 // bytes
	maxBuckets  = 100  // of one facet
)

// Service answers from one directory.
type Service struct {
	directory *directory.Directory
	seal      *seal.Box
}

// New returns the service over d, whose cursors box seals.
func New(d *directory.Directory, box *seal.Box) *Service { return &Service{d, box} }

// Room is what the ENTITIES scope opens.
func (s *Service) Room() rpc.Room {
	return rpc.Open(grant.Entities, grant.User|grant.Global,
		rpc.JSON("POST /rest/api/v1/listentities", "Lists people of the directory.", s.list),
	)
}

func (s *Service) list(ctx context.Context, c grant.Caller, req ListRequest) (ListResponse, error) {
	q, err := query(&req)
	if err != nil {
		return ListResponse{}, err
	}
	binding, err := bindingOf(c, &req)
	if err != nil {
		return ListResponse{}, err
	}
	if req.Cursor != "" {
		place, err := s.seal.Open(seal.Cursor, binding, req.Cursor)
		if err != nil {
			return ListResponse{}, err
		}
		if q.Offset, err = strconv.Atoi(string(place)); err != nil {
			return ListResponse{}, fmt.Errorf("read a cursor of ours: %w", err)
		}
	}
	end := maxListed
	if req.RequestType == FullDirectory {
		end = int(^uint(0) >> 1)
	}
	q.Limit = min(q.Limit, end-q.Offset)

	roster, err := s.directory.Roster(ctx)
	if err != nil {
		return ListResponse{}, err
	}
	page, err := roster.List(q)
	if err != nil {
		return ListResponse{}, err
	}
	resp := ListResponse{
		Results: make([]wire.Person, len(page.People)), TotalCount: page.Total, FacetResults: facetResults(q.Facets, page.Facets),
		SortOptions: []SortKey{ByRelevance, ByName, ByFirstName, ByLastName, ByOrgSize, ByStartDate},
	}
	detail := directory.Detail{Management: slices.Contains(req.IncludeFields, ManagementDetails)}
	for i, p := range page.People {
		resp.Results[i] = roster.Show(p, detail)
	}
	if next := q.Offset + len(page.People); len(page.People) > 0 && next < min(page.Total, end) {
		resp.HasMoreResults = true
		resp.Cursor = s.seal.Seal(seal.Cursor, binding, []byte(strconv.Itoa(next)))
	}
	return resp, nil
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

// query checks a request and says what it means to the directory.
func query(req *ListRequest) (directory.Query, error) {
	q := directory.Query{Words: req.Query, Limit: req.PageSize}
	if req.EntityType != "" && req.EntityType != People {
		return q, fault.Newf(fault.Invalid, "Entities of the type %q cannot be listed. Use %s.", req.EntityType, People).WithField("entityType")
	}
	if req.RequestType != "" && req.RequestType != Standard && req.RequestType != FullDirectory {
		return q, fault.Newf(fault.Invalid, "The request type %q is unknown. Use %s or %s.", req.RequestType, Standard, FullDirectory).WithField("requestType")
	}
	if len(req.Query) > maxQuery {
		return q, fault.Newf(fault.Invalid, "The query is longer than %d bytes.", maxQuery).WithField("query")
	}
	switch {
	case req.PageSize < 0:
		return q, fault.New(fault.Invalid, "A page size is not negative.").WithField("pageSize")
	case req.PageSize == 0:
		q.Limit = defaultPage
	case req.PageSize > maxPage:
		q.Limit = maxPage
	}
	if slices.Contains(req.IncludeFields, Facets) {
		q.Facets = facetFields()
	}
	if err := sortBy(req, &q); err != nil {
		return q, err
	}
	return q, filterBy(req.Filter, &q)
}

func sortBy(req *ListRequest, q *directory.Query) error {
	if len(req.Sort) > 1 {
		return fault.New(fault.Invalid, "Sort by one key. People with equal keys are sorted by name.").WithField("sort")
	}
	order := SortOptions{SortBy: ByName}
	if req.RequestType == FullDirectory {
		order.SortBy = ByFirstName
	}
	if len(req.Sort) == 1 {
		order = req.Sort[0]
	}
	switch order.SortBy {
	case ByRelevance, ByName, "":
		q.Sort = directory.ByName
	case ByFirstName:
		q.Sort = directory.ByFirstName
	case ByLastName:
		q.Sort = directory.ByLastName
	case ByOrgSize:
		q.Sort = directory.ByOrgSize
	case ByStartDate:
		q.Sort = directory.ByStartDate
	default:
		return fault.Newf(fault.Invalid, "People cannot be sorted by %q.", order.SortBy).WithField("sort.sortBy")
	}
	if req.RequestType == FullDirectory && q.Sort != directory.ByFirstName && q.Sort != directory.ByLastName {
		return fault.Newf(fault.Invalid, "A full directory is sorted by %s or %s.", ByFirstName, ByLastName).WithField("sort.sortBy")
	}
	switch order.OrderBy {
	case Ascending:
	case Descending:
		q.Reverse = true
	case "":
		q.Reverse = order.SortBy == ByOrgSize // the greatest are what people look for
	default:
		return fault.Newf(fault.Invalid, "The order %q is unknown. Use %s or %s.", order.OrderBy, Ascending, Descending).WithField("sort.orderBy")
	}
	return nil
}

func filterBy(filters []wire.FacetFilter, q *directory.Query) error {
	if len(filters) > maxFilters {
		return fault.Newf(fault.Invalid, "Use at most %d filters.", maxFilters).WithField("filter")
	}
	total := 0
	for _, f := range filters {
		if len(f.Values) == 0 { // a list in which nothing is ticked narrows nothing
			continue
		}
		values := make([]string, len(f.Values))
		for i, v := range f.Values {
			if v.IsNegated || v.RelationType != "" && v.RelationType != wire.Equals && v.RelationType != wire.IDEquals {
				return fault.Newf(fault.Invalid, "People can be filtered with %s only.", wire.Equals).WithField("filter.values.relationType")
			}
			values[i] = v.Value
		}
		if total += len(values); total > maxValues {
			return fault.Newf(fault.Invalid, "Use at most %d values in all filters.", maxValues).WithField("filter")
		}
		q.Filters = append(q.Filters, directory.Filter{Field: f.FieldName, Values: values})
	}
	return nil
}

// facetFields are the fields that are counted, by the names that a filter takes, in the order shown.
func facetFields() []string {
	return []string{"department", "business_unit", "team", "title", "location", "country", "roletype"}
}

func facetResults(names []string, counts map[string][]directory.Bucket) []wire.FacetResult {
	var results []wire.FacetResult
	for _, name := range names {
		buckets := counts[name]
		if len(buckets) == 0 {
			continue
		}
		r := wire.FacetResult{SourceName: name, OperatorName: wire.SelectMultiple, HasMoreBuckets: len(buckets) > maxBuckets}
		for _, b := range buckets[:min(len(buckets), maxBuckets)] {
			r.Buckets = append(r.Buckets, wire.FacetBucket{
				Count: b.Count, Value: &wire.FacetValue{StringValue: b.Value, DisplayLabel: b.Value},
			})
		}
		results = append(results, r)
	}
	return results
}
