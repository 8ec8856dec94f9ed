// Package destination parses the addresses to which bills are sent, of each channel.
package destination

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/balsong/balsong/domain/channel"
)

// Bounds of destinations, in bytes: of an e-mail address and its local part by RFC 5321; of a push token by what the
// known push services issue.
const (
	maxEmail     = 254
	maxLocal     = 64
	maxPushToken = 4096
)

// Parse parses the address of a channel and returns it in the form in which it is sent to. Errors never contain the value.
func Parse(kind channel.Kind, text string) (string, error) {
	switch kind {
	case channel.Email:
		return parseEmail(text)
	case channel.SMS, channel.AlimTalk:
		return parsePhone(text)
	case channel.Push:
		return parsePushToken(text)
	default:
		return "", fmt.Errorf("is for the unknown channel %q", kind)
	}
}

// parseEmail accepts plain addresses as mail systems take them: ASCII, no display name, no quoted local part, a domain
// of at least two labels. Errors never contain the value.
func parseEmail(text string) (string, error) {
	if len(text) > maxEmail {
		return "", errors.New("has more than 254 characters")
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("has a space, a control character or a character outside ASCII")
		}
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Name != "" || parsed.Address != text {
		return "", errors.New("is not a plain e-mail address")
	}
	local, domain, _ := strings.Cut(text, "@")
	if len(local) > maxLocal {
		return "", errors.New("has more than 64 characters before the @")
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return "", errors.New("has a domain without a dot")
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(c rune) bool { return !isAlphanumeric(c) && c != '-' }) {
			return "", errors.New("has a domain that cannot exist")
		}
	}
	return text, nil
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// parsePushToken accepts printable ASCII without spaces. Errors never contain the value.
func parsePushToken(text string) (string, error) {
	if text == "" {
		return "", errors.New("is empty")
	}
	if len(text) > maxPushToken {
		return "", errors.New("has more than 4096 characters")
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("has a space, a control character or a character outside ASCII")
		}
	}
	return text, nil
}
