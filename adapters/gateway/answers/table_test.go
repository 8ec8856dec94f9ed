package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

var nothing = &Table{Read: func([]byte) Said { return Said{} }}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-7": 0, "soon": 0, "7.5": 0, "99999999": gateway.MaxWait, "99999999999999999999": 0,
		now.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat): 0,
		now.AddDate(1, 0, 0).Format(http.TimeFormat):  gateway.MaxWait,
	} {
		if got := waitFor(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestRetryAfterHoldsEveryCall(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503, 401} {
		reply := nothing.ReplyTo(status, "20", Said{}, []byte("<html>later</html>"), time.Time{})
		if reply.Hold != 20*time.Second || reply.NotBefore != 20*time.Second {
			t.Errorf("%d: %+v", status, reply)
		}
	}
}

// Several vendors answer 200 to what they refuse, with a code in the body; some write their codes as numbers, in an inner
// object.
func TestATableOfItsOwnComesBeforeTheStandards(t *testing.T) {
	t.Parallel()
	type answer struct {
		Header struct {
			Code    Text `json:"resultCode"`
			Message Text `json:"resultMessage"`
		} `json:"header"`
	}
	table := &Table{
		Read: func(body []byte) Said {
			var a answer
			if json.Unmarshal(body, &a) != nil {
				return Said{}
			}
			return Said{Code: string(a.Header.Code), Message: string(a.Header.Message)}
		},
		Accepts: func(status int, said Said) bool { return status == 200 && said.Code == "0" },
		Rules: []Rule{
			{Status: 200, Code: "-1006", Means: gateway.Permanent},
			{Status: 2, Means: gateway.ProviderDoubted},
			{Status: 429, Code: "-9999", Means: gateway.Provider},
		},
	}
	for body, want := range map[string]string{
		`200 {"header":{"resultCode":0}}`:                                 "accepted",
		`200 {"header":{"resultCode":"0"}}`:                               "accepted",
		`200 {"header":{"resultCode":-1006,"resultMessage":"no number"}}`: "refused permanent 200, code -1006: no number",
		`200 {"header":{"resultCode":-7}}`:                                "refused provider 200, code -7",
		`201 {"header":{"resultCode":0}}`:                                 "refused provider 201, code 0",
		`200 <html>hello</html>`:                                          "refused provider 200 hello",
		`429 {"header":{"resultCode":-9999}}`:                             "refused provider 429, code -9999",
		`429 {"header":{"resultCode":-1006}}`:                             "throttled  429, code -1006",
		`500 {"header":{"resultCode":0}}`:                                 "unknown  500, code 0",
	} {
		var status int
		_, _ = fmt.Sscan(body, &status)
		reply := table.Reply(httpclient.Answer{Status: status, Body: []byte(body[4:])}, nil, time.Time{})
		got := string(reply.Verdict)
		if reply.Verdict != port.CallAccepted {
			got += " " + string(reply.Class) + " " + reply.Detail
		}
		if got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestABodyThatWasCutOffIsNotRead(t *testing.T) {
	t.Parallel()
	table := &Table{Read: func([]byte) Said { t.Error("read"); return Said{} }}
	reply := table.Reply(httpclient.Answer{Status: 400, Body: []byte(`{"code":`), Truncated: true}, nil, time.Time{})
	if reply.Class != attempt.Provider {
		t.Errorf("got %+v", reply)
	}
}

func TestWithoutAnAnswerTheErrorSaysWhetherACallWasMade(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]port.Verdict{
		httpclient.ErrNotMade:                       port.CallNotMade,
		httpclient.ErrUnknown:                       port.CallUnknown,
		errors.New("a library's own"):               port.CallUnknown,
		fmt.Errorf("in: %w", httpclient.ErrNotMade): port.CallNotMade,
	} {
		if reply := nothing.Reply(httpclient.Answer{}, err, time.Time{}); reply.Verdict != want || reply.Answered || !strings.Contains(reply.Detail, err.Error()) {
			t.Errorf("%v: %+v", err, reply)
		}
	}
}
