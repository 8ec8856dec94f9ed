package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

// How long a start waits for the server of an earlier run, whose parent was
// killed, to finish its shutdown.
const predecessorGrace = 30 * time.Second

var role = child.Register("postgres", serve)

// spec is what the parent tells the child.
type spec struct {
	BinDir    string            `json:"bin_dir"`
	CacheDir  string            `json:"cache_dir"`
	DataDir   string            `json:"data_dir"`
	Port      int               `json:"port"`
	Durable   bool              `json:"durable"`
	Temporary bool              `json:"temporary"`
	Settings  map[string]string `json:"settings"`
}

// info is what the child answers when the server is ready.
type info struct {
	Port     int    `json:"port"`
	PID      int    `json:"pid"`
	Password string `json:"password"`
}

// serve is the child: it sees to the programs and the data, runs the server,
// and ends it when the parent ends.
func serve(ctx context.Context, link *child.Link) (err error) {
	var s spec
	ctx, err = link.Spec(ctx, &s)
	if err != nil {
		return err
	}
	defer func() {
		if s.Temporary && ctx.Err() != nil && link.Abandoned() {
			err = errors.Join(err, os.RemoveAll(s.DataDir))
		}
	}()
	if s.BinDir == "" {
		if s.BinDir, err = install(ctx, s.CacheDir); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, predecessorGrace)
	defer cancel()
	lock, err := lockfile.Acquire(waiting, filepath.Join(s.DataDir, "lock"))
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	defer func() { _ = lock.Close() }()
	c, err := openCluster(ctx, s)
	if err != nil {
		return err
	}
	p, err := c.start(ctx)
	if err != nil {
		return err
	}
	ready := info{Port: p.port, PID: p.command.PID(), Password: c.password}
	if err := link.Ready(ready); err != nil {
		return errors.Join(err, p.stop())
	}
	select {
	case <-ctx.Done():
		return p.stop()
	case <-p.command.Done():
		return fmt.Errorf("PostgreSQL ended by itself: %w", p.command.Err())
	}
}
