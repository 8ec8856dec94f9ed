package ses_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/adapters/gateway/sns/snstest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// published is an event as SES publishes it (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html),
// about a mail to kim@example.com.
func published(kind, about, value string) string {
	return fmt.Sprintf(`{"eventType":%q,%s,"mail":{"timestamp":"2026-11-30T08:59:00.000Z","source":"bills@example.com","sendingAccountId":"123456789012",
		"messageId":"0100018f-1","destination":["kim@example.com"],"headersTruncated":false,"tags":{"ses:configuration-set":["balsong"],"balsong":[%q]}}}`, kind, about, value)
}

func bounced(kind, sub, address, action, status, diagnostic string) string {
	made, _ := json.Marshal(map[string]any{
		"bounceType": kind, "bounceSubType": sub, "timestamp": "2026-11-30T08:59:30.500Z", "feedbackId": "0100-f",
		"bouncedRecipients": []map[string]string{{"emailAddress": address, "action": action, "status": status, "diagnosticCode": diagnostic}},
	})
	return `"bounce":` + string(made)
}

func references(t testing.TB) *reference.References {
	t.Helper()
	made, err := reference.New("prod42", secret)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestEachEventIsTheReportThatItsDocumentsDescribe(t *testing.T) {
	t.Parallel()
	own := references(t)
	d := bill(t, "").Key
	const definitive, open = true, false
	for name, c := range map[string]struct {
		kind, about string
		want        string // kind, class, code
		definitive  bool
	}{
		"no such mailbox":        {"Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.1.1", "smtp; 550 5.1.1 user unknown"), "UNDELIVERED permanent 5.1.1", definitive},
		"without a status":       {"Bounce", `"bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"KIM@example.com"}],"feedbackId":"f"}`, "UNDELIVERED permanent General", definitive},
		"suppressed":             {"Bounce", bounced("Permanent", "OnAccountSuppressionList", "kim@example.com", "failed", "5.1.1", "Amazon SES did not send the message to this address because it is on the suppression list for your account."), "UNDELIVERED permanent 5.1.1", definitive},
		"by its local part":      {"Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.1.1", "smtp; 550 5.1.1 no mailbox kim here"), "UNDELIVERED permanent 5.1.1", definitive},
		"about us":               {"Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.7.1", "smtp; 550 5.7.1 Your message was rejected due to example.com's DMARC policy."), "UNDELIVERED provider 5.7.1", definitive},
		"full":                   {"Bounce", bounced("Transient", "MailboxFull", "kim@example.com", "failed", "5.2.2", "smtp; 552 5.2.2 mailbox full"), "UNDELIVERED temporary 5.2.2", definitive},
		"full, and not given up": {"Bounce", bounced("Transient", "MailboxFull", "kim@example.com", "", "", ""), "UNDELIVERED temporary MailboxFull", open},
		"content":                {"Bounce", bounced("Transient", "ContentRejected", "kim@example.com", "failed", "5.7.1", "smtp; 550 spam"), "UNDELIVERED content 5.7.1", definitive},
		"away":                   {"Bounce", bounced("Transient", "General", "kim@example.com", "", "", ""), "UNDELIVERED temporary General", open},
		"undetermined":           {"Bounce", bounced("Undetermined", "Undetermined", "kim@example.com", "", "", ""), "UNDELIVERED temporary Undetermined", open},
		"forwarded":              {"Bounce", bounced("Permanent", "General", "lee@example.net", "failed", "5.1.1", "smtp; 550 5.1.1 user unknown"), "UNDELIVERED permanent 5.1.1", open},
		"nobody is named":        {"Bounce", `"bounce":{"bounceType":"Permanent","bounceSubType":"General"}`, "UNDELIVERED permanent General", open},
		"delayed":                {"DeliveryDelay", `"deliveryDelay":{"timestamp":"2026-11-30T08:59:30.5Z","delayType":"MailboxFull","delayedRecipients":[{"emailAddress":"kim@example.com","status":"4.2.2","diagnosticCode":"smtp; 452 4.2.2 full"}]}`, "UNDELIVERED temporary 4.2.2", open},
		"delivered":              {"Delivery", `"delivery":{"timestamp":"2026-11-30T08:59:30.5Z","recipients":["kim@example.com"],"smtpResponse":"250 2.6.0 Message received for kim@example.com","reportingMTA":"x"}`, "DELIVERED  ", open},
		"rejected":               {"Reject", `"reject":{"reason":"Bad content"}`, "UNDELIVERED content Reject", definitive},
		"not rendered":           {"Rendering Failure", `"failure":{"errorMessage":"Attribute 'x' is not present","templateName":"t"}`, "UNDELIVERED content RenderingFailure", definitive},
		"complaint":              {"Complaint", `"complaint":{"complainedRecipients":[{"emailAddress":"kim@example.com"}],"timestamp":"2026-11-30T08:59:30.5Z","feedbackId":"f","complaintFeedbackType":"abuse"}`, "COMPLAINED  abuse", definitive},
		"complaint of no type":   {"Complaint", `"complaint":{"feedbackId":"f","complaintSubType":null}`, "COMPLAINED  ", definitive},
		"opt out":                {"Complaint", `"complaint":{"feedbackId":"f","complaintFeedbackType":"opt-out"}`, "OPTED_OUT  opt-out", definitive},
		"complained before":      {"Complaint", `"complaint":{"feedbackId":"f","complaintSubType":"OnAccountSuppressionList"}`, "UNDELIVERED permanent OnAccountSuppressionList", definitive},
	} {
		said, err := ses.Read("ses", published(c.kind, c.about, own.To(d)), own)
		if err != nil || len(said.Reports) != 1 {
			t.Errorf("%s: %+v (%v)", name, said, err)
			continue
		}
		r := said.Reports[0]
		if got := fmt.Sprintf("%s %s %s", r.Kind, r.Class, r.Code); got != c.want || r.Definitive != c.definitive || r.Key != d || r.Provider != "ses" || r.MessageID != "0100018f-1" {
			t.Errorf("%s: %s, %+v, want %s", name, got, r, c.want)
		}
		if strings.Contains(r.Detail, "kim") || strings.Contains(r.Detail, "lee@") {
			t.Errorf("%s: %s", name, r.Detail)
		}
	}
}

