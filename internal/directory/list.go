package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Query asks for a page of people.
type Query struct {
	// Words, if any, must each begin a word of a person's names, address, title or department.
	Words string
	// Filters must all hold. Each names one of Fields, spelt in any case, with or without "_".
	Filters []Filter
	Sort    Order
	Reverse bool
	// All includes people who are not active, for administrators.
	All    bool
	Offset int
	Limit  int      // 0 for all of them
	Facets []string // fields to count values of, over all matches
}

// Filter holds where a field equals one of its values, folded.
type Filter struct {
	Field  string
	Values []string
}

// Order says by what a page is sorted. Equal people are sorted by name.
type Order uint8

// The orders.
const (
	ByName Order = iota
	ByFirstName
	ByLastName
	ByOrgSize
	ByStartDate
)

// Page is a part of the matches.
type Page struct {
	People []*Person
	Total  int
	Facets map[string][]Bucket // by field, as the query spelt it
}

// Bucket counts the people with one value of a field.
type Bucket struct {
	Value string
	Count int
}

// List answers a query from the current roster.
func (d *Directory) List(ctx context.Context, q Query) (Page, error) {
	r, err := d.Roster(ctx)
	if err != nil {
		return Page{}, err
	}
	return r.List(q)
}

// fields are what people can be filtered by, each with the values that a person has.
var fields = map[string]func(*entry) []string{
	"name":          func(e *entry) []string { return []string{e.Name} },
	"firstname":     func(e *entry) []string { return []string{e.Profile.FirstName} },
	"lastname":      func(e *entry) []string { return []string{e.Profile.LastName} },
	"preferredname": func(e *entry) []string { return []string{e.Profile.PreferredName} },
	"nickname":      func(e *entry) []string { return e.Profile.AlsoKnownAs },
	"email":         func(e *entry) []string { return e.Addresses },
	"title":         func(e *entry) []string { return []string{e.Profile.Title} },
	"department":    func(e *entry) []string { return []string{e.Profile.Department} },
	"businessunit":  func(e *entry) []string { return []string{e.Profile.BusinessUnit} },
	"location": func(e *entry) []string {
		return []string{e.Profile.Location, e.Profile.Place.DeskLocation, e.Profile.Place.City}
	},
	"city":         func(e *entry) []string { return []string{e.Profile.Place.City} },
	"state":        func(e *entry) []string { return []string{e.Profile.Place.State} },
	"region":       func(e *entry) []string { return []string{e.Profile.Place.Region} },
	"country":      func(e *entry) []string { return []string{e.Profile.Place.Country, e.Profile.Place.CountryCode} },
	"roletype":     func(e *entry) []string { return []string{e.Profile.Type} },
	"team":         func(e *entry) []string { return teamValues(e, func(t Team) string { return t.Name }) },
	"teamid":       func(e *entry) []string { return teamValues(e, func(t Team) string { return t.ID }) },
	"manageremail": managerValues,
	"reportsto":    managerValues,
	"startafter":   nil, // compared as dates, see matches
	"startbefore":  nil,
}

func teamValues(e *entry, of func(Team) string) []string {
	list := make([]string, len(e.Profile.Teams))
	for i, t := range e.Profile.Teams {
		list[i] = of(t)
	}
	return list
}

func managerValues(e *entry) []string {
	if e.manager == nil {
		return nil
	}
	return e.manager.Addresses
}

