// Package operatorapp wires what people's acts and questions need: the database, and the keys and the event log where they
// are configured.
package operatorapp

import (
	"context"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/copies"
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
		core.Identity(),
		core.Database(c.Database, "balsong-operator"),
		fx.StopTimeout(10*time.Second),
		fx.Module("operator", fx.Provide(operatorPorts, answers)),
		fx.Invoke(func(operate.Ports, *answer.Answers) {}),
	)
}

// Status is the app that knows the lag too, if brokers are configured.
func Status(c config.Status) fx.Option {
	return fx.Options(Options(c.Operator), fx.Supply(c.Kafka), fx.Provide(newAskDelivery))
}

// CustomerBills is the app that opens sealed bills too, if keys are configured.
func CustomerBills(c config.CustomerBills) fx.Option {
	return fx.Options(Options(c.Operator), fx.Supply(c.Keys), fx.Provide(newCipher))
}

// Statements is the app that reads stored statements too.
func Statements(c config.Statement) fx.Option {
	return fx.Options(CustomerBills(c.CustomerBills), core.Packs(c.S3))
}

// Copying is the app of who sends copies of bills: it provides a *copies.Maker too.
func Copying(c config.Statement) fx.Option {
	return fx.Options(Statements(c), fx.Module("copying", fx.Provide(func(
		stored port.Copies, sealed port.SealedBills, months port.Months, policies port.Policies, packs port.Packs, k keys, clock port.Clock, log port.Log,
	) (*copies.Maker, error) {
		if k.Cipher == nil {
			return nil, config.ErrNoKeyset
		}
		return copies.New(copies.Ports{
			Copies: stored, SealedBills: sealed, Months: months, Policies: policies, Packs: packs, Cipher: k.Cipher, Clock: clock, Log: log,
		}), nil
	})), fx.Invoke(func(*copies.Maker) {}))
}

// UseCases are what the operator's commands call.
type UseCases struct {
	fx.In
	Acts    operate.Ports
	Answers *answer.Answers
	Copies  *copies.Maker `optional:"true"` // of Copying alone

	Starter   port.RunStarter   `optional:"true"` // of Starting alone
	Schedules port.RunSchedules `optional:"true"` // of Starting alone, on AWS
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

// askDelivery asks how delivery stands; nil where no brokers are configured.
type askDelivery func(context.Context) (answer.Delivery, error)

func newAskDelivery(lc fx.Lifecycle, c config.OptionalKafka, identity *awsidentity.Identity) (askDelivery, error) {
	if len(c.Brokers) == 0 {
		return nil, nil
	}
	group, err := kafka.NewConsumerGroup(core.KafkaCluster(c.Brokers, c.KafkaAccess, "balsong-operator", identity), core.DeliveryGroup)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(group.Close))
	return func(ctx context.Context) (d answer.Delivery, err error) {
		ctx, cancel := context.WithTimeout(ctx, lagPatience)
		defer cancel()
		at, err := group.Position(ctx)
		if err != nil {
			return d, err
		}
		d.Behind = at.Lag
		if d.Consumers, err = group.Members(ctx); err != nil {
			d.Consumers = -1 // how far it is behind is known all the same
		}
		return d, nil
	}, nil
}

func operatorPorts(
	targets port.Targets, ledger port.Ledger, sweeps port.Sweeps, policies port.Policies, control port.Control, channelHalts port.ChannelHalts, months port.Months,
	suppressions port.Suppressions, report port.Report, audit port.Audit, clock port.Clock, log port.Log,
) operate.Ports {
	return operate.Ports{
		Targets: targets, Ledger: ledger, Sweeps: sweeps, Policies: policies, Control: control, ChannelHalts: channelHalts, Months: months,
		Suppressions: suppressions, Report: report, Audit: audit, Clock: clock, Log: log,
	}
}

// optional is what only some questions need.
type optional struct {
	fx.In
	Keys     keys        `optional:"true"`
	Packs    port.Packs  `optional:"true"`
	Delivery askDelivery `optional:"true"`
}

func answers(
	p operate.Ports, bills port.SealedBills, runs port.Runs, backlog port.Backlog, copies port.Copies, installation port.Installation, budgets port.Budgets,
	reports port.Reports, inquiries port.Inquiries, sets port.TemplateSets, o optional,
) *answer.Answers {
	return answer.New(answer.Ports{
		Report: p.Report, SealedBills: bills, Audit: p.Audit, Runs: runs, Suppressions: p.Suppressions, Months: p.Months,
		Control: p.Control, ChannelHalts: p.ChannelHalts, Policies: p.Policies, Backlog: backlog, Copies: copies, Sweeps: p.Sweeps, Installation: installation, Budgets: budgets,
		Reports: reports, Inquiries: inquiries, TemplateSets: sets, Clock: p.Clock, Cipher: o.Keys.Cipher, Packs: o.Packs, Delivery: o.Delivery,
	})
}
