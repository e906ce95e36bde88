package directory_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/job"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// removing works on what uploads leave behind, until the test ends.
func removing(t *testing.T, db *sqldb.DB, d *directory.Directory) *upload.Removals {
	t.Helper()
	removals := upload.NewRemovals(db, d.PeopleRemovers())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		job.NewRunner(db, slog.New(slog.DiscardHandler), map[job.Kind]job.Work{upload.RemoveStale: removals.Work}).Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	return removals
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 15 seconds", what)
		}
	}
}

func lastSession(t *testing.T, db *sqldb.DB, kind upload.Kind) upload.Session {
	t.Helper()
	list, err := upload.Recent(t.Context(), db, "", kind, 1)
	if err != nil || len(list) == 0 {
		t.Fatalf("Recent(%s) = %v, %v, want a session", kind, list, err)
	}
	return list[0]
}

func TestUploadEmployees(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		removing(t, db, w.dir)
		root, _, err := w.dir.First(w.ctx, "p0@example.com") // known to the console, and an employee
		w.must(err)
		all := employees(130)
		for i := range 2 { // two pages, in the wrong order
			w.must(w.dir.UploadEmployees(w.ctx, upload.Page{ID: "one", First: i == 0, SkipStaleCheck: true}, all[65*(1-i):65*(2-i)]))
		}
		w.must(w.dir.UploadEmployees(w.ctx, upload.Page{ID: "one", Last: true, SkipStaleCheck: true}, nil))
		if page, err := w.dir.List(w.ctx, directory.Query{Limit: 1}); err != nil || page.Total != 130 {
			t.Fatalf("List after the upload = %d people, %v, want 130", page.Total, err)
		}
		chief, err := w.dir.ByEmail(w.ctx, "p1@example.com")
		w.must(err)
		_, err = w.dir.Add(w.ctx, directory.NewPerson{Email: "p2@example.com"}) // the console asserts p2 too
		w.must(err)

		// While the next upload is open one more employee comes by a single operation: p129 stays, though no page has them.
		changed := slices.Clone(all[3:128])
		changed[0].Profile.Title = "Captain"
		w.must(w.dir.UploadEmployees(w.ctx, upload.Page{ID: "two", First: true}, changed[:60]))
		w.must(w.dir.PutEmployees(w.ctx, all[129:]))
		if err := w.dir.UploadEmployees(w.ctx, upload.Page{ID: "three", First: true}, nil); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second upload beside an open one = %v, want %v", err, fault.Conflict)
		}
		w.must(w.dir.UploadEmployees(w.ctx, upload.Page{ID: "two", Last: true}, changed[60:]))
		eventually(t, "the removal", func() bool { return lastSession(t, db, upload.Employees).Removal == upload.Done })
		for email, want := range map[string]string{
			"p0@example.com": "active", "p1@example.com": "gone", "p2@example.com": "active", "p3@example.com": "active", "p128@example.com": "gone", "p129@example.com": "active",
		} {
			p, err := w.dir.ByEmail(w.ctx, email)
			got := "gone"
			if err == nil && p.Active {
				got = "active"
			}
			if got != want {
				t.Errorf("%s is %s, want %s", email, got, want)
			}
		}
		if p, err := w.dir.ByID(w.ctx, chief.ID); err != nil || !p.Retired {
			t.Errorf("ByID of somebody left out = %+v, %v, want them retired", p, err)
		}
		if p, err := w.dir.ByEmail(w.ctx, "p0@example.com"); err != nil || p.Role != grant.RoleSuperAdmin || p.ID != root.ID || p.Profile.Title != "" {
			t.Errorf("the Super Admin = %+v, %v, want them as they were, without an employee record", p, err)
		}
		if p, err := w.dir.ByEmail(w.ctx, "p3@example.com"); err != nil || p.Profile.Title != "Captain" {
			t.Errorf("p3 = %+v, %v, want the changed title", p, err)
		}
	})
}

// TestUploadPauses holds that a mistake in a personnel system does not empty the company, nor the last Super Admin's seat.
func TestUploadPauses(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		removals := removing(t, db, w.dir)
		whole := func(id string, list []directory.EmployeeRecord) {
			t.Helper()
			w.must(w.dir.UploadEmployees(w.ctx, upload.Page{ID: id, First: true, Last: true, Digest: id}, list))
		}
		whole("one", employees(20))
		boss, err := w.dir.ByEmail(w.ctx, "p7@example.com")
		w.must(err)
		_, err = w.dir.SetRole(w.ctx, boss.ID, grant.RoleSuperAdmin) // asserted by the employee record alone
		w.must(err)
		whole("two", employees(2))
		eventually(t, "the pause", func() bool { return lastSession(t, db, upload.Employees).Removal == upload.Paused })
		if page, err := w.dir.List(w.ctx, directory.Query{}); err != nil || page.Total != 20 {
			t.Fatalf("List during the pause = %d people, %v, want all 20", page.Total, err)
		}
		w.must(removals.Run(w.ctx, as(grant.Maintenance, ""), lastSession(t, db, upload.Employees).Seq))
		eventually(t, "the removal", func() bool { return lastSession(t, db, upload.Employees).Removal == upload.Done })
		page, err := w.dir.List(w.ctx, directory.Query{})
		w.must(err)
		if page.Total != 3 || !slices.ContainsFunc(page.People, func(p *directory.Person) bool { return p.ID == boss.ID && p.Role == grant.RoleSuperAdmin }) {
			t.Errorf("List = %d people, want the two of the upload and the last Super Admin", page.Total)
		}
	})
}

