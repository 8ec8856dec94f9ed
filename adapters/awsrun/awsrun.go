// Package awsrun starts runs of the dispatcher as tasks of Amazon ECS, at once or at a time to come, which Amazon EventBridge
// Scheduler then keeps.
package awsrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/balsong/balsong/application/port"
)

// Config says which task is run, and where.
type Config struct {
	Cluster        string // ARN; for runs that start at once its name is enough
	TaskDefinition string // ARN; without a revision the newest one, which a schedule needs: AWS runs no revision that a deployment has replaced
	Container      string // of the task definition: the dispatcher's
	Subnets        []string
	SecurityGroups []string
	PublicIP       bool   // the task has a public address: where its subnets have no other way out
	ScheduleRole   string // ARN of the role with which EventBridge Scheduler runs the task
	ScheduleGroup  string // of EventBridge Scheduler
	ScheduleQueue  string // ARN of the queue of SQS for scheduled starts that failed; empty: none
	// Command gives the dispatcher's arguments for an order, and what its environment has beside that of the task definition.
	Command func(port.RunOrder) (arguments []string, environment map[string]string)
	Timeout time.Duration // of one call with all its tries; default 30 s
	// AWS gives AWS's own configuration, with who the process is to AWS.
	AWS func(context.Context) (aws.Config, error)
}

// client is how AWS is reached.
type client struct{ Config }

// settings are AWS's own configuration, which names the region.
func (c *client) settings(ctx context.Context) (aws.Config, error) {
	settings, err := c.AWS(ctx)
	if err == nil && settings.Region == "" {
		err = fmt.Errorf("%w: no AWS region: set AWS_REGION", port.ErrInvalid)
	}
	return settings, err
}

// call makes one call within the time-out and translates its error.
func (c *client) call(ctx context.Context, what string, do func(context.Context, aws.Config) error) error {
	settings, err := c.settings(ctx)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 30*time.Second))
	defer cancel()
	return translate(ctx, what, do(within, settings))
}

// translate turns an error of the SDK into one of the port's. What AWS answered with a status of 4xx is final, but for what the SDK
// itself knows as throttling, and time-outs; everything else counts as an outage. The words of a final answer name resources and permissions.
func translate(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the caller's own context
		return ctx.Err()
	case errors.Is(err, port.ErrNotFound), errors.Is(err, port.ErrInvalid), errors.Is(err, port.ErrUnavailable):
		return err
	}
	said, answered := errors.AsType[smithy.APIError](err)
	response, _ := errors.AsType[*awshttp.ResponseError](err)
	status := 0
	if response != nil {
		status = response.HTTPStatusCode()
	}
	switch {
	case answered && status >= 400 && status < 500 && status != 408 && status != 429 && !throttled(err):
		return fmt.Errorf("%w: %s: %s (%s)", port.ErrInvalid, what, said.ErrorMessage(), said.ErrorCode())
	case answered:
		return fmt.Errorf("%w: %s: AWS answers %s", port.ErrUnavailable, what, said.ErrorCode())
	}
	if line, is := errors.AsType[*net.OpError](err); is {
		return fmt.Errorf("%w: %s: %w", port.ErrUnavailable, what, line)
	}
	if status != 0 {
		return fmt.Errorf("%w: %s: HTTP status %d", port.ErrUnavailable, what, status)
	}
	return fmt.Errorf("%w: %s: no answer in time, or no credentials (give the task or the machine a role)", port.ErrUnavailable, what)
}

// throttled reports whether an error says that it was too much at once.
func throttled(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
}
