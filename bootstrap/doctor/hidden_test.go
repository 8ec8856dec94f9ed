package doctor_test

import (
	"net/url"
	"testing"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// Two users that take turns act as a third role, as the page about rotating credentials has it.
func TestARoleThatDoesNotSeeTheTransactionsOfItsUsersIsToldTheGrant(t *testing.T) {
	t.Parallel()
	c := sound(t)
	owner, role := c.Database.URL, unique()
	execute(t, owner, "CREATE ROLE "+role+" NOLOGIN; CREATE ROLE "+role+"_a LOGIN IN ROLE "+role+" PASSWORD '"+secret+"'; ALTER ROLE "+role+"_a SET role = '"+role+"'; "+
		"GRANT SELECT ON schema_migrations TO "+role)
	t.Cleanup(func() { execute(t, owner, "DROP OWNED BY "+role+"; DROP ROLE "+role+"_a; DROP ROLE "+role) })
	withURL(t, &c, func(u *url.URL) { u.User = url.UserPassword(role+"_a", secret) })
	found := mistake{level: doctor.Problem, component: "database", says: "does not see when transactions of " + role + "_a began", do: "GRANT pg_read_all_stats TO " + role}
	if findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{}); !reported(findings, found) || doctor.Problems(findings) != 1 {
		t.Errorf("without the grant:\n%s", text(findings))
	}
	execute(t, owner, "GRANT pg_read_all_stats TO "+role)
	if findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{}); doctor.Problems(findings) != 0 {
		t.Errorf("with it:\n%s", text(findings))
	}
	c.Database.URL = postgrestest.URL(t)
	if findings := doctor.Examine(t.Context(), doctor.ComponentsOf(c), observe.Clock{}); doctor.Problems(findings) != 0 {
		t.Errorf("one user that is its own role:\n%s", text(findings))
	}
}
