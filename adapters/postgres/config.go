package postgres

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Config says how to reach a database. The zero value of everything but URL is replaced by a default.
type Config struct {
	// URL is a connection URL (postgres://user:password@host/database?sslmode=verify-full) or a key=value string. It
	// must name an sslmode.
	URL string
	// Passwords gives each new connection its password. The URL then has a user, no password, one host, and sslmode=verify-full.
	Passwords PasswordSource
	// Application is shown in pg_stat_activity; "balsong" by default.
	Application string
	// MaxConns bounds the connections of the pool; 8 by default.
	MaxConns int
	// ConnectTimeout bounds one attempt to connect, at least 1 s and in whole seconds; 5 s by default.
	ConnectTimeout time.Duration
	// StatementTimeout is the longest that a statement may run; 30 s by default.
	StatementTimeout time.Duration
	// LockTimeout is the longest that a statement may wait for a lock; 10 s by default.
	LockTimeout time.Duration
	// IdleInTransactionTimeout ends a session whose client went silent inside a transaction; 60 s by default. It must
	// be longer than a dispatcher waits for acknowledgements.
	IdleInTransactionTimeout time.Duration
	// NetworkMargin is added to StatementTimeout: a connection that makes no progress for that long is given up, where
	// the driver itself would wait for ever. 5 s by default.
	NetworkMargin time.Duration
}

// ErrConfig is wrapped by Open's errors. They never contain the URL: it may hold a password.
var ErrConfig = errors.New("unusable database configuration")

// planner makes every statement go by its index: a month's partition is filled and used long before it has statistics,
// and without them the default planner reads all of it for one page. JIT costs more than it brings.
var planner = strings.Join([]string{
	"-c enable_hashjoin=off", "-c enable_mergejoin=off", "-c enable_seqscan=off",
	"-c enable_bitmapscan=off", "-c enable_material=off", "-c jit=off",
	"-c max_parallel_workers_per_gather=0", // a page is too small to share, and must come in its order
}, " ")

func (c Config) withDefaults() Config {
	c.Application = cmp.Or(c.Application, "balsong")
	c.MaxConns = cmp.Or(c.MaxConns, 8)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 5*time.Second)
	c.StatementTimeout = cmp.Or(c.StatementTimeout, 30*time.Second)
	c.LockTimeout = cmp.Or(c.LockTimeout, 10*time.Second)
	c.IdleInTransactionTimeout = cmp.Or(c.IdleInTransactionTimeout, time.Minute)
	c.NetworkMargin = cmp.Or(c.NetworkMargin, 5*time.Second)
	return c
}

func (c Config) validate() error {
	switch {
	case c.MaxConns < 1:
		return fmt.Errorf("%w: %d connections (want at least 1)", ErrConfig, c.MaxConns)
	case c.ConnectTimeout < time.Second:
		return fmt.Errorf("%w: a connect timeout of %s (want at least 1s)", ErrConfig, c.ConnectTimeout)
	case c.StatementTimeout < time.Millisecond || c.LockTimeout < time.Millisecond || c.IdleInTransactionTimeout < time.Millisecond:
		return fmt.Errorf("%w: statement, lock and idle timeouts must be at least 1ms: without them a lost client holds its locks for ever", ErrConfig)
	case c.NetworkMargin < 0:
		return fmt.Errorf("%w: a network margin of %s", ErrConfig, c.NetworkMargin)
	}
	return nil
}

// Open returns a pool of connections for the services. It does no I/O: the first use connects. ErrConfig.
func Open(config Config) (*sqlx.DB, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	settings, err := parse(config.URL)
	if err != nil {
		return nil, err
	}
	settings.ApplicationName = config.Application
	settings.ConnectTimeout = config.ConnectTimeout
	settings.TargetSessionAttrs = pq.TargetSessionAttrsReadWrite
	config.start(&settings)
	connector, err := newConnector(settings, config.StatementTimeout+config.NetworkMargin, config.Passwords)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(config.MaxConns)
	pool.SetMaxIdleConns(config.MaxConns)
	pool.SetConnMaxLifetime(30 * time.Minute)
	return sqlx.NewDb(pool, "postgres"), nil
}

// startupSettings are the names of what a connection is begun with; options has the planner's.
var startupSettings = []string{"statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "options", "timezone"}

// start lets connections begin with what the services need.
func (c Config) start(settings *pq.Config) {
	settings.Options = strings.TrimSpace(settings.Options + " " + planner)
	for name, timeout := range map[string]time.Duration{
		"statement_timeout":                   c.StatementTimeout,
		"lock_timeout":                        c.LockTimeout,
		"idle_in_transaction_session_timeout": c.IdleInTransactionTimeout,
	} {
		settings.Runtime[name] = strconv.FormatInt(timeout.Milliseconds(), 10)
	}
	settings.Runtime["timezone"] = "UTC"
}

// sslModes are the values of sslmode.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// parse reads a URL. Of the URL its error holds at most the names of files of certificates.
func parse(url string) (pq.Config, error) {
	settings, err := pq.NewConfig(url)
	if u, malformed := neturl.Parse(url); err != nil && malformed == nil && u.Query().Has("sslmode") && !slices.Contains(sslModes, u.Query().Get("sslmode")) {
		return settings, fmt.Errorf("%w: the database URL has an unknown sslmode (want verify-full, verify-ca, require, or disable on the same machine)", ErrConfig)
	}
	if url == "" || err != nil {
		return settings, fmt.Errorf("%w: the database URL cannot be read (want postgres://user:password@host:5432/database?sslmode=verify-full; special characters percent-encoded)", ErrConfig)
	}
	if !strings.Contains(url, "sslmode") {
		return settings, fmt.Errorf("%w: the database URL names no sslmode: add sslmode=verify-full, or sslmode=disable on the same machine", ErrConfig)
	}
	if err := checkTLSFiles(settings); err != nil {
		return settings, err
	}
	if err := registerCA(&settings); err != nil {
		return settings, err
	}
	if settings.Runtime == nil {
		settings.Runtime = map[string]string{}
	}
	return settings, nil
}
