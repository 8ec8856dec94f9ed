package story

import (
	"strings"

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
	case channel.AlimTalk:
		return "AlimTalk"
	case "":
		return "no channel"
	default:
		return string(kind)
	}
}

// listed joins words: "a", "a and b", "a, b and c".
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// orNot returns a text for the end of a sentence, or words for an empty one.
func orNot(text string) string {
	if text == "" {
		return "no detail was recorded"
	}
	return strings.TrimSuffix(text, ".")
}

// remedies are what a person can do about a pause.
var remedies = map[billing.PauseReason]string{
	billing.PauseOperator:      "resume it with `balsong target resume`",
	billing.PauseNoDestination: "correct its data, or leave it to the postal mailing (`balsong unreached`)",
	billing.PauseNoStatement:   "correct its data, which lets it be rendered again, then `balsong target resume`",
	billing.PauseSuppressed:    "lift the suppression (`balsong suppress --lift`) and resume it, or leave it to the postal mailing (`balsong unreached`)",
	billing.PauseContent:       "correct its data, render it again, then `balsong target resume`",
	billing.PauseRounds:        "find out why (is the gateway reachable, is there one for the channel?), then `balsong target resume`",
	billing.PauseNoClaim:       "check delivery and its topic, then `balsong target resume`",
	billing.PauseNoPolicy:      "restore the policy, then `balsong target resume`",
	billing.PauseCorrected:     "resume it with `balsong target resume`",
	billing.PauseRestored:      "find out what was done with it (correct it again, if it was corrected), then `balsong target resume`",
}

// Remedy returns what a person can do about a pause.
func Remedy(reason billing.PauseReason) string { return remedies[reason] }
