//go:build crash

package crash

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sheafsearch/sheaf/test/live"
)

const (
	bulkSource = "crashbulk"
	// removed bounds how long what an upload left stale may stay after a restart: a job of a killed server is taken over
	// after half a minute where there may be other servers.
	removed = 75 * time.Second
)

// kind is a kind of thing that bulk uploads replace.
type kind struct {
	single, bulk, list string // operations, and the list in a page
	names, page        int    // how many there are to choose from, and how many go into a page
	item               func(name string) map[string]any
	wrap               string // what a single one is called in its request
	query              string // lists the names that are stored
	extra              map[string]any
}

var kinds = []kind{
	{
		single: "indexdocument", bulk: "bulkindexdocuments", list: "documents", names: 1500, page: 100, wrap: "document",
		query: "SELECT doc_id FROM documents WHERE datasource = $1", extra: map[string]any{"disableStaleDocumentDeletionCheck": true},
		item: func(name string) map[string]any {
			return map[string]any{
				"datasource": bulkSource, "objectType": "Note", "id": name, "title": "Note " + name, "viewURL": "https://crash.example/b/" + name,
				"body":        map[string]any{"mimeType": "text/plain", "textContent": "limpet " + name},
				"permissions": map[string]any{"allowAnonymousAccess": true},
			}
		},
	},
	{
		single: "indexuser", bulk: "bulkindexusers", list: "users", names: 500, page: 40, wrap: "user",
		query: "SELECT REPLACE(email, '@crash.example', '') FROM identities WHERE datasource = $1", extra: map[string]any{"disableStaleDataDeletionCheck": true},
		item: func(name string) map[string]any {
			return map[string]any{"email": name + "@crash.example", "name": "User " + name}
		},
	},
	{
		single: "indexgroup", bulk: "bulkindexgroups", list: "groups", names: 500, page: 40, wrap: "group",
		query: "SELECT name FROM realm_groups WHERE datasource = $1", extra: map[string]any{"disableStaleDataDeletionCheck": true},
		item: func(name string) map[string]any { return map[string]any{"name": name} },
	},
	{
		// Members are no users that are uploaded: with those their memberships would go too.
		single: "indexmembership", bulk: "bulkindexmemberships", list: "memberships", names: 1500, page: 100, wrap: "membership",
		query: "SELECT REPLACE(member, '@else.example', '') FROM memberships WHERE datasource = $1 AND group_name = 'crew'", extra: map[string]any{"group": "crew"},
		item: func(name string) map[string]any {
			return map[string]any{"memberUserId": name + "@else.example", "groupName": "crew"}
		},
	},
}

type set map[string]bool

func (s set) addAll(other set) { maps.Copy(s, other) }

// session is a bulk upload with what was acknowledged of it.
type session struct {
	id                    string
	restart               bool
	pages                 [][]string
	tried, sure           []bool
	singles, maybeSingles set // written on their own meanwhile
}

func (s *session) content(only func(i int) bool) set {
	all := set{}
	for i, page := range s.pages {
		if only(i) {
			for _, name := range page {
				all[name] = true
			}
		}
	}
	return all
}

// connector replaces one kind of thing over and over.
type connector struct {
	kind
	rng     *rand.Rand
	intake  *live.Caller
	made    int
	ended   int // uploads that were acknowledged
	whole   set // what the last upload whose end was acknowledged left
	stale   set // what earlier ones left stale, and may not have gone yet
	current *session
}

func (c *connector) begin(restart bool) {
	c.made++
	s := &session{id: fmt.Sprintf("%s-%d", c.list, c.made), restart: restart, singles: set{}, maybeSingles: set{}}
	var names []string
	for i := range c.names {
		if c.rng.IntN(10) < 6 {
			names = append(names, fmt.Sprintf("n%d", i))
		}
	}
	c.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	s.pages = append(slices.Collect(slices.Chunk(names, c.page)), nil)
	s.tried, s.sure = make([]bool, len(s.pages)), make([]bool, len(s.pages))
	c.current = s
}

func (c *connector) send(ctx context.Context, i int) error {
	s := c.current
	items := []map[string]any{}
	for _, name := range s.pages[i] {
		item := c.item(name)
		if c.wrap == "membership" {
			delete(item, "groupName")
		}
		items = append(items, item)
	}
	body := map[string]any{"uploadId": s.id, "datasource": bulkSource, c.list: items, "isFirstPage": i == 0, "isLastPage": i == len(s.pages)-1}
	if i == 0 && s.restart {
		body["forceRestartUpload"] = true
	}
	maps.Copy(body, c.extra)
	s.tried[i] = true
	a, err := c.intake.Do(ctx, http.MethodPost, "/api/index/v1/"+c.bulk, body)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("page %d of %d of %s = %d %s", i+1, len(s.pages), s.id, a.Status, a.Body)
	}
	s.sure[i] = err == nil
	return err
}

