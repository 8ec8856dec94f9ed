package operatorapp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/policy"
)

const goodPolicy = `{
  "name": "monthly statements", "zone": "Asia/Seoul", "class": "TRANSACTIONAL",
  "route": [{"channel": "EMAIL", "tries": 2}, {"channel": "SMS", "tries": 1}],
  "quiet_hours": {"from": "21:00", "to": "08:00", "channels": ["SMS", "PUSH"]},
  "backoff": {"temporary": {"base": "10m", "factor": 3, "max": "6h"}, "throttled": {"base": "1m", "factor": 2, "max": "30m"}},
  "deadline": "1080h", "unknown": {"EMAIL": "hold", "SMS": "hold"}
}`

func TestTheGuidesPolicyIsRead(t *testing.T) {
	t.Parallel()
	spec, err := operatorapp.ReadPolicy(strings.NewReader(goodPolicy))
	if err != nil || spec.Route.String() != "EMAIL ×2 → SMS ×1" || spec.QuietHours.String() != "21:00–08:00 Asia/Seoul" {
		t.Fatalf("%+v: %v", spec, err)
	}
}

func TestEveryProblemOfAPolicyFileIsNamedWithItsField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		fields string
	}{
		"everything at once": {
			`{"zone": "Mars/Base", "class": "SPAM", "route": [{"channel": "FAX", "tries": 0}],
			"quiet_hours": {"from": "21:00", "to": "25:00", "channels": ["FAX"]}, "unknown": {"FAX": "hold", "SMS": "guess"}}`,
			"zone route[0].channel route[0].tries unknown.FAX quiet_hours.to quiet_hours.channels[0] name class unknown.SMS",
		},
		"no channel":              {strings.Replace(goodPolicy, `[{"channel": "EMAIL", "tries": 2}, {"channel": "SMS", "tries": 1}]`, "[]", 1), "route"},
		"from is to":              {strings.Replace(goodPolicy, `"08:00"`, `"21:00"`, 1), "quiet_hours"},
		"a misspelt field":        {strings.Replace(goodPolicy, `"deadline"`, `"dedline"`, 1), "dedline"},
		"a text for a number":     {strings.Replace(goodPolicy, `"tries": 2`, `"tries": "2"`, 1), "route.tries"},
		"not a duration":          {strings.Replace(goodPolicy, "1080h", "45 days", 1), "deadline"},
		"a pause that is none":    {strings.Replace(goodPolicy, `"base": "10m"`, `"base": "ten"`, 1), "backoff.temporary.base"},
		"a number for a duration": {strings.Replace(goodPolicy, `"1080h"`, "1080", 1), "deadline"},
		"no rounds":               {strings.Replace(goodPolicy, `"deadline"`, `"max_rounds": -1, "deadline"`, 1), "max_rounds"},
		"text behind":             {goodPolicy + "{}", "file"},
		"an empty file":           {"", "file"},
	} {
		_, err := operatorapp.ReadPolicy(strings.NewReader(c.file))
		var invalid *policy.Invalid
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var fields []string
		for _, p := range invalid.Problems {
			fields = append(fields, p.Field)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%s: problems of %s, want of %s (%v)", name, got, c.fields, err)
		}
	}
}

func FuzzReadPolicy(f *testing.F) {
	for _, seed := range []string{goodPolicy, "{}", "", "[", `{"route":[{}]}`, `{"quiet_hours":{"from":"21:00","to":"21:00"}}`, `{"zone":"Local"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		spec, err := operatorapp.ReadPolicy(strings.NewReader(file))
		var invalid *policy.Invalid
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
			t.Fatalf("the error names no field: %v", err)
		}
		if _, checked := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err == nil && checked != nil {
			t.Fatalf("it was read, and cannot work: %v", checked)
		}
	})
}
