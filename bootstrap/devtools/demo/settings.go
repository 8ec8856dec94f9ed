package demo

import (
	"time"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

const (
	database = "balsong"
	bucket   = "balsong-demo"
)

// demoPolicy tries e-mail twice, then SMS; customers who asked for SMS get that first. Pauses are seconds long, so that
// one can watch retries.
func demoPolicy(zone *time.Location) (policy.Spec, error) {
	quiet, err := window.NewForbidden(21*60, 8*60, zone)
	if err != nil {
		return policy.Spec{}, err
	}
	seconds := attempt.Backoff{Base: 2 * time.Second, Factor: 2, Max: 10 * time.Second}
	return policy.Spec{
		Name:          "monthly statements (demo)",
		Route:         policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
		Backoff:       map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: seconds, attempt.Throttled: seconds},
		PublishRetry:  attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second},
		QuietHours:    quiet,
		QuietChannels: channel.NewSet(channel.SMS, channel.Push),
		Zone:          zone,
		Class:         policy.Transactional,
		Unknown:       map[channel.Kind]attempt.UnknownPolicy{channel.Email: attempt.Hold, channel.SMS: attempt.Hold},
	}, nil
}

// gatewaySettings let the gateway refuse some calls, as real ones do, so that the route and the pauses can be seen at work.
func gatewaySettings() gatewaysim.Settings {
	faulty := func(mean time.Duration) behaviour.ChannelSettings {
		return behaviour.ChannelSettings{
			Latency:   behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(mean)},
			Permanent: 0.01, Temporary: 0.02, Throttled: 0.01,
		}
	}
	return gatewaysim.Settings{Seed: 1, Email: faulty(30 * time.Millisecond), SMS: faulty(20 * time.Millisecond)}
}

// settings are what the apps would read from the environment.
func settings(a localenv.Addresses, databaseURL, keyset, smtp, http, logLevel string) config.Deliverer {
	return config.Deliverer{
		Database: config.Database{URL: databaseURL, MaxConns: 12, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, Partitions: 6, Replication: 1, MinInSync: 1},
		S3:       a.StatementStore(bucket, 32),
		Keys:     config.Keys{Keyset: keyset},
		Delivery: config.Delivery{InFlight: 2000, Batch: 500, HaltPoll: time.Second, DrainFor: 15 * time.Second, ContentLimit: 5},
		Settlement: config.Settlement{
			Batch: 500, SweepEvery: 2 * time.Second, LeaseEvery: time.Second,
			ReapEvery: 5 * time.Second, ReapGrace: 20 * time.Second,
		},
		Gateways: config.Gateways{
			SMTP: config.SMTP{
				Addr: smtp, TLS: "none", From: "Example Telecom <billing@example.com>", ReplyTo: "help@example.com",
				CallDeadline: 10 * time.Second, Lease: 15 * time.Second, Margin: time.Second, InFlight: 50,
			},
			SMS: config.HTTPGateway{
				URL: "http://" + http, HTTPCalls: config.HTTPCalls{CallDeadline: 10 * time.Second, Lease: 15 * time.Second, Margin: time.Second, InFlight: 200},
			},
		},
		Log: config.Log{Level: logLevel, Format: "json"},
	}
}
