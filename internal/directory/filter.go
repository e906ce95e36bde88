package directory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Filter holds where a field equals one of its values, folded.
type Filter struct {
	// Field is one of Fields, or a field of the company's own, spelt in any case, with or without "_".
	Field  string
	Values []string
}

// fields are what people can be filtered by and counted by, each with the values that a person has.
var fields = map[string]func(r *Roster, e *entry, visit func(string)){
	"name": func(_ *Roster, e *entry, visit func(string)) {
		visit(e.Name)
		if full := strings.TrimSpace(e.Profile.FirstName + " " + e.Profile.LastName); full != e.Name {
			visit(full)
		}
	},
	"firstname":     func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.FirstName) },
	"lastname":      func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.LastName) },
	"preferredname": func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.PreferredName) },
	"nickname":      func(_ *Roster, e *entry, visit func(string)) { visitAll(visit, e.Profile.AlsoKnownAs...) },
	"email":         func(_ *Roster, e *entry, visit func(string)) { visitAll(visit, e.Addresses...) },
	"title":         func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Title) },
	"department":    func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Department) },
	"businessunit":  func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.BusinessUnit) },
	"location": func(_ *Roster, e *entry, visit func(string)) {
		visitAll(visit, e.Profile.Location, e.Profile.Place.DeskLocation, e.Profile.Place.City)
	},
	"from": func(_ *Roster, e *entry, visit func(string)) {
		p := &e.Profile.Place
		visitAll(visit, e.Profile.Location, p.DeskLocation, p.City, p.State, p.Region, p.Country, p.CountryCode)
	},
	"city":    func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Place.City) },
	"state":   func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Place.State) },
	"region":  func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Place.Region) },
	"country": func(_ *Roster, e *entry, visit func(string)) { visit(e.Profile.Place.Country) },
	"roletype": func(_ *Roster, e *entry, visit func(string)) {
		visit(e.Profile.Type)
	},
	"team": func(r *Roster, e *entry, visit func(string)) {
		for _, t := range r.teamsOf(e.Person) {
			visit(t.Name)
		}
	},
	"teamid": func(r *Roster, e *entry, visit func(string)) {
		for _, t := range r.teamsOf(e.Person) {
			visit(t.ID)
		}
	},
	"manageremail": func(_ *Roster, e *entry, visit func(string)) {
		if e.manager != nil {
			visitAll(visit, e.manager.Addresses...)
		}
	},
	"has": func(_ *Roster, e *entry, visit func(string)) {
		for name, has := range holdings {
			if has(e) {
				visit(name)
			}
		}
	},
	"industry": func(_ *Roster, e *entry, visit func(string)) { visitExtra(e, "industry", visit) },
}

func visitAll(visit func(string), values ...string) {
	for _, v := range values {
		visit(v)
	}
}

// holdings are the values of the filter "has".
var holdings = map[string]func(*entry) bool{
	"bio":      func(e *entry) bool { return e.Profile.Bio != "" },
	"location": func(e *entry) bool { return location(&e.Profile) != "" },
	"manager":  func(e *entry) bool { return e.manager != nil },
	"phone":    func(e *entry) bool { return e.Profile.Phone != "" },
	"photo":    func(e *entry) bool { return e.Profile.PhotoURL != "" },
	"profile":  func(e *entry) bool { return e.Profile.ProfileURL != "" },
	"pronoun":  func(e *entry) bool { return e.Profile.Pronoun != "" },
	"reports":  func(e *entry) bool { return len(e.reports) > 0 },
}

// Values of roletype beside the employment types: who leads somebody, and who does not.
var roleTypes = map[string]bool{"manager": true, "individual contributor": false, "individualcontributor": false, "ic": false}

// tests are filters that compare otherwise than by the values of a field. Their values are folded and trimmed; one of
// them has to hold.
var tests = map[string]func(r *Roster, values []string) (func(*entry) bool, error){
	"startafter": func(_ *Roster, values []string) (func(*entry) bool, error) {
		least, _, err := dates("startafter", values)
		return func(e *entry) bool { return e.start > least }, err
	},
	"startbefore": func(_ *Roster, values []string) (func(*entry) bool, error) {
		_, most, err := dates("startbefore", values)
		return func(e *entry) bool { return e.start != "" && e.start < most }, err
	},
	"reportsto": func(r *Roster, values []string) (func(*entry) bool, error) { return r.belowAny(values), nil },
}

