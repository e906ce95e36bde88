package search

import (
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// operators are the operators of the query that could be used, as parts of a tree.
func (q *question) operators() query.All {
	var list query.All
	for _, clause := range q.clauses {
		list = append(list, clauseNode(clause))
	}
	return list
}

func clauseNode(clause query.Clause) query.Node {
	var either query.Any
	for _, t := range clause {
		if t.Not { // stands alone
			return query.Not{Node: t.Field}
		}
		either = append(either, t.Field)
	}
	if len(either) == 1 {
		return either[0]
	}
	return either
}

// rewrittenFilters is everything that narrows the results as filters: the operators of the query, and the filters that hold beside them.
// What no filter can say, alternatives of several fields, is left to the query.
func (q *question) rewrittenFilters() []wire.FacetFilter {
	if len(q.clauses) == 0 && !q.options.QueryOverrides {
		return nil
	}
	var list []wire.FacetFilter
	for _, clause := range q.clauses {
		if ff, ok := filterOf(clause); ok {
			list = append(list, ff)
		}
	}
	for _, ff := range q.filters {
		if len(ff.Values) > 0 {
			list = append(list, ff)
		}
	}
	return list
}

// filterOf turns a clause into a filter, where it speaks of one field.
func filterOf(clause query.Clause) (wire.FacetFilter, bool) {
	field := fieldOf(clause[0].Name)
	ff := wire.FacetFilter{FieldName: filterName(field)}
	for _, t := range clause {
		if fieldOf(t.Name) != field {
			return ff, false
		}
		v := wire.FacetFilterValue{Value: t.Value, RelationType: relationOf(t.Name)}
		if t.Not && v.RelationType == wire.Equals {
			v.RelationType = wire.NotEquals
		} else {
			v.IsNegated = t.Not
		}
		ff.Values = append(ff.Values, v)
	}
	return ff, true
}

// rewrittenQuery is the query with every filter that holds written as an operator, as far as there is one for it; "" where that is
// what was searched for.
func (q *question) rewrittenQuery() string {
	var filters query.All
	for _, ff := range q.filters {
		filters = append(filters, operatorsOf(ff)...)
	}
	if len(filters) == 0 {
		return ""
	}
	words := q.words
	if q.usedCorrection {
		words = q.corrected
	}
	return query.Print(slices.Concat(words, q.operators(), filters))
}

// operatorsOf turns a filter into operators: one of those wanted, and none of those excluded. There are none where a value has no operator.
func operatorsOf(ff wire.FacetFilter) query.All {
	name := strings.ToLower(ff.FieldName)
	switch fieldOf(name) {
	case fieldUpdated:
		name = "updated"
	case fieldCreated:
		name = "created"
	case fieldHistory:
		name = "my"
	}
	var list query.All
	var either query.Any
	for _, v := range ff.Values {
		f := query.Field{Name: name, Value: strings.Join(strings.Fields(v.Value), " ")}
		negated := v.IsNegated || v.RelationType == wire.NotEquals
		switch v.RelationType {
		case wire.LessThan:
			f.Name = "before"
		case wire.GreatThan:
			f.Name = "after"
		}
		bound := f.Name == "before" || f.Name == "after"
		switch parsed := query.Parse(query.Print(f)).Root; {
		case len(parsed) != 1 || parsed[0] != query.Node(f), bound && fieldOf(ff.FieldName) != fieldUpdated:
			return nil
		case negated:
			list = append(list, query.Not{Node: f})
		case bound:
			list = append(list, f)
		default:
			either = append(either, f)
		}
	}
	switch len(either) {
	case 0:
	case 1:
		list = append(list, either[0])
	default:
		list = append(list, either)
	}
	return list
}
