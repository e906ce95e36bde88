package search

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/query"
)

// maxNamed bounds the people whom one query names: a first name that half a company has names nobody.
const maxNamed = 3

// names finds people by words of their names. It belongs to one roster and does not change.
type names struct {
	roster *directory.Roster
	words  map[*directory.Person][]string // of active people, who stay the same until they change
	byWord map[string][]*directory.Person
}

// namesOf returns the names of everybody in a roster. A new roster takes over what is known of those who did not change.
func (s *Service) namesOf(people *directory.Roster) *names {
	if n := s.names.Load(); n != nil && n.roster == people {
		return n
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	old := s.names.Load()
	switch {
	case old == nil:
		old = &names{}
	case old.roster == people:
		return old
	}
	n := &names{
		roster: people, words: make(map[*directory.Person][]string, len(old.words)), byWord: make(map[string][]*directory.Person, len(old.byWord)),
	}
	for _, p := range people.Everyone() {
		if !p.Active {
			continue
		}
		words, known := old.words[p]
		if !known {
			words = wordsOf(p)
		}
		n.words[p] = words
		for _, w := range words {
			if list := n.byWord[w]; len(list) == 0 || list[len(list)-1] != p {
				n.byWord[w] = append(list, p)
			}
		}
	}
	s.names.Store(n)
	return n
}

// wordsOf are the words of a person's names, folded.
func wordsOf(p *directory.Person) []string {
	return nameWords(p.Name + " " + nameOnRecord(p) + " " + strings.Join(p.Profile.AlsoKnownAs, " "))
}

func nameWords(text string) []string {
	return strings.FieldsFunc(analysis.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// toldOfPeople reports whether a caller is told of people at all.
func toldOfPeople(c grant.Caller) bool { return !c.Is(grant.Anonymous) && c.Person() != "" }

// findPeople looks for people whom the query names: by an address, by words that are all of one person's names, or by a first and
// a last name among other words. Anonymous callers are told of nobody.
func (s *Service) findPeople(q *question) {
	if !toldOfPeople(q.caller) {
		return
	}
	var words []string
	for _, n := range q.words {
		switch n := n.(type) {
		case query.Word:
			if p, ok := q.people.ByEmail(string(n)); ok && p.Active {
				q.named = append(q.named, p)
			}
			words = append(words, nameWords(string(n))...)
		case query.Phrase:
			words = append(words, nameWords(string(n))...)
		}
	}
	if len(words) == 0 || len(words) > maxNameWords || len(q.named) > 0 {
		q.nameAlone = len(q.named) == 1 && len(q.words) == 1
		return
	}
	known := s.namesOf(q.people)
	if all := known.having(words); len(all) > 0 {
		if len(all) <= maxNamed {
			q.named, q.nameAlone = all, len(all) == 1
		}
		q.nameWords = words
		return
	}
	for i := range len(words) - 1 {
		if pair := words[i : i+2]; len(q.named) < maxNamed {
			if both := known.having(pair); len(both) > 0 && len(both) <= maxNamed {
				q.named = append(q.named, both...)
				q.nameWords = append(q.nameWords, pair...)
			}
		}
	}
	q.named = slices.CompactFunc(q.named, func(a, b *directory.Person) bool { return a == b })
	q.named = q.named[:min(len(q.named), maxNamed)]
}

// maxNameWords bounds the queries in which names are looked for: a long text is about something.
const maxNameWords = 8

// having returns the people whose names have each of the words.
func (n *names) having(words []string) []*directory.Person {
	var list []*directory.Person
	for _, p := range n.byWord[words[0]] {
		if !slices.ContainsFunc(words[1:], func(w string) bool { return !slices.Contains(n.words[p], w) }) {
			list = append(list, p)
		}
	}
	return list
}

// isName reports whether a word of the query is somebody's name, whose spelling nobody mends.
func (q *question) isName(word string) bool {
	parts := nameWords(word)
	return len(parts) > 0 && len(q.nameWords) > 0 && !slices.ContainsFunc(parts, func(w string) bool { return !slices.Contains(q.nameWords, w) })
}

// structured shows the people whom the query names: who they are and how to reach them, which is less than PEOPLE opens.
func (s *Service) structured(q *question) ([]Structured, error) {
	if !q.first() || q.ask.Size == 0 && !q.hints(hintMetadata) {
		return nil, nil
	}
	var list []Structured
	for _, p := range q.named {
		token, err := s.track(q.caller, Tracked{Query: q.req.Query, Person: p.ID, Position: len(list)})
		if err != nil {
			return nil, err
		}
		r := Structured{Person: reachable(p), TrackingToken: token, Prominence: ordinary}
		if q.nameAlone {
			r.Prominence = prominent
		}
		list = append(list, r)
	}
	return list, nil
}
