package audit

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// openDB opens a new database: SQLite, or PostgreSQL where the environment names a server.
func openDB(t testing.TB) *sqldb.DB {
	t.Helper()
	if os.Getenv(sqldbtest.Environment) != "" {
		return sqldbtest.OpenURL(t, sqldbtest.Postgres(t))
	}
	return sqldbtest.Open(t)
}

func openLog(t testing.TB, db *sqldb.DB, cfg Config) *Log {
	t.Helper()
	l, err := Open(t.Context(), db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func list(t testing.TB, l *Log, f Filter) []Entry {
	t.Helper()
	page, err := l.List(context.Background(), f)
	if err != nil {
		t.Fatalf("List(%+v): %v", f, err)
	}
	return page.Entries
}

func actions(entries []Entry) string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Action)
	}
	return strings.Join(names, " ")
}

func TestRecordedIsListed(t *testing.T) {
	l := openLog(t, openDB(t), Config{Origin: func(context.Context) (netip.Addr, string) {
		return netip.MustParseAddr("192.0.2.14"), "req1"
	}})
	at := time.UnixMicro(time.Now().UnixMicro()).UTC()
	want := Entry{
		At: at, Actor: "p1", ActorName: "mira@example.com", ActedAs: "p2", ActedAsName: "tomasz@example.com", Token: "t1",
		Action: "pin.create", Subject: "7", SubjectName: "Handbook", Address: "198.51.100.1", RequestID: "r", Outcome: Refused, Detail: "because",
	}
	ctx := context.Background()
	for _, e := range []Entry{want, {Action: "bare"}} {
		if err := l.Record(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got := list(t, l, Filter{})
	want.Seq = 1
	if len(got) != 2 {
		t.Fatalf("List = %d entries, want 2", len(got))
	}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Errorf("List differs (-want +got):\n%s", diff)
	}
	if b := got[0]; b.Address != "192.0.2.14" || b.RequestID != "req1" || b.Outcome != Done || time.Since(b.At) > time.Minute {
		t.Errorf("a bare entry became %+v, want it completed", b)
	}
}

func TestFilters(t *testing.T) {
	l := openLog(t, openDB(t), Config{})
	ctx, day0 := context.Background(), time.Now().Add(-10*24*time.Hour)
	for i, e := range []Entry{
		{Actor: "mira", Action: "a", Subject: "x", Token: "s1"},
		{Actor: "bot", ActedAs: "mira", Action: "b", Subject: "y", Token: "bot"},
		{Actor: "tomasz", Action: "a", Subject: "y", Token: "s2"},
		{Actor: "mira", ActedAs: "mira", Action: "c", Subject: "x", Token: "s1"},
		{Actor: "tomasz", Action: "d", Subject: "x", Token: "s1"},
	} {
		e.At = day0.Add(time.Duration(i) * 24 * time.Hour)
		if err := l.Record(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	at := func(days float64) time.Time { return day0.Add(time.Duration(days * 24 * float64(time.Hour))) }
	for _, tc := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "d c a b a"},
		{Filter{Actor: "mira"}, "c b a"}, // did it, or it was done as her; c once
		{Filter{Actor: "bot"}, "b"},
		{Filter{Actor: "nobody"}, ""},
		{Filter{Subject: "y"}, "a b"},
		{Filter{Action: "a"}, "a a"},
		{Filter{Token: "s1"}, "d c a"},
		{Filter{Actor: "mira", Subject: "x", Action: "a"}, "a"},
		{Filter{From: at(1)}, "d c a b"},
		{Filter{From: at(1.1)}, "d c a"},
		{Filter{To: at(1)}, "a"},
		{Filter{From: at(1), To: at(3)}, "a b"},
		{Filter{Actor: "mira", From: at(1), To: at(4)}, "c b"},
		{Filter{From: at(100)}, ""},
		{Filter{To: at(-100)}, ""},
		{Filter{Limit: 2}, "d c"},
		{Filter{Actor: "mira", Limit: 2}, "c b"},
	} {
		if got := actions(list(t, l, tc.filter)); got != tc.want {
			t.Errorf("List(%+v) = %q, want %q", tc.filter, got, tc.want)
		}
	}
	for _, f := range []Filter{{Cursor: "x"}, {Cursor: "-1"}, {Cursor: "1e3"}, {Limit: -1}, {Limit: 1001}} {
		if _, err := l.List(ctx, f); fault.KindOf(err) != fault.Invalid {
			t.Errorf("List(%+v) = %v, want invalid", f, err)
		}
	}
}

// TestPagesAreSteady reads pages while entries are added: nothing is missed and nothing comes twice.
func TestPagesAreSteady(t *testing.T) {
	l := openLog(t, openDB(t), Config{})
	ctx := context.Background()
	for i := range 25 {
		if err := l.Record(ctx, Entry{Actor: "mira", Action: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Filter{{Limit: 10}, {Limit: 10, Actor: "mira"}, {Limit: 5}, {Limit: 25}} {
		var got []string
		for pages := 0; ; pages++ {
			page, err := l.List(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if e.Action != "later" {
					got = append(got, e.Action)
				}
			}
			if f.Cursor = page.Cursor; f.Cursor == "" || pages > 25 {
				break
			}
			if err := l.Record(ctx, Entry{Actor: "mira", Action: "later"}); err != nil {
				t.Fatal(err)
			}
			if err := l.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		want := make([]string, 25)
		for i := range want {
			want[i] = fmt.Sprint(24 - i)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %+v differ (-want +got):\n%s", f, diff)
		}
	}
}

func TestCommittedWithinASecond(t *testing.T) {
	l := openLog(t, openDB(t), Config{})
	begun := time.Now()
	if err := l.Record(context.Background(), Entry{Action: "a"}); err != nil {
		t.Fatal(err)
	}
	for len(list(t, l, Filter{})) == 0 {
		if took := time.Since(begun); took > time.Second {
			t.Fatalf("not committed after %v", took)
		}
		time.Sleep(time.Millisecond) // the log commits in real time
	}
}

func TestCloseCommitsWhatIsQueued(t *testing.T) {
	db := openDB(t)
	l := openLog(t, db, Config{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 {
		wg.Go(func() {
			for {
				if err := l.Record(context.Background(), Entry{Action: "a"}); err != nil {
					if fault.KindOf(err) != fault.Unavailable {
						t.Errorf("Record on a closed log: %v, want unavailable", err)
					}
					return
				}
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // let entries pile up
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	var rows int64
	if err := db.Read(context.Background(), func(tx *sqldb.Tx) (err error) {
		rows, err = sqldb.One(context.Background(), tx, sqldb.ScanInt, "SELECT COUNT(*) FROM audit_log")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if rows != int64(taken) || taken == 0 {
		t.Errorf("%d entries were taken and %d are there", taken, rows)
	}
	if err := l.Flush(context.Background()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Flush on a closed log: %v, want unavailable", err)
	}
}

// TestFullQueueMakesRequestsWait holds the writer back, so that the queue fills.
func TestFullQueueMakesRequestsWait(t *testing.T) {
	db := openDB(t)
	l := openLog(t, db, Config{})
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(held) })
		_ = db.Write(context.Background(), sqldb.Security, func(*sqldb.Tx) error { once(); <-release; return nil })
	})
	<-held
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	taken := 0
	for ; taken < 3*queueLength; taken++ {
		short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
		err := l.Record(short, Entry{Action: "a"})
		stop()
		if err != nil {
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("Record on a full queue: %v, want unavailable", err)
			}
			break
		}
	}
	if taken < queueLength || taken > queueLength+2*batchSize {
		t.Errorf("%d entries were taken, want about %d", taken, queueLength)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- l.Record(ctx, Entry{Action: "patient"}) }()
	close(release)
	if err := <-waiting; err != nil {
		t.Errorf("a request that waited: %v", err)
	}
	wg.Wait()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := list(t, l, Filter{Action: "patient"}); len(got) != 1 {
		t.Errorf("the request that waited left %d entries, want 1", len(got))
	}
}

// TestRecordedThoughNobodyWaits holds that what a request did is on record though its client went away right after it was done.
func TestRecordedThoughNobodyWaits(t *testing.T) {
	l := openLog(t, openDB(t), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if err := l.Record(ctx, Entry{Action: "scim.user.update", Subject: "p1"}); err != nil {
			t.Fatalf("Record() of a request that ended: %v", err)
		}
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(list(t, l, Filter{Subject: "p1"})); n != 50 {
		t.Errorf("%d entries are there, want 50", n)
	}
}

func TestAppendGoesWithItsTransaction(t *testing.T) {
	db := openDB(t)
	l := openLog(t, db, Config{})
	ctx := context.Background()
	fail := fault.New(fault.Conflict, "no")
	for _, result := range []error{nil, fail} {
		err := db.Write(ctx, sqldb.Security, func(tx *sqldb.Tx) error {
			if err := l.Append(ctx, tx, Entry{Action: "a"}); err != nil {
				return err
			}
			return result
		})
		if fault.KindOf(err) != fault.KindOf(result) {
			t.Fatalf("Write = %v, want %v", err, result)
		}
	}
	if got := list(t, l, Filter{}); len(got) != 1 {
		t.Errorf("%d entries, want that of the change that happened", len(got))
	}
}

func TestPrune(t *testing.T) {
	l := openLog(t, openDB(t), Config{Retention: 30 * 24 * time.Hour})
	ctx := context.Background()
	const old = 2*forgetRows + 7
	for range old {
		if err := l.Record(ctx, Entry{Action: "old", At: time.Now().Add(-32 * 24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Record(ctx, Entry{Action: "kept", At: time.Now().Add(-29 * 24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Prune(ctx); n != old || err != nil {
		t.Errorf("Prune = %d, %v; want %d", n, err, old)
	}
	if got := actions(list(t, l, Filter{})); got != "kept" {
		t.Errorf("left after Prune: %q", got)
	}
}

func TestCleanTexts(t *testing.T) {
	secret := "shf_c_" + strings.Repeat("aB3", 16) + "x"
	for _, tc := range []struct{ in, want string }{
		{"plain", "plain"},
		{"made " + secret + " for her", "made shf_c_… for her"},
		{"a\x00b\xffc", "ab\uFFFDc"},
		{strings.Repeat("ä", 400), strings.Repeat("ä", 158) + "…"},
	} {
		got := clean(tc.in, maxName)
		if got != tc.want || len(got) > maxName || !utf8.ValidString(got) {
			t.Errorf("clean(%.20q) = %.40q (%d bytes), want %.40q", tc.in, got, len(got), tc.want)
		}
	}
}

func TestBy(t *testing.T) {
	for _, tc := range []struct {
		facts grant.Facts
		want  Entry
	}{
		{grant.Facts{Kind: grant.User, Person: "p", Email: "e", Token: "t", Holder: "bot"}, Entry{Actor: "p", ActorName: "e", Token: "t"}},
		{grant.Facts{Kind: grant.Global, Person: "p", Email: "e", Token: "t", Holder: "bot"}, Entry{Actor: "t", ActorName: "bot", ActedAs: "p", ActedAsName: "e", Token: "t"}},
		{grant.Facts{Kind: grant.Anonymous, Token: "t", Holder: "bot"}, Entry{Actor: "t", ActorName: "bot", Token: "t"}},
		{grant.Facts{Kind: grant.Indexing, Token: "t", Holder: "crawler"}, Entry{Actor: "t", ActorName: "crawler", Token: "t"}},
		{grant.Facts{Kind: grant.Maintenance, Holder: "the host"}, Entry{Actor: Host, ActorName: "the host"}},
		{grant.Facts{}, Entry{}},
	} {
		if diff := cmp.Diff(tc.want, By(grant.Mint(&tc.facts))); diff != "" {
			t.Errorf("By(%v) differs (-want +got):\n%s", tc.facts.Kind, diff)
		}
	}
}

func TestDayOf(t *testing.T) {
	for at, want := range map[int64]int64{0: 0, day - 1: 0, day: 1, -1: -1, -day: -1, -day - 1: -2} {
		if got := dayOf(at); got != want {
			t.Errorf("dayOf(%d) = %d, want %d", at, got, want)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	l := openLog(b, openDB(b), Config{})
	ctx := context.Background()
	e := Entry{Actor: "p1", ActorName: "mira@example.com", Token: "t1", Action: "POST /rest/api/v1/search", Address: "192.0.2.1", RequestID: "r"}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Record(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Flush(ctx); err != nil {
		b.Fatal(err)
	}
}
