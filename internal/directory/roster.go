package directory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Roster is everyone at one moment, with the organisation chart of the active people. It does not
// change and may be kept for the length of a request.
type Roster struct {
	version   int64 // of versionPeople
	seq       int64 // the newest row in it
	people    map[string]*entry
	byAddress map[string]*entry
	listed    []*entry // everyone who is not retired, by name
}

// entry is a person and their place in the chart.
type entry struct {
	*Person
	key     string   // the folded name, for order
	words   []string // folded, for search
	manager *entry   // active, and never part of a circle
	reports []*entry // by name
	size    int      // people in the part of the chart that hangs from here, this one included
	depth   int
}

// Roster returns everyone as of at most a second ago, and at once what this process has changed.
func (d *Directory) Roster(ctx context.Context) (*Roster, error) {
	version, err := d.version(ctx, versionPeople)
	if err != nil {
		return nil, err
	}
	if r := d.roster.Load(); r != nil && r.version == version {
		return r, nil
	}
	d.rosterLock.Lock()
	defer d.rosterLock.Unlock()
	if version, err = d.version(ctx, versionPeople); err != nil {
		return nil, err
	}
	old := d.roster.Load()
	if old == nil {
		old = &Roster{}
	} else if old.version == version {
		return old, nil
	}
	r, err := d.renew(ctx, old)
	if err != nil {
		return nil, err
	}
	r.version = version
	d.roster.Store(r)
	return r, nil
}

// renew reads the people who changed since old was made.
func (d *Directory) renew(ctx context.Context, old *Roster) (*Roster, error) {
	var changed []*Person
	err := d.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		changed, err = sqldb.All(ctx, tx, scanPerson, "SELECT "+personColumns+" FROM people p WHERE p.seq > $1 ORDER BY p.seq", old.seq)
		if err != nil {
			return err
		}
		return completeAll(ctx, tx, changed)
	})
	if err != nil {
		return nil, err
	}
	r := &Roster{seq: old.seq, people: make(map[string]*entry, len(old.people)+len(changed))}
	for id, e := range old.people {
		r.people[id] = &entry{Person: e.Person, key: e.key, words: e.words}
	}
	for _, p := range changed {
		r.people[p.ID] = &entry{Person: p, key: fold(p.Name), words: searchWords(p)}
		r.seq = max(r.seq, p.seq)
	}
	r.arrange()
	return r, nil
}

// completeAll adds addresses and sources to many people with few statements.
func completeAll(ctx context.Context, tx *sqldb.Tx, people []*Person) error {
	for part := range slices.Chunk(people, listParameters) {
		byID := make(map[string]*Person, len(part))
		args := make([]any, len(part))
		for i, p := range part {
			byID[p.ID], args[i] = p, p.ID
		}
		in := sqldb.In(1, len(args))
		type pair struct{ id, text string }
		scanPair := func(row sqldb.Scanner) (v pair, err error) { err = row.Scan(&v.id, &v.text); return v, err }
		for v, err := range sqldb.Each(ctx, tx, scanPair, "SELECT person_id, address FROM addresses WHERE person_id IN "+in+" ORDER BY address", args...) {
			if err != nil {
				return err
			}
			p := byID[v.id]
			p.Addresses = append(p.Addresses, v.text)
		}
		type said struct {
			id string
			Assertion
		}
		scanSaid := func(row sqldb.Scanner) (v said, err error) {
			err = row.Scan(&v.id, &v.Source, &v.Active)
			return v, err
		}
		for v, err := range sqldb.Each(ctx, tx, scanSaid, "SELECT person_id, source, active FROM assertions WHERE person_id IN "+in+" ORDER BY source", args...) {
			if err != nil {
				return err
			}
			p := byID[v.id]
			p.Sources = append(p.Sources, v.Assertion)
		}
	}
	return nil
}

// listParameters bounds the parameters of one statement.
const listParameters = 900

