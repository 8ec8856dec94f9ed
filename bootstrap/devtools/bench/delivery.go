package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/domain/key"
)

// deliveryLimit is the performance target of stage deliver: settled a second, by one delivery process, for at least deliveryLasts.
const (
	deliveryLimit = 5000
	deliveryLasts = time.Minute
)

// line is the processes of stage deliver.
type line struct {
	*stage
	month                         key.Month
	gateway, delivery, settlement *child.Process
	gatewayAdmin                  string
	deliveryHealth, settleHealth  string
}

// measureDelivery fills the topic, starts delivery and settlement, and watches them.
func (b *bench) measureDelivery(ctx context.Context) error {
	return b.open(ctx, "delivery", func(ctx context.Context, s *stage) error {
		l := &line{stage: s, month: firstMonth}
		b.report.Delivery = &DeliveryMeasurement{
			Statements: b.Statements, StatementBytes: b.StatementBytes, GatewayLatency: b.Answer.String(), InFlightLimit: b.InFlight, CacheMiB: b.CacheMiB, Batch: b.Batch, Linger: max(b.Linger, 0).String(),
		}
		began := time.Now()
		if err := s.seed(ctx, l.month, b.Statements, b.StatementBytes); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		b.say("delivery: %d statements of %d bytes rendered into packs on S3, in %.0f s", b.Statements, b.StatementBytes, time.Since(began).Seconds())
		if _, err := b.dispatchOnce(ctx, s, l.month); err != nil {
			return fmt.Errorf("fill the topic: %w", err)
		}
		b.say("delivery: the topic holds %d requests", b.Statements)
		if err := b.startLine(ctx, l); err != nil {
			return err
		}
		if err := b.measure(ctx, l); err != nil {
			return err
		}
		return b.closeLine(ctx, l)
	})
}

// startLine starts gateway, settlement and delivery.
func (b *bench) startLine(ctx context.Context, l *line) (err error) {
	latency := behaviour.ChannelSettings{Latency: behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(b.Answer)}}
	if err := b.startGateway(ctx, l, "gateway", latency); err != nil {
		return err
	}
	if l.settlement, err = b.startService(ctx, l, settlementRole, &l.settleHealth); err != nil {
		return err
	}
	l.delivery, err = b.startService(ctx, l, deliveryRole, &l.deliveryHealth)
	return err
}

// startGateway starts a gateway that keeps its log in a directory of its own, and tells the line where it is.
func (b *bench) startGateway(ctx context.Context, l *line, dir string, sms behaviour.ChannelSettings) (err error) {
	l.gateway, err = b.startChild(ctx, gatewayRole, gatewayOrders{DataDir: b.path(dir), Settings: gatewaysim.Settings{Seed: 1, SMS: sms}})
	if err != nil {
		return err
	}
	var where gatewayInfo
	if err := l.gateway.Info(&where); err != nil {
		return err
	}
	l.gatewayAdmin = "http://" + where.Admin
	l.config.Gateways.SMS = config.HTTPGateway{
		URL: "http://" + where.HTTP, CallDeadline: 30 * time.Second, Lease: 90 * time.Second, Margin: 5 * time.Second, InFlight: b.InFlight,
	}
	return nil
}

// startService starts a delivery or settlement process.
func (b *bench) startService(ctx context.Context, l *line, role child.Role, health *string) (_ *child.Process, err error) {
	o := orders{Config: l.config, Month: l.month, Profile: b.Profiles != ""}
	if o.Config.Health.Addr, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	*health = "http://" + o.Config.Health.Addr
	return b.startChild(ctx, role, o)
}

// freeAddress is an address of this machine that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// closeLine ends delivery, lets settlement catch up, and compares what the gateway accepted with what is settled.
func (b *bench) closeLine(ctx context.Context, l *line) error {
	measured := b.report.Delivery
	if err := l.delivery.Stop(); err != nil {
		return err
	}
	var stats gatewaysim.Stats
	if err := getJSON(ctx, l.gatewayAdmin+"/stats", &stats); err != nil {
		return err
	}
	measured.Accepted, measured.AcceptedTwice = int(stats.Accepted), int(stats.AcceptedAgain)
	deadline := time.Now().Add(time.Minute)
	for {
		settled, err := l.count(ctx, l.month, "SUCCEEDED")
		if err != nil {
			return err
		}
		measured.Settled = settled
		if settled >= measured.Accepted || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	b.say("delivery: stopped; the gateway accepted %d, %d are SUCCEEDED, %d were accepted twice", measured.Accepted, measured.Settled, measured.AcceptedTwice)
	return errors.Join(l.settlement.Stop(), l.gateway.Stop())
}
