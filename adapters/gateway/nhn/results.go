package nhn

import (
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/domain/attempt"
)

// arrived is the code of a message that the carrier delivered.
const arrived = "1000"

// results are the codes that messages get later, in the order of https://docs.nhncloud.com/en/Notification/SMS/en/error-code/. What
// does not say for certain that the message did not arrive is not definitive: 2000 is what NHN Cloud writes when a carrier has said
// nothing for 25 hours (SMS) or 80 hours (LMS) (https://docs.nhncloud.com/en/Notification/SMS/en/sending-policy/), and E915 that the
// same message was sent before.
var results = textmessage.Results{
	{Code: "1001", Class: attempt.Temporary, Definitive: true, Why: "the carrier's server is busy"},
	{Code: "1002", Class: attempt.Permanent, Definitive: true, Why: "no such number"},
	{Code: "1003", Class: attempt.Provider, Definitive: true, Why: "our sender number"},
	{Code: "1019", Class: attempt.Temporary, Why: "its time was over: nothing says what the device has"},
	{Code: "2000", Class: attempt.Temporary, Why: "the carrier said nothing in 25 or 80 hours"},
	{Code: "2001", Class: attempt.Temporary, Definitive: true, Why: "the carrier's network failed"},
	{Code: "2002", Class: attempt.Temporary, Definitive: true, Why: "not delivered from the network to the device"},
	{Code: "2003", Class: attempt.Temporary, Definitive: true, Why: "the device is off"},
	{Code: "2004", Class: attempt.Temporary, Definitive: true, Why: "the device's memory for messages is full"},
	{Code: "2005", Class: attempt.Temporary, Definitive: true, Why: "the device has no reception"},
	{Code: "2006", Class: attempt.Temporary, Definitive: true, Why: "the carrier deleted the message"},
	{Code: "2007", Class: attempt.Temporary, Definitive: true, Why: "the device cannot for now"},
	{Code: "3000", Class: attempt.Temporary, Definitive: true, Why: "cannot be transferred"},
	{Code: "3001", Class: attempt.Permanent, Definitive: true, Why: "nobody has this number"},
	{Code: "3002", Class: attempt.Permanent, Definitive: true, Why: "the customer's age is not verified"},
	{Code: "3003", Class: attempt.Permanent, Definitive: true, Why: "no such number"},
	{Code: "3004", Class: attempt.Temporary, Definitive: true, Why: "the service of this device is suspended for now"},
	{Code: "3005", Class: attempt.Temporary, Definitive: true, Why: "the device was busy with a call"},
	{Code: "3006", Class: attempt.Permanent, Definitive: true, Why: "the customer's device refuses"},
	{Code: "3007", Class: attempt.Permanent, Definitive: true, Why: "the device cannot receive such a message"},
	{Code: "3008", Class: attempt.Temporary, Definitive: true, Why: "another matter of the device"},
	{Code: "3009", Class: attempt.Content, Definitive: true, Why: "the form of the message"},
	{Code: "3010", Class: attempt.Permanent, Definitive: true, Why: "the device cannot receive an LMS"},
	{Code: "3011", Class: attempt.Temporary, Why: "a failure of a server: nothing says before or after the delivery"},
	{Code: "3012", Class: attempt.Provider, Definitive: true, Why: "the carrier takes our message for spam"},
	{Code: "3013", Class: attempt.Permanent, Definitive: true, Why: "the carrier's service refuses"},
	{Code: "3014", Class: attempt.Temporary, Why: "something else"},
	{Code: "3015", Class: attempt.Provider, Definitive: true, Why: "NHN Cloud has no route to the carrier"},
	{Code: "3016", Class: attempt.Content, Definitive: true, Why: "the size of a file"},
	{Code: "3017", Class: attempt.Provider, Definitive: true, Why: "our sender number is not allowed"},
	{Code: "3018", Class: attempt.Provider, Definitive: true, Why: "our sender number is protected against forgery"},
	{Code: "3019", Class: attempt.Provider, Definitive: true, Why: "our sender number is blocked by the authorities"},
	{Code: "4001", Class: attempt.Provider, Definitive: true, Why: "abroad: the form of our signature"},
	{Code: "4002", Class: attempt.Provider, Definitive: true, Why: "abroad: our sender number"},
	{Code: "4003", Class: attempt.Permanent, Definitive: true, Why: "abroad: no such number"},
	{Code: "4004", Class: attempt.Temporary, Definitive: true, Why: "abroad: the device cannot for now"},
	{Code: "4005", Class: attempt.Permanent, Definitive: true, Why: "abroad: nobody has this number"},
	{Code: "4006", Class: attempt.Temporary, Why: "abroad: a failure of the receiving side"},
	{Code: "4007", Class: attempt.Temporary, Why: "abroad: a failure of the carrier"},
	{Code: "4008", Class: attempt.Provider, Definitive: true, Why: "abroad: the carrier takes our message for spam"},
	{Code: "4009", Class: attempt.Temporary, Why: "abroad: a failure of the network"},
	{Code: "4010", Class: attempt.Provider, Definitive: true, Why: "abroad: our way of sending is not allowed"},
	{Code: "E900", Class: attempt.Temporary, Why: "another failure of the sending"},
	{Code: "E911", Class: attempt.Content, Definitive: true, Why: "no such file"},
	{Code: "E913", Class: attempt.Content, Definitive: true, Why: "an empty file"},
	{Code: "E915", Class: attempt.Temporary, Why: "the same message was sent before"},
	{Code: "E919", Class: attempt.Temporary, Definitive: true, Why: "not sent again at a time when advertising is not allowed"},
	{Code: "E999", Class: attempt.Temporary, Why: "something else"},
}

// Results lists what the codes of later results mean.
func Results() textmessage.Results { return results }

// outcome is what became of a message.
type outcome struct {
	final     bool // else it is on its way
	delivered bool
	abroad    bool // its success is that of the foreign carrier, not of the device
	textmessage.Result
}

// The states of messages in lists, msgStatus, and in webhooks, messageStatus (Korean guide: 메시지 상태 코드).
var states = map[string]string{
	"0": "FAILED", "1": "RESERVED", "2": "SENDING", "3": "COMPLETED", "4": "CANCEL", "5": "DUPLICATED", "6": "FAILED_AD", "7": "RESEND_AD",
}

// outcomeOf reads a state, as either names it, and a code. Older webhooks have no state.
func outcomeOf(state, code string, abroad bool) outcome {
	if named, ok := states[state]; ok {
		state = named
	}
	o := outcome{final: true, abroad: abroad}
	switch {
	case (state == "COMPLETED" || state == "") && code == arrived:
		o.delivered = true
		o.Result = textmessage.Result{Code: code}
	case (state == "FAILED" || state == "") && code != "":
		o.Result = results.Find(code)
	case state == "FAILED":
		o.Result = textmessage.Result{Class: attempt.Temporary, Why: "it failed, and no code says how"}
	case state == "CANCEL":
		o.Result = textmessage.Result{Code: code, Class: attempt.Provider, Definitive: true, Why: "it was cancelled at NHN Cloud"}
	case state == "FAILED_AD":
		o.Result = textmessage.Result{Code: code, Class: attempt.Temporary, Definitive: true, Why: "not sent at a time when advertising is not allowed"}
	case state == "DUPLICATED":
		o.Result = results.Find("E915")
	default: // RESERVED, SENDING, RESEND_AD, a contradiction, and what is not known
		o.final = false
	}
	return o
}
