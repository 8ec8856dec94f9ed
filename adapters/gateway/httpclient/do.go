package httpclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// Do makes one call and returns its answer, as http.Client's method of this name does, for libraries that make the requests
// themselves. The error wraps ErrNotMade or ErrUnknown, and so does the error at the end of a body that is longer than
// Config.MaxBody. The request's body is read whole before anything is sent. Bodies are not unpacked, trailers not sent.
//
// A library may hide the error, as the AWS SDK does when the context has ended: where an error wraps neither, use Record.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	host, call, err := c.callOf(r)
	if err != nil {
		return nil, notMade(err)
	}
	answer, err := host.exchange(r.Context(), call, recordOf(r.Context()))
	if err != nil {
		return nil, err
	}
	return answer.response(r), nil
}

// ownFields are the header fields that the client writes itself, or that concern the connection.
var ownFields = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// keyField is the usual name of the field that names a call.
const keyField = "Idempotency-Key"

var errBodyLength = errors.New("the request's body is not as long as the request says")

func (c *Client) callOf(r *http.Request) (*Host, *Call, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	host, err := c.Host(r.URL)
	if err != nil {
		return nil, nil, err
	}
	method, authority := r.Method, r.Host
	if method == "" {
		method = http.MethodGet
	}
	if authority == "" {
		authority = r.URL.Host
	}
	call := host.begin(method, r.URL.RequestURI(), authority)
	for name, values := range r.Header {
		for _, value := range values {
			if !ownFields[http.CanonicalHeaderKey(name)] {
				call.Header(name, value)
			}
		}
	}
	if key := r.Header.Get(keyField); key != "" {
		call.key = field{keyField, key}
	}
	buffer := bytes.NewBuffer(call.Body)
	_, err = buffer.ReadFrom(body)
	if call.Body = buffer.Bytes(); err == nil && r.ContentLength > 0 && r.ContentLength != int64(len(call.Body)) {
		err = errBodyLength
	}
	if err != nil {
		call.Discard()
		return nil, nil, err
	}
	return host, call, nil
}

func (a Answer) response(r *http.Request) *http.Response {
	response := &http.Response{
		Status: strconv.Itoa(a.Status) + " " + http.StatusText(a.Status), StatusCode: a.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.Header, Request: r,
		Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}
	if a.Truncated {
		response.Body, response.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(a.Body), tooLong{})), -1
	}
	return response
}

// tooLong is what follows in place of the rest of a body that is too long.
type tooLong struct{}

// Read implements io.Reader.
func (tooLong) Read([]byte) (int, error) { return 0, unknown("the answer is too long", nil) }

// Record counts the calls that Do made with a context and of which a byte may have left. Where it is 0 no call was made,
// whatever a library's error says: it may have failed before its request, or have hidden the error of Do.
type Record struct{ calls atomic.Int32 }

type recordKey struct{}

// WithRecord returns a context whose calls by Do the record counts.
func WithRecord(ctx context.Context) (context.Context, *Record) {
	record := new(Record)
	return context.WithValue(ctx, recordKey{}, record), record
}

// Sent is the number of calls so far of which a byte may have left.
func (r *Record) Sent() int { return int(r.calls.Load()) }

func (r *Record) sent() {
	if r != nil {
		r.calls.Add(1)
	}
}

func recordOf(ctx context.Context) *Record {
	record, _ := ctx.Value(recordKey{}).(*Record)
	return record
}
