package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var priceExample = regexp.MustCompile(`(BALSONG_\w+)_PRICES(?:=|` + "`[^`]*`" + `)([A-Z]{3},[^` + "`" + `\s]+)`)

func TestThePricesThatThePagesOfProvidersShowAreRead(t *testing.T) {
	t.Parallel()
	vendors := map[string]vendor{}
	for _, v := range (Gateways{}).vendors() {
		vendors[v.Variables] = v
	}
	for _, page := range []string{"README", "twilio", "nhn", "solapi", "ses", "aws-sms"} {
		text, err := os.ReadFile(filepath.Join("../../docs/providers", page+".md"))
		if err != nil {
			t.Fatal(err)
		}
		examples := priceExample.FindAllStringSubmatch(string(text), -1)
		if len(examples) == 0 {
			t.Errorf("%s.md shows no prices", page)
		}
		for _, e := range examples {
			v, ok := vendors[e[1]]
			v.prices = strings.Split(e[2], ",")
			if err := v.checkPrices(); err != nil || !ok {
				t.Errorf("%s.md: %s_PRICES=%s: %v, of a provider: %t", page, e[1], e[2], err, ok)
			}
		}
	}
}
