package httpgateway

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
)

func TestEachRuleOfTheTableHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, append(Answers(), answers.Standard()...))
}

func FuzzHTTPReply(f *testing.F) { answerstest.Fuzz(f, table, true) }
