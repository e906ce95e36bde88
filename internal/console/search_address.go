package console

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// asked is the state of the search page. All of it stands in the page's address, so that a copied address shows the same.
type asked SearchQuery

// spans are the choices of how lately a document was changed.
var spans = []struct{ value, name string }{
	{"", "Any time"}, {"past_day", "Past day"}, {"past_week", "Past week"}, {"past_month", "Past month"}, {"past_year", "Past year"},
}

// readAsked reads the address. What it does not know is left out; what is over a limit is refused.
func readAsked(form url.Values) (asked, error) {
	a := asked{
		Text: strings.TrimSpace(form.Get("q")), Cursor: form.Get("cursor"), PageSize: pageSize, Tab: cut(form.Get("tab"), maxPrefix), Sort: form.Get("sort"),
		Changed: form.Get("changed"), Since: date(form.Get("since")), Until: date(form.Get("until")), Exact: form.Get("exact") == "1",
	}
	if utf8.RuneCountInString(a.Text) > maxQuery {
		a.Text = cut(a.Text, maxQuery)
		return a, fault.Newf(fault.Invalid, "The query is longer than %d characters. Search for its most telling words.", maxQuery)
	}
	if a.Sort != SortNewest && a.Sort != SortOldest {
		a.Sort = ""
	}
	if !slices.ContainsFunc(spans, func(s struct{ value, name string }) bool { return s.value == a.Changed }) {
		a.Changed = ""
	}
	for name, values := range form {
		if field, ok := strings.CutPrefix(name, "in."); ok && field != "" && strings.TrimSpace(values[0]) != "" && (a.Facet == "" || field < a.Facet) {
			a.Facet, a.Prefix = field, cut(strings.TrimSpace(values[0]), maxPrefix)
		}
		field, ok := strings.CutPrefix(name, "f.")
		if !ok || field == "" {
			continue
		}
		if values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }); len(values) > 0 {
			a.Filters = append(a.Filters, SearchFilter{field, values})
		}
		if len(a.Filters) > maxFilters || len(values) > maxValues {
			return a, fault.New(fault.Invalid, "There are too many filters. Take some away.")
		}
	}
	slices.SortFunc(a.Filters, func(x, y SearchFilter) int { return strings.Compare(x.Field, y.Field) })
	return a, nil
}

// date lets a day of the calendar through, and nothing else.
func date(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return ""
	}
	return text
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// empty reports whether nothing is asked, so that the page is the box alone.
func (a asked) empty() bool { return a.Text == "" && !a.narrowed() && a.Tab == "" }

// narrowed reports whether anything beside the words narrows the results.
func (a asked) narrowed() bool {
	return len(a.Filters) > 0 || a.Changed != "" || a.Since != "" || a.Until != ""
}

// path is the address of the page, in an order that people can read: what is sought, then within what.
func (a asked) path() string {
	var b strings.Builder
	b.WriteByte('/')
	add := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteByte("?&"[min(strings.Count(b.String(), "?"), 1)])
		b.WriteString(url.QueryEscape(name) + "=" + plain.Replace(url.QueryEscape(value)))
	}
	add("q", a.Text)
	add("tab", a.Tab)
	for _, f := range a.Filters {
		for _, v := range f.Values {
			add("f."+f.Field, v)
		}
	}
	add("changed", a.Changed)
	add("since", a.Since)
	add("until", a.Until)
	add("sort", a.Sort)
	if a.Exact {
		add("exact", "1")
	}
	add("cursor", a.Cursor)
	return b.String()
}

// plain leaves signs readable that need no escape in the value of a query (RFC 3986, section 3.4).
var plain = strings.NewReplacer("%3A", ":", "%2F", "/", "%40", "@", "%2C", ",")

// but is the address after a change, on its first page.
func (a asked) but(change func(*asked)) string {
	a.Cursor, a.Filters = "", slices.Clone(a.Filters)
	change(&a)
	return a.path()
}

// wide takes everything away that narrows the results.
func (a *asked) wide() { a.Filters, a.Changed, a.Since, a.Until = nil, "", "", "" }

// without takes one value of a filter away.
func (a *asked) without(field, value string) {
	for i, f := range a.Filters {
		if f.Field == field {
			f.Values = slices.DeleteFunc(slices.Clone(f.Values), func(v string) bool { return v == value })
			a.Filters[i] = f
		}
	}
	a.Filters = slices.DeleteFunc(a.Filters, func(f SearchFilter) bool { return len(f.Values) == 0 })
}
