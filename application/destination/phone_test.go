package destination_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/domain/channel"
)

func TestANumberThatTakesNoTextMessageIsToldFromOneThatIsWrong(t *testing.T) {
	t.Parallel()
	for text, kind := range map[string]string{
		"02-123-4567": "landline", "0212345678": "landline", "031-123-4567": "landline", "064-1234-5678": "landline", "(02) 123 4567": "landline",
		"+82212345678": "landline", "+82311234567": "landline", "0502-123-4567": "virtual", "050212345678": "virtual", "+8250212345678": "virtual",
		"070-1234-5678": "internet", "080-123-4567": "toll-free", "060-700-1234": "paid", "1588-1234": "service", "15881234": "service", "1899-0000": "service", "+8215881234": "service",
	} {
		if _, err := destination.Parse(channel.SMS, text); !errors.Is(err, destination.ErrNotMobile) || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v, want %s", text, err, kind)
		}
	}
	for _, text := range []string{"+8201012345678", "+4407700900123", "+8112", "+11234567890", "+1555012345", "12345", "010-12-5678", "0101234567890", "02", "099-123-4567"} {
		if _, err := destination.Parse(channel.SMS, text); err == nil || errors.Is(err, destination.ErrNotMobile) || strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := destination.Parse(channel.SMS, "+8201012345678"); err == nil || !strings.Contains(err.Error(), "0 behind the country code") {
		t.Errorf("a 0 behind +82: %v", err)
	}
	for _, text := range []string{"+821012345678", "+15147214711", "010-1234-5678", "011-123-4567", "01012345678", "+390612345678", "+447700900123"} {
		if to, err := destination.Parse(channel.SMS, text); err != nil || to == "" {
			t.Errorf("%s: %q, %v", text, to, err)
		}
	}
}
