package solapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
)

// checkLimit bounds one question about the account.
const checkLimit = 10 * time.Second

// question makes a call that asks about the account. The error wraps gateway.ErrCheck.
func (g *Gateway) question(ctx context.Context, call *httpclient.Call) (httpclient.Answer, error) {
	answer, err := g.host.Exchange(ctx, call)
	switch {
	case err != nil:
		return answer, fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	case answer.Status/100 != 2:
		return answer, fmt.Errorf("%w: %s", gateway.ErrCheck, gateway.Redact(table.Reply(answer, nil, g.now()).Detail, ""))
	}
	return answer, nil
}

// Check connects and asks for one message, which shows whether the key is taken and the clock is right; it sends none. The error
// wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if err := g.host.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	_, err := g.question(ctx, g.call(g.host, http.MethodGet, "/list?limit=1"))
	return err
}

// Quota asks for the account's balance in won, which points add to (port.QuotaReader). The error wraps gateway.ErrCheck.
func (g *Gateway) Quota(ctx context.Context) (port.Quota, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	answer, err := g.question(ctx, g.callAt(g.host, http.MethodGet, g.balance))
	if err != nil {
		return port.Quota{}, err
	}
	var said struct{ Balance, Point *float64 }
	if json.Unmarshal(answer.Body, &said) != nil || said.Balance == nil {
		return port.Quota{}, fmt.Errorf("%w: the balance cannot be read", gateway.ErrCheck)
	}
	left := *said.Balance
	if said.Point != nil {
		left += *said.Point
	}
	return port.Quota{Balance: strconv.FormatFloat(left, 'f', -1, 64), Currency: "KRW", Empty: left <= 0}, nil
}
