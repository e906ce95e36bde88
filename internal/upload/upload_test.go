package upload_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/upload"
	"github.com/sheafsearch/sheaf/internal/upload/uploadtest"
)

var admin = grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleAdmin})

// shelf is a kind of thing for tests, kept in a table of its own.
type shelf struct {
	t        *testing.T
	db       *sqldb.DB
	removals *upload.Removals
}

func newShelf(t *testing.T, db *sqldb.DB) *shelf {
	t.Helper()
	s := &shelf{t: t, db: db}
	s.write(func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE shelf (name TEXT PRIMARY KEY, touched BIGINT NOT NULL)")
		return err
	})
	s.removals = upload.NewRemovals(db, map[upload.Kind]upload.Remover{upload.Teams: {
		Count: func(ctx context.Context, tx *sqldb.Tx, u upload.Session) (stale, all int64, err error) {
			if stale, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM shelf WHERE touched < $1", u.Mark); err == nil {
				all, err = sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM shelf")
			}
			return stale, all, err
		},
		Remove: func(ctx context.Context, tx *sqldb.Tx, u upload.Session) (int64, bool, error) {
			n, err := tx.Exec(ctx, "DELETE FROM shelf WHERE name IN (SELECT name FROM shelf WHERE touched < $1 LIMIT 2)", u.Mark)
			return n, n > 0, err
		},
	}})
	return s
}

func (s *shelf) write(fn func(context.Context, *sqldb.Tx) error) {
	s.t.Helper()
	ctx := s.t.Context()
	if err := s.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error { return fn(ctx, tx) }); err != nil {
		s.t.Fatal(err)
	}
}

func put(ctx context.Context, tx *sqldb.Tx, names []string) error {
	touch, err := upload.Touch(ctx, tx)
	for _, n := range names {
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO shelf (name, touched) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET touched = excluded.touched", n, touch)
		}
	}
	return err
}

// send takes a page in two transactions, as owners of a kind do with long ones.
func (s *shelf) send(p upload.Page, names ...string) error {
	ctx := s.t.Context()
	p.Kind, p.Items = upload.Teams, len(names)
	var session upload.Session
	half := len(names) / 2
	err := s.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) (err error) {
		if session, err = upload.Begin(ctx, tx, p); err != nil {
			return err
		}
		return put(ctx, tx, names[:half])
	})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
		if err := session.Still(ctx, tx); err != nil {
			return err
		}
		if err := put(ctx, tx, names[half:]); err != nil {
			return err
		}
		return session.Finish(ctx, tx, true)
	})
}

func (s *shelf) must(p upload.Page, names ...string) {
	s.t.Helper()
	if err := s.send(p, names...); err != nil {
		s.t.Fatalf("page %+v: %v", p, err)
	}
}

func (s *shelf) refuses(kind fault.Kind, words string, p upload.Page, names ...string) {
	s.t.Helper()
	err := s.send(p, names...)
	if fault.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		s.t.Errorf("page %+v = %v, want a fault %q that says %q", p, err, kind, words)
	}
}

// holds compares what stands on the shelf, after the removals that wait.
func (s *shelf) holds(want string) {
	s.t.Helper()
	uploadtest.Drain(s.t, s.db, s.removals)
	if got := strings.Join(s.list(), " "); got != want {
		s.t.Errorf("the shelf holds %q, want %q", got, want)
	}
}

