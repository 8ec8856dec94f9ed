package porttest

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// HTTPSettings changes how a scripted gateway for SMS and push answers.
type HTTPSettings struct {
	TLS bool // TLS 1.3 with session tickets
	// Greeting is written on each new connection before a request is read.
	Greeting string
	// Early writes the answer as soon as the request's header has been read.
	Early bool
	// Contract is what the provider speaks; nil: the contract of docs/contract/http-gateway.md.
	Contract *HTTPContract
	// Answer, if not nil, returns what is written for the n-th call, from 1, instead of the usual answer: each piece in one
	// write, which over TLS is one record. A piece may be CloseNotify or HoldRest.
	Answer func(call int, key string) []string
}

// HTTPContract is what a provider speaks over HTTP.
type HTTPContract struct {
	// Read finds the delivery key and the destination in a request; false for what the provider would not read as a message.
	Read func(r *http.Request, body []byte) (key, to string, ok bool)
	// Answer returns the whole answer to a message with which the provider does what the act says.
	Answer func(act FarAct, to, key string) string
	// Accepted returns the whole answer that a message was accepted; key may be empty.
	Accepted func(messageID, key string) string
	// NamesCalls reports whether answers repeat the key.
	NamesCalls bool
	// Lacks are acts for which the provider has no words.
	Lacks []FarAct
}

// OwnContract is the contract of docs/contract/http-gateway.md.
func OwnContract() *HTTPContract {
	return &HTTPContract{Read: readOwn, Answer: httpAnswers, Accepted: AcceptedByHTTP, NamesCalls: true}
}

func readOwn(r *http.Request, body []byte) (key, to string, ok bool) {
	var message struct{ To, Text string }
	ok = json.Unmarshal(body, &message) == nil && message.Text != ""
	return r.Header.Get(keyHeader), message.To, ok
}

// Pieces of HTTPSettings.Answer that are no data.
const (
	CloseNotify = "\x00close notify" // says over TLS that nothing more will be written, and leaves the connection open
	HoldRest    = "\x00hold rest"    // first piece: all pieces go out in one segment, its last bytes only after the next request
)

// heldBytes is how much HoldRest holds back: less than a TLS record has.
const heldBytes = 10

// HTTPFarEnd is a scripted gateway for SMS and push on a free local port. It speaks HTTP/1.1 on bare connections, so
// that it can break them at any point.
type HTTPFarEnd struct {
	*farEnd
	settings    HTTPSettings
	client      *tls.Config
	server      *tls.Config
	answered    chan struct{}
	connections chan struct{} // one value a connection
}

// NewHTTPFarEnd starts the gateway; it ends with the test.
func NewHTTPFarEnd(t testing.TB, settings HTTPSettings) HTTPFarEnd {
	t.Helper()
	if settings.Contract == nil {
		settings.Contract = OwnContract()
	}
	far := HTTPFarEnd{settings: settings, answered: make(chan struct{}, 1_000), connections: make(chan struct{}, 1_000)}
	if settings.TLS {
		far.server, far.client = Certificate()
		far.server.MinVersion = tls.VersionTLS13
	}
	started := make(chan struct{})
	far.farEnd = newFarEnd(t, func(_ *farEnd, line net.Conn) {
		<-started // far is complete
		far.serve(line)
	})
	close(started)
	return far
}

// URL is the gateway's root.
func (f HTTPFarEnd) URL() string {
	if f.settings.TLS {
		return "https://" + f.Address()
	}
	return "http://" + f.Address()
}

// ClientTLS trusts the gateway's certificate; nil without TLS.
func (f HTTPFarEnd) ClientTLS() *tls.Config { return f.client }

// Answered delivers one value for each call whose answer has been written.
func (f HTTPFarEnd) Answered() <-chan struct{} { return f.answered }

// Connections returns the number of connections that were opened.
func (f HTTPFarEnd) Connections() int { return len(f.connections) }

