//go:build !unix || solaris || aix

package sqldb

import (
	"errors"
	"os"
)

// lockFile does nothing here: processes that write to one file share it without a queue.
func lockFile(*os.File) error { return errors.ErrUnsupported }

func unlockFile(*os.File) error { return nil }
