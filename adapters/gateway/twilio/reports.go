package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it; an HMAC needs no hash without collisions
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// Bounds of a report.
const (
	maxReport = 64 << 10 // bytes
	maxFields = 100
)

// messageForm is the form of a message's identifier.
var messageForm = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)

// Reports verifies a status callback (https://www.twilio.com/docs/usage/security#validating-requests) and reads it
// (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status). The signature is over the address that Twilio was given,
// which is ours with the key that the request brings: what a proxy has made of the address does not matter. (port.Reporter)
func (g *Gateway) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	if len(g.token) == 0 || g.status == "" || g.own == nil {
		return port.Said{}, fmt.Errorf("%w: no report of Twilio's is expected", port.ErrForged)
	}
	if err := g.own.Prepare(ctx); err != nil {
		return port.Said{}, err
	}
	address, err := url.Parse(request.URL)
	if err != nil || request.Method != http.MethodPost || len(request.Body) > maxReport {
		return port.Said{}, fmt.Errorf("%w: it is no status callback", port.ErrForged)
	}
	kind, _, _ := mime.ParseMediaType(http.Header(request.Header).Get("Content-Type"))
	fields, err := url.ParseQuery(string(request.Body))
	if err != nil || kind != "application/x-www-form-urlencoded" || len(fields) > maxFields {
		return port.Said{}, fmt.Errorf("%w: it is no form", port.ErrForged)
	}
	stands := address.Query().Get(keyParameter)
	if !hmac.Equal([]byte(g.sign(g.status+stands, fields)), []byte(http.Header(request.Header).Get("X-Twilio-Signature"))) {
		return port.Said{}, fmt.Errorf("%w: its signature is another one (is BALSONG_TWILIO_AUTH_TOKEN the account's, and BALSONG_TWILIO_STATUS_URL the address that Twilio was given?)", port.ErrForged)
	}
	about, err := g.own.Known().Read(stands)
	if ours := err == nil && fields.Get("AccountSid") == g.account; !ours {
		return port.Said{Foreign: 1}, nil
	}
	r := report.Report{Key: about, Provider: g.provider.Name, MessageID: fields.Get("MessageSid")}
	if !messageForm.MatchString(r.MessageID) {
		return port.Said{}, fmt.Errorf("%w: its message has no SID", port.ErrUnreadable)
	}
	return g.said(r, fields)
}

// sign is the signature of a request: of its address and its fields in the order of their names.
func (g *Gateway) sign(address string, fields url.Values) string {
	mac := hmac.New(sha1.New, g.token)
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		values := slices.Compact(slices.Sorted(slices.Values(fields[name])))
		for _, value := range values {
			mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// going are the statuses of a message that is on its way.
var going = []string{"accepted", "scheduled", "queued", "sending", "sent"}

// said is what a verified callback says about a delivery.
func (g *Gateway) said(r report.Report, fields url.Values) (port.Said, error) {
	status, code := fields.Get("MessageStatus"), fields.Get("ErrorCode")
	r.ID = r.MessageID + " " + status
	switch {
	case slices.Contains(going, status):
		return port.Said{}, nil
	case status == "delivered" || status == "read":
		r.Kind, r.Definitive = report.Delivered, true
	case status == "undelivered" || status == "failed" || status == "canceled":
		if !codeForm.MatchString(code) {
			code = ""
		}
		r.Kind, r.Code = report.Undelivered, code
		r.Class, r.Definitive = meaningOf(status, code)
		r.Detail = strings.TrimSpace(status + " " + gateway.Redact(fields.Get("ErrorMessage"), fields.Get("To")))
		r.Detail = strings.ToValidUTF8(r.Detail[:min(len(r.Detail), report.MaxDetail)], "")
	default:
		return port.Said{}, fmt.Errorf("%w: the status is none that Twilio documents", port.ErrUnreadable)
	}
	return port.Said{Reports: []report.Report{r}}, nil
}

var codeForm = regexp.MustCompile(`^[0-9]{5}$`)

// reason is what a code of a message that was not delivered means.
type reason struct {
	code  string
	class attempt.FailureClass
	soft  bool // the message may have arrived all the same
	why   string
}

// reasons are the codes of messages that were not delivered (https://www.twilio.com/docs/api/errors, each by its number).
var reasons = []reason{
	{"30001", attempt.Temporary, false, "the queue was full"},
	{"30002", attempt.Provider, false, "our account was suspended before the message was sent"},
	{"30003", attempt.Temporary, false, "the handset was out of reach until the message had expired"},
	{"30004", attempt.Permanent, false, "the carrier, or the customer at the carrier, blocks messages to this number"},
	{"30005", attempt.Permanent, false, "no such number, or out of service"},
	{"30006", attempt.Permanent, false, "a landline, or a carrier that cannot be reached"},
	{"30007", attempt.Provider, false, "the carrier or Twilio filters our messages"},
	{"30008", attempt.Temporary, true, "the carrier names no reason"},
	{"30009", attempt.Temporary, true, "a segment is missing: the others may have arrived"},
	{"30010", attempt.Provider, false, "the price is above our maximum"},
	{"30017", attempt.Temporary, false, "the carrier's network is congested"},
	{"30022", attempt.Provider, false, "our number's limit at the carrier"},
	{"30023", attempt.Provider, false, "our brand's daily limit at the carrier"},
	{"30024", attempt.Provider, false, "our sender is not provisioned at the carrier"},
	{"30032", attempt.Provider, false, "our toll-free number is not verified"},
	{"30034", attempt.Provider, false, "our number is not registered"},
	{"30036", attempt.Temporary, false, "the validity period ended"},
	{"21610", attempt.Permanent, false, "the customer has answered STOP to this sender"},
}

// meaningOf returns what a code means. An unknown code of a message that failed, and so was never sent, is temporary and
// definitive; of one that a carrier did not deliver it is not definitive.
func meaningOf(status, code string) (class attempt.FailureClass, definitive bool) {
	for _, r := range reasons {
		if r.code == code {
			return r.class, !r.soft || status != "undelivered"
		}
	}
	return attempt.Temporary, status != "undelivered"
}
