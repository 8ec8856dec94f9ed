package policy

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// ParseRef reads what Ref.String writes ("1 v3"), with or without the space.
func ParseRef(text string) (Ref, error) {
	family, version, ok := strings.Cut(text, "v")
	id, errID := strconv.ParseInt(strings.TrimSuffix(family, " "), 10, 64)
	n, errVersion := strconv.ParseInt(version, 10, 32)
	ref := Ref{ID: id, Version: int32(n)}
	if !ok || errID != nil || errVersion != nil || id < 1 || n < 1 || (text != ref.String() && text != strings.ReplaceAll(ref.String(), " ", "")) {
		return Ref{}, fmt.Errorf("%q is not of the form 1v3: the policy's number and its version", text)
	}
	return ref, nil
}

// Difference is one field in which two specs differ.
type Difference struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Diff lists the fields in which two specs differ, in the order of a policy file. Defaults are filled in before.
func Diff(before, after Spec) []Difference {
	a, b := before.fields(), after.fields()
	var list []Difference
	for i := range a {
		if a[i].Before != b[i].Before {
			list = append(list, Difference{Field: a[i].Field, Before: a[i].Before, After: b[i].Before})
		}
	}
	return list
}

// fields returns a spec's fields as texts, always the same fields in the same order. The text is in Before.
func (s Spec) fields() []Difference {
	s = s.withDefaults()
	zone := ""
	if s.Zone != nil {
		zone = s.Zone.String()
	}
	list := []Difference{
		{Field: "name", Before: s.Name},
		{Field: "zone", Before: zone},
		{Field: "class", Before: string(s.Class)},
		{Field: "route", Before: s.Route.String()},
	}
	for _, class := range []attempt.FailureClass{attempt.Temporary, attempt.Throttled} {
		list = append(list, Difference{Field: "backoff." + string(class), Before: s.Backoff[class].String()})
	}
	list = append(list,
		Difference{Field: "publish_retry", Before: s.PublishRetry.String()},
		Difference{Field: "quiet_hours", Before: s.QuietHours.String()},
		Difference{Field: "quiet_hours.channels", Before: kinds(s.QuietChannels.Kinds())},
		Difference{Field: "deadline", Before: s.Deadline.String()},
		Difference{Field: "call_deadline", Before: s.CallDeadline.String()},
	)
	for _, kind := range channel.All {
		list = append(list, Difference{Field: "unknown." + string(kind), Before: string(cmp.Or(s.Unknown[kind], attempt.Hold))})
	}
	for _, kind := range channel.All {
		list = append(list, Difference{Field: "undelivered." + string(kind), Before: string(cmp.Or(s.Undelivered[kind], UndeliveredNote))})
	}
	return append(list,
		Difference{Field: "max_rounds", Before: strconv.Itoa(int(s.MaxRounds))},
		Difference{Field: "max_requeues", Before: strconv.Itoa(int(s.MaxRequeues))})
}

func kinds(list []channel.Kind) string {
	words := make([]string, len(list))
	for i, kind := range list {
		words[i] = string(kind)
	}
	return strings.Join(words, ", ")
}

// String writes "EMAIL ×2 → SMS ×1".
func (r Route) String() string {
	words := make([]string, len(r))
	for i, leg := range r {
		words[i] = fmt.Sprintf("%s ×%d", leg.Channel, leg.Tries)
	}
	return strings.Join(words, " → ")
}
