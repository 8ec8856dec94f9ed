// Package postgrestest gives each test a PostgreSQL database of its own with the schema in place. The server is named
// by BALSONG_TEST_DATABASE_URL, a superuser's URL. A template database is made once per server and schema and stays
// there; each test's database is a copy of it and is dropped when the test ends.
package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/migrations"
)

// variable is the environment variable that names the server.
const variable = "BALSONG_TEST_DATABASE_URL"

// Server returns the superuser's URL of the server under test. Without one it fails the test.
func Server(t testing.TB) string {
	t.Helper()
	server := os.Getenv(variable)
	if server == "" {
		t.Fatalf("this test needs PostgreSQL: run through `make test`, or set %s to a superuser's URL", variable)
	}
	return server
}

// Open returns a pool on a fresh database, as the services open it.
func Open(t testing.TB) *sqlx.DB {
	t.Helper()
	return OpenURL(t, URL(t))
}

// OpenURL returns a pool on a database, closed when the test ends.
func OpenURL(t testing.TB, databaseURL string) *sqlx.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: databaseURL, Application: "balsong test", MaxConns: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// URL creates a fresh database with the schema in place and returns its URL.
func URL(t testing.TB) string {
	t.Helper()
	server := Server(t)
	template, err := ready(server)
	if err != nil {
		t.Fatalf("prepare the template database: %v", err)
	}
	// A test server does not sync its files, so copying them is the cheapest strategy.
	return create(t, server, "TEMPLATE "+template+" STRATEGY file_copy")
}

// EmptyURL creates a fresh database without a schema and returns its URL.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, Server(t), "TEMPLATE template0")
}

func create(t testing.TB, server, how string) string {
	t.Helper()
	name := "balsong_test_" + strings.ToLower(rand.Text())
	if err := administer(server, "CREATE DATABASE "+name+" "+how); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := administer(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return named(server, name)
}

// administer runs a statement that PostgreSQL does not allow inside a transaction.
func administer(server, statement string) error {
	db, err := sqlx.Open("postgres", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// named returns the server's URL with another database.
func named(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + database
	return u.String()
}

var (
	once     sync.Mutex
	prepared = map[string]string{} // server → template
)

// ready returns the template database for this schema on a server, creating it at the first call.
func ready(server string) (string, error) {
	once.Lock()
	defer once.Unlock()
	if template, ok := prepared[server]; ok {
		return template, nil
	}
	fingerprint, err := schema()
	if err != nil {
		return "", err
	}
	template := "balsong_template_" + fingerprint
	if err := build(server, template); err != nil {
		return "", err
	}
	prepared[server] = template
	return template, nil
}

// schema returns a hash of the migrations.
func schema() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.Files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

// build creates the template under another name and renames it when it is complete. An advisory lock keeps other
// processes from doing the same at once.
func build(server, template string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	db, err := sqlx.Open("postgres", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(7230009)"); err != nil {
		return err
	}
	var exists bool
	if err := tx.GetContext(ctx, &exists, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", template); err != nil || exists {
		return err
	}
	unfinished := template + "_unfinished"
	if err := administer(server, "DROP DATABASE IF EXISTS "+unfinished+" WITH (FORCE)"); err != nil {
		return err
	}
	if err := administer(server, "CREATE DATABASE "+unfinished+" TEMPLATE template0"); err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, named(server, unfinished)); err != nil {
		return err
	}
	return administer(server, "ALTER DATABASE "+unfinished+" RENAME TO "+template)
}
