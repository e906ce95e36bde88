package plain

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
	"github.com/sheafsearch/sheaf/internal/index/highlight"
	"github.com/sheafsearch/sheaf/internal/index/plan"
	"github.com/sheafsearch/sheaf/internal/index/rank"
)

// view is a snapshot: everything in it stays as it is.
type view struct {
	segments []part
	stats    rank.Statistics
	norms    *rank.Norms
	position int64
}

func (v *view) Position() int64 { return v.position }

func (v *view) Close() error { return nil }

// found is a document that matches, with what orders it.
type found struct {
	doc         *document
	score       float64
	explanation *rank.Explanation
}

// search is one question on its way through the documents.
type search struct {
	ctx    context.Context
	view   *view
	access grant.Access
	query  *index.Query
	plan   *plan.Plan
	now    int64
	sort   index.Sort
	holds  test
	weigh  scorer
	facets []*counter

	total int
	seen  int
	best  []found // the best so far, and some more
}

func (v *view) Search(ctx context.Context, access grant.Access, q index.Query) (index.Result, error) {
	if err := ctx.Err(); err != nil {
		return index.Result{}, err
	}
	s := &search{
		ctx: ctx, view: v, access: access, query: &q,
		plan: plan.New(q.Text, q.Languages), now: q.Now, sort: q.Sort, holds: compile(q.Filter),
	}
	if q.After != nil {
		s.now = q.After.Now
	}
	if s.sort == index.ByRelevance && !s.plan.Positive() {
		s.sort = index.ByNewest
	}
	s.weigh = newScorer(v, s.plan, allFields())
	for _, f := range q.Facets {
		s.facets = append(s.facets, newCounter(f, q.Filter))
	}
	for i := range v.segments {
		if err := s.part(&v.segments[i]); err != nil {
			return index.Result{}, err
		}
	}
	return s.result()
}

// part goes through the documents of one part.
func (s *search) part(p *part) error {
	m := newMatcher(p, s.plan, allFields())
	for _, number := range m.candidates() {
		if s.seen++; s.seen%256 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		d := p.docs[number]
		if !s.access.Admits(d.Readers) {
			continue
		}
		m.load(number, s.view.norms)
		if !s.plan.Matches(m.has) {
			continue
		}
		holds := s.holds(d)
		for _, c := range s.facets {
			c.add(d, holds)
		}
		if !holds {
			continue
		}
		s.total++
		s.offer(m, number)
	}
	return nil
}

// offer keeps a document if it may be among the hits.
func (s *search) offer(m *matcher, number uint32) {
	if s.query.Size == 0 {
		return
	}
	f := found{doc: m.part.docs[number]}
	if s.sort == index.ByRelevance {
		if s.query.Explain {
			f.explanation = &rank.Explanation{}
		}
		f.score = s.weigh.score(m, number, s.now, f.explanation)
	}
	if after := s.query.After; after != nil {
		last := found{doc: &document{Document: &index.Document{Key: after.Key, Updated: after.Time}}, score: after.Score}
		if s.compare(f, last) <= 0 {
			return
		}
	}
	s.best = append(s.best, f)
	if keep := s.query.Size + 1; len(s.best) >= 2*keep+256 {
		s.shrink(keep)
	}
}

func (s *search) shrink(keep int) {
	slices.SortFunc(s.best, s.compare)
	if len(s.best) > keep {
		clear(s.best[keep:])
		s.best = s.best[:keep]
	}
}

// compare orders hits: what comes first is less.
func (s *search) compare(a, b found) int {
	c := 0
	switch s.sort {
	case index.ByRelevance:
		c = cmp.Compare(b.score, a.score)
	case index.ByNewest:
		c = cmp.Compare(b.doc.Updated, a.doc.Updated)
		if c != 0 && (a.doc.Updated == 0 || b.doc.Updated == 0) { // unknown last, before the epoch too
			c = cmp.Compare(unknown(a), unknown(b))
		}
	case index.ByOldest:
		c = cmp.Compare(a.doc.Updated, b.doc.Updated)
		if c != 0 && (a.doc.Updated == 0 || b.doc.Updated == 0) {
			c = cmp.Compare(unknown(a), unknown(b))
		}
	case index.ByKey:
	}
	if c == 0 {
		c = strings.Compare(a.doc.Key, b.doc.Key)
	}
	return c
}

func unknown(f found) int {
	if f.doc.Updated == 0 {
		return math.MaxInt
	}
	return 0
}

// shower marks what a plan asks for in documents.
type shower struct {
	highlight.Marker
	begin   *analysis.Beginnings
	finders map[string]*analysis.Finder // by locale
}

func newShower(p *plan.Plan, weight func(int) float64) *shower {
	s := &shower{finders: map[string]*analysis.Finder{}}
	s.Weight = weight
	s.Wants, s.begin = p.Wants()
	return s
}

func (s *shower) finder(d *document) *analysis.Finder {
	f := s.finders[d.Locale]
	if f == nil {
		f = analysis.For(d.Locale).Finder(s.begin)
		s.finders[d.Locale] = f
	}
	return f
}

func (s *shower) title(d *document) index.Marked { return s.Mark(s.finder(d), d.Title) }

// result puts the answer together once every document was seen.
func (s *search) result() (index.Result, error) {
	r := index.Result{Hits: []index.Hit{}, Position: s.view.position}
	s.shrink(s.query.Size + 1)
	hits := s.best[:min(len(s.best), s.query.Size)]
	show := newShower(s.plan, func(g int) float64 { return s.weigh.rarity[g] })
	for _, f := range hits {
		if err := s.ctx.Err(); err != nil { // texts are long
			return index.Result{}, err
		}
		h := index.Hit{Key: f.doc.Key, Score: f.score, Explanation: f.explanation}
		if s.query.Highlight != nil {
			h.Title = show.title(f.doc)
			h.Snippets = show.Snippets(show.finder(f.doc), f.doc.Body, s.query.Highlight.Size, s.query.Highlight.Number)
		}
		r.Hits = append(r.Hits, h)
	}
	if len(s.best) > len(hits) && len(hits) > 0 {
		last := hits[len(hits)-1]
		r.Next = &index.Cursor{
			Score: last.score, Time: last.doc.Updated, Key: last.doc.Key, Now: s.now, Position: s.view.position,
		}
	}
	if s.query.Total {
		r.Total = s.total
	}
	for _, c := range s.facets {
		r.Facets = append(r.Facets, c.facet())
	}
	return r, nil
}