func TestARepeatedEventIsKnownAndAnotherIsNot(t *testing.T) {
	t.Parallel()
	own := references(t)
	id := func(text string) string {
		said, err := ses.Read("ses", text, own)
		if err != nil || len(said.Reports) != 1 {
			t.Fatalf("%+v (%v)", said, err)
		}
		return said.Reports[0].ID
	}
	value := own.To(bill(t, "").Key)
	first := published("Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.1.1", ""), value)
	again := strings.Clone(first)
	if id(first) != id(again) || !said(first, own).SaidAt.Equal(time.Date(2026, time.November, 30, 8, 59, 30, 500e6, time.UTC)) {
		t.Error("one event has two ids, or another time")
	}
	for name, other := range map[string]string{
		"another feedback": strings.Replace(first, "0100-f", "0100-g", 1), "another time": strings.Replace(first, "30.500Z", "30.501Z", 1),
		"another message": strings.Replace(first, "0100018f-1", "0100018f-2", 1), "another kind": published("Reject", `"reject":{}`, value),
	} {
		if id(other) == id(first) {
			t.Errorf("%s has the same id", name)
		}
	}
}

func said(text string, own *reference.References) report.Report {
	got, _ := ses.Read("ses", text, own)
	return got.Reports[0]
}

func TestWhatIsNotOursIsCountedAndWhatSaysNothingIsNone(t *testing.T) {
	t.Parallel()
	own := references(t)
	other, err := reference.New("trial7", secret)
	if err != nil {
		t.Fatal(err)
	}
	value := own.To(bill(t, "").Key)
	complaint := `"complaint":{"feedbackId":"f","complaintFeedbackType":"not-spam"}`
	for name, c := range map[string]struct {
		text       string
		foreign    int
		unreadable bool
	}{
		"another installation": {text: published("Reject", `"reject":{}`, other.To(bill(t, "").Key)), foreign: 1},
		"no tag":               {text: `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent"},"mail":{"messageId":"x"}}`, foreign: 1},
		"sent":                 {text: published("Send", `"send":{}`, value)},
		"opened":               {text: published("Open", `"open":{}`, value)},
		"no spam":              {text: published("Complaint", complaint, value)},
		"validation":           {text: "Successfully validated SNS topic for Amazon SES event publishing."},
		"unknown":              {text: published("Wormhole", `"x":{}`, value), unreadable: true},
		"no bounce":            {text: published("Bounce", `"x":{}`, value), unreadable: true},
		"no JSON":              {text: "hello", unreadable: true},
		"no event":             {text: "{}", unreadable: true},
		"another form":         {text: `{"eventType":"Bounce","bounce":[]}`, unreadable: true},
	} {
		got, err := ses.Read("ses", c.text, own)
		if len(got.Reports) != 0 || got.Foreign != c.foreign || errors.Is(err, port.ErrUnreadable) != c.unreadable {
			t.Errorf("%s: %+v (%v)", name, got, err)
		}
	}
}

