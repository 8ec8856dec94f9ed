package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

func TestAServiceTellsProblemsAtItsStartWithWhatToDo(t *testing.T) {
	t.Parallel()
	c := sound(t)
	log := &memory.Log{}
	doctor.LogProblems(t.Context(), doctor.ComponentsOf(c), observe.Clock{}, log)
	if said := fmt.Sprint(log.Lines()); strings.Contains(said, "a problem") {
		t.Errorf("of a sound configuration: %s", said)
	}
	c.Kafka.Partitions += 3
	doctor.LogProblems(t.Context(), doctor.ComponentsOf(c), observe.Clock{}, log)
	if said := fmt.Sprint(log.Lines()); strings.Count(said, "a problem") == 0 || !strings.Contains(said, "partition") {
		t.Errorf("of topics with too few partitions: %s", said)
	}
	doctor.LogProblems(t.Context(), doctor.ComponentsOf(c), observe.Clock{Shift: -time.Hour}, log)
	if said := fmt.Sprint(log.Lines()); !strings.Contains(said, "its clock is 1h0m0s ahead of") {
		t.Errorf("of clocks an hour apart: %s", said)
	}
}

// begin begins a one-shot command that uses the components and has nothing to do; it reports whether it came to that.
func begin(t *testing.T, uses doctor.Components) (began bool, said string, err error) {
	t.Helper()
	log := &memory.Log{}
	err = doctor.Beside(t.Context(), uses, log, func(context.Context) error { began = true; return nil })
	return began, fmt.Sprint(log.Lines()), err
}

func TestACommandTellsWhatIsDownThoughItHadNothingToDo(t *testing.T) {
	t.Parallel()
	c := sound(t)
	if began, said, err := begin(t, doctor.Components{Database: &c.Database, Kafka: &c.Kafka}); !began || err != nil || strings.Contains(said, "a problem") {
		t.Errorf("nothing is wrong: began %v, %v: %s", began, err, said)
	}
	c.Kafka.Brokers = []string{closedPort(t)}
	began, said, err := begin(t, doctor.Components{Database: &c.Database, Kafka: &c.Kafka})
	if !began || err != nil || !strings.Contains(said, c.Kafka.Brokers[0]) || !strings.Contains(said, "BALSONG_KAFKA_BROKERS") {
		t.Errorf("a wrong port: began %v, %v: %s", began, err, said)
	}
	if _, said, _ := begin(t, doctor.Components{Database: &c.Database}); strings.Contains(said, "a problem") {
		t.Errorf("a component that is not used: %s", said)
	}
}

func TestACommandIsNotBegunWhereAPartAnswersAndRefuses(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]struct {
		make func(t *testing.T, c *config.Deliverer)
		says string
	}{
		"password": {func(t *testing.T, c *config.Deliverer) {
			withURL(t, c, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) })
		}, "BALSONG_DB_PASSWORD"},
		"topics": {func(_ *testing.T, c *config.Deliverer) { c.Kafka.TopicPrefix = unique() }, "the topic does not exist"},
		"bucket": {func(_ *testing.T, c *config.Deliverer) { c.S3.Bucket = unique() }, "BALSONG_S3_BUCKET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sound(t)
			m.make(t, &c)
			began, _, err := begin(t, doctor.Components{Database: &c.Database, Kafka: &c.Kafka, S3: &c.S3})
			if began || !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), m.says) || strings.Contains(err.Error(), secret) {
				t.Errorf("began %v: %v", began, err)
			}
		})
	}
}

func TestMigratingIsNotKeptFromMakingWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := sound(t)
	c.Kafka.TopicPrefix, c.S3.Bucket = unique(), unique()
	log, began := &memory.Log{}, false
	err := doctor.BesideMigrate(t.Context(), doctor.Components{Kafka: &c.Kafka, S3: &c.S3}, log, func(context.Context) error { began = true; return nil })
	if said := fmt.Sprint(log.Lines()); err != nil || !began || strings.Contains(said, "a problem") {
		t.Errorf("began %v, %v: %s", began, err, said)
	}
	c.S3.SecretKey, began = secret, false
	err = doctor.BesideMigrate(t.Context(), doctor.Components{Kafka: &c.Kafka, S3: &c.S3}, log, func(context.Context) error { began = true; return nil })
	if began || !errors.Is(err, config.ErrInvalid) {
		t.Errorf("a store that refuses: began %v, %v", began, err)
	}
}

func TestACommandThatIsInterruptedWaitsForNoPartThatIsSilent(t *testing.T) {
	t.Parallel()
	c := sound(t)
	c.Kafka.Brokers = []string{silent(t)}
	ctx, stop := context.WithCancel(t.Context())
	log := &memory.Log{}
	if err := doctor.Beside(ctx, doctor.Components{Kafka: &c.Kafka}, log, func(context.Context) error { stop(); return ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if said := fmt.Sprint(log.Lines()); strings.Contains(said, "a problem") {
		t.Errorf("somebody who interrupts gets a log line: %s", said)
	}
}
