package search

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// holds reports whether a test of a date holds at a moment.
func holds(t *testing.T, f index.Filter, at int64) bool {
	t.Helper()
	w, ok := f.(index.Within)
	if !ok {
		t.Fatalf("the test of a date is %#v", f)
	}
	return w.From <= at && (at < w.To || w.To == math.MaxInt64)
}

// TestDateTable says which words each relation takes.
func TestDateTable(t *testing.T) {
	all := []string{
		"today", "yesterday", "past_day", "past_week", "past_month", "past_year", "past_3_days", "past_1_week", "past_2_weeks", "past_6_months",
		"past_9999_years", "last_day", "last_week", "last_month", "last_year", "last_3_days", "2026-03-01", "Past Week", " today ",
	}
	takes := map[wire.RelationType][]string{
		"":             all,
		wire.Equals:    all,
		wire.IDEquals:  all,
		wire.LessThan:  {"today", "yesterday", "past_day", "past_week", "past_month", "last_day", "last_week", "last_month", "2026-03-01", "Past Week", " today "},
		wire.GreatThan: {"yesterday", "2026-03-01"},
	}
	none := []string{"", "tomorrow", "2026-02-30", "2026-3-1", "past_week_", "past__days", "past_12345_days", "next_week", "2026-03-01T00:00:00Z", "soon"}
	for relation, words := range takes {
		taken := map[string]bool{}
		for _, w := range words {
			taken[w] = true
		}
		for _, w := range append(none, all...) {
			if _, v := date(now, fieldUpdated, relation, w); (v == usable) != taken[w] {
				t.Errorf("date(%q, %q) is usable: %v, want %v", relation, w, v == usable, taken[w])
			}
		}
	}
}

// TestDaysPartTime holds, at any moment in any zone, that a moment is before a day, in it, or after it, and one of these only; that
// today is the day that it is there; and that the spans do not depend on the zone.
func TestDaysPartTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		minutes := []int{-14 * 60, -660, -210, 0, 330, 345, 13 * 60, 14 * 60, r.IntN(2*14*60+1) - 14*60}[r.IntN(9)]
		moment := time.Unix(r.Int64N(4_000_000_000)-1_000_000_000, 0)
		there := moment.In(zone(minutes))
		day := there.AddDate(0, 0, r.IntN(9)-4).Format(time.DateOnly)
		at := moment.Unix() + r.Int64N(14*86400) - 7*86400
		test := func(relation wire.RelationType, word string) bool {
			t.Helper()
			f, v := date(there, fieldUpdated, relation, word)
			if v != usable {
				t.Fatalf("date(%s, %q) cannot be used", relation, word)
			}
			return holds(t, f, at)
		}
		n := 0
		for _, relation := range []wire.RelationType{wire.LessThan, wire.Equals, wire.GreatThan} {
			if test(relation, day) {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("of before, in and after %s in zone %d, %d hold at %d", day, minutes, n, at)
		}
		atThere := time.Unix(at, 0).In(zone(minutes)).Format(time.DateOnly)
		if test(wire.Equals, day) != (atThere == day) {
			t.Fatalf("%d, which is %s in zone %d, is in %s: %v", at, atThere, minutes, day, atThere != day)
		}
		if test(wire.Equals, "today") != test(wire.Equals, there.Format(time.DateOnly)) ||
			test(wire.Equals, "yesterday") != test(wire.Equals, there.AddDate(0, 0, -1).Format(time.DateOnly)) ||
			test(wire.GreatThan, "yesterday") == test(wire.LessThan, "today") ||
			test(wire.LessThan, "yesterday") && test(wire.Equals, "yesterday") {
			t.Fatalf("today, yesterday and what lies around them do not fit at %d in zone %d", at, minutes)
		}
		for _, word := range []string{"past_day", "past_week", "past_month", "past_year", "past_17_days", "past_5_months"} {
			here, _ := date(moment.UTC(), fieldUpdated, wire.Equals, word)
			if test(wire.Equals, word) != holds(t, here, at) {
				t.Fatalf("%s depends on the zone %d", word, minutes)
			}
		}
	}
}

// TestMonths holds that a month before the last of a long month is the last of a short one.
func TestMonths(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, c := range []struct {
		now  string
		n    int
		want string
	}{
		{"2026-03-31", 1, "2026-02-28"},
		{"2024-03-31", 1, "2024-02-29"},
		{"2026-03-28", 1, "2026-02-28"},
		{"2026-01-15", 1, "2025-12-15"},
		{"2024-02-29", 12, "2023-02-28"},
		{"2026-12-31", 3, "2026-09-30"},
		{"2026-05-01", 5, "2025-12-01"},
	} {
		if got := months(at(c.now), c.n); !got.Equal(at(c.want)) {
			t.Errorf("months(%s, %d) = %s, want %s", c.now, c.n, got.Format(time.DateOnly), c.want)
		}
	}
}

// FuzzDate holds that no text makes a test of a date anything but a span in order, or nothing.
func FuzzDate(f *testing.F) {
	for _, seed := range []string{"today", "past_3_days", "2026-01-31", "last_9999_years", "0000-01-01", "9999-12-31", "past_0_days"} {
		f.Add(seed, 330, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, value string, minutes int, at int64) {
		at %= 1 << 36 // some two thousand years
		for _, relation := range []wire.RelationType{wire.Equals, wire.LessThan, wire.GreatThan, "?"} {
			test, v := date(time.Unix(at, 0).In(zone(minutes)), fieldUpdated, relation, value)
			w, is := test.(index.Within)
			if is != (v == usable) || is && w.From > w.To {
				t.Fatalf("date(%q, %q) = %#v, %v", relation, value, test, v)
			}
		}
	})
}
