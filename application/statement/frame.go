package statement

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// What is sealed is framed in binary: numbers as unsigned varints, texts with their length in bytes in front. JSON costs
// Delivery as much for one statement as its decryption does.
//
//	statement: frameVersion, month, user id, number of variants;
//	           for each, in the order of channel.All: kind, class, subject, title, unsubscribe, bytes of HTML, bytes of text;
//	           then the HTML and the text of each, one behind the other
//	reference: frameVersion, bucket, key, offset, length, SHA-256
const frameVersion = 1

var errFrame = errors.New("it is not framed as it should be")

func appendText[T ~string | ~[]byte](frame []byte, text T) []byte {
	return append(binary.AppendUvarint(frame, uint64(len(text))), text...)
}

// frameReader reads a frame from its front. From the first thing that is not there, everything it returns is zero.
type frameReader struct {
	rest   []byte
	failed bool
}

// number reads a number of at most limit.
func (r *frameReader) number(limit uint64) uint64 {
	n, size := binary.Uvarint(r.rest)
	if r.failed || size <= 0 || n > limit {
		r.rest, r.failed = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// bytes reads n bytes; they share the frame's memory.
func (r *frameReader) bytes(n uint64) []byte {
	if r.failed || n > uint64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *frameReader) text() string { return string(r.bytes(r.number(math.MaxInt64))) }

// end tells whether all was there, and nothing else.
func (r *frameReader) end() bool { return !r.failed && len(r.rest) == 0 }

// encode appends a statement in clear.
func encode(plain []byte, statement port.Statement) ([]byte, error) {
	for kind := range statement.Variants {
		if !kind.Valid() {
			return nil, fmt.Errorf("%w: a variant for the unknown channel %q", port.ErrContent, kind)
		}
	}
	plain = append(plain, frameVersion)
	plain = binary.AppendUvarint(plain, uint64(statement.Target.Month))
	plain = binary.AppendUvarint(plain, uint64(statement.Target.UserID))
	plain = binary.AppendUvarint(plain, uint64(len(statement.Variants)))
	for _, kind := range channel.All {
		v, there := statement.Variants[kind]
		if !there {
			continue
		}
		for _, text := range []string{string(kind), v.Class, v.Subject, v.Title, v.Unsubscribe} {
			plain = appendText(plain, text)
		}
		plain = binary.AppendUvarint(plain, uint64(len(v.HTML)))
		plain = binary.AppendUvarint(plain, uint64(len(v.Text)))
	}
	for _, kind := range channel.All {
		plain = append(append(plain, statement.Variants[kind].HTML...), statement.Variants[kind].Text...)
	}
	return plain, nil
}

// decode copies the variants of some channels out of plain; of all where none is named.
func decode(plain []byte, kinds []channel.Kind) (port.Statement, error) {
	type head struct {
		kind       channel.Kind
		variant    port.Variant
		html, text uint64
	}
	r := frameReader{rest: plain}
	if r.number(math.MaxUint8) != frameVersion {
		return port.Statement{}, errFrame
	}
	statement := port.Statement{Target: key.Target{Month: key.Month(r.number(math.MaxInt32)), UserID: int64(r.number(math.MaxInt64))}}
	heads := make([]head, r.number(uint64(len(channel.All))))
	for i := range heads {
		h := head{kind: channel.Kind(r.text()), variant: port.Variant{Class: r.text(), Subject: r.text(), Title: r.text(), Unsubscribe: r.text()}}
		h.html, h.text = r.number(maxStatement), r.number(maxStatement)
		if !h.kind.Valid() || slices.ContainsFunc(heads[:i], func(o head) bool { return o.kind == h.kind }) {
			return port.Statement{}, errFrame
		}
		heads[i] = h
	}
	statement.Variants = make(map[channel.Kind]port.Variant, len(heads))
	for _, h := range heads {
		html, text := r.bytes(h.html), r.bytes(h.text)
		if len(kinds) > 0 && !slices.Contains(kinds, h.kind) {
			continue
		}
		h.variant.HTML, h.variant.Text = string(html), string(text)
		statement.Variants[h.kind] = h.variant
	}
	if !r.end() || statement.Target.Month == 0 || statement.Target.UserID == 0 {
		return port.Statement{}, errFrame
	}
	return statement, nil
}

// encodeReference writes where a statement lies.
func encodeReference(ref port.StatementRef) []byte {
	frame := make([]byte, 0, len(ref.Bucket)+len(ref.Key)+len(ref.SHA256)+16)
	frame = append(frame, frameVersion)
	frame = appendText(appendText(frame, ref.Bucket), ref.Key)
	frame = binary.AppendUvarint(frame, uint64(ref.Offset))
	frame = binary.AppendUvarint(frame, uint64(ref.Length))
	return appendText(frame, ref.SHA256)
}

// decodeReference is the way back.
func decodeReference(plain []byte) (port.StatementRef, error) {
	r := frameReader{rest: plain}
	if r.number(math.MaxUint8) != frameVersion {
		return port.StatementRef{}, errFrame
	}
	ref := port.StatementRef{
		Bucket: r.text(), Key: r.text(), Offset: int64(r.number(math.MaxInt64)), Length: int64(r.number(math.MaxInt64)),
		SHA256: bytes.Clone(r.bytes(r.number(math.MaxInt64))),
	}
	if !r.end() {
		return port.StatementRef{}, errFrame
	}
	return ref, nil
}
