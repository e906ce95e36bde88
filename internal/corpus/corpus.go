// Package corpus keeps datasources, documents and who may read them: the truth that the search index
// is derived from.
//
// Its one idea is the change queue. Every change of a document puts an entry into the queue in the
// same transaction, at a position that commits in order, so that an index which has followed the
// queue to some position has missed nothing before it and can be thrown away and built again.
//
// Every read takes a Caller and answers only what that caller may see; what is hidden does not
// exist. Writes take the Caller too, and refuse datasources that a connector's token does not cover.
// The rooms read documents here, intake writes them, and the indexer alone follows the queue.
package corpus

import (
	"context"
	"sync"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Config says how a corpus behaves.
type Config struct {
	// HideNewDatasources keeps a new datasource hidden until an administrator shows it.
	HideNewDatasources bool
}

// Corpus is the documents of one server. It is safe for concurrent use.
type Corpus struct {
	db  *sqldb.DB
	dir *directory.Directory
	cfg Config

	wakeLock sync.Mutex    // guards wake
	wake     chan struct{} // closed at the next commit of a change

	outlines outlines
	marks    marks
	refusals refusals
	declared definitionCache
}

// Open returns the corpus kept in db, whose readers dir knows.
func Open(ctx context.Context, db *sqldb.DB, dir *directory.Directory, cfg Config) (*Corpus, error) {
	if err := begin(ctx, db); err != nil {
		return nil, err
	}
	return &Corpus{db: db, dir: dir, cfg: cfg, wake: make(chan struct{})}, nil
}

// mayIndex refuses callers who may not write a datasource.
func mayIndex(c grant.Caller, datasource string) error {
	if !c.MayIndex(datasource) {
		return fault.Newf(fault.Forbidden, "This token does not cover the datasource %q.", datasource).WithField("datasource")
	}
	return nil
}

// maintains refuses callers other than the server itself.
func maintains(c grant.Caller) error {
	if !c.Is(grant.Maintenance) {
		return fault.New(fault.Forbidden, "Only the server itself may do this.")
	}
	return nil
}

// administers refuses callers other than administrators and the server itself.
func administers(c grant.Caller) error {
	if c.Is(grant.Maintenance) || c.Administers() {
		return nil
	}
	return fault.New(fault.Forbidden, "Only administrators may do this.")
}
