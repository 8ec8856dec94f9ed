package story

import (
	"strings"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// name returns the name of a channel for a sentence.
func name(kind channel.Kind) string {
	switch kind {
	case channel.Email:
		return "e-mail"
	case channel.Push:
		return "push"
	case "":
		return "no channel"
	default:
		return string(kind)
	}
}

// listed joins words: "a", "a and b", "a, b and c".
func listed(words []string, and string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + and + " " + words[len(words)-1]
}

// orNot returns a text for the end of a sentence, or words for an empty one.
func orNot(text string) string {
	if text == "" {
		return "nothing was said about it"
	}
	return strings.TrimSuffix(text, ".")
}

// rules explain the rules of decisions, by the names that domain/billing gives them.
var rules = map[string]string{
	"due":            "it was due, and this was the first channel of its route that could reach the customer",
	"quiet_hours":    "the customer must not be disturbed then",
	"not_yet":        "its time had not come",
	"no_destination": "no channel of its route has a destination",
	"no_statement":   "it has no statement to send",
	"suppressed":     "every channel with a destination is on the suppression list",
	"deadline":       "its deadline had passed",
	"route_end":      "no step of its route is left",
	"no_policy":      "the policy version that binds it is gone",
	"wish":           "an end was asked for before",
}

// reasons explain the reasons of ledger rows.
var reasons = map[attempt.Reason]string{
	attempt.ReasonWindow:    "quiet hours had begun",
	attempt.ReasonExpired:   "its deadline had passed",
	attempt.ReasonThrottled: "the gateway said not now",
	attempt.ReasonSendBy:    "it was too late to call within the lease",
	attempt.ReasonNotCalled: "no connection to the gateway came about",
	attempt.ReasonNoGateway: "this deployment has no gateway for the channel",
	attempt.ReasonNoAnswer:  "the gateway was called and no answer came",
	attempt.ReasonLease:     "whoever had claimed it went silent",
	attempt.ReasonRefused:   "the gateway refused",
	attempt.ReasonContent:   "its content is not what it should be",
	attempt.ReasonSuppress:  "the customer is on the suppression list for the channel",
	attempt.ReasonManual:    "an operator said so",
	attempt.ReasonCancel:    "it was cancelled",
	attempt.ReasonDeadline:  "its deadline had passed",
	attempt.ReasonExhaust:   "no step of its route was left",
	attempt.ReasonCorrect:   "its data was corrected: the older copy can no longer go out",
	attempt.ReasonLate:      "an older try turned out to have been accepted",
}

// classes explain what a refusal means for the next try.
var classes = map[attempt.FailureClass]string{
	attempt.Permanent:  "for good on this channel",
	attempt.Temporary:  "for now",
	attempt.Throttled:  "for now, without spending an attempt",
	attempt.Content:    "because of the content: it must not go out on any channel",
	attempt.Suppressed: "for good on this channel",
}

// pauses explain why a bill is PAUSED, and what to do.
var pauses = map[billing.PauseReason][2]string{
	billing.PauseOperator:      {"an operator holds it back", "`balsong target resume` lets it go on"},
	billing.PauseNoDestination: {"no channel of its route has a destination", "correct its data, or leave it to the paper run (`balsong unreached`)"},
	billing.PauseNoStatement:   {"it is marked as rendered and has no statement to send", "correct its data, which lets it be rendered again, then `balsong target resume`"},
	billing.PauseSuppressed:    {"every channel with a destination is on the suppression list", "lift the suppression (`balsong suppress --lift`) and resume it, or leave it to the paper run (`balsong unreached`)"},
	billing.PauseContent:       {"its content must not go out", "correct its data, render it again, then `balsong target resume`"},
	billing.PauseRounds:        {"it was put back too often without a call", "find out why (is the gateway reachable, is there one for the channel?), then `balsong target resume`"},
	billing.PauseNoClaim:       {"it was requested several times and nobody claimed it", "look at delivery and its topic, then `balsong target resume`"},
	billing.PauseNoPolicy:      {"the policy version that binds it is gone", "restore the policy, then `balsong target resume`"},
	billing.PauseCorrected:     {"it was paused when its data was corrected", "`balsong target resume` lets it go on"},
}

// Remedy returns what a person can do about a pause.
func Remedy(reason billing.PauseReason) string { return pauses[reason][1] }
