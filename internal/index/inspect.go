package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Inspector is what a Snapshot offers beside its questions where its engine can say who may see a document. It is there
// to check an engine against the corpus.
type Inspector interface {
	// Readers returns the readers of those of the keys that are live documents, in any order.
	Readers(ctx context.Context, keys []string) (map[string][]uint32, error)
}

// Readers returns who may see those of the documents that the index holds. Only a caller who sees everything may ask. It
// fails with errors.ErrUnsupported where the engine cannot tell.
func (r *Reader) Readers(ctx context.Context, keys []string) (map[string][]uint32, error) {
	if !r.access.Everything() {
		return nil, fault.New(fault.Forbidden, "only the server itself asks who may see a document")
	}
	inspector, can := r.snapshot.(Inspector)
	if !can {
		return nil, fmt.Errorf("readers of documents in this engine: %w", errors.ErrUnsupported)
	}
	return inspector.Readers(ctx, keys)
}
