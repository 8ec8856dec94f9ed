package gatewaysim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// codes are those that each vendor documents for a result, in the order of certainty that is meant.
var codes = map[behaviour.Vendor]map[behaviour.Result][]string{
	behaviour.NHN: { // https://docs.nhncloud.com/en/Notification/SMS/en/error-code/
		behaviour.Arrived: {"1000"}, behaviour.Undelivered: {"3001", "1002", "2003", "2005", "3006"},
		behaviour.AboutUs: {"3012", "3018"}, behaviour.Uncertain: {"2000", "3014"},
	},
	behaviour.Twilio: { // https://www.twilio.com/docs/api/errors
		behaviour.Undelivered: {"30005", "30003", "30006"}, behaviour.AboutUs: {"30007", "30034"}, behaviour.Uncertain: {"30008"},
	},
	behaviour.SOLAPI: { // https://docs.solapi.com/api-reference/message-status-codes
		behaviour.Arrived: {"4000"}, behaviour.Undelivered: {"3032", "3043", "3042", "3050"},
		behaviour.AboutUs: {"3054", "3058"}, behaviour.Uncertain: {"3040", "3012"},
	},
	behaviour.NHNAlimTalk: { // https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/error-code/
		behaviour.Arrived: {"1000"}, behaviour.Undelivered: {"3019", "3020", "3018", "3021"},
		behaviour.AboutUs: {"1021", "3016"}, behaviour.Uncertain: {"3005", "3000"},
	},
	behaviour.SOLAPIAlimTalk: { // as of SOLAPI
		behaviour.Arrived: {"4000"}, behaviour.Undelivered: {"3104", "3107", "3102"},
		behaviour.AboutUs: {"3106", "3103"}, behaviour.Uncertain: {"3012", "3024"},
	},
	behaviour.SMTPRelay: { // RFC 3463; RFC 7372
		behaviour.Arrived: {"2.1.5"}, behaviour.Undelivered: {"5.1.1", "5.2.2", "5.1.10"},
		behaviour.AboutUs: {"5.7.26"}, behaviour.Uncertain: {"4.4.1"},
	},
}

// code is the vendor's for a result; empty where it says it without one.
func (m sentMessage) code(result behaviour.Result) string {
	list := codes[m.call.Vendor][result]
	if len(list) == 0 {
		return ""
	}
	return list[int(m.fate.Draw*float64(len(list)))]
}

// tell says something once.
func (s *Server) tell(m sentMessage, r acceptlog.Report) (status int, err error) {
	settings := s.gateway.Settings()
	vendor := settings.Vendors.Of(m.call.Vendor)
	var request *http.Request
	switch m.call.Vendor {
	case behaviour.SMTPRelay:
		return s.bounce(vendor.ReportsTo, m, r)
	case behaviour.NHN, behaviour.NHNAlimTalk:
		if request, err = post(vendor.ReportsTo, "application/json;charset=UTF-8", nhnHook(m, r, s.config.now())); err == nil {
			request.Header.Set("X-Toast-Webhook-Signature", vendor.Secret)
		}
	case behaviour.SOLAPI, behaviour.SOLAPIAlimTalk:
		request, err = post(vendor.ReportsTo, jsonType, fmt.Appendf(nil, "[%s]", solapiMessage(m, s.config.now())))
	default:
		fields := twilioFields(m, r)
		if request, err = post(m.callback, "application/x-www-form-urlencoded; charset=UTF-8", []byte(fields.Encode())); err == nil {
			request.Header.Set("X-Twilio-Signature", twilioSignature(vendor.Secret, m.callback, fields))
			request.Header.Set("I-Twilio-Idempotency-Token", r.ID)
		}
	}
	if err != nil {
		return 0, err
	}
	answer, err := s.reporter.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxBody) // so that the connection can be used again
	return answer.StatusCode, answer.Body.Close()
}

func post(to, kind string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, to, bytes.NewReader(body))
	if err == nil {
		request.Header.Set("Content-Type", kind)
	}
	return request, err
}

// seoul is the zone of NHN Cloud's times, which are written without one.
var seoul = time.FixedZone("KST", 9*60*60)

