package embedpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// cluster is a data directory that is initialised.
type cluster struct {
	spec
	data     string
	password string
}

// openCluster initialises the data directory of this major version if needed
// and clears what a killed run left.
func openCluster(ctx context.Context, s spec) (*cluster, error) {
	major, err := majorVersion(ctx, s.BinDir)
	if err != nil {
		return nil, err
	}
	c := &cluster{spec: s, data: filepath.Join(s.DataDir, "pg"+major)}
	if err := c.readPassword(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(c.data, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		return c, c.initialise(ctx)
	} else if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return c, c.endPredecessor(ctx)
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorVersion(ctx context.Context, binDir string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(binDir, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version (is it a directory with PostgreSQL's programs?): %w", filepath.Join(binDir, "postgres"), err)
	}
	found := versionPattern.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("unexpected version of PostgreSQL: %q", bytes.TrimSpace(out))
	}
	return string(found[1]), nil
}

func (c *cluster) passwordFile() string { return filepath.Join(c.DataDir, "password") }

// readPassword reads the superuser's password, or makes one: other users of
// this machine can reach the port too.
func (c *cluster) readPassword() error {
	content, err := os.ReadFile(c.passwordFile())
	if errors.Is(err, os.ErrNotExist) {
		content = []byte(rand.Text())
		err = os.WriteFile(c.passwordFile(), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("password of the database superuser: %w", err)
	}
	c.password = strings.TrimSpace(string(content))
	return nil
}

// initialise makes the data directory under another name first, so that a run
// that is killed meanwhile leaves none that looks complete.
func (c *cluster) initialise(ctx context.Context) error {
	part := c.data + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("initialise the data directory: %w", err)
	}
	arguments := []string{
		"-D", part, "-U", User, "-A", "scram-sha-256", "--pwfile", c.passwordFile(),
		"-E", "UTF8", "--locale", "C",
	}
	if !c.Durable {
		arguments = append(arguments, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.BinDir, "initdb"), arguments...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise the data directory: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Rename(part, c.data); err != nil {
		return fmt.Errorf("initialise the data directory: %w", err)
	}
	return nil
}
