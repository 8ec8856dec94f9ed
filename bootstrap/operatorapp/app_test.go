package operatorapp_test

import (
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
)

func TestTheAppProvidesWhatActsNeedAndNeedsNothingButADatabaseURL(t *testing.T) {
	t.Parallel()
	options := operatorapp.Options(config.Operator{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Log:      config.Log{Level: "error", Format: "text"},
	})
	if err := fx.ValidateApp(options); err != nil {
		t.Fatal(err)
	}
	var ports operate.Ports
	if err := fx.New(options, fx.Populate(&ports)).Err(); err != nil || ports.Targets == nil || ports.Audit == nil || ports.Clock == nil {
		t.Fatalf("the ports are %+v: %v", ports, err)
	}
}

func TestADatabaseURLThatCannotWorkIsRefusedThoughNobodyAsksForThePorts(t *testing.T) {
	t.Parallel()
	if err := fx.New(operatorapp.Options(config.Operator{Log: config.Log{Level: "loud", Format: "text"}})).Err(); err == nil {
		t.Fatal("the app must invoke its ports itself")
	}
}
