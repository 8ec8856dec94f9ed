package statement_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// packed is a statement's text as it is compressed.
func packed(text string) []byte { return s2.Encode(nil, []byte(text)) }

func TestOnlyTheTargetsOwnStatementOpens(t *testing.T) {
	t.Parallel()
	november, cipher := key.Month(2026*12+10), memory.NewCipher()
	own, other := key.Target{Month: november, UserID: 1}, key.Target{Month: november, UserID: 2}
	seal := func(plain []byte) []byte {
		sealed, _ := cipher.Seal(plain, port.Purpose{Kind: port.KindStatement, Target: own})
		return sealed
	}
	short := port.Statement{Target: own, Variants: map[channel.Kind]port.Variant{channel.SMS: {Text: "<청구>", Class: "SMS"}}}
	good, err := statement.Seal(short, cipher)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := statement.Open(good, own, cipher); err != nil || got.Variants[channel.SMS].Text != "<청구>" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := statement.Open(good, other, cipher); !errors.Is(err, port.ErrContent) {
		t.Errorf("another target's: %v", err)
	}
	if _, err := statement.Open(good, own, memory.NewCipher()); !errors.Is(err, port.ErrUnknownKey) {
		t.Errorf("another key: %v", err)
	}
	const head = "\x02\x82\xbe\x01\x01" // the version, November 2026, customer 1
	message := func(channel, class, text string) string {
		return fmt.Sprintf("%c%s%c%s\x00\x00\x00\x00%c%s", len(channel), channel, len(class), class, len(text), text)
	}
	if _, err := statement.Open(seal(packed(head+"\x01"+message("SMS", "SMS", "ab"))), own, cipher); err != nil {
		t.Errorf("one framed by hand: %v", err)
	}
	for name, plain := range map[string][]byte{
		"not compressed": []byte(head + "\x00"), "another version": packed("\x01\x82\xbe\x01\x01\x00"), "empty": packed(""),
		"compressed and cut": packed(head + "\x01" + message("SMS", "SMS", "ab"))[:8],
		"another owner":      packed("\x02\x82\xbe\x01\x02\x00"),
		"nobody's":           packed("\x02\x82\xbe\x01\x00\x00"),
		"an unknown channel": packed(head + "\x01" + message("FAX", "SMS", "a")),
		"a channel twice":    packed(head + "\x02" + message("SMS", "SMS", "a") + message("SMS", "SMS", "b")),
		"too short":          packed(strings.TrimSuffix(head+"\x01"+message("SMS", "SMS", "ab"), "b")),
		"too long":           packed(head + "\x01" + message("SMS", "SMS", "a") + "b"),
		"too many":           packed(head + "\x7f" + message("SMS", "SMS", "a")),
		"a bomb":             packed(head + "\x00" + strings.Repeat("0", 2<<20)),
	} {
		if _, err := statement.Open(seal(plain), own, cipher); !errors.Is(err, port.ErrContent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := port.Statement{Target: own, Variants: map[channel.Kind]port.Variant{
		channel.Email: {Subject: "청구서", HTML: "<p>\n청구</p>", Text: "청구\n"},
		channel.SMS:   {Text: "청구", Class: "LMS"}, channel.Push: {Title: "청구", Text: "bill"},
		channel.AlimTalk: {Text: "청구", Template: `{"codes":{"nhn":"BILL"}}`},
	}}
	sealed, err := statement.Seal(whole, cipher)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := statement.Open(sealed, own, cipher); err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%+v came back as %+v, %v", whole, got, err)
	}
	if got, err := statement.Open(sealed, own, cipher, channel.SMS); err != nil || len(got.Variants) != 1 || got.Variants[channel.SMS] != whole.Variants[channel.SMS] {
		t.Errorf("the text message alone came back as %+v, %v", got, err)
	}
	long := short
	long.Variants = map[channel.Kind]port.Variant{channel.Email: {HTML: strings.Repeat("x", 1<<20)}}
	if _, err := statement.Seal(long, cipher); !errors.Is(err, port.ErrContent) {
		t.Errorf("a statement that could not be opened was sealed: %v", err)
	}
}
