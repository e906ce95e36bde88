package index

// Filter is a condition on documents. A nil Filter holds for all of them.
type Filter interface{ filter() }

// All holds when each of its parts does; an empty one always holds.
type All []Filter

// Any holds when one of its parts does; an empty one never holds.
type Any []Filter

// Not holds when its part does not.
type Not struct{ Filter Filter }

// Has holds when the document's facet Field has one of Values, compared regardless of case and accents (analysis.Fold).
type Has struct {
	Field  string
	Values []string
}

// Missing holds when the document has no value in the facet or number called Field, or 0 as its Updated or Created.
type Missing struct{ Field string }

// Within holds when the number called Field lies in [From, To). A document without that number is never within;
// nor is one whose Updated or Created is 0. Bounds that are to be open are math.MinInt64 and math.MaxInt64; the latter
// includes that number itself.
type Within struct {
	Field    string
	From, To int64
}

// Keys holds for the documents of these keys.
type Keys []string

func (All) filter()     {}
func (Any) filter()     {}
func (Not) filter()     {}
func (Has) filter()     {}
func (Missing) filter() {}
func (Within) filter()  {}
func (Keys) filter()    {}

// Lift returns f without its own tests of field, for FacetRequest.Lift. Engines call it.
func Lift(f Filter, field string) Filter {
	list, is := f.(All)
	if !is {
		list = All{f}
	}
	kept := All{}
	for _, part := range list {
		if part != nil && !tests(part, field) {
			kept = append(kept, part)
		}
	}
	return kept
}

// tests reports whether f tests field and nothing else.
func tests(f Filter, field string) bool {
	switch f := f.(type) {
	case Has:
		return f.Field == field
	case Missing:
		return f.Field == field
	case Within:
		return f.Field == field
	case Not:
		return tests(f.Filter, field)
	case Any:
		for _, part := range f {
			if !tests(part, field) {
				return false
			}
		}
		return len(f) > 0
	}
	return false
}
