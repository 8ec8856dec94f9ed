package lmtp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

func references(t testing.TB, secret string) *reference.References {
	t.Helper()
	r, err := reference.New("prod42", secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func delivery(t testing.TB) key.Delivery {
	t.Helper()
	d, err := key.ParseDelivery("2026-11/4711/0/0")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// far is a mail server that gives its mail to ours.
type far struct {
	mu        sync.Mutex
	address   string
	own       *reference.References
	reports   []report.Report
	results   []lmtp.Result
	problem   error // of the last one
	fails     error
	panics    bool
	meanwhile func() // while a mail is stored; nil: nothing
	unknown   bool   // references are not known yet
}

func (f *far) finder() reference.Finder {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unknown {
		return nil
	}
	return f.own
}

func (f *far) receive(_ context.Context, reports []report.Report) error {
	if f.meanwhile != nil {
		f.meanwhile()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("no such index")
	}
	if f.fails == nil {
		f.reports = append(f.reports, reports...)
	}
	return f.fails
}

func (f *far) observe(o lmtp.Observation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.results, f.problem = append(f.results, o.Result), o.Problem
}

func serve(t testing.TB) *far {
	t.Helper()
	f, _ := serving(t)
	return f
}

// serving also returns the server, which stops at the end of the test at the latest.
func serving(t testing.TB) (*far, *lmtp.Server) {
	t.Helper()
	f := &far{own: references(t, "a-secret-of-32-characters-or-more")}
	server := lmtp.New(lmtp.Config{
		Domain: "bounces.example.com", Finder: f.finder, Complaints: []string{"complaints@example.com"}, Provider: "smtp",
		Receive: f.receive, Observe: f.observe,
	})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := server.Serve(listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		done.Wait()
	})
	f.address = listener.Addr().String()
	return f, server
}

// give gives our server a mail, and returns the code with which it was refused; 0: it was taken.
func (f *far) give(t testing.TB, to, mail string) int {
	t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	client := smtp.NewClientLMTP(conn)
	defer client.Close()
	code := func(err error) int {
		if refused, is := errors.AsType[*smtp.SMTPError](err); is {
			return refused.Code
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	if err := client.Mail("", nil); err != nil {
		t.Fatal(err)
	}
	if refused := code(client.Rcpt(to, nil)); refused != 0 {
		return refused
	}
	body, err := client.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Write([]byte(strings.ReplaceAll(mail, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	_, err = body.CloseWithLMTPResponse()
	return code(err)
}

const bounced = `From: MAILER-DAEMON@mx.example.net
Content-Type: multipart/report; report-type=delivery-status; boundary=b
MIME-Version: 1.0

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; kim@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--b--
`

const vacation = `From: kim@example.net
Subject: Out of office
Auto-Submitted: auto-replied
Content-Type: text/plain

I am away until Monday.
`

func complaint(from string) string {
	return `From: fbl@example.net
Content-Type: multipart/report; report-type=feedback-report; boundary=b
MIME-Version: 1.0

--b
Content-Type: text/plain

A complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1
Version: 1
--b
Content-Type: message/rfc822

Return-Path: <` + from + `>
From: bills@example.com
Subject: November

A bill.
--b--
`
}

// returning is a bounce that returns the header of our message to an address.
func returning(to string) string {
	return strings.TrimSuffix(bounced, "--b--\n") + "--b\nContent-Type: text/rfc822-headers\n\nFrom: bills@example.com\nTo: " + to + "\nSubject: November\n\n--b--\n"
}

func TestABounceOfAnotherRecipientIsNotDefinitive(t *testing.T) {
	t.Parallel()
	for to, definitive := range map[string]bool{
		"<kim@example.net>":                  true,
		"Kim <KIM@example.net>":              true,
		"<lee@example.org>":                  false,
		"<kim@example.net>, lee@example.org": true, // no message of ours has two
		"undisclosed-recipients:;":           true,
	} {
		f, about := serve(t), delivery(t)
		if refused := f.give(t, "bounces+"+f.own.To(about)+"@bounces.example.com", returning(to)); refused != 0 {
			t.Fatalf("%s: refused with %d", to, refused)
		}
		f.mu.Lock()
		if len(f.reports) != 1 || f.reports[0].Kind != report.Undelivered || f.reports[0].Definitive != definitive {
			t.Errorf("%s: %+v, want definitive %t", to, f.reports, definitive)
		}
		f.mu.Unlock()
	}
}

func TestABounceIsStoredForTheDeliveryThatItsAddressNames(t *testing.T) {
	t.Parallel()
	f, about := serve(t), delivery(t)
	to := "bounces+" + f.own.To(about) + "@bounces.example.com"
	for range 2 { // its repetition has the same id
		if refused := f.give(t, to, bounced); refused != 0 {
			t.Fatalf("refused with %d", refused)
		}
	}
	want := report.Report{Key: about, Provider: "smtp", Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true, Code: "5.1.1"}
	for _, r := range f.reports {
		if err := r.Validate(); err != nil || r.ID != f.reports[0].ID || strings.Contains(r.Detail, "kim") {
			t.Errorf("%+v (%v)", r, err)
		}
		if r.ID, r.Detail = "", ""; r != want {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if len(f.reports) != 2 {
		t.Errorf("%d reports", len(f.reports))
	}
}

func TestEachMailHasItsDefinedEnd(t *testing.T) {
	t.Parallel()
	about := delivery(t)
	own := references(t, "a-secret-of-32-characters-or-more")
	bounces := func(r *reference.References) string { return "bounces+" + r.To(about) + "@bounces.example.com" }
	foreign := references(t, "another-secret-of-32-characters-or-so")
	for name, c := range map[string]struct {
		to, mail string
		change   func(*far)
		refused  int
		result   lmtp.Result
		kind     report.Kind // "": nothing is stored
	}{
		"a vacation reply":          {to: bounces(own), mail: vacation, result: lmtp.Ignored},
		"no report":                 {to: bounces(own), mail: "Subject: hello\n\nhello\n", result: lmtp.Ignored},
		"empty":                     {to: bounces(own), mail: "", result: lmtp.Ignored},
		"an address that is forged": {to: bounces(foreign), mail: bounced, refused: 550, result: lmtp.Foreign},
		"an address without a key":  {to: "bounces@bounces.example.com", mail: bounced, refused: 550, result: lmtp.Foreign},
		"no database":               {to: bounces(own), mail: bounced, change: func(f *far) { f.fails = errors.New("no database") }, refused: 451, result: lmtp.Failed},
		"before it knows its keys":  {to: bounces(own), mail: bounced, change: func(f *far) { f.unknown = true }, refused: 451},
		"a complaint":               {to: "Complaints@example.com", mail: complaint(bounces(own)), result: lmtp.Stored, kind: report.Complained},
		"another's complaint":       {to: "complaints@example.com", mail: complaint(bounces(foreign)), result: lmtp.Ignored},
		"a bounce as a complaint":   {to: "complaints@example.com", mail: strings.Replace(bounced, "--b--", "--b\nContent-Type: text/rfc822-headers\n\nReturn-Path: <"+bounces(own)+">\n\n--b--", 1), result: lmtp.Ignored},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t)
			if c.change != nil {
				c.change(f)
			}
			refused := f.give(t, c.to, c.mail)
			f.mu.Lock()
			defer f.mu.Unlock()
			if refused != c.refused {
				t.Errorf("refused with %d, want %d", refused, c.refused)
			}
			if c.result == "" && len(f.results) > 0 || c.result != "" && (len(f.results) != 1 || f.results[0] != c.result) {
				t.Errorf("results %v, want %q", f.results, c.result)
			}
			if c.kind == "" && len(f.reports) > 0 || c.kind != "" && (len(f.reports) != 1 || f.reports[0].Kind != c.kind || f.reports[0].Key != about) {
				t.Errorf("%+v, want %q", f.reports, c.kind)
			}
		})
	}
}

// Whoever writes a mail chooses what it quotes: a report that cannot be kept would be asked for again and again.
func TestABounceWhoseMessageIDIsTooLongIsStoredWithoutIt(t *testing.T) {
	t.Parallel()
	f, about := serve(t), delivery(t)
	quoting := func(id string) string {
		return strings.Replace(bounced, "--b--", "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <"+id+"@example.com>\n\n--b--", 1)
	}
	for _, id := range []string{"1", strings.Repeat("1", 250)} {
		if refused := f.give(t, "b+"+f.own.To(about)+"@bounces.example.com", quoting(id)); refused != 0 {
			t.Fatalf("refused with %d", refused)
		}
	}
	for i, want := range []string{"<1@example.com>", ""} {
		if r := f.reports[i]; r.MessageID != want || r.Validate() != nil {
			t.Errorf("%+v, %v", r, r.Validate())
		}
	}
}

// What a forwarding mailbox could not forward may lie in that mailbox.
func TestABounceBehindAForwardIsNotDefinitive(t *testing.T) {
	t.Parallel()
	f, about := serve(t), delivery(t)
	forwarded := strings.Replace(bounced, "Final-Recipient:", "Original-Recipient: rfc822; lee@example.com\nFinal-Recipient:", 1)
	several := strings.Replace(bounced, "--b--", "\nFinal-Recipient: rfc822; lee@example.org\nAction: relayed\nStatus: 2.0.0\n--b--", 1)
	for _, mail := range []string{forwarded, several} {
		if refused := f.give(t, "b+"+f.own.To(about)+"@bounces.example.com", mail); refused != 0 {
			t.Fatalf("refused with %d", refused)
		}
	}
	if len(f.reports) != 1 || f.reports[0].Definitive {
		t.Errorf("%+v", f.reports)
	}
}

func TestAnErrorOfThisProgramIsSeenAndTheMailServerComesAgain(t *testing.T) {
	t.Parallel()
	f := serve(t)
	f.panics = true
	if code := f.give(t, f.own.To(delivery(t))+"@bounces.example.com", bounced); code != 451 {
		t.Errorf("answered with %d", code)
	}
	if f.problem == nil || !strings.Contains(f.problem.Error(), "server_test.go") || strings.Contains(f.problem.Error(), "no such index") {
		t.Errorf("seen: %v", f.problem)
	}
}

// Mail servers keep a connection for the next mail, for minutes.
func TestAShutdownDoesNotWaitForConnectionsWithoutAMail(t *testing.T) {
	t.Parallel()
	f, server := serving(t)
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	client := smtp.NewClientLMTP(conn)
	defer client.Close()
	if err := client.Hello("mx.example.com"); err != nil {
		t.Fatal(err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := client.Noop(); err == nil {
		t.Error("the connection is still open")
	}
}

func TestAShutdownWaitsForAMailUnderWay(t *testing.T) {
	t.Parallel()
	f, server := serving(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	f.meanwhile = func() {
		close(entered)
		<-leave
	}
	stopped := make(chan error, 1)
	go func() {
		<-entered
		go func() { stopped <- server.Shutdown(context.Background()) }()
		for { // until it takes no more
			conn, err := net.Dial("tcp", f.address)
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		close(leave)
	}()
	if code := f.give(t, f.own.To(delivery(t))+"@bounces.example.com", bounced); code != 0 {
		t.Errorf("the mail under way is answered with %d", code)
	}
	if err := <-stopped; err != nil || len(f.reports) != 1 {
		t.Errorf("%v, %d reports", err, len(f.reports))
	}
}
