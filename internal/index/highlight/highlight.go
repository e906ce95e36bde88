// Package highlight marks the words of a query in texts and cuts snippets out of long ones.
//
// Its one idea is that it works on the text alone, with the analysis that indexing uses: an engine gives it the few documents that it
// returns, so that nothing about marks needs to be kept in an index. Engines call it.
package highlight

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// Marker knows what to mark for one query.
type Marker struct {
	// Wants returns which of the query's groups a token stands for; see plan.Plan.Wants.
	Wants func(analysis.Token) (group int, ok bool)
	// Weight says how much a group matters when the best snippets are chosen. Nil means that all matter alike.
	Weight func(group int) float64
}

// match is a place in the text that is to be marked.
type match struct {
	start, end int // bytes
	rune       int // code points before start
	runes      int // code points within
	group      int
}

// Mark marks a whole text. The Finder is of the text's language, and one that gives what Wants wants.
func (m Marker) Mark(f *analysis.Finder, text string) index.Marked {
	return index.Marked{Text: text, Ranges: ranges(m.matches(f, text, math.MaxInt), 0, len(text))}
}

// Snippets cuts at most number pieces of at most size code points out of text, the best first. A text without any match
// gives its beginning.
func (m Marker) Snippets(f *analysis.Finder, text string, size, number int) []index.Snippet {
	if size < 1 || number < 1 || text == "" {
		return nil
	}
	matches := m.matches(f, text, maxMatches)
	if len(matches) == 0 {
		start, end := 0, forward(text, 0, len(text), size)
		start, end = trim(text, start, end)
		if start == end {
			return nil
		}
		return []index.Snippet{{Marked: index.Marked{Text: text[start:end]}, Offset: start}}
	}
	chosen := m.choose(matches, size, number)
	inOrder := slices.Clone(chosen)
	slices.SortFunc(inOrder, func(x, y window) int { return x.first - y.first })
	list := make([]index.Snippet, 0, len(chosen))
	for _, w := range chosen {
		low, high := 0, len(text)
		i := slices.Index(inOrder, w)
		if i > 0 {
			low = between(text, matches[inOrder[i-1].last].end, matches[w.first].start)
		}
		if i+1 < len(inOrder) {
			high = between(text, matches[w.last].end, matches[inOrder[i+1].first].start)
		}
		list = append(list, cut(text, matches, w, low, high, size))
	}
	return list
}

// between returns where two snippets meet at the latest, with matches that end and begin there.
func between(text string, end, start int) int {
	at := end + (start-end)*2/3
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return min(at, start)
}

// maxMatches bounds the work of choosing snippets; what lies behind in the text is not looked at.
const maxMatches = 1000

// matches lists what is to be marked in a text, at most limit of it.
func (m Marker) matches(f *analysis.Finder, text string, limit int) []match {
	var list []match
	at, runes := 0, 0
	f.Tokens(text, func(t analysis.Token) bool {
		group, ok := m.Wants(t)
		if !ok {
			return true
		}
		if n := len(list); n > 0 && t.Start < list[n-1].end {
			if t.End > list[n-1].end {
				list[n-1].runes += utf8.RuneCountInString(text[list[n-1].end:t.End])
				list[n-1].end = t.End
			}
			return true
		}
		if len(list) == limit {
			return false
		}
		runes += utf8.RuneCountInString(text[at:t.Start])
		at = t.Start
		list = append(list, match{t.Start, t.End, runes, utf8.RuneCountInString(text[t.Start:t.End]), group})
		return true
	})
	return list
}

// window is a run of matches that fit into one snippet.
type window struct {
	first, last int
	score       float64
}

// choose picks the windows with the most of what was asked for, which have no match in common.
func (m Marker) choose(matches []match, size, number int) []window {
	var chosen []window
	groups := 0
	for _, t := range matches {
		groups = max(groups, t.group+1)
	}
	seen := marks{in: make([]int, groups)}
	for len(chosen) < number {
		best := window{first: -1}
		for first := range matches {
			if taken(chosen, first) {
				continue
			}
			if w := m.window(matches, chosen, &seen, first, size); best.first < 0 || w.score > best.score {
				best = w
			}
		}
		if best.first < 0 {
			break
		}
		chosen = append(chosen, best)
	}
	return chosen
}

