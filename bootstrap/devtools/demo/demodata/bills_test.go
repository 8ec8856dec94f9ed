package demodata_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
)

const telcoSample = `customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn
7590-AAAAA,Female,0,Yes,No,1,No,No phone service,DSL,No,Yes,No,No,No,No,Month-to-month,Yes,Electronic check,29.85,29.85,No
5575-BBBBB,Male,0,No,No,34,Yes,No,DSL,Yes,No,Yes,No,Yes,Yes,One year,No,Mailed check,56.9,1889.5,No
4472-CCCCC,Female,0,Yes,Yes,0,Yes,No,No,No internet service,No internet service,No internet service,No internet service,No internet service,No internet service,Two year,Yes,Bank transfer (automatic),20, ,No
`

func telcoRows(t *testing.T) []map[string]string {
	t.Helper()
	canonical, err := demodata.Bills(strings.NewReader(telcoSample), november(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(canonical).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	named := make([]map[string]string, 3)
	for i, row := range rows[1:] {
		named[i] = map[string]string{}
		for j, value := range row {
			named[i][rows[0][j]] = value
		}
	}
	return named
}

func TestTheSampleDataBecomesCanonical(t *testing.T) {
	t.Parallel()
	rows := telcoRows(t)
	for i, want := range []map[string]string{
		{
			"customer_number": "7590-AAAAA", "email": "7590-aaaaa@example.com", "phone": "010-0000-7590", "push_token": "", "language": "en", "currency": "USD",
			"amount": "29.85", "billed_before": "29.85", "due_date": "2026-11-25", "channel_wish": "", "payment_method": "Electronic check",
			"items": `[{"name":"Internet, DSL","amount":"25.00"},{"name":"Online backup","amount":"5.00"},{"name":"Discount","amount":"-0.15"}]`,
		},
		{"amount": "56.90", "billed_before": "1889.50", "push_token": "demo-5575-bbbbb", "channel_wish": "SMS"},
		{"amount": "20.00", "billed_before": "", "items": `[{"name":"Phone service","amount":"20.00"}]`},
	} {
		for column, value := range want {
			if rows[i][column] != value {
				t.Errorf("row %d, %s: %q, want %q", i+1, column, rows[i][column], value)
			}
		}
	}
}

// FuzzBills: sample data is turned as a whole or refused; each row that it becomes has every column.
func FuzzBills(f *testing.F) {
	f.Add([]byte(telcoSample))
	f.Add([]byte("customerID,MonthlyCharges\nA,1\n한국,2.5\n"))
	f.Add([]byte("customerID\n\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		canonical, err := demodata.Bills(bytes.NewReader(data), november(t))
		if err != nil {
			return
		}
		rows, err := csv.NewReader(canonical).ReadAll()
		if err != nil || len(rows) == 0 || len(rows[0]) != len(importing.Columns) {
			t.Fatalf("%q became %q, %v", data, rows, err)
		}
	})
}
