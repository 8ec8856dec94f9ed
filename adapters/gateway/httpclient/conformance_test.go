package httpclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

// The suite of port.Gateway holds for the client itself, used in either way: what it promises of calls not made, calls of
// unknown outcome, repetitions, late answers and kept connections is the client's doing.
func TestBothFacesKeepAGatewaysPromises(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]sending{"exchange": exchange, "do": do} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.HTTPGateway(t, func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
				client := httpclient.New(httpclient.Config{CallDeadline: deadline, TLS: far.ClientTLS()})
				t.Cleanup(client.Close)
				return porttest.GatewayRig{Far: far, Gateway: smallest{client, far.URL() + "/sms", deadline, send}}
			})
		})
	}
}

// smallest is the least that a gateway can be on this client.
type smallest struct {
	client   *httpclient.Client
	url      string
	deadline time.Duration
	send     sending
}

type sending func(ctx context.Context, g smallest, key string, body []byte) (httpclient.Answer, error)

func (g smallest) Provider() port.Provider {
	return port.Provider{Name: "test", Channel: channel.SMS, CallDeadline: g.deadline, Lease: g.deadline + time.Second, InFlight: 100}
}

func (g smallest) Send(ctx context.Context, d port.Delivery) port.Reply {
	body, _ := json.Marshal(map[string]string{"to": d.Destination, "text": d.Content.Text})
	answer, err := g.send(ctx, g, d.Key.String(), body)
	reply := table.Reply(answer, err, time.Now())
	reply.Detail = gateway.Redact(reply.Detail, d.Destination)
	return reply
}

var table = &answers.Table{
	Read: func(body []byte) (said answers.Said) {
		var a struct {
			ID   answers.Text `json:"message_id"`
			Code answers.Text `json:"code"`
		}
		_ = json.Unmarshal(body, &a)
		return answers.Said{Code: string(a.Code), MessageID: string(a.ID)}
	},
	Rules: []answers.Rule{
		{Status: 400, Code: "invalid_destination", Means: gateway.Permanent},
		{Status: 400, Code: "content_rejected", Means: gateway.Content},
		{Status: 503, Code: "temporarily_refused", Means: gateway.Temporary},
	},
}

func exchange(ctx context.Context, g smallest, key string, body []byte) (httpclient.Answer, error) {
	u, err := url.Parse(g.url)
	if err != nil {
		return httpclient.Answer{}, err
	}
	host, err := g.client.Host(u)
	if err != nil {
		return httpclient.Answer{}, err
	}
	call := host.NewCall(http.MethodPost, u.Path)
	call.Key("Idempotency-Key", key)
	call.Body = append(call.Body, body...)
	return host.Exchange(ctx, call)
}

func do(ctx context.Context, g smallest, key string, body []byte) (httpclient.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return httpclient.Answer{}, err
	}
	request.Header.Set("Idempotency-Key", key)
	response, err := g.client.Do(request)
	if err != nil {
		return httpclient.Answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return httpclient.Answer{Status: response.StatusCode, Header: response.Header, Body: read}, err
}
