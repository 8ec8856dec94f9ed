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
	"github.com/balsong/balsong/domain/schedule"
	"github.com/balsong/balsong/domain/window"
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

// batchSeconds are the seconds in which import and render work off a million (docs/performance.md, the stage month: 5 M in 646 s).
const batchSeconds = 130

// New computes the cost of the templates of a directory, with other values of their parameters where some are given.
func New(dir string, table prices.Table, changed cloudformation.Values) (Report, error) {
	templates, err := cloudformation.Read(dir)
	if err != nil {
		return Report{}, err
	}
	p := parameters{values: cloudformation.Values{}, table: table, templates: templates}
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
	r := Report{Region: table.Region, Currency: table.Currency, Read: table.Date, Idle: p.idle()}
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
	values    cloudformation.Values
	table     prices.Table
	templates []cloudformation.Template
	problems  []error
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

// resources are those of a type that a template makes.
func (p *parameters) resources(t cloudformation.Template, kind string) []cloudformation.Resource {
	list, err := p.values.Made(t, kind)
	if err != nil {
		p.problems = append(p.problems, err)
	}
	return list
}

func (p *parameters) made(kind string) (n int) {
	for _, t := range p.templates {
		n += len(p.resources(t, kind))
	}
	return n
}

// taskOf is what an hour of the task with a container costs.
func (p *parameters) taskOf(container string) float64 {
	for _, t := range p.templates {
		for _, task := range p.resources(t, "AWS::ECS::TaskDefinition") {
			family, err := p.values.Property(t, task, "Family")
			if err != nil || family != p.values["Name"]+"-"+container {
				continue
			}
			var size [2]float64
			for i, property := range []string{"Cpu", "Memory"} {
				text, err := p.values.Property(t, task, property)
				if err == nil {
					size[i], err = strconv.ParseFloat(text, 64)
				}
				if err != nil {
					p.problems = append(p.problems, err)
				}
			}
			return p.task(size[0]/1024, size[1]/1024)
		}
	}
	p.problems = append(p.problems, fmt.Errorf("%w: no template has a task %s", capacity.ErrImpossible, container))
	return 0
}

// runs are the runs of the dispatcher in a month: of a year, by twelve.
func (p *parameters) runs() (n float64) {
	zone, err := window.Zone(p.values["ScheduleZone"])
	if err != nil {
		p.problems = append(p.problems, fmt.Errorf("%w: ScheduleZone: %w", capacity.ErrImpossible, err))
		return 0
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	for _, name := range []string{"DispatchSchedule", "DispatchExactly"} {
		if p.values[name] == "" {
			continue
		}
		expression, err := schedule.Parse(p.values[name])
		if err != nil {
			p.problems = append(p.problems, fmt.Errorf("%w: %s: %w", capacity.ErrImpossible, name, err))
			continue
		}
		end := begin.AddDate(1, 0, 0)
		if two := expression.Next(begin, zone, 2); expression.IsRate() {
			n += float64(end.Sub(begin)) / float64(two[1].Sub(two[0]))
			continue
		}
		for at := expression.Next(begin.Add(-time.Second), zone, 1); len(at) > 0 && at[0].Before(end); at = expression.Next(at[0], zone, 1) {
			n++
		}
	}
	return n / 12
}

// task is what an hour of a task costs.
func (p *parameters) task(vcpu, gb float64) float64 {
	return vcpu*p.price("fargate vcpu") + gb*p.price("fargate memory")
}

// What is estimated of a quiet month, because no template says it.
const (
	runMinutes     = 1  // the least that Fargate charges
	insightsSeries = 30 // Container Insights of one cluster and two services
	quietLogGB     = 2
	imagesGB       = 1
	madeByRDS      = 1 // the secret of the database's administrator
	madeByScaling  = 2 // alarms of target tracking
	parametersMade = 1 // the CA of the database is an advanced one
)

// idle is what is paid while nothing is sent.
func (p *parameters) idle() []Item {
	gateways, addresses := float64(p.made("AWS::EC2::NatGateway")), float64(p.made("AWS::EC2::EIP"))
	secrets, keys := p.made("AWS::SecretsManager::Secret")+madeByRDS, p.made("AWS::KMS::Key")
	series, dashboards := 0, p.made("AWS::CloudWatch::Dashboard")
	for _, m := range metric.All() {
		if m.Essential() {
			series++
		}
	}
	alarms := madeByScaling
	for _, t := range p.templates {
		for _, alarm := range p.resources(t, "AWS::CloudWatch::Alarm") {
			alarms += alarm.MetricsRead()
		}
	}
	tasks, runs := p.number("SettlementTasks"), p.runs()
	class, broker := p.values["DatabaseClass"], p.values["KafkaBroker"]
	return []Item{
		{"PostgreSQL with its standby", class, monthHours * p.price("database "+class)},
		{"its storage", p.values["DatabaseStorage"] + " GB", p.number("DatabaseStorage") * p.price("database storage")},
		{"Kafka, three brokers", broker, prices.Brokers * monthHours * p.price("broker "+broker)},
		{"their storage", fmt.Sprintf("3 × %s GB", p.values["KafkaStorage"]), prices.Brokers * p.number("KafkaStorage") * p.price("broker storage")},
		{"NAT gateways and their addresses", fmt.Sprintf("%.0f and %.0f", gateways, addresses), monthHours * (gateways*p.price("nat gateway") + addresses*p.price("public address"))},
		{"settlement, with the lag monitor", fmt.Sprintf("%.0f tasks", tasks), tasks * monthHours * p.taskOf("settlement")},
		{"dispatcher", fmt.Sprintf("%.0f runs of a minute", runs), runs * runMinutes / 60 * p.taskOf("dispatcher")},
		{"delivery, least tasks", p.values["DeliveryTasksLeast"], p.number("DeliveryTasksLeast") * monthHours * p.taskOf("delivery")},
		{"metrics of CloudWatch", fmt.Sprintf("%d of ours, at least, and %d of Container Insights", series, insightsSeries), float64(series+insightsSeries) * p.price("metric")},
		{"metrics that alarms read, and dashboards", fmt.Sprintf("%d and %d", alarms, dashboards), float64(alarms)*p.price("alarm") + float64(dashboards)*p.price("dashboard")},
		{
			"keys, secrets, parameter", fmt.Sprintf("%d, %d, %d", keys, secrets, parametersMade),
			float64(keys)*p.price("key") + float64(secrets)*p.price("secret") + parametersMade*p.price("parameter"),
		},
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
		// What is tuned by the templates; the page of a run is the product's own.
		Settings: capacity.Settings{
			Partitions: int(p.number("KafkaPartitions")), MinTasks: 1, InFlight: int(p.number("DeliveryInFlight")), Page: 1000, BacklogPerTask: int(p.number("BacklogPerTask")),
		},
		Infrastructure: capacity.Cloud(), Calibration: capacity.PublishedCalibration(),
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
