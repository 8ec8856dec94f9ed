package awsrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/balsong/balsong/application/port"
)

var _ port.RunStarter = (*Tasks)(nil)

// Tasks implements port.RunStarter. Handles are ARNs of tasks; ECS tells of a task for an hour after it has stopped. A token is ECS's
// client token, which it remembers for 24 hours ("Ensuring idempotency" in the API reference), so the SDK may try a call again.
type Tasks struct{ client }

// NewTasks returns a starter; it does no I/O.
func NewTasks(c Config) *Tasks { return &Tasks{client{Config: c}} }

// tokens is the form of a token; ECS would take 64 characters, and a task's origin (StartedBy) fewer others.
var tokens = regexp.MustCompile(`^[A-Za-z0-9-]{1,36}$`)

// Start implements port.RunStarter.
func (t *Tasks) Start(ctx context.Context, token string, order port.RunOrder) (run port.StartedRun, err error) {
	if !tokens.MatchString(token) {
		return run, fmt.Errorf("%w: a token of a run is up to 36 letters, digits and hyphens", port.ErrInvalid)
	}
	err = t.call(ctx, "run the task", func(ctx context.Context, settings aws.Config) error {
		out, err := ecs.NewFromConfig(settings).RunTask(ctx, t.input(token, order))
		if err != nil {
			return err
		}
		if len(out.Tasks) == 0 {
			return notPlaced(out.Failures)
		}
		run = t.run(out.Tasks[0])
		return nil
	})
	return run, err
}

func (t *Tasks) input(token string, order port.RunOrder) *ecs.RunTaskInput {
	public := types.AssignPublicIpDisabled
	if t.PublicIP {
		public = types.AssignPublicIpEnabled
	}
	arguments, environment := t.Command(order)
	override := types.ContainerOverride{Name: aws.String(t.Container), Command: arguments}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		override.Environment = append(override.Environment, types.KeyValuePair{Name: aws.String(name), Value: aws.String(environment[name])})
	}
	return &ecs.RunTaskInput{
		Cluster: aws.String(t.Cluster), TaskDefinition: aws.String(t.TaskDefinition), Count: aws.Int32(1), LaunchType: types.LaunchTypeFargate,
		ClientToken: aws.String(token), StartedBy: aws.String(token), PropagateTags: types.PropagateTagsTaskDefinition,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: t.Subnets, SecurityGroups: t.SecurityGroups, AssignPublicIp: public,
		}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{override}},
	}
}

// notPlaced is the error of a task for which ECS found no place: more may be free later.
func notPlaced(failures []types.Failure) error {
	reason := "ECS says no more"
	if len(failures) > 0 {
		reason = aws.ToString(failures[0].Reason)
		if detail := aws.ToString(failures[0].Detail); detail != "" {
			reason += ": " + detail
		}
	}
	return fmt.Errorf("%w: the task was not placed: %s", port.ErrUnavailable, reason)
}

// Look implements port.RunStarter.
func (t *Tasks) Look(ctx context.Context, handle string) (run port.StartedRun, err error) {
	if handle == "" {
		return run, fmt.Errorf("a started run without a name: %w", port.ErrNotFound)
	}
	unknown := fmt.Errorf("the task %q: %w (ECS tells of a task for an hour after it has stopped)", handle, port.ErrNotFound)
	err = t.call(ctx, "look at the task", func(ctx context.Context, settings aws.Config) error {
		out, err := ecs.NewFromConfig(settings).DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(t.Cluster), Tasks: []string{handle}})
		if _, malformed := errors.AsType[*types.InvalidParameterException](err); malformed {
			return unknown
		}
		if err != nil {
			return err
		}
		if len(out.Tasks) == 0 {
			return unknown
		}
		run = t.run(out.Tasks[0])
		return nil
	})
	return run, err
}

// run is what a task says of itself ("Amazon ECS task lifecycle" names its statuses).
func (t *Tasks) run(task types.Task) port.StartedRun {
	run := port.StartedRun{Handle: aws.ToString(task.TaskArn), Status: port.StartRunning, ExitCode: -1, Output: "the log group of " + aws.ToString(task.TaskDefinitionArn)}
	switch aws.ToString(task.LastStatus) {
	case "PROVISIONING", "PENDING", "ACTIVATING":
		run.Status = port.StartPending
	case "DEPROVISIONING", "STOPPED", "DELETED":
		run.Status, run.Ended = port.StartEnded, aws.ToString(task.StoppedReason)
		for _, container := range task.Containers {
			if aws.ToString(container.Name) == t.Container && container.ExitCode != nil {
				run.ExitCode = int(*container.ExitCode)
			}
		}
	}
	return run
}
