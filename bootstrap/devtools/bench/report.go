package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run found. Its JSON form is for machines: names of fields stay.
type Report struct {
	What       string               `json:"what"` // one of Names
	StartedAt  time.Time            `json:"started_at"`
	FinishedAt time.Time            `json:"finished_at"`
	Machine    Machine              `json:"machine"`
	Postgres   string               `json:"postgres"`
	Durable    bool                 `json:"postgres_durable"`
	Kafka      string               `json:"kafka"`
	Quick      bool                 `json:"quick"` // sizes too small for a claim
	Claims     []Claim              `json:"claims"`
	Dispatch   *DispatchMeasurement `json:"dispatch,omitempty"`
	Delivery   *DeliveryMeasurement `json:"delivery,omitempty"`
	Stages     []*Stage             `json:"stages,omitempty"`
	Idle       []Idle               `json:"idle,omitempty"`
	Growth     []GrowthPoint        `json:"growth,omitempty"`
	Notes      []string             `json:"notes,omitempty"`
}

// Claim is a number beside its limit.
type Claim struct {
	What     string  `json:"what"`
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	Unit     string  `json:"unit"`
	AtLeast  bool    `json:"at_least"` // the limit is the least, not the most
	Holds    bool    `json:"holds"`
}

// DispatchMeasurement is what the dispatcher was measured at; the numbers without an index are medians over the runs.
type DispatchMeasurement struct {
	Rows            int           `json:"rows"`
	Page            int           `json:"page"`
	MessageBytes    int           `json:"message_bytes"` // mean, with key and headers
	Seconds         float64       `json:"seconds"`       // of the whole process, from its start to its end
	RowsPerSecond   float64       `json:"rows_per_second"`
	PageP50         float64       `json:"page_p50_ms"`
	PageP99         float64       `json:"page_p99_ms"`
	PeakRSS         int64         `json:"peak_rss_bytes"` // the highest of the runs, by the kernel (VmHWM)
	BaselineSeconds float64       `json:"raw_seconds"`
	Share           float64       `json:"share_of_raw_limit"` // 1: as fast as the baseline
	Runs            []DispatchRun `json:"runs"`
}

// DispatchRun is one run of the dispatcher, and of the baseline after it.
type DispatchRun struct {
	Seconds         float64            `json:"seconds"`
	RunSeconds      float64            `json:"run_seconds"` // by the run record, without the process's start and end
	Pages           int                `json:"pages"`
	PageP50         float64            `json:"page_p50_ms"`
	PageP99         float64            `json:"page_p99_ms"`
	PeakRSS         int64              `json:"peak_rss_bytes"`
	BaselineSeconds float64            `json:"raw_seconds"`
	CPU             map[string]float64 `json:"cpu_seconds"` // by process
}

func (f *DispatchMeasurement) summarize() {
	of := func(value func(DispatchRun) float64) float64 {
		values := make([]float64, len(f.Runs))
		for i, run := range f.Runs {
			values[i] = value(run)
		}
		return median(values)
	}
	f.Seconds = of(func(r DispatchRun) float64 { return r.Seconds })
	f.RowsPerSecond = float64(f.Rows) / f.Seconds
	f.PageP50 = of(func(r DispatchRun) float64 { return r.PageP50 })
	f.PageP99 = of(func(r DispatchRun) float64 { return r.PageP99 })
	f.BaselineSeconds = of(func(r DispatchRun) float64 { return r.BaselineSeconds })
	f.Share = of(func(r DispatchRun) float64 { return r.BaselineSeconds / r.Seconds })
	for _, r := range f.Runs {
		f.PeakRSS = max(f.PeakRSS, r.PeakRSS)
	}
}