func taken(chosen []window, i int) bool {
	return slices.ContainsFunc(chosen, func(w window) bool { return w.first <= i && i <= w.last })
}

// marks says of each group in which window it was last seen. A thousand windows of hundreds of groups leave no time to look through lists.
type marks struct {
	now int
	in  []int
}

// repeatWeight is what a further occurrence of a word counts in a snippet against the first.
const repeatWeight = 0.05

func (m Marker) window(matches []match, chosen []window, seen *marks, first, size int) window {
	w := window{first: first, last: first}
	seen.now++
	for i := first; i < len(matches); i++ {
		t := matches[i]
		if i > first && (t.rune+t.runes-matches[first].rune > size || taken(chosen, i)) {
			break
		}
		weight := 1.0
		if m.Weight != nil {
			weight = m.Weight(t.group)
		}
		if seen.in[t.group] == seen.now {
			weight *= repeatWeight
		}
		seen.in[t.group] = seen.now
		w.last, w.score = i, w.score+weight
	}
	return w
}

// cut takes the text of a window with as much around it as fits between low and high: up to a third of the
// rest before it, from the beginning of a word or, if one is near, of a sentence.
func cut(text string, matches []match, w window, low, high, size int) index.Snippet {
	first, last := matches[w.first], matches[w.last]
	spare := max(0, size-(last.rune+last.runes-first.rune))
	start := backward(text, low, first.start, spare/3)
	used := utf8.RuneCountInString(text[start:first.start])
	end := forward(text, first.start, high, size-used)
	if end < last.end { // one match longer than a snippet
		end = first.start + clipRunes(text[first.start:], size-used)
	}
	start, end = trim(text, start, end)
	return index.Snippet{
		Marked: index.Marked{Text: text[start:end], Ranges: ranges(matches[w.first:w.last+1], start, end)},
		Offset: start,
	}
}

// clipRunes returns the bytes of the first n code points of text.
func clipRunes(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

// backward returns where a snippet begins that may reach n code points before at.
func backward(text string, low, at, n int) int {
	start := at
	for ; n > 0 && start > low; n-- {
		_, size := utf8.DecodeLastRuneInString(text[low:start])
		start -= size
	}
	if start == 0 {
		return 0
	}
	word := -1
	for i, r := range text[start:at] {
		next := start + i + utf8.RuneLen(r)
		if r == '\n' || r == '.' && next < at && text[next] == ' ' {
			return next
		}
		if word < 0 && unicode.IsSpace(r) {
			word = next
		}
	}
	if word >= 0 {
		return word
	}
	return at
}

// forward returns where a snippet ends that begins at from and has at most n code points: at high, or behind a word.
func forward(text string, from, high, n int) int {
	end, word := from, -1
	for i, r := range text[from:high] {
		if n == 0 {
			if word > from && !unicode.IsSpace(r) {
				return word
			}
			return from + i
		}
		n--
		if unicode.IsSpace(r) {
			word = from + i
		}
		end = from + i + utf8.RuneLen(r)
	}
	if end < high {
		return end
	}
	return high
}

// trim takes space off both ends.
func trim(text string, start, end int) (int, int) {
	for start < end {
		r, size := utf8.DecodeRuneInString(text[start:end])
		if !unicode.IsSpace(r) {
			break
		}
		start += size
	}
	for start < end {
		r, size := utf8.DecodeLastRuneInString(text[start:end])
		if !unicode.IsSpace(r) {
			break
		}
		end -= size
	}
	return start, end
}

// ranges lists the matches within text[start:end], counted from start. Matches that touch become one.
func ranges(matches []match, start, end int) []index.Range {
	var list []index.Range
	for _, t := range matches {
		r := index.Range{Start: max(t.start, start) - start, End: min(t.end, end) - start}
		if r.Start >= r.End {
			continue
		}
		if n := len(list); n > 0 && r.Start <= list[n-1].End {
			list[n-1].End = max(list[n-1].End, r.End)
			continue
		}
		list = append(list, r)
	}
	return list
}
