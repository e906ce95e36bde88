package activity

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { return c.forth(time.Second) }

func (c *clock) forth(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

func open(t *testing.T, db *sqldb.DB, cfg Config) *Log {
	t.Helper()
	l := Open(db, cfg)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return l
}

func person(id string) grant.Caller { return grant.Mint(&grant.Facts{Kind: grant.User, Person: id}) }

func flush(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func history(t *testing.T, l *Log, c grant.Caller) []string {
	t.Helper()
	keys, err := l.History(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func texts(t *testing.T, l *Log, c grant.Caller) []string {
	t.Helper()
	list, err := l.Searches(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, s := range list {
		found = append(found, s.Text)
	}
	return found
}

func TestViews(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		l := open(t, db, Config{Now: (&clock{at: time.Unix(1_700_000_000, 0)}).now})
		ada, bo := person("ada"), grant.Mint(&grant.Facts{Kind: grant.Global, Person: "bo"})
		for _, key := range []string{"a", "b", "a", "c"} {
			l.View(ada, key)
		}
		flush(t, l)
		l.View(ada, "b")
		l.View(bo, "a")
		flush(t, l)
		if diff := cmp.Diff([]string{"b", "c", "a"}, history(t, l, ada)); diff != "" {
			t.Errorf("Ada's history (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a"}, history(t, l, bo)); diff != "" {
			t.Errorf("Bo's history (-want +got):\n%s", diff)
		}
		recent, err := l.Recent(t.Context(), ada, 2)
		if err != nil || len(recent) != 2 || recent[0].Document != "b" || recent[0].Times != 2 || recent[1].Document != "c" {
			t.Errorf("Recent(ada, 2) = %+v, %v, want b twice and c", recent, err)
		}
		last, err := l.LastViewed(t.Context(), ada, []string{"b", "x"})
		if err != nil || len(last) != 1 || !last["b"].Equal(recent[0].At) {
			t.Errorf("LastViewed = %v, %v, want that of b, %v", last, err, recent[0].At)
		}
		visitors, err := l.Visitors(t.Context(), []string{"a", "b", "x"})
		if diff := cmp.Diff(map[string]int64{"a": 2, "b": 1}, visitors); diff != "" || err != nil {
			t.Errorf("Visitors (-want +got), %v:\n%s", err, diff)
		}
	})
}

func TestSearches(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		l := open(t, db, Config{})
		ada := person("ada")
		for _, text := range []string{"tides", " High  water ", "TIDES", "", "  ", string(make([]byte, 3)), "bad\xff", fmt.Sprintf("%0600d", 1)} {
			l.Search(ada, text)
		}
		want := []string{"TIDES", "High  water"}
		if diff := cmp.Diff(want, texts(t, l, ada)); diff != "" {
			t.Errorf("before the write (-want +got):\n%s", diff)
		}
		flush(t, l)
		if diff := cmp.Diff(want, texts(t, l, ada)); diff != "" {
			t.Errorf("after the write (-want +got):\n%s", diff)
		}
		other := open(t, db, Config{})
		if diff := cmp.Diff(want, texts(t, other, ada)); diff != "" {
			t.Errorf("on another node (-want +got):\n%s", diff)
		}
		if got := texts(t, other, person("bo")); len(got) != 0 {
			t.Errorf("Bo is offered %q", got)
		}
	})
}

func TestNobodyLeavesATrace(t *testing.T) {
	db := sqldbtest.Open(t)
	l := open(t, db, Config{})
	for _, c := range []grant.Caller{
		{},
		grant.Mint(&grant.Facts{Kind: grant.Anonymous, Token: "t"}),
		grant.Mint(&grant.Facts{Kind: grant.Indexing, Token: "t"}),
		grant.Mint(&grant.Facts{Kind: grant.Maintenance}),
		grant.Mint(&grant.Facts{Kind: grant.AdminSearch, Person: "root"}),
	} {
		l.View(c, "a")
		l.Search(c, "tides")
		flush(t, l)
		if _, err := l.Recent(t.Context(), c, 10); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("Recent(%s) = %v, want %v", c.Kind(), err, fault.Forbidden)
		}
		if got := history(t, l, c); len(got) != 0 {
			t.Errorf("History(%s) = %q, want none", c.Kind(), got)
		}
		if got := texts(t, l, c); len(got) != 0 {
			t.Errorf("Searches(%s) = %q, want none", c.Kind(), got)
		}
	}
	if n := rows(t, db); n != 0 {
		t.Errorf("%d rows were written, want none", n)
	}
}

