package directory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Roster is everyone at one moment, with the organisation chart of the active people and the teams. It does not
// change and may be kept for the length of a request.
type Roster struct {
	version   int64 // of versionPeople
	seq       int64 // the newest row in it
	listed    []entry
	people    map[string]*entry // of listed, by id
	byAddress map[string]*entry
	retired   map[string]*Person

	departments map[string]int    // how many active people each has
	starts      func() []string   // when active people began, in order; made when asked for
	custom      map[string]string // folded names of the company's own fields, and how they are spelt
	orders      *ordering
	dictionary  *dictionary
	teams       *teamSet
	photos      string // the public address under which photos are served
}

// card is what follows from a person alone, made once and kept from one roster to the next.
type card struct {
	*Person
	key, first, last string    // folded names, for order
	start            string    // the date of the start, if it is one
	whole            [3]string // the words of the name, of first and last name, and the other way round
	names            string    // the words of the names and addresses, as wordLine writes them
	words            string    // those of title and department
	extra            []extra
}

// entry is a person who is not retired, and their place in the chart.
type entry struct {
	*card
	manager *entry   // active, and never part of a circle
	reports []*entry // by name
	size    int      // people in the part of the chart that hangs from here, this one included
	number  int      // those people have the numbers from this one's on
}

func newCard(p *Person) *card {
	f := &p.Profile
	c := &card{Person: p, key: fold(p.Name), first: fold(f.FirstName), last: fold(f.LastName), start: date(f.StartDate), extra: extrasOf(f.Additional)}
	var names []string
	for _, name := range append([]string{p.Name, f.FirstName, f.LastName, f.PreferredName}, f.AlsoKnownAs...) {
		names = append(names, nameWords(name)...)
	}
	words := append(splitWords(f.Title), splitWords(f.Department)...)
	for _, address := range append([]string{p.Email}, p.Addresses...) {
		local, domain, _ := strings.Cut(address, "@")
		names = append(append(names, address), splitWords(local)...)
		words = append(words, splitWords(domain)...)
	}
	c.whole = [3]string{
		strings.Join(splitWords(p.Name), " "), strings.Join(splitWords(f.FirstName+" "+f.LastName), " "),
		strings.Join(splitWords(f.LastName+" "+f.FirstName), " "),
	}
	c.names, c.words = wordLine(names), wordLine(words)
	return c
}

// Roster returns everyone as of at most a second ago, and at once what this process has changed.
func (d *Directory) Roster(ctx context.Context) (*Roster, error) {
	people, teams, err := d.rosterVersions(ctx)
	if err != nil {
		return nil, err
	}
	if r := d.roster.Load(); r != nil && r.version == people && r.teams.version == teams {
		return r, nil
	}
	d.rosterLock.Lock()
	defer d.rosterLock.Unlock()
	// The versions are read before the rows: what is read may be newer than its label, but never older.
	if people, teams, err = d.rosterVersions(ctx); err != nil {
		return nil, err
	}
	r := d.roster.Load()
	if r == nil {
		r = (&Roster{version: -1, teams: &teamSet{version: -1}, photos: d.photos}).with(nil)
	}
	next := *r
	if r.version != people {
		renewed, err := d.renew(ctx, r)
		if err != nil {
			return nil, err
		}
		next = *renewed
		next.version = people
	}
	if r.teams.version != teams {
		err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
			next.teams, err = r.teams.renew(ctx, tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		next.teams.version = teams
	}
	d.roster.Store(&next)
	return &next, nil
}

func (d *Directory) rosterVersions(ctx context.Context) (people, teams int64, err error) {
	if people, err = d.version(ctx, versionPeople); err != nil {
		return 0, 0, err
	}
	teams, err = d.version(ctx, versionTeams)
	return people, teams, err
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
	return old.with(changed), nil
}

// with returns the roster in which changed people are as given.
func (r *Roster) with(changed []*Person) *Roster {
	next := &Roster{
		version: r.version, seq: r.seq, retired: make(map[string]*Person, len(r.retired)), orders: &ordering{}, teams: r.teams, photos: r.photos,
	}
	maps.Copy(next.retired, r.retired)
	var cards []*card
	fresh := make(map[string]bool, len(changed))
	for _, p := range changed {
		next.seq = max(next.seq, p.seq)
		fresh[p.ID] = true
		if p.Retired {
			next.retired[p.ID] = p
		} else {
			delete(next.retired, p.ID)
			cards = append(cards, newCard(p))
		}
	}
	slices.SortFunc(cards, byName)
	next.merge(r.listed, cards, fresh)
	next.index()
	next.arrange()
	next.dictionary = r.dictionary.with(cards)
	return next
}

// merge fills listed with the old cards that are still good and the new ones, in order of name. Entries stand in one
// piece of memory, for a roster is made anew with every change of a person.
func (r *Roster) merge(old []entry, cards []*card, fresh map[string]bool) {
	r.listed = make([]entry, 0, len(old)+len(cards))
	for i := range old {
		c := old[i].card
		if fresh[c.ID] {
			continue
		}
		for len(cards) > 0 && byName(cards[0], c) < 0 {
			r.listed = append(r.listed, entry{card: cards[0]})
			cards = cards[1:]
		}
		r.listed = append(r.listed, entry{card: c})
	}
	for _, c := range cards {
		r.listed = append(r.listed, entry{card: c})
	}
}

// index makes the ways to find a person, and counts what is shown of everybody.
func (r *Roster) index() {
	r.people = make(map[string]*entry, len(r.listed))
	r.byAddress = make(map[string]*entry, len(r.listed))
	r.departments, r.custom = map[string]int{}, map[string]string{}
	for i := range r.listed {
		e := &r.listed[i]
		r.people[e.ID] = e
		for _, address := range e.Addresses {
			r.byAddress[address] = e
		}
		if !e.Active {
			continue
		}
		r.departments[e.Profile.Department]++
		for _, x := range e.extra {
			if r.custom[x.key] == "" {
				r.custom[x.key] = x.label
			}
		}
	}
	r.starts = sync.OnceValue(func() (starts []string) {
		for i := range r.listed {
			if e := &r.listed[i]; e.Active && e.start != "" {
				starts = append(starts, e.start)
			}
		}
		slices.Sort(starts)
		return starts
	})
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

func byName(a, b *card) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.ID, b.ID))
}

// ByID returns the person with a stable id, retired people included.
func (r *Roster) ByID(id string) (*Person, bool) {
	if e, ok := r.people[id]; ok {
		return e.Person, true
	}
	p, ok := r.retired[id]
	return p, ok
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

// Everyone returns all people who are not retired, by name.
func (r *Roster) Everyone() []*Person {
	list := make([]*Person, len(r.listed))
	for i := range r.listed {
		list[i] = r.listed[i].Person
	}
	return list
}
