package awssms

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
)

func TestEachAnswerOfAWSMeansWhatItsDocumentsSay(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzAnswersOfAWSSMS(f *testing.F) { answerstest.Fuzz(f, table, false) }
