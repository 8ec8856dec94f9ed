package statement

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// FuzzDecodeStatement: what is taken for a statement is written and read as the same statement.
func FuzzDecodeStatement(f *testing.F) {
	target := key.Target{Month: 24322, UserID: 1}
	for _, statement := range []port.Statement{
		{Target: target},
		{Target: target, Variants: map[channel.Kind]port.Variant{
			channel.Email: {Subject: "s", HTML: "h", Text: "t", Unsubscribe: "u"}, channel.SMS: {Class: "LMS", Text: "text"}, channel.Push: {Title: "t", Text: "b"},
			channel.AlimTalk: {Text: "t", Template: `{"codes":{"nhn":"a"}}`},
		}},
	} {
		plain, err := encode(nil, statement)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
		f.Add(plain[:len(plain)-1])
		f.Add(append(plain, 0))
	}
	f.Add([]byte{})
	f.Add([]byte("\x02\x01\x01\x02\x03SMS\x00\x00\x00\x00\x00\x00\x03SMS\x00\x00\x00\x00\x00\x00")) // the same channel twice
	f.Add([]byte("\x02\x01\x01\x01\x03FAX\x00\x00\x00\x00\x00\x00"))                                // an unknown one
	f.Add([]byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00"))                           // a month out of range
	f.Add([]byte("\x02\x01\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))                       // a text longer than memory
	f.Fuzz(func(t *testing.T, plain []byte) {
		statement, err := decode(plain, nil)
		if err != nil {
			return
		}
		if _, err := key.ParseMonth(statement.Target.Month.String()); err != nil {
			return // nobody's: Open refuses it
		}
		written, err := encode(nil, statement)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(written, nil)
		if err != nil || !reflect.DeepEqual(again, statement) {
			t.Fatalf("%q is %+v, written as %q it is %+v (%v)", plain, statement, written, again, err)
		}
	})
}

// FuzzOpenStatement: what a ciphertext holds, compressed or not, is a statement of the target or ErrContent.
func FuzzOpenStatement(f *testing.F) {
	target, cipher := key.Target{Month: 24322, UserID: 1}, memory.NewCipher()
	purpose := port.Purpose{Kind: port.KindStatement, Target: target}
	for _, plain := range [][]byte{nil, []byte("x"), {0x28, 0xb5, 0x2f, 0xfd}} {
		f.Add(plain)
	}
	if sealed, err := Seal(port.Statement{Target: target}, cipher); err == nil {
		compressed, _ := cipher.Open(sealed, purpose)
		f.Add(compressed)
	}
	f.Fuzz(func(t *testing.T, compressed []byte) {
		sealed, err := cipher.Seal(compressed, purpose)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := Open(sealed, target, cipher)
		if err != nil && !errors.Is(err, port.ErrContent) || err == nil && statement.Target != target {
			t.Fatalf("%+v, %v", statement, err)
		}
	})
}

// FuzzOpenReference: what a ciphertext holds is a reference, which is written and read as the same, or ErrContent.
func FuzzOpenReference(f *testing.F) {
	target, cipher := key.Target{Month: 24322, UserID: 1}, memory.NewCipher()
	whole := encodeReference(port.StatementRef{Bucket: "b", Key: "k", Offset: 1, Length: 2, SHA256: []byte{0}})
	for _, plain := range [][]byte{whole, whole[:len(whole)-1], append(whole, 0), {}, {frameVersion}, {frameVersion + 1}} {
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		sealed, err := cipher.Seal(plain, port.Purpose{Kind: port.KindStatementRef, Target: target})
		if err != nil {
			t.Fatal(err)
		}
		ref, err := OpenReference(sealed, target, cipher)
		if err != nil {
			if !errors.Is(err, port.ErrContent) {
				t.Fatal(err)
			}
			return
		}
		if sealed, err = SealReference(ref, target, cipher); err != nil {
			t.Fatal(err)
		}
		again, err := OpenReference(sealed, target, cipher)
		if err != nil || again.Bucket != ref.Bucket || again.Key != ref.Key || again.Offset != ref.Offset || again.Length != ref.Length || !bytes.Equal(again.SHA256, ref.SHA256) {
			t.Fatalf("%q is %+v and then %+v (%v)", plain, ref, again, err)
		}
	})
}
