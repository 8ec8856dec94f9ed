// Package inbox keeps the last messages that the simulated gateway accepted, on
// disk, and shows them as web pages.
//
// It is for people who want to see what arrived. It is not the record of what
// was accepted (package acceptlog is): it is written after the answer, without
// fsync, and passes over messages that come faster than it can write.
package inbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"hash/fnv"
	"strings"
	"time"
)

// Message is one accepted message.
type Message struct {
	// Sequence is the message's number in the accept log.
	Sequence uint64
	Time     time.Time
	// Channel is EMAIL, SMS or PUSH; Class SMS or LMS on the channel SMS.
	Channel, Class string
	// Key is the idempotency key, empty when there was none.
	Key string
	// To is the destination. It is stored masked: what a message read back
	// holds is the masked form.
	To string
	// Title is the subject of an e-mail, or the title of a push message.
	Title string
	// Body is the text, or the whole e-mail as it came.
	Body []byte
}

// header is what is stored of a message beside its body.
type header struct {
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Channel  string    `json:"channel"`
	Class    string    `json:"class,omitempty"`
	Key      string    `json:"key,omitempty"`
	To       string    `json:"to"`
	ToHash   uint64    `json:"to_hash"`
	Title    string    `json:"title,omitempty"`
}

// A stored message is a frame: length and CRC-32C of what follows (4 bytes
// each, big endian), the length of the header (4 bytes), the header as JSON,
// the body.
const (
	frameHead = 8
	// maxFrame bounds what is read back, whatever a damaged length says.
	maxFrame = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that a frame is not whole: a crash cut its write short.
var errTorn = errors.New("the stored message is not whole")

func appendFrame(b []byte, h header, body []byte) ([]byte, error) {
	meta, err := json.Marshal(h)
	if err != nil {
		return b, err
	}
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(meta)+len(body)))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(meta)))
	b = append(append(b, meta...), body...)
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(b[start+frameHead:], castagnoli))
	return b, nil
}

// frameLength reads the length of the whole frame from its first 8 bytes.
func frameLength(head []byte) (int64, error) {
	payload := int64(binary.BigEndian.Uint32(head))
	if payload < 4 || payload > maxFrame {
		return 0, errTorn
	}
	return frameHead + payload, nil
}

// parseFrame takes a whole frame apart.
func parseFrame(frame []byte) (header, []byte, error) {
	var h header
	if len(frame) < frameHead+4 || binary.BigEndian.Uint32(frame[4:]) != crc32.Checksum(frame[frameHead:], castagnoli) {
		return h, nil, errTorn
	}
	payload := frame[frameHead:]
	metaLength := int64(binary.BigEndian.Uint32(payload))
	if metaLength > int64(len(payload)-4) {
		return h, nil, errTorn
	}
	if err := json.Unmarshal(payload[4:4+metaLength], &h); err != nil {
		return h, nil, errTorn
	}
	return h, payload[4+metaLength:], nil
}

// opening returns the first words of a text, for a line of the list.
func opening(text []byte) string {
	const longest = 80 // runes
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "�")), "\n")
	if runes := []rune(line); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return line
}

// hashTo lets a whole destination be searched without its being stored.
func hashTo(to string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(to))) // never fails
	return h.Sum64()
}
