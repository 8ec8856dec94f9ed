package demo

import (
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/bootstrap/progress"
)

// stages prints what the demo does: one line a stage, with a bar while it runs on a terminal.
type stages struct {
	out      io.Writer
	terminal bool
	began    time.Time
	name     string
	work     *progress.Work // nil before the stage has told how far it is
}

// begin names the next stage.
func (s *stages) begin(name string) {
	s.name, s.began, s.work = name, time.Now(), nil
	if s.terminal {
		fmt.Fprintf(s.out, "  %-10s …", name)
	}
}

// progress tells how far the stage is. all is 0 where nobody knows.
func (s *stages) progress(done, all int) {
	if s.work == nil {
		s.clear()
		s.work = progress.On(s.out).Begin(s.name, "bills", int64(all))
	}
	s.work.Set(int64(done))
}

// clear makes room for a line of its own.
func (s *stages) clear() {
	if s.work != nil {
		s.work.End()
		s.work = nil
	}
	if s.terminal {
		fmt.Fprint(s.out, "\r\033[K")
	}
}

// end says what the stage came to.
func (s *stages) end(format string, args ...any) {
	s.clear()
	fmt.Fprintf(s.out, "  %-10s %5.1f s  %s\n", s.name, time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
