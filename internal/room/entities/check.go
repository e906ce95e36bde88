package entities

import (
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// check refuses what no request may ask, and fills in what it leaves open.
func check(req *ListRequest) error {
	switch req.EntityType {
	case "":
		req.EntityType = People
	case People, Teams, CustomEntities:
	default:
		return fault.Newf(fault.Invalid, "Entities of the type %q cannot be listed. Use %s, %s or %s.", req.EntityType, People, Teams, CustomEntities).WithField("entityType")
	}
	switch {
	case req.RequestType != "" && req.RequestType != Standard && req.RequestType != FullDirectory:
		return fault.Newf(fault.Invalid, "The request type %q is unknown. Use %s or %s.", req.RequestType, Standard, FullDirectory).WithField("requestType")
	case len(req.Query) > maxQuery:
		return fault.Newf(fault.Invalid, "The query is longer than %d bytes.", maxQuery).WithField("query")
	case req.PageSize < 0:
		return fault.New(fault.Invalid, "A page size is not negative.").WithField("pageSize")
	case len(req.Filter) > maxFilters:
		return fault.Newf(fault.Invalid, "Use at most %d filters.", maxFilters).WithField("filter")
	}
	total := 0
	for _, f := range req.Filter {
		for _, v := range f.Values {
			if v.IsNegated || v.RelationType != "" && v.RelationType != wire.Equals && v.RelationType != wire.IDEquals {
				return fault.Newf(fault.Invalid, "Entities can be filtered with %s only.", wire.Equals).WithField("filter.values.relationType")
			}
		}
		if total += len(f.Values); total > maxValues {
			return fault.Newf(fault.Invalid, "Use at most %d values in all filters.", maxValues).WithField("filter")
		}
	}
	return nil
}

// orders are the keys that each type can be sorted by.
var orders = map[EntityType]map[SortKey]directory.Order{
	People: {
		ByRelevance: directory.ByRelevance, ByName: directory.ByName, ByFirstName: directory.ByFirstName, ByLastName: directory.ByLastName,
		ByOrgSize: directory.ByOrgSize, ByStartDate: directory.ByStartDate,
	},
	Teams:          {ByRelevance: directory.ByRelevance, ByName: directory.ByName, ByTeamSize: directory.ByOrgSize},
	CustomEntities: {ByRelevance: directory.ByRelevance},
}

// order is how a request is sorted. Without a key the best matches of a query come first, and names count where there is none.
func order(req *ListRequest) (by directory.Order, reverse bool, err error) {
	if len(req.Sort) > 1 {
		return by, false, fault.New(fault.Invalid, "Sort by one key. What is equal by it is sorted by name.").WithField("sort")
	}
	asked := SortOptions{}
	if len(req.Sort) == 1 {
		asked = req.Sort[0]
	}
	if asked.SortBy == "" {
		switch {
		case req.RequestType == FullDirectory && req.EntityType == People:
			asked.SortBy = ByFirstName
		case req.Query != "" || req.EntityType == CustomEntities:
			asked.SortBy = ByRelevance
		default:
			asked.SortBy = ByName
		}
	}
	by, known := orders[req.EntityType][asked.SortBy]
	if !known {
		return by, false, fault.Newf(fault.Invalid, "%s cannot be sorted by %q.", req.EntityType, asked.SortBy).WithField("sort.sortBy")
	}
	if req.RequestType == FullDirectory && req.EntityType == People && by != directory.ByFirstName && by != directory.ByLastName {
		return by, false, fault.Newf(fault.Invalid, "A full directory is sorted by %s or %s.", ByFirstName, ByLastName).WithField("sort.sortBy")
	}
	switch asked.OrderBy {
	case Ascending:
	case Descending:
		reverse = true
	case "":
		reverse = by == directory.ByOrgSize // the greatest are what people look for
	default:
		return by, false, fault.Newf(fault.Invalid, "The order %q is unknown. Use %s or %s.", asked.OrderBy, Ascending, Descending).WithField("sort.orderBy")
	}
	return by, reverse, nil
}

func reportsTo(field string) bool {
	return strings.EqualFold(strings.ReplaceAll(field, "_", ""), "reportsto")
}

// facetResults shows the counts of fields, in their order.
func facetResults(names []string, counts map[string][]directory.Bucket) []wire.FacetResult {
	var results []wire.FacetResult
	for _, name := range names {
		buckets := counts[name]
		if len(buckets) == 0 || slices.ContainsFunc(results, func(r wire.FacetResult) bool { return r.SourceName == name }) {
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
