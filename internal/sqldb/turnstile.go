package sqldb

import (
	"context"
	"errors"
	"os"
	"time"
)

// turnstile is where the processes that want to write to one SQLite file stand in line. SQLite's own
// lock has no queue: a process that loads documents takes it again within microseconds, and another
// one that looks for it now and then would hardly ever find it free. Whoever waits for the write
// lock holds the turnstile, so the other one cannot overtake. It also keeps migrations apart.
type turnstile struct{ file *os.File }

func openTurnstile(path string) (*turnstile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &turnstile{file: file}, nil
}

// enter waits for the turnstile. Where the file system knows no locks it lets everybody through.
func (t *turnstile) enter(ctx context.Context) error {
	for {
		err := lockFile(t.file)
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if !errors.Is(err, errLocked) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(500 * time.Microsecond)
	}
}

func (t *turnstile) leave() { _ = unlockFile(t.file) }

func (t *turnstile) close() error { return t.file.Close() }

// errLocked says that another process has the lock.
var errLocked = errors.New("sqldb: the file is locked")
