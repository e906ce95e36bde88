package indexer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// hooked is an engine that calls before each batch.
type hooked struct {
	index.Engine
	before func() error
}

func (h hooked) Apply(ctx context.Context, b index.Batch) error {
	if err := h.before(); err != nil {
		return err
	}
	return h.Engine.Apply(ctx, b)
}

// rebuildable starts a node whose engines after the first one call before each batch.
func rebuildable(t *testing.T, db *sqldb.DB, before func(*node) error) (n *node, made *atomic.Int32) {
	t.Helper()
	made = new(atomic.Int32)
	ready := make(chan struct{})
	n = start(t, db, func() index.Engine {
		if made.Add(1) < 2 {
			return plain.New()
		}
		return hooked{plain.New(), func() error { <-ready; return before(n) }}
	})
	close(ready)
	return n, made
}

func queueReaders(t *testing.T, db *sqldb.DB, where string) (names []string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqldb.Tx) (err error) {
		names, err = sqldb.All(t.Context(), tx, sqldb.ScanText, "SELECT name FROM queue_readers WHERE "+where)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRebuildTakesUpWhatChangesMeanwhile(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		var once atomic.Bool
		n, made := rebuildable(t, db, func(n *node) error {
			if once.Swap(true) {
				return nil
			}
			// The documents are read and not yet in the new index. What happens now is known to the queue alone.
			n.must(n.corpus.Delete(t.Context(), connector, corpus.Ref{Datasource: "wiki", ObjectType: "Page", ID: "1"}, 0))
			n.put(page("4", everyone))
			n.catchUp() // the old index follows all the while
			if diff := cmp.Diff([]string{"wiki/Page/2", "wiki/Page/3", "wiki/Page/4"}, n.found(maintenance)); diff != "" {
				t.Errorf("found during the rebuild (-want +got):\n%s", diff)
			}
			// Every other reader is past it, so that only the rebuild itself keeps the queue from being cut.
			head, err := n.corpus.Head(t.Context(), maintenance)
			n.must(err)
			for _, name := range queueReaders(t, db, "name NOT LIKE 'rebuild-%'") {
				n.must(n.corpus.Reached(t.Context(), maintenance, name, head.Position))
			}
			return nil
		})
		n.datasource()
		n.put(page("1", everyone), page("2", everyone), page("3", everyone))
		n.catchUp()
		before := made.Load()
		var last int64
		n.must(n.Rebuild(t.Context(), func(done, total int64) {
			if done < last || total != 3 {
				t.Errorf("progress of %d of %d after %d", done, total, last)
			}
			last = done
		}))
		if last != 3 {
			t.Errorf("progress ended at %d, want 3", last)
		}
		if got := made.Load() - before; got != 1 {
			t.Errorf("the rebuild made %d engines, want 1: the queue keeps what it needs", got)
		}
		if diff := cmp.Diff([]string{"wiki/Page/2", "wiki/Page/3", "wiki/Page/4"}, n.found(maintenance)); diff != "" {
			t.Errorf("found after the rebuild (-want +got):\n%s", diff)
		}
		n.put(page("5", everyone))
		n.catchUp()
		if got := len(n.found(maintenance)); got != 4 {
			t.Errorf("the new index is not followed: %d documents, want 4", got)
		}
		if left := queueReaders(t, db, "name LIKE 'rebuild-%'"); len(left) > 0 {
			t.Errorf("readers of the queue that are left behind: %v", left)
		}
	})
}

func TestRebuildBeginsAgainWhereTheQueueIsRenewed(t *testing.T) {
	db := sqldbtest.Open(t)
	var once atomic.Bool
	n, _ := rebuildable(t, db, func(n *node) error {
		if !once.Swap(true) {
			n.must(n.corpus.Renew(t.Context(), maintenance))
		}
		return nil
	})
	n.datasource()
	n.put(page("1", everyone))
	n.catchUp()
	n.must(n.Rebuild(t.Context(), func(int64, int64) {}))
	head, err := n.corpus.Head(t.Context(), maintenance)
	n.must(err)
	n.catchUp()
	if got := n.index.State().Incarnation; got != head.Incarnation {
		t.Errorf("the index is of incarnation %q, the queue of %q", got, head.Incarnation)
	}
	if diff := cmp.Diff([]string{"wiki/Page/1"}, n.found(maintenance)); diff != "" {
		t.Errorf("found after the rebuild (-want +got):\n%s", diff)
	}
}

func TestRebuildThatFailsLeavesTheIndex(t *testing.T) {
	db := sqldbtest.Open(t)
	broken := errors.New("no space")
	n, _ := rebuildable(t, db, func(*node) error { return broken })
	n.datasource()
	n.put(page("1", everyone))
	n.catchUp()
	if err := n.Rebuild(t.Context(), func(int64, int64) {}); !errors.Is(err, broken) {
		t.Errorf("Rebuild with a broken engine = %v, want %v", err, broken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := n.Rebuild(ctx, func(int64, int64) {}); err == nil {
		t.Error("Rebuild without time = nil error")
	}
	n.put(page("2", everyone))
	n.catchUp()
	if diff := cmp.Diff([]string{"wiki/Page/1", "wiki/Page/2"}, n.found(maintenance)); diff != "" {
		t.Errorf("found after a failed rebuild (-want +got):\n%s", diff)
	}
}
