package importing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of a record. A longer line is refused; the reader goes on with the next one.
const (
	maxRecord  = 64 << 10             // bytes of one record
	maxRefused = 2*maxRecord + 16<<10 // the same in a rejects.csv, where columns and quotes were added
	maxFields  = 200
)

// record is one record of a CSV file. Its bytes belong to the splitter and are valid until the next call of next.
type record struct {
	line    int      // the line on which it begins, from 1
	fields  [][]byte // as RFC 4180 splits and unquotes them
	problem string   // why it is malformed, in which case fields are a guess; "" otherwise

	more   [][][]byte // by a mapping: the further rows of the same bill
	faults faults     // by a mapping: values that it cannot read
}

// splitter splits a file into records by RFC 4180, and does not let one broken quote swallow what follows: a malformed
// record ends with its line. A record of several lines is accepted only if it closes its quotes properly within the
// bound and has as many fields as the header. Otherwise only its first line is malformed, and the lines behind it are
// records of their own. So a quoted line break cannot smuggle a record in, and a stray quote costs one line.
type splitter struct {
	from    io.Reader
	buffer  []byte // bytes read and not consumed
	read    int64  // bytes taken from the reader
	line    int    // lines consumed
	want    int    // fields of the header; 0: none read yet
	formula bool   // ="00123" is a quoted field, as spreadsheets write it
	loose   bool   // a record of several lines may have any number of fields: the header is being looked for
	most    int    // the most bytes of one record
	end     error  // why there is no more to read: io.EOF, or an error

	separator byte
	ends      string // the bytes that end a field without quotes

	scratch [][]byte
	unquote []byte
}

func newSplitter(from io.Reader) *splitter { return newSplitterAt(from, ',') }

