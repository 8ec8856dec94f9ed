package deliveryapp_test

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/feedback"
)

// The alarms of reports read what the adapters call the results.
func TestResultsOfRequestsHaveTheNamesThatAreCounted(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{string(webhook.Stored), feedback.Stored},
		{string(lmtp.Stored), feedback.Stored},
		{string(webhook.Forged), feedback.Forged},
		{string(webhook.Unreadable), feedback.Unreadable},
		{string(webhook.TooLarge), feedback.TooLarge},
	} {
		if pair[0] != pair[1] {
			t.Errorf("an adapter says %s, and %s is counted", pair[0], pair[1])
		}
	}
}