// DeliveryMeasurement is what one delivery process and one settlement process were measured at, over a window.
type DeliveryMeasurement struct {
	Statements     int    `json:"statements"`
	StatementBytes int    `json:"statement_bytes"` // text, before compression and encryption
	GatewayLatency string `json:"gateway_latency"`
	InFlightLimit  int    `json:"in_flight_limit"`
	Batch          int    `json:"batch"`
	Linger         string `json:"linger"`
	CacheMiB       int    `json:"s3_cache_mib"`

	Seconds        float64 `json:"seconds"` // of the window
	Delivered      Rate    `json:"accepted_per_second"`
	SettledRate    Rate    `json:"settled_per_second"`
	SettledRows    int     `json:"settled_rows"`              // in the window, counted in the database
	SettledByRows  float64 `json:"settled_rows_per_second"`   // the performance target's number
	InFlight       Rate    `json:"in_flight"`                 // calls that the gateway had in flight
	S3PerMillion   float64 `json:"s3_requests_per_million"`   // of Delivery, each delivered
	S3BytesPerByte float64 `json:"s3_bytes_read_per_byte"`    // of what was sent in clear
	BlockHits      float64 `json:"s3_block_cache_hit_share"`  // 0 to 1
	Transactions   float64 `json:"transactions_per_thousand"` // of the database, each settled
	ClaimsLost     float64 `json:"claims_lost"`               // in the window; 0 where nothing came twice
	Accepted       int     `json:"accepted_in_all"`           // by the gateway's own count, warm-up and end included
	AcceptedTwice  int     `json:"accepted_twice"`            // has to be 0
	Settled        int     `json:"succeeded_in_the_database"` // at the end, has to be the accepted
	Processes      []Used  `json:"processes"`
}

