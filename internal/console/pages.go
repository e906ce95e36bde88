package console

import (
	"net/url"
	"strconv"
)

// column is the head of a table's column, and the link that sorts by it.
type column struct {
	Name, Path, Class string
	Sorted            string // "ascending" or "descending", for aria-sort
}

// segments are links that choose a state, each with its count.
type segments struct {
	Label string
	Links []segment
}

type segment struct {
	Name, Path string
	Count      int
	Here       bool
}

// pager holds the links below a table. A page that has no other gets none.
type pager struct{ Back, Next, BackName, NextName string }

// fact is a line of a definition list.
type fact struct {
	Name, Text string
	Code       bool
	Badge      *badge
	Chips      []string
}

type badge struct{ Text, Hue string }

// listing is what the address of a list says: which state, which filters, which order, which page.
type listing struct {
	path string
	form url.Values
}

// with is the address of the same list with a value changed, on its first page. An empty value takes it out.
func (l listing) with(name, value string) string {
	form := url.Values{}
	for k, v := range l.form {
		if k != "page" && k != "cursor" && len(v) > 0 && v[0] != "" {
			form[k] = v[:1]
		}
	}
	if value == "" {
		form.Del(name)
	} else {
		form.Set(name, value)
	}
	if len(form) == 0 {
		return l.path
	}
	return l.path + "?" + form.Encode()
}

// then is the address of another page of the same list: name says by what pages are told apart.
func (l listing) then(name, value string) string {
	here := l.with("", "")
	sep := "?"
	if here != l.path {
		sep = "&"
	}
	return here + sep + url.Values{name: {value}}.Encode()
}

// columns are heads that sort; a second click turns the order round. The present order is the key,
// with "-" before it for descending.
func (l listing) columns(order string, list []sortable) []column {
	var out []column
	for _, s := range list {
		c := column{Name: s.name, Class: s.class}
		if s.key != "" {
			to := s.first + s.key
			switch order {
			case s.key:
				c.Sorted, to = "ascending", "-"+s.key
			case "-" + s.key:
				c.Sorted, to = "descending", s.key
			}
			c.Path = l.with("sort", to)
		}
		out = append(out, c)
	}
	return out
}

// sortable is a column's name, class, the key it sorts by, and "-" where the first click sorts downward.
type sortable struct{ name, class, key, first string }

// perPage is how many rows of a table are on one page: few enough to read, many enough that most
// lists have one page.
const perPage = 100

// slicePage cuts one page out of rows that are all at hand.
func slicePage[T any](l listing, rows []T) ([]T, pager) {
	n, _ := strconv.Atoi(l.form.Get("page"))
	last := max(1, (len(rows)+perPage-1)/perPage)
	n = min(max(n, 1), last)
	p := pager{BackName: "Page before", NextName: "Next page"}
	if n > 1 {
		p.Back = l.then("page", strconv.Itoa(n-1))
	}
	if n < last {
		p.Next = l.then("page", strconv.Itoa(n+1))
	}
	return rows[(n-1)*perPage : min(n*perPage, len(rows))], p
}
