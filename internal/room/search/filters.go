package search

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Fields of the index that filters and facets speak of under several names.
const (
	fieldDatasource = "datasource"
	fieldType       = "type"
	fieldAuthor     = "author"
	fieldOwner      = "owner"
	fieldTag        = "tag"
	fieldStatus     = "status"
	fieldContainer  = "container"
	fieldUpdated    = index.FieldUpdated
	fieldCreated    = index.FieldCreated
)

// facetFields are counted when a request asks for facets and names none.
var facetFields = []string{fieldDatasource, fieldType, "from", fieldTag, fieldStatus, fieldContainer} //nolint:gochecknoglobals // constant

// fieldOf returns the index's name for a field as filters and operators spell it. Names that it does
// not know are custom properties, under their own name.
func fieldOf(name string) string {
	switch name = strings.ToLower(name); name {
	case "app", "datasource":
		return fieldDatasource
	case "type", "doctype":
		return fieldType
	case "from", "author":
		return fieldAuthor
	case "owner":
		return fieldOwner
	case "tag", "label":
		return fieldTag
	case "updated", "last_updated_at":
		return fieldUpdated
	case "created", "created_at":
		return fieldCreated
	}
	return name
}

// isOperator reports whether the query language treats name:value as a filter.
func isOperator(name string) bool {
	switch name {
	case "app", "datasource", "type", "from", "author", "owner", "tag", "label", "status", "container",
		"updated", "created", "before", "after":
		return true
	}
	return false
}

// filters collects the conditions of a request. Values that mean nothing are collected too, and make the request a 422.
type filters struct {
	caller  grant.Caller
	people  *directory.Roster
	now     time.Time // in the caller's zone
	all     index.All
	invalid []wire.InvalidOperator
	err     error
}

func (f *filters) result() (index.Filter, error) {
	switch {
	case f.err != nil:
		return nil, f.err
	case len(f.invalid) > 0:
		first := f.invalid[0]
		return nil, fault.Newf(fault.Unprocessable, "The filter %s does not take the value %q.", first.Key, first.Value).
			WithField(first.Key).WithDetail(wire.ErrorInfo{InvalidOperators: f.invalid})
	case len(f.all) == 0:
		return nil, nil
	}
	return f.all, nil
}

func (f *filters) options(o *Options) {
	if restricts(o.Inclusions) || restricts(o.Exclusions) {
		// To ignore what is to be left out would answer another question than the one asked.
		f.err = fault.New(fault.Invalid, "This server does not take inclusions and exclusions. Leave them out, or narrow with facetFilters.").
			WithField("requestOptions.exclusions")
		return
	}
	if names := o.DatasourcesFilter; len(names) > 0 || o.DatasourceFilter != "" {
		if o.DatasourceFilter != "" {
			names = append(slices.Clone(names), o.DatasourceFilter)
		}
		f.all = append(f.all, index.Has{Field: fieldDatasource, Values: names})
	}
	if len(o.FacetFilters) > 0 && len(o.FacetFilterSets) > 0 {
		f.err = fault.New(fault.Invalid, "Give facetFilters or facetFilterSets, not both.").WithField("requestOptions.facetFilterSets")
		return
	}
	f.all = append(f.all, f.set(o.FacetFilters)...)
	if len(o.FacetFilterSets) > 0 {
		var sets index.Any
		for _, set := range o.FacetFilterSets {
			sets = append(sets, f.set(set.Filters))
		}
		f.all = append(f.all, sets)
	}
}

func restricts(r *Restriction) bool { return r != nil && len(r.ContainerSpecs) > 0 }

