package doctor

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

func TestMessagesThatNoReportWouldFindAreAdvice(t *testing.T) {
	t.Parallel()
	nhn, solapi := config.NHN{AppKey: "key"}, config.SOLAPI{Key: "key"}
	ours := config.HTTPGateway{URL: "https://sms.example.com"}
	for name, c := range map[string]struct {
		gateways config.Gateways
		lost     string // "": nothing is said
	}{
		"a vendor that reports": {config.Gateways{NHN: nhn}, "by sms/nhn is never known"},
		"two of them":           {config.Gateways{NHN: nhn, SOLAPI: solapi, SMS: config.HTTPGateway{Providers: []string{"nhn:50", "solapi:50"}}}, "by sms/nhn, sms/solapi is never known"},
		"with a secret":         {config.Gateways{NHN: nhn, ReferenceSecrets: []string{"secret"}}, ""},
		"our contract and mail": {config.Gateways{SMS: ours, SMTP: config.SMTP{Addr: "mx.example.com:587"}}, ""},
		"nobody sends":          {config.Gateways{}, ""},
	} {
		found := references(c.gateways).list
		if (len(found) == 0) != (c.lost == "") || len(found) > 0 && (found[0].Level != Advice || !strings.Contains(found[0].Found, c.lost) || found[0].Do == "") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
