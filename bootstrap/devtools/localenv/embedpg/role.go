package embedpg

import (
	"context"
	"errors"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

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
	if s.Temporary {
		defer func() { err = errors.Join(err, link.RemoveIfAbandoned(ctx, s.DataDir)) }()
	}
	if s.BinDir == "" {
		if s.BinDir, err = install(ctx, s.CacheDir); err != nil {
			return err
		}
	}
	lock, err := child.LockData(ctx, s.DataDir)
	if err != nil {
		return err
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
	return link.Supervise(ctx, p.command, info{Port: p.port, PID: p.command.PID(), Password: c.password}, p.stop)
}
