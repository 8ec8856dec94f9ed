package postgres

import (
	"strings"

	"github.com/balsong/balsong/domain/key"
)

// byKey makes a statement that joins a page of keys with a month's rows go by the primary key, whatever the planner
// believes. Two things are needed. The partition is named, so that pruning needs no constant month. And the month
// comes with the keys (v.billing_month, behind OFFSET 0, which the planner does not look through): were it a constant,
// the planner could read the whole partition by the index's first column alone. Without statistics it takes that for
// one row in 200, and in a partition of some thousand rows reads all of it for each page of a few keys
// (seen: 335 ms instead of 0.2 ms).
func byKey(statement string, month key.Month) string {
	return strings.NewReplacer(
		"delivery_attempts l", partition("delivery_attempts", month)+" l",
		"billing_targets t", partition("billing_targets", month)+" t",
		"billing_data d", partition("billing_data", month)+" d",
	).Replace(statement)
}
