package search

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// maxNamesakes bounds the people whom one name can mean.
const maxNamesakes = 50

// person is the test that somebody wrote or owns a document: me, an address, an id, or a name.
func (f *filters) person(field, value string) index.Filter {
	if f.named++; f.named > maxPeople {
		f.refuse("facetFilters", "There are more than "+strconv.Itoa(maxPeople)+" names of people in the filters of this request.")
		return index.Any{}
	}
	if f.err = cmp.Or(f.err, f.ctx.Err()); f.err != nil { // a name is looked for among everybody
		return index.Any{}
	}
	people := f.question.people
	if strings.EqualFold(value, "me") {
		p, ok := people.ByID(f.question.caller.Person())
		if !ok {
			return index.Any{} // nobody wrote nothing
		}
		return index.Has{Field: field, Values: p.Addresses}
	}
	values := []string{value}
	p, ok := people.ByEmail(value)
	if !ok {
		p, ok = people.ByID(value)
	}
	if ok {
		return index.Has{Field: field, Values: append(values, p.Addresses...)}
	}
	for _, p := range namesakes(people, value) {
		values = append(values, p.Addresses...)
	}
	return index.Has{Field: field, Values: values}
}

// namesakes returns the people whom a name means: those who have exactly it, or else those whose names have a word
// that begins with each of its words.
func namesakes(people *directory.Roster, value string) []*directory.Person {
	words := strings.Fields(analysis.Fold(value))
	if len(words) == 0 {
		return nil
	}
	page, err := people.List(directory.Query{Words: value, All: true})
	if err != nil {
		return nil // a text that cannot be anybody's name
	}
	full := strings.Join(words, " ")
	var exact, near []*directory.Person
	for _, p := range page.People {
		switch {
		case analysis.Fold(p.Name) == full || analysis.Fold(nameOnRecord(p)) == full:
			exact = append(exact, p)
		case named(p, words):
			near = append(near, p)
		}
	}
	if len(exact) > 0 {
		near = exact
	}
	return near[:min(len(near), maxNamesakes)]
}

// nameOnRecord is what the employer calls a person, who may go by another name.
func nameOnRecord(p *directory.Person) string {
	return strings.TrimSpace(p.Profile.FirstName + " " + p.Profile.LastName)
}

// named reports whether each of the folded words begins a word of the person's names.
func named(p *directory.Person, words []string) bool {
	names := analysis.Fold(p.Name + " " + nameOnRecord(p))
	return !slices.ContainsFunc(words, func(w string) bool { return !analysis.HasWordPrefix(names, w) })
}
