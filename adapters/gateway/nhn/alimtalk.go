package nhn

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// AlimTalkRoot is where NHN Cloud's KakaoTalk Bizmessage API is
// (https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/alimtalk-api-guide/).
const AlimTalkRoot = "https://kakaotalk-bizmessage.api.nhncloudservice.com"

// AlimTalkConfig describes a project at NHN Cloud's KakaoTalk Bizmessage, a service apart from SMS with keys of its own.
type AlimTalkConfig struct {
	Provider   port.Provider
	URL        string // default AlimTalkRoot
	TLS        *tls.Config
	AppKey     string
	SecretKey  string
	SenderKey  string            // of the sender profile
	Signature  string            // what webhooks are signed with, as of Config
	References *reference.Source // nil: no reference travels, and nothing that NHN Cloud says later finds its bill
	Now        func() time.Time
}

// AlimTalk is a port.Gateway over NHN Cloud's AlimTalk API v2.3. Safe for concurrent use.
type AlimTalk struct {
	project

	sender string
}

var (
	_ port.Gateway  = (*AlimTalk)(nil)
	_ port.Preparer = (*AlimTalk)(nil)
	_ port.Inquirer = (*AlimTalk)(nil)
	_ port.Reporter = (*AlimTalk)(nil)
)

// senderKeyForm is a sender profile's key: 40 characters.
var senderKeyForm = regexp.MustCompile(`^[A-Za-z0-9]{40}$`)

// NewAlimTalk checks the settings, wrapping gateway.ErrConfig; it does not connect.
func NewAlimTalk(c AlimTalkConfig) (*AlimTalk, error) {
	s := settings{c.Provider, cmp.Or(c.URL, AlimTalkRoot), c.TLS, c.AppKey, c.SecretKey, c.Signature, c.References, c.Now}
	if err := s.check(channel.AlimTalk, "AlimTalk"); err != nil {
		return nil, err
	}
	if !senderKeyForm.MatchString(c.SenderKey) {
		return nil, gateway.ConfigError(c.Provider.Name, "sender key", "is no key of a sender profile (40 letters and digits)")
	}
	p, err := newProject(s, "/alimtalk/v2.3/appkeys/")
	if err != nil {
		return nil, err
	}
	return &AlimTalk{project: p, sender: c.SenderKey}, nil
}

// alimTalkRequest is a message to one recipient. NHN Cloud makes it of its own copy of the template.
type alimTalkRequest struct {
	Sender     string              `json:"senderKey"`
	Template   string              `json:"templateCode"`
	Recipients []alimTalkRecipient `json:"recipientList"`
}

type alimTalkRecipient struct {
	Number    string            `json:"recipientNo"`
	Variables map[string]string `json:"templateParameter,omitempty"`
	Resend    struct {
		On bool `json:"isResend"` // false: our route goes on, and the ledger knows of it; missing, the console's setting would decide
	} `json:"resendParameter"`
	Reference string `json:"recipientGroupingKey,omitempty"` // at most 100 characters
}

// Send implements port.Gateway.
func (g *AlimTalk) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	number, ok := textmessage.KoreanNumber(d.Destination)
	if !ok {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "the destination is no number in Korea: another channel may"}
	}
	message, refusal := gateway.ReadAlimTalk(d, g.provider.Name)
	if refusal.Verdict != "" {
		return refusal
	}
	ours, prepared := g.references.To(d.Key)
	if !prepared {
		return gateway.NotPrepared()
	}
	recipient := alimTalkRecipient{Number: number, Variables: message.Variables, Reference: ours}
	call := g.call(http.MethodPost, "/messages")
	if ours != "" {
		// A repeat within ten minutes is refused. It is the delivery key's reference, so the same call has the same one.
		call.Header("X-NC-API-IDEMPOTENCY-KEY", ours)
	}
	body, _ := json.Marshal(alimTalkRequest{Sender: g.sender, Template: message.Code, Recipients: []alimTalkRecipient{recipient}}) //nolint:errchkjson // texts cannot fail
	call.Body = append(call.Body, body...)
	return g.send(ctx, call, d.Destination, ours, alimTalkOfAnother, alimTalkTable)
}

// Check connects and asks for the sender profile, which shows whether the keys are taken and the profile may send; it sends
// nothing. The error wraps gateway.ErrCheck.
func (g *AlimTalk) Check(ctx context.Context) error {
	answer, err := g.checked(ctx, "/senders/"+g.sender, alimTalkTable)
	if err != nil {
		return err
	}
	return profileState(answer)
}

// profileState reads the sender profile: registered (YSC03), and blocked neither here nor at KakaoTalk
// (https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/sender-api-guide-v2.3/).
func profileState(raw []byte) error {
	var said struct {
		Sender struct {
			Status  string `json:"status"`
			Kakao   string `json:"kakaoStatus"`        // A or S
			Profile string `json:"kakaoProfileStatus"` // A, B, C, D or E
			Block   bool   `json:"block"`
		} `json:"sender"`
	}
	_ = json.Unmarshal(raw, &said) // what cannot be read has no status
	switch s := said.Sender; {
	case s.Status != "YSC03":
		return fmt.Errorf("%w: the sender profile is not registered", gateway.ErrCheck)
	case s.Block || s.Kakao == "S" || s.Profile != "" && s.Profile != "A":
		return fmt.Errorf("%w: the sender profile is blocked or not active at KakaoTalk", gateway.ErrCheck)
	}
	return nil
}
