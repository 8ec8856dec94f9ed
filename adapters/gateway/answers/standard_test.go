package answers_test

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
)

var nothing = &answers.Table{Read: func([]byte) answers.Said { return answers.Said{} }}

func TestEachStandardRuleHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, nothing, answers.Standard())
}

func FuzzAnswersByTheStandards(f *testing.F) { answerstest.Fuzz(f, nothing, true) }