func (c *connector) sendSingle(ctx context.Context) error {
	s := c.current
	name := fmt.Sprintf("single%d", c.rng.IntN(50))
	s.maybeSingles[name] = true
	body := map[string]any{c.wrap: c.item(name)}
	if c.wrap != "document" {
		body["datasource"] = bulkSource
	}
	a, err := c.intake.Do(ctx, http.MethodPost, "/api/index/v1/"+c.single, body)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s = %d %s", c.single, a.Status, a.Body)
	}
	if err == nil {
		s.singles[name] = true
	}
	return err
}

// finish sends what is left of the upload: the first page alone, middle ones two at a time in any order, the last alone.
func (c *connector) finish(ctx context.Context) error {
	s := c.current
	end := len(s.pages) - 1
	if !s.sure[0] {
		if err := c.send(ctx, 0); err != nil {
			return err
		}
	}
	var left []int
	for i := 1; i < end; i++ {
		if !s.sure[i] {
			left = append(left, i)
		}
	}
	c.rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for pair := range slices.Chunk(left, 2) {
		errs := make([]error, len(pair))
		var wait sync.WaitGroup
		for n, i := range pair {
			wait.Go(func() { errs[n] = c.send(ctx, i) })
		}
		wait.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		if c.rng.IntN(3) == 0 {
			if err := c.sendSingle(ctx); err != nil {
				return err
			}
		}
	}
	if err := c.send(ctx, end); err != nil {
		return err
	}
	next := s.content(func(int) bool { return true })
	next.addAll(s.singles)
	c.stale.addAll(c.whole)
	c.stale.addAll(s.maybeSingles)
	c.whole, c.current = next, nil
	c.ended++
	return nil
}

// check compares what a restarted server has with what it acknowledged.
func (c *connector) check(t *testing.T, stored set) {
	t.Helper()
	want, may := set{}, set{}
	want.addAll(c.whole)
	may.addAll(c.whole)
	may.addAll(c.stale)
	if s := c.current; s != nil {
		end := len(s.pages) - 1
		acknowledged := s.content(func(i int) bool { return s.sure[i] })
		acknowledged.addAll(s.singles)
		if s.tried[end] { // it may have ended, and what is not in it be on its way out
			want = set{}
		}
		want.addAll(acknowledged)
		may.addAll(s.content(func(i int) bool { return s.tried[i] }))
		may.addAll(s.maybeSingles)
	}
	for name := range want {
		if !stored[name] {
			t.Errorf("%s %q was acknowledged and is lost", c.list, name)
		}
	}
	for name := range stored {
		if !may[name] {
			t.Errorf("%s %q is there, and should be gone", c.list, name)
		}
	}
}

// settle ends the upload that the kill interrupted, or begins another in its place, and waits until exactly that is left.
func (c *connector) settle(t *testing.T, stored func() set) {
	t.Helper()
	s := c.current
	if s == nil || c.rng.IntN(2) == 0 {
		c.begin(s != nil)
		if s != nil {
			c.stale.addAll(s.content(func(i int) bool { return s.tried[i] }))
			c.stale.addAll(s.maybeSingles)
		}
	}
	maybe := c.current.maybeSingles
	if err := c.finish(t.Context()); err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	live.Eventually(t, removed, func() error {
		now := stored()
		for name := range c.whole {
			if !now[name] {
				return fmt.Errorf("%s %q was acknowledged and is lost", c.list, name)
			}
		}
		for name := range now {
			if !c.whole[name] && !maybe[name] {
				return fmt.Errorf("%s %q of %d is still there, want %d", c.list, name, len(now), len(c.whole))
			}
		}
		return nil
	})
	c.stale = set{}
	c.stale.addAll(maybe)
}

