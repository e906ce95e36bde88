package directory

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// dictionary is the words of everybody, to find what a misspelt one was meant to be. It is made when it is first
// asked for, and may hold words that nobody has any more: they find nobody.
type dictionary struct {
	making sync.Mutex
	made   atomic.Pointer[wordList]
}

// wordList is words in order, with masks that pass most of them over quickly.
type wordList struct {
	words []string
	masks []uint32 // which letters each has
}

// with returns the dictionary for a roster in which cards are new, made already where this one is and they are few.
func (d *dictionary) with(cards []*card) *dictionary {
	next := &dictionary{}
	if d == nil {
		return next
	}
	if list := d.made.Load(); list != nil && len(cards) <= len(list.words)/8 {
		next.made.Store(newWordList(append(slices.Clone(list.words), wordsOf(cards)...)))
	}
	return next
}

func (d *dictionary) of(r *Roster) *wordList {
	if list := d.made.Load(); list != nil {
		return list
	}
	d.making.Lock()
	defer d.making.Unlock()
	if list := d.made.Load(); list != nil {
		return list
	}
	cards := make([]*card, 0, len(r.listed))
	for i := range r.listed {
		if r.listed[i].Active {
			cards = append(cards, r.listed[i].card)
		}
	}
	list := newWordList(wordsOf(cards))
	d.made.Store(list)
	return list
}

func newWordList(words []string) *wordList {
	slices.Sort(words)
	d := &wordList{words: slices.Compact(words)}
	d.masks = make([]uint32, len(d.words))
	for i, w := range d.words {
		d.masks[i] = mask(w)
	}
	return d
}

func wordsOf(cards []*card) []string {
	seen := map[string]bool{}
	var list []string
	for _, c := range cards {
		for _, line := range []string{c.names, c.words} {
			for w := range strings.FieldsSeq(line) {
				if !seen[w] && !strings.Contains(w, "@") {
					seen[w] = true
					list = append(list, w)
				}
			}
		}
	}
	return list
}

// mask has a bit for each letter of a word; further letters and digits share bits.
func mask(word string) (m uint32) {
	for i := range len(word) {
		m |= 1 << (word[i] & 31)
	}
	return m
}

// knows reports whether a word of the dictionary begins with prefix.
func (d *wordList) knows(prefix string) bool {
	i, _ := slices.BinarySearch(d.words, prefix)
	return i < len(d.words) && strings.HasPrefix(d.words[i], prefix)
}

// maxNear bounds what one word is taken for.
const maxNear = 12

// mend lets words that nobody has stand for those that they nearly are. It reports whether there is a word to mend,
// and something near it.
func (r *Roster) mend(m *matching) bool {
	d := r.dictionary.of(r)
	mended := false
	for i := range m.words {
		w := &m.words[i]
		word := w.begins[1:]
		if d.knows(word) {
			continue
		}
		near := d.near(word)
		if len(near) == 0 {
			return false
		}
		for _, n := range near {
			w.near = append(w.near, " "+n+" ")
		}
		mended = true
	}
	return mended
}

// near returns the words at the least distance from word: one edit, or two where it is long.
func (d *wordList) near(word string) []string {
	most := 0
	switch {
	case strings.Contains(word, "@") || len(word) > maxEdited:
	case len(word) >= 7:
		most = 2
	case len(word) >= 4:
		most = 1
	}
	own := mask(word)
	for limit := 1; limit <= most; limit++ {
		var found []string
		for i, w := range d.words {
			if len(w) < len(word)-2*limit || len(w) > len(word)+2*limit || bits.OnesCount32(own^d.masks[i]) > 4*limit {
				continue
			}
			if edits(word, w, limit) <= limit {
				if found = append(found, w); len(found) == maxNear {
					break
				}
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// maxEdited bounds the words that are compared letter by letter, in bytes.
const maxEdited = 40

// edits counts the letters to insert, delete, change or swap with the next one to make b of a (optimal string
// alignment), or returns more than limit as soon as there are more.
func edits(a, b string, limit int) int {
	from, to := []rune(a), []rune(b)
	if len(from)-len(to) > limit || len(to)-len(from) > limit || len(to) >= maxEdited*2 {
		return limit + 1
	}
	var rows [3][maxEdited*2 + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(to) + 1 {
		last[j] = j
	}
	for i, x := range from {
		row[0] = i + 1
		least := row[0]
		for j, y := range to {
			cost := 1
			if x == y {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && x == to[j-1] && from[i-1] == y {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(to)]
}
