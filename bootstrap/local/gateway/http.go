package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/balsong/balsong/bootstrap/local/gateway/acceptlog"
	"github.com/balsong/balsong/bootstrap/local/gateway/behaviour"
	"github.com/balsong/balsong/bootstrap/local/gateway/inbox"
)

// maxBody is the longest HTTP request body in bytes.
const maxBody = 64 << 10

// request is the body of POST /sms and POST /push.
type request struct {
	To    string `json:"to"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Class string `json:"class"`
}

// bodies holds the buffers that bodies are read into: a body is no longer
// needed once it is decoded, while its call may wait for seconds.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// jsonType is shared by all answers: no allocation for a header that never changes.
var jsonType = []string{"application/json"}

func (s *Server) httpHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/sms", func(w http.ResponseWriter, r *http.Request) { s.serveHTTP(w, r, behaviour.SMS) })
	mux.HandleFunc("/push", func(w http.ResponseWriter, r *http.Request) { s.serveHTTP(w, r, behaviour.Push) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "not_found", "this gateway has POST /sms and POST /push")
	})
	return mux
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request, channel behaviour.Channel) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "use POST")
		return
	}
	c := call{Call: behaviour.Call{Channel: channel, Key: r.Header.Get("Idempotency-Key")}}
	if !validKey(c.Key) {
		c.Key = ""
		s.invalid(w, c, http.StatusBadRequest, "bad_request", "Idempotency-Key has 1 to 200 visible ASCII characters")
		return
	}
	body, err := readRequest(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.invalid(w, c, http.StatusRequestEntityTooLarge, "too_large", "the body is longer than 64 KiB")
		return
	}
	if err != nil {
		s.invalid(w, c, http.StatusBadRequest, "bad_request", `the body is no JSON such as {"to":"…","text":"…"}`)
		return
	}
	c.Destination = body.To
	if fault := body.validate(channel); fault != "" {
		s.invalid(w, c, http.StatusBadRequest, "bad_request", fault)
		return
	}
	c.content = body.hash(channel)
	c.message = inbox.Message{To: body.To, Class: body.Class, Title: body.Title, Body: []byte(body.Text)}
	writeAnswer(w, channel, s.handle(c))
}

// readRequest decodes the body, through a pooled buffer.
func readRequest(w http.ResponseWriter, r *http.Request) (request, error) {
	buffer := bodies.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer bodies.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return request{}, err
	}
	var body request
	err := json.Unmarshal(buffer.Bytes(), &body)
	return body, err
}

// validate returns what is wrong with a request, and fills in the class.
func (q *request) validate(channel behaviour.Channel) string {
	if q.Text == "" {
		return "text is empty"
	}
	if channel == behaviour.Push {
		q.Class = ""
		return ""
	}
	q.Title = ""
	switch q.Class {
	case "":
		q.Class = "SMS"
	case "SMS", "LMS":
	default:
		return "class is SMS or LMS"
	}
	return ""
}

func (q *request) hash(channel behaviour.Channel) acceptlog.Hash {
	if channel == behaviour.Push {
		return acceptlog.HashContent([]byte(q.Title + "\n" + q.Text))
	}
	return acceptlog.HashContent([]byte(q.Text))
}

// invalid refuses a call that breaks the contract.
func (s *Server) invalid(w http.ResponseWriter, c call, status int, code, message string) {
	s.refuse(c, behaviour.Invalid)
	writeError(w, status, code, message)
}

func writeAnswer(w http.ResponseWriter, channel behaviour.Channel, a answer) {
	switch a.outcome {
	case behaviour.Accepted:
		writeAccepted(w, channel, a.sequence)
	case behaviour.AcceptedThenDropped:
		panic(http.ErrAbortHandler) // net/http's way to break the connection
	case behaviour.RefusedPermanent:
		if channel == behaviour.Push {
			writeError(w, http.StatusGone, "unregistered", "the app is no longer on this device")
			return
		}
		writeError(w, http.StatusBadRequest, "invalid_destination", "no such number")
	case behaviour.RefusedContent:
		writeError(w, http.StatusBadRequest, "content_rejected", "the content is refused")
	case behaviour.RefusedThrottled:
		w.Header().Set("Retry-After", strconv.Itoa(seconds(a.retryAfter)))
		writeError(w, http.StatusTooManyRequests, "throttled", "rate limit")
	default:
		writeError(w, http.StatusServiceUnavailable, "temporarily_refused", "not accepted, try again later")
	}
}

func writeAccepted(w http.ResponseWriter, channel behaviour.Channel, sequence uint64) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusAccepted)
	var room [64]byte
	b := append(room[:0], `{"message_id":"`...)
	b = append(appendID(b, channel, sequence), `"}`...)
	_, _ = w.Write(append(b, '\n')) // the caller may be gone; the message is accepted all the same
}

// appendID appends the gateway's own id of an accepted message, as in SMS-17.
func appendID(b []byte, channel behaviour.Channel, sequence uint64) []byte {
	return strconv.AppendUint(append(append(b, channel...), '-'), sequence, 10)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	body, _ := json.Marshal(struct { //nolint:errchkjson // two strings cannot fail
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, message})
	_, _ = io.WriteString(w, string(body)+"\n") // the caller may be gone
}

// seconds rounds up to whole seconds, at least one, as Retry-After asks.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
