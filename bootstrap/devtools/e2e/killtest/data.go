package killtest

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
)

// WriteBills makes the input file: n customers, each with e-mail and phone; every third wishes SMS first.
func WriteBills(path string, n int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := bills(file, n); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func bills(out io.Writer, n int) error {
	w := csv.NewWriter(out)
	header := []string{"customer_number", "name", "email", "phone", "language", "currency", "amount", "due_date", "channel_wish"}
	if err := w.Write(header); err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		wish := ""
		if i%3 == 0 {
			wish = "SMS"
		}
		row := []string{
			fmt.Sprintf("K-%06d", i), fmt.Sprintf("Customer %d", i), fmt.Sprintf("customer%d@example.com", i),
			fmt.Sprintf("010%08d", i), "en", "KRW", strconv.Itoa(1000 + i), "2026-12-25", wish,
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
