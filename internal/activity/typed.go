package activity

import (
	"slices"
	"sync"
	"time"
)

const (
	// maxTyped bounds the people whose searches are in memory: each has at most MaxSearches texts, some 10 KB.
	maxTyped = 1024
	// typedAge is how long a list is used before SQL is asked what other nodes have added.
	typedAge = 10 * time.Second
)

// typed holds the searches of people who are searching now, so that completing what they type asks no database.
type typed struct {
	mu      sync.Mutex // guards the rest
	people  map[string]typedList
	changed int64 // grows when a search is added or dropped
}

// typedList is replaced and never changed: readers hold on to it.
type typedList struct {
	list []Searched
	read time.Time
}

func newTyped() typed { return typed{people: map[string]typedList{}} }

func (t *typed) get(person string) ([]Searched, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.people[person]
	if !ok || time.Since(p.read) > typedAge {
		return nil, false
	}
	return p.list, true
}

// changes is to be asked before SQL is read, and given to put.
func (t *typed) changes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// put keeps what SQL holds, and returns it with what this process recorded in the last moments, which SQL may not
// have yet.
func (t *typed) put(person string, list []Searched, begun int64) []Searched {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.people[person]
	if known {
		for _, s := range slices.Backward(old.list) {
			if time.Since(s.At) < typedAge {
				list = with(list, s)
			}
		}
	} else if t.changed != begun {
		return list // a search of this person, perhaps, came between: the next read decides
	}
	t.set(person, typedList{list, time.Now()})
	return list
}

// set is called under mu.
func (t *typed) set(person string, l typedList) {
	if _, known := t.people[person]; !known && len(t.people) >= maxTyped {
		for other := range t.people {
			delete(t.people, other)
			break
		}
	}
	t.people[person] = l
}

// add puts a search first. Of a person who was not in memory it is kept apart, as read never, until SQL tells the rest.
func (t *typed) add(person string, s Searched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed++
	p := t.people[person]
	t.set(person, typedList{with(p.list, s), p.read})
}

func (t *typed) drop(person string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed++
	delete(t.people, person)
}

// with returns a new list with s first and once.
func with(list []Searched, s Searched) []Searched {
	name := fold(s.Text)
	next := make([]Searched, 1, len(list)+1)
	next[0] = s
	for _, other := range list {
		if len(next) < MaxSearches && fold(other.Text) != name {
			next = append(next, other)
		}
	}
	return next
}
