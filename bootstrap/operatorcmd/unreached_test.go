package operatorcmd

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/answer"
)

func TestTheSummaryOfTheUnreachedSaysWhyBillsThatAreSucceededAreAmongThem(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	printUnreached(&shown, answer.UnreachedSummary{Written: 43, Noted: 3, ByStatus: map[string]int{"SUCCEEDED": 3, "EXHAUSTED": 40}}, answer.UnreachedOptions{})
	want := `43 bills written
           40  EXHAUSTED
            3  SUCCEEDED
            3    of them: reported as not delivered, which the policy only notes
`
	if shown.String() != want {
		t.Errorf("it shows\n%s, want\n%s", shown.String(), want)
	}
}
