package operatorcmd_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

func TestTheStatusOfAMonthThatIsNamedTellsItsCosts(t *testing.T) {
	run := balsong(t)
	db, err := postgres.Open(postgres.Config{URL: os.Getenv("DATABASE_URL")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ledger, k, token := postgres.NewLedger(db), key.Delivery{Month: key.Month(2026*12 + 10), UserID: 1}, attempt.Token{1}
	claim := attempt.Claim{Key: k, Facts: attempt.Facts{Channel: channel.SMS, PolicyID: 1, PolicyVersion: 1, Unknown: attempt.Hold}, Token: token, Provider: "nhn", Lease: time.Minute}
	if won, err := ledger.Claim(t.Context(), []attempt.Claim{claim}); err != nil || len(won) != 1 {
		t.Fatal(won, err)
	}
	paid := cost.Charge{Units: cost.Units{Unit: cost.LMS, Count: 1}, Amount: 30_000_000, Currency: "KRW"}
	if done, err := ledger.Record(t.Context(), []attempt.Outcome{{Key: k, Token: token, State: attempt.Succeeded, Provider: "nhn", Charge: paid, FinishedAt: time.Now()}}); err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	for want, args := range map[string][]string{
		"cost: sms/nhn, 1 message as lms: KRW 30\n": {"--month", "2026-11"},
		`"amount": "30"`: {"--month", "2026-11", "--output", "json"},
	} {
		if told := run(core.ExitOK, append([]string{"status"}, args...)...); !strings.Contains(told, want) {
			t.Errorf("%v: there is no %q in\n%s", args, want, told)
		}
	}
	if told := run(core.ExitOK, "status"); strings.Contains(told, "cost:") {
		t.Errorf("no month is named, and its ledger is read:\n%s", told)
	}
}
