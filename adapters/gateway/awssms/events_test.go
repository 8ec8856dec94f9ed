package awssms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/adapters/gateway/sns/snstest"
	"github.com/balsong/balsong/application/port"
)

// published is an event as AWS publishes it (https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html).
func published(kind string, final bool, value string) string {
	return fmt.Sprintf(`{"eventType":%q,"eventVersion":"1.0","eventTimestamp":1686975103470,"isFinal":%t,"originationPhoneNumber":"+12065550152",
		"destinationPhoneNumber":"+14255550156","isoCountryCode":"US","messageId":"862a8790-60c0","messageRequestTimestamp":1686975103170,
		"messageStatus":"X","messageStatusDescription":"Message to +14255550156 (4255550156) is known","context":{"balsong":%q},"totalMessageParts":1}`, kind, final, value)
}

func TestEachEventIsTheReportThatItsDocumentsDescribe(t *testing.T) {
	t.Parallel()
	own := references(t)
	d := bill(t).Key
	for kind, want := range map[string]string{
		"TEXT_DELIVERED": "DELIVERED  true", "TEXT_SUCCESSFUL": "DELIVERED  false", "TEXT_INVALID": "UNDELIVERED permanent true",
		"TEXT_INVALID_MESSAGE": "UNDELIVERED content true", "TEXT_UNREACHABLE": "UNDELIVERED temporary true", "TEXT_CARRIER_UNREACHABLE": "UNDELIVERED temporary true",
		"TEXT_BLOCKED": "UNDELIVERED permanent true", "TEXT_CARRIER_BLOCKED": "UNDELIVERED provider true", "TEXT_SPAM": "UNDELIVERED content true",
		"TEXT_TTL_EXPIRED": "UNDELIVERED temporary true", "TEXT_PROTECT_BLOCKED": "UNDELIVERED provider true", "TEXT_UNKNOWN": "UNDELIVERED temporary false",
	} {
		for _, final := range []bool{true, false} {
			said, err := awssms.Read("aws", published(kind, final, own.To(d)), own)
			if err != nil || len(said.Reports) != 1 {
				t.Fatalf("%s: %+v (%v)", kind, said, err)
			}
			r := said.Reports[0]
			if !final {
				want = strings.Replace(want, "true", "false", 1)
			}
			if got := fmt.Sprintf("%s %s %t", r.Kind, r.Class, r.Definitive); got != want || r.Key != d || r.Code != kind || r.MessageID != "862a8790-60c0" || r.SaidAt.UnixMilli() != 1686975103470 {
				t.Errorf("%s, final %t: %s, %+v, want %s", kind, final, got, r, want)
			}
			if strings.Contains(r.Detail, "4255550156") {
				t.Errorf("%s: %s", kind, r.Detail)
			}
		}
	}
}

func TestWhatIsNotOursIsCountedAndWhatSaysNothingIsNone(t *testing.T) {
	t.Parallel()
	own := references(t)
	value := own.To(bill(t).Key)
	for name, c := range map[string]struct {
		text       string
		foreign    int
		unreadable bool
	}{
		"another's": {text: published("TEXT_INVALID", true, "bar"), foreign: 1}, "queued": {text: published("TEXT_QUEUED", false, value)},
		"pending": {text: published("TEXT_PENDING", false, value)}, "sent": {text: published("TEXT_SENT", false, value)},
		"a call": {text: published("VOICE_COMPLETED", true, value), unreadable: true}, "no JSON": {text: "x", unreadable: true}, "no event": {text: "{}", unreadable: true},
	} {
		got, err := awssms.Read("aws", c.text, own)
		if len(got.Reports) != 0 || got.Foreign != c.foreign || errors.Is(err, port.ErrUnreadable) != c.unreadable {
			t.Errorf("%s: %+v (%v)", name, got, err)
		}
	}
}

func TestAReportComesByAVerifiedRequestAlone(t *testing.T) {
	t.Parallel()
	s := snstest.New(t, "sns.amazonaws.com", time.Hour)
	reports, err := sns.NewReports("aws", snstest.Topic, source(t), s, awssms.Read)
	if err != nil {
		t.Fatal(err)
	}
	post := s.Post(t, published("TEXT_INVALID", true, references(t).To(bill(t).Key)))
	if got, err := reports.Reports(t.Context(), post); err != nil || len(got.Reports) != 1 {
		t.Errorf("%+v (%v)", got, err)
	}
	post.Body = []byte(strings.Replace(string(post.Body), "TEXT_INVALID", "TEXT_SPAM", 1))
	if _, err := reports.Reports(t.Context(), post); !errors.Is(err, port.ErrForged) {
		t.Errorf("a forged one: %v", err)
	}
	if _, err := sns.NewReports("aws", "x", source(t), nil, awssms.Read); err == nil {
		t.Error("no topic")
	}
	if _, err := sns.NewReports("aws", snstest.Topic, nil, nil, awssms.Read); err == nil {
		t.Error("no references")
	}
}

// FuzzSMSEvents reads anything: what comes out can be stored, and is about a delivery that we signed.
func FuzzSMSEvents(f *testing.F) {
	own := references(f)
	d := bill(f).Key
	f.Add(published("TEXT_DELIVERED", true, own.To(d)))
	f.Add(published("TEXT_UNKNOWN", true, own.To(d)))
	f.Fuzz(func(t *testing.T, text string) {
		said, err := awssms.Read("aws", text, own)
		if err != nil && (!errors.Is(err, port.ErrUnreadable) || len(said.Reports) != 0) {
			t.Errorf("%v with %+v", err, said)
		}
		for _, r := range said.Reports {
			if r.Validate() != nil || r.Key != d {
				t.Errorf("%+v", r)
			}
		}
	})
}
