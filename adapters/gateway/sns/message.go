package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
)

// message is what SNS posts (https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html).
type message struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string // of a confirmation
	TopicArn         string
	Subject          *string // of some notifications
	Message          string
	SubscribeURL     string // of a confirmation
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// The types.
const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
	typeEnd          = "UnsubscribeConfirmation"
)

const (
	// maxBody bounds a request: a publication has at most 256 KiB, of which JSON may write each byte in several.
	maxBody = 2 << 20
	// SNS tries for an hour at most (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
	oldest = 2 * time.Hour
	ahead  = 15 * time.Minute // of our clock
)

// The forms of what is signed, besides Message: none has a line end, so that what is signed can be split in one way only.
// Their lengths are bounded beside them: a bound in a pattern takes a thousand times the memory.
var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9-]+$`)                    // at most 100
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9]+$`)                     // at most 1,000
	certPath  = regexp.MustCompile(`^/[A-Za-z0-9][A-Za-z0-9._-]*\.pem$`) // at most 205
)

var errForm = errors.New("it has not the form of what Amazon SNS posts")

func forged(why error) error { return fmt.Errorf("%w: %w", port.ErrForged, why) }

// read reads a request as far as it can be without its signature. ErrForged.
func (t *Topic) read(request port.Webhook) (*message, time.Time, error) {
	if strings.EqualFold(http.Header(request.Header).Get("X-Amz-Sns-Rawdelivery"), "true") {
		return nil, time.Time{}, forged(errors.New("it comes by raw message delivery, which has no signature: switch that off for the subscription"))
	}
	m := new(message)
	if request.Method != http.MethodPost || len(request.Body) > maxBody || json.Unmarshal(request.Body, m) != nil {
		return nil, time.Time{}, forged(errForm)
	}
	at, err := time.Parse(time.RFC3339, m.Timestamp)
	switch {
	case err != nil, len(m.MessageID) > 100, !idForm.MatchString(m.MessageID), m.Subject != nil && strings.ContainsAny(*m.Subject, "\r\n"):
		return nil, time.Time{}, forged(errForm)
	case m.TopicArn != t.arn:
		return nil, time.Time{}, forged(errors.New("it is of another topic"))
	case !t.certificateURL(m.SigningCertURL):
		return nil, time.Time{}, forged(errors.New("its certificate is not at " + t.host))
	case request.Arrived.Sub(at) > oldest || at.Sub(request.Arrived) > ahead:
		return nil, time.Time{}, forged(fmt.Errorf("it was made %s before it came: SNS tries for an hour (is this machine's clock right?)", request.Arrived.Sub(at).Round(time.Second)))
	}
	switch m.Type {
	case typeNotification:
	case typeConfirmation, typeEnd:
		if len(m.Token) > 1000 || !tokenForm.MatchString(m.Token) || strings.ContainsAny(m.SubscribeURL, "\r\n") {
			return nil, time.Time{}, forged(errForm)
		}
	default:
		return nil, time.Time{}, forged(errForm)
	}
	return m, at, nil
}

// certificateURL reports whether an address is that of a file of SNS in the topic's region, and nothing else.
func (t *Topic) certificateURL(address string) bool {
	path, ofSNS := strings.CutPrefix(address, "https://"+t.host)
	return ofSNS && len(path) <= 205 && certPath.MatchString(path)
}

// signed is the text that is signed: names and values, each on a line of its own
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html).
func (m *message) signed() []byte {
	var out strings.Builder
	write := func(name, value string) { out.WriteString(name + "\n" + value + "\n") }
	write("Message", m.Message)
	write("MessageId", m.MessageID)
	if m.Type == typeNotification {
		if m.Subject != nil {
			write("Subject", *m.Subject)
		}
		write("Timestamp", m.Timestamp)
	} else {
		write("SubscribeURL", m.SubscribeURL)
		write("Timestamp", m.Timestamp)
		write("Token", m.Token)
	}
	write("TopicArn", m.TopicArn)
	write("Type", m.Type)
	return []byte(out.String())
}
