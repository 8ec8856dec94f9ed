package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Runs is how an operator starts runs of the dispatcher.
type Runs struct {
	On      string `env:"BALSONG_RUN_ON" envDefault:"process" help:"where a run is started: process (on this machine, with this environment) or ecs (a task on AWS)"`
	Program string `env:"BALSONG_RUN_PROGRAM" envDefault:"dispatcher" help:"the dispatcher's program, for process"`
	Dir     string `env:"BALSONG_RUN_DIR" help:"directory of outputs and exit codes, for process; without it ~/.local/state/balsong/runs"`
	ECS     RunECS `envPrefix:"BALSONG_RUN_ECS_"`
}

// RunECS is the task that makes a run.
type RunECS struct {
	Cluster        string   `env:"CLUSTER" help:"ARN of the cluster"`
	TaskDefinition string   `env:"TASK_DEFINITION" help:"ARN of the dispatcher's task definition; without a revision the newest one, as what is scheduled needs: AWS runs no revision that a deployment has replaced"`
	Container      string   `env:"CONTAINER" envDefault:"dispatcher" help:"name of the dispatcher's container in it"`
	Subnets        []string `env:"SUBNETS" help:"subnets of the task, comma-separated"`
	SecurityGroups []string `env:"SECURITY_GROUPS" help:"security groups of the task, comma-separated"`
	PublicIP       bool     `env:"PUBLIC_IP" envDefault:"false" help:"give the task a public address, where its subnets have no other way out"`
	ScheduleRole   string   `env:"SCHEDULE_ROLE" help:"ARN of the role with which EventBridge Scheduler runs the task; without it runs are not scheduled"`
	ScheduleGroup  string   `env:"SCHEDULE_GROUP" envDefault:"default" help:"group of the schedules"`
	ScheduleQueue  string   `env:"SCHEDULE_QUEUE" help:"ARN of the queue of SQS for scheduled starts that failed; without it they are told nowhere"`
}

// The values of BALSONG_RUN_ON.
const (
	RunProcess = "process"
	RunOnECS   = "ecs"
)

// StateDir is where outputs are kept.
func (r Runs) StateDir() string {
	if r.Dir != "" {
		return r.Dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "balsong", "runs")
}

func (r Runs) validate() error {
	switch r.On {
	case RunProcess:
		return nil
	case RunOnECS:
		return r.ECS.check()
	}
	return fmt.Errorf("BALSONG_RUN_ON is %q (want process or ecs)", r.On)
}

func (e RunECS) check() error {
	var problems []error
	for _, v := range []struct{ name, value string }{{"CLUSTER", e.Cluster}, {"TASK_DEFINITION", e.TaskDefinition}, {"SCHEDULE_ROLE", e.ScheduleRole}, {"SCHEDULE_QUEUE", e.ScheduleQueue}} {
		optional := strings.HasPrefix(v.name, "SCHEDULE_")
		if !strings.HasPrefix(v.value, "arn:") && (v.value != "" || !optional) {
			problems = append(problems, fmt.Errorf("BALSONG_RUN_ECS_%s is %q: want an ARN, as BALSONG_RUN_ON is ecs", v.name, v.value))
		}
	}
	if len(e.Subnets) == 0 {
		problems = append(problems, errors.New("BALSONG_RUN_ECS_SUBNETS is empty: want the subnets of the task, as BALSONG_RUN_ON is ecs"))
	}
	return errors.Join(problems...)
}

// Starting is the configuration of the commands that start and schedule runs.
type Starting struct {
	Operator Operator
	Runs     Runs
}
