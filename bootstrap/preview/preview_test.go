package preview_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/preview"
	"github.com/balsong/balsong/domain/policy"
)

func bill(t *testing.T, name string) preview.Bill {
	t.Helper()
	sample := rendering.Samples("ko")[0].Bill
	sample.Name = name
	made, err := rendering.ShippedTemplates().Statement(sample, rendering.SampleMonth(), policy.Transactional)
	if err != nil {
		t.Fatal(err)
	}
	return preview.Bill{Title: "7590-VHVEG", Variants: made}
}

func TestATerminalShowsEachChannelWithItsBounds(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	shown := bill(t, "김\u009b31m하나")
	shown.Title += "\x1b[2J\u009b31m\x7f" // a customer number is from outside too
	if err := shown.Text(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Subject: [발송] 2026년 11월 청구서: 68,200원, 납부 기한 11/25\n", "김 31m하나 고객님, 안녕하세요.", "── SMS, 58 of 90 bytes in EUC-KR ─",
		"── E-MAIL (its plain text; --html shows the other), HTML ", " kB ─", "── PUSH, title 13 of 64 characters, body 28 of 240 ─", "68,200원, 납부 기한 2026년 11월 25일\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if strings.ContainsFunc(out.String(), func(c rune) bool { return c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 }) {
		t.Errorf("something speaks to the terminal: %q", out.String())
	}
	wrong := errors.New("ko/sms.tmpl:3: no")
	if err := (preview.Bill{Wrong: wrong}).Text(&out); !errors.Is(err, wrong) {
		t.Errorf("%v", err)
	}
}

func TestThePageIsMadeAnewAtEachLoadAndNothingInItRuns(t *testing.T) {
	t.Parallel()
	loads := 0
	handler := preview.Handler(func() preview.Bill {
		if loads++; loads == 2 {
			return preview.Bill{Wrong: errors.New("the templates cannot be used:\n  ko/sms.tmpl:3: <b>")}
		}
		return bill(t, `<script>alert(1)</script>" onload="x`)
	})
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w
	}
	first := get()
	if said := first.Body.String(); strings.Contains(said, "<script") || strings.Contains(said, `" onload="x`) || strings.Count(said, `sandbox=""`) != 3 {
		t.Error("a value is markup, or a mail is not sandboxed")
	}
	if csp := first.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "script") {
		t.Errorf("the policy is %q", csp)
	}
	if said := get().Body.String(); !strings.Contains(said, "ko/sms.tmpl:3: &lt;b&gt;") || strings.Contains(said, "<iframe") {
		t.Error("what is wrong with the templates is not shown")
	}
	if said := get().Body.String(); !strings.Contains(said, "<iframe") {
		t.Error("corrected templates are not shown")
	}
}
