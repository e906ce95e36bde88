package search

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Limits of the filters of one request.
const (
	maxValues  = 1000 // values of all filters together
	maxPeople  = 50   // of them, names of people, which are looked up one by one
	maxInvalid = 20   // what a refusal lists
	maxSpecs   = 100  // containers and documents to search in, or to leave out
)

// filters collects the conditions of a request. Filters whose values mean nothing are collected too, and make the request a
// 422. Operators of the query whose values mean nothing are dropped and told.
type filters struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one request is being understood
	service  *Service
	question *question

	now     time.Time // in the caller's zone
	all     index.All
	viewed  index.Keys // nil until asked for
	values  int        // seen so far
	named   int        // of them, people
	invalid []wire.InvalidOperator
	err     error // the first
}

// verdict says whether a filter can be acted on.
type verdict uint8

const (
	usable      verdict = iota
	meaningless         // a value that the field never has: nothing is found by it
	malformed           // a value that is none, such as a date that does not exist
)

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

func (f *filters) refuse(field, message string) {
	if f.err == nil {
		f.err = fault.New(fault.Invalid, message).WithField("requestOptions." + field)
	}
}

// count reports whether n more values are within the limit.
func (f *filters) count(field string, n int) bool {
	if f.values += n; f.values > maxValues {
		f.refuse(field, "There are more than "+strconv.Itoa(maxValues)+" values in the filters of this request.")
	}
	return f.err == nil
}

// options adds what the request's options narrow to. The operators of the query are there already.
func (f *filters) options(req *Request) {
	o := req.Options
	f.datasources(req)
	if len(o.FacetFilters) > 0 && len(o.FacetFilterSets) > 0 {
		f.refuse("facetFilterSets", "Give facetFilters or facetFilterSets, not both.")
		return
	}
	f.question.filters = f.notOverridden(o.FacetFilters)
	f.all = append(f.all, f.set("facetFilters", f.question.filters)...)
	if len(o.FacetFilterSets) > 0 && f.count("facetFilterSets", len(o.FacetFilterSets)) {
		var sets index.Any
		for _, set := range o.FacetFilterSets {
			sets = append(sets, f.set("facetFilterSets", f.notOverridden(set.Filters)))
		}
		f.all = append(f.all, sets)
	}
	f.restrictions(o)
	if req.Also != nil {
		f.all = append(f.all, req.Also)
	}
}

// notOverridden leaves out the filters of fields that the query has operators for, where the request says that these win.
func (f *filters) notOverridden(list []wire.FacetFilter) []wire.FacetFilter {
	if !f.question.options.QueryOverrides || len(f.question.clauses) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(ff wire.FacetFilter) bool {
		return slices.ContainsFunc(f.question.clauses, func(clause query.Clause) bool {
			return slices.ContainsFunc(clause, func(t query.Test) bool { return fieldOf(t.Name) == fieldOf(ff.FieldName) })
		})
	})
}

// allTab is the tab that shows what all datasources have.
const allTab = "all"

// datasources narrows to tabs or, without any, to the datasources of both filters. Unless the counts of all datasources are asked for, the
// facet of datasources is counted within them.
func (f *filters) datasources(req *Request) {
	o := req.Options
	var all index.All
	switch {
	case len(req.TabIDs) > 0:
		if !f.count("resultTabIds", len(req.TabIDs)) || slices.Contains(req.TabIDs, allTab) {
			return
		}
		all = append(all, index.Has{Field: fieldDatasource, Values: req.TabIDs})
	default:
		if o.DatasourceFilter != "" {
			all = append(all, index.Has{Field: fieldDatasource, Values: []string{o.DatasourceFilter}})
		}
		if names := o.DatasourcesFilter; len(names) > 0 && f.count("datasourcesFilter", len(names)) {
			all = append(all, index.Has{Field: fieldDatasource, Values: names})
		}
	}
	switch {
	case len(all) == 0:
	case o.AllDatasourceCounts || f.question.hints(hintCounts):
		f.all = append(f.all, all...)
	default:
		f.all = append(f.all, all) // what stands deeper is not lifted from a facet
	}
}

// set turns filters that all hold into conditions. A filter without values narrows nothing: that is a list in
// which nothing is ticked.
func (f *filters) set(field string, list []wire.FacetFilter) index.All {
	var all index.All
	for _, ff := range list {
		if len(ff.Values) == 0 {
			continue
		}
		if ff.FieldName == "" {
			f.refuse(field, "A filter has values and no fieldName.")
		}
		if !f.count(field, len(ff.Values)) {
			return nil
		}
		all = append(all, f.filter(ff)...)
	}
	return all
}