// TestUploadAgain holds that employees who come again as they were change nothing that others would have to read.
func TestUploadAgain(t *testing.T) {
	db := sqldbtest.Open(t)
	w := newWorld(t, db)
	list := employees(120)
	w.must(w.dir.PutEmployees(w.ctx, list))
	before, err := w.dir.Roster(w.ctx)
	w.must(err)
	w.must(w.dir.PutEmployees(w.ctx, list))
	if after, err := w.dir.Roster(w.ctx); err != nil || after != before {
		t.Errorf("Roster after the same employees = another, %v, want the one before", err)
	}
	// Twice in one list: the later record counts.
	twice := []directory.EmployeeRecord{list[5], list[5]}
	twice[0].Profile.Title = "Cook"
	w.must(w.dir.PutEmployees(w.ctx, twice))
	if p, err := w.dir.ByEmail(w.ctx, list[5].Email); err != nil || p.Profile.Title != list[5].Profile.Title {
		t.Errorf("a record twice = %q, %v, want what the later one says", p.Profile.Title, err)
	}
}

// team is a record whose members are p1, p2 and so on.
func team(id, name string, members ...int) directory.TeamRecord {
	rec := directory.TeamRecord{ID: id, Name: name, Department: "Sea"}
	for _, i := range members {
		rec.Members = append(rec.Members, directory.TeamMember{Email: fmt.Sprintf("P%d@example.com", i)})
	}
	return rec
}

// teamsOf lists teams with the number of their members.
func (w *world) teamsOf(q directory.Query) string {
	w.t.Helper()
	r, err := w.dir.Roster(w.ctx)
	w.must(err)
	page, err := r.ListTeams(q)
	w.must(err)
	var names []string
	for _, team := range page.Teams {
		names = append(names, fmt.Sprint(team.Name, len(r.MembersOf(team))))
	}
	return fmt.Sprint(strings.Join(names, " "), " of ", page.Total)
}

func TestTeams(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		removing(t, db, w.dir)
		w.must(w.dir.PutEmployees(w.ctx, employees(6)))
		w.must(w.dir.UploadTeams(w.ctx, upload.Page{ID: "one", First: true, Last: true, Digest: "1"}, []directory.TeamRecord{
			team("crew", "Crew", 1, 2, 2, 99), team("cooks", "Cooks", 3), team("élan", "Élan"), team("a", "A"), team("b", "B"), team("c", "C"),
		}))
		for _, c := range []struct {
			q    directory.Query
			want string
		}{
			{directory.Query{}, "A0 B0 C0 Cooks1 Crew2 Élan0 of 6"},
			{directory.Query{Sort: directory.ByOrgSize, Reverse: true, Limit: 2}, "Crew2 Cooks1 of 6"},
			{directory.Query{Words: "elan"}, "Élan0 of 1"},
			{directory.Query{Words: "c", Sort: directory.ByRelevance}, "C0 Cooks1 Crew2 of 3"},
			{directory.Query{Filters: []directory.Filter{{Field: "team_id", Values: []string{"CREW"}}}}, "Crew2 of 1"},
			{directory.Query{Filters: []directory.Filter{{Field: "member", Values: []string{"p3@example.com"}}, {Field: "department", Values: []string{"sea"}}}}, "Cooks1 of 1"},
		} {
			if got := w.teamsOf(c.q); got != c.want {
				t.Errorf("ListTeams(%+v) = %s, want %s", c.q, got, c.want)
			}
		}
		// Whoever comes later is in the team from then on, and who leaves is not.
		w.must(w.dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "p99@example.com"}}))
		w.must(w.dir.DeleteEmployee(w.ctx, "p1@example.com", 0))
		if got, want := w.teamsOf(directory.Query{Words: "crew"}), "Crew2 of 1"; got != want {
			t.Errorf("ListTeams(crew) = %s, want %s", got, want)
		}
		people, err := w.dir.List(w.ctx, directory.Query{Filters: []directory.Filter{{Field: "team", Values: []string{"crew"}}}, Facets: []string{"team"}})
		w.must(err)
		if people.Total != 2 || people.People[0].Email != "p2@example.com" || people.Facets["team"][0] != (directory.Bucket{Value: "Crew", Count: 2}) {
			t.Errorf("people of the team = %+v, want p2 and p99, counted", people)
		}
		w.must(w.dir.UploadTeams(w.ctx, upload.Page{ID: "two", First: true, Last: true, Digest: "2"}, []directory.TeamRecord{
			team("crew", "Crew", 2), team("cooks", "Cooks", 3), team("élan", "Élan"), team("a", "A"), team("b", "B"),
		}))
		eventually(t, "the removal", func() bool { return w.teamsOf(directory.Query{}) == "A0 B0 Cooks1 Crew1 Élan0 of 5" })
		w.must(w.dir.DeleteTeam(w.ctx, "a"))
		w.must(w.dir.DeleteTeam(w.ctx, "a"))
		other, err := directory.New(db).Roster(w.ctx) // one that has seen nothing of this
		w.must(err)
		if _, there := other.TeamByID("a"); there {
			t.Error("a team that was deleted is there for a node that starts later")
		}
		stale := team("crew", "Old", 2)
		stale.Version = 3
		w.must(w.dir.PutTeams(w.ctx, []directory.TeamRecord{stale}))
		stale.Version = 2
		if err := w.dir.PutTeams(w.ctx, []directory.TeamRecord{stale}); fault.KindOf(err) != fault.Conflict {
			t.Errorf("PutTeams of an older version = %v, want %v", err, fault.Conflict)
		}
	})
}

