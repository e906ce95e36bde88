//go:build crash

package crash

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sheafsearch/sheaf/test/live"
)

// common is a word that every document of these tests holds, so that one query lists them all.
const common = "barnacle"

// revision is the state of one document: which revision of its text is stored, or none.
type revision int

const absent revision = 0

// doc is one document with what was acknowledged about it. While a request is on its way, or has ended without an
// answer, the server may be in either state.
type doc struct {
	id    string
	sure  revision
	maybe []revision // outcomes that were asked for and never acknowledged
}

func url(id string) string { return "https://crash.example/d/" + id }

// body is the document in the words of the Indexing API. The title tells the revision.
func (d *doc) body(r revision) map[string]any {
	return map[string]any{
		"datasource": datasource, "objectType": "Note", "id": d.id, "viewURL": url(d.id),
		"title":       fmt.Sprintf("Revision %d of %s", r, d.id),
		"body":        map[string]any{"mimeType": "text/plain", "textContent": strings.Repeat(fmt.Sprintf("%s %s text%d. ", common, d.id, r), 20)},
		"permissions": map[string]any{"allowAnonymousAccess": true},
	}
}

func (d *doc) allows(r revision) bool { return r == d.sure || slices.Contains(d.maybe, r) }

// token is one client token with what was acknowledged about it.
type token struct {
	description, id, secret string // id and secret are empty where its making was never acknowledged
	revoked, maybeRevoked   bool
}

// ledger is what the tests know: everything that was acknowledged, and what was left open.
type ledger struct {
	mu     sync.Mutex // guards the two lists; each entry has one worker at a time
	docs   []*doc
	tokens []*token
}

func (l *ledger) addDocs(ds ...*doc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.docs = append(l.docs, ds...)
}

func (l *ledger) addToken(t *token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, t)
}

// check compares a restarted server with the ledger, settles what was open, and fails the test where something that
// was acknowledged is missing, doubled, half there or not to be found.
func (l *ledger) check(tb testing.TB, s *live.Server, reader *live.Caller, admin *live.Caller) {
	tb.Helper()
	l.checkStored(tb, reader)
	l.checkFound(tb, s, reader)
	l.checkTokens(tb, s, admin)
}

// checkStored reads every document by its address and settles the open ones by what is there.
func (l *ledger) checkStored(tb testing.TB, reader *live.Caller) {
	tb.Helper()
	for part := range slices.Chunk(l.docs, 50) {
		var specs []map[string]string
		for _, d := range part {
			specs = append(specs, map[string]string{"url": url(d.id)})
		}
		var answer struct {
			Documents map[string]struct {
				Title   string `json:"title"`
				Error   string `json:"error"`
				Content struct {
					FullTextList []string `json:"fullTextList"`
				} `json:"content"`
			} `json:"documents"`
		}
		reader.Must(tb, http.MethodPost, "/rest/api/v1/getdocuments",
			map[string]any{"documentSpecs": specs, "includeFields": []string{"DOCUMENT_CONTENT"}}).Decode(tb, &answer)
		for _, d := range part {
			got, ok := answer.Documents[url(d.id)]
			if !ok {
				tb.Fatalf("getdocuments has no entry for %s", url(d.id))
			}
			found := absent
			if got.Error == "" {
				if _, err := fmt.Sscanf(got.Title, "Revision %d of", &found); err != nil {
					tb.Fatalf("%s has the title %q: %v", d.id, got.Title, err)
				}
				if text := strings.Join(got.Content.FullTextList, " "); !strings.Contains(text, fmt.Sprintf("text%d.", found)) {
					tb.Errorf("%s is half of two revisions: title %q, text %.60q", d.id, got.Title, text)
				}
			}
			if !d.allows(found) {
				tb.Errorf("%s is at revision %d, want %d as acknowledged (open: %v)", d.id, found, d.sure, d.maybe)
			}
			d.sure, d.maybe = found, nil
		}
	}
}

// checkFound waits until the index has caught up and then wants each stored document in the results exactly once.
func (l *ledger) checkFound(tb testing.TB, s *live.Server, reader *live.Caller) {
	tb.Helper()
	want := map[string]string{}
	for _, d := range l.docs {
		if d.sure != absent {
			want[url(d.id)] = fmt.Sprintf("Revision %d of %s", d.sure, d.id)
		}
	}
	live.Eventually(tb, catchUp, func() error {
		hits, err := live.SearchAll(tb.Context(), reader, common)
		if err != nil {
			return err
		}
		seen := map[string]string{}
		for _, h := range hits {
			if _, twice := seen[h.URL]; twice {
				return fmt.Errorf("%s is found twice", h.URL)
			}
			seen[h.URL] = h.Title
		}
		for u, title := range want {
			if seen[u] != title {
				return fmt.Errorf("%s is found as %q, want %q", u, seen[u], title)
			}
		}
		for u := range seen {
			if want[u] == "" {
				return fmt.Errorf("%s is found after its deletion", u)
			}
		}
		return nil
	})
	if s.Ended() {
		tb.Fatalf("the server ended by itself:\n%s", s.Log())
	}
}

// checkTokens uses every token that was handed out and compares the list of them.
func (l *ledger) checkTokens(tb testing.TB, s *live.Server, admin *live.Caller) {
	tb.Helper()
	var list struct {
		Tokens []struct {
			ID          string `json:"id"`
			Description string `json:"description"`
		} `json:"tokens"`
	}
	admin.Must(tb, http.MethodGet, "/api/admin/v1/tokens", nil).Decode(tb, &list)
	count := map[string]int{}
	for _, t := range list.Tokens {
		count[t.Description]++
	}
	for _, t := range l.tokens {
		n := count[t.description]
		switch {
		case n > 1:
			tb.Errorf("token %q is there %d times", t.description, n)
		case n == 0 && t.secret != "":
			tb.Errorf("token %q was acknowledged and is gone", t.description)
		}
		if t.secret == "" {
			continue
		}
		a, err := s.Bearer(t.secret, "").Do(tb.Context(), http.MethodPost, "/rest/api/v1/search", map[string]any{"query": "", "pageSize": 1})
		if err != nil {
			tb.Fatalf("search with token %q: %v", t.description, err)
		}
		switch dead := a.Status == http.StatusUnauthorized; {
		case !dead && a.Status != http.StatusOK:
			tb.Errorf("search with token %q = %d %s", t.description, a.Status, a.Body)
		case t.revoked && !dead:
			tb.Errorf("token %q was revoked, acknowledged, and is alive again", t.description)
		case dead && !t.revoked && !t.maybeRevoked:
			tb.Errorf("token %q was handed out and is dead", t.description)
		default:
			t.revoked, t.maybeRevoked = dead, false
		}
	}
}

// write sends one change of some documents to state r, and records what the answer makes sure.
func write(ctx context.Context, c *live.Caller, path string, body any, r revision, ds ...*doc) (live.Answer, error) {
	for _, d := range ds {
		d.maybe = append(d.maybe, r)
	}
	a, err := c.Do(ctx, http.MethodPost, path, body)
	if err == nil && a.Status == http.StatusOK {
		for _, d := range ds {
			d.sure, d.maybe = r, nil
		}
	}
	return a, err
}
