//go:build crash

// Package crash kills the real server and makes its disk fail, and holds it to what it has acknowledged: that is there
// and findable after the restart, once, and nothing else is. It runs in .ci/run, behind the build tag crash.
package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/test/live"
)

const (
	datasource = "crashnotes"
	admin      = "keeper@crash.example"
	// catchUp bounds how long the index may take after a restart to show what SQL holds.
	catchUp = 20 * time.Second
	// fresh is how many rounds share a data directory: each round reads all that the earlier ones wrote.
	fresh = 20
)

// rig is a data directory with an administrator, a datasource and the tokens that the tests need. Tokens outlive the
// server, as they must.
type rig struct {
	data           string
	intake, global string
	session        *live.Caller // made before the last crash; must still hold after it
	ledger         ledger
}

func newRig(t *testing.T) (*rig, *live.Server) {
	t.Helper()
	r := &rig{data: t.TempDir() + "/data"}
	s := live.Start(t, r.data)
	s.CLI(t, "user", "add", "--email", admin, "--role", "SUPER_ADMIN")
	r.intake = s.Secret(t, "indexing-token", "create", "--description", "crash intake")
	r.global = s.Secret(t, "token", "create", "--permission", "GLOBAL", "--scopes", "SEARCH,DOCUMENTS", "--description", "crash reader")
	r.session = s.SignIn(t, admin)
	s.Bearer(r.intake, "").Must(t, http.MethodPost, "/api/index/v1/adddatasource", map[string]any{
		"name": datasource, "displayName": "Crash notes", "datasourceCategory": "KNOWLEDGE_HUB", "urlRegex": "^https://crash\\.example/d/.*$",
		"isUserReferencedByEmail": true,
	})
	return r, s
}

// check holds a restarted server to the ledger.
func (r *rig) check(t *testing.T, s *live.Server) {
	t.Helper()
	r.session = r.session.At(s)
	r.session.Must(t, http.MethodGet, "/api/admin/v1/session", nil)
	r.ledger.check(t, s, s.Bearer(r.global, admin), r.session)
}

// worker changes documents and tokens of its own until the context ends or the server is gone.
type worker struct {
	rig    *rig
	name   string
	rng    *rand.Rand
	intake *live.Caller
	admin  *live.Caller
	docs   []*doc
	tokens []*token
	made   int
}

func (w *worker) newDoc() *doc {
	w.made++
	return &doc{id: fmt.Sprintf("%sn%d", w.name, w.made)}
}

// step makes one random change. It returns an error once the server does not answer any more.
func (w *worker) step(ctx context.Context) error {
	const most = 250 // documents a worker makes in a round: the reading afterwards should not dwarf the writing
	switch n := w.rng.IntN(100); {
	case n < 35 && w.made < most:
		d := w.newDoc()
		w.docs = append(w.docs, d)
		w.rig.ledger.addDocs(d)
		return w.write(ctx, "indexdocument", map[string]any{"document": d.body(1)}, 1, d)
	case n < 50 && w.made < most:
		var batch []*doc
		var bodies []map[string]any
		for range 2 + w.rng.IntN(19) {
			d := w.newDoc()
			batch, bodies = append(batch, d), append(bodies, d.body(1))
		}
		w.docs = append(w.docs, batch...)
		w.rig.ledger.addDocs(batch...)
		return w.write(ctx, "indexdocuments", map[string]any{"datasource": datasource, "documents": bodies}, 1, batch...)
	case n < 70 && len(w.docs) > 0:
		d := w.docs[w.rng.IntN(len(w.docs))]
		next := d.sure + 1
		return w.write(ctx, "indexdocument", map[string]any{"document": d.body(next)}, next, d)
	case n < 80 && len(w.docs) > 0:
		i := w.rng.IntN(len(w.docs))
		d := w.docs[i]
		w.docs = append(w.docs[:i], w.docs[i+1:]...)
		return w.write(ctx, "deletedocument", map[string]any{"datasource": datasource, "objectType": "Note", "id": d.id}, absent, d)
	case n < 92:
		return w.makeToken(ctx)
	case len(w.tokens) > 0:
		return w.revoke(ctx, w.tokens[w.rng.IntN(len(w.tokens))])
	}
	return nil
}