// png is a picture of one pixel.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

func TestPhoto(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		w := newWorld(t, db)
		dir := directory.NewAt(db, "https://sheaf.example.com/")
		put := func(photo string) error {
			return dir.PutEmployees(w.ctx, []directory.EmployeeRecord{{Email: "ann@example.com", Profile: directory.Profile{FirstName: "Ann", PhotoURL: photo}}})
		}
		w.must(put("data:image/png;base64," + png))
		ann, err := dir.ByEmail(w.ctx, "ann@example.com")
		w.must(err)
		want, err := base64.StdEncoding.DecodeString(png)
		w.must(err)
		if p, err := dir.Photo(w.ctx, ann.ID); err != nil || p.Media != "image/png" || !slices.Equal(p.Content, want) {
			t.Errorf("Photo() = %s, %d bytes, %v, want the picture", p.Media, len(p.Content), err)
		}
		r, err := dir.Roster(w.ctx)
		w.must(err)
		if got, want := r.Show(ann, directory.Detail{}).Metadata.PhotoURL, "https://sheaf.example.com/rest/api/v1/people/"+ann.ID+"/photo"; got != want {
			t.Errorf("photoUrl = %q, want %q", got, want)
		}
		for name, photo := range map[string]string{
			"script":       "data:text/html;base64,PHNjcmlwdD4=",
			"svg":          "data:image/svg+xml;base64,PHN2Zy8+",
			"another type": "data:image/jpeg;base64," + png,
			"no base64":    "data:image/png," + png,
			"not base64":   "data:image/png;base64,@@@@",
			"no picture":   "data:image/png;base64,aGVsbG8=",
			"too large":    "data:image/png;base64," + strings.Repeat("A", 400_000),
			"parameters":   "data:image/png;x=1;base64," + png,
			"relative":     "/photos/ann.png",
		} {
			if err := put(photo); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: PutEmployees = %v, want %v", name, err, fault.Invalid)
			}
		}
		w.must(put("https://photos.example.com/ann.png"))
		if _, err := dir.Photo(w.ctx, ann.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Photo() of one hosted elsewhere = %v, want %v", err, fault.NotFound)
		}
		w.must(put("data:image/png;base64," + png))
		w.must(dir.DeleteEmployee(w.ctx, "ann@example.com", 0))
		if _, err := dir.Photo(w.ctx, ann.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Photo() of somebody who left = %v, want %v", err, fault.NotFound)
		}
	})
}

// TestRosterIsShared reads rosters from many goroutines while people and teams change; the race detector judges.
func TestRosterIsShared(t *testing.T) {
	w := newWorld(t, sqldbtest.Open(t))
	list := employees(60)
	w.must(w.dir.PutEmployees(w.ctx, list))
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				r, err := w.dir.Roster(w.ctx)
				if err != nil {
					t.Error(err)
					return
				}
				r.Find(directory.Search{Words: "enigneer", Limit: 3})
				page, err := r.List(directory.Query{Sort: directory.Order((i + n) % 6), Reverse: i%2 == 0, Limit: 5, Facets: []string{"team", "department"}})
				if err != nil || page.Total < 50 {
					t.Errorf("List = %d people, %v, want all", page.Total, err)
					return
				}
				for _, p := range page.People {
					r.Show(p, directory.Detail{Management: true, Profiles: true})
				}
				if _, err := r.ListTeams(directory.Query{Words: "crew"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 40 {
		list[i].Profile.Title = fmt.Sprint("Captain ", i)
		w.must(w.dir.PutEmployees(w.ctx, list[i:i+1]))
		w.must(w.dir.PutTeams(w.ctx, []directory.TeamRecord{{ID: fmt.Sprint(i % 5), Name: fmt.Sprint("Crew ", i), Members: []directory.TeamMember{{Email: list[i].Email}}}}))
	}
	close(stop)
	wait.Wait()
}