func (s *shelf) list() (list []string) {
	s.t.Helper()
	ctx := s.t.Context()
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(ctx, tx, sqldb.ScanText, "SELECT name FROM shelf ORDER BY name")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *shelf) recent() []upload.Session {
	s.t.Helper()
	list, err := upload.Recent(s.t.Context(), s.db, "", upload.Teams, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// age makes everything that uploads remember older.
func (s *shelf) age(d time.Duration) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE uploads SET started_at = started_at - $1, seen_at = seen_at - $1, ended_at = ended_at - $1,
			paused_until = paused_until - $1`, d.Microseconds())
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE jobs SET not_before = not_before - $1", d.Microseconds())
		}
		return err
	})
}

func first(id string) upload.Page  { return upload.Page{ID: id, First: true, SkipStaleCheck: true} }
func middle(id string) upload.Page { return upload.Page{ID: id} }
func last(id string) upload.Page   { return upload.Page{ID: id, Last: true, SkipStaleCheck: true} }
func single(id, digest string) upload.Page {
	return upload.Page{ID: id, First: true, Last: true, SkipStaleCheck: true, Digest: digest}
}

func restart(p upload.Page) upload.Page { p.Restart = true; return p }
func checked(p upload.Page) upload.Page { p.SkipStaleCheck = false; return p }

func TestSessions(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		s := newShelf(t, db)
		s.refuses(fault.Invalid, "isFirstPage", middle("a"), "x")
		s.refuses(fault.Invalid, "uploadId", first(""), "x")
		s.refuses(fault.Invalid, "uploadId", first("a\x00"), "x")
		s.refuses(fault.Invalid, "uploadId", first(strings.Repeat("a", upload.MaxID+1)), "x")
		s.refuses(fault.Invalid, "isFirstPage", restart(middle("a")), "x")

		s.must(first("a"), "1", "2")
		s.must(middle("a"), "3")
		s.must(first("a"), "1", "2") // its answer was lost
		s.refuses(fault.Conflict, "forceRestartUpload", first("b"), "9")
		s.refuses(fault.Invalid, "isFirstPage", middle("b"), "9")
		s.must(last("a"), "4", "5")
		s.must(last("a"), "4", "5")
		s.refuses(fault.Conflict, "has had its last page", middle("a"), "6")
		s.holds("1 2 3 4 5")

		s.must(first("b"), "1")
		s.refuses(fault.Conflict, "replaced", last("a"), "5") // it would keep what "b" may not have
		s.must(restart(first("c")), "2")
		s.refuses(fault.Conflict, "replaced", middle("b"), "1")
		s.must(restart(first("c")), "2", "3") // anew under the same name
		s.must(last("c"))
		s.holds("2 3")

		got := s.recent()
		if len(got) != 4 || got[0].ID != "c" || got[0].State != upload.Closed || got[1].State != upload.Dropped || got[2].State != upload.Dropped ||
			got[3].State != upload.Closed || got[3].Pages != 5 || got[3].Items != 9 || got[3].Ended.Before(got[3].Started) {
			t.Errorf("Recent() = %+v, want c, c and b dropped, and a with its 5 pages", got)
		}
	})
}

// TestReplacedMeanwhile begins another upload while a long page of the first is on its way.
func TestReplacedMeanwhile(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		s := newShelf(t, db)
		var session upload.Session
		p := first("a")
		p.Kind = upload.Teams
		s.write(func(ctx context.Context, tx *sqldb.Tx) (err error) {
			session, err = upload.Begin(ctx, tx, p)
			return err
		})
		still := func() error {
			return db.Write(t.Context(), sqldb.Bulk, func(tx *sqldb.Tx) error { return session.Still(t.Context(), tx) })
		}
		if err := still(); err != nil {
			t.Errorf("Still() = %v, want nil", err)
		}
		s.must(restart(first("b")))
		if err := still(); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Still() after another upload began = %v, want a conflict", err)
		}
	})
}

// TestSinglePage is about the page that is both first and last: sent again it is the same upload, and what was written
// since the first time stays.
func TestSinglePage(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		s := newShelf(t, db)
		s.must(single("a", "one"), "1", "2")
		s.write(func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, tx, []string{"3"}) })
		s.must(single("a", "one"), "1", "2")
		s.holds("1 2 3")
		s.must(single("a", "other"), "1") // whoever uses an id again means another upload
		s.holds("1")
		s.write(func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, tx, []string{"3"}) })
		s.age(time.Hour)
		s.must(single("a", "other"), "1")
		s.holds("1")
	})
}

func TestAbandoned(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		s := newShelf(t, db)
		s.must(first("a"), "1")
		s.age(upload.AbandonAfter - time.Minute)
		s.refuses(fault.Conflict, "is open", first("b"), "2")
		s.age(2 * time.Minute)
		s.must(first("b"), "2")
		s.refuses(fault.Conflict, "replaced", middle("a"), "1")
		s.must(last("b"))
		s.holds("2")
	})
}

func TestPause(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		s := newShelf(t, db)
		paused := func() upload.Session {
			t.Helper()
			list, err := s.removals.Paused(ctx, admin, "*")
			if err != nil || len(list) != 1 {
				t.Fatalf("Paused() = %+v, %v, want one", list, err)
			}
			return list[0]
		}
		all := strings.Fields("a b c d e f g h i j")
		s.must(single("1", ""), all...)
		s.must(checked(single("2", "")), all[2:]...)
		s.holds("c d e f g h i j") // a fifth goes
		s.must(checked(single("3", "")), all[4:]...)
		s.holds("c d e f g h i j") // 2 of 8 do not
		if p := paused(); p.ID != "3" || p.Stale != 2 || time.Until(p.PausedUntil) < upload.PauseFor-time.Minute {
			t.Errorf("Paused() = %+v, want 2 of upload 3 for a week", p)
		}
		s.must(checked(single("4", "")), all[4:]...)
		s.holds("c d e f g h i j")
		if got := s.recent()[0]; got.Removal != upload.Covered {
			t.Errorf("an upload that leaves the same stale = %q, want it covered", got.Removal)
		}
		s.must(checked(single("5", "")), all[3:]...) // d is back
		s.age(upload.PauseFor)
		s.holds("d e f g h i j")

		s.must(checked(single("6", "")), "j")
		s.holds("d e f g h i j")
		if err := s.removals.Drop(ctx, admin, paused().Seq); err != nil {
			t.Fatal(err)
		}
		s.age(upload.PauseFor)
		s.holds("d e f g h i j")
		s.must(checked(single("7", "")), "j")
		s.holds("d e f g h i j")
		seq := paused().Seq
		for _, c := range []grant.Caller{{}, grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleMember}), grant.Mint(&grant.Facts{Kind: grant.Indexing})} {
			if err := s.removals.Run(ctx, c, seq); fault.KindOf(err) != fault.Forbidden {
				t.Errorf("Run() by somebody else = %v, want forbidden", err)
			}
		}
		if err := s.removals.Run(ctx, admin, seq); err != nil {
			t.Fatal(err)
		}
		s.holds("j")
		if got := s.recent()[0]; got.Removal != upload.Done || got.Removed != 6 {
			t.Errorf("the removal that was run = %+v, want 6 removed", got)
		}
		if err := s.removals.Run(ctx, admin, seq); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Run() again = %v, want a conflict", err)
		}
		if err := s.removals.Drop(ctx, admin, 4711); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Drop() of nothing = %v, want not found", err)
		}
	})
}

// TestForgotten is about how much is remembered.
func TestForgotten(t *testing.T) {
	s := newShelf(t, sqldbtest.Open(t))
	for range 3 {
		for range 150 {
			s.must(single("a", ""), "1")
			uploadtest.Drain(t, s.db, s.removals)
		}
		s.age(2 * time.Hour)
	}
	s.must(single("a", ""), "1")
	if got := len(s.recent()); got != 100 {
		t.Fatalf("Recent() = %d, want the 100 asked for", got)
	}
	n := 0
	s.write(func(ctx context.Context, tx *sqldb.Tx) error {
		got, err := sqldb.One(ctx, tx, sqldb.ScanInt, "SELECT COUNT(*) FROM uploads")
		n = int(got)
		return err
	})
	if n < 200 || n > 400 {
		t.Errorf("%d sessions are remembered, want some two hundred", n)
	}
}

func TestModel(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		for seed := range uint64(4) {
			s := newShelf(t, db)
			uploadtest.Run(t, uploadtest.Store{
				DB: db, Removals: s.removals,
				Upload: func(p upload.Page, names []string) error { return s.send(p, names...) },
				Put: func(name string) {
					s.write(func(ctx context.Context, tx *sqldb.Tx) error { return put(ctx, tx, []string{name}) })
				},
				Delete: func(name string) {
					s.write(func(ctx context.Context, tx *sqldb.Tx) error {
						_, err := tx.Exec(ctx, "DELETE FROM shelf WHERE name = $1", name)
						return err
					})
				},
				List: s.list,
			}, seed, 150)
			s.write(func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "DROP TABLE shelf")
				if err == nil {
					_, err = tx.Exec(ctx, "DELETE FROM uploads")
				}
				return err
			})
		}
	})
}
