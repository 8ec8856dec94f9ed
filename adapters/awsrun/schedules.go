package awsrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/balsong/balsong/application/port"
)

var _ port.RunSchedules = (*Schedules)(nil)

// Schedules implements port.RunSchedules by the schedules of one group.
type Schedules struct{ client }

// NewSchedules returns schedules; it does no I/O.
func NewSchedules(c Config) *Schedules { return &Schedules{client{Config: c}} }

// How often, and for how many seconds, a start that fails is tried again: no other schedule follows this one.
const (
	startTries  = 10
	startWithin = 3600
)

// longestNote is the most characters of a schedule's description.
const longestNote = 512

// Create implements port.RunSchedules. The name makes it idempotent: EventBridge Scheduler refuses a second schedule of it, which then is
// looked at. A client token of ours would do harm: made again after it was removed, it would be taken for the request of before.
func (s *Schedules) Create(ctx context.Context, schedule port.RunSchedule, order port.RunOrder) error {
	input, err := s.input(schedule, order)
	if err != nil {
		return err
	}
	want := schedule
	want.Note = aws.ToString(input.Description)
	return s.call(ctx, "make the schedule", func(ctx context.Context, settings aws.Config) error {
		_, err := scheduler.NewFromConfig(settings).CreateSchedule(ctx, input)
		if _, there := errors.AsType[*types.ConflictException](err); !there {
			return err
		}
		is, err := s.get(ctx, settings, schedule.Name)
		if err == nil && is != want {
			err = fmt.Errorf("%w: there is another schedule %s: %s in %s, disabled %t: %s", port.ErrInvalid, is.Name, is.Expression, is.Zone, is.Disabled, is.Note)
		}
		return err
	})
}

// overrides is what a schedule changes in the task, in the form of ECS's TaskOverride.
type overrides struct {
	ContainerOverrides []containerOverride `json:"containerOverrides"`
}

type containerOverride struct {
	Name        string     `json:"name"`
	Command     []string   `json:"command"`
	Environment []variable `json:"environment,omitempty"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (s *Schedules) input(schedule port.RunSchedule, order port.RunOrder) (*scheduler.CreateScheduleInput, error) {
	arguments, environment := s.Command(order)
	override := containerOverride{Name: s.Container, Command: arguments}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		override.Environment = append(override.Environment, variable{name, environment[name]})
	}
	input, err := json.Marshal(overrides{[]containerOverride{override}})
	if err != nil {
		return nil, err
	}
	public := types.AssignPublicIpDisabled
	if s.PublicIP {
		public = types.AssignPublicIpEnabled
	}
	var lost *types.DeadLetterConfig
	if s.ScheduleQueue != "" {
		lost = &types.DeadLetterConfig{Arn: aws.String(s.ScheduleQueue)}
	}
	return &scheduler.CreateScheduleInput{
		Name: aws.String(schedule.Name), GroupName: aws.String(s.ScheduleGroup), Description: aws.String(shortened(schedule.Note, longestNote)),
		ScheduleExpression: aws.String(schedule.Expression), ScheduleExpressionTimezone: aws.String(schedule.Zone),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}, ActionAfterCompletion: types.ActionAfterCompletionDelete,
		Target: &types.Target{
			Arn: aws.String(s.Cluster), RoleArn: aws.String(s.ScheduleRole), Input: aws.String(string(input)), DeadLetterConfig: lost, RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(startTries), MaximumEventAgeInSeconds: aws.Int32(startWithin)},
			EcsParameters: &types.EcsParameters{
				TaskDefinitionArn: aws.String(s.TaskDefinition), TaskCount: aws.Int32(1), LaunchType: types.LaunchTypeFargate, PropagateTags: types.PropagateTagsTaskDefinition,
				NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
					Subnets: s.Subnets, SecurityGroups: s.SecurityGroups, AssignPublicIp: public,
				}},
			},
		},
	}, nil
}

// shortened is the beginning of a text, of whole characters.
func shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// get reads a schedule.
func (s *Schedules) get(ctx context.Context, settings aws.Config, name string) (port.RunSchedule, error) {
	out, err := scheduler.NewFromConfig(settings).GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(name), GroupName: aws.String(s.ScheduleGroup)})
	if err != nil {
		return port.RunSchedule{}, err
	}
	return port.RunSchedule{
		Name: name, Expression: aws.ToString(out.ScheduleExpression), Zone: aws.ToString(out.ScheduleExpressionTimezone),
		Disabled: out.State == types.ScheduleStateDisabled, Note: aws.ToString(out.Description),
	}, nil
}

// List implements port.RunSchedules. A schedule that was removed meanwhile is left out.
func (s *Schedules) List(ctx context.Context) (list []port.RunSchedule, err error) {
	err = s.call(ctx, "list the schedules", func(ctx context.Context, settings aws.Config) error {
		list = nil
		pages := scheduler.NewListSchedulesPaginator(scheduler.NewFromConfig(settings), &scheduler.ListSchedulesInput{GroupName: aws.String(s.ScheduleGroup)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, summary := range page.Schedules {
				one, err := s.get(ctx, settings, aws.ToString(summary.Name))
				if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
					continue
				}
				if err != nil {
					return err
				}
				list = append(list, one)
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b port.RunSchedule) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// Remove implements port.RunSchedules.
func (s *Schedules) Remove(ctx context.Context, name string) error {
	return s.call(ctx, "remove the schedule", func(ctx context.Context, settings aws.Config) error {
		_, err := scheduler.NewFromConfig(settings).DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String(name), GroupName: aws.String(s.ScheduleGroup)})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
			return fmt.Errorf("the schedule %q: %w", name, port.ErrNotFound)
		}
		return err
	})
}