// rows counts all that is kept.
func rows(t *testing.T, db *sqldb.DB) (n int64) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqldb.Tx) (err error) {
		n, err = sqldb.One(t.Context(), tx, sqldb.ScanInt, "SELECT (SELECT COUNT(*) FROM views) + (SELECT COUNT(*) FROM searches)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPersonsActivityIsBounded(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		l := open(t, db, Config{Now: (&clock{at: time.Unix(1_700_000_000, 0)}).now})
		ada := person("ada")
		for i := range MaxViews + 50 {
			l.View(ada, fmt.Sprintf("d%d", i))
			l.Search(ada, fmt.Sprintf("s%d", i%(MaxSearches+50)))
		}
		flush(t, l)
		// Rows come to SQL in any order, so the last statement decides what is too much.
		l.View(ada, "last")
		l.Search(ada, "last")
		flush(t, l)
		keys := history(t, l, ada)
		if len(keys) != MaxViews || keys[0] != "last" || keys[1] != fmt.Sprintf("d%d", MaxViews+49) {
			t.Errorf("the history has %d documents from %q, want the newest %d", len(keys), keys[:2], MaxViews)
		}
		if n := rows(t, db); n != MaxViews+MaxSearches {
			t.Errorf("%d rows are kept, want %d", n, MaxViews+MaxSearches)
		}
		if got := texts(t, l, ada); len(got) != MaxSearches || got[0] != "last" {
			t.Errorf("%d searches from %q, want %d from the last", len(got), got[0], MaxSearches)
		}
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	l := open(t, sqldbtest.Open(t), Config{})
	l.writing.Lock() // the database is slow
	for i := range maxPending + 10 {
		l.View(person("ada"), fmt.Sprintf("d%d", i))
	}
	l.mu.Lock()
	size, lost := l.pending.size(), l.lost
	l.mu.Unlock()
	l.writing.Unlock()
	if size != maxPending || lost != 10 {
		t.Errorf("%d wait and %d are lost, want %d and 10", size, lost, maxPending)
	}
}

func TestPrune(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		d := directory.New(db)
		gone, err := d.Add(t.Context(), directory.NewPerson{Email: "gone@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		c := &clock{at: time.Unix(1_700_000_000, 0)}
		l := open(t, db, Config{Retention: 24 * time.Hour, Now: c.now})
		l.View(person("ada"), "old")
		l.Search(person("ada"), "old")
		flush(t, l)
		c.forth(25 * time.Hour)
		l.View(person("ada"), "new")
		l.Search(person("ada"), "new")
		l.View(person(gone.ID), "a")
		l.Search(person(gone.ID), "a")
		flush(t, l)
		if err := l.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"new"}, history(t, l, person("ada"))); diff != "" {
			t.Errorf("history after the retention (-want +got):\n%s", diff)
		}
		if n := rows(t, db); n != 4 {
			t.Errorf("%d rows are left, want 4", n)
		}
		if _, err := d.Remove(t.Context(), gone.ID, gone.Sources[0].Source); err != nil {
			t.Fatal(err)
		}
		if err := l.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := rows(t, db); n != 2 {
			t.Errorf("%d rows are left once the person is gone, want 2", n)
		}
	})
}

func TestErase(t *testing.T) {
	db := sqldbtest.Open(t)
	l := open(t, db, Config{})
	for _, c := range []grant.Caller{person("ada"), person("bo")} {
		l.View(c, "a")
		l.Search(c, "tides")
	}
	flush(t, l)
	l.View(person("ada"), "b") // waits still
	if err := l.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	flush(t, l)
	if got, searched := history(t, l, person("ada")), texts(t, l, person("ada")); len(got) != 0 || len(searched) != 0 {
		t.Errorf("Ada has %q and %q, want nothing", got, searched)
	}
	if n := rows(t, db); n != 2 {
		t.Errorf("%d rows are left, want Bo's 2", n)
	}
}

func TestCloseWrites(t *testing.T) {
	db := sqldbtest.Open(t)
	l := Open(db, Config{})
	l.View(person("ada"), "a")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, db); n != 1 {
		t.Errorf("%d rows after Close, want 1", n)
	}
}

func TestWritesComeByThemselves(t *testing.T) {
	db := sqldbtest.Open(t)
	l := open(t, db, Config{})
	l.View(person("ada"), "a")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for rows(t, db) == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("nothing was written in ten seconds")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func BenchmarkView(b *testing.B) {
	l := Open(sqldbtest.Open(b), Config{})
	defer func() { _ = l.Close() }()
	c := person("ada")
	for i := 0; b.Loop(); i++ {
		l.View(c, "datasource/type/id")
	}
}
