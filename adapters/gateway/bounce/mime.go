package bounce

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"
)

// opened is a mail taken apart as far as reports need it.
type opened struct {
	header   fields
	text     string // what people read, without the message that is returned
	charset  string // of text: what the status is written in where it says nothing of its own
	status   []byte // of message/delivery-status
	feedback []byte // of message/feedback-report
	quoted   fields // the header of the message that is returned
	report   bool   // the mail, or a part of it, is a multipart/report
	nested   bool   // a multipart/report within another
	receipt  bool   // it has a message/disposition-notification
	parts    int
	html     string // used where no part is plain text
}

func open(raw []byte) *opened {
	m := &opened{}
	header, body := readFields(bytes.TrimLeft(raw, "\r\n"))
	m.header = header
	m.add(header, body, 0, false)
	if strings.TrimSpace(m.text) == "" {
		m.text = string(begin([]byte(m.html), maxText))
	}
	m.text = strings.ReplaceAll(m.text, "\r", "")
	return m
}

// add takes one part in: leaves by their type, multiparts by what they are made of.
func (m *opened) add(header fields, body []byte, depth int, inReport bool) {
	if m.parts++; m.parts > maxParts || depth > maxDepth {
		return
	}
	kind, params := contentType(header.get("content-type"))
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		isReport := kind == "multipart/report"
		m.report, m.nested = m.report || isReport, m.nested || isReport && inReport
		for _, part := range split(body, params["boundary"]) {
			header, body := readFields(part)
			m.add(header, body, depth+1, inReport || isReport)
		}
		return
	}
	body = decodeTransfer(header.get("content-transfer-encoding"), body)
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		if m.status == nil {
			m.status = body
		}
	case "message/feedback-report":
		if m.feedback == nil {
			m.feedback = body
		}
	case "message/disposition-notification", "message/global-disposition-notification":
		// One that a server sends by itself is a refusal of RFC 5429, or says nothing; its words tell.
		m.receipt = !bytes.Contains(bytes.ToLower(body), []byte("automatic-action"))
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers", "message/partial":
		if m.quoted == nil {
			m.quoted, _ = readFields(bytes.TrimLeft(body, "\r\n"))
		}
	case "text/html":
		if m.html == "" {
			m.html = withoutTags(decodeText(begin(body, maxHTML), params["charset"]))
		}
	default:
		if (kind == "" || strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "multipart/")) && len(m.text) < maxText {
			m.text += decodeText(begin(body, maxText), params["charset"]) + "\n"
			m.charset = params["charset"]
		}
	}
}

// begin is as much of a text as is read, in whole lines if it has any: where a line ends no letter is cut, in any charset.
func begin(text []byte, limit int) []byte {
	if len(text) > limit {
		text = text[:limit]
		if end := bytes.LastIndexByte(text, '\n'); end > 0 {
			text = text[:end]
		}
	}
	return text
}

var boundaryIn = regexp.MustCompile(`(?i)boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))`)

// contentType is the type in lower case with its parameters, as far as they can be read.
func contentType(value string) (string, map[string]string) {
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || params == nil {
		params = map[string]string{}
		kind, _, _ = strings.Cut(value, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if found := boundaryIn.FindStringSubmatch(value); found != nil {
			params["boundary"] = found[1] + found[2]
		}
	}
	return kind, params
}

// split returns the parts of a multipart: each ends at the next boundary, the last one where the mail ends if it was cut off.
func split(body []byte, boundary string) (parts [][]byte) {
	delimiter, start, at := []byte("--"+strings.TrimRight(boundary, " \t")), -1, 0
	for at < len(body) && len(parts) < maxParts {
		end := len(body)
		if next := bytes.IndexByte(body[at:], '\n'); next >= 0 {
			end = at + next + 1
		}
		line := bytes.TrimRight(body[at:end], "\r\n \t")
		last := bytes.Equal(line, append(delimiter[:len(delimiter):len(delimiter)], "--"...))
		if last || bytes.Equal(line, delimiter) {
			if start >= 0 {
				parts = append(parts, body[start:at])
			}
			if start = end; last {
				return parts
			}
		}
		at = end
	}
	if start >= 0 && start < len(body) && len(parts) < maxParts {
		parts = append(parts, body[start:])
	}
	return parts
}

// decodeTransfer undoes a transfer encoding. What is broken stays as it is, or ends where it breaks.
func decodeTransfer(encoding string, body []byte) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r <= ' ' || r > '~' {
				return -1
			}
			return r
		}, body)
		decoded, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(clean)))
		return decoded
	case "quoted-printable":
		if decoded, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body))); err == nil {
			return decoded
		}
	}
	return body
}

var (
	notText  = regexp.MustCompile(`(?is)<(?:style|script|head|title)\b.*?</(?:style|script|head|title)\s*>`)
	newLines = regexp.MustCompile(`(?i)</?(?:br|p|div|tr|table|li|ul|h[1-6]|pre)\b[^>]*>`)
	tags     = regexp.MustCompile(`<[/!A-Za-z][^<>@]*>`) // an address in angle brackets is none
)

// withoutTags is the text of an HTML page.
func withoutTags(page string) string {
	page = newLines.ReplaceAllString(notText.ReplaceAllString(page, " "), "\n")
	return html.UnescapeString(tags.ReplaceAllString(page, " "))
}
