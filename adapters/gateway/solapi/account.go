package solapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/application/port"
)

// Check connects and asks for one message, which shows whether the key is taken and the clock is right; it sends none. The error
// wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.host.Check(ctx); err != nil {
		return err
	}
	_, err := table.Ask(ctx, g.host, g.call(g.host, http.MethodGet, "/list?limit=1"), answers.OK, g.now)
	return err
}

// Quota asks for the account's balance in won, which points add to (port.QuotaReader). The error wraps gateway.ErrCheck.
func (g *Gateway) Quota(ctx context.Context) (port.Quota, error) {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	body, err := table.Ask(ctx, g.host, g.callAt(g.host, http.MethodGet, g.balance), answers.OK, g.now)
	if err != nil {
		return port.Quota{}, err
	}
	var said struct{ Balance, Point *float64 }
	if json.Unmarshal(body, &said) != nil || said.Balance == nil {
		return port.Quota{}, fmt.Errorf("%w: the balance cannot be read", gateway.ErrCheck)
	}
	left := *said.Balance
	if said.Point != nil {
		left += *said.Point
	}
	return port.Quota{Balance: strconv.FormatFloat(left, 'f', -1, 64), Currency: "KRW", Empty: left <= 0}, nil
}
