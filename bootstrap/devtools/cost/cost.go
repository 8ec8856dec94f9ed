// Package cost computes what the stacks of deploy/aws cost: from their own sizes, the table of prices, and the load test's model of a month.
package cost

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
)

const monthHours = 730

// Item is one thing that is paid for each month, whether or not a bill goes out.
type Item struct {
	Name    string  `json:"name"`
	Count   string  `json:"count"` // for people
	Monthly float64 `json:"monthly"`
}

// Month is what the stacks cost in a month with so many bills.
type Month struct {
	Bills      int     `json:"bills"`
	Run        float64 `json:"run"`    // tasks, requests and data of sending
	Import     float64 `json:"import"` // batch import and render
	Total      float64 `json:"total"`  // with what stands
	PerMillion float64 `json:"per_million"`
}

// Report is what the stacks cost.
type Report struct {
	Region   string  `json:"region"`
	Currency string  `json:"currency"`
	Read     string  `json:"prices_read"`
	Idle     []Item  `json:"idle"`
	IdleSum  float64 `json:"idle_monthly"`
	Months   []Month `json:"months"`
}

// Sizes are the numbers of the month that the load test's guide has: a gateway with a median of a second and a 99th percentile of four.
var sizes = []int{1_000_000, 5_000_000, 50_000_000}

// settings are those that the load test recommends for it.
var settings = capacity.Settings{Partitions: 12, Tasks: 6, MinTasks: 1, InFlight: 3000, Page: 1000, BacklogPerTask: 30_000}

// batchSeconds are the seconds in which import and render work off a million (docs/performance.md, the stage month: 5 M in 646 s).
const batchSeconds = 130

// New computes the cost of the templates of a directory, with other values of their parameters where some are given.
func New(dir string, table prices.Table, changed cloudformation.Values) (Report, error) {
	templates, err := cloudformation.Read(dir)
	if err != nil {
		return Report{}, err
	}
	p := parameters{values: cloudformation.Values{}, table: table}
	for _, t := range templates {
		for _, one := range t.Parameters() {
			p.values[one.Name] = one.Default
		}
	}
	for name, value := range changed {
		if _, known := p.values[name]; !known {
			return Report{}, fmt.Errorf("%w: %s is no parameter of the templates", capacity.ErrImpossible, name)
		}
		p.values[name] = value
	}
	r := Report{Region: table.Region, Currency: table.Currency, Read: table.Date, Idle: p.idle(templates)}
	for _, item := range r.Idle {
		r.IdleSum += item.Monthly
	}
	for _, bills := range sizes {
		month, err := p.month(bills, r.IdleSum)
		if err != nil {
			return Report{}, err
		}
		r.Months = append(r.Months, month)
	}
	return r, errors.Join(p.problems...)
}

// parameters are the values of the templates' parameters; what is wrong with them or the prices is collected.
type parameters struct {
	values   cloudformation.Values
	table    prices.Table
	problems []error
}

func (p *parameters) number(name string) float64 {
	value, err := strconv.ParseFloat(p.values[name], 64)
	if err != nil {
		p.problems = append(p.problems, fmt.Errorf("%w: the parameter %s is %q, no number", capacity.ErrImpossible, name, p.values[name]))
	}
	return value
}

func (p *parameters) price(item string) float64 {
	price, err := p.table.Of(item)
	if err != nil {
		p.problems = append(p.problems, err)
	}
	return price
}

// task is what an hour of a task costs.
func (p *parameters) task(vcpu, gb float64) float64 {
	return vcpu*p.price("fargate vcpu") + gb*p.price("fargate memory")
}

// What the templates say without a parameter, and what is estimated of a quiet month.
const (
	settlementCPU, settlementGB = 0.5, 1
	dispatcherCPU, dispatcherGB = 1, 2
	runsOfMonth                 = 12 * 365 / 12 // every two hours
	runMinutes                  = 1             // the least that Fargate charges
	insightsSeries              = 30            // Container Insights of one cluster and two services
	quietLogGB                  = 2
	imagesGB                    = 1
	secretsMade                 = 3 // keyset, providers, and the one of the database's administrator
	keysMade                    = 2
)

