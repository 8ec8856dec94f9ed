package awsrun_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/awsrun"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestTasksKeepThePortsPromises(t *testing.T) {
	for _, check := range porttest.RunStarterChecks() {
		t.Run(check.Name, func(t *testing.T) {
			check.Run(t, func(testing.TB) porttest.StarterRig {
				f := newFake(t)
				return porttest.StarterRig{Starter: awsrun.NewTasks(configuration()), End: f.End, Orders: f.Orders}
			})
		})
	}
}

func TestSchedulesKeepThePortsPromises(t *testing.T) {
	for _, check := range porttest.RunSchedulesChecks() {
		t.Run(check.Name, func(t *testing.T) {
			check.Run(t, func(testing.TB) port.RunSchedules {
				newFake(t)
				return awsrun.NewSchedules(configuration())
			})
		})
	}
}

func TestAScheduledTaskIsOrderedAsOneThatStartsAtOnce(t *testing.T) {
	f := newFake(t)
	ordered := port.RunOrder{Linger: true, By: port.Act{Actor: "kim", Reason: `"quoted"`}}
	schedule := port.RunSchedule{Name: "a", Expression: "at(2099-12-25T08:00:00)", Zone: "Asia/Seoul", Note: strings.Repeat("긴", 600)}
	if err := awsrun.NewSchedules(configuration()).Create(t.Context(), schedule, ordered); err != nil {
		t.Fatal(err)
	}
	var input map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprint(at(f.schedules["a"], "Target", "Input"))), &input); err != nil {
		t.Fatal(err)
	}
	if got := order(at(input, "containerOverrides", 0)); got.Linger != ordered.Linger || got.By.Actor != ordered.By.Actor || got.By.Reason != ordered.By.Reason {
		t.Errorf("%+v", got)
	}
}

func TestAScheduleThatGoesWhileTheyAreListedIsLeftOut(t *testing.T) {
	f := newFake(t)
	f.schedules["gone"], f.schedules["kept"] = map[string]any{"State": "ENABLED"}, map[string]any{"State": "DISABLED", "ScheduleExpression": "rate(2 hours)"}
	list, err := awsrun.NewSchedules(configuration()).List(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "kept" || !list[0].Disabled || list[0].Expression != "rate(2 hours)" {
		t.Errorf("%+v: %v", list, err)
	}
}

func TestOneTokenForAnotherOrderIsRefused(t *testing.T) {
	newFake(t)
	tasks := awsrun.NewTasks(configuration())
	if _, err := tasks.Start(t.Context(), "one", port.RunOrder{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tasks.Start(t.Context(), "one", port.RunOrder{Linger: true}); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "ConflictException") {
		t.Errorf("%v", err)
	}
}

func TestAnOutageIsToldFromARefusal(t *testing.T) {
	f := newFake(t)
	tasks, schedules := awsrun.NewTasks(configuration()), awsrun.NewSchedules(configuration())
	for _, c := range []struct {
		status int
		code   string
		kind   error
	}{
		{400, "ClusterNotFoundException", port.ErrInvalid},
		{400, "AccessDeniedException", port.ErrInvalid},
		{403, "AccessDeniedException", port.ErrInvalid},
		{400, "ThrottlingException", port.ErrUnavailable},
		{429, "ThrottlingException", port.ErrUnavailable},
		{400, "SlowDown", port.ErrUnavailable},
		{400, "RequestThrottledException", port.ErrUnavailable},
		{500, "ServerException", port.ErrUnavailable},
		{503, "", port.ErrUnavailable},
	} {
		f.mutex.Lock()
		f.status, f.code = c.status, c.code
		f.mutex.Unlock()
		_, started := tasks.Start(t.Context(), "a", port.RunOrder{})
		_, looked := tasks.Look(t.Context(), "a")
		_, listed := schedules.List(t.Context())
		for _, err := range []error{started, looked, listed} {
			if !errors.Is(err, c.kind) {
				t.Errorf("%d %s: %v", c.status, c.code, err)
			}
		}
	}
	f.mutex.Lock()
	f.status, f.full = 0, true
	f.mutex.Unlock()
	if _, err := tasks.Start(t.Context(), "a", port.RunOrder{}); !errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "Capacity is unavailable") {
		t.Errorf("no place: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err := awsrun.NewTasks(configuration()).Start(t.Context(), "a", port.RunOrder{}); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("no region: %v", err)
	}
}
