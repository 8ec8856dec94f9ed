package preflight

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/domain/channel"
)

func said(kind channel.Kind, name string, quota port.Quota) asked {
	return asked{of: config.Provider{Provider: port.Provider{Name: name, Channel: kind}, Variables: "BALSONG_X"}, quota: quota, known: true}
}

func TestWhatAnAccountMayStillSendIsSaid(t *testing.T) {
	t.Parallel()
	refused := said(channel.Email, "ses", port.Quota{})
	refused.err = errors.New("403, AccessDenied")
	bounded := said(channel.Email, "ses", port.Quota{Limit: 50_000, Left: 12_345, Window: 24 * time.Hour, Rate: 14})
	bounded.of.Rate = 14
	for name, c := range map[string]struct {
		asked asked
		level doctor.Level
		found string // "": nothing is said
	}{
		"a limit":                {bounded, doctor.OK, "12,345 messages of 50,000 messages within 24 hours"},
		"a rate that is not set": {said(channel.Email, "ses", port.Quota{Rate: 14}), doctor.Advice, "takes 14 messages a second"},
		"money":                  {said(channel.SMS, "solapi", port.Quota{Balance: "12100", Currency: "KRW"}), doctor.OK, "12100 KRW"},
		"no money":               {said(channel.SMS, "twilio", port.Quota{Balance: "-0.01", Currency: "USD", Empty: true}), doctor.Problem, "nothing can be sent"},
		"no limit":               {said(channel.Email, "ses", port.Quota{}), "", ""},
		"no answer":              {refused, doctor.Advice, "403, AccessDenied"},
	} {
		found := c.asked.finding()
		if (len(found) == 0) != (c.found == "") || len(found) > 1 || len(found) == 1 && (found[0].Level != c.level || !strings.Contains(found[0].Found, c.found) || (found[0].Do == "") != (c.level == doctor.OK)) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestARunIsComparedWithWhatIsLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)
	due := func(bills int, route ...channel.Kind) answer.Due {
		return answer.Due{
			Months: []answer.DueMonth{{Month: 2026*12 + 10, Bills: bills}}, Policy: "1 v1", Route: route, Suppressions: 3, Suppressed: now.Add(-50 * time.Hour),
		}
	}
	left := func(kind channel.Kind, name string, left int) asked {
		return said(kind, name, port.Quota{Limit: 1000, Left: left, Window: 24 * time.Hour})
	}
	free := said(channel.Email, "smtp", port.Quota{})
	free.known = false
	never := due(5, channel.Email)
	never.Suppressed = time.Time{}
	rendered := func(providers ...string) answer.Due {
		d := due(5, channel.AlimTalk)
		d.Months[0].Templates, d.Months[0].AlimTalk = "words (3f2a9c1b)", providers
		return d
	}
	kakao := func(name string) asked {
		a := said(channel.AlimTalk, name, port.Quota{})
		a.known = false
		return a
	}
	halted, stopped := due(5, channel.Email), due(5, channel.Email, channel.SMS)
	halted.Halted, stopped.HaltedOn = true, []channel.Kind{channel.SMS}
	old := due(5, channel.Email)
	old.Suppressed = now.Add(-100 * 24 * time.Hour)
	for name, c := range map[string]struct {
		due     answer.Due
		answers []asked
		level   doctor.Level // the worst
		found   string
	}{
		"enough":                {due(1000, channel.Email), []asked{left(channel.Email, "ses", 1000)}, doctor.OK, "1,000 bills of 2026-11 may go out, by EMAIL"},
		"too little":            {due(1001, channel.Email, channel.SMS), []asked{left(channel.Email, "ses", 1000), left(channel.SMS, "x", 9000)}, doctor.Problem, "take 1,000 messages more: the rest waits"},
		"too little, two share": {due(1001, channel.Email), []asked{left(channel.Email, "ses", 600), left(channel.Email, "ses2", 500)}, doctor.OK, "may go out"},
		"one without a limit":   {due(1001, channel.Email), []asked{left(channel.Email, "ses", 1), free}, doctor.OK, "may go out"},
		"too little later":      {due(9, channel.Email, channel.SMS), []asked{free, left(channel.SMS, "x", 8)}, doctor.Advice, "9 bills at most may come to it"},
		"nobody sends":          {due(9, channel.Email, channel.SMS), []asked{free}, doctor.Problem, "no provider sends on it"},
		"everything is halted":  {halted, []asked{free}, doctor.Problem, "everything is halted"},
		"a channel is halted":   {stopped, []asked{free, left(channel.SMS, "x", 9000)}, doctor.Problem, "the channel is halted"},
		"codes for all":         {rendered("nhn", "solapi"), []asked{kakao("nhn"), kakao("solapi")}, doctor.OK, "may go out"},
		"a code for one":        {rendered("nhn"), []asked{kakao("nhn"), kakao("solapi")}, doctor.Advice, "words (3f2a9c1b), which have no code for solapi: nhn alone takes them"},
		"a code for nobody":     {rendered("http"), []asked{kakao("nhn"), kakao("solapi")}, doctor.Problem, "which have no code for nhn, solapi: none of them goes out"},
		"not rendered yet":      {due(5, channel.AlimTalk), []asked{kakao("nhn")}, doctor.OK, "may go out"},
		"no policy":             {answer.Due{Suppressed: now}, nil, doctor.Problem, "no policy is ACTIVE"},
		"nothing due":           {due(0, channel.Email), []asked{free}, doctor.Advice, "no bill of an open month waits"},
		"a list never changed":  {never, []asked{free}, doctor.Advice, "it was never changed"},
		"an old list":           {old, []asked{free}, doctor.Advice, "3 entries, the last change 100 days ago"},
		"a list":                {due(5, channel.Email), []asked{free}, doctor.OK, "3 entries, the last change 2 days ago"},
	} {
		worst, text := doctor.OK, ""
		for _, f := range before(c.due, c.answers, now) {
			text += f.Found + "\n"
			if f.Level == doctor.Problem || f.Level == doctor.Advice && worst == doctor.OK {
				worst = f.Level
			}
			if (f.Do == "") != (f.Level == doctor.OK) {
				t.Errorf("%s: what is to be done: %+v", name, f)
			}
		}
		if worst != c.level || !strings.Contains(text, c.found) {
			t.Errorf("%s: %s, %s", name, worst, text)
		}
	}
}
