package config

import (
	"strings"
	"testing"
)

// FuzzSettings: whatever stands in the text, only variables of gateways come of it, and no error shows a value.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{"BALSONG_SMS_RATE=14", "# a\n\nBALSONG_SMTP_PASSWORD = a=b \r\nBALSONG_SMTP_PASSWORD=c", "DATABASE_URL=x", "BALSONG_GATEWAYS=ssm:/x", "=", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		settings, _ := parseSettings(text)
		for name, value := range settings {
			if !settingName.MatchString(name) || name == gatewaySettings || strings.ContainsAny(value, "\n") || value != strings.TrimSpace(value) {
				t.Fatalf("%q=%q", name, value)
			}
		}
		const secret = "hunter2hunter2"
		if _, err := parseSettings(secret + "\nBALSONG_SMS_TOKEN=" + secret + "\n" + text); err == nil || strings.Contains(err.Error(), secret) && !strings.Contains(text, secret) {
			t.Fatalf("%v", err)
		}
	})
}
