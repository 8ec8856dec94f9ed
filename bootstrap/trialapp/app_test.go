package trialapp_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/channel"
)

func TestReadingABillNeedsADatabaseAndAKeysetAndNothingElse(t *testing.T) {
	t.Parallel()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Preview{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Keys:     config.Keys{Keyset: string(keyset)}, Log: config.Log{Level: "error", Format: "text"},
	}
	if err := fx.ValidateApp(trialapp.Reading(c)); err != nil {
		t.Fatal(err)
	}
	c.Keys.Keyset = ""
	if err := fx.New(trialapp.Reading(c)).Err(); err == nil {
		t.Fatal("the app must ask for its bills itself")
	}
}

func TestOfACustomerWithoutABillWhatIsKnownIsSaid(t *testing.T) {
	t.Parallel()
	store := memory.NewStore(memory.NewClock(time.Unix(0, 0)))
	bills := trialapp.Bills{Report: store.Report(), Months: store.Months(), Sealed: store.SealedBills(), Policies: store.Policies()}
	_, err := bills.Find(t.Context(), 2026*12+10, "C-1")
	if none, is := errors.AsType[*answer.NoBill](err); !is || none.Next.Text == "" {
		t.Fatalf("%v", err)
	}
}

func TestSendingATestNeedsAProviderAndNothingElse(t *testing.T) {
	t.Parallel()
	c := config.SendTest{Log: config.Log{Level: "error", Format: "text"}}
	if err := fx.New(trialapp.Sending(c)).Err(); err == nil {
		t.Fatal("the app must ask for its providers itself")
	}
	c.Gateways.SMS = config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}}
	var lanes core.Lanes
	if err := fx.New(trialapp.Sending(c), fx.Populate(&lanes)).Err(); err != nil || len(lanes[channel.SMS]) != 1 {
		t.Fatalf("%v, %v", lanes, err)
	}
}
