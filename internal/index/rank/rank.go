// Package rank is the arithmetic of relevance: how well a document answers a query, as one number with
// every part of it explainable. Engines that promise equal order share it.
package rank

// Explanation says how a score came about: Score = Text × Coverage × Boost.
type Explanation struct {
	// Text is the sum of Words and Pairs.
	Text  float64
	Words []Part
	Pairs []Part
	// Coverage is the factor for how much of the query the document has, at most 1.
	Coverage float64
	// Boost is 1 + Freshness + Popularity + Verification.
	Boost        float64
	Freshness    float64
	Popularity   float64
	Verification float64
}

// Part is what one word, or two words in order, add to a score.
type Part struct {
	Text string
	// Weight is how rare it is, and Frequency how much of it the document has, over all fields.
	Weight    float64
	Frequency float64
	Score     float64
}
