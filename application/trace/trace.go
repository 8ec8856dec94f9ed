// Package trace says to which trace a bill's steps belong and which of them are recorded (ADR 0054). The trace's id follows
// from the bill's identity, so that every process knows it and nothing has to be stored or passed on.
package trace

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Installation reads the id of an installation, which is a part of the ids of its traces. retry repeats what it is given while
// the database is down.
func Installation(ctx context.Context, from port.Installation, retry func(context.Context, func(context.Context) error) error) (id string, err error) {
	err = retry(ctx, func(ctx context.Context) error {
		id, err = from.ID(ctx)
		return err
	})
	return id, err
}

// OfBill returns the trace of a bill, or of a copy, in an installation.
func OfBill(installation string, t key.Target) (id port.TraceID) {
	text := make([]byte, 0, 96)
	text = append(text, "balsong trace "...)
	text = append(text, installation...)
	text = append(text, '/')
	text = append(text, t.String()...)
	sum := sha256.Sum256(text)
	copy(id[:], sum[:])
	return id
}

// Span returns the id of a span: the same one for the same trace and number, and others for other numbers.
func Span(id port.TraceID, number uint64) (span port.SpanID) {
	// The finalizer of splitmix64: a bijection, so that different numbers give different ids.
	n := binary.BigEndian.Uint64(id[:8]) ^ number
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	if n ^= n >> 31; n == 0 { // which no span may have
		n = 1
	}
	binary.BigEndian.PutUint64(span[:], n)
	return span
}

// Step tells spans of one trace apart that began at the same instant.
type Step uint8

// The steps that have a number of their own: there are 16. StepWhole is a process's first span of a trace.
const (
	StepWhole         Step = 0
	StepOfDelivery    Step = 1 // and the six behind it
	StepProcessResult Step = 8
	StepSettle        Step = 9
	StepSendResult    Step = 15
)

// SpanAt returns the id of the span of a step that began at an instant, in nanoseconds of Unix's time. These leave the four bits of a
// step unchanged for 36 years.
func SpanAt(id port.TraceID, step Step, began int64) port.SpanID {
	return Span(id, uint64(began)+uint64(step)<<60)
}

// Publication returns the id of the span in which a run publishes a delivery's request: copies of the request have the same.
func Publication(id port.TraceID, k key.Delivery, runID int64) port.SpanID {
	return Span(id, uint64(uint16(k.Attempt))<<48^uint64(uint16(k.Round))<<32^uint64(runID))
}

// Parent writes a W3C traceparent of version 00.
func Parent(c port.SpanContext) string {
	text := make([]byte, 0, parentLength)
	text = append(text, "00-"...)
	text = hex.AppendEncode(text, c.Trace[:])
	text = append(text, '-')
	text = hex.AppendEncode(text, c.Span[:])
	if c.Sampled {
		return string(append(text, "-01"...))
	}
	return string(append(text, "-00"...))
}

// parentLength is how long a traceparent of version 00 is.
const parentLength = 55

// ParseParent reads a traceparent of version 00; false where it is none.
func ParseParent(s string) (c port.SpanContext, ok bool) {
	if len(s) != parentLength || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return c, false
	}
	var flags [1]byte
	if !decode(c.Trace[:], s[3:35]) || !decode(c.Span[:], s[36:52]) || !decode(flags[:], s[53:]) {
		return port.SpanContext{}, false
	}
	c.Sampled = flags[0]&1 == 1
	return c, c.Trace != port.TraceID{} && c.Span != port.SpanID{}
}

// decode reads lower-case hexadecimal digits, as the header has them.
func decode(into []byte, text string) bool {
	bad := byte(0)
	for i := range into {
		high, low := digits[text[2*i]], digits[text[2*i+1]]
		into[i], bad = high<<4|low, bad|high|low
	}
	return bad < notADigit
}

// notADigit is what digits has for every other byte.
const notADigit = 0x80

// digits are the values of the lower-case hexadecimal digits.
var digits = func() (values [256]byte) {
	for c := range values {
		values[c] = notADigit
	}
	for value, c := range []byte("0123456789abcdef") {
		values[c] = byte(value)
	}
	return values
}()
