package answer

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// CostStatus is what messages of a month cost that one provider accepted. Amounts of two currencies are never added.
type CostStatus struct {
	Provider string       `json:"provider"` // with its channel, as in sms/twilio
	Unknown  bool         `json:"unknown"`  // whether they were accepted is not known: they may cost that
	Messages int          `json:"messages"`
	Units    int          `json:"units,omitempty"`
	Unit     cost.Unit    `json:"unit,omitempty"`
	Amount   *cost.Amount `json:"amount"` // null: not known
	Currency string       `json:"currency,omitempty"`
}

// String is the cost for people: sms/twilio USD 12.34 (1480 segments, 900 messages).
func (c CostStatus) String() string {
	messages := fmt.Sprintf("%d %s", c.Messages, wording.Form(c.Messages, "message", "messages"))
	text := fmt.Sprintf("%s, %s: not known", c.Provider, messages)
	if c.Amount != nil {
		if c.Unit == cost.Segment {
			messages = fmt.Sprintf("%d %s, %s", c.Units, wording.Form(c.Units, "segment", "segments"), messages)
		} else if c.Unit != cost.Message {
			messages += " as " + string(c.Unit)
		}
		text = fmt.Sprintf("%s, %s: %s %s", c.Provider, messages, c.Currency, *c.Amount)
	}
	if c.Unknown {
		text += ", if accepted (UNKNOWN)"
	}
	return text
}

// costs asks what the messages of a month cost.
func (a *Answers) costs(ctx context.Context, month key.Month) ([]CostStatus, error) {
	all, err := a.Report.Costs(ctx, month)
	list := make([]CostStatus, 0, len(all))
	for _, c := range all {
		s := CostStatus{Provider: c.Provider, Unknown: c.State == attempt.Unknown, Messages: c.Messages, Units: c.Units, Unit: c.Unit, Currency: c.Currency}
		if c.Currency != "" {
			s.Amount = &c.Amount
		}
		list = append(list, s)
	}
	return list, err
}
