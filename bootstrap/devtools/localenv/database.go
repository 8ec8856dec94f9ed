package localenv

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	_ "github.com/lib/pq" // the driver
)

// Database makes a database on the server where it is missing, and returns its
// URL.
func (a Addresses) Database(ctx context.Context, name string) (string, error) {
	server, err := sql.Open("postgres", a.DatabaseURL)
	if err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = server.Close() }()
	var there bool
	if err := server.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	if !there {
		if _, err := server.ExecContext(ctx, `CREATE DATABASE "`+name+`"`); err != nil {
			return "", fmt.Errorf("create the database %s: %w", name, err)
		}
	}
	u, err := url.Parse(a.DatabaseURL)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