// Rate is a series, one value a second.
type Rate struct {
	Mean   float64   `json:"mean"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Series []float64 `json:"series"`
}

// Used is what a process used in the window.
type Used struct {
	Process    string  `json:"process"`
	CPU        float64 `json:"cpu_seconds"`
	Cores      float64 `json:"cores"`             // CPU seconds a second
	PerMillion float64 `json:"cpu_s_per_million"` // deliveries settled
	System     float64 `json:"system_share"`      // of its CPU, spent in the kernel
	PeakRSS    int64   `json:"peak_rss_bytes"`    // by the kernel, since its start; the largest of its processes
	Share      float64 `json:"share"`             // of the CPU of all these processes
}

// summarize turns samples into the performance target's numbers. settled is counted in the database around the window.
func (f *DeliveryMeasurement) summarize(samples []sample, settled int) {
	first, last := samples[0], samples[len(samples)-1]
	f.Seconds = last.at.Sub(first.at).Seconds()
	f.Delivered = rate(samples, func(s sample) float64 { return s.accepted })
	f.SettledRate = rate(samples, func(s sample) float64 { return s.settled })
	f.SettledRows, f.SettledByRows = settled, float64(settled)/f.Seconds
	f.InFlight = levels(samples, func(s sample) float64 { return s.inFlight })
	delivered := max(last.delivered-first.delivered, 1)
	f.S3PerMillion = 1e6 * (last.s3Requests - first.s3Requests) / delivered
	f.S3BytesPerByte = (last.s3Bytes - first.s3Bytes) / (delivered * float64(f.StatementBytes))
	f.BlockHits = 1 - (last.misses-first.misses)/max(last.lookups-first.lookups, 1)
	f.Transactions = 1000 * (last.transactions - first.transactions) / float64(max(settled, 1))
	f.ClaimsLost = last.claimsLost - first.claimsLost
	f.Processes = used(first, last, float64(max(settled, 1)))
}

func used(first, last sample, settled float64) []Used {
	seconds := last.at.Sub(first.at).Seconds()
	all := 0.0
	var list []Used
	for name, u := range last.usages {
		cpu, system := u.CPU()-first.usages[name].CPU(), u.System-first.usages[name].System
		all += cpu
		if name != "caretaker" {
			list = append(list, Used{
				Process: name, CPU: cpu, Cores: cpu / seconds, PerMillion: 1e6 * cpu / settled, System: system / max(cpu, 0.01), PeakRSS: u.PeakRSS,
			})
		}
	}
	for i := range list {
		list[i].Share = list[i].CPU / max(all, 0.01)
	}
	slices.SortFunc(list, func(a, b Used) int { return cmp.Or(cmp.Compare(b.CPU, a.CPU), strings.Compare(a.Process, b.Process)) })
	return list
}

// rate is a counter's growth a second.
func rate(samples []sample, value func(sample) float64) Rate {
	var series []float64
	for i := 1; i < len(samples); i++ {
		series = append(series, (value(samples[i])-value(samples[i-1]))/samples[i].at.Sub(samples[i-1].at).Seconds())
	}
	first, last := samples[0], samples[len(samples)-1]
	r := ofSeries(series)
	r.Mean = (value(last) - value(first)) / last.at.Sub(first.at).Seconds()
	return r
}

// levels is a value as it stood at each look.
func levels(samples []sample, value func(sample) float64) Rate {
	series := make([]float64, len(samples))
	for i, s := range samples {
		series[i] = value(s)
	}
	return ofSeries(series)
}

func ofSeries(series []float64) Rate {
	if len(series) == 0 {
		return Rate{}
	}
	total := 0.0
	for i, v := range series {
		total += v
		series[i] = float64(int64(v*10+0.5)) / 10
	}
	return Rate{Mean: total / float64(len(series)), Median: median(series), Min: slices.Min(series), Max: slices.Max(series), Series: series}
}

func newReport(o Options) *Report {
	return &Report{What: o.What, StartedAt: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(), Durable: o.Durable, Quick: o.Quick}
}

// claim sets numbers beside their limits. What was measured at smaller sizes claims nothing.
func (r *Report) claim() {
	r.Claims = nil
	add := func(c Claim) {
		c.Holds = c.Measured < c.Limit
		if c.AtLeast {
			c.Holds = c.Measured >= c.Limit
		}
		r.Claims = append(r.Claims, c)
	}
	if f := r.Dispatch; f != nil && f.Rows >= dispatchRows {
		add(Claim{What: fmt.Sprintf("dispatch of %d READY rows", dispatchRows), Measured: f.Seconds * dispatchRows / float64(f.Rows), Limit: dispatchLimit.Seconds(), Unit: "s"})
		add(Claim{What: "peak resident memory of the dispatcher", Measured: mb(f.PeakRSS), Limit: mb(dispatchPeakRSS), Unit: "MB"})
	}
	if f := r.Delivery; f != nil && f.Seconds >= deliveryLasts.Seconds() {
		add(Claim{What: fmt.Sprintf("rows settled a second, over %.0f s", f.Seconds), Measured: f.SettledByRows, Limit: deliveryLimit, Unit: "1/s", AtLeast: true})
	}
}

// Print writes the tables for people.
func (r *Report) Print(out io.Writer) {
	r.claim()
	m := r.Machine
	fmt.Fprintf(out, "\nBalsong benchmark, %s to %s\n", r.StartedAt.Format("2006-01-02 15:04:05"), r.FinishedAt.Format("15:04:05 MST"))
	fmt.Fprintf(out, "%d cores (%s), %.1f GiB, %s, kernel %s; %s; load before: %s\n", m.Cores, cmp.Or(m.CPU, "unknown"), m.Memory, m.System, m.Kernel, m.Go, cmp.Or(m.Load, "unknown"))
	fmt.Fprintf(out, "PostgreSQL %s (waits for the disk: %t), Kafka: %s, one broker, %d partitions, everything on this machine\n", r.Postgres, r.Durable, r.Kafka, partitions)
	for _, note := range r.Notes {
		fmt.Fprintln(out, "NOTE:", note)
	}
	r.printClaims(out)
	if r.Dispatch != nil {
		r.Dispatch.print(out)
	}
	if r.Delivery != nil {
		r.Delivery.print(out)
	}
	if len(r.Stages) > 0 {
		printStages(out, r.Stages)
	}
	if len(r.Idle) > 0 {
		printIdle(out, r.Idle)
	}
	if len(r.Growth) > 0 {
		printGrowth(out, r.Growth)
	}
}

func table(out io.Writer, rows ...[]any) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for _, cell := range row {
			if number, ok := cell.(float64); ok {
				cell = figure(number)
			}
			fmt.Fprintf(w, "%v\t", cell)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// figure writes a number with as many digits as it is worth.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func (r *Report) printClaims(out io.Writer) {
	if len(r.Claims) == 0 && len(r.Stages) > 0 && !r.Quick {
		return // the stages say themselves what they reach
	}
	if len(r.Claims) == 0 {
		fmt.Fprintln(out, "\nNo claim: sizes or duration are smaller than the performance targets'.")
		return
	}
	rows := [][]any{{"performance target", "limit", "measured", "", ""}}
	for _, c := range r.Claims {
		sign, verdict := "<", "holds"
		if c.AtLeast {
			sign = "≥"
		}
		if !c.Holds {
			verdict = "DOES NOT HOLD"
		}
		rows = append(rows, []any{c.What, sign + " " + figure(c.Limit), c.Measured, c.Unit, verdict})
	}
	fmt.Fprintln(out)
	table(out, rows...)
}

func (f *DispatchMeasurement) print(out io.Writer) {
	fmt.Fprintf(out, "\nDispatch of %d rows in pages of %d, messages of %d bytes\n", f.Rows, f.Page, f.MessageBytes)
	rows := [][]any{{"", "s", "rows/s", "page p50 ms", "page p99 ms", "peak MB", "baseline s", "of baseline", "CPU s: dispatcher", "postgres", "kafka"}}
	for i, r := range f.Runs {
		rows = append(rows, []any{
			fmt.Sprintf("run %d", i+1), r.Seconds, float64(f.Rows) / r.Seconds, r.PageP50, r.PageP99, mb(r.PeakRSS), r.BaselineSeconds,
			fmt.Sprintf("%.0f%%", 100*r.BaselineSeconds/r.Seconds), r.CPU["dispatcher"], r.CPU["postgres"], r.CPU["kafka"],
		})
	}
	rows = append(rows, []any{"median", f.Seconds, f.RowsPerSecond, f.PageP50, f.PageP99, mb(f.PeakRSS), f.BaselineSeconds, fmt.Sprintf("%.0f%%", 100*f.Share), "", "", ""})
	table(out, rows...)
}

func (f *DeliveryMeasurement) print(out io.Writer) {
	fmt.Fprintf(out, "\nDelivery: one process, gateway answers after %s, %d statements of %d bytes, at most %d in flight, batches of at most %d, linger %s, a cache of %d MiB; window of %.0f s\n",
		f.GatewayLatency, f.Statements, f.StatementBytes, f.InFlightLimit, f.Batch, f.Linger, f.CacheMiB, f.Seconds)
	series := func(name string, r Rate) []any { return []any{name, r.Mean, r.Median, r.Min, r.Max} }
	table(out,
		[]any{"", "mean", "median", "min", "max"},
		series("accepted by the gateway, 1/s", f.Delivered),
		series("settled, 1/s", f.SettledRate),
		series("in flight", f.InFlight))
	fmt.Fprintf(out, "settled in the database: %d rows in the window, %.0f/s; %.1f transactions of the database for a thousand\n", f.SettledRows, f.SettledByRows, f.Transactions)
	fmt.Fprintf(out, "S3: %.0f requests for a million delivered, %.2f bytes read for a byte sent, %.1f%% of lookups answered by the block cache\n",
		f.S3PerMillion, f.S3BytesPerByte, 100*f.BlockHits)
	fmt.Fprintf(out, "check: the gateway accepted %d, %d are SUCCEEDED in the database, %d were accepted twice; claims lost: %.0f\n\n",
		f.Accepted, f.Settled, f.AcceptedTwice, f.ClaimsLost)
	rows := [][]any{{"process", "CPU s", "cores", "CPU s a million", "in the kernel", "share", "peak MB"}}
	for _, u := range f.Processes {
		rows = append(rows, []any{u.Process, u.CPU, u.Cores, u.PerMillion, fmt.Sprintf("%.0f%%", 100*u.System), fmt.Sprintf("%.0f%%", 100*u.Share), mb(u.PeakRSS)})
	}
	table(out, rows...)
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
