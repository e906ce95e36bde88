package search

import (
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// standardFacets are counted when a request asks for facets and names none.
func standardFacets() []string {
	return []string{fieldDatasource, fieldType, fieldAuthor, fieldTag, fieldStatus, fieldContainer}
}

// facetAsked is one facet that the index counts.
type facetAsked struct {
	index.FacetRequest
	size   int    // how many buckets to show; the request may ask for more, to choose among them here
	prefix string // of a word of those to show, where the index cannot choose
	group  string // of the properties that it belongs to
	tabs   bool   // it is for tabs, not for the facets
}

// wantsFacets reports whether to count: where the request says so, or says nothing and gives buckets a size.
func wantsFacets(o *Options) bool {
	return slices.Contains(o.ResponseHints, hintFacets) || len(o.ResponseHints) == 0 && o.FacetBucketSize > 0
}

// labelled reports whether people know the values of a field by other names than the index does.
func labelled(field string) bool {
	return isPerson(field) || field == fieldDatasource || field == fieldType
}

// chooseFacets adds to the question what to count.
func (q *question) chooseFacets() error {
	o := q.options
	if wantsFacets(o) {
		for _, name := range q.facetNames() {
			if err := q.addFacet(name); err != nil {
				return err
			}
		}
	}
	if q.hints(hintCounts, hintMetadata) {
		r := index.FacetRequest{Field: fieldDatasource, Size: index.MaxBuckets, Lift: q.hints(hintCounts)}
		q.facets = append(q.facets, facetAsked{FacetRequest: r, tabs: true})
	}
	for _, f := range q.facets {
		q.ask.Facets = append(q.ask.Facets, f.FacetRequest)
	}
	return nil
}

// facetNames lists what to count: the standard facets or those that the request names; those of the one datasource that is
// searched; the datasources, where all of them are to be counted; and the facet whose buckets are chosen by a prefix.
func (q *question) facetNames() []string {
	o := q.options
	names := slices.Clone(o.DefaultFacets)
	if len(names) == 0 {
		names = standardFacets()
	}
	if source := q.onlySource(); source != "" {
		if len(o.DefaultFacets) == 0 {
			names = slices.DeleteFunc(names, func(field string) bool { return q.known.hides(source, field) })
		}
		for _, p := range q.known.properties {
			if p.Facet && p.Datasource == source {
				names = append(names, p.Operator)
			}
		}
	}
	if o.AllDatasourceCounts {
		names = append(names, fieldDatasource)
	}
	if b := o.FacetBucketFilter; b != nil && b.Facet != "" {
		names = append(names, b.Facet)
	}
	return names
}

// onlySource returns the one datasource that the request is narrowed to, or "".
func (q *question) onlySource() string {
	o := q.options
	switch {
	case len(q.req.TabIDs) == 1 && q.req.TabIDs[0] != allTab:
		return q.req.TabIDs[0]
	case len(q.req.TabIDs) > 0:
		return ""
	case o.DatasourceFilter != "":
		return o.DatasourceFilter
	case len(o.DatasourcesFilter) == 1:
		return o.DatasourcesFilter[0]
	}
	for _, ff := range q.filters {
		if fieldOf(ff.FieldName) == fieldDatasource && len(ff.Values) == 1 && equal(ff.Values[0].RelationType) && !ff.Values[0].IsNegated {
			return q.known.sourceCalled(ff.Values[0].Value)
		}
	}
	for _, clause := range q.clauses {
		if fieldOf(clause[0].Name) == fieldDatasource && len(clause) == 1 && !clause[0].Not {
			return q.known.sourceCalled(clause[0].Value)
		}
	}
	return ""
}

// sourceCalled returns the one datasource that a name means, or "".
func (k *catalog) sourceCalled(name string) string {
	found := ""
	for i := range k.sources {
		d := k.sources[i].Name
		if slices.ContainsFunc(k.named(name), func(n string) bool { return strings.EqualFold(n, d) }) {
			if found != "" {
				return ""
			}
			found = d
		}
	}
	return found
}

// hides reports whether a datasource says that a standard facet means nothing for its documents.
func (k *catalog) hides(source, field string) bool {
	i := slices.IndexFunc(k.sources, func(d corpus.Datasource) bool { return d.Name == source })
	return i >= 0 && slices.ContainsFunc(k.sources[i].HiddenFacets, func(hidden string) bool { return strings.EqualFold(hidden, field) })
}

func (q *question) addFacet(name string) error {
	o := q.options
	size := cmpOr(max(o.FacetBucketSize, 0), defaultBuckets, index.MaxBuckets)
	f := facetAsked{FacetRequest: index.FacetRequest{Field: fieldOf(name), Size: size, Lift: true}, size: size}
	if slices.ContainsFunc(q.facets, func(other facetAsked) bool { return other.Field == f.Field }) {
		return nil
	}
	if len(q.facets) == index.MaxFacets-1 { // one is for tabs
		return fault.Newf(fault.Invalid, "Ask for at most %d facets.", index.MaxFacets-1).WithField("requestOptions.defaultFacets")
	}
	if f.Field == fieldDatasource && o.AllDatasourceCounts {
		f.Size, f.size = index.MaxBuckets, index.MaxBuckets
	}
	if i := slices.IndexFunc(q.known.properties, func(p corpus.PropertyInfo) bool { return p.Operator == f.Field }); i >= 0 {
		f.group = q.known.properties[i].Group
	}
	if b := o.FacetBucketFilter; b != nil && b.Facet != "" && fieldOf(b.Facet) == f.Field {
		if labelled(f.Field) { // the index knows addresses and names for programs, the one who asks knows names for people
			f.prefix, f.Size = analysis.Fold(b.Prefix), index.MaxBuckets
		} else {
			f.Prefix = b.Prefix
		}
	}
	q.facets = append(q.facets, f)
	return nil
}

// facetResults turns what was counted into facets to show, and tabs.
func (q *question) facetResults(facets []index.Facet) (list []wire.FacetResult, tabs []Tab) {
	for i, f := range facets {
		asked := &q.facets[i]
		if asked.tabs {
			tabs = tabsOf(f)
			continue
		}
		r := wire.FacetResult{SourceName: filterName(f.Field), OperatorName: wire.SelectMultiple, HasMoreBuckets: f.More, GroupName: asked.group}
		for _, b := range f.Buckets {
			bucket, ok := q.bucket(f.Field, b, asked.prefix)
			if !ok {
				continue
			}
			if len(r.Buckets) == asked.size {
				r.HasMoreBuckets = true
				break
			}
			r.Buckets = append(r.Buckets, bucket)
		}
		if len(r.Buckets) > 0 {
			list = append(list, r)
		}
	}
	return list, tabs
}

// bucket shows one value with its count, or leaves it out where prefix begins none of its words.
func (q *question) bucket(field string, b index.Bucket, prefix string) (wire.FacetBucket, bool) {
	bucket := wire.FacetBucket{Count: b.Count, Value: &wire.FacetValue{StringValue: b.Value}}
	words := b.Value
	switch {
	case isPerson(field):
		p, known := q.people.ByEmail(b.Value)
		if known {
			bucket.Value.DisplayLabel = p.Name
			words = strings.Join([]string{b.Value, p.Name, nameOnRecord(p)}, " ")
		}
		// Nobody's token shows names, as documents do, and no address book: nor does it say how an address begins.
		if q.caller.Is(grant.Anonymous) && strings.Contains(b.Value, "@") {
			if !known {
				return bucket, false
			}
			bucket.Value.StringValue, words = p.ID, p.Name
		}
	case labelled(field):
		if label := q.known.label(field, b.Value); label != "" {
			bucket.Value.DisplayLabel = label
			words += " " + label
		}
	}
	return bucket, prefix == "" || analysis.HasWordPrefix(analysis.Fold(words), prefix)
}

// tabsOf makes tabs of the counts of datasources: all of them together, then each.
func tabsOf(f index.Facet) []Tab {
	all := Tab{ID: allTab}
	tabs := make([]Tab, 1, len(f.Buckets)+1)
	for _, b := range f.Buckets {
		all.Count += b.Count
		tabs = append(tabs, Tab{ID: b.Value, Count: b.Count, Datasource: b.Value, Instance: b.Value})
	}
	tabs[0] = all
	return tabs
}

// tabIDs are the tabs that the results are of.
func (q *question) tabIDs() []string {
	switch only := q.onlySource(); {
	case len(q.req.TabIDs) > 0:
		return q.req.TabIDs
	case only != "":
		return []string{only}
	case len(q.options.DatasourcesFilter) > 0:
		return q.options.DatasourcesFilter
	}
	return []string{allTab}
}
