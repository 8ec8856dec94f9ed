package destination_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/domain/channel"
)

func TestADestinationIsReadAsTheImportReadsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     channel.Kind
		text, to string
	}{
		{channel.Email, "kim@example.com", "kim@example.com"},
		{channel.SMS, "01000001234", "010-0000-1234"},
		{channel.Push, "t0ken", "t0ken"},
		{channel.Email, "kim", ""},
		{channel.SMS, "02-123-4567", ""},
		{channel.Push, "", ""},
		{channel.Email, "", ""},
		{channel.SMS, "kim@example.com", ""},
	} {
		to, err := destination.Parse(c.kind, c.text)
		if (err == nil) != (c.to != "") || err == nil && to != c.to || err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s %q: %q, %v", c.kind, c.text, to, err)
		}
	}
}
