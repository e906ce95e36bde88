//go:build crash

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/test/live"
)

func decode(a live.Answer, v any) error { return json.Unmarshal(a.Body, v) }

// TestFsync makes every flush to the disk fail while the server runs: nothing asked for in that time may be
// acknowledged, and what was acknowledged before and after must survive a kill.
func TestFsync(t *testing.T) {
	r, s := newRig(t)
	w := &worker{rig: r, name: "fsync", rng: rand.New(rand.NewPCG(1, 2)), intake: s.Bearer(r.intake, ""), admin: r.session}
	for range 50 {
		if err := w.step(t.Context()); err != nil {
			t.Fatalf("before any failure: %v", err)
		}
	}
	if len(w.tokens) == 0 {
		if err := w.makeToken(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	heal, injected := failFsync(t, s)
	acknowledged := writeInVain(t, w)
	heal()
	if n := injected(); n == 0 {
		t.Fatal("no flush was seen while writing, so this test has shown nothing")
	} else {
		t.Logf("%d flushes failed, %d of the writes were acknowledged all the same", n, len(acknowledged))
	}
	for _, what := range acknowledged {
		t.Errorf("%s was acknowledged while no flush succeeded", what)
	}

	// After a failed flush nobody knows what is on the disk, so a server may end itself or refuse to write until it is
	// restarted. If it lives, it still answers those who read.
	writeOne := func() error {
		d := w.newDoc()
		r.ledger.addDocs(d)
		return w.write(t.Context(), "indexdocument", map[string]any{"document": d.body(1)}, 1, d)
	}
	switch err := writeOne(); {
	case s.Ended():
		t.Log("the server ended itself")
	case err != nil:
		t.Logf("the server lives and writes nothing more: %v", err)
		if _, err := live.SearchAll(t.Context(), s.Bearer(r.global, admin), common); err != nil {
			t.Errorf("the server lives and does not even read: %v", err)
		}
	default:
		t.Log("the server writes again")
	}
	s.Kill()
	s = live.Start(t, r.data)
	r.check(t, s)
	w.intake, w.admin = s.Bearer(r.intake, ""), r.session.At(s)
	if err := writeOne(); err != nil {
		t.Errorf("after the restart, on a healthy disk: %v", err)
	}
	s.Stop(t)
}

// writeInVain sends writes of every kind at once and names those that were acknowledged.
func writeInVain(t *testing.T, w *worker) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		out []string
	)
	try := func(what string, send func(context.Context) error) {
		wg.Go(func() {
			if err := send(ctx); err == nil {
				mu.Lock()
				defer mu.Unlock()
				out = append(out, what)
			}
		})
	}
	for i := range 10 {
		d := w.newDoc()
		w.rig.ledger.addDocs(d)
		try(fmt.Sprintf("document %d", i), func(ctx context.Context) error {
			return w.write(ctx, "indexdocument", map[string]any{"document": d.body(1)}, 1, d)
		})
	}
	batch := []*doc{w.newDoc(), w.newDoc(), w.newDoc()}
	w.rig.ledger.addDocs(batch...)
	try("a batch", func(ctx context.Context) error {
		var bodies []map[string]any
		for _, d := range batch {
			bodies = append(bodies, d.body(1))
		}
		return w.write(ctx, "indexdocuments", map[string]any{"datasource": datasource, "documents": bodies}, 1, batch...)
	})
	victim := w.tokens[0]
	for _, other := range w.tokens {
		if !other.revoked {
			victim = other
		}
	}
	if !victim.revoked {
		try("a revocation", func(ctx context.Context) error { return w.revoke(ctx, victim) })
	}
	made := &token{description: "token made in vain"}
	w.rig.ledger.addToken(made)
	try("a token", func(ctx context.Context) error {
		a, err := w.admin.Do(ctx, http.MethodPost, "/api/admin/v1/tokens",
			map[string]any{"description": made.description, "permission": "USER", "userEmail": admin, "scopes": []string{"SEARCH"}})
		if err == nil && !a.OK() {
			err = fmt.Errorf("make a token = %d", a.Status)
		}
		return err
	})
	wg.Wait()
	return out
}

// failFsync attaches strace to the server so that fsync and fdatasync fail with EIO from now on. heal ends that;
// injected then counts the failures. (A preloaded library would not do: Go makes its system calls itself.)
func failFsync(t *testing.T, s *live.Server) (heal func(), injected func() int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace.log")
	cmd := exec.Command("strace", "-f", "-qq", "-o", log, "-e", "trace=fsync,fdatasync",
		"-e", "inject=fsync,fdatasync:error=EIO", "-p", fmt.Sprint(s.PID()))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start strace: %v", err)
	}
	heal = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	t.Cleanup(heal)
	live.Eventually(t, 10*time.Second, func() error {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.PID()))
		if err != nil || len(tasks) == 0 {
			return fmt.Errorf("no threads: %w", err)
		}
		for _, task := range tasks {
			status, err := os.ReadFile(task)
			if err == nil && strings.Contains(string(status), "TracerPid:\t0\n") {
				return fmt.Errorf("%s is not traced yet", task)
			}
		}
		return nil
	})
	return heal, func() int {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatalf("read what strace saw: %v", err)
		}
		return strings.Count(string(b), "(INJECTED)")
	}
}
