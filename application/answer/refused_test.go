package answer

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/domain/key"
)

func TestStatusSaysHowRefusedRowsAreFound(t *testing.T) {
	t.Parallel()
	month, _ := key.ParseMonth("2026-11")
	a := &advice{}
	MonthStatus{Month: month, Open: true, Rejected: 2}.adviseOnPeople(a)
	if len(a.list) != 1 || !strings.Contains(a.list[0], "2 rows were refused") || !strings.Contains(a.list[0], "`batch import refused --month 2026-11` lists them") {
		t.Errorf("advised is %q", a.list)
	}
}
