package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// stages prints what the demo does: one line a stage, redrawn while it runs on a terminal.
type stages struct {
	out      io.Writer
	terminal bool
	began    time.Time
	name     string
	told     time.Time
}

// begin names the next stage.
func (s *stages) begin(name string) {
	s.name, s.began, s.told = name, time.Now(), time.Now()
	if s.terminal {
		fmt.Fprintf(s.out, "  %-10s …", name)
	}
}

// progress tells how far the stage is, often on a terminal, every few seconds otherwise. all is 0 where nobody knows.
func (s *stages) progress(done, all int) {
	pause := 5 * time.Second
	if s.terminal {
		pause = 100 * time.Millisecond
	}
	if time.Since(s.told) < pause {
		return
	}
	s.told = time.Now()
	of := ""
	if all > 0 {
		of = " of " + thousands(all)
	}
	line := fmt.Sprintf("  %-10s %s%s", s.name, thousands(done), of)
	if !s.terminal {
		fmt.Fprintln(s.out, line)
		return
	}
	const width = 30
	filled := 0
	if all > 0 {
		filled = min(width, done*width/all)
	}
	fmt.Fprintf(s.out, "\r  %-10s %s%s %s%s ", s.name, strings.Repeat("█", filled), strings.Repeat("░", width-filled), thousands(done), of)
}

// clear makes room for a line of its own.
func (s *stages) clear() {
	if s.terminal {
		fmt.Fprint(s.out, "\r\033[K")
	}
}

// end says what the stage came to.
func (s *stages) end(format string, args ...any) {
	s.clear()
	fmt.Fprintf(s.out, "  %-10s %5.1f s  %s\n", s.name, time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
