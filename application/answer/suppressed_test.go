package answer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

func TestWhoIsSuppressedIsListedWithScopeReasonAndByWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seoul()
	w.has(november, "C-1", "C-2")
	put := func(scope policy.Scope, actor, reason string, c port.Contact) {
		w.must(w.store.Suppressions().Suppress(t.Context(), scope, []port.Contact{c}, port.Act{Actor: actor, Reason: reason, At: w.clock.Now()}))
	}
	sms, mail := port.Contact{UserID: 1, Channel: channel.SMS}, port.Contact{UserID: 2, Channel: channel.Email}
	put(policy.ScopeAdvertising, "kim", "asked for it", sms)
	put(policy.ScopeAll, "lee", "=the number is another's", sms) // wider
	put(policy.ScopeAdvertising, "park", "by mail", mail)
	list, err := answer.New(w.ports).Suppressed(t.Context(), "", "")
	w.must(err)
	if got := fmt.Sprint(list); len(list) != 2 || !strings.HasPrefix(got, "[{C-1 SMS all 2026-11-22 03:00:00 +0000 UTC =the number is another's lee} {C-2 EMAIL advertising ") || !strings.HasSuffix(got, " by mail park}]") {
		t.Errorf("listed are %s", got)
	}
	if list, err := answer.New(w.ports).Suppressed(t.Context(), channel.Email, policy.ScopeAll); err != nil || len(list) != 0 {
		t.Errorf("e-mails of bills: %v, %v", list, err)
	}
	var file strings.Builder
	zone, err := answer.New(w.ports).Zone(t.Context())
	w.must(err)
	w.must(answer.WriteSuppressed(&file, list, zone))
	if want := "\ufeffcustomer_number,channel,scope,since,reason,actor\nC-1,SMS,all,2026-11-22T12:00:00+09:00,'=the number is another's,lee\n"; !strings.HasPrefix(file.String(), want) {
		t.Errorf("the file is\n%s\nwant\n%s", file.String(), want)
	}
}

func TestALongSuppressionListIsReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(1200, billing.Ready)
	contacts := make([]port.Contact, 1200)
	for i := range contacts {
		contacts[i] = port.Contact{UserID: int64(i + 1), Channel: channel.All[i%3]}
	}
	w.must(w.store.Suppressions().Suppress(t.Context(), policy.ScopeAll, contacts, port.Act{Actor: "kim", Reason: "a test", At: w.clock.Now()}))
	list, err := answer.New(w.ports).Suppressed(t.Context(), "", "")
	if err != nil || len(list) != 1200 || list[1199].Customer != "C-1199" || list[1199].Actor != "kim" {
		t.Fatalf("%d entries, %v", len(list), err)
	}
}
