// Package acceptlog is the gateway simulator's record of what it truly accepted.
//
// The log is a file of JSON lines. A line with "accepted":true is on the disk
// (fsync) before the caller gets its answer, so a checker can count by it: a
// message that was answered with success is in the log, whatever was killed
// meanwhile. A line with "accepted":false records a refused call; it is written
// but not synced.
//
// A line of the class "report" is something that a vendor says of an accepted
// message later; it is on the disk before it is said. A line of the class
// "report_answered" follows with what the receiver answered; it is not synced. A
// line of the class "looked_up" is what a look-up is answered about a message; it
// is on the disk before the answer.
//
//	{"sequence":7,"time":"2026-11-22T09:00:00.123456789Z","accepted":true,"channel":"SMS",
//	 "vendor":"nhn","idempotency_key":"2026-11/4711/0/0","destination_sha256":"…","content_sha256":"…","dropped":false}
//	{"sequence":8,"time":"…","accepted":false,"channel":"SMS","class":"report", …,
//	 "report":{"id":"7-1","of":7,"result":"undelivered","code":"3001"}}
//	{"sequence":9,"time":"…","accepted":false,"channel":"SMS","class":"report_answered", …,
//	 "report":{"id":"7-1","of":7,"result":"undelivered","code":"3001","status":204}}
//
// Destinations and contents appear only as SHA-256. A process that dies while
// it writes may leave a torn last line, whose caller got no answer: ReadFile
// passes over it, and the next Writer cuts it off, so that a malformed line
// anywhere else is known to be damage.
package acceptlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Hash is a SHA-256 sum, written as 64 hexadecimal digits.
type Hash [sha256.Size]byte

// HashDestination hashes an address as the log does: lower-cased, in UTF-8.
func HashDestination(address string) Hash {
	return sha256.Sum256([]byte(strings.ToLower(address)))
}

// HashContent hashes the content of a message.
func HashContent(content []byte) Hash { return sha256.Sum256(content) }

// String returns the hexadecimal form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hexadecimal form.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads the hexadecimal form.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("a SHA-256 has %d hexadecimal digits, not %d", hex.EncodedLen(len(h)), len(text))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("a SHA-256 in hexadecimal: %w", err)
	}
	return nil
}

// Record is one line of the log: one call that reached the gateway whole.
type Record struct {
	// Sequence counts the lines of one log from 1 on, across restarts.
	Sequence uint64 `json:"sequence"`
	// Time is when the gateway decided, in UTC.
	Time time.Time `json:"time"`
	// Accepted tells whether the gateway took the message.
	Accepted bool `json:"accepted"`
	// Channel is EMAIL, SMS or PUSH.
	Channel string `json:"channel"`
	// Vendor is whose contract the call spoke: smtp, http, twilio, nhn, solapi.
	Vendor string `json:"vendor,omitempty"`
	// Class says how a call was refused: temporary, permanent, throttled,
	// content or invalid; or it is one of those below. Empty when accepted.
	Class string `json:"class,omitempty"`
	// IdempotencyKey is the caller's key, empty when it sent none or when the
	// refusal came before the key (SMTP, at RCPT).
	IdempotencyKey string `json:"idempotency_key"`
	// Destination is HashDestination of the address.
	Destination Hash `json:"destination_sha256"`
	// Content is HashContent: of the data of an e-mail as it came, of the text
	// of an SMS, of title, line feed and text of a push message.
	Content Hash `json:"content_sha256"`
	// Dropped tells that the connection was broken on purpose after accepting.
	Dropped bool `json:"dropped"`
	// Report is what the line says of an earlier accepted message.
	Report *Report `json:"report,omitempty"`
}

// The classes of lines that are about reports.
const (
	ClassReport   = "report"
	ClassAnswered = "report_answered"
	ClassLookedUp = "looked_up"
)

// Report is something that a vendor says of an accepted message.
type Report struct {
	// ID is the same in each line about one report, one that is repeated included.
	ID string `json:"id"`
	// Of is the sequence of the message's line.
	Of uint64 `json:"of"`
	// Result is delivered; undelivered or about_us, which are certain; or uncertain.
	Result string `json:"result"`
	// Code is the vendor's.
	Code string `json:"code"`
	// Status is what the receiver answered, in a line of the class ClassAnswered;
	// 0 is no answer.
	Status int `json:"status,omitempty"`
}

// appendLine appends the record and a line feed. By hand, because the log is on
// the path of every call: encoding/json costs ten times as much here.
func appendLine(b []byte, r *Record) []byte {
	b = append(b, `{"sequence":`...)
	b = strconv.AppendUint(b, r.Sequence, 10)
	b = append(b, `,"time":"`...)
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","accepted":`...)
	b = strconv.AppendBool(b, r.Accepted)
	b = append(b, `,"channel":`...)
	b = appendString(b, r.Channel)
	if r.Vendor != "" {
		b = append(b, `,"vendor":`...)
		b = appendString(b, r.Vendor)
	}
	if r.Class != "" {
		b = append(b, `,"class":`...)
		b = appendString(b, r.Class)
	}
	b = append(b, `,"idempotency_key":`...)
	b = appendString(b, r.IdempotencyKey)
	b = append(b, `,"destination_sha256":"`...)
	b = hex.AppendEncode(b, r.Destination[:])
	b = append(b, `","content_sha256":"`...)
	b = hex.AppendEncode(b, r.Content[:])
	b = append(b, `","dropped":`...)
	b = strconv.AppendBool(b, r.Dropped)
	if r.Report != nil {
		report, _ := json.Marshal(r.Report) // texts and numbers cannot fail
		b = append(append(b, `,"report":`...), report...)
	}
	return append(b, '}', '\n')
}

// appendString appends s as a JSON string. Nearly all are visible ASCII, which
// strconv quotes as JSON does.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			quoted, _ := json.Marshal(s) // a string cannot fail
			return append(b, quoted...)
		}
	}
	return strconv.AppendQuote(b, s)
}
