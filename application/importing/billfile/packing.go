package billfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Packing is how a file is compressed.
type Packing string

// The packings. They are recognized by the file's first bytes, never by its name.
const (
	Plain Packing = ""
	Gzip  Packing = "gzip"
	Zstd  Packing = "zstd"
)

// Bounds of what a compressed file may unpack to. Billing data compresses by a factor of five to fifty.
const (
	maxRatio   = 200
	freeBytes  = 64 << 20  // bytes that any file may unpack to, whatever its ratio
	zstdWindow = 128 << 20 // bytes of memory; what `zstd --long` needs
)

// notCSV lists files that people take for CSV, by their first bytes.
var notCSV = []struct{ begin, says string }{
	{"PK\x03\x04", "it is a ZIP archive or an Excel workbook: unpack it, or save it as CSV UTF-8"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an old Excel workbook: save it as CSV UTF-8"},
	{"%PDF-", "it is a PDF"},
	{"BZh", "it is compressed with bzip2: unpack it, or compress it with gzip or zstd"},
	{"\xfd7zXZ\x00", "it is compressed with xz: unpack it, or compress it with gzip or zstd"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive: unpack it"},
	{"PAR1", "it is Parquet: export it as CSV"},
	{"SQLite format 3\x00", "it is a database: export it as CSV"},
	{"<", "it begins like HTML or XML: a page was saved in its place"},
	{"{", "it begins like JSON: export it as CSV"},
}

// packingOf returns how a file is compressed, from how it begins. ErrRefused for files in notCSV.
func packingOf(begin []byte) (Packing, error) {
	switch {
	case bytes.HasPrefix(begin, []byte("\x1f\x8b")):
		return Gzip, nil
	case bytes.HasPrefix(begin, []byte("\x28\xb5\x2f\xfd")):
		return Zstd, nil
	}
	for _, s := range notCSV {
		if bytes.HasPrefix(begin, []byte(s.begin)) {
			return Plain, refuse("%s", s.says)
		}
	}
	return Plain, nil
}

// unpacked reads the content of a compressed file, and refuses a content that is too large for the file.
type unpacked struct {
	from   io.Reader
	packed *counted
	read   int64
	close  func()
}

// counted counts what is read through it, and keeps errors of reading apart from those of unpacking.
type counted struct {
	from io.Reader
	read int64
	err  error
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

func unpack(file io.Reader, packing Packing) (*unpacked, error) {
	packed := &counted{from: file}
	u := &unpacked{from: packed, packed: packed, close: func() {}}
	switch packing {
	case Plain:
	case Gzip:
		reader, err := gzip.NewReader(bufio.NewReaderSize(packed, 64<<10))
		if err != nil {
			return nil, u.damaged(err)
		}
		u.from = reader
	case Zstd:
		reader, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, u.damaged(err)
		}
		u.from, u.close = reader, reader.Close
	}
	return u, nil
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	u.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, u.damaged(err)
	}
	if u.from != u.packed && u.read > freeBytes && u.read > maxRatio*u.packed.read {
		return 0, refuse("the first %d bytes of it become more than %d: no billing data shrinks so far", u.packed.read, u.read)
	}
	return n, err
}

// damaged returns what is wrong with a compressed file, or an error of reading as it is.
func (u *unpacked) damaged(err error) error {
	switch {
	case u.packed.err != nil:
		return fmt.Errorf("read the file: %w", u.packed.err)
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return refuse("its compressed data ends in the middle: it was cut off; copy it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return refuse("it needs more than %d MiB to be unpacked: compress it without a long window", zstdWindow>>20)
	default:
		return refuse("its compressed data is damaged (%v): copy it again", err)
	}
}
