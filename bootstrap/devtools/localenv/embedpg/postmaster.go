package embedpg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver that asks whether the server answers

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

const (
	// startTries bounds the starts: another program may take the free port first,
	// and after a crash old backends may still hold the shared memory.
	startTries = 100
	// probeInterval is the time between questions whether the server answers.
	probeInterval = 20 * time.Millisecond
	// shutdownGrace bounds a fast shutdown, which ends sessions and writes a
	// checkpoint; then follows an immediate one.
	shutdownGrace = 20 * time.Second
)

// postmaster is a running server.
type postmaster struct {
	command   *child.Command
	port      int
	temporary bool
}

func (c *cluster) start(ctx context.Context) (*postmaster, error) {
	ticker := time.NewTicker(5 * probeInterval)
	defer ticker.Stop()
	for try := 1; ; try++ {
		p, err := c.startOnce(ctx)
		if !errors.Is(err, child.ErrEnded) || try == startTries {
			return p, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-ticker.C:
		}
	}
}

func (c *cluster) startOnce(ctx context.Context) (*postmaster, error) {
	p := &postmaster{port: c.Port, temporary: c.Temporary}
	if p.port == 0 {
		var err error
		if p.port, err = child.FreePort(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(filepath.Join(c.BinDir, "postgres"), c.arguments(p.port)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.command, err = child.Spawn(cmd, p.endSignal()); err != nil {
		return nil, fmt.Errorf("run PostgreSQL: %w", err)
	}
	if err := c.waitReady(ctx, p); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (c *cluster) arguments(port int) []string {
	durable := map[bool]string{true: "on", false: "off"}[c.Durable]
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",
		"max_connections":         "300",
		"shared_buffers":          "256MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"fsync":                   durable,
		"full_page_writes":        durable,
	}
	maps.Copy(settings, c.Settings)
	arguments := []string{"-D", c.data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	return arguments
}

func (c *cluster) waitReady(ctx context.Context, p *postmaster) error {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, c.password),
		Host: "127.0.0.1:" + strconv.Itoa(p.port), Path: "/postgres",
		RawQuery: "sslmode=disable&connect_timeout=5",
	}
	db, err := sql.Open("postgres", address.String())
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = db.Close() }()
	if err := p.command.Await(ctx, probeInterval, func() bool { return db.PingContext(ctx) == nil }); err != nil {
		return fmt.Errorf("start PostgreSQL (its log has more): %w", err)
	}
	return nil
}

// endSignal asks for a fast shutdown, or for an immediate one where the data
// goes anyway.
func (p *postmaster) endSignal() syscall.Signal {
	if p.temporary {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

func (p *postmaster) stop() error {
	if err := p.command.End(shutdownGrace, p.endSignal(), syscall.SIGQUIT, syscall.SIGKILL); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}
