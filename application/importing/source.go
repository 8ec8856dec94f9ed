package importing

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
)

// File says what is known about a file of billing data before it is read.
type File struct {
	Name              string                                     // without directories: bills and refused rows are recorded under it
	Encoding          billfile.Encoding                          // what the user asked for
	AllowUnterminated bool                                       // the file is whole although it does not end with a line break
	Mapping           *mapping.Mapping                           // how its columns become those of billing data; nil: it is canonical
	MappingName       string                                     // of the mapping's file, without directories
	MappingText       string                                     // the mapping as its author wrote it, which the month keeps
	ParseMapping      func(text string) (mapping.Mapping, error) // reads such a text; nil: what differs is not named
	Unchanged         func() error                               // returns billfile.ErrChanged if the file changed since it was opened; may be nil
}

// Source is billing data that can be imported once: canonical CSV, or CSV with a mapping; unpacked, without a byte order mark.
type Source struct {
	file  File
	rows  io.Reader
	size  int64 // bytes of rows; 0: not known
	notes []string

	rewind func() error // makes rows begin anew; nil: they can be read once
}

// NewSource returns rows that need no inspection: canonical CSV that a program made.
func NewSource(f File, rows io.Reader) *Source {
	if f.Unchanged == nil {
		f.Unchanged = func() error { return nil }
	}
	return &Source{file: f, rows: rows}
}

// Open inspects a file, compressed or not, to its end before any row of it is imported. billfile.ErrRefused if the file
// as a whole cannot be trusted; billfile.ErrChanged if it changes meanwhile.
func Open(file io.ReadSeeker, f File) (*Source, error) {
	s := NewSource(f, nil)
	if err := s.inspect(file); err != nil {
		return nil, fmt.Errorf("import %s: %w", f.Name, err)
	}
	return s, nil
}

func (s *Source) inspect(file io.ReadSeeker) error {
	asked, err := s.file.encoding()
	if err != nil {
		return err
	}
	form, err := billfile.Inspect(file, asked)
	if err != nil {
		return err
	}
	_, err = file.Seek(0, io.SeekStart)
	if err := errors.Join(err, s.file.Unchanged()); err != nil {
		return err
	}
	reader := form.Reader
	if s.file.Mapping != nil {
		reader = form.TextReader
	}
	s.rewind = func() (err error) {
		if _, err = file.Seek(0, io.SeekStart); err == nil {
			s.rows, err = reader(file)
		}
		return err
	}
	if err = s.rewind(); err != nil {
		return err
	}
	if form.Unterminated && !s.file.AllowUnterminated {
		return fmt.Errorf("%w: it does not end with a line break, so its last row may be incomplete; get the file again, or confirm that it is complete (--allow-unterminated)", billfile.ErrRefused)
	}
	s.size, s.notes = form.Size, notesOf(form)
	s.file.Encoding = form.Encoding
	if s.file.Mapping == nil || s.file.Mapping.OneBill != "customer" {
		return nil
	}
	if err := checkOrder(s); err != nil {
		return err
	}
	return s.rewind()
}

// encoding is what the user asked for, else what the mapping says. A mapping for UTF-8 asks for nothing, so that a file in another
// encoding is refused as a whole, with what to do.
func (f File) encoding() (billfile.Encoding, error) {
	if f.Encoding != billfile.Detected || f.Mapping == nil {
		return f.Encoding, nil
	}
	asked, err := billfile.ParseEncoding(f.Mapping.File.Encoding)
	if err != nil {
		return asked, fmt.Errorf("%w: the mapping's encoding: %w", port.ErrInvalid, err)
	}
	if asked == billfile.UTF8 {
		asked = billfile.Detected
	}
	return asked, nil
}

// Size returns the bytes of the whole file, unpacked; 0 if they are not known.
func (s *Source) Size() int64 { return s.size }

// notesOf returns what a person should know about the file's form.
func notesOf(form billfile.Form) (notes []string) {
	if form.Packing != billfile.Plain {
		notes = append(notes, fmt.Sprintf("the file is compressed with %s: %d bytes unpacked", form.Packing, form.Size))
	}
	if form.Encoding != billfile.UTF8 {
		source := "according to its byte order mark"
		if form.Mark == 0 {
			source = "as requested"
		}
		notes = append(notes, fmt.Sprintf("the file is read as %s, %s", strings.ToUpper(string(form.Encoding)), source))
	}
	return notes
}
