package directory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

// TestChainsOfLendersAreRefused says what the words of the refusals are: each names what to mend.
func TestChainsOfLendersAreRefused(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		put := func(datasource, lender string) error {
			return db.Write(w.ctx, sqldb.Security, func(tx *sqldb.Tx) error {
				return directory.PutRealm(w.ctx, tx, directory.Realm{Datasource: datasource, IdentitySource: lender, Visible: true})
			})
		}
		w.must(put("wiki", "people")) // which may come later
		for _, c := range []struct{ datasource, lender, holds string }{
			{"people", "wiki", "cannot lend it any"},
			{"people", "hr", `"wiki" borrows its identities from "people"`},
			{"faq", "wiki", `Name the datasource that has them`},
			{"faq", "WIKI", "differs"},
		} {
			if err := put(c.datasource, c.lender); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.holds) {
				t.Errorf("%q borrows from %q: %v, want a refusal with %q", c.datasource, c.lender, err, c.holds)
			}
		}
		w.must(put("people", "people"))
		w.must(put("faq", "people"))
		w.must(put("wiki", ""))
		w.must(put("faq", "wiki"))
	})
}

// TestUserEmailsOfAnEarlierHolder holds that who takes an address over is not taken for the author of what was written before.
func TestUserEmailsOfAnEarlierHolder(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "hr", Visible: true})
		w.realm(directory.Realm{Datasource: "wiki", IdentitySource: "hr", ByEmail: true, Visible: true})
		ann, bob := w.add("ann@example.com"), w.add("bob@example.com")
		_, err := w.dir.AddAddress(w.ctx, ann.ID, "desk@example.com")
		w.must(err)
		send := func() {
			w.must(w.dir.PutIdentities(w.ctx, "hr", []directory.Identity{
				{Email: "desk@example.com", UserID: "u1", Active: true}, {Email: "guest@example.com", UserID: "u2"},
			}))
		}
		check := func(what string, want map[string]string) {
			t.Helper()
			w.must(db.Read(w.ctx, func(tx *sqldb.Tx) error {
				got, byEmail, err := directory.UserEmails(w.ctx, tx, "wiki", []string{"u1", "u2", "u3"})
				if d := cmp.Diff(want, got); d != "" || !byEmail {
					t.Errorf("%s: UserEmails() by email %v (-want +got):\n%s", what, byEmail, d)
				}
				return err
			}))
		}
		send()
		check("at first", map[string]string{"u1": "desk@example.com", "u2": "guest@example.com"})
		_, err = w.dir.RemoveAddress(w.ctx, ann.ID, "desk@example.com")
		w.must(err)
		_, err = w.dir.AddAddress(w.ctx, bob.ID, "desk@example.com")
		w.must(err)
		check("after the address changed hands", map[string]string{"u2": "guest@example.com"})
		send()
		check("sent again", map[string]string{"u1": "desk@example.com", "u2": "guest@example.com"})
	})
}

func TestAccessOf(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true})
	ann := w.add("ann@example.com")
	everyone := w.readers("wiki", directory.Permissions{Everyone: true})
	sees := func(c grant.Caller, email string) bool {
		a, err := w.dir.AccessOf(w.ctx, c, email)
		w.must(err)
		return a.Admits(everyone)
	}
	connector := grant.Mint(&grant.Facts{Kind: grant.Indexing})
	admin := grant.Mint(&grant.Facts{Kind: grant.Session, Role: grant.RoleAdmin, Person: ann.ID})
	for _, c := range []grant.Caller{connector, admin} {
		if !sees(c, "ANN@example.com ") || sees(c, "bob@example.com") || sees(c, "nobody") {
			t.Errorf("AccessOf() for %s is wrong about Ann, or knows somebody whom it cannot", c.Kind())
		}
	}
	for _, c := range []grant.Caller{{}, as(grant.User, ann.ID), as(grant.Global, ann.ID), as(grant.Session, ann.ID), as(grant.Anonymous, "")} {
		if _, err := w.dir.AccessOf(w.ctx, c, "ann@example.com"); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("AccessOf() for %s = %v, want a refusal", c.Kind(), err)
		}
	}
	_, err := w.dir.SetActive(w.ctx, ann.ID, false)
	w.must(err)
	if sees(connector, "ann@example.com") {
		t.Error("AccessOf() of somebody inactive admits")
	}
}
