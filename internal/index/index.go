// Package index is how sheaf searches: the interface that every search engine fulfils, the questions and
// answers that pass through it, and the gate that rooms use.
//
// Its one idea is that a question without permissions cannot be asked. Every read of an engine takes a
// grant.Access, and hits, totals, facets, suggestions, known words and highlights speak of documents within
// that access only. Rooms do not see engines at all: they hold an Index, which takes a grant.Caller and
// finds the access itself. Only the wiring in cmd/sheaf, the indexer and tests touch an Engine.
//
// The engines are index/plain (exhaustive, in memory, the oracle of the tests) and adapters to come; index/indextest is
// the suite that says what each of them owes. Everything in an engine is derived from SQL, so that an engine may be
// thrown away and built again.
package index

import (
	"context"
	"errors"
	"time"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// Engine keeps documents and answers questions about them. All methods may be called at the same time, save
// that there is one caller of Apply.
type Engine interface {
	// Apply makes a batch of changes, all or none of them. When it returns, snapshots taken from then on show them. Changes at or
	// before State().Position are skipped, so that a batch may be replayed. It fails with ErrIncarnation, and changes nothing,
	// when the batch is of another incarnation than the engine holds; an empty engine takes on the batch's.
	//
	// An engine that several processes read may show the others some of a batch before it returns, and after a crash. That is safe: each
	// change is a whole document with its readers, and the Position is that of before until all of it is there, so that what is missing
	// comes again.
	Apply(ctx context.Context, batch Batch) error
	// Snapshot returns a view of the engine at this moment, which later changes do not touch. It must be closed, and within
	// SnapshotAge: an engine may end older ones, whose methods then fail.
	Snapshot(ctx context.Context) (Snapshot, error)
	// State says what the engine holds.
	State() State
	// Close makes what was applied durable, where the engine can, and ends the engine. Snapshots still open stay readable.
	Close() error
}

// Snapshot is a point-in-time view of an engine. Its methods may be called at the same time, Close once
// after all of them. They return ctx.Err() as it is when ctx ends before the answer is complete.
type Snapshot interface {
	// Search finds the best documents for a query, and counts when asked to.
	Search(ctx context.Context, access grant.Access, q Query) (Result, error)
	// Suggest completes what someone is typing.
	Suggest(ctx context.Context, access grant.Access, q SuggestQuery) (Suggestions, error)
	// Spell says of each word whether access can see a document that has it, and offers near words that it can see if not.
	Spell(ctx context.Context, access grant.Access, q SpellQuery) ([]Spelling, error)
	// Position is the place in the change queue up to which this view holds everything.
	Position() int64
	// Close frees what the snapshot held.
	Close() error
}

// SnapshotAge is how long a snapshot can be used: more than twice as long as a request may take.
const SnapshotAge = 5 * time.Minute

// Momentary is what an Engine offers beside Snapshot where holding a view costs it: a view for a single question, whose moment is that of
// the question. It must be closed all the same.
type Momentary interface {
	Moment(ctx context.Context) (Snapshot, error)
}

// ErrIncarnation is what Apply fails with when a batch comes from another history than the engine's
// documents: the engine must be built again.
var ErrIncarnation = errors.New("index: batch of another incarnation")

// State says what an engine holds. The zero State is that of an empty engine.
type State struct {
	// Incarnation names the history of the change queue that the documents come from.
	Incarnation string
	// Position is the place in the queue up to which snapshots show everything.
	Position int64
	// Durable is the place from which a restart would go on: at most Position, and 0 for an engine in memory.
	Durable int64
	// Analyzer is the analysis.Version that the documents were taken apart with.
	Analyzer int
	// Documents counts the live documents. It is for operators, not for answers.
	Documents int
}

// Batch is a stretch of the change queue.
type Batch struct {
	// Incarnation names the queue's history.
	Incarnation string
	// Changes in the order of the queue. A key may occur more than once; the last one holds.
	Changes []Change
	// Through is the place in the queue that is complete once the batch is applied. It may lie past the last change. It is 0
	// for all but the last batch of a first fill, whose changes all carry the position at which the fill began.
	Through int64
}

// Change is one document put in, replaced or taken out.
type Change struct {
	// Position is the change's place in the queue.
	Position int64
	// Key names the document.
	Key string
	// Document is the whole new content, with the same Key; nil takes the document out. An engine keeps it: nothing in it may
	// change afterwards.
	Document *Document
}

// Document is what an engine knows of a document.
type Document struct {
	// Key is a stable name. Equal scores are ordered by it, byte by byte.
	Key string
	// Readers are the principals who may see the document, in any order. None means nobody.
	Readers []uint32
	// Locale says which language's stems the text has, as a BCP 47 tag; empty means English.
	Locale string

	// Title, Body, Path, Authors and Tags are the text that is searched. Path is where the document lives: folders,
	// a container's name. Title and Body are also what highlights are cut from.
	Title   string
	Body    string
	Path    string
	Authors []string
	Tags    []string

	// Facets are the values that can be filtered by and counted, by field: datasource, type, author, tag, status,
	// container, and custom properties under their own names. Repeats within a field count once. An engine may leave out values
	// and names of more than MaxValue bytes.
	Facets map[string][]string
	// Updated and Created are Unix seconds, 0 when unknown. They can be filtered by as FieldUpdated and FieldCreated.
	Updated, Created int64
	// Numbers are further values for ranges, by field: dates among the custom properties, say.
	Numbers map[string]int64

	// Popularity is how much the document is used against others, from 0 to 1.
	Popularity float64
	// Verification is what people have said of the document's truth.
	Verification Verification
}

// Verification is what people have said of a document's truth.
type Verification int8

// The states of verification.
const (
	Unverified Verification = 0
	Verified   Verification = 1
	Deprecated Verification = -1
)

// FieldWithin is the facet of the container that a document is directly in, by the container's key: "datasource/objectType/id", with an empty type where
// the datasource does not tell it. No custom property can be called so.
const FieldWithin = "container/id"

// FieldUpdated and FieldCreated are the names of a document's own times in a Within.
const (
	FieldUpdated = "updated"
	FieldCreated = "created"
)
