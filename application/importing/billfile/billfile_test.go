package billfile_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"

	"github.com/balsong/balsong/application/importing/billfile"
)

const plain = "customer_number,name\nC-1,김하나\nC-2,똠방각하\n"

func zipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

func zstandard(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(data, nil)
}

func eucKR(text string) []byte {
	out, err := korean.EUCKR.NewEncoder().Bytes([]byte(text))
	if err != nil {
		panic(err)
	}
	return out
}

func utf16(text string, order unicode.Endianness, mark unicode.BOMPolicy) []byte {
	out, _ := unicode.UTF16(order, mark).NewEncoder().Bytes([]byte(text))
	return out
}

func TestTheCompressionAndEncodingOfAFileAreDetected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file     []byte
		asked    billfile.Encoding
		packing  billfile.Packing
		encoding billfile.Encoding
		read     []byte
	}{
		"UTF-8":                      {[]byte(plain), "", "", billfile.UTF8, []byte(plain)},
		"UTF-8 with a mark":          {[]byte("\ufeff" + plain), "", "", billfile.UTF8, []byte(plain)},
		"UTF-8, a mark, asked":       {[]byte("\ufeff" + plain), billfile.UTF8, "", billfile.UTF8, []byte(plain)},
		"EUC-KR, asked":              {eucKR(plain), billfile.EUCKR, "", billfile.EUCKR, eucKR(plain)},
		"EUC-KR of ASCII alone":      {[]byte("a,b\n"), billfile.EUCKR, "", billfile.EUCKR, []byte("a,b\n")},
		"UTF-16LE by its mark":       {utf16(plain, unicode.LittleEndian, unicode.UseBOM), "", "", billfile.UTF16LE, []byte(plain)},
		"UTF-16BE by its mark":       {utf16(plain, unicode.BigEndian, unicode.UseBOM), billfile.UTF16, "", billfile.UTF16BE, []byte(plain)},
		"UTF-16LE without, asked":    {utf16(plain, unicode.LittleEndian, unicode.IgnoreBOM), billfile.UTF16LE, "", billfile.UTF16LE, []byte(plain)},
		"gzip":                       {zipped([]byte(plain)), "", billfile.Gzip, billfile.UTF8, []byte(plain)},
		"gzip in two members":        {append(zipped([]byte("a,b\n")), zipped([]byte(plain))...), "", billfile.Gzip, billfile.UTF8, []byte("a,b\n" + plain)},
		"gzip of EUC-KR, asked":      {zipped(eucKR(plain)), billfile.EUCKR, billfile.Gzip, billfile.EUCKR, eucKR(plain)},
		"zstd of UTF-16":             {zstandard(utf16(plain, unicode.LittleEndian, unicode.UseBOM)), "", billfile.Zstd, billfile.UTF16LE, []byte(plain)},
		"one byte that is no UTF-8":  {[]byte("a,b\n1,\xff\n"), "", "", billfile.UTF8, []byte("a,b\n1,\xff\n")},
		"Latin-1 is no EUC-KR":       {[]byte("a,b\n1,M\xfcller\n"), "", "", billfile.UTF8, []byte("a,b\n1,M\xfcller\n")},
		"a row of EUC-KR among many": {append([]byte(plain), eucKR("C-3,김\n")...), "", "", billfile.UTF8, append([]byte(plain), eucKR("C-3,김\n")...)},
		"compressible, but not much": {zipped(bytes.Repeat([]byte("a,b\n"), 1<<20)), "", billfile.Gzip, billfile.UTF8, bytes.Repeat([]byte("a,b\n"), 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := billfile.Inspect(bytes.NewReader(c.file), c.asked)
			if err != nil || form.Packing != c.packing || form.Encoding != c.encoding || form.Unterminated {
				t.Fatalf("%+v, %v", form, err)
			}
			reader, err := form.Reader(iotest.HalfReader(bytes.NewReader(c.file)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, c.read) {
				t.Errorf("read %d bytes %.80q, %v; want %d bytes %.80q", len(got), got, err, len(c.read), c.read)
			}
		})
	}
}

func TestFilesThatCannotBeTrustedAreRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	whole := zipped([]byte(strings.Repeat(plain, 100)))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1
	for name, c := range map[string]struct {
		file  []byte
		asked billfile.Encoding
		says  string
	}{
		"empty":                       {nil, "", "it is empty"},
		"empty behind its mark":       {[]byte("\ufeff"), "", "it is empty"},
		"empty gzip":                  {zipped(nil), "", "it is empty"},
		"EUC-KR":                      {eucKR(plain), "", "--encoding euc-kr"},
		"UTF-8 as EUC-KR":             {[]byte(plain), billfile.EUCKR, "leave --encoding away"},
		"a UTF-8 mark, EUC-KR asked":  {[]byte("\ufeffa,b\n"), billfile.EUCKR, "leave --encoding away"},
		"UTF-16LE, BE asked":          {utf16(plain, unicode.LittleEndian, unicode.UseBOM), billfile.UTF16BE, "byte order mark says utf-16le"},
		"UTF-16 without a mark":       {utf16(plain, unicode.LittleEndian, unicode.IgnoreBOM), "", "--encoding utf-16le"},
		"UTF-16BE without a mark":     {utf16(plain, unicode.BigEndian, unicode.IgnoreBOM), "", "--encoding utf-16be"},
		"UTF-16 asked, without mark":  {utf16(plain, unicode.BigEndian, unicode.IgnoreBOM), billfile.UTF16, "no byte order mark"},
		"UTF-32":                      {[]byte("\xff\xfe\x00\x00a\x00\x00\x00"), "", "UTF-32"},
		"lines that end with CR":      {[]byte("a,b\r1,2\r"), "", "carriage return alone"},
		"ZIP or Excel":                {[]byte("PK\x03\x04...."), "", "Excel"},
		"old Excel":                   {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...."), "", "Excel"},
		"HTML":                        {[]byte("<html>"), "", "HTML"},
		"gzip of gzip":                {zipped(zipped([]byte(plain))), "", "no text"},
		"gzip that was cut off":       {whole[:len(whole)/2], "", "cut off"},
		"gzip cut off in its head":    {whole[:5], "", "cut off"},
		"gzip cut off in its tail":    {whole[:len(whole)-3], "", "cut off"},
		"gzip with a wrong checksum":  {flipped, "", "damaged"},
		"gzip with a tail of its own": {append(bytes.Clone(whole), "and more text"...), "", "damaged"},
		"zstd that was cut off":       {zstandard([]byte(strings.Repeat(plain, 100)))[:40], "", "cut off"},
		"a gzip bomb":                 {zipped(make([]byte, 80<<20)), "", "no billing data shrinks so"},
		"a zstd bomb":                 {zstandard(make([]byte, 80<<20)), "", "no billing data shrinks so"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := billfile.Inspect(bytes.NewReader(c.file), c.asked)
			if !errors.Is(err, billfile.ErrRefused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
}

func TestAFileThatChangedSinceItsInspectionIsRefused(t *testing.T) {
	t.Parallel()
	for _, pack := range []func([]byte) []byte{bytes.Clone, zipped, zstandard} {
		form, err := billfile.Inspect(bytes.NewReader(pack([]byte(plain))), "")
		if err != nil {
			t.Fatal(err)
		}
		for name, file := range map[string][]byte{
			"grown": pack([]byte(plain + "C-3,x\n")), "shrunk": pack([]byte(plain[:20])), "another": pack([]byte(strings.Replace(plain, "C-2", "C-9", 1))),
			"cut off": pack([]byte(plain))[:15], "empty": nil,
		} {
			reader, err := form.Reader(bytes.NewReader(file))
			if err == nil {
				_, err = io.Copy(io.Discard, reader)
			}
			if !errors.Is(err, billfile.ErrChanged) {
				t.Errorf("%s %s: %v, want ErrChanged", form.Packing, name, err)
			}
		}
	}
}

func TestAMissingLastLineBreakIsReported(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{"a,b\n1,2": true, "a,b\n1,2\n": false, "a,b\r\n1,2\r\n": false, "a": true} {
		if form, err := billfile.Inspect(strings.NewReader(file), ""); err != nil || form.Unterminated != want {
			t.Errorf("%q: %+v, %v", file, form, err)
		}
	}
}

func TestAnErrorOfReadingIsReturnedAsItIs(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk")
	for _, begin := range [][]byte{nil, []byte(plain), zipped([]byte(plain))[:20]} {
		_, err := billfile.Inspect(io.MultiReader(bytes.NewReader(begin), iotest.ErrReader(broken)), "")
		if !errors.Is(err, broken) || errors.Is(err, billfile.ErrRefused) {
			t.Errorf("behind %d bytes: %v", len(begin), err)
		}
	}
}

func TestEncodingsHaveTheirNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]billfile.Encoding{"": "", "UTF-8": billfile.UTF8, "cp949": billfile.EUCKR, "EUC-KR": billfile.EUCKR, "utf-16le": billfile.UTF16LE} {
		if got, err := billfile.ParseEncoding(name); err != nil || got != want {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	if _, err := billfile.ParseEncoding("latin-1"); err == nil || !strings.Contains(err.Error(), "euc-kr") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestTextIsDecodedAndEncodedFieldByField(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "Kim", "김하나", "똠방각하 펲시콜라"} {
		if got, ok := billfile.EUCKR.Text(billfile.EUCKR.Bytes(text)); !ok || got != text {
			t.Errorf("%q became %q, %v", text, got, ok)
		}
	}
	if got := billfile.EUCKR.Bytes("김😀!"); !bytes.Equal(got, append(eucKR("김"), "?!"...)) {
		t.Errorf("%q", got)
	}
	for encoding, bad := range map[billfile.Encoding]string{billfile.EUCKR: "\xff", billfile.UTF8: "\xff", billfile.UTF16LE: "\ufffd"} {
		if text, ok := encoding.Text([]byte(bad)); ok {
			t.Errorf("%s: %q", encoding, text)
		}
	}
}

// FuzzInspect: whatever a file is, a first look at it ends with a form or a refusal; what has a form is read again to
// its end, as Inspect counted it, and plain text is read as it is.
func FuzzInspect(f *testing.F) {
	for _, file := range [][]byte{
		[]byte(plain), eucKR(plain), utf16(plain, unicode.LittleEndian, unicode.UseBOM), utf16(plain, unicode.BigEndian, unicode.IgnoreBOM),
		zipped([]byte(plain)), zstandard([]byte(plain)), []byte("\ufeffa\r\n"), []byte("a\rb\r"), zipped(zipped(nil)),
	} {
		for _, asked := range []string{"", "euc-kr", "utf-16"} {
			f.Add(file, asked)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, name string) {
		asked, err := billfile.ParseEncoding(name)
		if err != nil {
			return
		}
		form, err := billfile.Inspect(bytes.NewReader(file), asked)
		if err != nil {
			if !errors.Is(err, billfile.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if again, err := billfile.Inspect(iotest.OneByteReader(bytes.NewReader(file)), asked); err != nil || again != form {
			t.Fatalf("a second look: %+v, %v; the first: %+v", again, err, form)
		}
		reader, err := form.Reader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if form.Packing == billfile.Plain && (form.Encoding == billfile.UTF8 || form.Encoding == billfile.EUCKR) && !bytes.Equal(read, file[form.Mark:]) {
			t.Fatalf("read %q of %q", read, file)
		}
	})
}

// FuzzEncodingText: a field that has a text has it again after it was written.
func FuzzEncodingText(f *testing.F) {
	f.Add(eucKR("김하나, C-1"), true)
	f.Add([]byte("\xff\x81A\xc9"), true)
	f.Add([]byte("김"), false)
	f.Fuzz(func(t *testing.T, field []byte, korean bool) {
		encoding := map[bool]billfile.Encoding{true: billfile.EUCKR, false: billfile.UTF8}[korean]
		text, ok := encoding.Text(field)
		if !ok {
			return
		}
		if again, ok := encoding.Text(encoding.Bytes(text)); !ok || again != text {
			t.Fatalf("%q is %q and then %q (%v)", field, text, again, ok)
		}
	})
}

func ExampleInspect() {
	form, err := billfile.Inspect(bytes.NewReader(zipped(eucKR("customer_number,name\nC-1,김하나\n"))), billfile.EUCKR)
	fmt.Println(form.Packing, form.Encoding, form.Size, err)
	// Output: gzip euc-kr 32 <nil>
}