// nhnHook is a webhook of NHN Cloud's about one message (https://docs.nhncloud.com/ko/Notification/SMS/ko/webhook/). Half of them
// spell the reference as the example of the documents does. Those of AlimTalk have no state.
func nhnHook(m sentMessage, r acceptlog.Report, now time.Time) []byte {
	at := func(t time.Time) string { return t.In(seoul).Format("2006-01-02T15:04:05") }
	product := "SMS"
	hook := map[string]any{
		"hookId": r.ID, "requestId": m.id, "recipientSeq": 1, "requestDate": at(m.at), "receiveDate": at(now), "recipientNo": m.to, "resultCode": r.Code,
	}
	if m.call.Vendor == behaviour.NHNAlimTalk {
		product = "KakaoTalk Bizmessage"
		hook["kakaoMessageType"] = "ALIMTALK_NORMAL"
	} else {
		hook["senderType"], hook["sendNo"], hook["messageCount"] = "NORMAL_SMS", m.from, 1
		hook["messageStatus"] = map[bool]string{true: "COMPLETED", false: "FAILED"}[r.Result == string(behaviour.Arrived)]
	}
	if m.sequence%2 == 0 {
		hook["recipientGropuingKey"] = m.reference
	} else {
		hook["recipientGroupingKey"] = m.reference
	}
	body, _ := json.Marshal(map[string]any{ // texts and numbers cannot fail
		"hooksId": fmt.Sprintf("%s%d", r.ID, now.UnixNano()), "webhookConfigId": "config", "productName": product, "appKey": m.account,
		"event": "MESSAGE_RESULT_UPDATE", "hooks": []any{hook},
	})
	return body
}

// nhnState is the state of a message in a list, and its code.
func nhnState(m sentMessage, now time.Time) (state, code string) {
	switch {
	case !m.known(now):
		return "2", ""
	case m.fate.Result == behaviour.Arrived:
		return "3", m.code(m.fate.Result)
	default:
		return "0", m.code(m.fate.Result)
	}
}

// solapiMessage is a message as SOLAPI's lists and webhooks have it: what was said of it last.
func solapiMessage(m sentMessage, now time.Time) []byte {
	status, code, last := "SENDING", "3000", time.Duration(-1)
	for _, said := range append(m.fate.Said, behaviour.Saying{Result: m.fate.Result, After: m.fate.Known}) {
		if !now.Before(m.at.Add(said.After)) && said.After > last || said.Early && last < 0 {
			status, code, last = "COMPLETE", m.code(said.Result), said.After
		}
	}
	fields := map[string]any{
		"messageId": m.id, "groupId": "G" + m.id[1:], "to": m.to, "from": m.from, "type": m.kind, "country": "82",
		"status": status, "statusCode": code, "customFields": map[string]string{"balsong": m.reference}, "dateCreated": m.at.UTC().Format(time.RFC3339Nano),
	}
	if status == "COMPLETE" {
		fields["dateReported"] = m.at.Add(last).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	body, _ := json.Marshal(fields) // texts cannot fail
	return body
}

// twilioFields is the form of a status callback (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status).
func twilioFields(m sentMessage, r acceptlog.Report) url.Values {
	status := map[string]string{string(behaviour.Arrived): "delivered", string(on): "sent"}[r.Result]
	if status == "" {
		status = "undelivered"
	}
	fields := url.Values{
		"AccountSid": {m.account}, "ApiVersion": {"2010-04-01"}, "From": {m.from}, "To": {m.to},
		"MessageSid": {m.id}, "SmsSid": {m.id}, "MessageStatus": {status}, "SmsStatus": {status},
	}
	if r.Code != "" {
		fields.Set("ErrorCode", r.Code)
	}
	return fields
}

// twilioSignature is that of a form (https://www.twilio.com/docs/usage/webhooks/webhooks-security): the address, then each name
// with its value in the order of the names.
func twilioSignature(token, address string, fields url.Values) string {
	var text strings.Builder
	text.WriteString(address)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text.WriteString(name + fields.Get(name))
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
