package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// oldestPostgres is the oldest server that works, as server_version_num.
const oldestPostgres = 150_000

func database(ctx context.Context, c config.Database, uses Components, clock port.Clock) []Finding {
	p := component{name: port.ComponentDatabase, checked: "DATABASE_URL"}
	u, err := url.Parse(c.URL)
	if err == nil {
		p.checked = u.Host + u.Path
	}
	login, _ := postgres.LoginOf(c.URL) // what is wrong with the URL, Examine says
	facts, err := postgres.Examine(ctx, core.DatabaseLogin(c, uses.Identity))
	if err != nil {
		if c.Auth != config.AuthIAM || !p.tokenRefused(err, login.User) {
			p.connectFailed(err, u)
		}
		return p.list
	}
	version := fmt.Sprintf("PostgreSQL %d.%d", facts.Version/10_000, facts.Version%10_000)
	if facts.Version < oldestPostgres {
		p.refuse(version, "Balsong needs PostgreSQL 15 or later")
		return p.list
	}
	if c.Auth == config.AuthIAM {
		version = fmt.Sprintf("the user %q signs in by IAM, and %s", login.User, version)
	}
	p.add(OK, version+" answers", "")
	p.schema(facts)
	p.sealed(facts, uses.Keys)
	p.clockOf(facts.Now, clock, facts.Asked, "leases go by the database's clock, quiet hours and deadlines by this one")
	p.unencrypted(u)
	p.pooler(facts)
	p.hidden(facts)
	p.durability(facts, u != nil && config.Loopback(u.Hostname()))
	return p.list
}

// sealed finds open months whose bills the keyset cannot open. What would be sealed with it, the others could not open.
func (p *component) sealed(facts postgres.Facts, keys *config.Keys) {
	if keys == nil {
		return
	}
	known, err := crypto.Keys([]byte(keys.Keyset))
	if err != nil { // the keyset's own finding says so
		return
	}
	for _, sealed := range facts.Sealed {
		if !slices.ContainsFunc(known, func(k crypto.KeyInfo) bool { return k.ID == sealed.KeyID && k.Enabled }) {
			p.refuse(fmt.Sprintf("the bills of %s are sealed with key %d, which the keyset does not have, or not enabled", sealed.Month, sealed.KeyID),
				"take the keyset of this installation (`balsong keyset show` lists the keys of one): nothing else opens these bills, and what another one seals the services here cannot open")
		}
	}
}

// pooler finds a pooler that shares sessions. Every statement is in a transaction, and no lock outlives one: it works, but what a
// connection is begun with may be lost.
func (p *component) pooler(facts postgres.Facts) {
	if facts.Shared {
		p.add(Advice, "a pooler in transaction mode is between (PgBouncer's pool_mode=transaction)",
			"connect to the database itself, or take pool_mode=session: in transaction mode the settings of a connection (timeouts, planner) are those that the role has; "+settingsOfRole)
	}
}

// hidden finds users of the services whose transactions the role does not see.
func (p *component) hidden(facts postgres.Facts) {
	if facts.Hidden != "" {
		p.add(Problem, fmt.Sprintf("the role %s does not see when transactions of %s began (pg_stat_activity.xact_start)", facts.Role, facts.Hidden),
			"GRANT pg_read_all_stats TO "+facts.Role+": settlement reads only what no open transaction can still write, and would pass over what such a one writes")
	}
}

// settingsOfRole is how the settings that a pooler refuses or loses are made.
const settingsOfRole = "ALTER ROLE … SET statement_timeout='30s', lock_timeout='10s', idle_in_transaction_session_timeout='1min', " +
	"enable_seqscan=off, enable_hashjoin=off, enable_mergejoin=off, enable_bitmapscan=off, enable_material=off, jit=off, max_parallel_workers_per_gather=0 (one statement each)"

// unencrypted finds a password that goes to another machine over a connection that need not be encrypted.
func (p *component) unencrypted(u *url.URL) {
	if u == nil || config.Loopback(u.Hostname()) {
		return
	}
	_, secret := u.User.Password()
	if mode := u.Query().Get("sslmode"); secret && slices.Contains([]string{"", "disable", "allow", "prefer"}, mode) {
		p.add(Advice, "DATABASE_URL has a password and does not insist on TLS", "set sslmode=verify-full (or require), and switch TLS on at the server")
	}
}

