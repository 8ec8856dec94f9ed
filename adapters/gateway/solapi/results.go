package solapi

import (
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/domain/attempt"
)

// delivered is the code of a message that arrived; onTheWay are those of one that has not yet.
const delivered = "4000"

var onTheWay = map[string]bool{"2000": true, "3000": true}

// results are the codes that messages get later, in the order of https://docs.solapi.com/api-reference/message-status-codes. What
// does not say for certain that the message did not arrive is not definitive: among it 3040, since a carrier's time is over when
// it has said nothing.
//
// What of AlimTalk may have passed by next month (no use for three days, a channel that is not added) is Suppressed, not Permanent: the
// message continues on another channel at once, as with Temporary it would not where the route names AlimTalk twice, and nobody is put
// on the suppression list, from which only a person takes a customer.
var results = textmessage.Results{
	{Code: "2011", Class: attempt.Temporary, Definitive: true, Why: "the form of a field"},
	{Code: "2024", Class: attempt.Temporary, Why: "a failure of a server: nothing says before or after it was passed on"},
	{Code: "2060", Class: attempt.Permanent, Definitive: true, Why: "the number is blocked at SOLAPI"},
	{Code: "2061", Class: attempt.Permanent, Definitive: true, Why: "the customer has refused messages by a 080 number"},
	{Code: "2062", Class: attempt.Provider, Definitive: true, Why: "our sender number is not registered"},
	{Code: "2063", Class: attempt.Provider, Definitive: true, Why: "our account is blocked"},
	{Code: "2064", Class: attempt.Provider, Definitive: true, Why: "our account is blocked after a complaint to the authorities"},
	{Code: "2230", Class: attempt.Provider, Definitive: true, Why: "our account's balance is used up"},
	{Code: "2254", Class: attempt.Provider, Definitive: true, Why: "SOLAPI takes our message for spam"},
	{Code: "3010", Class: attempt.Permanent, Definitive: true, Why: "the form of the number"},
	{Code: "3011", Class: attempt.Temporary, Definitive: true, Why: "the form of a field"},
	{Code: "3012", Class: attempt.Temporary, Why: "a failure of a server: nothing says before or after the delivery"},
	{Code: "3013", Class: attempt.Provider, Definitive: true, Why: "the form of our sender number"},
	{Code: "3014", Class: attempt.Temporary, Why: "a state that SOLAPI does not know"},
	{Code: "3024", Class: attempt.Temporary, Why: "a failure of a server: nothing says before or after the delivery"},
	{Code: "3031", Class: attempt.Temporary, Definitive: true, Why: "cannot be transferred"},
	{Code: "3032", Class: attempt.Permanent, Definitive: true, Why: "nobody has this number"},
	{Code: "3040", Class: attempt.Temporary, Why: "its time was over: nothing says what the device has"},
	{Code: "3041", Class: attempt.Temporary, Definitive: true, Why: "the device was busy"},
	{Code: "3042", Class: attempt.Temporary, Definitive: true, Why: "the device has no reception"},
	{Code: "3043", Class: attempt.Temporary, Definitive: true, Why: "the device is off"},
	{Code: "3044", Class: attempt.Temporary, Definitive: true, Why: "the device's memory for messages is full"},
	{Code: "3045", Class: attempt.Temporary, Definitive: true, Why: "the service of this device is suspended for now"},
	{Code: "3046", Class: attempt.Temporary, Definitive: true, Why: "another matter of the device"},
	{Code: "3047", Class: attempt.Permanent, Definitive: true, Why: "the customer's device refuses"},
	{Code: "3048", Class: attempt.Temporary, Why: "a code that SOLAPI does not know"},
	{Code: "3050", Class: attempt.Permanent, Definitive: true, Why: "the device cannot receive text messages"},
	{Code: "3051", Class: attempt.Temporary, Definitive: true, Why: "the device cannot be called"},
	{Code: "3052", Class: attempt.Temporary, Definitive: true, Why: "the carrier deleted the message"},
	{Code: "3053", Class: attempt.Temporary, Definitive: true, Why: "the carrier's queue is full"},
	{Code: "3054", Class: attempt.Provider, Definitive: true, Why: "the carrier takes our message for spam"},
	{Code: "3055", Class: attempt.Provider, Definitive: true, Why: "our sender number is listed for spam"},
	{Code: "3056", Class: attempt.Temporary, Definitive: true, Why: "the carrier's network failed"},
	{Code: "3057", Class: attempt.Temporary, Definitive: true, Why: "not delivered from the network to the device"},
	{Code: "3058", Class: attempt.Provider, Definitive: true, Why: "SOLAPI has no route to the carrier"},
	{Code: "3059", Class: attempt.Provider, Definitive: true, Why: "our sender number is taken for forged"},
	{Code: "3060", Class: attempt.Permanent, Definitive: true, Why: "the customer's age is not verified"},
	{Code: "3101", Class: attempt.Provider, Definitive: true, Why: "AlimTalk: our sender profile's key"},
	{Code: "3102", Class: attempt.Suppressed, Definitive: true, Why: "AlimTalk: the customer has not added our channel"},
	{Code: "3103", Class: attempt.Provider, Definitive: true, Why: "AlimTalk: the text is not the template's"},
	{Code: "3104", Class: attempt.Permanent, Definitive: true, Why: "AlimTalk: the customer has no KakaoTalk"},
	{Code: "3105", Class: attempt.Provider, Definitive: true, Why: "AlimTalk: our template is not registered"},
	{Code: "3106", Class: attempt.Provider, Definitive: true, Why: "AlimTalk: our channel"},
	{Code: "3107", Class: attempt.Suppressed, Definitive: true, Why: "AlimTalk: the customer has not used KakaoTalk for 72 hours, or has blocked AlimTalk"},
	{Code: "3108", Class: attempt.Temporary, Definitive: true, Why: "AlimTalk: not sent at this time of the day"},
}

// Results lists what the codes of later results mean.
func Results() textmessage.Results { return results }
