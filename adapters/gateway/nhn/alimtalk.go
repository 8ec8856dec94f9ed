package nhn

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
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
	provider   port.Provider
	client     *httpclient.Client
	host       *httpclient.Host
	path       string // of the project
	appKey     string
	secret     string
	sender     string
	signature  string
	references *reference.Source
	now        func() time.Time
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
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	if c.URL == "" {
		c.URL = AlimTalkRoot
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &AlimTalk{
		provider: c.Provider, appKey: c.AppKey, secret: c.SecretKey, sender: c.SenderKey, signature: c.Signature, references: c.References, now: c.Now,
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/alimtalk/v2.3/appkeys/" + c.AppKey)
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(c.Provider.Name, "url", "is no http or https address")
	}
	g.path = endpoint.RequestURI()
	return g, nil
}

func (c AlimTalkConfig) check() error {
	wrong := func(field, why string) error { return gateway.ConfigError(c.Provider.Name, field, "%s", why) }
	switch {
	case c.Provider.Channel != channel.AlimTalk:
		return wrong("channel", string(c.Provider.Channel)+" does not go by the AlimTalk API of NHN Cloud")
	case !keyForm.MatchString(c.AppKey):
		return wrong("app key", "is empty or has other characters than letters, digits, - and _")
	case !keyForm.MatchString(c.SecretKey):
		return wrong("secret key", "is empty or has other characters than letters, digits, - and _")
	case !senderKeyForm.MatchString(c.SenderKey):
		return wrong("sender key", "is no key of a sender profile (40 letters and digits)")
	case c.Signature != "" && len(c.Signature) < MinSignature:
		return wrong("webhook signature", fmt.Sprintf("has %d characters, want at least %d", len(c.Signature), MinSignature))
	}
	return nil
}

// Provider implements port.Gateway.
func (g *AlimTalk) Provider() port.Provider { return g.provider }

// Prepare implements port.Preparer: it makes sure that references can be written.
func (g *AlimTalk) Prepare(ctx context.Context) error { return g.references.Prepare(ctx) }

// Close closes unused connections; those in use are closed after their call.
func (g *AlimTalk) Close() { g.client.Close() }

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
	recipient := alimTalkRecipient{Number: number, Variables: message.Variables}
	if g.references != nil {
		known := g.references.Known()
		if known == nil {
			return gateway.NotMade(errNotPrepared.Error())
		}
		recipient.Reference = known.To(d.Key)
	}
	call := g.call(http.MethodPost, "/messages")
	if recipient.Reference != "" {
		// A repeat within ten minutes is refused. It is the delivery key's reference, so the same call has the same one.
		call.Header("X-NC-API-IDEMPOTENCY-KEY", recipient.Reference)
	}
	body, _ := json.Marshal(alimTalkRequest{Sender: g.sender, Template: message.Code, Recipients: []alimTalkRecipient{recipient}}) //nolint:errchkjson // texts cannot fail
	call.Body = append(call.Body, body...)
	destination, ours := d.Destination, recipient.Reference // of the message nothing else need wait for the answer
	answer, err := g.host.Exchange(ctx, call)
	if err == nil && !answer.Truncated && alimTalkOfAnother(answer.Body, ours) {
		reply := gateway.Unknown("the answer is for another message")
		reply.Answered = true
		return reply
	}
	reply := alimTalkTable.Reply(answer, err, g.now())
	reply.Detail = gateway.Redact(reply.Detail, destination)
	return reply
}

// call begins a call of the project's.
func (g *AlimTalk) call(method, target string) *httpclient.Call {
	call := g.host.NewCall(method, g.path+target)
	call.Header("Content-Type", "application/json;charset=UTF-8")
	call.Header("X-Secret-Key", g.secret)
	return call
}

// Check connects and asks for the sender profile, which shows whether the keys are taken and the profile may send; it sends
// nothing. The error wraps gateway.ErrCheck.
func (g *AlimTalk) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if err := g.host.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	answer, err := g.host.Exchange(ctx, g.call(http.MethodGet, "/senders/"+g.sender))
	if err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	if !read(answer.Body).succeeded() {
		return fmt.Errorf("%w: %s", gateway.ErrCheck, gateway.Redact(alimTalkTable.Reply(answer, nil, g.now()).Detail, ""))
	}
	return profileState(answer.Body)
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
