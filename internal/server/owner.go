package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errOwned is what a second server on one data directory is told.
var errOwned = errors.New("another sheaf serves this data directory; stop it first, or name another directory with --data")

// ownerLock says which process owns the index of a data directory. The system drops it with the process.
type ownerLock struct{ file *os.File }

// lockFileName is the file in a data directory that is locked. It stays there when nobody holds it.
const lockFileName = "owner.lock"

// own takes the lock of a data directory, which it makes where there is none, or fails with errOwned.
func own(data string) (*ownerLock, error) {
	if err := makeData(data); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(data, lockFileName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &ownerLock{f}, nil
}

func (l *ownerLock) release() error { return l.file.Close() }
