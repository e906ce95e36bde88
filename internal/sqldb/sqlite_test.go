package sqldb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	sqlite "modernc.org/sqlite/lib"
)

// TestMain lets this binary be the other process of a test.
func TestMain(m *testing.M) {
	switch os.Getenv("SQLDB_TEST_ROLE") {
	case "loader":
		os.Exit(child(loader))
	case "counter":
		os.Exit(child(counter))
	}
	os.Exit(m.Run())
}

func child(run func(context.Context, *DB) error) int {
	ctx := context.Background()
	db, err := Open(ctx, Config{URL: os.Getenv("SQLDB_TEST_PATH")})
	if err == nil {
		err = run(ctx, db)
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// loader writes without a pause until it is killed.
func loader(ctx context.Context, db *DB) error {
	fmt.Println("ready")
	for range 8 {
		go func() {
			for {
				_ = db.Write(ctx, Bulk, func(tx *Tx) error {
					_, err := tx.Next(ctx, "loaded", 1)
					time.Sleep(2 * time.Millisecond)
					return err
				})
			}
		}()
	}
	select {}
}

// counter counts up and says each number once it is durable.
func counter(ctx context.Context, db *DB) error {
	for {
		var n int64
		err := db.Write(ctx, Security, func(tx *Tx) (err error) {
			n, err = tx.Next(ctx, "counted", 1)
			return err
		})
		if err != nil {
			// A disk that failed once must stay failed.
			for range 3 {
				if again := db.Write(ctx, Security, func(*Tx) error { return nil }); fault.KindOf(again) != fault.Unavailable {
					fmt.Println("accepted after", err)
				}
			}
			return err
		}
		fmt.Println(n)
	}
}

func role(t *testing.T, path, role string, wrap ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(wrap), self)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SQLDB_TEST_ROLE="+role, "SQLDB_TEST_PATH="+path)
	return cmd
}

// TestTwoProcesses: beside a process that loads documents all the time, another one gets its turn,
// as the command line needs it beside a server.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	cmd := role(t, path, "loader")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process says %q, want ready", line)
	}
	db, err := Open(t.Context(), Config{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var took []time.Duration
	for range 40 {
		begun := time.Now()
		if err := db.Write(t.Context(), Security, func(tx *Tx) error {
			_, err := tx.Next(t.Context(), "mine", 1)
			return err
		}); err != nil {
			t.Fatalf("Write() = %v", err)
		}
		took = append(took, time.Since(begun))
		time.Sleep(3 * time.Millisecond) // lets the other one take the lock again
	}
	slices.Sort(took)
	t.Logf("a write took %v at the median, %v at most", took[len(took)/2], took[len(took)-1])
	if got := took[len(took)-1]; got > time.Second {
		t.Errorf("a write beside a busy process took %v, want its turn after one transaction of the other", got)
	}
	var loaded int64
	eventually := time.Now().Add(10 * time.Second)
	for loaded == 0 && time.Now().Before(eventually) {
		_ = db.Read(t.Context(), func(tx *Tx) (err error) {
			loaded, err = One(t.Context(), tx, ScanInt, "SELECT n FROM counters WHERE name = 'loaded'")
			return err
		})
	}
	if loaded == 0 {
		t.Error("the busy process wrote nothing")
	}
}

// TestKilledProcess: what a process said was durable is there after it was killed.
func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 3 {
		cmd := role(t, path, "counter")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		last := ""
		for n := 1; lines.Scan(); n++ {
			if last = lines.Text(); n == 50 {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		checkCounted(t, path, last)
	}
}

// checkCounted fails unless the database holds the last number that was acknowledged, or the next
// one, which was committed and not yet said.
func checkCounted(t *testing.T, path, last string) {
	t.Helper()
	db, err := Open(t.Context(), Config{URL: path})
	if err != nil {
		t.Fatalf("Open() after the crash = %v", err)
	}
	defer func() { _ = db.Close() }()
	var acknowledged, n int64
	_, _ = fmt.Sscan(last, &acknowledged)
	_ = db.Read(t.Context(), func(tx *Tx) (err error) {
		n, err = One(t.Context(), tx, ScanInt, "SELECT n FROM counters WHERE name = 'counted'")
		return err
	})
	if n != acknowledged && n != acknowledged+1 {
		t.Errorf("the database counted to %d, %q was acknowledged last", n, last)
	}
}

// TestFailedSync has the kernel refuse an fsync in the middle: the write is not acknowledged, and
// none after it.
func TestFailedSync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	path := filepath.Join(t.TempDir(), "a.db")
	cmd := role(t, path, "counter", strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fsync,fdatasync",
		"-e", "inject=fsync,fdatasync:error=EIO:when=60")
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if strings.Contains(text, "PTRACE") {
		t.Skipf("strace does not work here: %s", text)
	}
	lines := strings.Split(text, "\n")
	end := lines[len(lines)-1]
	if err == nil || len(lines) < 3 || !strings.HasPrefix(end, "error The disk of the database failed") {
		t.Fatalf("the process ended with %v and said at last %q, want an error of the disk", err, end)
	}
	if strings.Contains(text, "accepted after") {
		t.Errorf("a write was accepted after the failure: %s", end)
	}
	checkCounted(t, path, lines[len(lines)-2])
}

// lying is a database whose commits fail as after a failed fsync.
type lying struct {
	backend
	now *atomic.Bool
}

type ioError struct{ error }

func (ioError) Code() int { return sqlite.SQLITE_IOERR_FSYNC }

func (l lying) commit(ctx context.Context, c *conn) (outcome, error) {
	if !l.now.Load() {
		return l.backend.commit(ctx, c)
	}
	_, err := c.exec(ctx, "rollback", nil)
	err = errors.Join(err, ioError{errors.New("disk I/O error")})
	return l.outcome(err), err
}

// TestDistrust: after a failed fsync nothing is acknowledged until the database is opened anew, and
// reads go on.
func TestDistrust(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, steps())
	ctx := t.Context()
	add := func(tx *Tx) error { _, err := tx.Next(ctx, "x", 1); return err }
	hooked := false
	var now atomic.Bool
	now.Store(true)
	db.writer.back = lying{db.writer.back, &now}
	for range 3 {
		err := db.Write(ctx, Security, func(tx *Tx) error {
			tx.OnCommit(func() { hooked = true })
			return add(tx)
		})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Write() = %v, want an error of kind unavailable", err)
		}
		now.Store(false) // the disk recovers, and is trusted no more
	}
	if err := db.Ping(ctx); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ping() = %v, want an error of kind unavailable", err)
	}
	if got := names(t, db, "SELECT name FROM counters"); len(got) != 0 || hooked {
		t.Errorf("counters = %q, hooked %v, want nothing", got, hooked)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, path, steps()).Write(ctx, Security, add); err != nil {
		t.Errorf("Write() after opening anew = %v, want nil", err)
	}
}