// newSplitterAt splits a file whose fields are separated by something else than commas.
func newSplitterAt(from io.Reader, separator byte) *splitter {
	return &splitter{from: from, most: maxRecord, separator: separator, ends: string(separator) + "\r\n"}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// fill reads until the buffer has n bytes or there is no more.
func (s *splitter) fill(n int) {
	for len(s.buffer) < n && s.end == nil {
		if cap(s.buffer)-len(s.buffer) < 16<<10 {
			grown := make([]byte, len(s.buffer), 2*maxRefused)
			copy(grown, s.buffer)
			s.buffer = grown
		}
		got, err := s.from.Read(s.buffer[len(s.buffer):cap(s.buffer)])
		s.buffer = s.buffer[:len(s.buffer)+got]
		s.read += int64(got)
		s.end = err
	}
}

// next returns the next record that is not empty; io.EOF behind the last one. Another error means that reading failed;
// the records before it are sound.
func (s *splitter) next() (record, error) {
	for {
		line, size, long, err := s.peekLine()
		if err != nil {
			return record{}, err
		}
		start := s.line + 1
		if long {
			r := record{line: start, fields: bytes.Split(bytes.Clone(line), []byte{s.separator}), problem: fmt.Sprintf("the line has more than %d bytes (only its beginning is kept)", s.most)}
			return r, s.skipLine()
		}
		if len(line) == 0 {
			s.consume(size)
			continue
		}
		fields, _, problem := s.split(line, false)
		if problem == unclosed {
			if r, ok := s.severalLines(start); ok {
				return r, nil
			}
			problem = "a quoted field is not closed on its line"
		}
		if problem != "" {
			fields = s.guess(line)
		}
		s.consume(size)
		return record{line: start, fields: fields, problem: problem}, nil
	}
}

// peekLine returns the next line without its line break, and its size with it. long reports that the line exceeds the
// bound; then only its beginning is returned.
func (s *splitter) peekLine() (line []byte, size int, long bool, err error) {
	for searched := 0; ; {
		if at := bytes.IndexByte(s.buffer[searched:], '\n'); at >= 0 {
			size = searched + at + 1
			break
		}
		searched = len(s.buffer)
		if searched > s.most {
			return s.buffer[:s.most], 0, true, nil
		}
		if s.end != nil {
			if searched == 0 || !errors.Is(s.end, io.EOF) {
				return nil, 0, false, s.end // a line that an error of reading cut off is not to be trusted
			}
			size = searched
			break
		}
		s.fill(searched + 1)
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(s.buffer[:size], []byte{'\n'}), []byte{'\r'})
	if len(line) > s.most {
		return line[:s.most], 0, true, nil
	}
	return line, size, false, nil
}

// skipLine drops a line that is too long, however long it is.
func (s *splitter) skipLine() error {
	for {
		if at := bytes.IndexByte(s.buffer, '\n'); at >= 0 {
			s.consume(at + 1)
			return nil
		}
		s.buffer = s.buffer[:0]
		s.fill(1)
		if len(s.buffer) == 0 {
			s.line++
			if errors.Is(s.end, io.EOF) {
				return nil
			}
			return s.end
		}
	}
}

// consume drops size bytes, which end with a line or with the file.
func (s *splitter) consume(size int) {
	s.line += max(bytes.Count(s.buffer[:size], []byte{'\n'}), 1)
	s.buffer = s.buffer[size:]
}

// severalLines returns a record whose quotes contain line breaks, if it is well-formed.
func (s *splitter) severalLines(start int) (record, bool) {
	if s.want == 0 && !s.loose {
		return record{}, false
	}
	s.fill(s.most)
	window := s.buffer[:min(len(s.buffer), s.most)]
	fields, rest, problem := s.split(window, true)
	if problem != "" || len(fields) != s.want && !s.loose {
		return record{}, false
	}
	s.consume(len(window) - len(rest))
	return record{line: start, fields: fields}, true
}

// unclosed is the problem of text that ends inside quotes.
const unclosed = "unclosed"

// split splits the first record of a text into fields; rest is what follows. several allows line breaks inside quotes.
func (s *splitter) split(text []byte, several bool) (fields [][]byte, rest []byte, problem string) {
	s.scratch, s.unquote = s.scratch[:0], s.unquote[:0]
	for {
		if len(s.scratch) == maxFields {
			return nil, text, fmt.Sprintf("it has more than %d fields", maxFields)
		}
		var field []byte
		if s.formula && bytes.HasPrefix(text, []byte(`="`)) {
			text = text[1:]
		}
		if len(text) > 0 && text[0] == '"' {
			if field, text, problem = s.quoted(text[1:], several); problem != "" {
				return nil, text, problem
			}
		} else {
			end := bytes.IndexAny(text, s.ends)
			if end < 0 {
				end = len(text)
			}
			field, text = text[:end], text[end:]
			if bytes.IndexByte(field, '"') >= 0 {
				return nil, text, "a quote stands inside a field that is not quoted"
			}
		}
		s.scratch = append(s.scratch, field)
		switch {
		case len(text) == 0:
			return s.scratch, nil, ""
		case text[0] == s.separator:
			text = text[1:]
		case text[0] == '\n':
			return s.scratch, text[1:], ""
		case bytes.HasPrefix(text, []byte("\r\n")):
			return s.scratch, text[2:], ""
		case text[0] == '\r':
			return nil, text, "a carriage return stands alone"
		default:
			return nil, text, "text follows a closing quote"
		}
	}
}

// guess splits a malformed line: a field whose quotes are in order is unquoted, any other ends at the next comma and
// keeps its quotes.
func (s *splitter) guess(line []byte) [][]byte {
	var fields [][]byte
	s.unquote = s.unquote[:0]
	for {
		if len(line) > 0 && line[0] == '"' {
			field, rest, problem := s.quoted(line[1:], false)
			if problem == "" && (len(rest) == 0 || rest[0] == s.separator) {
				fields = append(fields, field)
				if len(rest) == 0 {
					return fields
				}
				line = rest[1:]
				continue
			}
		}
		field, rest, more := bytes.Cut(line, []byte{s.separator})
		fields = append(fields, field)
		if !more {
			return fields
		}
		line = rest
	}
}

// quoted reads a quoted field after its opening quote.
func (s *splitter) quoted(text []byte, several bool) (field, rest []byte, problem string) {
	start := len(s.unquote)
	for {
		end := bytes.IndexByte(text, '"')
		if end < 0 {
			return nil, nil, unclosed
		}
		if !several && bytes.IndexByte(text[:end], '\n') >= 0 {
			return nil, nil, unclosed
		}
		s.unquote = append(s.unquote, text[:end]...)
		text = text[end+1:]
		if len(text) == 0 || text[0] != '"' {
			return s.unquote[start:len(s.unquote):len(s.unquote)], text, ""
		}
		s.unquote = append(s.unquote, '"')
		text = text[1:]
	}
}
