package killtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/inquire"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/failpoint"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
)

// The roles. Each wires the production app's own options; only the ports are decorated.
var (
	dispatcherRole = child.Register("kill-test-dispatcher", asChild(runDispatcher))
	deliveryRole   = child.Register("kill-test-delivery", asChild(runDelivery))
	settlementRole = child.Register("kill-test-settlement", asChild(runSettlement))
	feedbackRole   = child.Register("kill-test-feedback", asChild(runFeedback))
	operatorRole   = child.Register("kill-test-operator", asChild(runOperator))
	gatewayRole    = child.Register("kill-test-gateway", runGateway)
)

// orders are what a process is told.
type orders struct {
	Name       string           `json:"name"`
	RecordFile string           `json:"record_file"`
	Arm        failpoint.Arm    `json:"arm"`
	Without    Guard            `json:"without"`
	Stall      time.Duration    `json:"stall"` // of some claims; 0: none
	Month      key.Month        `json:"month"`
	Config     config.Deliverer `json:"config"`
	Dispatch   config.Dispatch  `json:"dispatch"`
	Operator   operatorOrders   `json:"operator"`
	By         port.Act         `json:"by"`
	Kafka      kafka.Group      `json:"kafka"`
}

func asChild(run func(ctx context.Context, o orders) error) child.Run {
	return func(ctx context.Context, link *child.Link) error {
		var o orders
		ctx, err := link.Spec(ctx, &o)
		if err != nil {
			return err
		}
		if err := link.Ready(struct{}{}); err != nil {
			return err
		}
		return run(ctx, o)
	}
}

func (o orders) trap() *failpoint.Trap { return failpoint.New(o.Name, o.RecordFile, o.Arm) }

func runDispatcher(ctx context.Context, o orders) error {
	trap := o.trap()
	c := config.Dispatcher{Database: o.Config.Database, Kafka: o.Config.Kafka, Log: o.Config.Log, Dispatch: o.Dispatch}
	options := fx.Options(dispatcherapp.Options(c),
		fx.Decorate(func(p port.Publisher, t port.Targets) (port.Publisher, port.Targets) {
			return trap.Requests(p, targetsWithout(o.Without, t))
		}))
	code := core.Once(ctx, os.Stderr, options, func(ctx context.Context, runner *dispatch.Runner) error {
		return dispatcherapp.Run(ctx, runner, []key.Month{o.Month}, o.By, os.Stderr, func(r port.Run) { dispatcherapp.Print(os.Stderr, r) })
	})
	return ended(ctx, code)
}

// stallEvery is after how many bulks of claims one is held.
const stallEvery = 20

func runDelivery(ctx context.Context, o orders) error {
	trap := o.trap()
	lease := func(string) time.Duration { return lease }
	options := fx.Options(deliveryapp.Options(deliveryapp.Delivery, o.Config), fx.Replace(o.Kafka),
		fx.Decorate(trap.Results),
		fx.Decorate(func(l port.Ledger) port.Ledger {
			if o.Stall > 0 {
				l = &stalling{Ledger: l, every: stallEvery, pause: o.Stall, tell: trap.Stalled}
			}
			return trap.Ledger(ledgerWithout(o.Without, l, lease))
		}),
		fx.Decorate(func(lanes core.Lanes) core.Lanes {
			if o.Without == GuardSendBy {
				lanes = patientLanes(lanes)
			}
			return trap.Lanes(lanes)
		}))
	return ended(ctx, core.Serve(ctx, os.Stderr, options))
}

func runSettlement(ctx context.Context, o orders) error {
	trap := o.trap()
	options := fx.Options(deliveryapp.Options(deliveryapp.Settlement, o.Config), fx.Replace(o.Kafka),
		fx.Decorate(func(t port.Targets) port.Targets { return trap.Settling(targetsWithout(o.Without, t)) }))
	return ended(ctx, core.Serve(ctx, os.Stderr, options))
}

// The seconds-scale settings of inquiries.
const (
	settling = time.Second
	askEvery = time.Second
	askHold  = 5 * time.Second
	askBatch = 10
)

