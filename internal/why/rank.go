package why

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
)

// Question is a search, as the search page would ask it.
type Question struct {
	Query   string
	Filters []Filter
}

// Filter narrows a search to documents whose field has one of the values.
type Filter struct {
	Field  string   `json:"field"`
	Values []string `json:"values"`
}

// RankRequest asks why results stand where they do.
type RankRequest struct {
	Query   string   `json:"query"`
	Filters []Filter `json:"filters,omitzero"`
	// Person is for whom; empty is who asks. Only Super Admins ask for others, and only of one Document.
	Person string `json:"person,omitzero"`
	// Document asks of one document, wherever it stands; empty asks of the first results.
	Document string `json:"document,omitzero"`
	// Limit is how many of the first results to explain: 10 where it is 0, 50 at most.
	Limit int `json:"limit,omitzero"`
}

// RankAnswer says why results stand where they do.
type RankAnswer struct {
	Person Person `json:"person"`
	Query  string `json:"query"`
	// Order says by what the results are ordered.
	Order string `json:"order"`
	// Results are those asked for, in the order found.
	Results []Ranked `json:"results"`
	// Missing says why the document that was asked of is no result; absent where it is one.
	Missing *Reason `json:"missing,omitzero"`
}

// Ranked is a result and how its place came about.
type Ranked struct {
	Place    int      `json:"place"` // from 1
	Document Document `json:"document"`
	// Strength is the score in percent of the first result's, in steps of five, 0 where the order is not by relevance.
	Strength int      `json:"strength"`
	Factors  []Factor `json:"factors"`
}

// Factor is one part of a score.
type Factor struct {
	// Code is word, pair, coverage, freshness, popularity or verification.
	Code string `json:"code"`
	// Text is the word or pair of words.
	Text string `json:"text,omitzero"`
	// Percent is the share of the text's score for words and pairs, in steps of five, and what the whole score gains or loses for the
	// others.
	Percent int    `json:"percent"`
	Words   string `json:"words"`
}

// Orders of results.
const (
	OrderRelevance = "relevance"
	OrderNewest    = "newest" // for a query without words
)

// Codes of what keeps a document from being a result.
const (
	CodeNotSeen    = "not-seen"
	CodeNotMatched = "not-matched"
)

// Bounds of a question.
const (
	defaultRanked = 10
	maxRanked     = 50
	maxQuery      = 1000 // characters, as on the search page
	maxFilters    = 32
)

// Rank says why results stand where they do. For the administrator it explains what they find themselves; for somebody else, which only a
// Super Admin may ask, one document and nothing of the others.
func (s *Service) Rank(ctx context.Context, c grant.Caller, req RankRequest) (RankAnswer, error) {
	if err := may(c); err != nil {
		return RankAnswer{}, err
	}
	if err := req.check(); err != nil {
		return RankAnswer{}, err
	}
	p, err := s.person(ctx, c, req.Person)
	if err != nil {
		return RankAnswer{}, err
	}
	// The document first: the log keeps the beginning of what is long.
	if err := s.record(ctx, c, "why.rank", p, strings.TrimSpace(req.Document+" “"+req.Query+"”")); err != nil {
		return RankAnswer{}, err
	}
	searcher := c
	if p.ID != c.Person() {
		if req.Document == "" {
			return RankAnswer{}, fault.New(fault.Invalid, "For another person, ask of one document.").WithField("document")
		}
		if searcher, err = s.cfg.Authority.SearchAs(ctx, c, p, req.Query); err != nil {
			return RankAnswer{}, err
		}
	}
	answer := RankAnswer{Person: personOf(p), Query: req.Query, Order: OrderRelevance, Results: []Ranked{}}
	size := req.Limit
	var at corpus.Standing
	var asked Document
	if req.Document != "" {
		size = index.MaxSize
		if at, asked, err = s.document(ctx, c, req.Document); err != nil {
			return RankAnswer{}, err
		}
	}
	found, err := s.cfg.Ranker.Rank(ctx, searcher, Question{req.Query, req.Filters}, size)
	if known, is := errors.AsType[*fault.Fault](err); is && known.Kind == fault.Unprocessable {
		return RankAnswer{}, fault.New(fault.Invalid, known.Message).WithField("query").Wrap(err) // an operator or filter whose value means nothing
	}
	if err != nil {
		return RankAnswer{}, err
	}
	if len(found.Hits) > 0 && !worded(found.Hits[0]) {
		answer.Order = OrderNewest
	}
	if req.Document == "" {
		answer.Results, err = s.first(ctx, c, found.Hits)
		return answer, err
	}
	place := slices.IndexFunc(found.Hits, func(h index.Hit) bool { return h.Key == at.Key })
	if place < 0 {
		answer.Missing, err = s.missing(ctx, p, at, len(found.Hits))
		return answer, err
	}
	answer.Results = append(answer.Results, ranked(found.Hits, place, asked))
	return answer, nil
}

func (r *RankRequest) check() error {
	if utf8.RuneCountInString(r.Query) > maxQuery {
		return fault.Newf(fault.Invalid, "query has at most %d characters.", maxQuery).WithField("query")
	}
	if len(r.Filters) > maxFilters {
		return fault.Newf(fault.Invalid, "There are at most %d filters.", maxFilters).WithField("filters")
	}
	if r.Limit < 0 || r.Limit > maxRanked {
		return fault.Newf(fault.Invalid, "limit is 1 to %d.", maxRanked).WithField("limit")
	}
	if r.Limit == 0 {
		r.Limit = defaultRanked
	}
	return nil
}

