package search

import (
	"math"
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

// Limits of the filters of one request.
const (
	maxValues  = 1000 // values of all filters together
	maxPeople  = 50   // of them, names of people, which are looked up one by one
	maxInvalid = 20   // what a refusal lists
)

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
	values  int // seen so far
	named   int // of them, people
	invalid []wire.InvalidOperator
	err     error // the first
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

func (f *filters) options(o *Options) {
	if restricts(o.Inclusions) || restricts(o.Exclusions) {
		// To ignore what is to be left out would answer another question than the one asked.
		f.refuse("exclusions", "This server does not take inclusions and exclusions. Leave them out, or narrow with facetFilters.")
		return
	}
	// Both narrow, so both hold where both are given.
	if o.DatasourceFilter != "" {
		f.all = append(f.all, index.Has{Field: fieldDatasource, Values: []string{o.DatasourceFilter}})
	}
	if names := o.DatasourcesFilter; len(names) > 0 && f.count("datasourcesFilter", len(names)) {
		f.all = append(f.all, index.Has{Field: fieldDatasource, Values: names})
	}
	if len(o.FacetFilters) > 0 && len(o.FacetFilterSets) > 0 {
		f.refuse("facetFilterSets", "Give facetFilters or facetFilterSets, not both.")
		return
	}
	f.all = append(f.all, f.set("facetFilters", o.FacetFilters)...)
	if len(o.FacetFilterSets) > 0 && f.count("facetFilterSets", len(o.FacetFilterSets)) {
		var sets index.Any
		for _, set := range o.FacetFilterSets {
			sets = append(sets, f.set("facetFilterSets", set.Filters))
		}
		f.all = append(f.all, sets)
	}
}

func restricts(r *Restriction) bool { return r != nil && len(r.ContainerSpecs) > 0 }

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
		test := f.test(ff.FieldName, relation, v.Value)
		if negated {
			all = append(all, index.Not{Filter: test})
		} else {
			wanted = append(wanted, test)
		}
	}
	return append(all, alternatives(wanted)...)
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

// test is one value of one field.
func (f *filters) test(name string, relation wire.RelationType, value string) index.Filter {
	field := fieldOf(name)
	if field == fieldUpdated || field == fieldCreated {
		return f.time(name, field, relation, value)
	}
	switch relation {
	case "", wire.Equals, wire.IDEquals:
		if field == fieldAuthor || field == fieldOwner {
			return f.person(field, value)
		}
		return index.Has{Field: field, Values: []string{value}}
	case wire.LessThan, wire.GreatThan:
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil: // a custom property can be a date
			return f.time(name, field, relation, value)
		case relation == wire.LessThan:
			return index.Within{Field: field, From: math.MinInt64, To: n}
		case n < math.MaxInt64:
			return index.Within{Field: field, From: n + 1, To: math.MaxInt64}
		}
		return index.Any{}
	}
	return f.unusable(name, value)
}

// unusable notes a value that means nothing.
func (f *filters) unusable(name, value string) index.Filter {
	if len(f.invalid) < maxInvalid {
		f.invalid = append(f.invalid, wire.InvalidOperator{Key: name, Value: value})
	}
	return index.Any{}
}

// person is the test that somebody wrote or owns a document: me, an address, an id, or a name.
func (f *filters) person(field, value string) index.Filter {
	if f.named++; f.named > maxPeople {
		f.refuse("facetFilters", "There are more than "+strconv.Itoa(maxPeople)+" names of people in the filters of this request.")
		return index.Any{}
	}
	if strings.EqualFold(value, "me") {
		p, ok := f.people.ByID(f.caller.Person())
		if !ok {
			return index.Any{} // nobody wrote nothing
		}
		return index.Has{Field: field, Values: p.Addresses}
	}
	values := []string{value}
	p, ok := f.people.ByEmail(value)
	if !ok {
		p, ok = f.people.ByID(value)
	}
	if ok {
		return index.Has{Field: field, Values: append(values, p.Addresses...)}
	}
	for _, p := range f.namesakes(value) {
		values = append(values, p.Addresses...)
	}
	return index.Has{Field: field, Values: values}
}

// clauses adds the operators of the query's own text.
func (f *filters) clauses(list []query.Clause) {
	for _, clause := range list {
		var wanted index.Any
		for _, operator := range clause {
			var test index.Filter
			switch operator.Name {
			case "before":
				test = f.time(operator.Name, fieldUpdated, wire.LessThan, operator.Value)
			case "after":
				test = f.time(operator.Name, fieldUpdated, wire.GreatThan, operator.Value)
			default:
				test = f.test(operator.Name, wire.Equals, operator.Value)
			}
			if operator.Not {
				test = index.Not{Filter: test}
			}
			wanted = append(wanted, test)
		}
		f.all = append(f.all, alternatives(wanted)...)
	}
}
