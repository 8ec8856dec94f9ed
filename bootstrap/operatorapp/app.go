// Package operatorapp wires what people's acts and questions need: the database, and the keys and the event log where they
// are configured.
package operatorapp

import (
	"context"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// lagPatience is how long a question waits for brokers that may be down.
const lagPatience = 3 * time.Second

// Options is the app: it provides operate.Ports and the Answers, which need Status and CustomerBills for some questions.
func Options(c config.Operator) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Database(c.Database, "balsong-operator"),
		fx.StopTimeout(10*time.Second),
		fx.Module("operator", fx.Provide(
			func(p operatorPorts) operate.Ports { return p.ports() },
			func(p answerPorts) *answer.Answers { return answer.New(p.ports()) },
		)),
		fx.Invoke(func(operate.Ports, *answer.Answers) {}),
	)
}

// Status is the app that knows the lag too, if brokers are configured.
func Status(c config.Status) fx.Option {
	return fx.Options(Options(c.Operator), fx.Supply(c.Kafka), fx.Provide(newLag))
}

// CustomerBills is the app that opens sealed bills too, if keys are configured.
func CustomerBills(c config.CustomerBills) fx.Option {
	return fx.Options(Options(c.Operator), fx.Supply(c.Keys), fx.Provide(newCipher))
}

// UseCases are what the operator's commands call.
type UseCases struct {
	fx.In
	Acts    operate.Ports
	Answers *answer.Answers
}

// keys is a cipher that may be missing.
type keys struct{ port.Cipher }

func newCipher(c config.Keys) (keys, error) {
	if c.Keyset == "" {
		return keys{}, nil
	}
	cipher, err := crypto.New([]byte(c.Keyset))
	return keys{cipher}, err
}

// lag asks how far delivery is behind; nil where nobody can be asked.
type lag func(context.Context) (int64, error)

func newLag(lc fx.Lifecycle, c config.OptionalKafka, log port.Log, metrics port.Metrics) (lag, error) {
	if len(c.Brokers) == 0 {
		return nil, nil
	}
	progress, err := kafka.NewProgress(kafka.Config{
		Brokers: c.Brokers, ClientID: "balsong-operator", TopicPrefix: c.TopicPrefix, TLS: c.TLS, User: c.User, Password: c.Password,
		Log: log, Metrics: metrics,
	}.WithDefaults(), c.TopicPrefix+core.DeliveryGroup)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(progress.Close))
	return func(ctx context.Context) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, lagPatience)
		defer cancel()
		return progress.Lag(ctx)
	}, nil
}

// operatorPorts is what fx finds for an operator.
type operatorPorts struct {
	fx.In
	Targets      port.Targets
	Ledger       port.Ledger
	Sweeps       port.Sweeps
	Policies     port.Policies
	Control      port.Control
	Months       port.Months
	Suppressions port.Suppressions
	Report       port.Report
	Audit        port.Audit
	Clock        port.Clock
	Log          port.Log
}

func (p operatorPorts) ports() operate.Ports {
	return operate.Ports{
		Targets: p.Targets, Ledger: p.Ledger, Sweeps: p.Sweeps, Policies: p.Policies, Control: p.Control, Months: p.Months,
		Suppressions: p.Suppressions, Report: p.Report, Audit: p.Audit, Clock: p.Clock, Log: p.Log,
	}
}

// answerPorts is what fx finds for answers.
type answerPorts struct {
	fx.In
	Report       port.Report
	SealedBills  port.SealedBills
	Audit        port.Audit
	Runs         port.Runs
	Suppressions port.Suppressions
	Months       port.Months
	Control      port.Control
	Policies     port.Policies
	Backlog      port.Backlog
	Sweeps       port.Sweeps
	Clock        port.Clock
	Keys         keys `optional:"true"`
	Lag          lag  `optional:"true"`
}

func (p answerPorts) ports() answer.Ports {
	return answer.Ports{
		Report: p.Report, SealedBills: p.SealedBills, Audit: p.Audit, Runs: p.Runs, Suppressions: p.Suppressions, Months: p.Months,
		Control: p.Control, Policies: p.Policies, Backlog: p.Backlog, Sweeps: p.Sweeps, Clock: p.Clock, Cipher: p.Keys.Cipher, Lag: p.Lag,
	}
}
