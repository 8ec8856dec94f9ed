package generate

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/chart"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/domain/key"
)

var update = flag.Bool("update", false, "write the pictures of docs/guides/generate.md anew")

// pictured is how many customers the pictures show.
const pictured = 50_000

// crowd is what is counted of customers: of the sample data, or of a month of a world.
type crowd struct {
	size     int
	tenure   [maxTenure/12 + 2]int // none, a year each, more
	contract [len(contracts)]int
	services [len(services)]int
	payment  [len(payments)]int
	charges  [12]int // by ten dollars
}

func (n *crowd) count(p *plan, months int, cents int64) {
	n.size++
	n.tenure[(months+11)/12]++
	n.contract[p.contract]++
	n.payment[p.payment]++
	n.charges[min(cents/1000, int64(len(n.charges)-1))]++
	for i := range services {
		if p.takes(i) {
			n.services[i]++
		}
	}
}

func (n *crowd) share(count int) int { return (count*20_000 + n.size) / (2 * n.size) }

// cents is a customer's amount as the sample data counts it.
func (c *customer) cents() int64 {
	if c.korean {
		return c.amount / 13
	}
	return c.amount
}

// picturedWorld is the world of the guide, seed 1, and its first and last month.
func picturedWorld(t *testing.T) (w *world, first, last key.Month) {
	t.Helper()
	first = key.Month(2026 * 12)
	w, err := newWorld(Options{Seed: 1, Since: first, Wishes: Wishes{Quiet: 20, SendDay: 30}}, demodata.Telco())
	if err != nil {
		t.Fatal(err)
	}
	return w, first, first + 11
}

func crowds(w *world, months ...key.Month) []crowd {
	list := make([]crowd, 1+len(months))
	for i := range w.plans {
		list[0].count(&w.plans[i], int(w.plans[i].tenure), w.plans[i].charges)
	}
	for i, month := range months {
		for slot := range pictured {
			c := w.customer(slot, month)
			list[i+1].count(&w.plans[c.plan], min(c.billed, maxTenure+12), c.cents())
		}
	}
	return list
}

// bars is a picture of shares of 10,000.
func bars(title string, series ...string) *chart.Bars {
	return &chart.Bars{Label: title, Title: title, Series: series, Text: func(share float64) string { return fmt.Sprintf("%.2f %%", share/100) }}
}

