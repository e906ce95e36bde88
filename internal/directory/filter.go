package directory

import (
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
		for _, t := range r.teamsOf(e) {
			visit(t.Name)
		}
	},
	"teamid": func(r *Roster, e *entry, visit func(string)) {
		for _, t := range r.teamsOf(e) {
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

// tests are filters that compare otherwise than by the values of a field. Their values are folded.
var tests = map[string]func(r *Roster, value string) (func(*entry) bool, error){
	"startafter": func(_ *Roster, value string) (func(*entry) bool, error) {
		return func(e *entry) bool { return e.start > value }, checkDate("startafter", value)
	},
	"startbefore": func(_ *Roster, value string) (func(*entry) bool, error) {
		return func(e *entry) bool { s := e.start; return s != "" && s < value }, checkDate("startbefore", value)
	},
	"reportsto": func(r *Roster, value string) (func(*entry) bool, error) {
		bosses := r.called(value)
		return func(e *entry) bool {
			return slices.ContainsFunc(bosses, func(boss *entry) bool { return e.below(boss) })
		}, nil
	},
}

func checkDate(field, value string) error {
	if _, err := time.Parse(time.DateOnly, value); err != nil {
		return fault.Newf(fault.Invalid, "%s takes a date of the form 2006-01-31.", field).WithField("filter.values.value")
	}
	return nil
}

// called returns the active people whom a folded text means: by id, by address or by name.
func (r *Roster) called(text string) (list []*entry) {
	for i := range r.listed {
		e := &r.listed[i]
		if e.Active && (e.ID == text || e.key == text || slices.Contains(e.Addresses, text) || text != "" && e.whole[1] == text) {
			list = append(list, e)
		}
	}
	return list
}

func fieldName(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// Fields lists the names that Query.Filters takes in every company.
func Fields() []string {
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for name := range fields {
			if !yield(name, true) {
				return
			}
		}
		for name := range tests {
			if !yield(name, true) {
				return
			}
		}
	})))
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
	var any []func(*entry) bool
	if make := tests[name]; make != nil {
		for _, v := range f.Values {
			one, err := make(r, fold(strings.TrimSpace(v)))
			if err != nil {
				return nil, err
			}
			any = append(any, one)
		}
	} else {
		of, err := r.values(f.Field)
		if err != nil {
			return nil, err
		}
		for _, v := range f.Values {
			value := fold(v)
			if name == "has" && holdings[value] == nil {
				return nil, fault.Newf(fault.Invalid, "has takes one of: %s.", strings.Join(slices.Sorted(maps.Keys(holdings)), ", ")).WithField("filter.values.value")
			}
			any = append(any, equals(name, of, value))
		}
	}
	return func(e *entry) bool {
		return slices.ContainsFunc(any, func(one func(*entry) bool) bool { return one(e) })
	}, nil
}

func equals(name string, of func(*entry, func(string)), value string) func(*entry) bool {
	switch leads, role := roleTypes[value]; {
	case name == "roletype" && role:
		return func(e *entry) bool { return leads == (len(e.reports) > 0) }
	case name == "country":
		return func(e *entry) bool {
			p := &e.Profile.Place
			return value != "" && (folds(p.Country, value) || folds(p.CountryCode, value))
		}
	}
	return func(e *entry) (found bool) {
		of(e, func(own string) { found = found || own != "" && folds(own, value) })
		return found
	}
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
