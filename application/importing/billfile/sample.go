package billfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/transform"
)

// sampleBytes is how much of a file a sample reads, unpacked.
const sampleBytes = 1 << 20

// Sample is the beginning of a file, decoded, and what it says about the file.
type Sample struct {
	Packing  Packing
	Encoding Encoding // what it is read as: asked for, marked, or the one in which all of it is text
	Mark     bool     // it has a byte order mark
	Guessed  bool     // neither asked for nor marked, and not UTF-8
	Text     []byte   // UTF-8; whole lines, unless the file is one line
	Bytes    int      // of the file, unpacked, that Text is made of
	Whole    bool     // it is the whole file
}

// Begin reads the beginning of a file, compressed or not, and never more. ErrRefused if it is no text.
func Begin(file io.Reader, asked Encoding) (Sample, error) {
	var s Sample
	raw := bufio.NewReaderSize(file, 4<<10)
	begin, err := raw.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return s, fmt.Errorf("read the file: %w", err)
	}
	if s.Packing, err = packingOf(begin); err != nil {
		return s, err
	}
	opened, err := unpack(raw, s.Packing)
	if err != nil {
		return s, err
	}
	defer opened.close()
	data, err := io.ReadAll(io.LimitReader(opened, sampleBytes+1))
	if err != nil {
		return s, err
	}
	s.Whole = len(data) <= sampleBytes
	data = data[:min(len(data), sampleBytes)]
	if inner, err := packingOf(data); s.Packing != Plain && (err != nil || inner != Plain) {
		return s, errors.Join(refuse("what was compressed is no text"), err)
	}
	if err := s.decode(data, asked); err != nil {
		return s, err
	}
	switch {
	case len(s.Text) == 0:
		return s, refuse("it is empty")
	case bytes.IndexByte(s.Text, '\n') < 0 && bytes.IndexByte(s.Text, '\r') >= 0:
		return s, refuse("its lines end with a carriage return alone: save it with line breaks (LF or CRLF)")
	}
	return s, nil
}

// decode finds the encoding and decodes the sample.
func (s *Sample) decode(data []byte, asked Encoding) error {
	likely := withoutMark(data)
	if asked == Detected && !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) && likely != "" {
		asked, s.Guessed = likely, true
	}
	encoding, mark, err := chooseEncoding(asked, data)
	if err != nil {
		return err
	}
	s.Encoding, s.Mark = encoding, mark > 0
	if s.Bytes = len(data); !s.Whole {
		if at := bytes.LastIndexByte(data, '\n'); at > 0 {
			s.Bytes = at + 1
			if encoding == UTF16LE {
				s.Bytes = min(at+2, len(data))
			}
		}
	}
	text := data[mark:s.Bytes]
	if asked == Detected && encoding == UTF8 && !s.Mark && !utf8.Valid(text) {
		s.Encoding, s.Guessed = likelyEncoding(text), true
	}
	decoder := s.Encoding.decoder()
	if s.Encoding == EUCKR {
		decoder = korean.EUCKR.NewDecoder()
	}
	if decoder != nil {
		if text, _, err = transform.Bytes(decoder, text); err != nil {
			return refuse("it is no text in %s", s.Encoding)
		}
	}
	s.Text = text
	return nil
}

// likelyEncoding is the encoding in which most lines that are not UTF-8 are text: Korean spreadsheets write EUC-KR, Western ones
// Windows-1252, in which any bytes are text.
func likelyEncoding(text []byte) Encoding {
	var seen lines
	for line := range bytes.Lines(text) {
		seen.add(line)
	}
	if seen.eucKR > seen.none && seen.eucKR >= seen.utf8 {
		return EUCKR
	}
	return Western
}
