// Package billfile reads files of billing data as bytes, before rows are parsed: how a file is compressed and
// encoded, whether it is complete, and whether it stays the same from its first read to the end of its import.
//
// A file is read twice. Inspect reads it to its end and refuses what must not be imported at all. Form.Reader reads it
// again and breaks off if it is no longer what Inspect saw.
package billfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/transform"

	"github.com/balsong/balsong/application/port"
)

// Errors of files.
var (
	// ErrRefused: the file as a whole cannot be trusted; nothing was imported. The text says why, and what to do.
	ErrRefused = fmt.Errorf("%w: nothing of the file was imported", port.ErrInvalid)
	// ErrChanged: the file is no longer what it was.
	ErrChanged = errors.New("the file changed while it was read")
)

// refuse returns an ErrRefused with a reason.
func refuse(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(why, args...))
}

// Form is what Inspect found out about a file.
type Form struct {
	Packing      Packing
	Encoding     Encoding // never Detected or UTF16
	Mark         int      // bytes of its byte order mark; 0: none
	Size         int64    // unpacked bytes
	SHA256       [sha256.Size]byte
	Unterminated bool // its last line has no line break: it may have been cut off
}

// Inspect reads a file to its end and returns its form. asked is the encoding that the user asked for. ErrRefused if
// the file must not be imported; an error of reading is returned as it is.
func Inspect(file io.Reader, asked Encoding) (Form, error) {
	var f Form
	raw := bufio.NewReaderSize(file, 4<<10)
	begin, err := raw.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, fmt.Errorf("read the file: %w", err)
	}
	if f.Packing, err = packingOf(begin); err != nil {
		return f, err
	}
	opened, err := unpack(raw, f.Packing)
	if err != nil {
		return f, err
	}
	defer opened.close()
	sum := &summed{from: opened, hash: sha256.New()}
	text := bufio.NewReaderSize(sum, lineBuffer)
	if begin, err = text.Peek(128); err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	if f.Packing != Plain {
		if inner, err := packingOf(begin); err != nil || inner != Plain {
			return f, errors.Join(refuse("what was compressed is no text"), err)
		}
	}
	if f.Encoding, f.Mark, err = chooseEncoding(asked, begin); err != nil {
		return f, err
	}
	err = f.scan(text, asked)
	f.Size, f.SHA256 = sum.size, [sha256.Size]byte(sum.hash.Sum(nil))
	return f, err
}

// lineBuffer is the longest line whose encoding is examined, in bytes.
const lineBuffer = 256 << 10

// scan reads text to its end and examines every line.
func (f *Form) scan(text *bufio.Reader, asked Encoding) error {
	if _, err := text.Discard(f.Mark); err != nil {
		return err
	}
	if decoder := f.Encoding.decoder(); decoder != nil {
		text = bufio.NewReaderSize(transform.NewReader(text, decoder), lineBuffer)
	}
	var seen lines
	var breaks, returns, size int
	var last byte
	begun := false // what was read before is the beginning of this line
	for {
		line, err := text.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long && !errors.Is(err, io.EOF) {
			return err
		}
		size += len(line)
		if len(line) > 0 {
			last = line[len(line)-1]
		}
		if !long && !begun && f.Encoding.decoder() == nil {
			seen.add(line)
		}
		begun = long
		if last == '\n' && err == nil {
			breaks++
		} else if bytes.IndexByte(line, '\r') >= 0 {
			returns++
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	f.Unterminated = size > 0 && last != '\n'
	switch {
	case size == 0:
		return refuse("it is empty")
	case breaks == 0 && returns > 0:
		return refuse("its lines end with a carriage return alone: save it with line breaks (LF or CRLF)")
	default:
		return seen.check(asked, f.Encoding, f.Mark)
	}
}

// Reader returns a reader of the file from its beginning: unpacked, without its byte order mark, UTF-16 as UTF-8. If
// the file turns out not to be what Inspect saw, reading ends with ErrChanged instead of io.EOF.
func (f Form) Reader(file io.Reader) (io.Reader, error) {
	opened, err := unpack(file, f.Packing)
	if err != nil {
		return nil, errors.Join(ErrChanged, err)
	}
	var text io.Reader = &checked{summed: summed{from: opened, hash: sha256.New()}, want: f, close: opened.close}
	if _, err := io.CopyN(io.Discard, text, int64(f.Mark)); err != nil {
		return nil, err
	}
	if decoder := f.Encoding.decoder(); decoder != nil {
		text = transform.NewReader(text, decoder)
	}
	return text, nil
}

// TextReader is Reader of a file whose text is all decoded into UTF-8, with U+FFFD for bytes that are no text.
func (f Form) TextReader(file io.Reader) (io.Reader, error) {
	text, err := f.Reader(file)
	if err == nil && f.Encoding == EUCKR {
		text = transform.NewReader(text, korean.EUCKR.NewDecoder())
	}
	return text, err
}

// summed counts and hashes what is read through it.
type summed struct {
	from io.Reader
	hash hash.Hash
	size int64
}

// Read implements io.Reader.
func (s *summed) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.size += int64(n)
	s.hash.Write(p[:n])
	return n, err
}

// checked compares what is read with a form.
type checked struct {
	summed
	want  Form
	close func()
	ended bool
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.summed.Read(p)
	switch {
	case c.size > c.want.Size:
		err = fmt.Errorf("%w: it has grown", ErrChanged)
	case errors.Is(err, io.EOF) && c.size < c.want.Size:
		err = fmt.Errorf("%w: it has shrunk", ErrChanged)
	case errors.Is(err, io.EOF) && [sha256.Size]byte(c.hash.Sum(nil)) != c.want.SHA256:
		err = fmt.Errorf("%w: it has another content", ErrChanged)
	case errors.Is(err, ErrRefused):
		err = errors.Join(ErrChanged, err)
	}
	if err != nil && !c.ended {
		c.ended = true
		c.close()
	}
	if errors.Is(err, ErrChanged) {
		return 0, err // what was read last is not to be trusted
	}
	return n, err
}