func (p *component) connectFailed(err error, u *url.URL) {
	failure, ok := errors.AsType[*postgres.ExamineError](err)
	if !ok {
		p.add(Problem, "it could not be checked: "+err.Error(), "try again")
		return
	}
	name := "the user"
	if u != nil && u.User != nil {
		name = fmt.Sprintf("the user %q", u.User.Username())
	}
	switch failure.Failure {
	case postgres.FailureURL:
		p.add(Problem, "DATABASE_URL cannot be used", "want postgres://user@host:5432/database?sslmode=verify-full (sslmode=disable on the same machine), and the password in BALSONG_DB_PASSWORD: there it needs no percent-encoding")
	case postgres.FailureHost:
		p.add(Problem, "no machine has that name", "check the host in DATABASE_URL, and the name service")
	case postgres.FailureRefused:
		p.add(Problem, "nothing listens at that port", "check host and port in DATABASE_URL (5432 is usual), and that PostgreSQL runs and listens there (listen_addresses)")
	case postgres.FailureTimeout:
		p.add(Problem, "no answer in time", "a firewall or security group may drop the packets: allow this machine to reach that port (5432 is usual); or something else than PostgreSQL listens there")
	case postgres.FailureProtocol:
		p.add(Problem, "something answers there that is not PostgreSQL", "check the port in DATABASE_URL (5432 is usual)")
	case postgres.FailureTLS:
		p.add(Problem, "no TLS as sslmode asks, or a certificate that is not trusted", "switch TLS on at the server, name its CA (sslrootcert=… in DATABASE_URL), or sslmode=disable on a trusted network")
	case postgres.FailureLogin:
		p.refuse(fmt.Sprintf("it refuses %s or the password (SQLSTATE %s)", name, failure.State),
			"check the password (in the URL, a space or one of @:/?#% must be percent-encoded; BALSONG_DB_PASSWORD takes it as it is), that the role may log in, and pg_hba.conf")
	case postgres.FailureDatabase:
		p.add(Problem, "there is no such database (SQLSTATE 3D000)", "create it (createdb -O USER NAME), or correct the name behind the last / of DATABASE_URL")
	case postgres.FailureReadOnly:
		p.add(Problem, "it is a standby: nothing can be written", "name the primary in DATABASE_URL; several hosts, comma-separated, are tried in turn")
	case postgres.FailureSetting:
		found := "a pooler in front of it refuses the connection (SQLSTATE 08P01)"
		if failure.Setting != "" {
			found = fmt.Sprintf("a pooler in front of it refuses the setting %s (SQLSTATE 08P01)", failure.Setting)
		}
		p.refuse(found, "connect to the database itself; or let PgBouncer ignore it (ignore_startup_parameters = options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout) and give it to the role: "+settingsOfRole)
	case postgres.FailurePassword:
		p.add(Problem, cause(failure), giveRole)
	case postgres.FailureOther:
		p.add(Problem, "it refuses, with SQLSTATE "+failure.State, "PostgreSQL's manual, appendix A, says what the code means; 53300 is too many connections, 42501 a missing right")
	}
}

func (p *component) schema(facts postgres.Facts) {
	switch {
	case facts.Dirty:
		p.lack(fmt.Sprintf("migration %d was cut short", facts.Migrated), "run `batch migrate` again: it repairs this")
	case facts.Migrated == 0:
		p.lack("the schema is not there", "run `batch migrate`")
	case facts.Migrated < facts.Known:
		p.lack(fmt.Sprintf("the schema is at migration %d, this program needs %d", facts.Migrated, facts.Known), "run `batch migrate` of this version before its services")
	case facts.Migrated > facts.Known:
		p.add(Problem, fmt.Sprintf("the schema is at migration %d, this program knows %d", facts.Migrated, facts.Known), "this program is older than the one that migrated: run the newer one")
	default:
		p.add(OK, fmt.Sprintf("the schema is up to date (migration %d)", facts.Migrated), "")
	}
}

func (p *component) durability(facts postgres.Facts, local bool) {
	switch {
	case facts.SynchronousCommit == "off" || facts.SynchronousCommit == "local" && facts.Standbys != "":
		p.add(Problem, "synchronous_commit is "+facts.SynchronousCommit, "set it to on: the promise \"never twice\" rests on a ledger that loses no commit")
	case facts.Standbys == "" && !local:
		p.add(Advice, "it has no synchronous standby", "set synchronous_standby_names: a failover that loses commits may send a bill twice")
	}
}
