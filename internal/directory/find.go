package directory

import (
	"cmp"
	"slices"
	"strings"
)

// Search asks for people by words.
type Search struct {
	// Words must each begin a word of a person: of the names, also without accents, hyphens and apostrophes, of the
	// addresses, and unless NamesOnly of title and department. A word that nobody has means the words that it nearly is.
	Words     string
	NamesOnly bool
	// AsTyped takes no word for another: what is half typed is no mistake yet.
	AsTyped bool
	Limit   int // 0 for all of them
}

// Found is a person whom a search found.
type Found struct {
	Person *Person
	// Score says how well the person fits: Named where all words together are the name, more for words that are
	// names than for words that begin them, and least for titles, departments and words that were mended.
	Score int
	// Corrected says that a word of the search was nobody's, and was taken for another.
	Corrected bool
}

// Named is the least score of somebody whose full name was asked for.
const Named = 1000

// Find returns the active people who fit a search, the best first and equal ones by name. It takes under 200 µs with
// a thousand people.
func (r *Roster) Find(s Search) []Found {
	m := r.matching(s.Words, s.NamesOnly)
	if len(m.words) == 0 {
		return nil
	}
	var hits []hit
	corrected := false
	if s.AsTyped {
		hits = r.scan(&m, s.Limit)
	} else {
		hits, corrected = r.best(m, s.Limit)
	}
	found := make([]Found, len(hits))
	for i, h := range hits {
		found[i] = Found{r.listed[h.at].Person, h.score, corrected}
	}
	return found
}

// hit is an entry of listed with its score.
type hit struct{ at, score int }

func better(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at)) }

// best returns the hits in order, all where limit is 0, with mended words where nobody has those given.
func (r *Roster) best(m matching, limit int) (hits []hit, corrected bool) {
	hits = r.scan(&m, limit)
	if len(hits) > 0 || !r.mend(&m) {
		return hits, false
	}
	return r.scan(&m, limit), true
}

func (r *Roster) scan(m *matching, limit int) (hits []hit) {
	for i := range r.listed {
		e := &r.listed[i]
		if !e.Active {
			continue
		}
		score := m.score(e.card)
		if score == 0 || limit > 0 && len(hits) == limit && score <= hits[limit-1].score {
			continue
		}
		h := hit{i, score}
		if limit == 0 {
			hits = append(hits, h)
			continue
		}
		at, _ := slices.BinarySearchFunc(hits, h, better)
		if hits = slices.Insert(hits, at, h); len(hits) > limit {
			hits = hits[:limit]
		}
	}
	if limit == 0 {
		slices.SortFunc(hits, better)
	}
	return hits
}

// maxWords bounds the words of a search. Nobody's name has more; what is beyond does not narrow.
const maxWords = 16

// matching is a search taken apart.
type matching struct {
	full      string // all of it, folded, as a name would be
	phrase    string // the same as it stands in a line of words
	words     []sought
	namesOnly bool
}

// sought is one word that a person must have.
type sought struct {
	begins string   // the word behind a space, as it begins a word in a line
	equals string   // the same with a space behind
	near   []string // what it is taken for, as equals; empty for the word itself
}

func (r *Roster) matching(text string, namesOnly bool) matching {
	words := splitWords(text)
	m := matching{full: strings.Join(words, " "), namesOnly: namesOnly}
	m.phrase = " " + m.full + " "
	for i, w := range words {
		// A word that begins another one of the search holds wherever that one does.
		implied := slices.ContainsFunc(words[i+1:], func(o string) bool { return strings.HasPrefix(o, w) }) ||
			slices.ContainsFunc(words[:i], func(o string) bool { return o != w && strings.HasPrefix(o, w) })
		if !implied && len(m.words) < maxWords {
			m.words = append(m.words, sought{begins: " " + w, equals: " " + w + " "})
		}
	}
	return m
}

// What a word is worth.
const (
	worthName       = 100
	worthNameBegins = 70
	worthNearName   = 50
	worthWord       = 30
	worthWordBegins = 20
	worthNearWord   = 10
)

// score is 0 unless c has every word.
func (m *matching) score(c *card) int {
	score := 0
	for i := range m.words {
		worth := m.words[i].worth(c, m.namesOnly)
		if worth == 0 {
			return 0
		}
		score += worth
	}
	switch {
	case m.is(c):
		score += Named
	case strings.HasPrefix(c.whole[0], m.full):
		score += worthName // the name as it is being typed
	case m.namesOnly:
	case strings.HasPrefix(c.words, m.phrase):
		score += worthWord // the title, or how it begins
	case strings.Contains(c.words, m.phrase):
		score += worthWord / 2
	}
	return score
}

// is reports whether the search is the whole of one of c's names, the last name before or after the first.
func (m *matching) is(c *card) bool {
	for _, name := range c.whole {
		if m.full == name {
			return true
		}
	}
	return false
}

func (w *sought) worth(c *card, namesOnly bool) int {
	if w.near != nil {
		for _, near := range w.near {
			if strings.Contains(c.names, near) {
				return worthNearName
			}
		}
		for _, near := range w.near {
			if !namesOnly && strings.Contains(c.words, near) {
				return worthNearWord
			}
		}
		return 0
	}
	switch {
	case strings.Contains(c.names, w.begins):
		if strings.Contains(c.names, w.equals) {
			return worthName
		}
		return worthNameBegins
	case namesOnly || !strings.Contains(c.words, w.begins):
		return 0
	case strings.Contains(c.words, w.equals):
		return worthWord
	}
	return worthWordBegins
}