// arrange builds the indexes and the chart.
func (r *Roster) arrange() {
	r.byAddress = make(map[string]*entry, len(r.people))
	byEmployeeID := make(map[string]*entry)
	for _, e := range r.people {
		if e.Retired {
			continue
		}
		r.listed = append(r.listed, e)
		for _, address := range e.Addresses {
			r.byAddress[address] = e
		}
	}
	slices.SortFunc(r.listed, byName)
	for _, e := range r.listed {
		if id := e.Profile.EmployeeID; id != "" && e.Active && byEmployeeID[id] == nil {
			byEmployeeID[id] = e
		}
	}
	for _, e := range r.listed {
		if !e.Active {
			continue
		}
		boss := r.byAddress[e.Profile.ManagerEmail]
		if boss == nil && e.Profile.ManagerID != "" {
			boss = byEmployeeID[e.Profile.ManagerID]
		}
		if boss != nil && boss.Active && boss != e && !reportsTo(boss, e) {
			e.manager = boss
			boss.reports = append(boss.reports, e)
		}
	}
	r.measure()
}

// reportsTo reports whether someone stands below boss already. Refusing such a link as it is made
// keeps the chart a forest, whatever circle the records describe.
func reportsTo(e, boss *entry) bool {
	for ; e != nil; e = e.manager {
		if e == boss {
			return true
		}
	}
	return false
}

// measure counts how many people each part of the chart holds, from the bottom up.
func (r *Roster) measure() {
	order := make([]*entry, 0, len(r.listed))
	for _, e := range r.listed {
		if e.manager == nil {
			order = append(order, e)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, sub := range order[i].reports {
			sub.depth = order[i].depth + 1
			order = append(order, sub)
		}
	}
	for _, e := range slices.Backward(order) {
		e.size++
		if e.manager != nil {
			e.manager.size += e.size
		}
	}
}

func byName(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.ID, b.ID))
}

// ByID returns the person with a stable id, retired people included.
func (r *Roster) ByID(id string) (*Person, bool) {
	e, ok := r.people[id]
	if !ok {
		return nil, false
	}
	return e.Person, true
}

// ByEmail returns the person who holds an address.
func (r *Roster) ByEmail(email string) (*Person, bool) {
	address, err := FoldEmail(email)
	e := r.byAddress[address]
	if err != nil || e == nil {
		return nil, false
	}
	return e.Person, true
}

// ChartPlace is where a person stands in the chart.
type ChartPlace struct {
	Manager *Person   // nil at the top
	Chain   []*Person // from the top, or maxChain above, down to the direct manager
	Reports []*Person // direct reports, by name
	OrgSize int       // the person and everyone below, at least 1
}

// maxChain bounds a chain: no company has so many levels, and records that make one of thousands must not make an answer
// of its square.
const maxChain = 100

// Place returns where an active person stands in the chart. Somebody unknown stands alone.
func (r *Roster) Place(id string) ChartPlace {
	e := r.people[id]
	if e == nil || !e.Active {
		return ChartPlace{OrgSize: 1}
	}
	place := ChartPlace{OrgSize: e.size}
	for _, sub := range e.reports {
		place.Reports = append(place.Reports, sub.Person)
	}
	for boss := e.manager; boss != nil && len(place.Chain) < maxChain; boss = boss.manager {
		place.Chain = append(place.Chain, boss.Person)
	}
	slices.Reverse(place.Chain)
	if e.manager != nil {
		place.Manager = e.manager.Person
	}
	return place
}

// DepartmentCount returns how many active people a department has.
func (r *Roster) DepartmentCount(department string) int {
	n := 0
	for _, e := range r.listed {
		if e.Active && e.Profile.Department == department {
			n++
		}
	}
	return n
}

// Everyone returns all people who are not retired, by name.
func (r *Roster) Everyone() []*Person {
	list := make([]*Person, len(r.listed))
	for i, e := range r.listed {
		list[i] = e.Person
	}
	return list
}

// Fields lists the names that Query.Filters and Query.Facets take.
func Fields() []string { return slices.Sorted(maps.Keys(fields)) }
