package smtp

import (
	"bufio"
	"bytes"
	_ "embed"
	"io"
	"net/textproto"
	"strings"
	"testing"
)

// statementMail is a bill of the shipped templates, as it was received.
//
//go:embed testdata/statement.eml
var statementMail []byte

func TestAMessageArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		string(statementMail), "", "text", "text\n", "a\nb\r\n", ".", ".\r\n", "a\r\n.\r\n..b\r\nc", "\r\n.\r\nQUIT\r\n", "a\n.\nb", "\n", "a.b\r\n", "a\r",
	} {
		checkData(t, message)
	}
}

func FuzzAMessageArrivesAsItWasWritten(f *testing.F) {
	f.Add("a: b\r\n\r\n.\r\n..x")
	f.Add("\n.\n\r.\r\n.")
	f.Fuzz(func(t *testing.T, message string) { checkData(t, message) })
}

// checkData reads back what appendData wrote: nothing but the line ends may differ, and nothing may follow the end.
func checkData(t *testing.T, message string) {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(append(appendData(nil, []byte(message)), "NOOP\r\n"...)))
	got, err := io.ReadAll(textproto.NewReader(reader).DotReader())
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	want := strings.ReplaceAll(message, "\r\n", "\n")
	if want != "" && !strings.HasSuffix(want, "\n") {
		want = strings.TrimSuffix(want, "\r") + "\n" // CR LF that was cut in two
	}
	if string(got) != want {
		t.Errorf("%q is read back as %q", message, got)
	}
	if next, err := reader.ReadString('\n'); next != "NOOP\r\n" {
		t.Errorf("%q: %q follows the message (%v)", message, next, err)
	}
}

func BenchmarkAStatementForTheWire(b *testing.B) {
	if !bytes.Contains(statementMail, []byte("\n.")) {
		b.Fatal("no line begins with a dot: this is not the case that was slow")
	}
	b.Run("one pass", func(b *testing.B) {
		b.SetBytes(int64(len(statementMail)))
		for b.Loop() {
			_ = appendData(make([]byte, 0, len(statementMail)+len(statementMail)/64+16), statementMail)
		}
	})
	b.Run("textproto", func(b *testing.B) {
		writer := textproto.NewWriter(bufio.NewWriter(io.Discard))
		b.SetBytes(int64(len(statementMail)))
		for b.Loop() {
			dots := writer.DotWriter()
			_, _ = dots.Write(statementMail)
			_ = dots.Close()
		}
	})
}
