package lookstest

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
	"github.com/balsong/balsong/bootstrap/preview"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

func TestThePreviewIsReadableOnEveryScreen(t *testing.T) {
	t.Parallel()
	b := open(t)
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := rendering.LoadTemplates(brokenIdentity{rendering.ShippedFiles()})
	for name, made := range map[string]preview.Bill{"bill": {Title: "Customer 7590-VHVEG, 2026-11, TRANSACTIONAL"}, "wrong": {Title: "Customer 7590-VHVEG", Wrong: wrong}} {
		if made.Wrong == nil {
			if made.Variants, err = words.Statement(rendering.Samples("ko")[0].Bill, rendering.SampleMonth(), policy.Transactional); err != nil {
				t.Fatal(err)
			}
		}
		server := httptest.NewServer(preview.Handler(func() preview.Bill { return made }))
		t.Cleanup(server.Close)
		tab := b.tab(t)
		for _, s := range screens {
			if s.bare {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s", name, s.name), func(t *testing.T) {
				tab.look(t, server.URL+"/", s, "about:srcdoc")
				tab.measured(t).readable(t)
				if s.name == "desktop" && made.Wrong == nil {
					wide := screen{width: 1560}
					tab.look(t, server.URL+"/", wide, "about:srcdoc")
					tab.shot(t, wide, 0.75, "preview")
				}
			})
		}
	}
}

func TestTheInboxIsReadableOnEveryScreen(t *testing.T) {
	t.Parallel()
	b := open(t)
	server := httptest.NewServer(filledInbox(t).Handler())
	t.Cleanup(server.Close)
	tab := b.tab(t)
	style := server.URL + "/inbox.css"
	for _, path := range []string{"/", "/?q=7590-VHVEG", "/messages/1", "/messages/2", "/messages/3", "/messages/4"} {
		for _, s := range screens {
			if s.bare {
				continue
			}
			t.Run(path+", "+s.name, func(t *testing.T) {
				tab.look(t, server.URL+path, s, style, server.URL+path+"/html")
				tab.measured(t).readable(t)
				if s.name == "desktop" && path == "/" {
					tab.shot(t, s, 1, "inbox")
				}
			})
		}
	}
}

// filledInbox has a message of each kind.
func filledInbox(t *testing.T) *inbox.Inbox {
	t.Helper()
	dir := t.TempDir()
	box, err := inbox.Open(dir, 100, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	for i, language := range []string{"en", "ko"} {
		made, err := words.Statement(rendering.Samples(language)[0].Bill, rendering.SampleMonth(), policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		email, sms, push := made[channel.Email], made[channel.SMS], made[channel.Push]
		message := inbox.Message{Time: time.Date(2026, time.November, 22, 9, i, 0, 0, time.UTC), Key: fmt.Sprintf("2026-11/%d/0/0", 4711+i), To: "hana@example.com"}
		for n, of := range []inbox.Message{
			{Channel: "EMAIL", Body: []byte("From: Example Telecom <billing@example.com>\r\nReply-To: help@example.com\r\nSubject: " + email.Subject +
				"\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n" + email.HTML)},
			{Channel: "SMS", Class: sms.Class, Title: sms.Title, Body: []byte(sms.Text)},
			{Channel: "SMS", Class: "LMS", Title: "Example Telecom: Nov bill", Body: []byte(strings.Repeat(sms.Text+"\n", 5))},
			{Channel: "PUSH", Title: push.Title, Body: []byte(push.Text)},
		} {
			of.Sequence, of.Time, of.Key, of.To = uint64(1+n+4*i), message.Time.Add(time.Duration(n)*time.Second), message.Key, message.To
			if of.Channel != "EMAIL" {
				of.To = "01000001234"
			}
			box.Add(of)
		}
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := inbox.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	return read
}
