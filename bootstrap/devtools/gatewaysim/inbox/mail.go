package inbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// mailParts is what the pages show of an e-mail.
type mailParts struct {
	Subject, From, ReplyTo, To, Date string
	// Unsubscribe is List-Unsubscribe, as it came.
	Unsubscribe string
	// HTML and Text are the first parts of these types, empty if there is none.
	HTML, Text string
	// Attachments are the names of the parts that are neither.
	Attachments []string
}

const (
	// maxPart bounds a decoded part in bytes.
	maxPart = 4 << 20
	// maxParts and maxDepth bound how much of a message is taken apart.
	maxParts = 50
	maxDepth = 5
)

var words = mime.WordDecoder{}

// subject returns the decoded subject of an e-mail, empty if it cannot be read.
func subject(data []byte) string {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return ""
	}
	return decodeHeader(message.Header.Get("Subject"))
}

// parseMail takes an e-mail apart as far as it can be.
func parseMail(data []byte) mailParts {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return mailParts{Text: strings.ToValidUTF8(string(data), "�")}
	}
	p := mailParts{
		Subject: decodeHeader(message.Header.Get("Subject")),
		From:    decodeHeader(message.Header.Get("From")),
		ReplyTo: decodeHeader(message.Header.Get("Reply-To")),
		To:      decodeHeader(message.Header.Get("To")),
		Date:    message.Header.Get("Date"),

		Unsubscribe: message.Header.Get("List-Unsubscribe"),
	}
	left := maxParts
	p.add(message.Header.Get, message.Body, 0, &left)
	return p
}

// add takes one part apart; get returns its header fields.
func (p *mailParts) add(get func(string) string, body io.Reader, depth int, left *int) {
	if *left--; *left < 0 || depth > maxDepth {
		return
	}
	kind, parameters, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil || *left <= 0 {
				return
			}
			p.add(part.Header.Get, part, depth+1, left)
		}
	}
	disposition, dispositionParameters, err := mime.ParseMediaType(get("Content-Disposition"))
	attached := err == nil && disposition == "attachment"
	switch {
	case kind == "text/html" && p.HTML == "" && !attached:
		p.HTML = decodeBody(get("Content-Transfer-Encoding"), body)
	case kind == "text/plain" && p.Text == "" && !attached:
		p.Text = decodeBody(get("Content-Transfer-Encoding"), body)
	default:
		name := dispositionParameters["filename"]
		if name == "" {
			name = kind
		}
		p.Attachments = append(p.Attachments, name)
	}
}

func decodeBody(encoding string, body io.Reader) string {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, _ := io.ReadAll(io.LimitReader(body, maxPart)) // what could be decoded is shown
	return strings.ToValidUTF8(string(data), "�")
}

func decodeHeader(value string) string {
	decoded, err := words.DecodeHeader(value)
	if err != nil {
		decoded = value
	}
	return strings.ToValidUTF8(decoded, "�")
}