func (w *worker) write(ctx context.Context, op string, body any, r revision, ds ...*doc) error {
	a, err := write(ctx, w.intake, "/api/index/v1/"+op, body, r, ds...)
	if err == nil && a.Status != http.StatusOK {
		return fmt.Errorf("%s = %d %s", op, a.Status, a.Body)
	}
	return err
}

func (w *worker) makeToken(ctx context.Context) error {
	t := &token{description: fmt.Sprintf("%s token %d", w.name, w.rng.Uint64())}
	w.rig.ledger.addToken(t)
	a, err := w.admin.Do(ctx, http.MethodPost, "/api/admin/v1/tokens",
		map[string]any{"description": t.description, "permission": "USER", "userEmail": admin, "scopes": []string{"SEARCH"}})
	if err != nil {
		return err
	}
	if !a.OK() {
		return fmt.Errorf("make a token = %d %s", a.Status, a.Body)
	}
	var made struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	if err := decode(a, &made); err != nil {
		return err
	}
	t.id, t.secret = made.ID, made.Secret
	w.tokens = append(w.tokens, t)
	return nil
}

func (w *worker) revoke(ctx context.Context, t *token) error {
	if t.revoked {
		return nil
	}
	t.maybeRevoked = true
	a, err := w.admin.Do(ctx, http.MethodDelete, "/api/admin/v1/tokens/"+t.id, nil)
	if err != nil {
		return err
	}
	if !a.OK() {
		return fmt.Errorf("revoke = %d %s", a.Status, a.Body)
	}
	t.revoked, t.maybeRevoked = true, false
	return nil
}

func TestKill(t *testing.T) {
	rounds := intFrom(t, "SHEAF_CRASH_ROUNDS", 20)
	seed := uint64(intFrom(t, "SHEAF_CRASH_SEED", int(time.Now().UnixNano()&0x7fffffff)))
	t.Logf("%d rounds, SHEAF_CRASH_SEED=%d (the moments of the kills also depend on the machine)", rounds, seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	r, s := newRig(t)

	for round := range rounds {
		if round > 0 && round%fresh == 0 {
			s.Stop(t)
			r, s = newRig(t)
		}
		writes := runWorkers(t, r, s, round, rng)
		s.Kill()
		if round%4 == 3 {
			// Die once more, while the last death is being mended.
			again := live.Launch(t, r.data)
			time.Sleep(time.Duration(rng.IntN(150)) * time.Millisecond)
			again.Kill()
		}
		begin := time.Now()
		s = live.Start(t, r.data)
		ready := time.Since(begin)
		r.check(t, s)
		t.Logf("round %2d: %4d changes acknowledged, ready after %4d ms, %5d documents and %4d tokens checked in %d ms",
			round+1, writes, ready.Milliseconds(), len(r.ledger.docs), len(r.ledger.tokens), (time.Since(begin) - ready).Milliseconds())
		if t.Failed() {
			t.FailNow()
		}
		r.session = s.SignIn(t, admin)
	}
	s.Stop(t)
}

// runWorkers lets four of them work, ends the server in the middle, and returns how many changes were acknowledged.
func runWorkers(t *testing.T, r *rig, s *live.Server, round int, rng *rand.Rand) int {
	t.Helper()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
	)
	for i := range 4 {
		w := &worker{
			rig: r, name: fmt.Sprintf("r%dw%d", round, i), rng: rand.New(rand.NewPCG(rng.Uint64(), 2)),
			intake: s.Bearer(r.intake, ""), admin: r.session.At(s),
		}
		wg.Go(func() {
			done := 0
			for {
				if err := w.step(t.Context()); err != nil {
					if !s.Ended() && !dying(s) {
						t.Errorf("worker %s, before the kill: %v", w.name, err)
					}
					break
				}
				done++
			}
			mu.Lock()
			defer mu.Unlock()
			total += done
		})
	}
	time.Sleep(time.Duration(20+rng.IntN(900)) * time.Millisecond)
	s.Kill()
	wg.Wait()
	return total
}

// dying waits briefly for the end of a server that a worker could not reach: its connections go before its process.
func dying(s *live.Server) bool {
	for range 100 {
		if s.Ended() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func intFrom(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}
