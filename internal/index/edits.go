package index

// MaxEdits is how many edits a correction may be away from a word of that many characters. Long words have one as short ones do: whoever mistypes
// them twice is rare, and an engine that must write all the near words down, to look for them among what an access sees, could not.
func MaxEdits(runes int) int {
	switch {
	case runes < 3:
		return 0
	case runes < 6 || runes > 14:
		return 1
	}
	return 2
}

// Edits counts the insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). It may
// stop counting at limit+1.
func Edits(a, b []rune, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j-1]+cost, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
