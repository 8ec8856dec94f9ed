package child

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

// PredecessorGrace is how long a start waits for the server of an earlier run,
// whose parent was killed, to end.
const PredecessorGrace = 30 * time.Second

// LockData takes the lock on a server's data. Close it to release it.
func LockData(ctx context.Context, dir string) (*flock.Flock, error) {
	ctx, cancel := context.WithTimeout(ctx, PredecessorGrace)
	defer cancel()
	lock, err := lockfile.Acquire(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return lock, nil
}

// Supervise tells the parent that a server is ready, runs until the role's
// context ends, and ends the server then. It fails when the server ends first.
func (l *Link) Supervise(ctx context.Context, server *Command, info any, end func() error) error {
	if err := l.Ready(info); err != nil {
		return errors.Join(err, end())
	}
	select {
	case <-ctx.Done():
		return end()
	case <-server.Done():
		return fmt.Errorf("the server ended by itself: %w", server.Err())
	}
}

// RemoveIfAbandoned removes what is temporary where the parent was killed, when
// the role ends: nobody else would.
func (l *Link) RemoveIfAbandoned(ctx context.Context, dir string) error {
	if ctx.Err() == nil || !l.Abandoned() {
		return nil
	}
	return os.RemoveAll(dir)
}

// FreePorts finds distinct free ports at 127.0.0.1.
func FreePorts(count int) ([]int, error) {
	ports := make([]int, count)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = listener.Close() }() // all at the end, so that they differ
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// FreePort finds a free port at 127.0.0.1.
func FreePort() (int, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}