func runFeedback(ctx context.Context, o orders) error {
	trap := o.trap()
	options := fx.Options(deliveryapp.Options(deliveryapp.Feedback, o.Config),
		fx.Decorate(trap.Reports),
		fx.Decorate(func(i port.Inquiries) port.Inquiries { return failpoint.ShortHold(i, askHold) }),
		fx.Decorate(func(from core.Informants) core.Informants { return trap.Inquirers(from, settling) }),
		fx.Decorate(func(ports inquire.Ports, from core.Informants, budgets port.Budgets) (*inquire.Service, error) {
			var asked []inquire.Asked
			for _, i := range from.Inquirers {
				permits, err := core.InquiryPermits(i, o.Config.Feedback.InquiryRate, budgets, ports.Clock, ports.Log)
				if err != nil {
					return nil, err
				}
				asked = append(asked, inquire.Asked{Inquirer: i.Inquirer, Provider: i.Provider.Provider, Permits: permits})
			}
			return inquire.New(ports, inquire.Config{Every: askEvery, Batch: askBatch}, asked...)
		}))
	return ended(ctx, core.Serve(ctx, os.Stderr, options))
}

// errCode says that a process ended with an exit code other than 0.
var errCode = errors.New("the app ended")

func ended(ctx context.Context, code int) error {
	if code == core.ExitOK || over(ctx) {
		return nil
	}
	return fmt.Errorf("%w with exit code %d", errCode, code)
}

// operatorOrders are what the operator does all the time.
type operatorOrders struct {
	Cancel     bool          `json:"cancel"`      // cancels some open targets
	SendAnyway bool          `json:"send_anyway"` // sends every UNKNOWN again, as soon as that is allowed
	Every      time.Duration `json:"every"`
	Users      int64         `json:"users"` // the highest user id
	Seed       uint64        `json:"seed"`
}

// runOperator acts on targets while they are under way. That the rules refuse some of it is part of the test.
func runOperator(ctx context.Context, o orders) error {
	c := config.Operator{Database: o.Config.Database, Log: o.Config.Log}
	options := fx.Options(operatorapp.Options(c),
		fx.Decorate(func(t port.Targets) port.Targets { return targetsWithout(o.Without, t) }))
	code := core.Once(ctx, os.Stderr, options, func(ctx context.Context, ports operate.Ports) error {
		operator := operate.New(ports, callDeadline)
		random := rand.New(rand.NewPCG(o.Operator.Seed, 1))
		ticker := time.NewTicker(o.Operator.Every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
			target := key.Target{Month: o.Month, UserID: 1 + random.Int64N(o.Operator.Users)}
			if o.Operator.Cancel {
				_, _ = operator.Cancel(ctx, target, o.By)
			}
			if o.Operator.SendAnyway {
				sendAnyway(ctx, operator, o)
			}
		}
	})
	return ended(ctx, code)
}

// sendAnyway tries every target: only an UNKNOWN whose lease and call deadline have passed is sent again.
func sendAnyway(ctx context.Context, operator *operate.Operator, o orders) {
	for user := int64(1); user <= o.Operator.Users && ctx.Err() == nil; user++ {
		_, _ = operator.SendAnyway(ctx, key.Target{Month: o.Month, UserID: user}, o.By)
	}
}

// gatewayOrders are what the gateway's process is told.
type gatewayOrders struct {
	DataDir  string              `json:"data_dir"`
	Settings gatewaysim.Settings `json:"settings"`
}

// gatewayInfo is where it listens.
type gatewayInfo struct {
	SMTP, HTTP, Admin string
}

// runGateway is the simulator in a process of its own; it is never killed, so that its log is whole.
func runGateway(ctx context.Context, link *child.Link) error {
	var o gatewayOrders
	ctx, err := link.Spec(ctx, &o)
	if err != nil {
		return err
	}
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	server, err := gatewaysim.Start(ctx, gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
		DataDir: o.DataDir, Settings: o.Settings, Log: log, InboxKeep: -1,
	})
	if err != nil {
		return err
	}
	if err := link.Ready(gatewayInfo{SMTP: server.SMTPAddr(), HTTP: server.HTTPAddr(), Admin: server.AdminAddr()}); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return server.Stop(stopping)
}
