package httpclient

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Call is a request that its caller is writing. Exchange takes it over and uses its memory for later calls, so it must not
// be used afterwards.
type Call struct {
	Body []byte // append to it

	head     []byte // request line and header fields, each with its end of line
	method   string
	key      field
	unusable error
}

// field is a header field.
type field struct{ name, value string }

// calls holds the memory of calls for later ones: thousands wait for their answers at the same time, and hold none.
var calls = sync.Pool{New: func() any { return new(Call) }}

// maxKept bounds the memory that is kept for later calls, in bytes.
const maxKept = 128 << 10

var errUnusable = errors.New("the request line or a header field cannot be written")

// NewCall begins a call. target is the path, with a query or without: what a URL's RequestURI returns.
func (h *Host) NewCall(method, target string) *Call {
	c := h.begin(method, target, h.authority)
	c.Header("User-Agent", "balsong")
	return c
}

// begin writes the request line and the field Host (RFC 9112, 3).
func (h *Host) begin(method, target, authority string) *Call {
	c, _ := calls.Get().(*Call)
	c.method = method
	c.head = append(append(append(c.head, method...), ' '), target...)
	c.head = append(c.head, " HTTP/1.1\r\n"...)
	if !token(method) || method == http.MethodConnect || !strings.HasPrefix(target, "/") || !visible(target) {
		c.unusable = errUnusable
	}
	c.Header("Host", authority)
	return c
}

// Header adds a header field. Content-Length is not for the caller to write, nor is anything about the connection.
func (c *Call) Header(name, value string) {
	c.head = append(append(append(append(c.head, name...), ": "...), value...), "\r\n"...)
	if !token(name) || !printable(value) {
		c.unusable = errUnusable
	}
}

// Key adds a header field that names the call. An answer that repeats the field with another value is for another call:
// it says nothing about this one, whose outcome is then unknown.
func (c *Call) Key(name, value string) {
	c.Header(name, value)
	c.key = field{name, value}
}

// Discard gives up a call that is not made.
func (c *Call) Discard() {
	if cap(c.head)+cap(c.Body) > maxKept {
		return
	}
	*c = Call{head: c.head[:0], Body: c.Body[:0]}
	calls.Put(c)
}

// write sends the request, head and body together: in one system call, or in as few TLS records as they need.
func (c *Call) write(conn *connection) error {
	if len(c.Body) > 0 || (c.method != http.MethodGet && c.method != http.MethodHead) {
		c.head = append(c.head, "Content-Length: "...)
		c.head = append(strconv.AppendInt(c.head, int64(len(c.Body)), 10), "\r\n"...)
	}
	c.head = append(c.head, "\r\n"...)
	if conn.secure {
		c.head = append(c.head, c.Body...)
		_, err := conn.Write(c.head)
		return err
	}
	_, err := (&net.Buffers{c.head, c.Body}).WriteTo(conn.probe.Conn)
	return err
}

// token reports whether s may be a method or the name of a header field (RFC 9110, 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// printable reports whether s may be the value of a header field: nothing in it ends the line.
func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// visible reports whether s is printable ASCII without spaces.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