// compared is a chart of what the sample data has too.
func compared(title string, labels []string, list []crowd, of func(*crowd, int) int) *chart.Bars {
	c := bars(title, "sample data (7,043)", "generated, first month", "generated, twelfth month")
	for i, label := range labels {
		row := chart.Row{Label: label}
		for n := range list {
			row.Values = append(row.Values, float64(list[n].share(of(&list[n], i))))
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

func names[T any](list []T, name func(T) string) (names []string) {
	for _, entry := range list {
		names = append(names, name(entry))
	}
	return names
}

// leaving is the chance to leave in a month: of the life table, and as it came about in a year.
func leaving(w *world, first, last key.Month) *chart.Bars {
	c := bars("Customers who leave, a month", "life table of the sample data", "generated, twelve months")
	var spent, left [len(contracts)]int
	for slot := range pictured {
		was := w.customer(slot, first)
		for month := first + 1; month <= last; month++ {
			now := w.customer(slot, month)
			contract := w.plans[was.plan].contract
			spent[contract]++
			if now.id() != was.id() {
				left[contract]++
			}
			was = now
		}
	}
	var sampleSpent, sampleLeft [len(contracts)]int
	for _, p := range w.plans {
		sampleSpent[p.contract] += int(p.tenure)
		if p.left {
			sampleLeft[p.contract]++
		}
	}
	for i, name := range contracts {
		c.Rows = append(c.Rows, chart.Row{Label: name, Values: []float64{float64(sampleLeft[i] * 10_000 / sampleSpent[i]), float64(left[i] * 10_000 / spent[i])}})
	}
	return c
}

// wishes counts columns of rows: what the sample data does not have.
func wishes(t *testing.T, w *world, month key.Month) *chart.Bars {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(header)
	var row []byte
	for slot := range pictured {
		c := w.customer(slot, month)
		row = w.appendRow(row[:0], &c, month)
		out.Write(row)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, record := range records[1:] {
		for i, column := range records[0] {
			counts[column+"="+record[i]]++
			if record[i] != "" {
				counts[column]++
			}
		}
	}
	c := bars("Reach and wishes (our assumptions: the sample data has none)", "generated, first month")
	for _, shown := range []struct{ label, counted string }{
		{"has an e-mail address", "email"},
		{"has a telephone number", "phone"},
		{"has the app", "push_token"},
		{"wishes text messages", "channel_wish=SMS"},
		{"wishes the app", "channel_wish=PUSH"},
		{"wishes e-mail", "channel_wish=EMAIL"},
		{"leaves it to the policy", "channel_wish="},
		{"own quiet hours", "quiet_from"},
		{"… from 21:00", "quiet_from=21:00"},
		{"… from 22:00", "quiet_from=22:00"},
		{"… by day (night workers)", "quiet_from=09:00"},
		{"own send day", "send_day"},
		{"… on the 25th", "send_day=25"},
		{"… on the 10th", "send_day=10"},
		{"… on the last day", "send_day=31"},
		{"due on the 25th", "due_date=2026-01-25"},
		{"billed in Korean, won", "language=ko"},
		{"lives in another zone", "zone"},
	} {
		c.Rows = append(c.Rows, chart.Row{Label: shown.label, Values: []float64{float64(counts[shown.counted] * 10_000 / pictured)}})
	}
	return c
}

func TestThePicturesOfTheGuideAreFresh(t *testing.T) {
	t.Parallel()
	w, first, last := picturedWorld(t)
	list := crowds(w, first, last)
	charts := map[string]*chart.Bars{
		"tenure": compared("Months billed before", []string{"none", "1 to 12", "13 to 24", "25 to 36", "37 to 48", "49 to 60", "61 to 72", "more"}, list,
			func(n *crowd, i int) int { return n.tenure[i] }),
		"contract": compared("Contract", contracts[:], list, func(n *crowd, i int) int { return n.contract[i] }),
		"services": compared("Services taken", names(services[:], func(s service) string { return s.english }), list, func(n *crowd, i int) int { return n.services[i] }),
		"charges": compared("Charges a month (won as dollars of 1,300)", []string{
			"under $10", "$10", "$20", "$30", "$40", "$50", "$60", "$70", "$80", "$90", "$100", "$110 and over",
		}, list, func(n *crowd, i int) int { return n.charges[i] }),
		"payment": compared("Payment method", names(payments[:], func(p payment) string { return p.name }), list, func(n *crowd, i int) int { return n.payment[i] }),
		"leaving": leaving(w, first, last),
		"wishes":  wishes(t, w, first),
	}
	for name, c := range charts {
		path := filepath.Join("../../../docs/guides/generate", name+".svg")
		want := []byte(c.String())
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run `go test ./generate -run Pictures -update` in bootstrap/devtools", path, err)
		}
	}
}

func TestTheFirstMonthIsDistributedAsTheSampleData(t *testing.T) {
	t.Parallel()
	w, first, _ := picturedWorld(t)
	list := crowds(w, first)
	sample, made := &list[0], &list[1]
	near := func(what string, one, other int) {
		if d := sample.share(one) - made.share(other); d < -70 || d > 70 { // of 10,000
			t.Errorf("%s: %d of the sample data, %d generated, of 10,000", what, sample.share(one), made.share(other))
		}
	}
	for i := range sample.tenure {
		near("tenure", sample.tenure[i], made.tenure[i])
	}
	for i, name := range contracts {
		near(name, sample.contract[i], made.contract[i])
	}
	for i, s := range services {
		near(s.english, sample.services[i], made.services[i])
	}
	for i, p := range payments {
		near(p.name, sample.payment[i], made.payment[i])
	}
	for i := range sample.charges {
		near("charges", sample.charges[i], made.charges[i])
	}
}
