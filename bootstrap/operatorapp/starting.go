package operatorapp

import (
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/awsrun"
	"github.com/balsong/balsong/adapters/localrun"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

// Starting is the app of who starts and schedules runs of the dispatcher.
func Starting(c config.Starting) fx.Option {
	return fx.Options(Options(c.Operator), fx.Module("starting", fx.Provide(
		func(identity *awsidentity.Identity) port.RunStarter { return newStarter(c.Runs, identity) },
		func(identity *awsidentity.Identity) port.RunSchedules { return newSchedules(c.Runs, identity) },
	)))
}

func newStarter(c config.Runs, identity *awsidentity.Identity) port.RunStarter {
	if c.On == config.RunOnECS {
		return awsrun.NewTasks(signedIn(onECS(c.ECS), identity))
	}
	return localrun.New(localrun.Config{Program: c.Program, Dir: c.StateDir(), Command: func(order port.RunOrder) (arguments, environment []string) {
		arguments, variables := dispatcherapp.CommandLine(order)
		for name, value := range variables {
			environment = append(environment, name+"="+value)
		}
		return arguments, environment
	}})
}

// newSchedules returns nil where nothing keeps schedules: on one machine that is cron or systemd.
func newSchedules(c config.Runs, identity *awsidentity.Identity) port.RunSchedules {
	if c.On != config.RunOnECS || c.ECS.ScheduleRole == "" {
		return nil
	}
	return awsrun.NewSchedules(signedIn(onECS(c.ECS), identity))
}

// signedIn is a configuration with who the process is to AWS.
func signedIn(c awsrun.Config, identity *awsidentity.Identity) awsrun.Config {
	c.AWS = identity.Config
	return c
}

func onECS(c config.RunECS) awsrun.Config {
	return awsrun.Config{
		Cluster: c.Cluster, TaskDefinition: c.TaskDefinition, Container: c.Container, Subnets: c.Subnets, SecurityGroups: c.SecurityGroups, PublicIP: c.PublicIP,
		ScheduleRole: c.ScheduleRole, ScheduleGroup: c.ScheduleGroup, ScheduleQueue: c.ScheduleQueue, Command: dispatcherapp.CommandLine,
	}
}
