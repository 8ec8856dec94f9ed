package generate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/application/bill"
)

// service is something a customer can take, with what it usually costs.
type service struct {
	column, value string // as the sample data names it
	english       string
	korean        string
	cents         int64
}

var services = [...]service{
	{"PhoneService", "Yes", "Phone service", "전화 기본료", 2000},
	{"MultipleLines", "Yes", "Additional lines", "추가 회선", 500},
	{"InternetService", "DSL", "Internet, DSL", "인터넷 DSL", 2500},
	{"InternetService", "Fiber optic", "Internet, fiber optic", "인터넷 광랜", 5000},
	{"OnlineSecurity", "Yes", "Online security", "온라인 보안", 500},
	{"OnlineBackup", "Yes", "Online backup", "온라인 백업", 500},
	{"DeviceProtection", "Yes", "Device protection", "기기 보험", 500},
	{"TechSupport", "Yes", "Tech support", "기술 지원", 500},
	{"StreamingTV", "Yes", "Streaming TV", "TV 스트리밍", 1000},
	{"StreamingMovies", "Yes", "Streaming movies", "영화 스트리밍", 1000},
}

// Positions in services that rules name.
const (
	servicePhone  = 0
	serviceDSL    = 2
	serviceFiber  = 3
	serviceTV     = 8
	serviceMovies = 9
)

// contracts as the sample data names them, in the order of their length.
var contracts = [...]string{"Month-to-month", "One year", "Two year"}

// payment is how a customer pays, as the sample data names it and as it is shown.
type payment struct{ name, korean string }

var payments = [...]payment{
	{"Electronic check", "가상계좌"}, {"Mailed check", "지로"}, {"Bank transfer (automatic)", "계좌 자동이체"}, {"Credit card (automatic)", "신용카드 자동납부"},
}

// maxTenure is the longest that the sample data knows, in months.
const maxTenure = 72

// plan is what one customer of the sample data takes, and for how long already.
type plan struct {
	services  uint16 // bit i: services[i]
	contract  uint8  // position in contracts
	tenure    uint8  // months billed
	payment   uint8  // position in payments
	paperless bool
	left      bool  // has cancelled in the last month
	charges   int64 // a month, in cents
	billed    int64 // in all months, in cents
}

func (p plan) takes(service int) bool { return p.services>>service&1 == 1 }

// list is what the services of a plan usually cost together, in cents.
func (p plan) list() (cents int64) {
	for i, service := range services {
		if p.takes(i) {
			cents += service.cents
		}
	}
	return cents
}

// line is the kind of connection, which decides how far charges lie from the list price.
func (p plan) line() int {
	switch {
	case p.takes(serviceFiber):
		return 2
	case p.takes(serviceDSL):
		return 1
	}
	return 0
}

// tenureBands are the last months of the spans in which the chance to leave is counted; the last holds from there on.
var tenureBands = [...]int{1, 3, 6, 12, 24, 48, maxTenure}

func tenureBand(months int) int {
	for band, last := range tenureBands {
		if months <= last {
			return band
		}
	}
	return len(tenureBands) - 1
}

// fit is what is known from the sample data.
type fit struct {
	plans  []plan             // in the order of tenure
	first  [maxTenure + 2]int // position in plans of the first with that tenure
	extra  [3][]int16         // by line: how far charges lie from the list price, in cents
	leaves [len(contracts)][len(tenureBands)]odds
}

// odds are a chance as a share of 2³².
type odds uint32

func oddsOf(cases, of int64) odds { return odds(cases << 32 / max(of, 1)) }

// newFit reads the sample data.
func newFit(file io.Reader) (*fit, error) {
	in := csv.NewReader(file)
	names, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the sample data's header: %w", err)
	}
	f := &fit{}
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the sample data: %w", err)
		}
		values := make(map[string]string, len(names))
		for i, name := range names {
			values[name] = strings.TrimSpace(fields[i])
		}
		p, err := readPlan(values)
		if err != nil {
			return nil, fmt.Errorf("customer %s of the sample data: %w", values["customerID"], err)
		}
		f.plans = append(f.plans, p)
		f.extra[p.line()] = append(f.extra[p.line()], int16(p.charges-p.list()))
	}
	f.count()
	return f, nil
}

func readPlan(values map[string]string) (plan, error) {
	var p plan
	months, err := strconv.Atoi(values["tenure"])
	if err != nil || months < 0 || months > maxTenure {
		return p, fmt.Errorf("its tenure is not a number from 0 to %d", maxTenure)
	}
	contract := slices.Index(contracts[:], values["Contract"])
	if contract < 0 {
		return p, errors.New("its contract is unknown")
	}
	paid := slices.IndexFunc(payments[:], func(known payment) bool { return known.name == values["PaymentMethod"] })
	if paid < 0 {
		return p, errors.New("its payment method is unknown")
	}
	p.tenure, p.contract, p.payment = uint8(months), uint8(contract), uint8(paid)
	p.paperless, p.left = values["PaperlessBilling"] == "Yes", values["Churn"] == "Yes"
	if p.charges, err = bill.ParseAmount(values["MonthlyCharges"], "USD"); err != nil {
		return p, fmt.Errorf("its monthly charges: %w", err)
	}
	if total := values["TotalCharges"]; total != "" {
		if p.billed, err = bill.ParseAmount(total, "USD"); err != nil {
			return p, fmt.Errorf("its total charges: %w", err)
		}
	}
	for i, service := range services {
		if values[service.column] == service.value {
			p.services |= 1 << i
		}
	}
	return p, nil
}

// count sorts the plans by tenure and counts who leaves: the cancellations of a span of tenure over the months that
// all customers spent in it (the life table of the sample data).
func (f *fit) count() {
	slices.SortStableFunc(f.plans, func(a, b plan) int { return int(a.tenure) - int(b.tenure) })
	for months := range f.first {
		f.first[months], _ = slices.BinarySearchFunc(f.plans, months, func(p plan, months int) int { return int(p.tenure) - months })
	}
	var left, spent [len(contracts)][len(tenureBands)]int64
	for _, p := range f.plans {
		for month := 1; month <= int(p.tenure); month++ {
			spent[p.contract][tenureBand(month)]++
		}
		if p.left {
			left[p.contract][tenureBand(int(p.tenure))]++
		}
	}
	for contract := range left {
		for band := range left[contract] {
			f.leaves[contract][band] = oddsOf(left[contract][band], spent[contract][band])
		}
	}
}

// near returns the span of plans whose tenure is at most three months from the given one.
func (f *fit) near(months int) (from, to int) {
	return f.first[max(min(months, maxTenure)-3, 0)], f.first[min(months+3, maxTenure)+1]
}
