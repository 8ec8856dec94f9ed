package channel_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/balsong/balsong/domain/channel"
	"pgregory.net/rapid"
)

func TestASetHoldsWhatWasPutIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOf(rapid.SampledFrom(append(slices.Clone(channel.All), "FAX", ""))).Draw(t, "kinds")
		set := channel.NewSet(kinds...)
		for _, kind := range append(slices.Clone(channel.All), "FAX", "") {
			if want := kind.Valid() && slices.Contains(kinds, kind); set.Has(kind) != want {
				t.Fatalf("%v: has %q is %v, want %v", kinds, kind, set.Has(kind), want)
			}
		}
		if channel.NewSet(set.Kinds()...) != set {
			t.Fatalf("%v lists %v", set, set.Kinds())
		}
	})
}

// The numbers are stored.
func TestASetsNumbersStay(t *testing.T) {
	t.Parallel()
	for kind, want := range map[channel.Kind]channel.Set{channel.Email: 1, channel.SMS: 2, channel.Push: 4} {
		if got := channel.NewSet(kind); got != want {
			t.Errorf("%s is %d, want %d", kind, got, want)
		}
	}
}

func TestAChannelsNameIsReadInAnyCase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]channel.Kind{"email": channel.Email, " Sms ": channel.SMS, "PUSH": channel.Push} {
		if got, err := channel.Parse(text); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "e-mail", "fax"} {
		if _, err := channel.Parse(text); !errors.Is(err, channel.ErrUnknown) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
