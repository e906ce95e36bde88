package directory_test

import (
	"fmt"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/upload"
	"github.com/sheafsearch/sheaf/internal/upload/uploadtest"
)

func (w *world) count(query string, args ...any) (n int64) {
	w.t.Helper()
	w.must(w.db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
		n, err = sqldb.One(w.ctx, tx, sqldb.ScanInt, query, args...)
		return err
	}))
	return n
}

func (w *world) texts(query string, args ...any) (list []string) {
	w.t.Helper()
	w.must(w.db.Read(w.ctx, func(tx *sqldb.Tx) (err error) {
		list, err = sqldb.All(w.ctx, tx, sqldb.ScanText, query, args...)
		return err
	}))
	return list
}

func whole(datasource, id string) upload.Page {
	return upload.Page{Datasource: datasource, ID: id, First: true, Last: true, SkipStaleCheck: true}
}

// TestUploadModel holds users, groups and memberships to the model of bulk uploads.
func TestUploadModel(t *testing.T) {
	mail := func(name string) string { return name + "@example.com" }
	kinds := map[string]func(w *world) uploadtest.Store{
		"users": func(w *world) uploadtest.Store {
			identity := func(name string) directory.Identity {
				return directory.Identity{Email: mail(name), UserID: name, Active: true}
			}
			return uploadtest.Store{
				Upload: func(p upload.Page, names []string) error {
					return w.dir.UploadIdentities(w.ctx, p, each(names, identity))
				},
				Put:    func(name string) { w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{identity(name)})) },
				Delete: func(name string) { w.must(w.dir.DeleteIdentity(w.ctx, "wiki", mail(name), 0)) },
				List:   func() []string { return w.texts("SELECT user_id FROM identities") },
			}
		},
		"groups": func(w *world) uploadtest.Store {
			group := func(name string) directory.Group { return directory.Group{Name: name} }
			return uploadtest.Store{
				Upload: func(p upload.Page, names []string) error { return w.dir.UploadGroups(w.ctx, p, each(names, group)) },
				Put:    func(name string) { w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{group(name)})) },
				Delete: func(name string) { w.must(w.dir.DeleteGroup(w.ctx, "wiki", name, 0)) },
				List:   func() []string { return w.texts("SELECT name FROM realm_groups") },
			}
		},
		"memberships": func(w *world) uploadtest.Store {
			member := func(name string) directory.Membership { return directory.Membership{Group: "staff", User: mail(name)} }
			return uploadtest.Store{
				AtOnce: true,
				Page:   upload.Page{Part: "staff"},
				Upload: func(p upload.Page, names []string) error {
					return w.dir.UploadMemberships(w.ctx, p, each(names, member))
				},
				Put:    func(name string) { w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{member(name)})) },
				Delete: func(name string) { w.must(w.dir.DeleteMembership(w.ctx, "wiki", member(name))) },
				List: func() []string {
					return w.texts("SELECT REPLACE(member, '@example.com', '') FROM memberships WHERE group_name = 'staff'")
				},
			}
		},
	}
	for name, store := range kinds {
		t.Run(name, func(t *testing.T) {
			sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
				w := newWorld(t, db)
				for seed := range uint64(3) {
					source := fmt.Sprint("wiki", seed)
					w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
					w.realm(directory.Realm{Datasource: source, Visible: true, ByEmail: true})
					// A second group and datasource, which uploads leave alone.
					w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "others", User: "n1@example.com"}}))
					w.must(w.dir.PutGroups(w.ctx, source, []directory.Group{{Name: "n1"}}))
					s := store(w)
					s.DB, s.Removals = db, upload.NewRemovals(db, w.dir.RealmRemovers())
					s.Page.Datasource = "wiki"
					list := s.List
					s.List = func() []string { return list() }
					if name == "groups" {
						s.List = func() []string { return w.texts("SELECT name FROM realm_groups WHERE datasource = 'wiki'") }
					}
					uploadtest.Run(t, s, seed, 100)
					if name == "memberships" && w.count("SELECT COUNT(*) FROM memberships WHERE group_name = 'others'") != 1 {
						t.Error("an upload of one group changed another")
					}
					if w.count("SELECT COUNT(*) FROM realm_groups WHERE datasource = $1", source) != 1 {
						t.Error("an upload of one datasource changed another")
					}
					w.must(db.Write(w.ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
						for _, table := range []string{"uploads", "identities", "realm_groups", "memberships"} {
							if _, err := tx.Exec(w.ctx, "DELETE FROM "+table); err != nil {
								return err
							}
						}
						return nil
					}))
				}
			})
		})
	}
}

