package plain_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/index/plain"
)

func TestReadersOfLiveDocuments(t *testing.T) {
	engine := plain.New()
	put := func(position int64, key string, readers ...uint32) {
		t.Helper()
		change := index.Change{Position: position, Key: key}
		if readers != nil {
			change.Document = &index.Document{Key: key, Title: "a", Readers: readers}
		}
		if err := engine.Apply(t.Context(), index.Batch{Incarnation: "x", Changes: []index.Change{change}, Through: position}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, "kept", 1, 2)
	put(2, "replaced", 1)
	put(3, "gone", 1)
	put(4, "replaced", 7)
	put(5, "gone")
	put(6, "not asked for", 1)
	for _, c := range []struct {
		access grant.Access
		want   map[string][]uint32
	}{
		{grant.MintFullAccess(), map[string][]uint32{"kept": {1, 2}, "replaced": {7}}},
		{grant.MintAccess([]uint32{1, 2, 7}, ""), nil}, // who may see all of them is not told who else may
	} {
		x := index.New(engine, func(context.Context, grant.Caller) (grant.Access, error) { return c.access, nil })
		r, err := x.Reader(t.Context(), grant.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Readers(t.Context(), []string{"kept", "replaced", "gone", "never there"})
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("Readers, %v (-want +got):\n%s", err, diff)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