// set turns filters that all hold into conditions.
func (f *filters) set(list []wire.FacetFilter) index.All {
	var all index.All
	for _, ff := range list {
		if ff.FieldName == "" || len(ff.Values) == 0 {
			continue
		}
		var any index.Any
		for _, v := range ff.Values {
			relation := v.RelationType
			if v.IsNegated {
				relation = wire.NotEquals
			}
			test := f.test(ff.FieldName, relation, v.Value)
			if relation == wire.NotEquals {
				all = append(all, test) // what is excluded is excluded whatever else is chosen
			} else {
				any = append(any, test)
			}
		}
		all = append(all, merge(any)...)
	}
	return all
}

// merge makes one test of several equalities of one field, so that a facet can be counted without it.
func merge(any index.Any) index.All {
	if len(any) == 0 {
		return nil
	}
	first, ok := any[0].(index.Has)
	for _, test := range any[1:] {
		has, isHas := test.(index.Has)
		if !ok || !isHas || has.Field != first.Field {
			return index.All{any}
		}
		first.Values = append(slices.Clone(first.Values), has.Values...)
	}
	if !ok {
		return index.All{any}
	}
	return index.All{first}
}

// test is one value of one field.
func (f *filters) test(name string, relation wire.RelationType, value string) index.Filter {
	field := fieldOf(name)
	if field == fieldUpdated || field == fieldCreated {
		return f.time(name, field, relation, value)
	}
	has := index.Has{Field: field, Values: []string{value}}
	if field == fieldAuthor || field == fieldOwner {
		has.Values = f.person(value)
	}
	switch relation {
	case "", wire.Equals, wire.IDEquals:
		return has
	case wire.NotEquals:
		return index.Not{Filter: has}
	case wire.LessThan, wire.GreatThan:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			break
		}
		if relation == wire.LessThan {
			return index.Within{Field: field, From: math.MinInt64, To: n}
		}
		if n == math.MaxInt64 {
			return index.Any{}
		}
		return index.Within{Field: field, From: n + 1, To: math.MaxInt64}
	}
	f.invalid = append(f.invalid, wire.InvalidOperator{Key: name, Value: value})
	return index.Any{}
}

// maxNamesakes bounds the people whom one name can mean.
const maxNamesakes = 50

// person returns how the index may know whom value means: me, an address, an id, or a name.
func (f *filters) person(value string) []string {
	if strings.EqualFold(value, "me") {
		return []string{f.caller.Email()}
	}
	values := []string{value}
	if strings.Contains(value, "@") {
		if p, ok := f.people.ByEmail(value); ok {
			values = append(values, p.Email)
		}
		return values
	}
	if p, ok := f.people.ByID(value); ok {
		return append(values, p.Email)
	}
	if page, err := f.people.List(directory.Query{Words: value, All: true, Limit: maxNamesakes}); err == nil && value != "" {
		for _, p := range page.People {
			values = append(values, p.Email)
		}
	}
	return values
}

// clauses adds the operators of the query's own text.
func (f *filters) clauses(list []query.Clause) {
	for _, clause := range list {
		var any index.Any
		for _, operator := range clause {
			relation, name := wire.Equals, operator.Name
			switch name {
			case "before":
				relation, name = wire.LessThan, fieldUpdated
			case "after":
				relation, name = wire.GreatThan, fieldUpdated
			}
			test := f.test(name, relation, operator.Value)
			if operator.Not {
				test = index.Not{Filter: test}
			}
			any = append(any, test)
		}
		f.all = append(f.all, merge(any)...)
	}
}

// zone is the caller's, from its offset in minutes; one that no place on Earth has is UTC.
func zone(minutes int) *time.Location {
	if minutes < -14*60 || minutes > 14*60 {
		return time.UTC
	}
	return time.FixedZone("caller", minutes*60)
}

var pastN = regexp.MustCompile(`^(?:past|last)_(?:(\d{1,4})_)?(day|week|month|year)s?$`) //nolint:gochecknoglobals // constant

