package prepare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// The columns of the canonical CSV, as docs/contract/billing-csv.md describes them.
const (
	colCustomer     = "customer_number"
	colName         = "name"
	colEmail        = "email"
	colPhone        = "phone"
	colPushToken    = "push_token"
	colLanguage     = "language"
	colCurrency     = "currency"
	colAmount       = "amount"
	colBilledBefore = "billed_before"
	colDueDate      = "due_date"
	colItems        = "items"
	colQuietFrom    = "quiet_from"
	colQuietTo      = "quiet_to"
	colZone         = "zone"
	colSendDay      = "send_day"
	colChannelWish  = "channel_wish"
	colPayment      = "payment_method"
	colUnsubscribe  = "unsubscribe_url"
)

// Columns lists the canonical columns in their usual order.
var Columns = []string{
	colCustomer, colName, colEmail, colPhone, colPushToken, colLanguage, colCurrency, colAmount, colBilledBefore,
	colDueDate, colItems, colQuietFrom, colQuietTo, colZone, colSendDay, colChannelWish,
	colPayment, colUnsubscribe,
}

// requiredColumns must be in every file; a column that is left out is empty in every row.
var requiredColumns = []string{colCustomer, colCurrency, colAmount, colDueDate}

// ErrHeader says that the file is no canonical CSV and nothing of it was imported. The text says what its header lacks.
var ErrHeader = fmt.Errorf("%w: the file has no header of billing data", port.ErrInvalid)

// header knows where each column stands.
type header struct {
	names  []string       // as in the file
	column map[string]int // canonical columns alone
}

func (s *splitter) header() (header, error) {
	s.fill(len(byteOrderMark))
	s.buffer = bytes.TrimPrefix(s.buffer, byteOrderMark)
	if bytes.HasPrefix(s.buffer, []byte("\xff\xfe")) || bytes.HasPrefix(s.buffer, []byte("\xfe\xff")) {
		return header{}, fmt.Errorf("%w: it is UTF-16; save it as UTF-8", ErrHeader)
	}
	first, err := s.next()
	switch {
	case errors.Is(err, io.EOF):
		return header{}, fmt.Errorf("%w: it is empty", ErrHeader)
	case err != nil:
		return header{}, err
	case first.problem != "":
		return header{}, fmt.Errorf("%w: line %d: %s", ErrHeader, first.line, first.problem)
	}
	h := header{column: map[string]int{}}
	for i, field := range first.fields {
		name := strings.ToLower(strings.TrimSpace(string(field)))
		h.names = append(h.names, name)
		if !slices.Contains(Columns, name) {
			continue
		}
		if _, twice := h.column[name]; twice {
			return header{}, fmt.Errorf("%w: the column %s is there twice", ErrHeader, name)
		}
		h.column[name] = i
	}
	for _, name := range requiredColumns {
		if _, ok := h.column[name]; !ok {
			return header{}, fmt.Errorf("%w: the column %s is missing (the fields are separated by commas)", ErrHeader, name)
		}
	}
	s.want = len(h.names)
	return h, nil
}
