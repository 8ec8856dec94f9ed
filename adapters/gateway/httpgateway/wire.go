package httpgateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// maxAnswer bounds an answer including its header, in bytes.
const maxAnswer = maxBody + 32<<10

// keyHeader carries the delivery key, in the request and, if the gateway repeats it, in the answer.
const keyHeader = "Idempotency-Key"

// headOf returns what every request to an endpoint begins with (RFC 9112), up to the value of the idempotency key.
func headOf(endpoint *url.URL, token string) []byte {
	head := "POST " + endpoint.RequestURI() + " HTTP/1.1\r\nHost: " + endpoint.Host +
		"\r\nUser-Agent: balsong\r\nContent-Type: application/json\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return []byte(head + keyHeader + ": ")
}

// write sends one request, head and body together: in one system call, or in as few TLS records as they need.
func (g *Gateway) write(conn *connection, key key.Delivery, body []byte) error {
	head := make([]byte, 0, len(g.head)+128)
	head = append(append(head, g.head...), key.String()...)
	head = append(head, "\r\nContent-Length: "...)
	head = append(strconv.AppendInt(head, int64(len(body)), 10), "\r\n\r\n"...)
	if conn.secure {
		_, err := conn.Write(append(head, body...))
		return err
	}
	_, err := (&net.Buffers{head, body}).WriteTo(conn.probe.Conn)
	return err
}

// answers holds the buffers that answers are read through.
var answers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// post is the request that http.ReadResponse needs to know which answers have a body.
var post = &http.Request{Method: http.MethodPost}

// read reads one answer. reusable reports whether it was read to its end and the gateway keeps the connection open.
//
// The contract lets an answer name its call. One that names another call says nothing about this one.
func (g *Gateway) read(conn *connection, key key.Delivery) (reply port.Reply, reusable bool) {
	reader, _ := answers.Get().(*bufio.Reader)
	defer answers.Put(reader)
	defer reader.Reset(nil)
	reader.Reset(io.LimitReader(conn, maxAnswer))
	response, err := readFinal(reader)
	if err != nil {
		return gateway.Unknown("no answer: " + err.Error()), false
	}
	defer response.Body.Close()
	if named := response.Header.Get(keyHeader); named != "" && named != key.String() {
		return gateway.Unknown("the answer is for another call"), false
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return gateway.Unknown("the answer broke off: " + err.Error()), false
	}
	reply = httpReply(response.StatusCode, response.Header.Get("Retry-After"), answer, g.now())
	return reply, !response.Close && len(answer) <= maxBody && reader.Buffered() == 0
}

// readFinal reads an answer, skipping informational (1xx) ones before it (RFC 9110, 15.2).
func readFinal(reader *bufio.Reader) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(reader, post)
		if err != nil || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
	}
}
