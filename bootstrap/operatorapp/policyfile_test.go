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
			"quiet_hours": {"from": "21:00", "to": "25:00", "channels": ["FAX"]}, "unknown": {"FAX": "hold", "SMS": "guess"},
			"undelivered": {"FAX": "note", "SMS": "guess"}}`,
			"zone class route[0].channel route[0].tries quiet_hours.to quiet_hours.channels[0] unknown.FAX unknown.SMS undelivered.FAX undelivered.SMS name",
		},
		"no channel":              {strings.Replace(goodPolicy, `[{"channel": "EMAIL", "tries": 2}, {"channel": "SMS", "tries": 1}]`, "[]", 1), "route"},
		"from is to":              {strings.Replace(goodPolicy, `"08:00"`, `"21:00"`, 1), "quiet_hours"},
		"a misspelt field":        {strings.Replace(goodPolicy, `"deadline"`, `"dedline"`, 1), "dedline"},
		"a text for a number":     {strings.Replace(goodPolicy, `"tries": 2`, `"tries": "2"`, 1), "route[0].tries"},
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

// One mistake hides no other, and each is found in the file.
func TestAPolicyFileIsJudgedAsAWholeAndByTheLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, says string }{
		"unknown fields, wrong types and bad values": {`{
  "name": 7,
  "Zone": "Asia/Seoul",
  "zone": "Mars/Base",
  "route": [
    {"channel": "EMAIL", "tries": "2"},
    {"channel": "SMS", "tries": 2.5, "retries": 1},
    "SMS"
  ],
  "backoff": {"temporary": {"base": 10, "factor": "3", "max": "6h"}},
  "quiet_hours": {
    "from": "21:00",
    "until": "08:00"
  },
  "dedline": {"days": [45]},
  "deadline": true,
  "max_rounds": 40000,
  "deadline": "1080h"
}`, `line 2, name: is the number 7 (want a string)
line 3, Zone: is no field there (did you mean "zone"?) (docs/operations/policy.md lists them)
line 4, zone: unknown time zone: "Mars/Base" (want an IANA name such as Asia/Seoul)
line 6, route[0].tries: is a string (want a whole number)
line 7, route[1].tries: is the number 2.5 (want a whole number)
line 7, route[1].retries: is no field there (did you mean "tries"?) (docs/operations/policy.md lists them)
line 8, route[2]: is a string (want an object)
line 10, backoff.temporary.base: is the number 10 (want a duration in quotes, such as "90s", "10m" or "36h")
line 10, backoff.temporary.factor: is a string (want a number)
line 11, quiet_hours.to: not a time of day by the minute: "" is not of the form 21:00
line 13, quiet_hours.until: is no field there (docs/operations/policy.md lists them)
line 15, dedline: is no field there (did you mean "deadline"?) (docs/operations/policy.md lists them)
line 16, deadline: is true (want a duration in quotes, such as "90s", "10m" or "36h")
line 16, deadline: stands there twice, the second time on line 18
line 17, max_rounds: is the number 40000 (want a whole number up to 32767)`},
		"what is missing comes last": {`{
  "tries": 2
}`, `line 2, tries: is no field there (docs/operations/policy.md lists them)
name: is empty
route: names no channel
zone: is missing (an IANA name such as Asia/Seoul)`},
		"broken off": {"{\n\"nam\": 1,\n\"zone\": 2,\n\"route\": [}\n", `line 2, nam: is no field there (did you mean "name"?) (docs/operations/policy.md lists them)
line 3, zone: is the number 2 (want a string)
line 4, file: is not the JSON it should be: invalid character '}' looking for beginning of value; what stands behind it was not read`},
		"empty":          {" \n", "line 1, file: is empty"},
		"UTF-16":         {"\xff\xfe{\x00}\x00", "line 1, file: is UTF-16: save it as UTF-8"},
		"a mark":         {"\ufeff" + goodPolicy, ""},
		"null is absent": {strings.Replace(goodPolicy, `"class": "TRANSACTIONAL"`, `"class": null`, 1), ""},
	} {
		_, err := operatorapp.ReadPolicy(strings.NewReader(c.file))
		var said []string
		if invalid, is := errors.AsType[*policy.Invalid](err); is {
			for _, p := range invalid.Problems {
				said = append(said, p.String())
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(said, "\n"); got != c.says {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.says)
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