func fieldName(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// List answers a query from this roster.
func (r *Roster) List(q Query) (Page, error) {
	match, err := matcher(q)
	if err != nil {
		return Page{}, err
	}
	var hits []*entry
	for _, e := range r.listed {
		if (e.Active || q.All) && match(e) {
			hits = append(hits, e)
		}
	}
	page := Page{Total: len(hits)}
	if page.Facets, err = count(hits, q.Facets); err != nil {
		return Page{}, err
	}
	// Hits are in order of name; a stable sort keeps that among equals.
	if less := orders[q.Sort]; less != nil {
		slices.SortStableFunc(hits, less)
	}
	if q.Reverse {
		slices.Reverse(hits)
	}
	hits = hits[min(max(q.Offset, 0), len(hits)):]
	if q.Limit > 0 {
		hits = hits[:min(q.Limit, len(hits))]
	}
	page.People = make([]*Person, len(hits))
	for i, e := range hits {
		page.People[i] = e.Person
	}
	return page, nil
}

var orders = map[Order]func(a, b *entry) int{
	ByFirstName: func(a, b *entry) int { return cmp.Compare(fold(a.Profile.FirstName), fold(b.Profile.FirstName)) },
	ByLastName:  func(a, b *entry) int { return cmp.Compare(fold(a.Profile.LastName), fold(b.Profile.LastName)) },
	ByOrgSize:   func(a, b *entry) int { return cmp.Compare(a.size, b.size) },
	ByStartDate: func(a, b *entry) int { return cmp.Compare(a.Profile.StartDate, b.Profile.StartDate) },
}

func matcher(q Query) (func(*entry) bool, error) {
	words := splitWords(q.Words)
	type test struct {
		name   string
		of     func(*entry) []string
		values []string
	}
	tests := make([]test, len(q.Filters))
	for i, f := range q.Filters {
		name := fieldName(f.Field)
		of, known := fields[name]
		if !known {
			return nil, errUnknownField(f.Field)
		}
		values := make([]string, len(f.Values))
		for j, v := range f.Values {
			values[j] = fold(v)
		}
		tests[i] = test{name, of, values}
	}
	return func(e *entry) bool {
		for _, w := range words {
			if !slices.ContainsFunc(e.words, func(own string) bool { return strings.HasPrefix(own, w) }) {
				return false
			}
		}
		for _, t := range tests {
			if !slices.ContainsFunc(t.values, func(v string) bool { return holds(e, t.name, t.of, v) }) {
				return false
			}
		}
		return true
	}, nil
}

// holds compares one value of a filter, folded already.
func holds(e *entry, name string, of func(*entry) []string, value string) bool {
	switch name {
	case "startafter":
		return e.Profile.StartDate > value
	case "startbefore":
		return e.Profile.StartDate != "" && e.Profile.StartDate < value
	}
	return slices.ContainsFunc(of(e), func(own string) bool { return own != "" && fold(own) == value })
}

func errUnknownField(name string) error {
	return fault.Newf(fault.Invalid, "People cannot be filtered by %q. Use one of: %s.", name, strings.Join(Fields(), ", ")).WithField("fieldName")
}

// count makes the buckets of each field, the largest first.
func count(hits []*entry, names []string) (map[string][]Bucket, error) {
	facets := make(map[string][]Bucket, len(names))
	for _, name := range names {
		of := fields[fieldName(name)]
		if of == nil {
			return nil, errUnknownField(name)
		}
		counts := map[string]int{}
		for _, e := range hits {
			for _, v := range slices.Compact(slices.Sorted(slices.Values(of(e)))) {
				if v != "" {
					counts[v]++
				}
			}
		}
		buckets := make([]Bucket, 0, len(counts))
		for v, n := range counts {
			buckets = append(buckets, Bucket{v, n})
		}
		slices.SortFunc(buckets, func(a, b Bucket) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		facets[name] = buckets
	}
	return facets, nil
}

func searchWords(p *Person) []string {
	var words []string
	f := &p.Profile
	for _, text := range append([]string{p.Name, f.FirstName, f.LastName, f.Title, f.Department}, f.AlsoKnownAs...) {
		words = append(words, splitWords(text)...)
	}
	for _, address := range append([]string{p.Email}, p.Addresses...) {
		words = append(words, address)
		words = append(words, splitWords(strings.ReplaceAll(address, "@", " "))...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// splitWords folds text and cuts it at everything that is neither letter nor digit. An address
// stays whole.
func splitWords(text string) []string {
	var words []string
	for _, part := range strings.Fields(fold(text)) {
		if strings.Contains(part, "@") {
			words = append(words, part)
			continue
		}
		words = append(words, strings.FieldsFunc(part, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return words
}

// fold takes away case and accents.
func fold(text string) string {
	ascii := true
	for i := 0; i < len(text); i++ {
		ascii = ascii && text[i] < 0x80
	}
	if ascii {
		return strings.ToLower(text)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
}