// time is a test of a date: a day of the calendar, or a span that ends now.
func (f *filters) time(name, field string, relation wire.RelationType, value string) index.Filter {
	within := func(from, to time.Time) index.Filter {
		w := index.Within{Field: field, From: math.MinInt64, To: math.MaxInt64}
		if !from.IsZero() {
			w.From = from.Unix()
		}
		if !to.IsZero() {
			w.To = to.Unix()
		}
		if relation == wire.NotEquals {
			return index.Not{Filter: w}
		}
		return w
	}
	from, to, ok := f.span(value)
	if ok {
		switch relation {
		case "", wire.Equals, wire.IDEquals, wire.NotEquals:
			return within(from, to)
		case wire.LessThan:
			return within(time.Time{}, from)
		case wire.GreatThan:
			if !to.IsZero() {
				return within(to, time.Time{})
			}
		}
	}
	f.invalid = append(f.invalid, wire.InvalidOperator{Key: name, Value: value})
	return index.Any{}
}

// span returns the time that a date's value covers: a whole day, or the past up to now, whose end is open.
func (f *filters) span(value string) (from, to time.Time, ok bool) {
	value = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(value), " ", "_"))
	today := time.Date(f.now.Year(), f.now.Month(), f.now.Day(), 0, 0, 0, 0, f.now.Location())
	switch value {
	case "today":
		return today, today.AddDate(0, 0, 1), true
	case "yesterday":
		return today.AddDate(0, 0, -1), today, true
	}
	if m := pastN.FindStringSubmatch(value); m != nil {
		n := 1
		if m[1] != "" {
			n, _ = strconv.Atoi(m[1]) // at most four digits
		}
		switch m[2] {
		case "day":
			return f.now.AddDate(0, 0, -n), to, true
		case "week":
			return f.now.AddDate(0, 0, -7*n), to, true
		case "month":
			return f.now.AddDate(0, -n, 0), to, true
		default:
			return f.now.AddDate(-n, 0, 0), to, true
		}
	}
	day, err := time.ParseInLocation(time.DateOnly, value, f.now.Location())
	if err != nil {
		return from, to, false
	}
	return day, day.AddDate(0, 0, 1), true
}

// facetRequests are the facets that a request asks for.
func facetRequests(o *Options) []index.FacetRequest {
	wanted := slices.Contains(o.ResponseHints, hintFacets) || len(o.ResponseHints) == 0 && o.FacetBucketSize > 0
	if !wanted {
		return nil
	}
	names := slices.Clone(facetFields)
	for _, name := range o.DefaultFacets {
		if len(names) < index.MaxFacets && !slices.ContainsFunc(names, func(n string) bool { return fieldOf(n) == fieldOf(name) }) {
			names = append(names, strings.ToLower(name))
		}
	}
	list := make([]index.FacetRequest, 0, len(names))
	for _, name := range names {
		r := index.FacetRequest{Field: fieldOf(name), Size: cmpOr(max(o.FacetBucketSize, 0), defaultBuckets, index.MaxBuckets), Lift: true}
		if b := o.FacetBucketFilter; b != nil && fieldOf(b.Facet) == r.Field {
			r.Prefix = b.Prefix
		}
		list = append(list, r)
	}
	return list
}

func facetResults(facets []index.Facet, people *directory.Roster) []wire.FacetResult {
	var list []wire.FacetResult
	for _, f := range facets {
		if len(f.Buckets) == 0 {
			continue
		}
		name := f.Field
		if name == fieldAuthor {
			name = "from"
		}
		r := wire.FacetResult{SourceName: name, OperatorName: wire.SelectMultiple, HasMoreBuckets: f.More}
		for _, b := range f.Buckets {
			value := &wire.FacetValue{StringValue: b.Value}
			if f.Field == fieldAuthor {
				if p, ok := people.ByEmail(b.Value); ok {
					value.DisplayLabel = p.Name
				}
			}
			r.Buckets = append(r.Buckets, wire.FacetBucket{Count: b.Count, Value: value})
		}
		list = append(list, r)
	}
	return list
}
