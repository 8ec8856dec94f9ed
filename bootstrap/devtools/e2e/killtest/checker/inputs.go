// Package checker judges a kill test from outside: the billing data that went in, the gateway's own log, the records of
// the kills, and the database. It shares no code with the product: its own structs, its own SQL, its own idea of what
// a key looks like. A test holds it to that.
package checker

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Call is one line of the gateway's log.
type Call struct {
	Sequence int64  `json:"sequence"`
	Time     string `json:"time"`
	Accepted bool   `json:"accepted"`
	Channel  string `json:"channel"`
	Class    string `json:"class"`
	Key      string `json:"idempotency_key"` // month/user/attempt/round
	Dropped  bool   `json:"dropped"`         // accepted, and the connection broken before the answer
	Vendor   string `json:"vendor"`
	Said     *Said  `json:"report"` // of the classes report, report_answered and looked_up
}

// Kill is one line of the record file.
type Kill struct {
	Point    string            `json:"point"`
	PID      int               `json:"pid"`
	Role     string            `json:"role"`
	Time     string            `json:"time"`
	Keys     []string          `json:"keys"`
	InFlight map[string]string `json:"in_flight"` // delivery key to stage
}

// Target is a row of billing_targets.
type Target struct {
	Month, Status, Pause, Batch string
	User                        int64
	Attempt, Round              int
}

// Row is a row of delivery_attempts.
type Row struct {
	Month, State, Reason, Provider string
	User                           int64
	Attempt, Round                 int
}

// Key is the row's delivery key.
func (r Row) Key() string { return fmt.Sprintf("%s/%d/%d/%d", r.Month, r.User, r.Attempt, r.Round) }

// Inputs are everything that the checker looks at.
type Inputs struct {
	Month     string           // the month under test, as in 2026-11
	Customers []string         // customer numbers of the input file, one a row
	Users     map[string]int64 // customer number to user id, from the database
	Targets   []Target
	Rows      []Row
	Calls     []Call
	Kills     []Kill
	Reports   []Stored
	// Asked names the providers that were asked what became of calls.
	Asked map[string]bool
	// Ended names the processes that were seen to end by SIGKILL: a record counts only for one of them.
	Ended map[string]bool
}

// ReadCustomers reads the customer numbers of a CSV with a column customer_number.
func ReadCustomers(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	reader := csv.NewReader(bufio.NewReader(file))
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header of %s: %w", path, err)
	}
	column := -1
	for i, name := range header {
		if strings.TrimSpace(name) == "customer_number" {
			column = i
		}
	}
	if column < 0 {
		return nil, fmt.Errorf("%s has no column customer_number", path)
	}
	var customers []string
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return customers, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		customers = append(customers, row[column])
	}
}

// ReadCalls reads the gateway's log. A line that is no record is an error, since the gateway is never killed.
func ReadCalls(path string) ([]Call, error) {
	calls, err := readLines[Call](path)
	for i := range calls {
		calls[i].Key = plain(calls[i].Key)
	}
	return calls, err
}

// ReadKills reads the record file; a run without kills has none.
func ReadKills(path string) ([]Kill, error) {
	kills, err := readLines[Kill](path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return kills, err
}

func readLines[T any](path string) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	decoder := json.NewDecoder(bufio.NewReader(file))
	var list []T
	for {
		var item T
		err := decoder.Decode(&item)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s, record %d: %w", path, len(list)+1, err)
		}
		list = append(list, item)
	}
}