// filter turns the values of one filter into conditions: one of those wanted, and none of those excluded.
func (f *filters) filter(ff wire.FacetFilter) index.All {
	var all index.All
	var wanted index.Any
	for _, v := range ff.Values {
		relation, negated := v.RelationType, v.IsNegated
		if relation == wire.NotEquals {
			relation, negated = wire.Equals, true
		}
		test, v2 := f.test(ff.FieldName, relation, v.Value)
		if v2 == malformed && len(f.invalid) < maxInvalid {
			f.invalid = append(f.invalid, wire.InvalidOperator{Key: ff.FieldName, Value: v.Value})
		}
		if negated {
			all = append(all, index.Not{Filter: test})
		} else {
			wanted = append(wanted, test)
		}
	}
	return append(all, alternatives(wanted)...)
}

// clauses adds the operators of the query's own text. Those that cannot be used are dropped.
func (f *filters) clauses(list []query.Clause) {
	for _, clause := range list {
		var wanted index.Any
		var kept query.Clause
		for _, operator := range clause {
			test, v := f.test(operator.Name, relationOf(operator.Name), operator.Value)
			if v != usable {
				f.question.ignored = append(f.question.ignored, query.Print(operator.Field))
				continue
			}
			if operator.Not {
				test = index.Not{Filter: test}
			}
			kept, wanted = append(kept, operator), append(wanted, test)
		}
		if len(kept) > 0 {
			f.question.clauses = append(f.question.clauses, kept)
			f.all = append(f.all, alternatives(wanted)...)
		}
	}
}

// test is one value of one field.
func (f *filters) test(name string, relation wire.RelationType, value string) (index.Filter, verdict) {
	field := fieldOf(name)
	if field == fieldUpdated || field == fieldCreated {
		return date(f.now, field, relation, value)
	}
	switch relation {
	case "", wire.Equals, wire.IDEquals:
		return f.has(name, field, value)
	case wire.LessThan, wire.GreatThan:
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		switch {
		case err != nil: // a custom property can be a date
			return date(f.now, field, relation, value)
		case relation == wire.LessThan:
			return index.Within{Field: field, From: math.MinInt64, To: n}, usable
		case n < math.MaxInt64:
			return index.Within{Field: field, From: n + 1, To: math.MaxInt64}, usable
		}
		return index.Any{}, usable
	}
	return index.Any{}, malformed
}

// alternatives demands one of the tests. Equalities of one field become one test, so that a facet can be
// counted without it.
func alternatives(list index.Any) index.All {
	if len(list) == 0 {
		return nil
	}
	var has index.Has
	var rest index.Any
	for _, test := range joinBounds(list) {
		same, ok := test.(index.Has)
		switch {
		case !ok || has.Field != "" && same.Field != has.Field:
			rest = append(rest, test)
		default:
			has.Field, has.Values = same.Field, append(has.Values, same.Values...)
		}
	}
	if has.Field != "" {
		rest = append(rest, has)
	}
	if len(rest) == 1 {
		return index.All{rest[0]}
	}
	return index.All{rest}
}

// joinBounds makes a range of a lower and an upper bound that overlap. As alternatives they would hold for every date,
// which nobody asks for; and a field stands once in a request, so there is no other way to ask for a range.
func joinBounds(list index.Any) index.Any {
	var from, to []index.Within
	var rest index.Any
	for _, test := range list {
		switch w, ok := test.(index.Within); {
		case ok && w.To == math.MaxInt64 && w.From != math.MinInt64:
			from = append(from, w)
		case ok && w.From == math.MinInt64 && w.To != math.MaxInt64:
			to = append(to, w)
		default:
			rest = append(rest, test)
		}
	}
	if len(from) == 0 || len(to) == 0 {
		return list
	}
	// Of several bounds on one side the weakest holds, as among alternatives.
	joined := index.Within{Field: from[0].Field, From: from[0].From, To: to[0].To}
	for _, w := range from {
		joined.From = min(joined.From, w.From)
	}
	for _, w := range to {
		joined.To = max(joined.To, w.To)
	}
	if joined.From >= joined.To || from[0].Field != to[0].Field {
		return list
	}
	return append(rest, joined)
}
