package postgres

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/migrations"
)

// Failure is why a database cannot be examined.
type Failure string

// The failures.
const (
	FailureURL      Failure = "url"      // the URL cannot be read
	FailureHost     Failure = "host"     // no machine of that name
	FailureRefused  Failure = "refused"  // nothing listens at the port
	FailureTimeout  Failure = "timeout"  // no answer in time
	FailureProtocol Failure = "protocol" // something answers that is not PostgreSQL
	FailureTLS      Failure = "tls"      // no TLS, or a certificate that is not trusted
	FailureLogin    Failure = "login"    // 28P01, 28000: user, password or pg_hba.conf
	FailureDatabase Failure = "database" // 3D000: no such database
	FailureReadOnly Failure = "readonly" // a standby
	FailureSetting  Failure = "setting"  // 08P01: a pooler refuses a setting of the connection
	FailurePassword Failure = "password" // the source of passwords gives none: Cause says why
	FailureOther    Failure = "other"
)

// ExamineError is the error of Examine. State is the SQLSTATE if the server sent one. The text holds nothing of the
// URL.
type ExamineError struct {
	Failure Failure
	State   string
	Setting string // that a pooler refuses; "": it names none of ours
	Cause   error  // of FailurePassword
}

// Unwrap returns why the source of passwords gave none.
func (e *ExamineError) Unwrap() error { return e.Cause }

func (e *ExamineError) Error() string {
	if e.State != "" {
		return fmt.Sprintf("database: %s (SQLSTATE %s)", e.Failure, e.State)
	}
	return "database: " + string(e.Failure)
}

// Facts is what Examine finds out about a database.
type Facts struct {
	Version           int           // as 180000
	Now               time.Time     // its clock, read in the middle of Asked
	Asked             time.Duration // how long reading the clock took
	Migrated          int           // the last migration that was applied; 0: none
	Known             int           // the last migration that this binary has
	Dirty             bool
	SynchronousCommit string // of this user's sessions
	Standbys          string // synchronous_standby_names; "": none
	Synchronous       int    // standbys that are connected and synchronous; -1 where it may not be seen
	Shared            bool   // a pooler gives the same session to several connections, one transaction after the other
	Role              string // as which this user's statements run
	Hidden            string // users, of whose transactions this role does not see when they began; "": none
	Sealed            []MonthKey
}

// MonthKey is the key that sealed the first stored bill of an open month.
type MonthKey struct {
	Month key.Month
	KeyID uint32
}

// Examine connects once and reads Facts; it changes nothing. Of the configuration it takes URL and Passwords. Its error is an
// *ExamineError.
func Examine(ctx context.Context, at Config) (Facts, error) {
	settings, err := parse(at.URL)
	if err != nil {
		return Facts{}, &ExamineError{Failure: FailureURL}
	}
	settings.ApplicationName = "balsong doctor"
	settings.ConnectTimeout = Config{}.withDefaults().ConnectTimeout
	config := Config{}.withDefaults()
	config.StatementTimeout = 10 * time.Second
	config.start(&settings) // as the services do: a pooler may refuse it
	connector, err := newConnector(settings, 10*time.Second, at.Passwords)
	if err != nil {
		return Facts{}, &ExamineError{Failure: FailureURL}
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	defer func() { _ = db.Close() }()
	facts := Facts{Known: lastMigration()}
	if err := db.PingContext(ctx); err != nil {
		return facts, failureOf(err)
	}
	if err := facts.look(ctx, db); err != nil {
		return facts, failureOf(err)
	}
	if err := facts.share(ctx, db); err != nil {
		return facts, failureOf(err)
	}
	if err := db.QueryRowContext(ctx, hiddenSQL).Scan(&facts.Role, &facts.Hidden); err != nil {
		return facts, failureOf(err)
	}
	return facts, nil
}

// hiddenSQL asks whose transactions horizonSQL does not see, of those who are connected as a program of Balsong now: this session itself among them, whose
// user is not its role where the user was given another one to act as (ALTER ROLE … SET role).
const hiddenSQL = `SELECT quote_ident(current_user), coalesce(string_agg(DISTINCT a.usename, ', ' ORDER BY a.usename), '') FROM pg_stat_activity a
WHERE a.datname = current_database() AND starts_with(a.application_name, 'balsong')
  AND NOT pg_has_role(a.usesysid, 'USAGE') AND NOT pg_has_role('pg_read_all_stats', 'USAGE')`

// share finds out whether two connections have one session: what the first one sets for its session, the second one reads.
func (f *Facts) share(ctx context.Context, db *sqlx.DB) error {
	first, err := db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }()
	second, err := db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = second.Close() }()
	var set string
	if err := first.QueryRowContext(ctx, `SELECT set_config('balsong.doctor', 'here', false)`).Scan(&set); err != nil {
		return err
	}
	err = second.QueryRowContext(ctx, `SELECT coalesce(current_setting('balsong.doctor', true), '') = 'here'`).Scan(&f.Shared)
	return errors.Join(err, first.QueryRowContext(ctx, `SELECT set_config('balsong.doctor', '', false)`).Scan(&set))
}

