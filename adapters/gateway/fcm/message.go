package fcm

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// message is what FCM takes (https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages). What Android and iOS do not know
// of each other is said to each.
type message struct {
	Token        string            `json:"token"`
	Notification notification      `json:"notification"`
	Data         map[string]string `json:"data,omitempty"`
	Android      *android          `json:"android,omitempty"`
	APNs         *apns             `json:"apns,omitempty"`
}

type notification struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body"`
}

type android struct {
	CollapseKey  string   `json:"collapse_key,omitempty"`
	TTL          string   `json:"ttl,omitempty"`
	Notification *andNote `json:"notification,omitempty"`
}

type andNote struct {
	Tag string `json:"tag"`
}

type apns struct {
	Headers map[string]string `json:"headers"`
}

const (
	// maxPayload is FCM's bound of what a message says, in bytes (https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode).
	maxPayload = 4096
	maxToken   = 4 << 10 // a bound of our own
	maxTTL     = 28 * 24 * time.Hour
	dataKey    = "balsong" // of the reference, in what the app gets
)

// bodyOf is the request about a delivery. What FCM does not take is refused without a call.
func (g *Gateway) bodyOf(d port.Delivery) ([]byte, port.Reply) {
	refused := func(class attempt.FailureClass, why string) ([]byte, port.Reply) {
		return nil, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	title, text := strings.ToValidUTF8(d.Content.Title, "\uFFFD"), strings.ToValidUTF8(d.Content.Text, "\uFFFD")
	m := message{Token: strings.TrimSpace(d.Destination), Notification: notification{title, text}, Android: &android{}, APNs: &apns{map[string]string{}}}
	size := len(title) + len(text)
	if references := g.references.Known(); references != nil {
		own, bill := references.To(d.Key), references.To(billOf(d.Key))
		m.Data = map[string]string{dataKey: own}
		m.Android.CollapseKey, m.Android.Notification = bill, &andNote{bill}
		m.APNs.Headers["apns-collapse-id"] = bill
		size += len(dataKey) + len(own)
	}
	switch {
	case m.Token == "" || len(m.Token) > maxToken:
		return refused(attempt.Permanent, "the registration token is empty or too long")
	case strings.TrimSpace(text) == "":
		return refused(attempt.Content, "the text is empty")
	case size > maxPayload:
		return refused(attempt.Permanent, "the text is longer than FCM takes: another channel's may not be")
	}
	if !d.Until.IsZero() {
		left := min(max(d.Until.Sub(g.now()), 0), maxTTL)
		m.Android.TTL = strconv.Itoa(int(left/time.Second)) + "s"
		m.APNs.Headers["apns-expiration"] = strconv.FormatInt(d.Until.Unix(), 10)
	}
	if *m.Android == (android{}) {
		m.Android = nil
	}
	if len(m.APNs.Headers) == 0 {
		m.APNs = nil
	}
	body, err := json.Marshal(map[string]message{"message": m})
	if err != nil {
		return refused(attempt.Content, "the message cannot be written")
	}
	return body, port.Reply{}
}

// billOf is the delivery key of a bill's first try. All tries of a bill have one collapse key and one tag: what is sent again, since
// nobody could know whether it had arrived, takes the place of what had.
func billOf(k key.Delivery) key.Delivery {
	k.Attempt, k.Round = 0, 0
	return k
}
