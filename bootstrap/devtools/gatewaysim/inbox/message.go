// Package inbox keeps the last messages that the simulated gateway accepted, on
// disk, and shows them as web pages.
//
// It is for people who want to see what arrived. It is not the record of what
// was accepted (package acceptlog is): it is written after the answer, without
// fsync, and passes over messages that come faster than it can write.
package inbox

import (
	"hash/fnv"
	"os"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/channel"
)

// Message is one accepted message.
type Message struct {
	// Sequence is the message's number in the accept log.
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	// Channel is EMAIL, SMS or PUSH; Class SMS or LMS on the channel SMS.
	Channel string `json:"channel"`
	Class   string `json:"class,omitempty"`
	// Key is the idempotency key, empty when there was none.
	Key string `json:"key,omitempty"`
	// To is the destination. It is stored masked: what a message read back
	// holds is the masked form.
	To string `json:"to"`
	// Title is the subject of an e-mail, the title of a push message, or, of a
	// message read back, the opening words of an SMS.
	Title string `json:"title,omitempty"`
	// Body is the text, or the whole e-mail as it came.
	Body []byte `json:"-"`
}

// Entry is what the inbox knows of a message without reading its body. In the
// file it is a line of JSON; the body follows, and a line feed.
type Entry struct {
	Message
	ToHash uint64 `json:"to_hash"`
	Length int64  `json:"length"` // of the body in bytes

	file   *os.File
	offset int64 // of the body
}

func entryOf(m Message) Entry {
	switch {
	case m.Channel == "EMAIL":
		m.Title = subject(m.Body)
	case m.Channel == "SMS" && m.Title == "":
		m.Title = opening(m.Body)
	}
	e := Entry{Message: m, ToHash: hashTo(m.To), Length: int64(len(m.Body))}
	e.To, e.Body = channel.Mask(m.To), nil
	return e
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

// hashTo lets a whole destination be searched without its being stored, a number with hyphens as one without.
func hashTo(to string) uint64 {
	if !strings.Contains(to, "@") {
		to = strings.ReplaceAll(to, "-", "")
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(to))) // never fails
	return h.Sum64()
}
