// Package lock keeps two runs of the tool apart.
package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrHeld is the error of a lock that another run holds.
var ErrHeld = errors.New("in use by another run")

// mostTries is how often a lock is taken whose file goes at that very moment.
const mostTries = 100

// File takes the lock for the file of the given path, which need not be there, and does not wait for it. The lock is on
// a file beside it that ends in .lock and goes when the lock is released. It ends with the process that holds it, however
// that ends: a .lock file that has been left behind locks nothing.
func File(path string) (release func() error, err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // so that all who mean one file meet
	}
	beside := path + ".lock"
	for range mostTries {
		lock := flock.New(beside, flock.SetPermissions(0o600))
		taken, err := lock.TryLock()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s cannot be locked, to keep other runs away from it: %w", path, err)
		case !taken:
			return nil, fmt.Errorf("%s is %w, which has locked %s: wait until that run has ended, or stop it", path, ErrHeld, beside)
		case isCurrent(lock):
			return func() error {
				// First, so that nobody who has the file open takes it for the one that others will find. Windows
				// removes no file that is open: there it stays.
				_ = os.Remove(beside)
				return lock.Unlock()
			}, nil
		}
		_ = lock.Unlock()
	}
	return nil, fmt.Errorf("%s cannot be locked: %s goes as soon as it is made", path, beside)
}

// isCurrent tells whether the file that is locked is the one that others will find: whoever held it before may have
// removed it since it was opened.
func isCurrent(lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(locked, found)
}
