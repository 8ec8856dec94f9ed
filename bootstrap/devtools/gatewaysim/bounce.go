package gatewaysim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// bounce gives a delivery status notification to an LMTP server, as the mail server of the return path does.
func (s *Server) bounce(to string, m sentMessage, r acceptlog.Report) (status int, err error) {
	connection, err := (&net.Dialer{Timeout: reportTimeout}).DialContext(context.Background(), "tcp", strings.TrimPrefix(to, "lmtp://"))
	if err != nil {
		return 0, err
	}
	client := smtp.NewClientLMTP(connection)
	client.CommandTimeout, client.SubmissionTimeout = reportTimeout, reportTimeout
	defer func() { _ = client.Close() }()
	if err := client.Mail("", nil); err != nil {
		return replyCode(err), err
	}
	if err := client.Rcpt(m.from, nil); err != nil {
		return replyCode(err), err
	}
	data, err := client.Data()
	if err != nil {
		return replyCode(err), err
	}
	if _, err := data.Write(notification(m, r)); err != nil {
		return 0, err
	}
	if err := data.Close(); err != nil {
		return replyCode(err), err
	}
	return 250, nil
}

// replyCode is the code of a refusal; 0 where the error is none.
func replyCode(err error) int {
	var refusal *smtp.SMTPError
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	if refusals, ok := errors.AsType[smtp.LMTPDataError](err); ok {
		for _, refusal := range refusals {
			return refusal.Code
		}
	}
	return 0
}

// words are what a receiving mail server says with a status.
var words = map[string]string{
	"5.1.1":  "550 5.1.1 The email account that you tried to reach does not exist",
	"5.1.10": "550 5.1.10 Recipient not found",
	"5.2.2":  "552 5.2.2 The email account that you tried to reach is over quota",
	"5.7.26": "550 5.7.26 This message does not pass authentication checks (SPF and DKIM both do not pass)",
	"4.4.1":  "connect to mx.example.com[192.0.2.25]:25: Connection timed out",
	"2.1.5":  "250 2.1.5 Delivered to the mailbox",
}

// notification is a delivery status notification (RFC 3464). It is the same each time that it is sent.
func notification(m sentMessage, r acceptlog.Report) []byte {
	action := map[string]string{string(behaviour.Uncertain): "delayed", string(behaviour.Arrived): "delivered"}[r.Result]
	if action == "" {
		action = "failed"
	}
	kind := "smtp"
	if action == "delayed" {
		kind = "X-Postfix"
	}
	at := m.at.UTC().Format(time.RFC1123Z)
	var b bytes.Buffer
	boundary := "=_" + r.ID
	for _, line := range []string{
		"From: Mail Delivery System <MAILER-DAEMON@relay.example.com>",
		"To: <" + m.from + ">", "Subject: Delivery Status Notification (" + action + ")", "Date: " + at,
		"Message-ID: <" + r.ID + "@relay.example.com>", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
		`Content-Type: multipart/report; report-type=delivery-status; boundary="` + boundary + `"`, "",
		"This is a MIME-encapsulated message.", "",
		"--" + boundary, "Content-Description: Notification", "Content-Type: text/plain; charset=us-ascii", "",
		"This is the mail system at host relay.example.com.", "", "<" + m.to + ">: " + words[r.Code], "",
		"--" + boundary, "Content-Description: Delivery report", "Content-Type: message/delivery-status", "",
		"Reporting-MTA: dns; relay.example.com", "Arrival-Date: " + at, "",
		"Final-Recipient: rfc822; " + m.to, "Action: " + action, "Status: " + r.Code,
		fmt.Sprintf("Diagnostic-Code: %s; %s", kind, words[r.Code]), "",
		"--" + boundary, "Content-Description: Undelivered Message Headers", "Content-Type: text/rfc822-headers", "",
	} {
		b.WriteString(line + "\r\n")
	}
	b.Write(m.header)
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return b.Bytes()
}

// maxHeader is as much as is kept of an e-mail's header, in bytes.
const maxHeader = 8 << 10

// headerOf is the header of an e-mail, without the empty line.
func headerOf(data []byte) []byte {
	header, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	return append(bytes.Clone(header[:min(len(header), maxHeader)]), "\r\n"...)
}
