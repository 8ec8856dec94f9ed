package ses

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
)

func TestEachAnswerOfSESMeansWhatItsDocumentsSay(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzAnswersOfSES(f *testing.F) { answerstest.Fuzz(f, table, false) }
