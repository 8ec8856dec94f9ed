package fcm

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
)

func TestEachAnswerOfFCMMeansWhatItsDocumentsSay(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzAnswersOfFCM(f *testing.F) { answerstest.Fuzz(f, table, false) }