func TestAReportComesByAVerifiedRequestAlone(t *testing.T) {
	t.Parallel()
	s := snstest.New(t, "sns.amazonaws.com", time.Hour)
	reports, err := sns.NewReports("ses", snstest.Topic, source(t, "prod42"), s, ses.Read)
	if err != nil {
		t.Fatal(err)
	}
	d := bill(t, "").Key
	post := s.Post(t, published("Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.1.1", ""), references(t).To(d)))
	if got, err := reports.Reports(t.Context(), post); err != nil || len(got.Reports) != 1 || got.Reports[0].Key != d || got.Reports[0].Class != attempt.Permanent {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := reports.Reports(t.Context(), snstest.Request(t, s.Sign(t, snstest.Confirmation()))); err != nil || len(got.Reports) != 0 {
		t.Errorf("a confirmation: %+v (%v)", got, err)
	}
	post.Body = []byte(strings.Replace(string(post.Body), "Permanent", "Transient", 1))
	if got, err := reports.Reports(t.Context(), post); !errors.Is(err, port.ErrForged) || len(got.Reports) != 0 {
		t.Errorf("a forged one: %+v (%v)", got, err)
	}
	down, err := sns.NewReports("ses", snstest.Topic, source(t, ""), s, ses.Read)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.Reports(t.Context(), s.Post(t, "{}")); err == nil || errors.Is(err, port.ErrForged) || errors.Is(err, port.ErrUnreadable) {
		t.Errorf("without the database: %v", err)
	}
	for name, c := range map[string]struct {
		topic string
		of    *reference.Source
	}{"topic": {"reports", source(t, "prod42")}, "references": {snstest.Topic, nil}} {
		if _, err := sns.NewReports("ses", c.topic, c.of, nil, ses.Read); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzEvents reads anything: what comes out can be stored, and is about a delivery that we signed.
func FuzzEvents(f *testing.F) {
	own := references(f)
	d := bill(f, "").Key
	f.Add(published("Bounce", bounced("Permanent", "General", "kim@example.com", "failed", "5.1.1", "smtp; 550 no"), own.To(d)))
	f.Add(published("DeliveryDelay", `"deliveryDelay":{"delayType":"x","delayedRecipients":[{"status":"4.4.1"}]}`, own.To(d)))
	f.Add(published("Complaint", `"complaint":{"complaintFeedbackType":"abuse"}`, own.To(d)))
	f.Add(published("Delivery", `"delivery":{"timestamp":"x"}`, own.To(d)))
	f.Fuzz(func(t *testing.T, text string) {
		said, err := ses.Read("ses", text, own)
		if err != nil && (!errors.Is(err, port.ErrUnreadable) || len(said.Reports) != 0) {
			t.Errorf("%v with %+v", err, said)
		}
		for _, r := range said.Reports {
			if r.Validate() != nil || r.Key != d || len(r.Code) > 200 {
				t.Errorf("%+v", r)
			}
		}
	})
}
