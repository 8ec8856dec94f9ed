package inbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var instant = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string, keep int) *Inbox {
	t.Helper()
	b, err := Open(dir, keep, func(err error) { t.Errorf("write failed: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func text(n int) Message {
	return Message{
		Sequence: uint64(n), Time: instant, Channel: "SMS", Class: "SMS",
		Key: fmt.Sprintf("2026-11/%d/0/0", n), To: fmt.Sprintf("0101234%04d", n), Body: fmt.Appendf(nil, "text %d", n),
	}
}

// filled returns an inbox, written, closed and opened again to read.
func filled(t *testing.T, messages ...Message) *Inbox {
	t.Helper()
	dir := t.TempDir()
	b := open(t, dir, 1000)
	for _, m := range messages {
		b.Add(m)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return reopen(t, dir)
}

func reopen(t *testing.T, dir string) *Inbox {
	t.Helper()
	b, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestMessagesAreThereForALaterProcessWithMaskedRecipients(t *testing.T) {
	t.Parallel()
	b := filled(t, text(1), text(2))
	m, err := b.Get(2)
	if err != nil {
		t.Fatal(err)
	}
	want := text(2)
	if m.To != "010-****-0002" || m.Key != want.Key || string(m.Body) != "text 2" || !m.Time.Equal(instant) {
		t.Errorf("got %+v", m)
	}
	if _, err := b.Get(3); !errors.Is(err, ErrNotFound) {
		t.Errorf("a message that is not there: %v", err)
	}
}

func TestOnlyTheLastMessagesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const keep = 80
	for start := 1; start <= 1000; start += 10 { // opened often, so that files fill over restarts too
		b := open(t, dir, keep)
		for n := start; n < start+10; n++ {
			b.Add(text(n))
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := reopen(t, dir)
	page, total := b.Find("", "", 0, 1)
	if total < keep || total > 2*keep || page[0].Sequence != 1000 {
		t.Errorf("%d messages, newest %d", total, page[0].Sequence)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(paths) > 2 {
		t.Errorf("%d files", len(paths))
	}
}

func TestATornEndIsLostAndOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, 100)
	b.Add(text(1))
	b.Add(text(2))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*"))
	info, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(paths[0], info.Size()-3); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, 100)
	if b.Len() != 1 {
		t.Errorf("%d messages after the tear", b.Len())
	}
	b.Add(text(3))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err := reopen(t, dir).Get(3); err != nil || string(m.Body) != "text 3" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestFindByKeyByMaskedAndByWholeRecipient(t *testing.T) {
	t.Parallel()
	mail := Message{Sequence: 9, Channel: "EMAIL", Key: "2026-11/9/0/0", To: "kim@example.com", Body: []byte("Subject: Bill\r\n\r\nx")}
	b := filled(t, text(1), text(2), mail)
	for query, want := range map[string]int{
		"": 3, "2026-11/2/": 1, "2026-11": 3, "k***@example.com": 1, "KIM@example.com": 1, "kim": 0, "010-1234-0001": 1, "01012340001": 1, "010-****": 2, "none": 0,
	} {
		if _, total := b.Find(query, "", 0, 10); total != want {
			t.Errorf("%q: %d, want %d", query, total, want)
		}
	}
	if page, total := b.Find("", "SMS", 1, 1); total != 2 || len(page) != 1 || page[0].Sequence != 1 {
		t.Errorf("second page of SMS: %d, %+v", total, page)
	}
}

func get(t *testing.T, b *Inbox, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestAPagesTimesNameTheirOffset(t *testing.T) {
	t.Parallel()
	b := filled(t, text(1))
	for path, shown := range map[string]struct {
		pattern *regexp.Regexp
		layout  string
	}{
		"/":           {regexp.MustCompile(`<time [^>]*>([^<]*)</time>`), "2006 Jan 2, 15:04:05 -07:00"},
		"/messages/1": {regexp.MustCompile(`<p class="sent">\d{4}-([^<]*)</p>`), "2006 01-02 15:04:05 -07:00"},
	} {
		found := shown.pattern.FindStringSubmatch(html.UnescapeString(get(t, b, path).Body.String()))
		if found == nil {
			t.Errorf("%s shows no time", path)
		} else if at, err := time.Parse(shown.layout, "2026 "+found[1]); err != nil || !at.Equal(instant) {
			t.Errorf("%s shows %s, want %s: %v", path, found[1], instant, err)
		}
	}
}

const evil = `<script>alert(1)</script>`

func TestPagesNeverExecuteContent(t *testing.T) {
	t.Parallel()
	sms := text(1)
	sms.Key, sms.Body = evil, []byte(evil)
	push := Message{Sequence: 2, Channel: "PUSH", To: evil + "0123456789", Title: evil, Body: []byte(evil)}
	mail := Message{Sequence: 3, Channel: "EMAIL", To: "k@example.com", Body: []byte("Subject: " + evil + "\r\nFrom: " + evil +
		"\r\nContent-Type: text/html\r\n\r\n" + evil)}
	b := filled(t, sms, push, mail)
	for _, path := range []string{"/", "/?q=" + "%3Cscript%3Ealert(1)%3C/script%3E", "/messages/1", "/messages/2", "/messages/3", "/messages/3?view=source", "/messages/x"} {
		w := get(t, b, path)
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s holds a script", path)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	if page := get(t, b, "/messages/3").Body.String(); !strings.Contains(page, `<iframe class="mail" sandbox=""`) {
		t.Error("the e-mail's frame is not sandboxed")
	}
	w := get(t, b, "/messages/3/html")
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox; default-src 'none'") || strings.Contains(policy, "script") {
		t.Errorf("policy of the e-mail %q", policy)
	}
	if w.Body.String() != evil || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the e-mail as it came: %q", w.Body.String())
	}
}

func TestListPagesAndMissingMessage(t *testing.T) {
	t.Parallel()
	var messages []Message
	for n := 1; n <= 120; n++ {
		messages = append(messages, text(n))
	}
	b := filled(t, messages...)
	first, last := get(t, b, "/").Body.String(), get(t, b, "/?page=3").Body.String()
	if !strings.Contains(first, "1–50 of 120") || !strings.Contains(first, `href="/?page=2"`) || !strings.Contains(last, "101–120 of 120") || strings.Contains(last, "Older") {
		t.Error("the pages do not continue each other")
	}
	if code := get(t, b, "/messages/999").Code; code != 404 {
		t.Errorf("a message that is not there: %d", code)
	}
	if empty := get(t, filled(t), "/").Body.String(); !strings.Contains(empty, "No message has arrived yet") {
		t.Error("the empty inbox does not say so")
	}
}

func TestMailPartsAreDecoded(t *testing.T) {
	t.Parallel()
	p := parseMail([]byte("Subject: =?UTF-8?B?7LKt6rWs7ISc?=\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n" +
		"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n" +
		"--a\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=EC=B2=AD\r\n" +
		"--a\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+\r\neDwvcD4=\r\n--a--\r\n" +
		"--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=bill.pdf\r\n\r\nx\r\n--m--\r\n"))
	if p.Subject != "청구서" || p.Text != "청" || p.HTML != "<p>x</p>" || len(p.Attachments) != 1 || p.Attachments[0] != "bill.pdf" {
		t.Errorf("got %+v", p)
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nx\r\n--m--\r\n"))
	f.Add([]byte("Subject: =?UTF-8?B?7LKt?=\r\n\r\nx"))
	f.Fuzz(func(_ *testing.T, data []byte) { parseMail(data); subject(data) })
}

func FuzzReadEntries(f *testing.F) {
	line, err := json.Marshal(entryOf(text(1)))
	if err != nil {
		f.Fatal(err)
	}
	whole := string(line) + "\n" + string(text(1).Body) + "\n"
	f.Add([]byte(whole + whole[:len(whole)-1]))
	f.Add([]byte(`{"sequence":1,"length":9000000000}` + "\nx\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		entries, size := readEntries(bytes.NewReader(file))
		if size > int64(len(file)) || len(entries) > 0 && entries[len(entries)-1].offset+entries[len(entries)-1].Length+1 != size {
			t.Errorf("%d entries take %d of %d bytes", len(entries), size, len(file))
		}
	})
}