func each[T any](names []string, make1 func(string) T) []T {
	list := make([]T, len(names))
	for i, n := range names {
		list[i] = make1(n)
	}
	return list
}

// TestUploadAccess follows what people hold while users, groups and memberships are replaced.
func TestUploadAccess(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
		removals := upload.NewRemovals(db, w.dir.RealmRemovers())
		ann, bob := w.add("ann@example.com"), w.add("bob@example.com")
		users := []directory.Identity{{Email: "ann@example.com", Active: true}, {Email: "bob@example.com", Active: true}}
		w.must(w.dir.UploadIdentities(w.ctx, whole("wiki", "u1"), users))
		w.must(w.dir.UploadGroups(w.ctx, whole("wiki", "g1"), []directory.Group{{Name: "staff"}, {Name: "board"}}))
		staff := whole("wiki", "m1")
		staff.Part = "staff"
		w.must(w.dir.UploadMemberships(w.ctx, staff, []directory.Membership{{User: "ann@example.com"}, {User: "bob@example.com"}, {MemberGroup: "board"}}))
		readers := w.readers("wiki", directory.Permissions{Groups: []string{"staff"}})
		hold := func(wantAnn, wantBob bool) {
			t.Helper()
			if a, b := w.sees(ann, readers), w.sees(bob, readers); a != wantAnn || b != wantBob {
				t.Errorf("ann and bob see = %v, %v, want %v, %v", a, b, wantAnn, wantBob)
			}
		}
		hold(true, true)

		// Membership ends with the acknowledgement of the last page, not before.
		staff.ID, staff.Last = "m2", false
		w.must(w.dir.UploadMemberships(w.ctx, staff, []directory.Membership{{User: "ann@example.com"}}))
		hold(true, true)
		staff.First, staff.Last = false, true
		w.must(w.dir.UploadMemberships(w.ctx, staff, nil))
		hold(true, false)

		// A user who is gone takes the memberships along, and comes back without.
		w.must(w.dir.UploadIdentities(w.ctx, whole("wiki", "u2"), users[1:]))
		hold(true, false)
		uploadtest.Drain(t, db, removals)
		hold(false, false)
		w.must(w.dir.PutIdentities(w.ctx, "wiki", users))
		hold(false, false)
		w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "staff", User: "ann@example.com"}}))
		hold(true, false)

		// So does a group, as a group and as a member.
		w.must(w.dir.UploadGroups(w.ctx, whole("wiki", "g2"), []directory.Group{{Name: "board"}}))
		uploadtest.Drain(t, db, removals)
		hold(false, false)
		w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "staff"}}))
		hold(false, false)
		if n := w.count("SELECT COUNT(*) FROM memberships"); n != 0 {
			t.Errorf("%d memberships are left, want none", n)
		}
	})
}

// TestDepartures stops the removal of a large group and a much-liked user after its first transaction, as a kill does: nobody
// may come back to what was taken away.
func TestDepartures(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		const many = 1000
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true})
		zoe := w.add("zoe@example.com")
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "zoe@example.com", UserID: "zz", Active: true}}))
		w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "all"}, {Name: "g999"}}))
		var list []directory.Membership
		for i := range many {
			list = append(list, directory.Membership{Group: "all", User: fmt.Sprintf("u%d", i)}, directory.Membership{Group: fmt.Sprintf("g%d", i), User: "zz"})
		}
		list = append(list, directory.Membership{Group: "all", User: "zz"})
		w.must(w.dir.PutMemberships(w.ctx, "wiki", list))
		all := w.readers("wiki", directory.Permissions{Groups: []string{"all"}})
		last := w.readers("wiki", directory.Permissions{Groups: []string{"g999"}})
		if !w.sees(zoe, all) || !w.sees(zoe, last) {
			t.Fatal("zoe sees nothing from the start")
		}
		step := func(kind upload.Kind) {
			t.Helper()
			w.must(db.Write(w.ctx, sqldb.Bulk, func(tx *sqldb.Tx) error {
				mark, err := upload.Touch(w.ctx, tx)
				if err != nil {
					return err
				}
				_, more, err := w.dir.RealmRemovers()[kind].Remove(w.ctx, tx, upload.Session{Datasource: "wiki", Kind: kind, Mark: mark})
				if err == nil && !more {
					t.Error("one transaction removed everything, so this test shows nothing")
				}
				return err
			}))
		}
		step(upload.Groups)
		if w.sees(zoe, all) {
			t.Error("zoe sees what was open to a group that is gone")
		}
		if n := w.count("SELECT COUNT(*) FROM memberships WHERE group_name = 'all'"); n == 0 || n > many {
			t.Fatalf("%d memberships of the group are left after one step, want some", n)
		}
		w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "all"}, {Name: "g999"}}))
		if n := w.count("SELECT COUNT(*) FROM memberships WHERE group_name = 'all'"); n != 0 || w.sees(zoe, all) {
			t.Errorf("a group that came back has %d of its old members", n)
		}

		w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "g999", User: "zz"}}))
		if !w.sees(zoe, last) {
			t.Fatal("zoe does not see what a new membership opens")
		}
		step(upload.Users)
		if w.sees(zoe, last) {
			t.Error("zoe sees what was open to a user that is gone")
		}
		// The id comes back, with another address.
		yan := w.add("yan@example.com")
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "yan@example.com", UserID: "zz", Active: true}}))
		if n := w.count("SELECT COUNT(*) FROM memberships WHERE member = 'zz'"); n != 0 || w.sees(yan, last) {
			t.Errorf("a user who came back has %d of the old memberships", n)
		}
		if n := w.count("SELECT COUNT(*) FROM departures"); n != 0 {
			t.Errorf("%d departures are left, want none", n)
		}
	})
}

