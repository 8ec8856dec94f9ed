package attempt_test

import (
	"slices"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
)

func TestEarlierProvidersComeBackInTheirOrder(t *testing.T) {
	t.Parallel()
	list := attempt.Earlier("").And("nhn", attempt.ReasonProvider).And("solapi", attempt.ReasonNotCalled)
	if list != "nhn:provider,solapi:not_called" {
		t.Errorf("written as %q", list)
	}
	want := []attempt.EarlierProvider{{Provider: "nhn", Why: attempt.ReasonProvider}, {Provider: "solapi", Why: attempt.ReasonNotCalled}}
	if got := list.Each(); !slices.Equal(got, want) {
		t.Errorf("read as %v", got)
	}
	for _, odd := range []attempt.Earlier{"", ",", "nhn", ":provider", "nhn:"} {
		if got := odd.Each(); len(got) != 0 {
			t.Errorf("%q is read as %v", odd, got)
		}
	}
}
