package deliveryapp_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
)

// nowhere is a configuration whose parts are not there: to wire an app needs none of them.
func nowhere(t *testing.T) config.Deliverer {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return config.Deliverer{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Kafka:    config.Kafka{Brokers: []string{"127.0.0.1:1"}, Partitions: 1, Replication: 1, MinInSync: 1},
		S3:       config.S3{Bucket: "none", S3Access: config.S3Access{Region: "ap-northeast-2", Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "s"}},
		Keys:     config.Keys{Keyset: string(keyset)},
		Gateways: config.Gateways{SMS: config.HTTPGateway{
			URL: "http://127.0.0.1:1", HTTPCalls: config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1},
		}},
		Log: config.Log{Level: "error", Format: "json"},
	}
}

// invoked collects the modules in which something was invoked.
type invoked struct {
	mu      sync.Mutex
	modules []string
}

// LogEvent implements fxevent.Logger.
func (i *invoked) LogEvent(e fxevent.Event) {
	if e, ok := e.(*fxevent.Invoked); ok && e.Err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.modules = append(i.modules, e.ModuleName)
	}
}

func TestEachRoleIsWiredAndRunsWhatItIsFor(t *testing.T) {
	t.Parallel()
	for role, want := range map[deliveryapp.Role][]string{
		deliveryapp.Delivery:   {"", "delivery"},
		deliveryapp.Settlement: {"", "settlement"},
		deliveryapp.Both:       {"", "delivery", "settlement"},
		deliveryapp.Feedback:   {"", "feedback"},
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			c := nowhere(t)
			if role == deliveryapp.Feedback {
				c = reported(t)
			}
			options := deliveryapp.Options(role, c)
			if err := fx.ValidateApp(options); err != nil {
				t.Fatal(err)
			}
			seen := &invoked{}
			app := fx.New(options, fx.WithLogger(func() fxevent.Logger { return seen }))
			if err := app.Err(); err != nil {
				t.Fatalf("the constructors need something of the world: %v", err)
			}
			got := " " + strings.Join(seen.modules, " , ") + " "
			for _, module := range want {
				if !strings.Contains(got, " "+module+" ") {
					t.Errorf("nothing is invoked in module %q, only in %q: it would be wired and never run", module, seen.modules)
				}
			}
			for _, module := range []string{"delivery", "settlement", "feedback"} {
				if strings.Contains(got, " "+module+" ") && !strings.Contains(" "+strings.Join(want, " ")+" ", " "+module+" ") {
					t.Errorf("role %s runs %s too", role, module)
				}
			}
		})
	}
}

func TestSettlementNeedsNoStatementsKeysOrGateways(t *testing.T) {
	t.Parallel()
	c := nowhere(t)
	c.S3, c.Keys, c.Gateways = config.S3{}, config.Keys{}, config.Gateways{}
	if err := fx.New(deliveryapp.Options(deliveryapp.Settlement, c)).Err(); err != nil {
		t.Fatal(err)
	}
	for _, role := range []deliveryapp.Role{deliveryapp.Delivery, deliveryapp.Both} {
		if err := fx.New(deliveryapp.Options(role, c)).Err(); err == nil || !strings.Contains(err.Error(), "BALSONG_") {
			t.Errorf("role %s without them: %v, want an error that names a variable", role, err)
		}
	}
}

func TestADeliveryWithoutAGatewayIsRefused(t *testing.T) {
	t.Parallel()
	c := nowhere(t)
	c.Gateways = config.Gateways{}
	if err := fx.New(deliveryapp.Options(deliveryapp.Delivery, c)).Err(); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "BALSONG_SMTP_ADDR") {
		t.Fatalf("the error is %v", err)
	}
}

// What both roles record in one process would stand under a service that no alarm reads.
func TestNoNumbersForCloudWatchAreWrittenByBothRolesInOneProcess(t *testing.T) {
	t.Parallel()
	c := nowhere(t)
	c.Metrics.Installation = "bills"
	if err := fx.New(deliveryapp.Options(deliveryapp.Both, c)).Err(); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "BALSONG_EMF_INSTALLATION") {
		t.Errorf("the error is %v", err)
	}
}

func TestOnlyTheRolesExist(t *testing.T) {
	t.Parallel()
	for _, role := range []deliveryapp.Role{deliveryapp.Delivery, deliveryapp.Settlement, deliveryapp.Both, deliveryapp.Feedback} {
		if parsed, err := deliveryapp.ParseRole(string(role)); err != nil || parsed != role {
			t.Errorf("%s: %s, %v", role, parsed, err)
		}
	}
	if _, err := deliveryapp.ParseRole("Delivery"); !errors.Is(err, deliveryapp.ErrRole) {
		t.Error(err)
	}
}
