package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/audit"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/sheaftest"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// bulk sends one page that is an upload of its own.
func bulk(s *sheaftest.Server, source, id string, ids ...string) {
	docs := []map[string]any{}
	for _, id := range ids {
		docs = append(docs, map[string]any{
			"datasource": source, "objectType": "Page", "id": id, "title": "Winkle " + id, "viewURL": "https://" + source + ".example/" + id,
			"permissions": map[string]any{"allowAnonymousAccess": true},
		})
	}
	s.Must("POST", "/api/index/v1/bulkindexdocuments", s.Indexing(), map[string]any{
		"uploadId": id, "isFirstPage": true, "isLastPage": true, "datasource": source, "documents": docs,
	})
}

// paused makes an upload whose removal is paused, and returns its id.
func paused(tb testing.TB, s *sheaftest.Server, source string) (seq int64) {
	tb.Helper()
	id := sqldb.NewID()
	bulk(s, source, id+"-1", "kept", "stale")
	bulk(s, source, id+"-2", "kept")
	within(tb, "the removal is paused", func() bool {
		var list []int64
		err := s.DB.Read(tb.Context(), func(tx *sqldb.Tx) (err error) {
			list, err = sqldb.All(tb.Context(), tx, sqldb.ScanInt, "SELECT seq FROM uploads WHERE upload_id = $1 AND removal = 'paused'", id+"-2")
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
		if len(list) > 0 {
			seq = list[0]
		}
		return len(list) > 0
	})
	return seq
}

// within waits some seconds for what happens in the background.
func within(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within ten seconds: %s", what)
		}
	}
}

// TestBulk follows what an upload leaves stale from the last page until it is not found any more, with an administrator's
// decision between.
func TestBulk(t *testing.T) {
	t.Parallel()
	s := sheaftest.Open(t)
	s.Person("ada@quillmere.example", grant.RoleAdmin)
	s.Must("POST", "/api/index/v1/adddatasource", s.Indexing(), `{"name":"galley","datasourceCategory":"KNOWLEDGE_HUB","urlRegex":".*"}`)
	found := func() string {
		var answer struct {
			Results []struct {
				Title string `json:"title"`
			} `json:"results"`
		}
		s.Must("POST", "/rest/api/v1/search", s.As("ada@quillmere.example"), `{"query":"winkle"}`).Decode(&answer)
		var titles []string
		for _, r := range answer.Results {
			titles = append(titles, strings.TrimPrefix(r.Title, "Winkle "))
		}
		slices.Sort(titles)
		return strings.Join(titles, " ")
	}
	bulk(s, "galley", "1", "a", "b", "c", "d", "e", "f")
	within(t, "six documents are found", func() bool { return found() == "a b c d e f" })
	bulk(s, "galley", "2", "a", "b", "c", "d", "e")
	within(t, "the sixth is gone", func() bool { return found() == "a b c d e" })

	bulk(s, "galley", "3", "a", "b", "c")
	session := s.SignIn("ada@quillmere.example")
	type upload struct {
		ID          int64  `json:"id"`
		UploadID    string `json:"uploadId"`
		State       string `json:"state"`
		Removal     string `json:"removal"`
		Stale       int64  `json:"stale"`
		Removed     int64  `json:"removed"`
		PausedUntil int64  `json:"pausedUntil"`
	}
	var list struct {
		Uploads []upload `json:"uploads"`
	}
	within(t, "the removal is paused", func() bool {
		s.Must("GET", "/api/admin/v1/uploads?datasource=galley", "", nil, session.Headers()...).Decode(&list)
		return list.Uploads[0].Removal == "paused"
	})
	last := list.Uploads[0]
	if len(list.Uploads) != 3 || last.UploadID != "3" || last.State != "closed" || last.Stale != 2 || last.PausedUntil < time.Now().Add(6*24*time.Hour).Unix() {
		t.Errorf("uploads = %+v, want three, of which the last has 2 stale for a week", list.Uploads)
	}
	if got := found(); got != "a b c d e" {
		t.Errorf("found while paused = %q, want all five", got)
	}
	path := fmt.Sprintf("/api/admin/v1/uploads/%d/removal", last.ID)
	for _, c := range []struct {
		path, body string
		status     int
	}{{path, `{"action":"burn"}`, 400}, {path, `{}`, 400}, {"/api/admin/v1/uploads/4711/removal", `{"action":"run"}`, 404}, {"/api/admin/v1/uploads/x/removal", `{"action":"run"}`, 404}} {
		if a := s.Do("POST", c.path, "", c.body, session.Headers()...); a.Status != c.status {
			t.Errorf("POST %s %s = %d %s, want %d", c.path, c.body, a.Status, a.Body, c.status)
		}
	}
	s.Must("POST", path, "", `{"action":"run"}`, session.Headers()...)
	within(t, "what was stale is gone", func() bool { return found() == "a b c" })
	if a := s.Do("POST", path, "", `{"action":"drop"}`, session.Headers()...); a.Status != 409 {
		t.Errorf("dropping a removal that ran = %d %s, want 409", a.Status, a.Body)
	}
	if err := s.Audit.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := s.Audit.List(t.Context(), audit.Filter{Subject: fmt.Sprintf("%d run", last.ID)})
	if err != nil || len(page.Entries) == 0 {
		t.Errorf("the audit log has %v, %v of the decision", page.Entries, err)
	}
}
