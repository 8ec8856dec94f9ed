package identitytest

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/awsidentity/tokentest"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

// start runs a server that lets in whoever comes from here, and an instance of RDS before it; it returns the configuration of a
// service that signs in there with its role.
func start(t *testing.T, role *tokentest.Role) (*instance, config.Database) {
	t.Helper()
	server, err := embedpg.Start(t.Context(), embedpg.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	admin, err := sqlx.Open("postgres", server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	var access string
	if err := admin.Get(&access, "SHOW hba_file"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE ROLE balsong LOGIN CREATEDB", "CREATE DATABASE balsong OWNER balsong",
		"COPY (SELECT 'host all balsong 127.0.0.1/32 trust') TO '" + access + "'", "SELECT pg_reload_conf()",
	} {
		if _, err := admin.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(server.URL("balsong"))
	if err != nil {
		t.Fatal(err)
	}
	i := newInstance(t, u.Host, role)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.tls.Certificates[0].Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	return i, load(t, map[string]string{"DATABASE_URL": fmt.Sprintf("postgres://balsong@%s/balsong?sslmode=verify-full", i.Addr()), "BALSONG_DB_CA": "file:" + ca})
}

// load reads the configuration of a service that signs in with its role.
func load(t *testing.T, values map[string]string) config.Database {
	t.Helper()
	t.Setenv("BALSONG_DB_AUTH", config.AuthIAM)
	for name, value := range values {
		t.Setenv(name, value)
	}
	c, err := config.LoadPart[config.Operator](t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c.Database
}

func TestAServiceSignsInToTheDatabaseWithItsRole(t *testing.T) {
	role := tokentest.NewRole(t)
	t.Setenv("AWS_REGION", "ap-northeast-2")
	role.Life(4 * time.Minute) // so near to their end the SDK asks for new ones each time
	rds, c := start(t, role)
	at := core.DatabaseLogin(c, awsidentity.New())
	if versions, err := postgres.MigrateVersions(t.Context(), at, postgres.MigrateOptions{}); err != nil || versions.To == 0 {
		t.Fatalf("migrate: %+v: %v", versions, err)
	}
	findings := doctor.Examine(t.Context(), doctor.Components{Database: &c}, observe.Clock{})
	if doctor.Problems(findings) > 0 || !strings.Contains(fmt.Sprint(findings), `the user "balsong" signs in by IAM, and PostgreSQL`) ||
		!strings.Contains(fmt.Sprint(findings), "the database: arn:aws:sts::111122223333:assumed-role/balsong-delivery/task signs the tokens") {
		t.Errorf("%+v", findings)
	}
	db, err := postgres.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	control := postgres.NewControl(db)
	if _, err := control.Halted(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, before := rds.taken()
	role.Rotate() // the credentials that signed have ended, and so has every token before
	rds.cut()
	if _, err := control.Halted(t.Context()); err != nil {
		t.Fatalf("a new connection after the end of the token before: %v", err)
	}
	if users, tokens := rds.taken(); tokens != before+1 || users[len(users)-1] != "balsong" {
		t.Errorf("after %d tokens, %d, of %q", before, tokens, users)
	}
}

func TestADatabaseThatRefusesATokenIsNamedWithoutIt(t *testing.T) {
	role := tokentest.NewRole(t)
	t.Setenv("AWS_REGION", "ap-northeast-2")
	rds, c := start(t, role)
	examine := func(change func(*config.Database)) doctor.Finding {
		changed := c
		change(&changed)
		findings := doctor.Examine(t.Context(), doctor.Components{Database: &changed}, observe.Clock{})
		if text := fmt.Sprint(findings); strings.Contains(text, "X-Amz") || strings.Contains(text, "secret") {
			t.Errorf("it shows a secret: %s", text)
		}
		return findings[len(findings)-1]
	}
	_, number, _ := net.SplitHostPort(rds.Addr().String())
	elsewhere := load(t, map[string]string{"DATABASE_URL": "postgres://balsong@localhost:" + number + "/balsong?sslmode=verify-full"})
	untrusted := load(t, map[string]string{"DATABASE_URL": "postgres://balsong@127.0.0.1:" + number + "/balsong?sslmode=verify-full", "BALSONG_DB_CA": ""})
	for name, f := range map[string]struct {
		finding   doctor.Finding
		found, do string
	}{
		"the name of another machine": {examine(func(c *config.Database) { *c = elsewhere }), "certificate", "sslrootcert"},
		"no CA":                       {examine(func(c *config.Database) { *c = untrusted }), "certificate", "sslrootcert"},
		"a role that is not there":    {examine(func(*config.Database) { role.Down(true) }), "gives no credentials", "taskRoleArn"},
	} {
		if f.finding.Level != doctor.Problem || !strings.Contains(f.finding.Found, f.found) || !strings.Contains(f.finding.Do, f.do) {
			t.Errorf("%s: %+v", name, f.finding)
		}
	}
	role.Down(false)
	t.Setenv("AWS_REGION", "")
	if finding := examine(func(*config.Database) {}); finding.Level != doctor.Problem || !strings.Contains(finding.Found, "no AWS region") || !strings.Contains(finding.Do, "AWS_REGION") {
		t.Errorf("no region: %+v", finding)
	}
	foreign := tokentest.NewRole(t) // nobody whom the instance knows
	t.Setenv("AWS_REGION", "ap-northeast-2")
	if finding := examine(func(*config.Database) {}); finding.Level != doctor.Problem || !strings.Contains(finding.Found, `refuses the IAM token of the user "balsong" (SQLSTATE 28000)`) ||
		!strings.Contains(finding.Do, "rds_iam") || foreign.Made() == 0 {
		t.Errorf("another role: %+v", finding)
	}
	if _, err := postgres.MigrateVersions(t.Context(), core.DatabaseLogin(c, awsidentity.New()), postgres.MigrateOptions{}); err == nil || errors.Is(err, port.ErrUnavailable) || strings.Contains(err.Error(), "X-Amz") {
		t.Errorf("another role migrates: %v", err)
	}
}
