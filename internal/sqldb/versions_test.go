package sqldb

import (
	"log/slog"
	"testing"
	"time"
)

// TestReadThatBeganBeforeACommit: it does not take back what this process has raised meanwhile, and
// a later one may.
func TestReadThatBeganBeforeACommit(t *testing.T) {
	v := newVersions(nil, slog.New(slog.DiscardHandler))
	began, seq := time.Now(), v.seq
	v.set(map[string]int64{"a": 7})
	for _, c := range []struct {
		name string
		read []version
		seq  int64
		want int64
	}{
		{"a read from before", []version{{"a", 6}, {"b", 1}}, seq, 7},
		{"one that knows more", []version{{"a", 8}, {"b", 1}}, seq, 8},
		{"one from before the row was there", []version{{"b", 1}}, seq, 8},
		{"a read from after, as a restore leaves it", []version{{"a", 2}, {"b", 1}}, v.seq, 2},
	} {
		v.absorb(c.read, began, c.seq)
		if got := v.view.Load(); got.n["a"] != c.want || got.n["b"] != 1 || !got.readAt.Equal(began) {
			t.Errorf("%s: the view is %v, want a = %d, b = 1", c.name, got, c.want)
		}
	}
}
