//go:build !unix || solaris || aix

package server

import "os"

// lockFile does nothing where files have no advisory locks: there, starting one server only is the operator's to hold.
func lockFile(*os.File) error { return nil }
