package feedbacktest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/key"
)

func (w *world) answers(name string, c callback, body io.Reader, want int) {
	w.Helper()
	if got := w.post(c, body); got != want {
		w.Errorf("%s: answered with %d, want %d", name, got, want)
	}
}

// The provider has accepted two bills. Of one it says later that the number does not exist.
func TestABillThatIsReportedAsNotDeliveredGoesOutByTheNextChannelOnce(t *testing.T) {
	w := newWorld(t, 2)
	channels, sms := w.accepted()
	if fmt.Sprint(channels) != "map[SMS:2]" || len(sms) != 2 {
		t.Fatalf("accepted %v, %v", channels, sms)
	}
	first := sms[1]
	if bills := w.bills("IS NOT NULL"); fmt.Sprint(bills) != "[C-1 SUCCEEDED 0 C-2 SUCCEEDED 0]" {
		t.Fatalf("before: %v", bills)
	}
	w.lies(first)

	var many sync.WaitGroup
	for range 8 {
		many.Go(func() {
			for range 25 {
				c := undelivered(first)
				if got := w.post(c, strings.NewReader(c.fields.Encode())); got != http.StatusNoContent {
					t.Errorf("a report is answered with %d", got)
				}
			}
		})
	}
	many.Wait()
	if n := w.count("delivery_reports"); n != 1 {
		t.Errorf("%d reports are stored of one that came 200 times", n)
	}
	waittest.Wait{Every: 50 * time.Millisecond}.Until(t, "the acceptance is taken back", func() bool { return len(w.bills("<> 'SUCCEEDED'")) == 1 })
	w.dispatched()
	c := undelivered(first)
	w.answers("once more", c, strings.NewReader(c.fields.Encode()), http.StatusNoContent)
	delivered := undelivered(sms[2])
	delivered.fields.Set("MessageStatus", "delivered")
	delivered.fields.Del("ErrorCode")
	w.answers("a delivery", delivered, strings.NewReader(delivered.fields.Encode()), http.StatusNoContent)
	w.dispatched()

	if bills := w.bills("IS NOT NULL"); fmt.Sprint(bills) != "[C-1 SUCCEEDED 1 C-2 SUCCEEDED 0]" {
		t.Errorf("after: %v", bills)
	}
	if channels, _ := w.accepted(); fmt.Sprint(channels) != "map[EMAIL:1 SMS:2]" {
		t.Errorf("accepted %v, want one e-mail beside the two SMS", channels)
	}
	var listed []string
	if err := w.db.SelectContext(t.Context(), &listed, `SELECT user_id || ' ' || channel || ' ' || scope || ' ' || reason FROM suppressions`); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(listed) != "[1 SMS all UNDELIVERED (permanent) 30005 about 2026-11/1/0/0]" {
		t.Errorf("on the suppression list: %v", listed)
	}
}

// lies says what is not the provider's word: each has its end, and changes nothing.
func (w *world) lies(reference string) {
	w.Helper()
	real := undelivered(reference)
	body := func() io.Reader { return strings.NewReader(real.fields.Encode()) }

	forged := real
	forged.token = "another-account's-token"
	w.answers("signed by another", forged, body(), http.StatusForbidden)
	unsigned := real
	unsigned.reference += "&x=1"
	w.answers("signed for another address", unsigned, body(), http.StatusForbidden)
	foreign := undelivered(w.another())
	w.answers("of another installation", foreign, strings.NewReader(foreign.fields.Encode()), http.StatusNoContent)
	nonsense := undelivered(reference)
	nonsense.fields.Set("MessageStatus", "perhaps")
	w.answers("with a status that nobody knows", nonsense, strings.NewReader(nonsense.fields.Encode()), http.StatusUnprocessableEntity)
	unknown := undelivered(w.references.To(key.Delivery{Month: w.month, UserID: 4711}))
	w.answers("about no bill", unknown, strings.NewReader(unknown.fields.Encode()), http.StatusNoContent)
	if got := w.post(real, io.LimitReader(endless{}, 50<<20)); got != 0 && got != http.StatusRequestEntityTooLarge {
		w.Errorf("50 MB are answered with %d", got)
	}
	w.truncated(real)
	if reports, strays := w.count("delivery_reports"), w.count("stray_reports"); reports != 0 || strays != 1 {
		w.Errorf("%d reports are stored, and %d kept apart", reports, strays)
	}
	if open := w.bills("<> 'SUCCEEDED'"); len(open) != 0 {
		w.Errorf("changed: %v", open)
	}
}

// another is a reference of another installation that has the same secret.
func (w *world) another() string {
	w.Helper()
	other, err := reference.New("another", secret)
	if err != nil {
		w.Fatal(err)
	}
	return other.To(key.Delivery{Month: w.month, UserID: 1})
}

// truncated ends a connection in the middle of a request.
func (w *world) truncated(c callback) {
	w.Helper()
	whole := c.fields.Encode()
	conn, err := (&net.Dialer{}).DialContext(w.Context(), "tcp", w.address)
	if err != nil {
		w.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /reports/twilio?key=%s HTTP/1.1\r\nHost: feedback.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		c.reference, c.signature(), len(whole), whole[:len(whole)/2])
	if err != nil {
		w.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		w.Fatal(err)
	}
	if said, err := io.ReadAll(conn); err != nil || strings.HasPrefix(string(said), "HTTP/1.1 2") {
		w.Errorf("a request that was cut off is answered with %q, %v", said, err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
