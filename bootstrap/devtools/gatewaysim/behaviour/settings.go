// Package behaviour decides how the simulated gateway treats a call: how long
// it takes, and whether it is accepted, refused and how, or cut off.
//
// Decisions do not depend on time or on the order of calls: they are drawn from
// the seed, the idempotency key and how often that key came. So a run can be
// repeated. The limit of calls a second is the exception: it looks at the clock,
// and a call it refuses does not count as a try of its key.
package behaviour

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Channel names a kind of gateway.
type Channel string

// The channels of the simulator, spelled as in the accept log.
const (
	Email    Channel = "EMAIL"
	SMS      Channel = "SMS"
	Push     Channel = "PUSH"
	AlimTalk Channel = "ALIMTALK"
)

// Channels lists all channels.
func Channels() []Channel {
	var all []Channel
	for _, c := range new(Settings).each() {
		all = append(all, c.channel)
	}
	return all
}

// Settings is everything that can be set about the gateway's behaviour, also
// while it runs. The zero value, with defaults, accepts everything at once.
type Settings struct {
	// Seed of all draws: the same seed and the same calls give the same run.
	Seed uint64 `json:"seed"`
	// SlowStart makes the gateway slow for a while after its start.
	SlowStart SlowStart `json:"slow_start"`
	// Vendors says where each vendor reports, and whether it dies.
	Vendors Vendors `json:"vendors"`
	// Kakao is what KakaoTalk knows of the sender of AlimTalk.
	Kakao Kakao `json:"kakao"`
	// The channels are set each on its own.
	Email    ChannelSettings `json:"email"`
	SMS      ChannelSettings `json:"sms"`
	Push     ChannelSettings `json:"push"`
	AlimTalk ChannelSettings `json:"alimtalk"`
	// SMTP says how refusals are worded on the e-mail channel.
	SMTP SMTP `json:"smtp"`
}

// each lists every channel with its settings.
func (s *Settings) each() []channelOf {
	return []channelOf{
		{Email, &s.Email},
		{SMS, &s.SMS},
		{Push, &s.Push},
		{AlimTalk, &s.AlimTalk},
	}
}

type channelOf struct {
	channel  Channel
	settings *ChannelSettings
}

// ChannelSettings is the behaviour of one channel. Shares lie between 0 and 1.
//
// A permanent refusal and a content refusal are properties of whom the message
// is for (month and user of the idempotency key; without such a key, the
// destination): the same address is refused again. The other shares are drawn
// for each try anew.
type ChannelSettings struct {
	// Latency is the time from the whole call to its answer.
	Latency Latency `json:"latency"`
	// AcceptAt is the part of the latency, 0 to 1, after which the message is
	// accepted. The rest passes between the accept log and the answer.
	AcceptAt *float64 `json:"accept_at"`
	// TPS is the limit of calls a second; 0 is no limit. Calls over it are
	// refused as throttled, at once. Up to one second's worth may come at once.
	TPS float64 `json:"tps"`
	// Temporary is the share of calls refused for now (surely not accepted).
	Temporary float64 `json:"temporary"`
	// Permanent is the share of addresses refused for good.
	Permanent float64 `json:"permanent"`
	// Throttled is the share of calls refused as if over the limit.
	Throttled float64 `json:"throttled"`
	// Content is the share of addresses whose content is refused.
	Content float64 `json:"content"`
	// AcceptThenDrop is the share of calls that are accepted and logged, and
	// whose connection is then broken before any answer.
	AcceptThenDrop float64 `json:"accept_then_drop"`
	// RetryAfter is what a throttled caller is told to wait, in whole seconds
	// of the header Retry-After: the whole system then waits. Default 0, it is
	// told nothing; over the limit of calls a second at least 1s.
	RetryAfter Duration `json:"retry_after"`
	// Everybody is the answer to every call, whatever the shares say.
	Everybody Everybody `json:"everybody"`
	// Reports says what becomes of accepted messages.
	Reports Reports `json:"reports"`
}

// Everybody is an answer that no message escapes, as the refusals of an account
// that is suspended. The zero value is none.
type Everybody struct {
	// Code is the reply code of SMTP, 300 to 599, or the status of HTTP, 200 to
	// 599: one of 2xx accepts the message.
	Code int `json:"code"`
	// Text is the body of HTTP, or what follows the reply code of SMTP.
	Text string `json:"text"`
	// RetryAfter is the header of HTTP; 0 leaves it out.
	RetryAfter Duration `json:"retry_after"`
}

// accepts reports whether the answer accepts messages.
func (e Everybody) accepts() bool { return e.Code >= 200 && e.Code < 300 }

// SlowStart multiplies latencies, and divides the limits of calls a second, by
// Factor at the start, sinking evenly to 1 after For.
type SlowStart struct {
	// For is how long the slow start lasts; 0 means none.
	For Duration `json:"for"`
	// Factor is at least 1. Default 10.
	Factor float64 `json:"factor"`
}

