package demo

import (
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/bootstrap/progress"
)

// stages prints what the demo does: one line per stage, and on a terminal a bar while the stage runs.
type stages struct {
	out      io.Writer
	terminal bool
	began    time.Time
	name     string
	work     *progress.Work // nil before the first progress of the stage
}

// begin names the next stage.
func (s *stages) begin(name string) {
	s.name, s.began, s.work = name, time.Now(), nil
	if s.terminal {
		fmt.Fprintf(s.out, "  %-10s …", name)
	}
}

// progress says that done of all bills are through the stage; all is 0 where that is not known.
func (s *stages) progress(done, all int) {
	if s.work == nil {
		s.clear()
		s.work = progress.On(s.out).Begin(s.name, "bills", int64(all))
	}
	s.work.Set(int64(done))
}

// clear removes the bar, so that a line can be written in its place.
func (s *stages) clear() {
	if s.work != nil {
		s.work.End()
		s.work = nil
	}
	if s.terminal {
		fmt.Fprint(s.out, "\r\033[K")
	}
}

// end prints the result of the stage.
func (s *stages) end(format string, args ...any) {
	s.clear()
	fmt.Fprintf(s.out, "  %-10s %5.1f s  %s\n", s.name, time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
