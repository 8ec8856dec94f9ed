package nhn

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

func list(total int, messages ...string) string {
	return fmt.Sprintf(`{"header":{"resultCode":0,"resultMessage":"SUCCESS","isSuccessful":true},"body":{"pageNum":1,"pageSize":15,"totalCount":%d,"data":[%s]}}`, total, strings.Join(messages, ","))
}

func listedAs(reference, state, code, country string) string {
	return fmt.Sprintf(`{"requestId":"R1","resultDate":"2026-11-30 10:06:42.0","countryCode":%q,"recipientNo":"01000000000","msgStatus":%q,"resultCode":%q,"recipientGroupingKey":%q}`, country, state, code, reference)
}

func TestAMessageIsFoundByItsReferenceAmongSMSAndLMS(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	written := config.References.Known().To(deliveryKey())
	called := time.Date(2026, time.November, 30, 1, 0, 0, 0, time.UTC)
	undelivered := func(class attempt.FailureClass) string { return "undelivered " + string(class) }
	for name, c := range map[string]struct {
		sms, lms string
		want     string
	}{
		"nothing":                       {list(0), list(0), "not_found "},
		"an SMS that arrived":           {list(1, listedAs(written, "3", "1000", "82")), "", "delivered "},
		"an LMS that arrived":           {list(0), list(1, listedAs(written, "3", "1000", "82")), "delivered "},
		"a foreign carrier has it":      {list(1, listedAs(written, "3", "1000", "1")), "", "accepted "},
		"on its way":                    {list(1, listedAs(written, "2", "", "82")), "", "accepted "},
		"requested":                     {list(1, listedAs(written, "1", "", "82")), "", "accepted "},
		"nobody has the number":         {list(1, listedAs(written, "0", "3001", "82")), "", undelivered(attempt.Permanent)},
		"the device is off":             {list(1, listedAs(written, "0", "2003", "82")), "", undelivered(attempt.Temporary)},
		"the carrier said nothing":      {list(1, listedAs(written, "0", "2000", "82")), "", "accepted "},
		"a code of tomorrow":            {list(1, listedAs(written, "0", "5000", "82")), "", "accepted "},
		"failed without a code":         {list(1, listedAs(written, "0", "", "82")), "", "accepted "},
		"a duplicate":                   {list(1, listedAs(written, "5", "E915", "82")), "", "accepted "},
		"cancelled":                     {list(1, listedAs(written, "4", "", "82")), "", undelivered(attempt.Provider)},
		"a state of tomorrow":           {list(1, listedAs(written, "9", "1000", "82")), "", "accepted "},
		"two, of which one has arrived": {list(2, listedAs(written, "0", "3001", "82"), listedAs(written, "3", "1000", "82")), "", "delivered "},
	} {
		g, got := far(t, config, c.sms, c.lms)
		found, err := g.Inquire(t.Context(), deliveryKey(), called)
		if said := string(found.Found) + " " + string(found.Class); err != nil || said != c.want {
			t.Errorf("%s: %s %v, want %s", name, said, err, c.want)
		}
		if found.Found != port.FoundNothing && (found.MessageID != "R1" || !found.SaidAt.Equal(called.Add(6*time.Minute+42*time.Second))) {
			t.Errorf("%s: %+v", name, found)
		}
		asked, err := url.Parse((<-got).url)
		query := asked.Query()
		if err != nil || asked.Path != "/sms/v3.0/appKeys/app/sender/sms" || query.Get("recipientGroupingKey") != written ||
			query.Get("startRequestDate") != "2026-11-29 10:00:00" || query.Get("endRequestDate") != "2026-12-01 10:00:00" {
			t.Errorf("%s: asked for %s", name, asked)
		}
	}
}

func TestAMessageIsFoundThatWasSentBeforeTheSecretWasChanged(t *testing.T) {
	t.Parallel()
	before, after := strings.Repeat("b", 32), strings.Repeat("a", 32)
	older, err := reference.New("", before)
	if err != nil {
		t.Fatal(err)
	}
	config := good()
	if config.References, err = reference.NewSource(nil, after, before); err != nil {
		t.Fatal(err)
	}
	g, got := far(t, config, list(0), list(0), list(1, listedAs(older.To(deliveryKey()), "3", "1000", "82")))
	found, err := g.Inquire(t.Context(), deliveryKey(), time.Now())
	if err != nil || found.Found != port.FoundDelivered {
		t.Errorf("%+v, %v", found, err)
	}
	if calls := g.InquiryTerms().Calls; len(got) != 3 || calls != 4 {
		t.Errorf("%d calls were made, and %d is said to be the most", len(got), calls)
	}
}

func TestWhatIsNoListIsNoAnswer(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	for name, said := range map[string]string{
		"another message":  list(1, listedAs("of another", "3", "1000", "82")),
		"a page of many":   list(99),
		"a refusal":        `{"header":{"isSuccessful":false,"resultCode":-1000,"resultMessage":"Invalid appKey."}}`,
		"an empty refusal": `{"header":{"isSuccessful":false,"resultCode":-9999},"body":{"totalCount":0,"data":[]}}`,
		"no body":          `{"header":{"isSuccessful":true,"resultCode":0}}`,
		"another server":   `<html>Welcome</html>`,
		"nothing":          ``,
		"a list of a kind": `{"header":{"isSuccessful":true,"resultCode":0},"body":{"totalCount":1,"data":{}}}`,
		"a long one":       list(1, `{"body":"`+strings.Repeat("a", 20<<10)+`"}`),
	} {
		g, _ := far(t, config, said)
		if found, err := g.Inquire(t.Context(), deliveryKey(), time.Now()); err == nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWithoutReferencesNothingCanBeAskedFor(t *testing.T) {
	t.Parallel()
	g, got := far(t, good(), list(0))
	if found, err := g.Inquire(t.Context(), deliveryKey(), time.Now()); err == nil || len(got) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestTheTermsPromiseNoCompleteList(t *testing.T) {
	t.Parallel()
	g, _ := far(t, good(), "")
	if terms := g.InquiryTerms(); terms.Complete || terms.Settling <= 0 || terms.Window <= terms.Settling || terms.Source == "" {
		t.Errorf("%+v", terms)
	}
}

func FuzzNHNCloudsLists(f *testing.F) {
	written := ours(f).Known().To(deliveryKey())
	f.Add([]byte(list(1, listedAs(written, "0", "3001", "82"))))
	f.Add([]byte(list(2, listedAs(written, "3", "1000", "1"), listedAs("", "7", "", ""))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := findIn(raw, written)
		switch {
		case err != nil:
		case (found.Found == port.FoundUndelivered) != (found.Class != ""):
			t.Errorf("%s with the class %q", found.Found, found.Class)
		case len(found.Code) > 200 || len(found.Detail) > 200:
			t.Errorf("code %q, detail %q", found.Code, found.Detail)
		}
	})
}