// dates checks dates and returns the first and the last of them.
func dates(field string, values []string) (least, most string, err error) {
	for _, v := range values {
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "", "", fault.Newf(fault.Invalid, "%s takes a date of the form 2006-01-31.", field).WithField("filter.values.value")
		}
	}
	if len(values) == 0 {
		return "9999-12-31", "", nil // nobody
	}
	return slices.Min(values), slices.Max(values), nil
}

// belowAny tells who stands below one of the active people whom folded texts mean, by id, by address or by name.
func (r *Roster) belowAny(texts []string) func(*entry) bool {
	meant := make(map[string]bool, len(texts))
	for _, text := range texts {
		meant[text] = text != ""
	}
	// Those below somebody have the numbers behind theirs. Stretches lie within each other or apart, so that those
	// within another can go, and the rest is in order.
	type stretch struct{ from, to int }
	var below []stretch
	for i := range r.listed {
		e := &r.listed[i]
		if e.Active && e.size > 1 && (meant[e.ID] || meant[e.key] || meant[e.whole[1]] || slices.ContainsFunc(e.Addresses, func(a string) bool { return meant[a] })) {
			below = append(below, stretch{e.number + 1, e.number + e.size})
		}
	}
	slices.SortFunc(below, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	apart := below[:0]
	for _, s := range below {
		if len(apart) == 0 || s.from >= apart[len(apart)-1].to {
			apart = append(apart, s)
		}
	}
	return func(e *entry) bool {
		i, found := slices.BinarySearchFunc(apart, e.number, func(s stretch, n int) int { return cmp.Compare(s.from, n) })
		return found || i > 0 && e.number < apart[i-1].to
	}
}

func fieldName(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// Fields lists the names that Query.Filters takes in every company.
func Fields() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(fields)), maps.Keys(tests))
	slices.Sort(names)
	return names
}

// CustomFields lists the company's own fields that active people have, as they are spelt.
func (r *Roster) CustomFields() []string { return slices.Sorted(maps.Values(r.custom)) }

func errUnknownField(name string) error {
	return fault.Newf(fault.Invalid, "People cannot be filtered by %q. Use one of: %s.", name, strings.Join(Fields(), ", ")).WithField("fieldName")
}

// values returns what a field can be counted and compared by.
func (r *Roster) values(field string) (func(e *entry, visit func(string)), error) {
	if of := fields[fieldName(field)]; of != nil {
		return func(e *entry, visit func(string)) { of(r, e, visit) }, nil
	}
	key := fold(field)
	if r.custom[key] == "" {
		return nil, errUnknownField(field)
	}
	return func(e *entry, visit func(string)) { visitExtra(e, key, visit) }, nil
}

// test returns what a filter demands of a person.
func (r *Roster) test(f Filter) (func(*entry) bool, error) {
	name := fieldName(f.Field)
	if test := tests[name]; test != nil {
		values := make([]string, len(f.Values))
		for i, v := range f.Values {
			values[i] = fold(strings.TrimSpace(v))
		}
		return test(r, values)
	}
	of, err := r.values(f.Field)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(f.Values))
	leads, follows := false, false
	for _, v := range f.Values {
		value := fold(v)
		if name == "has" && holdings[value] == nil {
			return nil, fault.Newf(fault.Invalid, "has takes one of: %s.", strings.Join(slices.Sorted(maps.Keys(holdings)), ", ")).WithField("filter.values.value")
		}
		if leading, role := roleTypes[value]; role && name == "roletype" {
			leads, follows = leads || leading, follows || !leading
			continue
		}
		wanted[value] = value != ""
	}
	return func(e *entry) bool {
		if leads && len(e.reports) > 0 || follows && len(e.reports) == 0 {
			return true
		}
		found := false
		of(e, func(own string) { found = found || own != "" && wanted[fold(own)] })
		return found || name == "country" && wanted[fold(e.Profile.Place.CountryCode)]
	}, nil
}

// extra is a field of the company's own with its values as text.
type extra struct {
	key, label string
	values     []string
}

// extrasOf reads the additional fields that are text, or links with a text.
func extrasOf(fields []AdditionalField) (list []extra) {
	for _, a := range fields {
		x := extra{key: fold(a.Key), label: a.Key}
		for _, v := range a.Value {
			text := textOf(v)
			if v.Kind() == '{' {
				text = linkOf(v).Anchor
			}
			if text != "" {
				x.values = append(x.values, text)
			}
		}
		if x.key != "" && len(x.values) > 0 {
			list = append(list, x)
		}
	}
	return list
}

func visitExtra(e *entry, key string, visit func(string)) {
	for _, x := range e.extra {
		if x.key == key {
			visitAll(visit, x.values...)
		}
	}
}