func (f *Facts) look(ctx context.Context, db *sqlx.DB) error {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	began := time.Now()
	if err := tx.GetContext(ctx, &f.Now, `SELECT clock_timestamp()`); err != nil {
		return err
	}
	f.Asked = time.Since(began)
	standby, there := false, false
	err = tx.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('synchronous_commit'),
  current_setting('synchronous_standby_names'), pg_is_in_recovery(), to_regclass('schema_migrations') IS NOT NULL,
  (SELECT count(*) FROM pg_stat_replication r WHERE r.sync_state IN ('sync', 'quorum'))`).
		Scan(&f.Version, &f.SynchronousCommit, &f.Standbys, &standby, &there, &f.Synchronous)
	if err != nil {
		return err
	}
	if standby {
		return &ExamineError{Failure: FailureReadOnly}
	}
	if !there {
		return nil
	}
	err = tx.QueryRowContext(ctx, `SELECT m.version, m.dirty FROM schema_migrations m LIMIT 1`).Scan(&f.Migrated, &f.Dirty)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.keys(ctx, tx)
}

// keys reads which keys sealed the bills of open months; nothing where the user may not read them.
func (f *Facts) keys(ctx context.Context, tx *sqlx.Tx) error {
	may := false
	if err := tx.GetContext(ctx, &may, `SELECT coalesce(has_table_privilege(to_regclass('months'), 'SELECT') AND has_table_privilege(to_regclass('billing_data'), 'SELECT'), false)`); err != nil || !may {
		return err
	}
	rows, err := tx.QueryxContext(ctx, `SELECT m.billing_month, encode(substring(d.data FROM 2 FOR 4), 'hex')
FROM months m, LATERAL (SELECT b.data FROM billing_data b WHERE b.billing_month = m.billing_month ORDER BY b.user_id LIMIT 1) d
WHERE m.status = 'OPEN' ORDER BY 1`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var first time.Time
		var id string
		if err := rows.Scan(&first, &id); err != nil {
			return err
		}
		month, err := key.NewMonth(first.Year(), first.Month())
		if err != nil {
			return err
		}
		f.Sealed = append(f.Sealed, MonthKey{month, keyNumber(id)})
	}
	return rows.Err()
}

// lastMigration returns the number of the last embedded migration.
func lastMigration() (last int) {
	files, _ := migrations.Files.ReadDir(".") // embedded
	for _, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		if n, err := strconv.Atoi(number); err == nil {
			last = max(last, n)
		}
	}
	return last
}

// failureOf turns an error into an *ExamineError; the end of the context stays what it is.
func failureOf(err error) error {
	if known, ok := errors.AsType[*ExamineError](err); ok {
		return known
	}
	if answer, ok := errors.AsType[*pq.Error](err); ok {
		failure := FailureOther
		setting := ""
		switch code := string(answer.Code); {
		case code == protocolViolation:
			failure, setting = FailureSetting, settingIn(answer.Message)
		case code == "3D000":
			failure = FailureDatabase
		case strings.HasPrefix(code, "28"):
			failure = FailureLogin
		}
		return &ExamineError{Failure: failure, State: string(answer.Code), Setting: setting}
	}
	if none, ok := errors.AsType[*passwordError](err); ok {
		return &ExamineError{Failure: FailurePassword, Cause: none.error}
	}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, host := errors.AsType[*net.DNSError](err)
	line, network := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported), certificate:
		return &ExamineError{Failure: FailureTLS}
	case host:
		return &ExamineError{Failure: FailureHost}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &ExamineError{Failure: FailureRefused}
	case errors.Is(err, context.DeadlineExceeded), network && line.Timeout():
		return &ExamineError{Failure: FailureTimeout}
	case errors.Is(err, context.Canceled):
		return err
	}
	return &ExamineError{Failure: FailureProtocol}
}
