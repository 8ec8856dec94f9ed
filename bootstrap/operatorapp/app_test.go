package operatorapp_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/retain"
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

func TestTheRetentionAppProvidesItsKeeperAndRefusesARuleThatCannotBe(t *testing.T) {
	t.Parallel()
	c := config.Retention{
		Database: config.Database{URL: "postgres://user@127.0.0.1:1/none?sslmode=disable", MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		S3:       config.S3{Bucket: "bills", S3Access: config.S3Access{Region: "ap-northeast-2"}}, Kept: config.Kept{Months: 12, AuditMonths: 60},
		Log: config.Log{Level: "error", Format: "text"},
	}
	if err := fx.ValidateApp(operatorapp.Retention(c)); err != nil {
		t.Fatal(err)
	}
	var keeper *retain.Keeper
	if err := fx.New(operatorapp.Retention(c), fx.Populate(&keeper)).Err(); err != nil || keeper.Packs == nil || keeper.Retention == nil {
		t.Fatalf("the keeper is %+v: %v", keeper, err)
	}
	c.Kept.AuditMonths = 11
	if err := fx.New(operatorapp.Retention(c)).Err(); err == nil {
		t.Error("audit data that goes before its statements was accepted")
	}
	if err := config.Validate(c); err == nil || !strings.Contains(err.Error(), "BALSONG_KEEP_AUDIT_MONTHS") {
		t.Errorf("the configuration: %v", err)
	}
}

func TestADatabaseURLThatCannotWorkIsRefusedThoughNobodyAsksForThePorts(t *testing.T) {
	t.Parallel()
	if err := fx.New(operatorapp.Options(config.Operator{Log: config.Log{Level: "loud", Format: "text"}})).Err(); err == nil {
		t.Fatal("the app must invoke its ports itself")
	}
}
