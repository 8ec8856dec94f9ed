package killtest

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/failpoint"
)

func TestCampaignHandsOutEachKillOnce(t *testing.T) {
	t.Parallel()
	c := newCampaign(plan{kills: 3, killsAt: failpoint.Points}, 1)
	given := map[failpoint.Point]int{}
	for {
		arm := c.next(failpoint.Points[2:5])
		if arm.Point == "" {
			break
		}
		if arm.After > patience[arm.Point] {
			t.Errorf("%q strikes after %d visits", arm.Point, arm.After)
		}
		given[arm.Point]++
		c.back(arm, true)
	}
	if len(given) != 3 || given[failpoint.ClaimedUncalled] != 3 || given[failpoint.AcceptedUnwritten] != 3 || given[failpoint.WrittenUnpublished] != 3 {
		t.Fatalf("given: %v", given)
	}
	if c.over() {
		t.Fatal("over, and dispatchers were never killed")
	}
}

func TestCampaignIsNotOverBeforeAnArmHasStruck(t *testing.T) {
	t.Parallel()
	c := newCampaign(plan{kills: 1, killsAt: failpoint.Points[:1]}, 1)
	arm := c.next(failpoint.Points)
	if c.over() {
		t.Fatal("over while an armed process runs")
	}
	c.back(arm, false) // it ended before it came there
	if c.over() {
		t.Fatal("over without a kill")
	}
	c.back(c.next(failpoint.Points), true)
	if !c.over() {
		t.Fatal("not over after its only kill")
	}
}

func TestEveryPointHasPatience(t *testing.T) {
	t.Parallel()
	for _, point := range failpoint.Points {
		if patience[point] <= 0 {
			t.Errorf("%q has none", point)
		}
	}
}

func TestBillsHaveOneRowACustomer(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := bills(&out, 9); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	wishes := 0
	for _, row := range rows[1:] {
		if row[len(row)-1] == "SMS" {
			wishes++
		}
	}
	if wishes != 3 {
		t.Fatalf("%d wish SMS, want 3", wishes)
	}
}

func TestUnknownGuardIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := ParseGuard("lock"); err == nil {
		t.Fatal("taken")
	}
	for _, name := range []string{"", "claim", "token", "revoke", "send-by", "definitive"} {
		if _, err := ParseGuard(name); err != nil {
			t.Error(err)
		}
	}
}