// SMTP says how the e-mail channel refuses.
type SMTP struct {
	// RefuseAt is "data" (after the message; default) or "rcpt". At RCPT the
	// idempotency key is not known yet: draws are by destination, and the log
	// has no key. Content is always refused after the message.
	RefuseAt string `json:"refuse_at"`
	// ThrottleCode is 451 (default), or 421, after which the connection closes.
	ThrottleCode int `json:"throttle_code"`
	// Connections is how many are taken at a time; 0 is no limit. One more is
	// refused at EHLO with 421, "too many connections".
	Connections int `json:"connections"`
}

// Where SMTP refuses.
const (
	RefuseAtData = "data"
	RefuseAtRcpt = "rcpt"
)

// WithDefaults fills in what was left out.
func (s Settings) WithDefaults() Settings {
	for _, each := range s.each() {
		c := each.settings
		if c.Latency.Kind == "" {
			c.Latency.Kind = Fixed
		}
		if c.Reports.Delay.Kind == "" {
			c.Reports.Delay.Kind = Fixed
		}
		if c.AcceptAt == nil {
			half := 0.5
			c.AcceptAt = &half
		}
	}
	if s.SlowStart.Factor == 0 {
		s.SlowStart.Factor = 10
	}
	if s.SMTP.RefuseAt == "" {
		s.SMTP.RefuseAt = RefuseAtData
	}
	if s.SMTP.ThrottleCode == 0 {
		s.SMTP.ThrottleCode = 451
	}
	return s
}

// Validate returns every fault of settings with defaults, joined.
func (s Settings) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, channel := range Channels() {
		if err := s.Of(channel).validate(); err != nil {
			fault("channel %s: %w", channel, err)
		}
	}
	if s.SlowStart.For < 0 {
		fault("slow_start.for is %v: it cannot be negative", s.SlowStart.For)
	}
	if !(s.SlowStart.Factor >= 1 && s.SlowStart.Factor <= 1000) {
		fault("slow_start.factor is %v: it lies between 1 and 1000", s.SlowStart.Factor)
	}
	if s.Email.Everybody.accepts() {
		fault("email.everybody.code is %d: by SMTP it lies between 300 and 599, or is 0", s.Email.Everybody.Code)
	}
	if s.SMTP.RefuseAt != RefuseAtData && s.SMTP.RefuseAt != RefuseAtRcpt {
		fault("smtp.refuse_at is %q: it is %q or %q", s.SMTP.RefuseAt, RefuseAtData, RefuseAtRcpt)
	}
	if s.SMTP.ThrottleCode != 421 && s.SMTP.ThrottleCode != 451 {
		fault("smtp.throttle_code is %d: it is 421 or 451", s.SMTP.ThrottleCode)
	}
	faults = append(faults, s.Vendors.validate(), s.Kakao.validate())
	if s.SMTP.Connections < 0 {
		fault("smtp.connections is %d: it cannot be negative", s.SMTP.Connections)
	}
	return errors.Join(faults...)
}

// Of returns the settings of a channel; nil where there is no such channel.
func (s *Settings) Of(channel Channel) *ChannelSettings {
	for _, c := range s.each() {
		if c.channel == channel {
			return c.settings
		}
	}
	return nil
}

func (c *ChannelSettings) validate() error {
	var faults []error
	share := func(name string, value float64) {
		if !(value >= 0 && value <= 1) {
			faults = append(faults, fmt.Errorf("%s is %v: it lies between 0 and 1", name, value))
		}
	}
	share("temporary", c.Temporary)
	share("permanent", c.Permanent)
	share("throttled", c.Throttled)
	share("content", c.Content)
	share("accept_then_drop", c.AcceptThenDrop)
	if c.AcceptAt != nil {
		share("accept_at", *c.AcceptAt)
	}
	if c.Permanent+c.Content > 1 {
		faults = append(faults, errors.New("permanent and content add up to more than 1"))
	}
	if c.Temporary+c.Throttled+c.AcceptThenDrop > 1 {
		faults = append(faults, errors.New("temporary, throttled and accept_then_drop add up to more than 1"))
	}
	if !(c.TPS >= 0 && c.TPS <= 1e6) {
		faults = append(faults, fmt.Errorf("tps is %v: it lies between 0 (no limit) and 1000000", c.TPS))
	}
	if c.RetryAfter < 0 || c.RetryAfter > Duration(24*time.Hour) {
		faults = append(faults, fmt.Errorf("retry_after is %v: it lies between 0s and 24h", c.RetryAfter))
	}
	if e := c.Everybody; e.Code != 0 && (e.Code < 200 || e.Code > 599) {
		faults = append(faults, fmt.Errorf("everybody.code is %d: it lies between 200 and 599, or is 0", e.Code))
	}
	if e := c.Everybody; strings.ContainsAny(e.Text, "\r\n") || e.RetryAfter < 0 {
		faults = append(faults, errors.New("everybody has a text of several lines, or a negative retry_after"))
	}
	return errors.Join(append(faults, c.Latency.validate(), c.Reports.validate())...)
}
