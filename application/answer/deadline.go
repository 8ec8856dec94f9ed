package answer

import (
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// PastDeadline says in words that the deadline which a policy gives a month has passed; "" where it has not, or there is
// none. A bill that is bound to another version may have another deadline.
func PastDeadline(v policy.Version, month key.Month, now time.Time) string {
	deadline := v.Deadline(month.Start(v.Zone()))
	if deadline.IsZero() || now.Before(deadline) {
		return ""
	}
	return fmt.Sprintf("the deadline of %s passed on %s (policy %s: %d hours after the month's start)",
		month, deadline.In(v.Zone()).Format("2006-01-02 15:04 MST"), v.Ref(), int(v.Spec().Deadline.Hours()))
}

// BeforeTheyExpire is what to do about bills of a month whose deadline has passed.
const BeforeTheyExpire = "check the month; if it is right, activate a policy with a later deadline first (`balsong policy draft`, `balsong policy activate`): an expired bill cannot be sent again"
