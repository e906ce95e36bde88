package directory

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// Query asks for a page of people.
type Query struct {
	// Words, if any, must be a person's, as Search has it.
	Words string
	// Filters must all hold.
	Filters []Filter
	Sort    Order
	Reverse bool
	// All includes people who are not active, for administrators.
	All bool
	// After, where it is not nil, leaves out everyone up to a place in the order.
	After  *Mark
	Offset int
	Limit  int      // 0 for all of them
	Facets []string // fields to count values of, over all matches; each as if its own filter were not there
}

// Order says by what a page is sorted. Equal people are sorted by name, whichever way the order goes.
type Order uint8

// The orders.
const (
	ByName Order = iota
	ByFirstName
	ByLastName
	ByOrgSize
	ByStartDate   // people without a date stand last, whichever way the order goes
	ByRelevance   // the best first; by name where there are no words
	orderedOrders = ByRelevance
)

// Mark is a place in an order: that of a person who stood there, whether they still do or not. Whoever does not move
// is neither left out nor met twice by going on from a mark, whatever changes meanwhile.
type Mark struct {
	Last   bool   `json:"l,omitzero"` // of those without what is sorted by
	Number int    `json:"n,omitzero"`
	Text   string `json:"t,omitzero"`
	Name   string `json:"k"`
	ID     string `json:"i"`
}

// Page is a part of the matches.
type Page struct {
	People []*Person
	Total  int
	Facets map[string][]Bucket // by field, as the query spelt it
	// More says that matches follow; End is the place of the last one here.
	More bool
	End  Mark
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

// List answers a query from this roster.
func (r *Roster) List(q Query) (Page, error) {
	s, err := r.selecting(&q)
	if err != nil {
		return Page{}, err
	}
	page := Page{}
	skip, limit := max(q.Offset, 0), q.Limit
	if limit <= 0 {
		limit = len(r.listed)
	}
	take := func(e *entry, score int) {
		page.Total++
		var m Mark
		if q.After != nil || len(page.People) == limit-1 {
			m = q.mark(e, score)
		}
		switch {
		case q.After != nil && q.compare(&m, q.After) <= 0:
		case skip > 0:
			skip--
		case len(page.People) == limit:
			page.More = true
		default:
			if page.People = append(page.People, e.Person); len(page.People) == limit {
				page.End = m
			}
		}
	}
	if q.Sort == ByRelevance && len(s.words.words) > 0 {
		hits := s.scored()
		for _, h := range hits {
			take(&r.listed[h.at], h.score)
		}
	} else {
		for _, at := range r.order(q.Sort, q.Reverse) {
			if e := &r.listed[at]; s.holds(e) {
				take(e, 0)
			}
		}
	}
	page.Facets = s.facets()
	return page, nil
}

// mark is where a person stands in the order of q.
func (q *Query) mark(e *entry, score int) Mark {
	m := Mark{Name: e.key, ID: e.ID}
	switch q.Sort {
	case ByFirstName:
		m.Text = e.first
	case ByLastName:
		m.Text = e.last
	case ByOrgSize:
		m.Number = e.size
	case ByStartDate:
		m.Text = e.start
		m.Last = m.Text == ""
	case ByRelevance:
		m.Number = -score
	case ByName:
	}
	return m
}

func (q *Query) compare(a, b *Mark) int {
	if a.Last != b.Last {
		if a.Last {
			return 1
		}
		return -1
	}
	sorted, name := cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text)), cmp.Compare(a.Name, b.Name)
	if q.Reverse && q.Sort != ByRelevance {
		sorted = -sorted
		if q.Sort == ByName {
			name = -name
		}
	}
	return cmp.Or(sorted, name, cmp.Compare(a.ID, b.ID))
}

// ordering keeps the orders that a roster was asked for.
type ordering struct {
	made [orderedOrders][2]struct {
		once sync.Once
		list []int32
	}
}

// order returns the places of everybody in listed, in an order.
func (r *Roster) order(by Order, reverse bool) []int32 {
	if by >= orderedOrders {
		by, reverse = ByName, false
	}
	way := 0
	if reverse {
		way = 1
	}
	made := &r.orders.made[by][way]
	made.once.Do(func() {
		q := Query{Sort: by, Reverse: reverse}
		made.list = make([]int32, len(r.listed))
		marks := make([]Mark, len(r.listed))
		for i := range r.listed {
			made.list[i], marks[i] = int32(i), q.mark(&r.listed[i], 0)
		}
		if by != ByName || reverse {
			slices.SortFunc(made.list, func(a, b int32) int { return q.compare(&marks[a], &marks[b]) })
		}
	})
	return made.list
}

// selection is a query on its way through everybody.
type selection struct {
	r     *Roster
	all   bool
	words matching
	narrowing[*entry]
}

func (r *Roster) selecting(q *Query) (*selection, error) {
	s := &selection{r: r, all: q.All, words: r.matching(q.Words, false)}
	for _, f := range q.Filters {
		holds, err := r.test(f)
		if err != nil {
			return nil, err
		}
		s.tests = append(s.tests, fieldTest[*entry]{fieldName(f.Field), holds})
	}
	for _, name := range q.Facets {
		of, err := r.values(name)
		if err != nil {
			return nil, err
		}
		s.tally = append(s.tally, &tally[*entry]{name: name, field: fieldName(name), of: of, counts: map[string]int{}})
	}
	if len(s.words.words) > 0 && !q.All && !s.anybody() {
		r.mend(&s.words)
	}
	return s, nil
}

// anybody reports whether somebody active has all the words.
func (s *selection) anybody() bool {
	for i := range s.r.listed {
		if e := &s.r.listed[i]; e.Active && s.words.score(e.card) > 0 {
			return true
		}
	}
	return false
}

func (s *selection) scored() (hits []hit) {
	for i := range s.r.listed {
		if e := &s.r.listed[i]; s.holds(e) {
			hits = append(hits, hit{i, s.words.score(e.card)})
		}
	}
	slices.SortFunc(hits, better)
	return hits
}

// holds reports whether a person is a match, and counts them in the facets of which they are.
func (s *selection) holds(e *entry) bool {
	if !e.Active && !s.all || len(s.words.words) > 0 && s.words.score(e.card) == 0 {
		return false
	}
	return s.takes(e)
}