// TestFullDisk: SQLite undoes the whole transaction when the disk is full. The function that filled
// it gets the error, its neighbours are kept.
func TestFullDisk(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), steps("00010_a.sql", "CREATE TABLE a (k TEXT);"))
	ctx := t.Context()
	f := db.back.(*sqliteFile)
	if _, err := f.write.exec(ctx, "pragma max_page_count = 100", nil); err != nil { // the writer is idle
		t.Fatal(err)
	}
	in, out := make(chan struct{}), make(chan struct{})
	ends := make([]chan error, 4)
	for i := range ends {
		ends[i] = make(chan error, 1)
		go func() {
			ends[i] <- db.Write(ctx, Bulk, func(tx *Tx) error {
				if i == 0 {
					select {
					case <-in:
					default:
						close(in)
						<-out
					}
				}
				size := 10
				if i == 2 {
					size = 1 << 20
				}
				_, err := tx.Exec(ctx, "INSERT INTO a VALUES ($1)", strings.Repeat(fmt.Sprint(i), size))
				return err
			})
		}()
		<-in
		for end := time.Now().Add(10 * time.Second); i > 0 && db.Stats().Waiting < i && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	close(out)
	for i, end := range ends {
		err := <-end
		if want := i == 2; want != (fault.KindOf(err) == fault.Unavailable) || !want && err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := names(t, db, "SELECT substr(k, 1, 1) FROM a ORDER BY k"); strings.Join(got, "") != "013" {
		t.Errorf("rows = %q, want 0, 1 and 3", got)
	}
}

// TestLogIsTidied: the log does not grow with what was written.
func TestLogIsTidied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, path, steps("00010_a.sql", "CREATE TABLE a (k TEXT);"))
	for range 200 {
		err := db.Write(t.Context(), Bulk, func(tx *Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO a VALUES ($1)", strings.Repeat("x", 200_000))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Size() >> 20; got > 12 {
		t.Errorf("the log has %d MB after 40 MB of writes, want about 4", got)
	}
}
