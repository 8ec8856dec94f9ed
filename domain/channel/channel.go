// Package channel names the ways by which a statement can reach a customer.
package channel

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is a channel.
type Kind string

// The channels.
const (
	Email    Kind = "EMAIL"
	SMS      Kind = "SMS"
	Push     Kind = "PUSH"
	AlimTalk Kind = "ALIMTALK" // by KakaoTalk, to a phone number
)

// All lists every channel. Sets are stored by this order: a new channel comes last.
var All = []Kind{
	Email,
	SMS,
	Push,
	AlimTalk,
}

// ErrUnknown is returned for a name that is no channel.
var ErrUnknown = errors.New("unknown channel")

// Parse reads a channel's name in any case.
func Parse(s string) (Kind, error) {
	kind := Kind(strings.ToUpper(strings.TrimSpace(s)))
	if kind.bit() == 0 {
		return "", fmt.Errorf("%w: %q is none of %s", ErrUnknown, s, Names())
	}
	return kind, nil
}

// Names lists every channel for people: "EMAIL, SMS, PUSH, ALIMTALK".
func Names() string {
	names := make([]string, len(All))
	for i, k := range All {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// Valid reports whether the value is one of the channels.
func (k Kind) Valid() bool { return k.bit() != 0 }

func (k Kind) bit() Set {
	for i, known := range All {
		if k == known {
			return 1 << i
		}
	}
	return 0
}

// Set is a set of channels; the zero value is empty. It is stored as a number: EMAIL 1, SMS 2, PUSH 4, ALIMTALK 8.
type Set uint8

// NewSet returns a set of channels; values that are no channel are ignored.
func NewSet(kinds ...Kind) Set {
	var s Set
	for _, k := range kinds {
		s |= k.bit()
	}
	return s
}

// Has reports whether the channel is in the set.
func (s Set) Has(k Kind) bool { return k.bit() != 0 && s&k.bit() != 0 }

// Kinds lists the members in the order of All.
func (s Set) Kinds() []Kind {
	var kinds []Kind
	for _, k := range All {
		if s.Has(k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
