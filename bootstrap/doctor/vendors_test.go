package doctor

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// refusing is a gateway whose provider refuses the check.
type refusing struct {
	core.Gateway
	said string
}

func (r refusing) Check(context.Context) error { return errors.New(r.said) }
func (refusing) Close()                        {}

var variableName = regexp.MustCompile(`BALSONG_[A-Z_]+`)

func TestAdviceNamesTheVariablesOfTheProviderThatRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gateways config.Gateways
		said     map[string][]string // by what the vendor said, the variables that are named
		do       map[string]string   // by what the vendor said, what else is said
	}{
		"sms/nhn": {gateways: config.Gateways{NHN: config.NHN{AppKey: "key"}}, said: map[string][]string{
			"the check failed: 200, code -1000: Invalid appKey.":    {"BALSONG_NHN_APP_KEY", "BALSONG_NHN_SECRET_KEY"},
			"the check failed: 401":                                 {"BALSONG_NHN_APP_KEY", "BALSONG_NHN_SECRET_KEY"},
			"the check failed: the sender number is not registered": {"BALSONG_NHN_FROM"},
		}},
		"alimtalk/nhn": {gateways: config.Gateways{NHNAlimTalk: config.NHNAlimTalk{AppKey: "key"}}, said: map[string][]string{
			"the check failed: 200, code -1001: Invalid secretKey.":         {"BALSONG_NHN_ALIMTALK_APP_KEY", "BALSONG_NHN_ALIMTALK_SECRET_KEY"},
			"the check failed: 200, code -4005: Appkey is disabled status.": {"BALSONG_NHN_ALIMTALK_APP_KEY", "BALSONG_NHN_ALIMTALK_SECRET_KEY"},
			"the check failed: 403": {"BALSONG_NHN_ALIMTALK_APP_KEY", "BALSONG_NHN_ALIMTALK_SECRET_KEY"},
			"the check failed: 200, code -2017: Not exist plus friend.":                  {"BALSONG_NHN_ALIMTALK_SENDER_KEY"},
			"the check failed: 200, code -1014: Not active status plus friend.":          {"BALSONG_NHN_ALIMTALK_SENDER_KEY"},
			"the check failed: the sender profile is not registered":                     {"BALSONG_NHN_ALIMTALK_SENDER_KEY"},
			"the check failed: the sender profile is blocked or not active at KakaoTalk": {"BALSONG_NHN_ALIMTALK_SENDER_KEY"},
		}, do: map[string]string{"the check failed: 403": "KakaoTalk Bizmessage"}},
		"sms/solapi": {gateways: config.Gateways{SOLAPI: config.SOLAPI{Key: "key"}}, said: map[string][]string{
			"the check failed: 403": {"BALSONG_SOLAPI_KEY", "BALSONG_SOLAPI_SECRET"},
		}},
		"alimtalk/solapi": {gateways: config.Gateways{SOLAPIAlimTalk: config.SOLAPIAlimTalk{Key: "key"}}, said: map[string][]string{
			"the check failed: 403":                            {"BALSONG_SOLAPI_ALIMTALK_KEY", "BALSONG_SOLAPI_ALIMTALK_SECRET"},
			"the check failed: 400, code RequestTimeTooSkewed": nil,
		}, do: map[string]string{"the check failed: 400, code RequestTimeTooSkewed": "clock"}},
	} {
		for said, want := range c.said {
			provider := c.gateways.Providers()[0]
			p := component{name: provider.Account()}
			p.byHTTP(t.Context(), provider, refusing{said: said})
			first := p.list[0]
			named := variableName.FindAllString(first.Do, -1)
			if provider.Account() != name || first.Level != Problem || !slices.Equal(named, want) || !strings.Contains(first.Do, c.do[said]) {
				t.Errorf("%s: %q is answered with %+v, want the variables %v and %q", provider.Account(), said, first, want, c.do[said])
			}
		}
	}
}
