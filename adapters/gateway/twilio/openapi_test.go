package twilio_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// openAPI starts Prism, which answers as the OpenAPI document that Twilio publishes says, and refuses what the document does not allow.
// It ends with the test. Without Prism the test is skipped; in CI .ci/test-real provides it.
func openAPI(t *testing.T) (url string) {
	t.Helper()
	folder := os.Getenv("BALSONG_TEST_PRISM")
	if folder == "" {
		t.Skip("SKIPPED: needs Prism and Twilio's OpenAPI document: BALSONG_TEST_PRISM=$(.ci/prism) (make test-real does so)")
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "node_modules/.bin/prism"), "mock", "-h", "127.0.0.1", "-p", "0", filepath.Join(folder, "twilio_api_v2010.json"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it ends by the signal above
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if _, url, is := strings.Cut(lines.Text(), "listening on "); is {
				address <- strings.TrimSpace(url)
			}
		}
		close(address)
	}()
	url, started := <-address
	if !started {
		t.Fatal("Prism ended before it listened")
	}
	return url
}

func TestTwiliosOwnOpenAPIDocumentAllowsWhatWeSay(t *testing.T) {
	t.Parallel()
	url := openAPI(t)
	for sender, c := range map[string]twilio.Config{
		"number":  {From: "+15005550006"},
		"service": {Service: "MG" + strings.Repeat("0", 32)},
	} {
		c.Provider, c.URL, c.Account, c.Key, c.Secret = provider(20*time.Second), url, account, "SK1", "s3cret"
		c.StatusURL = "https://reports.example.com/reports/twilio"
		gateway, err := twilio.New(c)
		if err != nil {
			t.Fatal(err)
		}
		defer gateway.Close()
		reply := gateway.Send(t.Context(), port.Delivery{
			Key: key.Delivery{Month: 24310, UserID: 4711}, Channel: channel.SMS, Destination: "010-1234-5678",
			Content: port.Variant{Text: "청구서 & 52,000원", Class: "SMS"}, Until: time.Now().Add(time.Hour),
		})
		if reply.Verdict != port.CallAccepted || !strings.HasPrefix(reply.MessageID, "SM") {
			t.Errorf("from a %s: %+v", sender, reply)
		}
		if err := gateway.Check(t.Context()); err != nil {
			t.Errorf("from a %s: %v", sender, err)
		}
		if quota, err := gateway.Quota(t.Context()); err != nil || quota.Balance == "" || quota.Currency == "" {
			t.Errorf("the balance: %+v, %v", quota, err)
		}
	}
	for wrong, form := range map[string]string{
		"no recipient":              "From=%2B15005550006&Body=x",
		"a validity of no number":   "To=%2B821012345678&From=%2B15005550006&Body=x&ValidityPeriod=1h",
		"a callback of no address":  "To=%2B821012345678&From=%2B15005550006&Body=x&StatusCallback=reports",
		"a service of another kind": "To=%2B821012345678&MessagingServiceSid=AC1&Body=x",
	} {
		if status := post(t, url, form); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: Prism answers %d: it has not looked at the call", wrong, status)
		}
	}
}

// post makes a call of its own.
func post(t *testing.T, url, form string) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/2010-04-01/Accounts/"+account+"/Messages.json", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("SK1", "s3cret")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}
