package search

import (
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// facetFields are counted when a request asks for facets and names none.
var facetFields = []string{fieldDatasource, fieldType, "from", fieldTag, fieldStatus, fieldContainer}

func isPerson(field string) bool { return field == fieldAuthor || field == fieldOwner }

// wantsFacets reports whether to count: where the request says so, or says nothing and gives buckets a size.
func wantsFacets(o *Options) bool {
	return slices.Contains(o.ResponseHints, hintFacets) || len(o.ResponseHints) == 0 && o.FacetBucketSize > 0
}

// bucketSize is how many buckets a facet has at most.
func bucketSize(o *Options) int {
	return cmpOr(max(o.FacetBucketSize, 0), defaultBuckets, index.MaxBuckets)
}

// facetRequests are the facets that a request asks for.
func facetRequests(o *Options) ([]index.FacetRequest, error) {
	if !wantsFacets(o) {
		return nil, nil
	}
	names := o.DefaultFacets
	if len(names) == 0 {
		names = facetFields
	}
	var filtered, prefix string
	if b := o.FacetBucketFilter; b != nil && b.Facet != "" {
		filtered, prefix = fieldOf(b.Facet), b.Prefix
		names = append(slices.Clone(names), b.Facet)
	}
	var list []index.FacetRequest
	for _, name := range names {
		r := index.FacetRequest{Field: fieldOf(name), Size: bucketSize(o), Lift: true}
		if slices.ContainsFunc(list, func(other index.FacetRequest) bool { return other.Field == r.Field }) {
			continue
		}
		if len(list) == index.MaxFacets {
			return nil, fault.Newf(fault.Invalid, "Ask for at most %d facets.", index.MaxFacets).WithField("requestOptions.defaultFacets")
		}
		if r.Field == filtered {
			r.Prefix = prefix
			if isPerson(filtered) { // the index knows addresses, the one who asks knows names
				r.Prefix, r.Size = "", index.MaxBuckets
			}
		}
		list = append(list, r)
	}
	return list, nil
}

func facetResults(c grant.Caller, o *Options, facets []index.Facet, people *directory.Roster) []wire.FacetResult {
	var list []wire.FacetResult
	for _, f := range facets {
		r := wire.FacetResult{SourceName: f.Field, OperatorName: wire.SelectMultiple, HasMoreBuckets: f.More}
		if f.Field == fieldAuthor {
			r.SourceName = "from"
		}
		for _, b := range f.Buckets {
			bucket := wire.FacetBucket{Count: b.Count, Value: &wire.FacetValue{StringValue: b.Value}}
			if isPerson(f.Field) {
				p, known := people.ByEmail(b.Value)
				if known {
					bucket.Value.DisplayLabel = p.Name
				}
				// Nobody's token shows names, as documents do, and no address book.
				if c.Is(grant.Anonymous) && strings.Contains(b.Value, "@") {
					if !known {
						continue
					}
					bucket.Value.StringValue = p.ID
				}
				if !keeps(o.FacetBucketFilter, f.Field, b.Value, p) {
					continue
				}
			}
			if len(r.Buckets) == bucketSize(o) {
				r.HasMoreBuckets = true
				break
			}
			r.Buckets = append(r.Buckets, bucket)
		}
		if len(r.Buckets) > 0 {
			list = append(list, r)
		}
	}
	return list
}

// keeps reports whether a bucket of people passes the filter of buckets: by address, name or name on record. p is nil
// where nobody is known by the value.
func keeps(filter *BucketFilter, field, value string, p *directory.Person) bool {
	if filter == nil || fieldOf(filter.Facet) != field {
		return true
	}
	names := value
	if p != nil {
		names = strings.Join([]string{value, p.Name, nameOnRecord(p)}, " ")
	}
	return analysis.HasWordPrefix(analysis.Fold(names), analysis.Fold(filter.Prefix))
}
