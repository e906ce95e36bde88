// Package plain is a search engine in memory that is obviously right: it looks at every document that could match and keeps
// nothing clever.
//
// It stays for ever as the oracle that other engines are tested against, and serves tests and small demos. Its one idea is that a
// snapshot is a list of immutable segments: Apply adds one, marks what it replaces as dead in copies, and publishes a new list.
// It loses everything when it is closed. The wiring in cmd/sheaf and tests call it.
package plain

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/analysis"
)

// New returns an empty engine.
func New() index.Engine {
	return &engine{view: &view{}, places: map[string]place{}}
}

type engine struct {
	apply  sync.Mutex       // held by the one Apply that runs; guards places
	places map[string]place // where the live document of each key is

	mu          sync.RWMutex // guards what follows
	view        *view
	incarnation string
	closed      bool
}

// place is a document's segment and its number there.
type place struct {
	segment *segment
	doc     uint32
}

var errClosed = errors.New("plain: engine is closed")

func (e *engine) Snapshot(context.Context) (index.Snapshot, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, errClosed
	}
	return e.view, nil
}

func (e *engine) State() index.State {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return index.State{
		Incarnation: e.incarnation,
		Position:    e.view.position,
		Analyzer:    analysis.Version,
		Documents:   e.view.stats.Documents,
	}
}

func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed, e.view, e.incarnation = true, &view{}, ""
	return nil
}

func (e *engine) Apply(ctx context.Context, batch index.Batch) error {
	e.apply.Lock()
	defer e.apply.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.RLock()
	old, incarnation, closed := e.view, e.incarnation, e.closed
	e.mu.RUnlock()
	if closed {
		return errClosed
	}
	if incarnation != "" && incarnation != batch.Incarnation {
		return index.ErrIncarnation
	}
	next := old.with(batch.Changes, e.places)
	next.position = max(old.position, batch.Through)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	e.view, e.incarnation = next, batch.Incarnation
	return nil
}

// with returns a view in which the changes are made, and keeps places in step.
func (v *view) with(changes []index.Change, places map[string]place) *view {
	last := map[string]*index.Document{}
	var keys []string
	for _, c := range changes {
		if c.Position <= v.position {
			continue
		}
		if _, again := last[c.Key]; !again {
			keys = append(keys, c.Key)
		}
		last[c.Key] = c.Document
	}
	next := &view{segments: slices.Clone(v.segments), stats: v.stats}
	var added []*document
	dead := map[*segment][]uint32{}
	for _, key := range keys {
		if p, present := places[key]; present {
			dead[p.segment] = append(dead[p.segment], p.doc)
			next.stats.Add(&p.segment.docs[p.doc].lengths, -1)
			delete(places, key)
		}
		if d := last[key]; d != nil {
			added = append(added, newDocument(d))
		}
	}
	for i, s := range next.segments {
		if list := dead[s.segment]; list != nil {
			next.segments[i] = s.without(list)
		}
	}
	if len(added) > 0 {
		s := newSegment(added)
		for i, d := range added {
			places[d.Key] = place{s, uint32(i)}
			next.stats.Add(&d.lengths, 1)
		}
		next.segments = append(next.segments, part{segment: s, live: len(added)})
	}
	next.merge(places)
	next.norms = next.stats.Norms()
	return next
}

// merge joins the last segments as long as they are of like size, so that there are few of them and each document is
// joined few times.
func (v *view) merge(places map[string]place) {
	v.segments = slices.DeleteFunc(v.segments, func(p part) bool { return p.live == 0 })
	for i := len(v.segments) - 1; i >= 0; i-- {
		p := v.segments[i]
		if i > 0 && 2*p.live >= v.segments[i-1].live {
			v.segments = append(v.segments[:i-1], join(v.segments[i-1:], places))
		} else if 2*p.live < len(p.docs) {
			v.segments[i] = join(v.segments[i:i+1], places)
		}
	}
}