// TestUploadMany ends an upload that leaves more memberships stale than one transaction removes.
func TestUploadMany(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		w.realm(directory.Realm{Datasource: "wiki", Visible: true})
		var list []directory.Membership
		for i := range 1000 {
			list = append(list, directory.Membership{User: fmt.Sprintf("u%d", i)})
		}
		p := whole("wiki", "a")
		p.Part = "all"
		w.must(w.dir.UploadMemberships(w.ctx, p, list))
		p.ID = "b"
		w.must(w.dir.UploadMemberships(w.ctx, p, list[:10]))
		uploadtest.Drain(t, db, upload.NewRemovals(db, w.dir.RealmRemovers()))
		if n := w.count("SELECT COUNT(*) FROM memberships"); n != 10 {
			t.Errorf("%d memberships are left, want 10", n)
		}
	})
}

func TestUploadRefused(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	p := whole("wiki", "a")
	p.Part = "all"
	many := make([]directory.Membership, 120)
	for i := range many {
		many[i].User = fmt.Sprintf("u%d@example.com", i)
	}
	many[119].User = "no address"
	err := w.dir.UploadMemberships(w.ctx, p, many)
	if fault.KindOf(err) != fault.Invalid || w.count("SELECT COUNT(*) FROM memberships") != 0 {
		t.Errorf("UploadMemberships() with a bad one = %v with %d written, want invalid and none", err, w.count("SELECT COUNT(*) FROM memberships"))
	}
	for _, err := range []error{
		w.dir.UploadMemberships(w.ctx, whole("wiki", "a"), nil),
		w.dir.UploadGroups(w.ctx, whole("nowhere", "a"), nil),
		w.dir.UploadGroups(w.ctx, whole("wiki", "a"), []directory.Group{{Name: "with space"}}),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("a bad page = %v, want invalid", err)
		}
	}
}

// TestUnchanged says that what comes again as it was changes nobody's access, so that no cache is emptied every night.
func TestUnchanged(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	w.realm(directory.Realm{Datasource: "wiki", Visible: true, ByEmail: true})
	all := func() {
		w.must(w.dir.PutIdentities(w.ctx, "wiki", []directory.Identity{{Email: "ann@example.com", Name: "Ann", Active: true}}))
		w.must(w.dir.PutGroups(w.ctx, "wiki", []directory.Group{{Name: "staff"}}))
		w.must(w.dir.PutMemberships(w.ctx, "wiki", []directory.Membership{{Group: "staff", User: "ann@example.com"}}))
	}
	all()
	before, _ := w.db.Version("members")
	touched := w.count("SELECT MIN(touched) FROM (SELECT touched FROM identities UNION ALL SELECT touched FROM realm_groups UNION ALL SELECT touched FROM memberships) AS t")
	all()
	if after, _ := w.db.Version("members"); after != before {
		t.Errorf("version of members = %d, want %d as before", after, before)
	}
	if n := w.count("SELECT MIN(touched) FROM (SELECT touched FROM identities UNION ALL SELECT touched FROM realm_groups UNION ALL SELECT touched FROM memberships) AS t"); n <= touched {
		t.Errorf("least mark = %d, want it past %d", n, touched)
	}
}
