package sqs_test

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's own check of a body
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// message is one in the queue of a service.
type message struct {
	body  string
	sent  time.Time
	given int // times
}

// service is Amazon SQS for one test, in its JSON protocol: it gives each message once, and again after again.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	messages map[string]*message // by receipt handle
	deleted  []string
	fails    map[string]string // the error by the action
	asked    map[string]int    // by action; refused ones too
	changed  chan struct{}     // closed at each change
}

func newService(t testing.TB, bodies ...string) *service {
	t.Helper()
	s := &service{messages: map[string]*message{}, fails: map[string]string{}, asked: map[string]int{}, changed: make(chan struct{})}
	for i, body := range bodies {
		s.messages["handle-"+strconv.Itoa(i)] = &message{body: body, sent: now}
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// change does something with the service, and wakes those who wait for a change.
func (s *service) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits until something is so.
func (s *service) await(t testing.TB, is func() bool) {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		s.mu.Lock()
		so, changed := is(), s.changed
		s.mu.Unlock()
		if so {
			return
		}
		select {
		case <-changed:
		case <-patience.Done():
			t.Fatal("it did not come to that")
		}
	}
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	var call struct {
		QueueURL                    string `json:"QueueUrl"`
		MaxNumberOfMessages         int
		WaitTimeSeconds             int
		VisibilityTimeout           int
		MessageSystemAttributeNames []string
		AttributeNames              []string
		Entries                     []struct{ ID, ReceiptHandle string }
	}
	_ = json.NewDecoder(r.Body).Decode(&call)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var answer any = map[string]any{}
	status, waits := http.StatusOK, false
	s.change(func() {
		s.asked[action]++
		if failure := s.fails[action]; failure != "" {
			status, answer = http.StatusBadRequest, map[string]string{"__type": "com.amazonaws.sqs#" + failure, "message": "no " + action}
			return
		}
		switch action {
		case "ReceiveMessage":
			given := s.give(call.MaxNumberOfMessages)
			answer, waits = map[string]any{"Messages": given}, len(given) == 0
			if call.WaitTimeSeconds != 20 || call.VisibilityTimeout != 300 || call.QueueURL != queue || !slices.Contains(call.MessageSystemAttributeNames, "SentTimestamp") {
				status, answer = http.StatusBadRequest, map[string]string{"__type": "InvalidParameterValue", "message": "not as agreed"}
			}
		case "DeleteMessageBatch":
			for _, entry := range call.Entries {
				delete(s.messages, entry.ReceiptHandle)
				s.deleted = append(s.deleted, entry.ReceiptHandle)
			}
			answer = map[string]any{"Successful": []any{}, "Failed": []any{}}
		}
	})
	if waits { // a long poll, as long as the caller has patience for
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *service) give(most int) (given []map[string]any) {
	for handle, m := range s.messages {
		if m.given > 0 || len(given) == most {
			continue
		}
		m.given++
		sum := md5.Sum([]byte(m.body)) //nolint:gosec // see above
		given = append(given, map[string]any{
			"MessageId": handle, "ReceiptHandle": handle, "Body": m.body, "MD5OfBody": hex.EncodeToString(sum[:]),
			"Attributes": map[string]string{"SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10)},
		})
	}
	return given
}