// heldConn collects what is written and sends it in one segment.
type heldConn struct {
	net.Conn
	hold bool
	held []byte
}

func (c *heldConn) Write(p []byte) (int, error) {
	if !c.hold {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// release sends what is held but for the last bytes.
func (c *heldConn) release(keep int) error {
	n := max(len(c.held)-keep, 0)
	_, err := c.Conn.Write(c.held[:n])
	c.held, c.hold = c.held[n:], false
	return err
}

func (f HTTPFarEnd) serve(raw net.Conn) {
	f.connections <- struct{}{}
	below := &heldConn{Conn: raw}
	var line net.Conn = below
	if f.settings.TLS {
		line = tls.Server(below, f.server)
	}
	if _, err := io.WriteString(line, f.settings.Greeting); err != nil {
		return
	}
	reader := bufio.NewReader(line)
	for {
		if _, err := reader.Peek(1); err != nil {
			return
		}
		_ = below.release(0)
		act := f.begin()
		call := f.Begun()
		request, err := http.ReadRequest(reader)
		if err != nil || act == ActDropMidway {
			return
		}
		if f.settings.Early {
			fmt.Fprint(line, f.settings.Contract.Answer(act, "", request.Header.Get(keyHeader)))
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		key, to, ok := f.settings.Contract.Read(request, body)
		if !ok || request.Method != http.MethodPost {
			fmt.Fprint(line, answerHTTP(http.StatusBadRequest, "", `{"code":"bad_request"}`))
			continue
		}
		f.arrive(key, act)
		switch {
		case act == ActDrop:
			return
		case f.settings.Early:
		case f.settings.Answer != nil:
			f.write(line, below, f.settings.Answer(call, key))
		default:
			fmt.Fprint(line, f.settings.Contract.Answer(act, to, key))
		}
		f.answered <- struct{}{}
		if act == ActAcceptThenClose {
			return
		}
	}
}

// write writes the pieces of an answer.
func (f HTTPFarEnd) write(line net.Conn, below *heldConn, pieces []string) {
	for _, piece := range pieces {
		switch piece {
		case HoldRest:
			below.hold = true
		case CloseNotify:
			if secure, is := line.(*tls.Conn); is {
				_ = secure.CloseWrite()
			}
		default:
			_, _ = io.WriteString(line, piece)
		}
	}
	if below.hold {
		_ = below.release(heldBytes)
	}
}

// AcceptedByHTTP is the answer that a message was accepted; key may be empty.
func AcceptedByHTTP(messageID, key string) string {
	return answerHTTP(http.StatusAccepted, echo(key), `{"message_id":"`+messageID+`"}`)
}

const keyHeader = "Idempotency-Key"

// echo is the header line that names the call.
func echo(key string) string {
	if key == "" {
		return ""
	}
	return keyHeader + ": " + key + "\r\n"
}

func httpAnswers(act FarAct, to, key string) string {
	refusal := func(status int, code string) string {
		body, _ := json.Marshal(map[string]string{"code": code, "message": "no message for " + to})
		headers := echo(key)
		if status == http.StatusTooManyRequests {
			headers += "Retry-After: 7\r\n"
		}
		return answerHTTP(status, headers, string(body))
	}
	switch act {
	case ActRefusePermanent:
		return refusal(http.StatusBadRequest, "invalid_destination")
	case ActRefuseTemporary:
		return refusal(http.StatusServiceUnavailable, "temporarily_refused")
	case ActRefuseContent:
		return refusal(http.StatusBadRequest, "content_rejected")
	case ActThrottle:
		return refusal(http.StatusTooManyRequests, "throttled")
	case ActGarble:
		return answerHTTP(http.StatusInternalServerError, echo(key), "<html>oops</html>")
	default:
		return AcceptedByHTTP("m-17", key)
	}
}

func answerHTTP(status int, headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), headers, len(body), body)
}
