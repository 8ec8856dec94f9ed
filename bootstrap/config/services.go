package config

import (
	"fmt"
	"time"
)

// Delivery tunes the delivery role.
type Delivery struct {
	InFlight     int           `env:"BALSONG_DELIVERY_IN_FLIGHT" envDefault:"10000" help:"most messages in flight at the same time; fewer where the gateways allow few calls"`
	Batch        int           `env:"BALSONG_DELIVERY_BATCH" envDefault:"500" help:"most rows of a bulk statement, 1 to 1000"`
	Linger       time.Duration `env:"BALSONG_DELIVERY_LINGER" envDefault:"50ms" help:"how long a bulk statement waits for more rows under load; 0: not at all"`
	HaltPoll     time.Duration `env:"BALSONG_DELIVERY_HALT_POLL" envDefault:"2s" help:"pause between two checks for a halt"`
	DrainFor     time.Duration `env:"BALSONG_DELIVERY_DRAIN" envDefault:"1m" help:"how long a shutdown waits for calls under way; a call that takes longer is cut off and becomes UNKNOWN. Give the container 30s more to stop (AWS Fargate: 120s at most)"`
	ContentLimit int           `env:"BALSONG_DELIVERY_CONTENT_LIMIT" envDefault:"5" help:"statements in a row whose content must not go out before everything is halted"`
}

// afterDrain is what delivery needs once its calls have ended, to store what is done.
const afterDrain = 30 * time.Second

// StopsWithin is how long a shutdown takes at most: a process that is killed before leaves outcomes UNKNOWN.
func (d Delivery) StopsWithin() time.Duration { return d.DrainFor + afterDrain }

// Settlement tunes the settlement role.
type Settlement struct {
	Batch      int           `env:"BALSONG_SETTLE_BATCH" envDefault:"500" help:"most targets per transaction, 1 to 1000"`
	Linger     time.Duration `env:"BALSONG_SETTLE_LINGER" envDefault:"100ms" help:"how long a transaction waits for more targets under load; 0: not at all"`
	SweepEvery time.Duration `env:"BALSONG_SETTLE_SWEEP" envDefault:"10s" help:"pause between two sweeps of the ledger for outcomes that no event reported"`
	LeaseEvery time.Duration `env:"BALSONG_SETTLE_LEASES" envDefault:"30s" help:"pause between two checks for claims whose lease has ended"`
	ReapEvery  time.Duration `env:"BALSONG_SETTLE_REAP" envDefault:"30s" help:"pause between two checks for lost requests"`
	ReapGrace  time.Duration `env:"BALSONG_SETTLE_REAP_GRACE" envDefault:"10m" help:"how long a request may wait before it can count as lost"`
}

// Monitor tunes the lag monitor, which is a part of settlement.
type Monitor struct {
	Every time.Duration `env:"BALSONG_MONITOR_EVERY" envDefault:"30s" help:"pause between two looks of the lag monitor, 1s to 1m"`
}

func (m Monitor) validate() error {
	if m.Every < time.Second || m.Every > time.Minute {
		return fmt.Errorf("BALSONG_MONITOR_EVERY is %s: want 1s to 1m, as scaling reads a value a minute", m.Every)
	}
	return nil
}