// TestKillBulk kills the server while everything of four kinds is being replaced, on each database.
func TestKillBulk(t *testing.T) {
	rounds := intFrom(t, "SHEAF_CRASH_BULK_ROUNDS", 4)
	seed := uint64(intFrom(t, "SHEAF_CRASH_SEED", int(time.Now().UnixNano()&0x7fffffff)))
	t.Logf("%d rounds, SHEAF_CRASH_SEED=%d (the moments of the kills also depend on the machine)", rounds, seed)
	t.Run("SQLite", func(t *testing.T) {
		data := t.TempDir() + "/data"
		killBulk(t, rounds, seed, data, func() (*sql.DB, error) {
			return sql.Open("sqlite", "file:"+data+"/sheaf.db?mode=ro&_pragma=busy_timeout(5000)")
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		address := schema(t)
		killBulk(t, rounds, seed, t.TempDir()+"/data", func() (*sql.DB, error) { return sql.Open("pgx", address) }, "--database", address)
	})
}

// schema makes a schema of its own on the server that SHEAF_TEST_POSTGRES names, and returns its address.
func schema(t *testing.T) string {
	t.Helper()
	server := os.Getenv("SHEAF_TEST_POSTGRES")
	if server == "" {
		t.Skip("SHEAF_TEST_POSTGRES names no PostgreSQL server")
	}
	u, err := neturl.Parse(server)
	if err != nil {
		t.Fatal("SHEAF_TEST_POSTGRES is no address")
	}
	name := fmt.Sprintf("crash_%d_%d", os.Getpid(), time.Now().UnixNano())
	do := func(statement string) {
		c, err := pgx.Connect(context.Background(), server)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		if _, err := c.Exec(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE SCHEMA " + name)
	t.Cleanup(func() { do("DROP SCHEMA " + name + " CASCADE") })
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func killBulk(t *testing.T, rounds int, seed uint64, data string, open func() (*sql.DB, error), options ...string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	s := live.Start(t, data, options...)
	token := s.Secret(t, "indexing-token", "create", "--description", "crash intake")
	s.Bearer(token, "").Must(t, http.MethodPost, "/api/index/v1/adddatasource", map[string]any{
		"name": bulkSource, "displayName": "Crash bulk", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "^https://crash\\.example/b/.*$", "isUserReferencedByEmail": true,
	})
	db, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var connectors []*connector
	for i := range kinds {
		connectors = append(connectors, &connector{kind: kinds[i], rng: rand.New(rand.NewPCG(rng.Uint64(), 4)), whole: set{}, stale: set{}})
	}
	for round := range rounds {
		var wait sync.WaitGroup
		var gone sync.Map
		for _, c := range connectors {
			c.intake = s.Bearer(token, "")
			c.ended = 0
			wait.Go(func() {
				for {
					if c.current == nil {
						c.begin(false)
					}
					if err := c.finish(t.Context()); err != nil {
						if !s.Ended() && !dying(s) {
							gone.Store(c.list, err)
						}
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(20+rng.IntN(1200)) * time.Millisecond)
		s.Kill()
		wait.Wait()
		gone.Range(func(list, err any) bool {
			t.Errorf("%v, before the kill: %v", list, err)
			return true
		})
		s = live.Start(t, data, options...)
		var ended []string
		for _, c := range connectors {
			c.intake = s.Bearer(token, "")
			stored := func() set { return names(t, db, c.query) }
			c.check(t, stored())
			ended = append(ended, fmt.Sprintf("%d of %s", c.ended, c.list))
			begun := time.Now()
			c.settle(t, stored)
			ended[len(ended)-1] += fmt.Sprintf(" (settled in %d ms)", time.Since(begun).Milliseconds())
		}
		t.Logf("round %2d: uploads acknowledged: %s", round+1, strings.Join(ended, ", "))
		if t.Failed() {
			t.FailNow()
		}
	}
	// What the index shows in the end is what is stored.
	s.CLI(t, "user", "add", "--email", admin, "--role", "SUPER_ADMIN")
	reader := s.Bearer(s.Secret(t, "token", "create", "--permission", "GLOBAL", "--scopes", "SEARCH", "--description", "crash reader"), admin)
	live.Eventually(t, catchUp, func() error {
		hits, err := live.SearchAll(t.Context(), reader, "limpet")
		if err != nil {
			return err
		}
		found := set{}
		for _, h := range hits {
			found[strings.TrimPrefix(h.URL, "https://crash.example/b/")] = true
		}
		if stored := names(t, db, kinds[0].query); !maps.Equal(found, stored) || len(hits) != len(stored) {
			return fmt.Errorf("%d documents are found, %d of them different ones, and %d stored", len(hits), len(found), len(stored))
		}
		return nil
	})
	s.CLI(t, "check")
	s.Stop(t)
}

func names(t *testing.T, db *sql.DB, query string) set {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, bulkSource)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := set{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
