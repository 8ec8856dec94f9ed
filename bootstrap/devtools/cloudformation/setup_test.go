package cloudformation_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

// The administrator of RDS is no superuser: it may make roles and databases, and give rds_iam.
func TestTheSetupTaskMakesARoleThatCanMigrate(t *testing.T) {
	t.Parallel()
	server := os.Getenv("BALSONG_TEST_DATABASE_URL")
	psql, err := exec.LookPath("psql")
	if server == "" || err != nil {
		t.Skip("SKIPPED: needs psql and a database (make deploy-check)")
	}
	var statements string
	for _, c := range cloudformation.Containers(read(t, deploy)) {
		if c.Name == "setup" {
			_, after, _ := strings.Cut(strings.Join(c.Command(), "\n"), "<<'SQL'\n")
			statements, _, _ = strings.Cut(after, "\nSQL")
		}
	}
	name := fmt.Sprintf("setup_%d", os.Getpid())
	statements = strings.ReplaceAll(strings.ReplaceAll(statements, "rds_iam", name+"_iam"), "balsong", name)
	run := func(at, sql string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), psql, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", at)
		command.Stdin = strings.NewReader(sql)
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return strings.TrimSpace(string(said))
	}
	at := func(user, database string) string {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			u.User = url.UserPassword(user, "hush")
		}
		u.Path = "/" + database
		return u.String()
	}
	superuser := run(server, "SELECT quote_ident(current_user)")
	run(server, "CREATE ROLE "+name+"_admin LOGIN CREATEROLE CREATEDB PASSWORD 'hush'; CREATE ROLE "+name+"_iam; GRANT "+name+"_iam TO "+name+"_admin WITH ADMIN OPTION;")
	run(server, "CREATE DATABASE "+name+" OWNER "+name+"_admin;")
	t.Cleanup(func() {
		_ = exec.Command(psql, "-X", "-c", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", server).Run()
		_ = exec.Command(psql, "-X", "-c", "DROP ROLE IF EXISTS "+name, "-c", "DROP ROLE IF EXISTS "+name+"_iam", "-c", "DROP ROLE IF EXISTS "+name+"_admin", server).Run()
	})
	for range 2 { // it may be run again
		run(at(name+"_admin", name), statements)
	}
	if given := run(server, "SELECT pg_has_role('"+name+"', '"+name+"_iam', 'MEMBER')"); given != "t" {
		t.Error("the role cannot sign in by IAM")
	}
	// RDS lets its administrator give rds_iam without being a member; here it was made one for that.
	run(server, "REVOKE "+name+"_iam FROM "+name+"_admin CASCADE; GRANT "+name+"_iam TO "+name+" GRANTED BY "+superuser+";")
	for of, role := range map[string]string{"rds_iam": name + "_iam", "balsong": name} {
		if member := run(server, "SELECT pg_has_role('"+name+"_admin', '"+role+"', 'MEMBER')"); member != "f" {
			t.Errorf("the administrator is a member of %s, and RDS takes its password no more", of)
		}
	}
	if left := run(server, "SELECT count(*) FROM pg_roles WHERE rolname = '"+name+"_setup'"); left != "0" {
		t.Error("the role that made the other one is still there")
	}
	run(server, "ALTER ROLE "+name+" PASSWORD 'hush'") // here it signs in by a password
	if err := postgres.Migrate(t.Context(), at(name, name)); err != nil {
		t.Errorf("the role cannot migrate: %v", err)
	}
}
