package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

// A template of an installation has one place for every variable of gateways, those that are new included. What is set itself comes first,
// and a reference in it is followed.
func TestVariablesOfGatewaysMayComeFromOneText(t *testing.T) {
	text := "# of the relay\nBALSONG_SMTP_ADDR=relay.example.com:587\nBALSONG_SMTP_FROM = bills@example.com\nBALSONG_SMTP_RATE=14\n\nBALSONG_SMTP_USER=u\r\nBALSONG_SMTP_PASSWORD_FILE=" + written(t, "hunter=2") + "\n"
	for name, value := range map[string]string{"the variable": text, "a reference": "file:" + written(t, text)} {
		t.Run(name, func(t *testing.T) {
			environment(t, map[string]string{"BALSONG_GATEWAYS": value, "BALSONG_SMTP_RATE": "7", "BALSONG_SMTP_ADDR": ""})
			c, err := config.Load[config.Deliverer](t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s := c.Gateways.SMTP; s.Addr != "relay.example.com:587" || s.From != "bills@example.com" || s.Rate != 7 || s.Password != "hunter=2" {
				t.Errorf("%s, %s, %v a second", s.Addr, s.From, s.Rate)
			}
		})
	}
}

func TestATextOfVariablesHoldsThoseOfGatewaysAlone(t *testing.T) {
	for text, want := range map[string]string{
		"DATABASE_URL=postgres://hunter2":                    "BALSONG_GATEWAYS, line 1: want BALSONG_NAME=value",
		"\nBALSONG_KAFKA_PASSWORD=hunter2":                   "line 2: BALSONG_KAFKA_PASSWORD is no variable of a gateway",
		"BALSONG_SMS_RAET=1":                                 "line 1: BALSONG_SMS_RAET is no variable of a gateway",
		"BALSONG_GATEWAYS=ssm:/hunter2":                      "line 1: BALSONG_GATEWAYS is no variable of a gateway",
		"BALSONG_SMS_RATE=1\nBALSONG_SMS_RATE=2":             "line 2: BALSONG_SMS_RATE is set twice",
		"hunter2":                                            "line 1: want BALSONG_NAME=value",
		"BALSONG_SMS_TOKEN=a\nhunter2==":                     "line 2: want BALSONG_NAME=value",
		strings.Repeat("#", 70_000):                          "more than 65536",
		"file:/gone/hunter3":                                 "BALSONG_GATEWAYS: ",
		"BALSONG_SMS_RATE=hunter2, a word that is no number": "BALSONG_SMS_RATE",
	} {
		environment(t, map[string]string{"BALSONG_GATEWAYS": text})
		_, err := config.Load[config.Deliverer](t.Context())
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
		if err != nil && !strings.Contains(text, "no number") && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: the error shows a value: %v", text, err)
		}
	}
}
