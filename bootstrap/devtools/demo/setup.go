package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
)

// openKeyset reads the demo's keyset, or makes one at the first run.
func openKeyset(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		return string(content), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the demo's keyset: %w", err)
	}
	if content, err = crypto.NewKeyset(); err != nil {
		return "", err
	}
	half := path + ".new"
	if err := os.WriteFile(half, content, 0o600); err != nil {
		return "", fmt.Errorf("write the demo's keyset: %w", err)
	}
	return string(content), os.Rename(half, path)
}

// ensureDatabase makes the database where it is missing and returns its URL.
func ensureDatabase(ctx context.Context, server, name string) (string, error) {
	admin, err := sqlx.ConnectContext(ctx, "postgres", server)
	if err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer admin.Close()
	var there bool
	if err := admin.GetContext(ctx, &there, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name); err != nil {
		return "", err
	}
	if !there {
		if _, err := admin.ExecContext(ctx, `CREATE DATABASE "`+name+`"`); err != nil {
			return "", fmt.Errorf("create the database %s: %w", name, err)
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// acceptedEver counts the messages that the gateway's own log says were accepted.
func acceptedEver(dir string) (int, error) {
	accepted := 0
	_, err := acceptlog.ReadFile(filepath.Clean(gatewaysim.AcceptLogPath(dir)), func(r acceptlog.Record) error {
		if r.Accepted {
			accepted++
		}
		return nil
	})
	return accepted, err
}
