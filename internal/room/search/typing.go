package search

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// typing is a text that is being completed, and what was found for it.
type typing struct {
	service *Service
	caller  grant.Caller
	req     *AutocompleteRequest
	size    int
	now     time.Time

	question *question
	before   string       // what stands before the last word, with the space between
	last     string       // the last word; in full where it is an operator with a value in quotes
	words    string       // all that is typed, without the operators that filter stands for
	filter   index.Filter // what the request and the operators before narrow to
	operator string       // of the last word, where it has one
	value    string       // what is typed of its value

	values, history, people, sources, documents, operators, searches []Completion
}

// know reads the catalogue whatever the question needs.
func (q *question) know(ctx context.Context, s *Service) error {
	if q.known.sources != nil {
		return nil
	}
	sources, err := s.sources.Visible(ctx, q.caller)
	if err != nil {
		return err
	}
	properties, err := s.sources.Properties(ctx, q.caller)
	q.known = &catalog{sources, properties}
	return err
}

// completeHistory offers the caller's own searches that go on like what is typed.
func (t *typing) completeHistory(ctx context.Context) error {
	places := t.places(typeHistory)
	prefix := analysis.Fold(strings.TrimLeft(t.req.Query, " "))
	if prefix == "" && places > 0 {
		places = min(t.size, emptyBox)
	}
	if places == 0 {
		return nil
	}
	list, err := t.service.history.Searches(ctx, t.caller)
	if err != nil {
		return err
	}
	for _, s := range list {
		folded := analysis.Fold(s.Text)
		if folded == strings.TrimSpace(prefix) || !analysis.HasWordPrefix(folded, prefix) {
			continue
		}
		t.history = append(t.history, Completion{Result: s.Text, ResultType: typeHistory})
		if len(t.history) == places {
			break
		}
	}
	return nil
}

// completePeople offers people whose names begin so: who they are and how to reach them, which is less than PEOPLE opens.
func (t *typing) completePeople() {
	places := t.places(typeEntity)
	if places == 0 || !toldOfPeople(t.caller) || t.isNarrowed() || t.filter != nil {
		return
	}
	for _, found := range t.question.people.Find(directory.Search{Words: t.words, NamesOnly: true, AsTyped: true, Limit: places}) {
		t.people = append(t.people, Completion{
			Result: found.Person.Name, ResultType: typeEntity, Structured: &StructuredCompletion{Person: reachable(found.Person)}, person: found.Person.ID,
		})
	}
}

// completeDatasources offers datasources by their names.
func (t *typing) completeDatasources() {
	places, prefix := t.places(typeDatasource), analysis.Fold(t.words)
	for i := range t.question.known.sources {
		d := &t.question.known.sources[i]
		if len(t.sources) >= places {
			return
		}
		if t.covers(d.Name) && called(d, prefix) {
			t.sources = append(t.sources, Completion{
				Result: d.DisplayName, ResultType: typeDatasource, URL: d.HomeURL, Structured: &StructuredCompletion{App: &App{Datasource: d.Name}},
			})
		}
	}
}

// covers reports whether the request is about a datasource.
func (t *typing) covers(datasource string) bool {
	is := func(name string) bool { return strings.EqualFold(name, datasource) }
	return (t.req.Datasource == "" || is(t.req.Datasource)) &&
		(len(t.req.DatasourcesFilter) == 0 || slices.ContainsFunc(t.req.DatasourcesFilter, is))
}

// called reports whether a word of a datasource's names begins with a folded prefix.
func called(d *corpus.Datasource, prefix string) bool {
	return slices.ContainsFunc(append([]string{d.DisplayName, d.Name}, d.Aliases...), func(name string) bool {
		return analysis.HasWordPrefix(analysis.Fold(name), prefix)
	})
}

// minOperator is how much of an operator's name is typed before it is offered among other kinds.
const minOperator = 2

// completeOperators offers operators whose names begin with the last word.
func (t *typing) completeOperators() {
	places := t.places(typeOperator)
	typed := strings.ToLower(t.last)
	if places == 0 || len(typed) < minOperator && len(t.req.ResultTypes) != 1 {
		return
	}
	list := t.operatorsFrom(typed)
	for _, o := range list[:min(len(list), places)] {
		t.operators = append(t.operators, Completion{Result: t.before + o.Name + ":", ResultType: typeOperator, Operator: &o})
	}
}

// completeValue offers values for the operator that is being typed.
func (t *typing) completeValue(ctx context.Context) error {
	places := t.places(typeOperatorValue)
	if places == 0 {
		return nil
	}
	if len(t.req.ResultTypes) == 0 {
		places = min(t.size, maxValuesShown)
	}
	list, err := t.valuesFor(ctx, places)
	if err != nil {
		return err
	}
	about := Operator{Name: t.operator, Type: operatorText} // of another spelling of a built-in one
	for _, o := range t.operatorsFrom(t.operator) {
		if o.Name == t.operator {
			about = o
		}
	}
	for _, v := range list[:min(len(list), places)] {
		one := about
		one.Value, one.DisplayValue = v.value, v.shown
		t.values = append(t.values, Completion{
			Result: t.before + query.Print(query.Field{Name: t.operator, Value: v.value}), ResultType: typeOperatorValue, Operator: &one,
		})
	}
	return nil
}

// reachable is somebody with how to reach them.
func reachable(p *directory.Person) *wire.Person {
	shown := directory.Brief(p)
	f := &p.Profile
	shown.Metadata = &wire.PersonMetadata{Email: p.Email, Title: f.Title, Department: f.Department, Location: f.Location, PhotoURL: f.PhotoURL}
	return &shown
}
