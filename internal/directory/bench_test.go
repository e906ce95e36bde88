package directory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// Sizes of the company that is measured.
const (
	benchGroups = 100_000
	benchDepth  = 6
	benchHeld   = 2000 // groups that the caller is in, at all depths
)

// company makes a datasource of benchGroups groups in layers, each group in one of the layer above, so that the caller's
// few groups at the bottom lead to benchHeld in all. Every group can read a document. It writes rows as PutGroups and
// PutMemberships leave them, many in a statement, to be ready within seconds.
func company(tb testing.TB, db *sqldb.DB) (*directory.Directory, *directory.Person) {
	tb.Helper()
	ctx := tb.Context()
	dir := directory.New(db)
	write := func(do func(tx *sqldb.Tx) error) {
		tb.Helper()
		if err := db.Write(ctx, sqldb.Bulk, do); err != nil {
			tb.Fatal(err)
		}
	}
	write(func(tx *sqldb.Tx) error {
		return directory.PutRealm(ctx, tx, directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	})
	p, err := dir.Add(ctx, directory.NewPerson{Email: "ann@example.com"})
	if err != nil {
		tb.Fatal(err)
	}
	if err := dir.PutIdentities(ctx, "wiki", []directory.Identity{{Email: p.Email, UserID: "u1", Active: true}}); err != nil {
		tb.Fatal(err)
	}
	rows := func(table, columns string, list [][]any) {
		tb.Helper()
		width := len(list[0])
		for len(list) > 0 {
			n := min(len(list), 900/width)
			query, args := "INSERT INTO "+table+" ("+columns+") VALUES ", []any{}
			for i, row := range list[:n] {
				if i > 0 {
					query += ", "
				}
				query += sqldb.In(1+i*width, width)
				args = append(args, row...)
			}
			list = list[n:]
			write(func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, query, args...); return err })
		}
	}
	layer := benchGroups / benchDepth
	name := func(i int) string { return fmt.Sprintf("group-%06d", i) }
	var groups, memberships, principals [][]any
	for i := range benchGroups {
		groups = append(groups, []any{"wiki", name(i)})
		principals = append(principals, []any{1000 + i, "wiki", "g", name(i)})
		if i+layer < benchGroups {
			memberships = append(memberships, []any{"wiki", "g", name(i), name(i + layer)})
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, i := range rnd.Perm(layer)[:benchHeld/benchDepth+1] {
		memberships = append(memberships, []any{"wiki", "m", p.Email, name(i)})
	}
	rows("realm_groups", "datasource, name", groups)
	rows("memberships", "datasource, member_kind, member, group_name", memberships)
	rows("principals", "id, datasource, kind, name", principals)
	return dir, p
}

// BenchmarkExpansion measures the expansion of a caller who is in 2,000 of 100,000 groups: cold, where a process knows nothing of
// anybody; after a change of some membership of the datasource; and with nothing changed.
func BenchmarkExpansion(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { benchAccess(b, sqldbtest.Open(b)) })
	b.Run("PostgreSQL", func(b *testing.B) { benchAccess(b, sqldbtest.OpenURL(b, sqldbtest.Postgres(b))) })
}

func benchAccess(b *testing.B, db *sqldb.DB) {
	dir, p := company(b, db)
	caller := as(grant.User, p.ID)
	access := func(b *testing.B, dir *directory.Directory) {
		a, err := dir.Access(b.Context(), caller)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(a.Principals()); n < benchHeld || n > benchHeld+20 {
			b.Fatalf("len(Principals()) = %d, want about %d", n, benchHeld)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			access(b, directory.New(db))
		}
	})
	b.Run("changed", func(b *testing.B) {
		n := 0
		for b.Loop() {
			b.StopTimer()
			n++
			if err := dir.PutGroups(b.Context(), "wiki", []directory.Group{{Name: fmt.Sprint("more-", n)}}); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			access(b, dir)
		}
	})
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			access(b, dir)
		}
	})
}

// TestAMembershipHoldsWithinASecondAmongMany holds the promise in the company that is measured: on the node that made the
// change with the next question, elsewhere within a second.
func TestAMembershipHoldsWithinASecondAmongMany(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 100,000 groups")
	}
	path := sqldbtest.File(t)
	dir, p := company(t, sqldbtest.OpenURL(t, path))
	other := directory.New(sqldbtest.OpenURL(t, path))
	count := func(d *directory.Directory) int {
		a, err := d.Access(t.Context(), as(grant.User, p.ID))
		if err != nil {
			t.Fatal(err)
		}
		return len(a.Principals())
	}
	before := count(dir)
	if n := count(other); n != before {
		t.Fatalf("the other node finds %d principals, want %d", n, before)
	}
	// The last group lies on top: it leads nowhere further.
	top := directory.Membership{Group: fmt.Sprintf("group-%06d", benchGroups-1), User: p.Email}
	if err := dir.PutMemberships(context.WithoutCancel(t.Context()), "wiki", []directory.Membership{top}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if n := count(dir); n != before+1 {
		t.Errorf("the node that made the change finds %d principals, want %d", n, before+1)
	}
	for count(other) != before+1 {
		if time.Since(begun) > time.Second {
			t.Fatal("the other node does not know of the membership after a second")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
