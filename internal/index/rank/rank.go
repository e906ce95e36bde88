// Package rank is the arithmetic of relevance: how well a document answers a query, as one number with
// every part of it explainable.
//
// Its one idea is BM25 over fields: how often a word stands in each field is weighed by the field and by its length,
// added up, and only then saturated. On top come words that follow each other as in the query; the sum is multiplied by how much of the
// query is covered and by bounded boosts. Engines that promise equal order share these functions and call them in the same order,
// so that their scores are equal to the last bit. Products are rounded before they are added: a compiler may not fuse them.
package rank

import "math"

// Field is a part of a document's text.
type Field uint8

// The fields, in the order in which frequencies are added.
const (
	Title Field = iota
	Body
	Path
	Author
	Tags
	Fields // how many there are
)

// The numbers of BM25. The weights and slopes of fields stand in fieldWeight.
const (
	saturation = 1.2 // k1
	// pairWeight is what two words in order add, against the mean weight of both.
	pairWeight = 0.35
	// coverageShare is the part of a score that a document without any of the query would lose.
	coverageShare = 0.2
)

// The bounds of the boosts. Together they change a score by less than a third.
const (
	freshnessBoost    = 0.10
	freshnessHalfLife = 180 * 24 * 60 * 60 // seconds
	popularityBoost   = 0.12
	verificationBoost = 0.08
)

// MaxBoost is the greatest value that Boost returns.
const MaxBoost = 1 + freshnessBoost + popularityBoost + verificationBoost

// The weights of title and path, the slope of the body and coverageShare come from coarse steps on the handbook collection; both
// halves of its queries and two further collections agree with them: see TestRelevance in package plain.
//
// fieldWeight returns what one occurrence in a field counts, and how strongly the field's length lowers it (b).
func fieldWeight(f Field) (weight, slope float64) {
	switch f {
	case Title:
		return 4, 0.5
	case Body:
		return 1, 0.65
	case Path:
		return 1.5, 0.5
	case Author:
		return 0.8, 0.5
	case Tags:
		return 1.2, 0.5
	}
	return 0, 0
}

// Counts is how often something stands in each field of a document.
type Counts [Fields]uint32

// Lengths are the coded lengths of a document's fields.
type Lengths [Fields]uint8

// Norms hold, for each field and coded length, the weight of one occurrence.
type Norms [Fields][256]float64

// Frequency adds up counts over the fields.
func (n *Norms) Frequency(c *Counts, l *Lengths) float64 {
	sum := 0.0
	for f := range c {
		if c[f] > 0 {
			sum += float64(float64(c[f]) * n[f][l[f]])
		}
	}
	return sum
}

// Statistics are what is known of all live documents together.
type Statistics struct {
	Documents int
	// Having counts the documents that have anything in a field, Words adds up their lengths as decoded.
	Having, Words [Fields]int64
}

// Add counts a document in, and with sign -1 out again.
func (s *Statistics) Add(l *Lengths, sign int) {
	s.Documents += sign
	table := lengths()
	for f, code := range l {
		if code > 0 {
			s.Having[f] += int64(sign)
			s.Words[f] += int64(sign * table[code])
		}
	}
}

// Norms works out the weights for these documents.
func (s *Statistics) Norms() *Norms {
	var n Norms
	table := lengths()
	for f := range Fields {
		average := 1.0
		if s.Words[f] > 0 {
			average = float64(s.Words[f]) / float64(s.Having[f])
		}
		weight, slope := fieldWeight(f)
		for code := range table {
			n[f][code] = weight / (1 - slope + float64(slope*float64(table[code]))/average)
		}
	}
	return &n
}

// Rarity is the weight of something that df of the documents have.
func (s *Statistics) Rarity(df int) float64 {
	return math.Log(1 + (float64(s.Documents-df)+0.5)/(float64(df)+0.5))
}

// Word is the score of a word of that rarity and frequency. It grows with the frequency, up to (k1+1) times the rarity.
func Word(rarity, frequency float64) float64 {
	return rarity * (saturation + 1) * frequency / (saturation + frequency)
}

// Pair is the score of two words in order.
func Pair(first, second, frequency float64) float64 {
	return Word(pairWeight*(first+second)/2, frequency)
}

// Coverage is the factor for having words that weigh has out of asked.
func Coverage(has, asked float64) float64 {
	if asked <= 0 {
		return 1
	}
	return 1 - coverageShare + float64(coverageShare*(has/asked))
}

// Boosts are the bounded parts of a score that do not depend on the words of the query.
type Boosts struct{ Freshness, Popularity, Verification float64 }

// BoostsOf works out the boosts of a document updated at that Unix second, with that popularity (0 to 1) and verification (-1, 0
// or 1), seen at now. An unknown time or no now gives no freshness.
func BoostsOf(updated, now int64, popularity float64, verification int) Boosts {
	var b Boosts
	if updated > 0 && now > 0 {
		age := float64(max(now-updated, 0))
		b.Freshness = freshnessBoost / (1 + age/freshnessHalfLife)
	}
	if popularity > 0 { // false for NaN too
		b.Popularity = popularityBoost * min(popularity, 1)
	}
	b.Verification = verificationBoost * float64(min(max(verification, -1), 1))
	return b
}

// Factor is the product that a text's score is multiplied by.
func (b Boosts) Factor() float64 {
	return min(1+b.Freshness+b.Popularity+b.Verification, MaxBoost)
}

// Explanation says how a score came about: Score = Text × Coverage × Boost.
type Explanation struct {
	// Text is the sum of Words and Pairs.
	Text  float64
	Words []Part
	Pairs []Part
	// Coverage is the factor for how much of the query the document has, at most 1.
	Coverage float64
	// Boost is 1 and the parts in Boosts.
	Boost  float64
	Boosts Boosts
}

// Part is what one word, or two words in order, add to a score.
type Part struct {
	Text      string
	Rarity    float64
	Frequency float64
	Score     float64
}
