// Package uploadtest holds the things that are replaced by bulk uploads to a model of what an upload means: random pages
// of random sessions, in any order, twice, restarted, with single writes and deletions in between. Each package that
// owns a kind runs it over its own storage. Only tests import this package.
package uploadtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// Store is what a kind of thing looks like to the test. The functions fail the test where they fail, save Upload.
type Store struct {
	DB       *sqldb.DB
	Removals *upload.Removals
	Page     upload.Page // the place of the sessions: Datasource and Part
	// Upload takes a page that holds the things of these names.
	Upload func(p upload.Page, names []string) error
	Put    func(name string)
	Delete func(name string)
	List   func() []string
	// AtOnce says that the end of an upload removes what is stale itself, and never pauses.
	AtOnce bool
}

// Drain does the removals that wait, as a runner of jobs would.
func Drain(t testing.TB, db *sqldb.DB, r *upload.Removals) {
	t.Helper()
	ctx := t.Context()
	type waiting struct{ id, args string }
	scan := func(row sqldb.Scanner) (w waiting, err error) { err = row.Scan(&w.id, &w.args); return w, err }
	var list []waiting
	err := db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(ctx, tx, scan, "SELECT id, args FROM jobs WHERE kind = $1 AND state = $2 AND not_before <= $3 ORDER BY created, id",
			string(upload.RemoveStale), string(job.Queued), time.Now().UnixMicro())
		return err
	})
	for _, w := range list {
		if err == nil {
			_, err = r.Work(ctx, job.Job{ID: w.id, Kind: upload.RemoveStale, Args: w.args}, func(int64, int64) {})
		}
		if err == nil {
			err = db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE jobs SET state = $2 WHERE id = $1", w.id, string(job.Done))
				return err
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// model is what an upload means, in as few words as can be.
type model struct {
	atOnce  bool
	clock   int
	touched map[string]int
	id      string // of the newest session
	open    bool
	digest  string
	mark    int
	pending []pending
}

type pending struct {
	mark      int
	unchecked bool
}

// page says whether a page is taken, and what it does then.
func (m *model) page(p upload.Page, names []string) bool {
	same := m.id == p.ID
	switch again := same && !m.open && p.First && p.Last && p.Digest == m.digest; {
	case again:
	case p.First && (p.Restart || !m.open):
		m.clock++
		m.id, m.open, m.digest, m.mark = p.ID, true, "", m.clock
	case !same || !m.open && !p.Last:
		return false
	}
	for _, n := range names {
		m.put(n)
	}
	if p.Last && m.open {
		m.open = false
		if p.First {
			m.digest = p.Digest
		}
		m.pending = append(m.pending, pending{m.mark, p.SkipStaleCheck || m.atOnce})
		if m.atOnce {
			m.drain()
		}
	}
	return true
}

func (m *model) put(name string) { m.clock++; m.touched[name] = m.clock }

// drain removes what is stale, unless it is more than a fifth.
func (m *model) drain() {
	for _, p := range m.pending {
		stale := func(_ string, at int) bool { return at < p.mark }
		n := 0
		for name, at := range m.touched {
			if stale(name, at) {
				n++
			}
		}
		if p.unchecked || n*100 <= len(m.touched)*upload.PauseAbove {
			maps.DeleteFunc(m.touched, stale)
		}
	}
	m.pending = nil
}

// sent is a page with the names in it.
type sent struct {
	page  upload.Page
	names []string
}

func name(rng *rand.Rand) string { return fmt.Sprintf("n%d", rng.IntN(12)) }

// random makes a page of the place that p names.
func random(rng *rand.Rand, p upload.Page) sent {
	var names []string
	for range rng.IntN(9) {
		names = append(names, name(rng))
	}
	if rng.IntN(8) == 0 { // more than one transaction takes
		for i := range 120 {
			names = append(names, fmt.Sprintf("many%d", i))
		}
	}
	p.ID = fmt.Sprintf("u%d", rng.IntN(3))
	p.First, p.Last = rng.IntN(3) == 0, rng.IntN(3) == 0
	p.Restart = p.First && rng.IntN(3) == 0
	p.SkipStaleCheck = rng.IntN(3) > 0
	if p.First && p.Last {
		p.Digest = upload.Digest(names)
	}
	return sent{p, names}
}

// Run makes random steps and compares the store with the model after each.
func Run(t *testing.T, s Store, seed uint64, steps int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 11))
	m := &model{atOnce: s.AtOnce, touched: map[string]int{}}
	var last []sent // that may come again
	var story []string
	for range steps {
		switch n := rng.IntN(20); {
		case n < 3:
			x := name(rng)
			s.Put(x)
			m.put(x)
			story = append(story, "put "+x)
		case n < 5:
			x := name(rng)
			s.Delete(x)
			delete(m.touched, x)
			story = append(story, "delete "+x)
		case n < 7:
			Drain(t, s.DB, s.Removals)
			m.drain()
			story = append(story, "drain")
		default:
			next := sent{page: s.Page}
			if len(last) > 0 && n < 11 {
				next = last[rng.IntN(len(last))]
			} else {
				next = random(rng, s.Page)
				last = append(last[max(0, len(last)-3):], next)
			}
			err := s.Upload(next.page, next.names)
			taken := m.page(next.page, next.names)
			story = append(story, fmt.Sprintf("page %+v %d -> %v", next.page, len(next.names), err))
			if kind := fault.KindOf(err); taken != (err == nil) || err != nil && kind != fault.Invalid && kind != fault.Conflict {
				t.Fatalf("seed %d: Upload() = %v, want it taken: %v\n%s", seed, err, taken, strings.Join(story[max(0, len(story)-12):], "\n"))
			}
		}
		got := s.List()
		slices.Sort(got)
		want := slices.Sorted(maps.Keys(m.touched))
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Fatalf("seed %d: after\n%s\n(-want +got)\n%s", seed, strings.Join(story[max(0, len(story)-12):], "\n"), diff)
		}
	}
}
