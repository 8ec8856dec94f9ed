package gatewaysim

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ask calls the admin port and decodes its JSON.
func (b *testBundle) ask(t *testing.T, method, path, body string, answer any) int {
	t.Helper()
	request, err := http.NewRequest(method, "http://"+b.AdminAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestSettingsChangeWhileRunningAndKeepWhatIsNotNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.Seed = 7 })
	var changed Settings
	if code := b.ask(t, http.MethodPut, "/settings", `{"sms":{"temporary":1,"accept_at":0.25,"latency":{"mean":"1ms"}}}`, &changed); code != 200 {
		t.Fatalf("status %d", code)
	}
	if changed.Seed != 7 || changed.SMS.Temporary != 1 || *changed.SMS.AcceptAt != .25 || *changed.Push.AcceptAt != .5 {
		t.Errorf("settings %+v", changed)
	}
	if got := b.post("/sms", "k", textMessage); got.status != 503 {
		t.Errorf("sms: %+v", got)
	}
	if got := b.post("/push", "k", pushMessage); got.status != 202 {
		t.Errorf("push: %+v", got)
	}
	var shown Settings
	b.ask(t, http.MethodGet, "/settings", "", &shown)
	if *shown.SMS.AcceptAt != .25 || shown.SMS.Latency.Mean.String() != "1ms" {
		t.Errorf("shown %+v", shown)
	}
	var refusal struct{ Code, Message string }
	for _, body := range []string{`{"sms":{"temporary":2}}`, `{"smss":{}}`, `{`, `{"sms":{"latency":{"mean":1}}}`} {
		if code := b.ask(t, http.MethodPut, "/settings", body, &refusal); code != 400 || refusal.Message == "" {
			t.Errorf("%s: %d %+v", body, code, refusal)
		}
	}
	b.ask(t, http.MethodPut, "/settings", `{"sms":{"latncy":{}}}`, &refusal)
	for _, names := range []string{`"latncy"`, `"seed":0`, `"slow_start":{"for":"0s"`, `"sms":{"latency":{"kind":"fixed","mean":"0s","p99":`, `"accept_at":0.5,"tps":0`} {
		if !strings.Contains(refusal.Message, names) {
			t.Errorf("it does not name %q: %s", names, refusal.Message)
		}
	}
	if got := b.Settings(); got.SMS.Temporary != 1 {
		t.Errorf("a refused change took effect: %+v", got)
	}
}

func TestStatsCountByChannelAndClass(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.Push.Permanent = 1 })
	b.post("/sms", "2026-11/1/0/0", textMessage)
	b.post("/sms", "2026-11/1/0/0", textMessage)
	b.post("/push", "2026-11/1/0/0", pushMessage)
	var stats Stats
	b.ask(t, http.MethodGet, "/stats", "", &stats)
	if stats.Accepted != 2 || stats.AcceptedAgain != 1 || stats.Refused["permanent"] != 1 || stats.Channels["SMS"].Accepted != 2 ||
		stats.Channels["PUSH"].Refused["permanent"] != 1 || stats.InFlight != 0 || stats.MaxInFlight != 1 || stats.LogSyncs == 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestSettingsAreReadFromAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(path, []byte(`{"email":{"tps":5},"slow_start":{"for":"3s"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := ReadSettings(path)
	if err != nil || settings.Email.TPS != 5 || time.Duration(settings.SlowStart.For) != 3*time.Second {
		t.Errorf("got %+v, %v", settings, err)
	}
	if _, err := ReadSettings(path + "x"); err == nil {
		t.Error("a missing file is no error")
	}
}
