package contract

import (
	"testing"
	"time"
)

// TestStanding holds the facts of deprecation against the operations: each names one, and none that the description calls
// deprecated is left out.
func TestStanding(t *testing.T) {
	known := map[string]Operation{}
	for _, op := range Operations() {
		known[op.Name()] = op
	}
	undated, experimental := 0, 0
	for name, s := range Standing() {
		if _, ok := known[name]; !ok {
			t.Errorf("deprecations.tsv names %s, which is no operation", name)
		}
		if s.Deprecated && s.Removal.IsZero() {
			undated++
		}
		if !s.Removal.IsZero() && s.Removal.Before(time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s is removed on %v, before its description was written", name, s.Removal)
		}
		if s.Experimental {
			experimental++
		}
	}
	if undated != 1 {
		t.Errorf("%d deprecated operations have no day of removal, want indexemployeelist alone", undated)
	}
	if experimental != 30 {
		t.Errorf("%d experimental operations, want 30", experimental)
	}
}
