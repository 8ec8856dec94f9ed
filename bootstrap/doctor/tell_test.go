package doctor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port/memory"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

func TestAServiceTellsProblemsAtItsStartWithWhatToDo(t *testing.T) {
	t.Parallel()
	c := sound(t)
	log := &memory.Log{}
	doctor.Tell(t.Context(), c, observe.Clock{}, log)
	if said := fmt.Sprint(log.Lines()); strings.Contains(said, "a problem") {
		t.Errorf("of a sound configuration: %s", said)
	}
	c.Kafka.Partitions += 3
	doctor.Tell(t.Context(), c, observe.Clock{}, log)
	if said := fmt.Sprint(log.Lines()); strings.Count(said, "a problem") == 0 || !strings.Contains(said, "partition") {
		t.Errorf("of topics with too few partitions: %s", said)
	}
}
