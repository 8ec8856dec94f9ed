package smtp

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

// named is an installation with an id, which may fail.
type named struct {
	id    string
	fails atomic.Bool
	asked atomic.Int32
}

func (n *named) ID(context.Context) (string, error) {
	n.asked.Add(1)
	if n.fails.Load() {
		return "", errors.New("no database")
	}
	return n.id, nil
}

// A test installation with production's From sent the first customer's key under the Message-ID that production uses for it:
// who had the one did not get the other shown.
func TestTwoInstallationsNeverUseOneMessageID(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	production, trial := &named{id: "prod42"}, &named{id: "trial7"}
	for _, installation := range []*named{production, trial, production} {
		g := mailGateway(t, far, func(c *Config) { c.Installation = installation })
		for range 2 {
			if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted {
				t.Fatalf("%+v", reply)
			}
		}
	}
	var ids []string
	for _, letter := range far.Letters() {
		read, err := mail.ReadMessage(strings.NewReader(letter))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, read.Header.Get("Message-Id"))
		if read.Header.Get("Feedback-Id") != "" {
			t.Error("a Feedback-ID that nobody asked for")
		}
	}
	const first, second = "<2026-11.1.1.2.prod42@example.com>", "<2026-11.1.1.2.trial7@example.com>"
	if want := strings.Join([]string{first, first, second, second, first, first}, " "); strings.Join(ids, " ") != want {
		t.Errorf("%v, want %s", ids, want)
	}
	if production.asked.Load() != 2 || trial.asked.Load() != 1 {
		t.Errorf("each gateway asks once: %d, %d", production.asked.Load(), trial.asked.Load())
	}
}

func TestNothingIsSentWithoutTheInstallationsID(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	installation := &named{id: "prod42"}
	installation.fails.Store(true)
	g := mailGateway(t, far, func(c *Config) { c.Installation = installation })
	if err := g.Prepare(t.Context()); err == nil {
		t.Error("a gateway without the installation's id is prepared")
	}
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallNotMade || len(far.Letters()) != 0 {
		t.Errorf("%+v, %d letters", reply, len(far.Letters()))
	}
	installation.fails.Store(false)
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted {
		t.Errorf("%+v", reply)
	}
}
