package index

import (
	"context"
	"sync"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
)

// Index is the gate before an engine: whoever asks names the caller, and the gate finds what that caller may see. It may be
// used by many at once. The engine behind it can be replaced while it is in use.
type Index struct {
	access func(context.Context, grant.Caller) (grant.Access, error)

	mu     sync.RWMutex // guards engine, so that none is closed between being found and giving a snapshot
	engine Engine
}

// New returns the gate before engine, which it owns from then on. The function access says what a caller may see; it is asked once per question.
func New(engine Engine, access func(context.Context, grant.Caller) (grant.Access, error)) *Index {
	return &Index{engine: engine, access: access}
}

// Reader answers several questions of one caller from one snapshot and with one access.
type Reader struct {
	snapshot Snapshot
	access   grant.Access
}

// Reader returns a Reader for the caller at this moment. It must be closed, and soon: what the caller may see is not asked again.
func (x *Index) Reader(ctx context.Context, c grant.Caller) (*Reader, error) {
	return x.reader(ctx, c, false)
}

// reader returns a Reader, for a single question where once is true.
func (x *Index) reader(ctx context.Context, c grant.Caller, once bool) (*Reader, error) {
	access, err := x.access(ctx, c)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	take := x.engine.Snapshot
	if e, can := x.engine.(Momentary); can && once {
		take = e.Moment
	}
	snapshot, err := take(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{snapshot, access}, nil
}

// Search finds documents. It fails with fault.Invalid when q is over a limit, and with ctx.Err() when the time is up.
func (r *Reader) Search(ctx context.Context, q Query) (Result, error) {
	if err := q.check(); err != nil {
		return Result{}, err
	}
	return r.snapshot.Search(ctx, r.access, q)
}

// Suggest completes what someone is typing.
func (r *Reader) Suggest(ctx context.Context, q SuggestQuery) (Suggestions, error) {
	if err := q.check(); err != nil {
		return Suggestions{}, err
	}
	return r.snapshot.Suggest(ctx, r.access, q)
}

// Spell says of each word whether the caller can see a document that has it.
func (r *Reader) Spell(ctx context.Context, q SpellQuery) ([]Spelling, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	return r.snapshot.Spell(ctx, r.access, q)
}

// Position is the place in the change queue that the answers reflect.
func (r *Reader) Position() int64 { return r.snapshot.Position() }

// Close ends the reader.
func (r *Reader) Close() error { return r.snapshot.Close() }

// Search answers one question; see Reader.Search.
func (x *Index) Search(ctx context.Context, c grant.Caller, q Query) (Result, error) {
	return ask(ctx, x, c, func(r *Reader) (Result, error) { return r.Search(ctx, q) })
}

// Suggest answers one question; see Reader.Suggest.
func (x *Index) Suggest(ctx context.Context, c grant.Caller, q SuggestQuery) (Suggestions, error) {
	return ask(ctx, x, c, func(r *Reader) (Suggestions, error) { return r.Suggest(ctx, q) })
}

// Spell answers one question; see Reader.Spell.
func (x *Index) Spell(ctx context.Context, c grant.Caller, q SpellQuery) ([]Spelling, error) {
	return ask(ctx, x, c, func(r *Reader) ([]Spelling, error) { return r.Spell(ctx, q) })
}

func ask[T any](ctx context.Context, x *Index, c grant.Caller, question func(*Reader) (T, error)) (T, error) {
	r, err := x.reader(ctx, c, true)
	if err != nil {
		var none T
		return none, err
	}
	answer, err := question(r)
	if closed := r.Close(); err == nil {
		err = closed
	}
	return answer, err
}

// Apply changes the engine. Only a maintenance caller may, and only one at a time.
func (x *Index) Apply(ctx context.Context, c grant.Caller, batch Batch) error {
	if !c.Is(grant.Maintenance) {
		return fault.New(fault.Forbidden, "only the server itself changes its index")
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.engine.Apply(ctx, batch)
}

// Replace puts another engine, built beside the present one, in its place and closes the old one. Only a maintenance caller may.
func (x *Index) Replace(c grant.Caller, engine Engine) error {
	if !c.Is(grant.Maintenance) {
		return fault.New(fault.Forbidden, "only the server itself replaces its index")
	}
	x.mu.Lock()
	old := x.engine
	x.engine = engine
	x.mu.Unlock()
	return old.Close()
}

// State says what the engine holds.
func (x *Index) State() State {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.engine.State()
}

// Close closes the engine.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.engine.Close()
}
