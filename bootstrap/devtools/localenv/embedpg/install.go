package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// version of PostgreSQL that is downloaded; the library's default is older.
const version = embedded.PostgresVersion("18.6.0")

// trialTimeout bounds the first start of downloaded programs.
const trialTimeout = 60 * time.Second

// install returns the directory of PostgreSQL's programs, downloading them
// into cache if they are not there.
func install(ctx context.Context, cache string) (string, error) {
	home := filepath.Join(cache, string(version))
	err := cachedir.Install(ctx, home, "bin/postgres", func(work string) (string, error) { return "programs", fetch(cache, work) })
	if err != nil {
		return "", fmt.Errorf("install PostgreSQL %s into %s (needs the network once; or give the directory of an installed PostgreSQL's programs, or DATABASE_URL): %w", version, cache, err)
	}
	return filepath.Join(home, "bin"), nil
}

// fetch lets the library download, check and unpack the programs, and start
// and stop a server once, which proves that they run on this machine. (A server
// that a killed trial left running ends by itself within a minute of losing its
// files.)
func fetch(cache, work string) error {
	port, err := child.FreePort()
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
