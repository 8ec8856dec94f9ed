// Package progress tells how far long work is: a bar with rate and time left on a terminal, a plain line every few
// seconds elsewhere. It writes to stderr, never to the answer, and uses no colour.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/balsong/balsong/domain/wording"
)

// Every is the pause between two lines where there is no terminal.
const Every = 5 * time.Second

// Teller writes the progress of one work after the other to one writer.
type Teller struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
}

// On returns a teller: with a bar where out is a terminal that can redraw a line.
func On(out io.Writer) Teller { return Teller{out: out, terminal: IsTerminal(out), now: time.Now} }

// IsTerminal reports whether a line that was written to out can be redrawn.
func IsTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	kind := os.Getenv("TERM")
	return ok && kind != "" && kind != "dumb" && term.IsTerminal(int(file.Fd()))
}

// Work is one piece of long work. It is safe for concurrent use.
type Work struct {
	Teller
	name, unit string

	mu    sync.Mutex
	began time.Time
	told  time.Time
	done  int64
	all   int64 // 0: not known
	bar   *progressbar.ProgressBar
	ended bool
}

// Begin begins a work: name as in "render", unit as in "bills". all is how many units there are to do, 0 where that is not
// known.
func (t Teller) Begin(name, unit string, all int64) *Work {
	w := &Work{Teller: t, name: name, unit: unit, all: all, began: t.now(), told: t.now()}
	if t.terminal {
		length := all
		if length <= 0 {
			length = -1
		}
		w.bar = progressbar.NewOptions64(length,
			progressbar.OptionSetWriter(t.out), progressbar.OptionSetDescription("  "+name), progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetSpinnerChangeInterval(0)) // else a spinner goes on drawing by itself, over whatever comes after it
	}
	return w
}

// Set says how many units are done.
func (w *Work) Set(done int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = done
	if w.ended {
		return
	}
	if w.bar != nil {
		if w.all > 0 { // a bar that is full would end itself
			done = min(done, w.all-1)
		}
		_ = w.bar.Set64(max(done, 0)) // a terminal that went away is no reason to stop working
		return
	}
	if now := w.now(); now.Sub(w.told) >= Every {
		w.told = now
		fmt.Fprintln(w.out, w.line(now))
	}
}

// All corrects how many units there are to do.
func (w *Work) All(all int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = all
	if w.bar != nil && all > 0 {
		w.bar.ChangeMax64(all)
	}
}

// Say writes a line of its own, above the bar.
func (w *Work) Say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clear()
	fmt.Fprintf(w.out, format+"\n", args...)
}

// End takes the bar away. What the work came to is for the caller to say.
func (w *Work) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clear()
	w.bar, w.ended = nil, true
}

func (w *Work) clear() {
	if w.bar != nil {
		_ = w.bar.Clear()
	}
}

// line is the plain line: "render: 120,000 of 500,000 bills (24%), 4,000 a second, 1m35s left".
func (w *Work) line(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", w.name, Thousands(w.done))
	if w.all >= w.done && w.all > 0 { // more than was thought, as a dispatcher that lingers does: nobody knows of how many
		fmt.Fprintf(&b, " of %s %s (%d%%)", Thousands(w.all), w.unit, w.done*100/w.all)
	} else {
		fmt.Fprintf(&b, " %s", w.unit)
	}
	rate, known := rateOf(w.done, now.Sub(w.began))
	if !known {
		return b.String()
	}
	fmt.Fprintf(&b, ", %s a second", Thousands(int64(rate)))
	if w.all > w.done && rate > 0 {
		left := time.Duration(float64(w.all-w.done) / rate * float64(time.Second))
		fmt.Fprintf(&b, ", %s left", left.Round(time.Second))
	}
	return b.String()
}

// shortest is the shortest time over which a rate means anything.
const shortest = time.Second

// rateOf is how much was done in a second; not known over too short a time.
func rateOf(done int64, took time.Duration) (rate float64, known bool) {
	if took < shortest {
		return 0, false
	}
	return float64(done) / took.Seconds(), true
}

// Took writes "in 12.3 s, 4,000 a second", or, over too short a time for a rate, "in 0.3 s".
func Took(done int, took time.Duration) string {
	text := fmt.Sprintf("in %.1f s", took.Seconds())
	if rate, known := rateOf(int64(done), took); known {
		text += ", " + Thousands(int64(rate)) + " a second"
	}
	return text
}

// Counted says how many there are: "1 row", "7,043 rows".
func Counted[N int | int64](n N, one, many string) string {
	return Thousands(n) + " " + wording.Form(n, one, many)
}

// Thousands writes 7043 as 7,043.
func Thousands[N int | int64](n N) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}