// first explains the administrator's own first results.
func (s *Service) first(ctx context.Context, c grant.Caller, hits []index.Hit) ([]Ranked, error) {
	seen, err := s.cfg.Corpus.Outline(ctx, c, index.KeysOf(hits)...)
	if err != nil {
		return nil, err
	}
	list := make([]Ranked, 0, len(hits))
	for i, h := range hits {
		if d := seen[h.Key]; d != nil { // the truth may have moved on since the index was written
			list = append(list, ranked(hits, i, Document{Named: h.Key, ID: h.Key, Title: d.Title, URL: d.ViewURL}))
		}
	}
	return list, nil
}

// missing says why a document is no result.
func (s *Service) missing(ctx context.Context, p *directory.Person, at corpus.Standing, hits int) (*Reason, error) {
	e, err := s.cfg.Directory.Explain(ctx, p.ID, at.Datasource, at.Readers)
	switch {
	case err != nil:
		return nil, err
	case !e.Sees:
		return &Reason{Code: CodeNotSeen, Words: called(p) + " does not see this document, so no search of theirs finds it.", Mend: "Ask why under Access."}, nil
	case at.Position > s.cfg.Indexed():
		return &Reason{Code: CodeNotIndexed, Words: "Its latest change has not reached the search index yet.", Mend: "Ask again in a few seconds."}, nil
	case hits == index.MaxSize:
		return &Reason{Code: CodeNotMatched, Words: fmt.Sprintf("It is not among the first %d results.", index.MaxSize), Mend: "Add a word that it has, or a filter."}, nil
	}
	return &Reason{
		Code: CodeNotMatched, Words: called(p) + " sees the document, but it has none of the query's words, or a phrase, a negation or a filter leaves it out.",
		Mend: "Try the query with fewer demands.",
	}, nil
}

func worded(h index.Hit) bool { return h.Explanation != nil && h.Explanation.Text > 0 }

// ranked puts the score of hits[at] in words. Scores tell of all documents, those that the administrator may not see included: how rare a
// word is decides them. So only shares and ratios leave here, in steps of five percent, which tell little more than the order does.
func ranked(hits []index.Hit, at int, d Document) Ranked {
	r := Ranked{Place: at + 1, Document: d, Factors: []Factor{}}
	h := hits[at]
	if !worded(h) {
		return r
	}
	if best := hits[0].Score; best > 0 {
		r.Strength = coarse(h.Score / best)
	}
	e := h.Explanation
	for _, w := range e.Words {
		if w.Score > 0 {
			r.Factors = append(r.Factors, Factor{
				Code: "word", Text: w.Text, Percent: coarse(w.Score / e.Text),
				Words: "“" + w.Text + "” " + strength(w.Frequency) + ".",
			})
		}
	}
	for _, w := range e.Pairs {
		if w.Score > 0 {
			r.Factors = append(r.Factors, Factor{
				Code: "pair", Text: w.Text, Percent: coarse(w.Score / e.Text),
				Words: "“" + w.Text + "” stands there in this order.",
			})
		}
	}
	if e.Coverage < 1 {
		r.Factors = append(r.Factors, Factor{
			Code: "coverage", Percent: -coarse(1 - e.Coverage), Words: fmt.Sprintf("It lacks some of the query's words, which takes off about %d %%.", coarse(1-e.Coverage)),
		})
	} else {
		r.Factors = append(r.Factors, Factor{Code: "coverage", Words: "It has every word of the query, so nothing is taken off."})
	}
	return r.boosted(e.Boosts.Freshness, e.Boosts.Popularity, e.Boosts.Verification)
}

func (r Ranked) boosted(fresh, popular, verified float64) Ranked {
	for _, b := range []struct {
		code, words string
		value       float64
	}{
		{"freshness", "It was updated lately enough to gain %d %%.", fresh},
		{"popularity", "People use it, which adds %d %%.", popular},
		{"verification", "It is verified, which adds %d %%.", max(verified, 0)},
	} {
		if n := percent(b.value); n > 0 {
			r.Factors = append(r.Factors, Factor{Code: b.code, Percent: n, Words: fmt.Sprintf(b.words, n)})
		}
	}
	if n := percent(-verified); n > 0 {
		r.Factors = append(r.Factors, Factor{Code: "verification", Percent: -n, Words: fmt.Sprintf("It is marked as out of date, which takes off %d %%.", n)})
	}
	return r
}

// strength says how strongly a word stands in a document, by its weighed frequency against the one at which it counts half of what it
// can (package rank).
func strength(frequency float64) string {
	switch {
	case frequency >= 4:
		return "stands in the title or often"
	case frequency >= 1:
		return "stands there well"
	}
	return "stands there once or in a long text"
}

// coarse rounds to steps of five percent; what is there at all counts five.
func coarse(f float64) int {
	if f <= 0 {
		return 0
	}
	return max(int(f*20+0.5)*5, 5)
}

// percent rounds to whole percent.
func percent(f float64) int { return int(f*100 + 0.5) }
