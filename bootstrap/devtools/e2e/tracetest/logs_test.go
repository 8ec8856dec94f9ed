package tracetest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// checkLogs looks at all lines of services: one JSON object a line, flat, with the fields that CloudWatch Logs Insights, Loki and
// Elasticsearch read without a parser.
func checkLogs(t *testing.T, said []byte) {
	t.Helper()
	lines := 0
	for line := range bytes.Lines(said) {
		var fields map[string]any
		lines++
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Errorf("%s is no JSON: %v", line, err)
			continue
		}
		at, _ := fields["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil || !strings.HasSuffix(at, "Z") || fields["level"] == nil || fields["msg"] == nil {
			t.Errorf("%s has no time in UTC, no level or no msg", line)
		}
		for name, value := range fields {
			if _, nested := value.(map[string]any); nested {
				t.Errorf("%s: %s is an object", line, name)
			}
		}
	}
	if lines == 0 {
		t.Error("no service logged anything")
	}
}
