package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/bootstrap/config"
)

// giveRole is what to do where AWS's own chain gives no credentials.
const giveRole = "give the task a role (taskRoleArn) or the machine one (an instance profile); on a laptop, AWS_PROFILE"

// identity finds out who the process is to AWS, where it signs in with that.
func identity(ctx context.Context, uses Components) []Finding {
	var at []string
	if uses.Database != nil && uses.Database.Auth == config.AuthIAM {
		at = append(at, "the database")
	}
	if uses.Kafka != nil && uses.Kafka.SASL == config.AWSIAM {
		at = append(at, "the event log")
	}
	if len(at) == 0 {
		return nil
	}
	p := component{name: "identity", checked: "AWS"}
	who, err := uses.Identity.Caller(ctx)
	switch where := strings.Join(at, " and "); {
	case err != nil:
		p.add(Problem, err.Error(), giveRole)
	case who.ARN == "":
		p.add(OK, fmt.Sprintf("%s: the credentials of %s sign the tokens; AWS STS, which would say whose they are, does not answer", where, who.Source), "")
	default:
		p.add(OK, fmt.Sprintf("%s: %s signs the tokens", where, who.ARN), "")
	}
	return p.list
}

// setRegion is what to do where no region is known.
const setRegion = "name the endpoint as AWS does (….rds.amazonaws.com, ….kafka.REGION.amazonaws.com), or set AWS_REGION"

// tokenRefused finds that the database refuses a token, or that none can be made for it, and reports whether that is so.
func (p *component) tokenRefused(err error, name string) bool {
	failure, is := errors.AsType[*postgres.ExamineError](err)
	if is && errors.Is(failure.Cause, awsidentity.ErrRegion) {
		p.refuse(failure.Cause.Error(), setRegion)
		return true
	}
	if !is || failure.Failure != postgres.FailureLogin {
		return false
	}
	p.refuse(fmt.Sprintf("it refuses the IAM token of the user %q (SQLSTATE %s)", name, failure.State),
		fmt.Sprintf("GRANT rds_iam TO %q; switch IAM database authentication on at the instance; allow the role rds-db:connect on arn:aws:rds-db:REGION:ACCOUNT:dbuser:RESOURCE-ID/%s; "+
			"name the instance in DATABASE_URL as AWS does, not by a name of your own; and compare the clocks: a token is good for 15 minutes", name, name))
	return true
}
