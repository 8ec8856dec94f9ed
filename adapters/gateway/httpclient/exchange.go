package httpclient

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Answer is the final answer to a call, after any informational (1xx) ones.
type Answer struct {
	Status    int
	Header    http.Header
	Body      []byte // at most Config.MaxBody bytes
	Truncated bool   // there was more of the body
}

// Exchange makes one call and returns its answer, whatever its status. The error wraps ErrNotMade or ErrUnknown. The end of
// the context cuts the call short. It takes the call over.
func (h *Host) Exchange(ctx context.Context, call *Call) (Answer, error) {
	return h.exchange(ctx, call, nil)
}

func (h *Host) exchange(ctx context.Context, call *Call, record *Record) (Answer, error) {
	if err := call.unusable; err != nil {
		call.Discard()
		return Answer{}, notMade(err)
	}
	deadline := time.Now().Add(h.client.config.CallDeadline)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	conn, err := h.connect(ctx, deadline)
	if err != nil {
		call.Discard()
		return Answer{}, notMade(err)
	}
	cut := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // an instant that has passed
	if err := ctx.Err(); err != nil {
		cut()
		_ = conn.Close()
		call.Discard()
		return Answer{}, notMade(err)
	}
	record.sent()
	answer, reusable, err := h.call(conn, call)
	if cut() && reusable {
		h.pool.Put(conn)
	} else {
		_ = conn.Close()
	}
	return answer, err
}

// call sends the request and reads the answer. It gives up the memory of the request as soon as it is written, because
// thousands of calls wait for their answers at the same time. reusable reports whether the answer was read to its end and
// the server keeps the connection open.
func (h *Host) call(conn *connection, call *Call) (answer Answer, reusable bool, err error) {
	method, key := call.method, call.key
	err = call.write(conn)
	call.Discard()
	if err != nil {
		return Answer{}, false, unknown("the request broke off", err)
	}
	conn.probe.AwaitReadable()
	return h.read(conn, method, key)
}

// readers holds the buffers that answers are read through.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

func (h *Host) read(conn *connection, method string, key field) (answer Answer, reusable bool, err error) {
	most := h.client.config.MaxBody
	reader, _ := readers.Get().(*bufio.Reader)
	defer readers.Put(reader)
	defer reader.Reset(nil)
	reader.Reset(io.LimitReader(conn, int64(most+maxHeader)))
	response, err := readFinal(reader, method)
	if err != nil {
		return Answer{}, false, unknown("no answer", err)
	}
	defer response.Body.Close()
	if named := response.Header.Get(key.name); named != "" && named != key.value {
		return Answer{}, false, unknown("the answer is for another call", nil)
	}
	answer = Answer{Status: response.StatusCode, Header: response.Header}
	if answer.Body, err = io.ReadAll(io.LimitReader(response.Body, int64(most+1))); err != nil {
		return Answer{}, false, unknown("the answer broke off", err)
	}
	if answer.Truncated = len(answer.Body) > most; answer.Truncated {
		answer.Body = answer.Body[:most]
	}
	return answer, !response.Close && !answer.Truncated && reader.Buffered() == 0, nil
}

// The requests that http.ReadResponse needs to know which answers have a body.
var (
	requestHead = &http.Request{Method: http.MethodHead}
	requestPost = &http.Request{Method: http.MethodPost}
)

var errHTTP2 = errors.New("the server speaks HTTP/2, which was not offered to it")

// readFinal reads an answer, skipping informational (1xx) ones before it (RFC 9110, 15.2).
func readFinal(reader *bufio.Reader, method string) (*http.Response, error) {
	request := requestPost
	if method == http.MethodHead {
		request = requestHead
	}
	if first, err := reader.Peek(9); err == nil && isSettings(first) {
		return nil, errHTTP2
	}
	for {
		response, err := http.ReadResponse(reader, request)
		if err != nil || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
	}
}

// isSettings reports whether a frame's header is that of SETTINGS, the first frame of every HTTP/2 server (RFC 9113, 3.4, 6.5).
func isSettings(header []byte) bool {
	return header[3] == 0x04 && header[5]|header[6]|header[7]|header[8] == 0
}
