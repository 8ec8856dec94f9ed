package demodata

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Bills turns the sample data into a month of canonical billing data: monthly charges in USD, due on the 25th of the month, with the services as items. Names are invented, and
// destinations are from ranges that belong to nobody. The whole file is read into memory; it is small.
func Bills(file io.Reader, month key.Month) (io.Reader, error) {
	in := csv.NewReader(io.LimitReader(file, 64<<20))
	names, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the sample data's header: %w", err)
	}
	var canonical bytes.Buffer
	out := csv.NewWriter(&canonical)
	if err := out.Write(importing.Columns); err != nil {
		return nil, err
	}
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the sample data: %w", err)
		}
		customer := telcoCustomer{}
		for i, name := range names {
			customer[name] = strings.TrimSpace(fields[i])
		}
		row, err := customer.row(month)
		if err != nil {
			return nil, err
		}
		if err := out.Write(row); err != nil {
			return nil, err
		}
	}
	out.Flush()
	return &canonical, out.Error()
}

// telcoCustomer is one row of the sample data by its column names.
type telcoCustomer map[string]string

// row returns the customer's row of canonical billing data.
func (c telcoCustomer) row(month key.Month) ([]string, error) {
	id := c["customerID"]
	items, amount, err := c.items()
	if err != nil {
		return nil, fmt.Errorf("customer %s of the sample data: %w", id, err)
	}
	before := "" // a customer of the first month: nothing was billed before
	if total := c["TotalCharges"]; total != "" {
		billed, err := bill.ParseAmount(total, "USD")
		if err != nil {
			return nil, fmt.Errorf("customer %s of the sample data: its total charges: %w", id, err)
		}
		before = bill.Decimal(billed, "USD")
	}
	wish, token := "", ""
	if c["PaperlessBilling"] == "No" { // did not ask for e-mail
		wish = string(channel.SMS)
	}
	if c["StreamingTV"] == "Yes" && c["StreamingMovies"] == "Yes" { // has the app
		token = "demo-" + strings.ToLower(id)
	}
	values := map[string]string{
		"customer_number": id, "name": c.name(), "email": strings.ToLower(id) + "@example.com",
		"phone": "010-0000-" + id[:min(4, len(id))], "push_token": token, "language": "en", "currency": "USD",
		"amount": bill.Decimal(amount, "USD"), "billed_before": before, "due_date": month.String() + "-25",
		"items": items, "channel_wish": wish, "payment_method": c["PaymentMethod"],
	}
	row := make([]string, len(importing.Columns))
	for i, column := range importing.Columns {
		row[i] = values[column]
	}
	return row, nil
}

// name returns an invented name that depends on the customer id and the gender in the data.
func (c telcoCustomer) name() string {
	given := []string{"Ada", "Clara", "Dana", "Elin", "Flora", "Hana", "Iris", "June", "Mina", "Nora", "Sora", "Yuna"}
	if c["gender"] == "Male" {
		given = []string{"Adam", "Bruno", "David", "Emil", "Felix", "Hugo", "Jonas", "Leo", "Minho", "Noah", "Otto", "Theo"}
	}
	family := []string{"Alder", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Oak", "Pine", "Rowan", "Willow"}
	hash := sha256.Sum256([]byte(c["customerID"]))
	return given[int(hash[0])%len(given)] + " " + family[int(hash[1])%len(family)]
}

// telcoServices lists the services with their usual price in cents.
var telcoServices = []struct {
	column, value, name string
	cents               int64
}{
	{"PhoneService", "Yes", "Phone service", 2000},
	{"MultipleLines", "Yes", "Additional lines", 500},
	{"InternetService", "DSL", "Internet, DSL", 2500},
	{"InternetService", "Fiber optic", "Internet, fiber optic", 5000},
	{"OnlineSecurity", "Yes", "Online security", 500},
	{"OnlineBackup", "Yes", "Online backup", 500},
	{"DeviceProtection", "Yes", "Device protection", 500},
	{"TechSupport", "Yes", "Tech support", 500},
	{"StreamingTV", "Yes", "Streaming TV", 1000},
	{"StreamingMovies", "Yes", "Streaming movies", 1000},
}

// items returns the services that the customer takes as a JSON array, and the total in cents. What is left of the
// month's charges becomes usage or a discount.
func (c telcoCustomer) items() (list string, amount int64, err error) {
	if amount, err = bill.ParseAmount(c["MonthlyCharges"], "USD"); err != nil {
		return "", 0, fmt.Errorf("its monthly charges: %w", err)
	}
	type item struct {
		Name   string `json:"name"`
		Amount string `json:"amount"`
	}
	var items []item
	rest := amount
	for _, service := range telcoServices {
		if c[service.column] == service.value {
			items = append(items, item{service.name, bill.Decimal(service.cents, "USD")})
			rest -= service.cents
		}
	}
	switch {
	case rest > 0:
		items = append(items, item{"Usage", bill.Decimal(rest, "USD")})
	case rest < 0:
		items = append(items, item{"Discount", bill.Decimal(rest, "USD")})
	}
	encoded, err := json.Marshal(items)
	return string(encoded), amount, err
}
