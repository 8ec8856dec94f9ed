package channel_test

import (
	"testing"

	"github.com/balsong/balsong/domain/channel"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"kim@example.com": "k***@example.com", "한글@example.com": "한***@example.com", "@x": "***@x",
		"01012345678": "010-****-5678", "010-1234-5678": "010-****-5678", "abcdefghijklmnopqrst": "abcd…qrst", "1234": "****", "": "****",
	} {
		if got := channel.Mask(to); got != want {
			t.Errorf("%q: %q, want %q", to, got, want)
		}
	}
}
