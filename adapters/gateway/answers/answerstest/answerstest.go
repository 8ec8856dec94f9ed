// Package answerstest tests the tables of answers: what each provider over HTTP promises of its own.
package answerstest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
)

// parse reads an answer as the tables' lists show it.
func parse(shown string) (httpclient.Answer, error) {
	said, header := strings.CutSuffix(shown, ", with Retry-After")
	number, body, _ := strings.Cut(said, " ")
	status, err := strconv.Atoi(number)
	answer := httpclient.Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
	if header {
		answer.Header.Set("Retry-After", "20")
	}
	return answer, err
}

// Holds checks that a table, with those of the standards behind it, finds for each of the listed answers what it lists, that each
// says why and by which source, and that the provider's code is not masked in what operators see.
func Holds(t testing.TB, table *answers.Table, list []gateway.Answer) {
	t.Helper()
	for _, listed := range list {
		answer, err := parse(listed.Said)
		if err != nil || listed.Why == "" || listed.Source == "" {
			t.Errorf("%+v: %v", listed, err)
		}
		reply := table.Reply(answer, nil, time.Time{})
		if reply.Verdict != listed.Verdict || reply.Doubtful != listed.Meaning.Doubtful {
			t.Errorf("%s: %+v, want %s %s", listed.Said, reply, listed.Verdict, listed.Meaning)
		}
		if code := table.Read(answer.Body).Code; reply.Verdict != port.CallAccepted && !strings.Contains(gateway.Redact(reply.Detail, "+821012345678"), code) {
			t.Errorf("%s: the code is masked: %q", listed.Said, reply.Detail)
		}
		if reply.Verdict == port.CallRefused && reply.Class != listed.Meaning.Class {
			t.Errorf("%s: the class is %s, want %s", listed.Said, reply.Class, listed.Meaning.Class)
		}
	}
}

// Fuzz tries answers of any kind: whatever a server says, the reply is one that the core understands, and says that no call
// was made of none. definite reports whether the first digit of the status decides, as it does without Table.Accepts but for two.
func Fuzz(f *testing.F, table *answers.Table, definite bool) {
	for _, listed := range append(table.List(), answers.Standard()...) {
		if answer, err := parse(listed.Said); err == nil {
			f.Add(answer.Status, "7", answer.Body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		answer := httpclient.Answer{Status: status, Header: http.Header{"Retry-After": {retryAfter}}, Body: body}
		reply := table.Reply(answer, nil, time.Unix(1_700_000_000, 0))
		accepted, refused := status >= 200 && status <= 299, status >= 300 && status <= 499 && status != 303 && status != 409
		switch {
		case definite && accepted != (reply.Verdict == port.CallAccepted):
			t.Errorf("status %d: %s", status, reply.Verdict)
		case definite && refused && reply.Verdict != port.CallRefused && reply.Verdict != port.CallThrottled:
			t.Errorf("status %d: %s", status, reply.Verdict)
		case reply.Verdict == port.CallNotMade:
			t.Error("an answer came, and yet no call was made")
		case (reply.Class != "") != (reply.Verdict == port.CallRefused):
			t.Errorf("%s with the class %q", reply.Verdict, reply.Class)
		case reply.MessageID != "" && !gateway.ValidMessageID(reply.MessageID):
			t.Errorf("the id %q is kept", reply.MessageID)
		case reply.NotBefore < 0 || reply.NotBefore > gateway.MaxWait || reply.Hold > reply.NotBefore:
			t.Errorf("a wait of %s and %s", reply.NotBefore, reply.Hold)
		}
	})
}
