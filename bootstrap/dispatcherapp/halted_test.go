package dispatcherapp_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// A scheduler tells a halt from a failure by the exit code: a retry does not help before somebody resumes.
func TestADispatcherThatAnOperatorHaltedEndsWithACodeOfItsOwnAndSaysByWhom(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	brokers := listener.Addr().String()
	_ = listener.Close() // none are needed
	url := postgrestest.URL(t)
	db := postgrestest.OpenURL(t, url)
	if err := postgres.NewMonths(db).Open(t.Context(), key.Month(2026*12+10)); err != nil {
		t.Fatal(err)
	}
	act := port.Act{Actor: "kim", Reason: "wrong amounts"}
	policies := postgres.NewPolicies(db)
	version, err := policies.Draft(t.Context(), policy.Spec{Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 1}}}, act)
	if err != nil {
		t.Fatal(err)
	}
	if err := policies.Activate(t.Context(), version.Ref(), act); err != nil {
		t.Fatal(err)
	}
	if err := postgres.NewControl(db).SetHalt(t.Context(), true, act); err != nil {
		t.Fatal(err)
	}
	environment(t, map[string]string{"DATABASE_URL": url, "BALSONG_KAFKA_BROKERS": brokers})
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), dispatcherapp.NewCommand(), nil, &stdout, &stderr)
	if code != core.ExitHalted || !strings.Contains(stderr.String(), "halted by an operator: by kim: wrong amounts") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}
