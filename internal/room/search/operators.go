package search

import (
	"context"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// maxValuesShown is how many values of an operator are offered where nobody says how many.
const maxValuesShown = 20

// Types of operator.
const (
	operatorText   = "TEXT"
	operatorNumber = "DOUBLE"
	operatorDate   = "DATE"
	operatorUser   = "USER"
)

// builtIn are the operators that hold for every datasource, in the order in which they are offered.
func builtIn() []Operator {
	return []Operator{
		{Name: "app", Type: operatorText, Help: "in one app"},
		{Name: "type", Type: operatorText, Help: "of one type"},
		{Name: "from", Type: operatorUser, Help: "by somebody, or me"},
		{Name: "owner", Type: operatorUser, Help: "that belongs to somebody, or me"},
		{Name: "updated", Type: operatorDate, Help: "changed on a day or in a span"},
		{Name: "created", Type: operatorDate, Help: "made on a day or in a span"},
		{Name: "before", Type: operatorDate, Help: "changed before a day"},
		{Name: "after", Type: operatorDate, Help: "changed after a day"},
		{Name: "in", Type: operatorText, Help: "in one folder, project or channel"},
		{Name: "tag", Type: operatorText, Help: "with a tag"},
		{Name: "status", Type: operatorText, Help: "in a status"},
		{Name: "my", Type: operatorText, Help: "history: what you opened lately"},
	}
}

// operatorsFrom are the operators that the caller can use and whose names begin so: the built-in ones, and the properties of
// datasources of which the caller sees something.
func (t *typing) operatorsFrom(prefix string) []Operator {
	var list []Operator
	for _, o := range builtIn() {
		personal := o.Name == fieldHistory || o.Type == operatorUser
		if strings.HasPrefix(o.Name, prefix) && (!personal || toldOfPeople(t.caller)) { // nobody has no history, and no colleagues
			list = append(list, o)
		}
	}
	for i := range t.question.known.properties {
		p := &t.question.known.properties[i]
		if !p.Indexed || p.Operator == "" || !strings.HasPrefix(p.Operator, prefix) || p.Datasource != "" && !t.covers(p.Datasource) {
			continue
		}
		at := slices.IndexFunc(list, func(o Operator) bool { return o.Name == p.Operator })
		switch {
		case at < 0:
			list = append(list, Operator{Name: p.Operator, Custom: true, Type: operatorType(p.Type), Help: p.Label, Scopes: scopesOf(p)})
		case list[at].Custom:
			list[at].Scopes = append(list[at].Scopes, scopesOf(p)...)
		}
	}
	return list
}

// scopesOf says which documents have a property.
func scopesOf(p *corpus.PropertyInfo) []OperatorScope {
	switch {
	case p.Datasource == "":
		return nil
	case len(p.ObjectTypes) == 0:
		return []OperatorScope{{Datasource: p.Datasource}}
	}
	var list []OperatorScope
	for _, kind := range p.ObjectTypes {
		list = append(list, OperatorScope{p.Datasource, kind})
	}
	return list
}

func operatorType(t corpus.PropertyType) string {
	switch t {
	case corpus.TypeDate:
		return operatorDate
	case corpus.TypeInt:
		return operatorNumber
	}
	return operatorText
}

// offer is a value, and how it is shown where that is another text.
type offer struct{ value, shown string }

// spans are the words for times that updated and created take.
func spans() []string {
	return []string{"today", "yesterday", "past_day", "past_week", "past_month", "past_3_months", "past_6_months", "past_year"}
}

// valuesFor returns values that begin with what is typed.
func (t *typing) valuesFor(ctx context.Context, places int) ([]offer, error) {
	prefix := analysis.Fold(t.value)
	switch field := fieldOf(t.operator); {
	case t.operator == "before" || t.operator == "after":
		return starting(prefix, "today", "yesterday"), nil
	case field == fieldUpdated || field == fieldCreated:
		return starting(prefix, spans()...), nil
	case field == fieldHistory:
		if toldOfPeople(t.caller) {
			return starting(prefix, "history"), nil
		}
	case field == fieldHas || field == fieldCollection:
		return nil, nil // nothing has one yet
	case isPerson(field):
		return t.names(prefix, places), nil
	case field == fieldDatasource:
		return t.apps(prefix), nil
	default:
		return t.counted(ctx, field, places)
	}
	return nil, nil
}

func starting(prefix string, words ...string) (list []offer) {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			list = append(list, offer{value: w})
		}
	}
	return list
}

// names offers people as authors: me, and those whose names begin so. A name that several people have stands with the
// address.
func (t *typing) names(prefix string, places int) []offer {
	if !toldOfPeople(t.caller) {
		return nil
	}
	list := starting(prefix, "me")
	if prefix == "" {
		return list
	}
	found := t.question.people.Find(directory.Search{Words: t.value, NamesOnly: true, AsTyped: true, Limit: places})
	for _, f := range found {
		o := offer{value: f.Person.Name}
		if slices.ContainsFunc(found, func(g directory.Found) bool { return g.Person != f.Person && g.Person.Name == f.Person.Name }) {
			o = offer{f.Person.Email, f.Person.Name}
		}
		list = append(list, o)
	}
	return list
}

// apps offers datasources by their names.
func (t *typing) apps(prefix string) (list []offer) {
	for i := range t.question.known.sources {
		if d := &t.question.known.sources[i]; t.covers(d.Name) && called(d, prefix) {
			list = append(list, offer{d.Name, d.DisplayName})
		}
	}
	return list
}

// counted offers the values that documents have which the caller sees, the most frequent first.
func (t *typing) counted(ctx context.Context, field string, places int) ([]offer, error) {
	found, err := t.service.index.Search(ctx, t.caller, index.Query{
		Filter: t.filter, Facets: []index.FacetRequest{{Field: field, Size: min(places, index.MaxBuckets), Prefix: t.value}},
	})
	if err != nil {
		return nil, err
	}
	var list []offer
	for _, facet := range found.Facets {
		for _, b := range facet.Buckets {
			list = append(list, offer{b.Value, t.question.known.label(field, b.Value)})
		}
	}
	return list, nil
}