// idle is what is paid while nothing is sent.
func (p *parameters) idle(templates []cloudformation.Template) []Item {
	gateways := 1.0
	if p.values["NatGateways"] == "each-zone" {
		gateways = 3
	}
	secrets := float64(secretsMade)
	if p.values["KafkaScram"] == "true" {
		secrets++
	}
	series, dashboards := 0, len(cloudformation.OfType(templates, "AWS::CloudWatch::Dashboard"))
	for _, m := range metric.All() {
		if m.Essential() {
			series++
		}
	}
	alarms := len(cloudformation.OfType(templates, "AWS::CloudWatch::Alarm")) + 2 // two of target tracking's own
	tasks := p.number("SettlementTasks")
	class, broker := p.values["DatabaseClass"], p.values["KafkaBroker"]
	return []Item{
		{"PostgreSQL with its standby", class, monthHours * p.price("database "+class)},
		{"its storage", p.values["DatabaseStorage"] + " GB", p.number("DatabaseStorage") * p.price("database storage")},
		{"Kafka, three brokers", broker, prices.Brokers * monthHours * p.price("broker "+broker)},
		{"their storage", fmt.Sprintf("3 × %s GB", p.values["KafkaStorage"]), prices.Brokers * p.number("KafkaStorage") * p.price("broker storage")},
		{"NAT gateways and their addresses", fmt.Sprintf("%.0f", gateways), gateways * monthHours * (p.price("nat gateway") + p.price("public address"))},
		{"settlement, with the lag monitor", fmt.Sprintf("%.0f tasks", tasks), tasks * monthHours * p.task(settlementCPU, settlementGB)},
		{"dispatcher", fmt.Sprintf("%d runs of a minute", runsOfMonth), runsOfMonth * runMinutes / 60.0 * p.task(dispatcherCPU, dispatcherGB)},
		{"delivery, least tasks", p.values["DeliveryTasksLeast"], p.number("DeliveryTasksLeast") * monthHours * p.task(p.number("DeliveryCpu")/1024, p.number("DeliveryMemory")/1024)},
		{"metrics of CloudWatch", fmt.Sprintf("%d of ours, at least, and %d of Container Insights", series, insightsSeries), float64(series+insightsSeries) * p.price("metric")},
		{"alarms and dashboards", fmt.Sprintf("%d and %d", alarms, dashboards), float64(alarms)*p.price("alarm") + float64(dashboards)*p.price("dashboard")},
		{"keys, secrets, parameter", fmt.Sprintf("%d, %.0f, 1", keysMade, secrets), keysMade*p.price("key") + secrets*p.price("secret") + p.price("parameter")},
		{"logs", fmt.Sprintf("%d GB", quietLogGB), quietLogGB * p.price("log data")},
		{"images", fmt.Sprintf("%d GB", imagesGB), imagesGB * p.price("image storage")},
	}
}

// month is a month with so many bills, beside what is paid anyway.
func (p *parameters) month(bills int, idle float64) (Month, error) {
	list, err := p.table.Capacity()
	if err != nil {
		return Month{}, err
	}
	latency, err := capacity.ParseLatency("p50=1s,p99=4s")
	if err != nil {
		return Month{}, err
	}
	setup := capacity.Setup{
		Question: capacity.Question{Targets: bills, Gateway: capacity.Gateway{Latency: latency, CallDeadline: 30 * time.Second}, Start: 9 * 60, Within: 9 * time.Hour},
		Settings: settings, Infrastructure: capacity.Cloud(), Calibration: capacity.PublishedCalibration(),
	}
	setup.Tasks = int(p.number("DeliveryTasksMost"))
	setup.TaskCores, setup.TaskGB = p.number("DeliveryCpu")/1024, p.number("DeliveryMemory")/1024
	forecast, err := capacity.Predict(setup, 11)
	if err != nil {
		return Month{}, err
	}
	c := setup.Cost(forecast.Run, list)
	million := float64(bills) / 1e6
	m := Month{Bills: bills}
	m.Run = c.Tasks + c.Helpers + c.Storage + c.Data + float64(bills)*float64(setup.SentBytes)/1e9*p.price("nat data")
	m.Import = million * batchSeconds / 3600 * p.task(p.number("BatchCpu")/1024, p.number("BatchMemory")/1024)
	m.Total = idle + m.Run + m.Import
	m.PerMillion = m.Total / million
	return m, nil
}
