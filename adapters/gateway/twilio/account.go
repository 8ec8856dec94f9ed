package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/application/port"
)

// ask asks a question about the account. The error wraps gateway.ErrCheck.
func (g *Gateway) ask(ctx context.Context, path string) ([]byte, error) {
	call := g.host.NewCall(http.MethodGet, path)
	call.Header("Authorization", g.basic)
	return table.Ask(ctx, g.host, call, answers.OK, g.now)
}

// Check connects and asks for one message of the account, which shows whether the credentials are taken; it sends none. The
// error wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.host.Check(ctx); err != nil {
		return err
	}
	if _, err := g.ask(ctx, g.path+"?PageSize=1"); err != nil {
		return err
	}
	g.foreign.Store(g.isForeign(ctx))
	return nil
}

// isForeign reports whether Twilio says for certain that the sender is a number that the account does not have. A restricted key may not read the
// list; short codes, names and the numbers of a messaging service are not in it.
func (g *Gateway) isForeign(ctx context.Context) bool {
	if !e164Form.MatchString(g.from) {
		return false
	}
	body, err := g.ask(ctx, g.numbers+"?PageSize=1&PhoneNumber="+url.QueryEscape(g.from))
	var said struct {
		Numbers *[]struct{} `json:"incoming_phone_numbers"`
	}
	return err == nil && json.Unmarshal(body, &said) == nil && said.Numbers != nil && len(*said.Numbers) == 0
}

// e164Form is a number with its country code, as opposed to a short code or a name.
var e164Form = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Limits says what the last Check found that may keep bills from going out; "": nothing.
func (g *Gateway) Limits() string {
	if g.foreign.Load() {
		return "the sender number is not among the account's numbers"
	}
	return ""
}

// Quota asks for the account's balance (port.QuotaReader); a subaccount has none of its own. The error wraps gateway.ErrCheck.
func (g *Gateway) Quota(ctx context.Context) (port.Quota, error) {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	body, err := g.ask(ctx, g.balance)
	if err != nil {
		return port.Quota{}, err
	}
	var said struct{ Balance, Currency string }
	if json.Unmarshal(body, &said) != nil {
		return port.Quota{}, fmt.Errorf("%w: the balance cannot be read", gateway.ErrCheck)
	}
	return balanceOf(said.Balance, said.Currency), nil
}

// balanceOf is a balance; none if the amount is no number.
func balanceOf(amount, currency string) port.Quota {
	value, err := strconv.ParseFloat(amount, 64)
	if err != nil || len(amount) > 20 || len(currency) > 3 {
		return port.Quota{}
	}
	return port.Quota{Balance: amount, Currency: currency, Empty: value <= 0}
}
