// Package prices is the one table of what AWS charges: deploy/aws/prices.csv, which a user corrects.
package prices

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

//go:embed prices.csv
var list []byte

// List is the table as a file that can be corrected and given back.
func List() []byte { return bytes.Clone(list) }

// largest bounds a table, in bytes.
const largest = 1 << 20

// Table are the prices by item.
type Table struct {
	Region, Currency, Date string
	prices                 map[string]float64
}

// Read reads a table; "" is the built-in one. Its errors wrap capacity.ErrImpossible.
func Read(file string) (Table, error) {
	content := list
	if file != "" {
		opened, err := os.Open(file)
		if err != nil {
			return Table{}, fmt.Errorf("%w: %w", capacity.ErrImpossible, err)
		}
		defer func() { _ = opened.Close() }()
		if content, err = io.ReadAll(io.LimitReader(opened, largest)); err != nil {
			return Table{}, err
		}
	}
	table, err := parse(content)
	if err != nil {
		return table, fmt.Errorf("%w: prices: %w", capacity.ErrImpossible, err)
	}
	return table, nil
}

var errHeader = errors.New("the first line is not item,price,read,unit,source")

func parse(content []byte) (Table, error) {
	rows := csv.NewReader(bytes.NewReader(content))
	rows.Comment = '#'
	all, err := rows.ReadAll()
	if err != nil {
		return Table{}, err
	}
	if len(all) == 0 || strings.Join(all[0], ",") != "item,price,read,unit,source" {
		return Table{}, errHeader
	}
	table := Table{prices: map[string]float64{}}
	for _, row := range all[1:] {
		item, value := row[0], row[1]
		switch item {
		case "region":
			table.Region = value
			continue
		case "currency":
			table.Currency = value
			continue
		}
		price, err := strconv.ParseFloat(value, 64)
		if err != nil || !(price >= 0 && price <= 1e6) {
			return Table{}, fmt.Errorf("%s: %q (want 0 to 1,000,000)", item, value)
		}
		if _, twice := table.prices[item]; twice {
			return Table{}, fmt.Errorf("%s is there twice", item)
		}
		table.prices[item], table.Date = price, max(table.Date, row[2])
	}
	return table, nil
}

// Of is the price of an item. An item that the table does not have is an error that says what to do.
func (t Table) Of(item string) (float64, error) {
	price, there := t.prices[item]
	if !there {
		return 0, fmt.Errorf("%w: prices: there is no row %q: add one", capacity.ErrImpossible, item)
	}
	return price, nil
}

// The database and the brokers that the load test's model has, as the templates do by default.
const (
	DatabaseClass = "db.m7g.large"
	BrokerType    = "kafka.m7g.large"
	Brokers       = 3
)

// Capacity are the prices that the model of the load test computes with.
func (t Table) Capacity() (capacity.Prices, error) {
	p := capacity.Prices{
		Region: t.Region, Date: t.Date, Currency: t.Currency, Brokers: Brokers,
		Note: "on-demand list prices, rounded: look them up before you decide, and give yours with --prices",
	}
	var problems []error
	for item, into := range map[string]*float64{
		"fargate vcpu": &p.TaskCoreHour, "fargate memory": &p.TaskGBHour, "database " + DatabaseClass: &p.DatabaseHour, "database storage": &p.DatabaseGBMonth,
		"broker " + BrokerType: &p.BrokerHour, "broker storage": &p.BrokerGBMonth, "storage put": &p.StoragePuts, "storage get": &p.StorageGets,
		"storage": &p.StorageGBMonth, "data out": &p.DataOutGB,
	} {
		var err error
		*into, err = t.Of(item)
		problems = append(problems, err)
	}
	return p, errors.Join(problems...)
}
