package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is what a run found. Its JSON form is for machines: names of fields stay.
type Report struct {
	What       string     `json:"what"` // one of Names
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt time.Time  `json:"finished_at"`
	Machine    Machine    `json:"machine"`
	Postgres   string     `json:"postgres"`
	Durable    bool       `json:"postgres_durable"`
	Kafka      string     `json:"kafka"`
	Quick      bool       `json:"quick"` // sizes too small for a claim
	Stages     []*Stage   `json:"stages,omitempty"`
	Idle       []Idle     `json:"idle,omitempty"`
	Migrations []Migrated `json:"migrations,omitempty"`
	Notes      []string   `json:"notes,omitempty"`
}

func newReport(o Options) *Report {
	return &Report{What: o.What, StartedAt: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(), Durable: o.Durable, Quick: o.Quick}
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer) {
	fmt.Fprintln(out)
	r.write(out, table)
}

// write writes the report, with its table in a form of its own.
func (r *Report) write(out io.Writer, table func(out io.Writer, rows ...[]any)) {
	m := r.Machine
	fmt.Fprintf(out, "%s, %d cores (%s), %.1f GiB, kernel %s, %s, PostgreSQL %s (waits for the disk: %t), Kafka: %s; load before: %s. Everything on this machine.\n",
		r.StartedAt.Format(time.DateOnly), m.Cores, cmp.Or(m.CPU, "unknown"), m.Memory, m.Kernel, m.Go, r.Postgres, r.Durable, r.Kafka, cmp.Or(m.Load, "unknown"))
	for _, note := range r.Notes {
		fmt.Fprintf(out, "\n**%s**\n", note)
	}
	if r.Quick {
		fmt.Fprintf(out, "\n**Small sizes: this claims nothing.**\n")
	}
	fmt.Fprintln(out)
	table(out, r.rows()...)
	r.writeMigrations(out)
	fmt.Fprintln(out)
	for _, s := range r.Stages {
		fmt.Fprintf(out, "- **%s**: %s.", s.Name, s.Label)
		if s.Baseline != "" {
			fmt.Fprintf(out, " Baseline: %s.", s.Baseline)
		}
		fmt.Fprintln(out)
		for _, detail := range s.Details {
			fmt.Fprintf(out, "  - %s\n", detail)
		}
	}
}

// rows are the table of all stages. What was measured at smaller sizes claims nothing.
func (r *Report) rows() [][]any {
	if len(r.Migrations) > 0 {
		return r.migrationRows()
	}
	claim := func(verdict string) string {
		if r.Quick {
			return ""
		}
		return verdict
	}
	took := "µs of processor a row"
	if r.What == Growth {
		took = "µs a row"
	}
	rows := [][]any{{"stage", "runs × rows", "a second (min–max)", "baseline", "of the baseline", took, "peak MB", "target", ""}}
	for _, s := range r.Stages {
		peak := any("–")
		if s.PeakRSS > 0 {
			peak = mb(s.PeakRSS)
		}
		rows = append(rows, []any{
			s.Name, fmt.Sprintf("%d × %d", len(s.Runs), s.Rows), perSecond(s.Rate), perSecond(s.BaselineRate), perCent(s.Share), s.processors(), peak, s.targets(), claim(s.verdict()),
		})
	}
	for _, i := range r.Idle {
		rows = append(rows, []any{
			"idle: " + i.Process, fmt.Sprintf("%.0f s", i.Seconds), fmt.Sprintf("%.2f%% of a core", 100*i.Cores), "–", "–", "–", figure(mb(i.RSS)) + " resident",
			fmt.Sprintf("< %.0f%%, < %.0f MB", 100*idleCores, mb(idleRSS)), claim(i.verdict()),
		})
	}
	return rows
}

// table writes a table for a terminal.
func table(out io.Writer, rows ...[]any) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for _, cell := range row {
			fmt.Fprintf(w, "%s\t", written(cell))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// written is a cell of a table.
func written(cell any) string {
	if number, ok := cell.(float64); ok {
		return figure(number)
	}
	return fmt.Sprint(cell)
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

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
