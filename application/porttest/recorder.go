package porttest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Check is one promise of a port P. Run reports to t what is wrong, and opens a fresh port by open, which fails t if it
// cannot.
type Check[P any] struct {
	Name string
	Run  func(t testing.TB, open func(t testing.TB) P)
}

// Run runs each check as a named parallel subtest.
func Run[P any](t *testing.T, checks []Check[P], open func(t testing.TB) P) {
	t.Helper()
	for _, check := range checks {
		t.Run(check.Name, func(t *testing.T) {
			t.Parallel()
			check.Run(t, open)
		})
	}
}

// Reject asserts that each of the named checks fails for a port that is broken on purpose. At least one must be named,
// and only checks in the list.
func Reject[P any](t testing.TB, checks []Check[P], open func(t testing.TB) P, names ...string) {
	t.Helper()
	if len(names) == 0 {
		t.Fatal("name the checks that must fail for this broken port")
	}
	for _, name := range names {
		at := slices.IndexFunc(checks, func(c Check[P]) bool { return c.Name == name })
		if at < 0 {
			t.Errorf("the suite has no check %q", name)
			continue
		}
		r := Record(t, func(t testing.TB) { checks[at].Run(t, open) })
		if !r.Failed() {
			t.Errorf("the check %q does not notice that the port is broken", name)
		}
	}
}

// recordLimit bounds how long a check may run against a broken port; then its context ends.
const recordLimit = 10 * time.Second

// Recorder is a testing.TB that notes failures instead of failing the test around it. Safe for concurrent use.
type Recorder struct {
	testing.TB // the test around it: for TempDir, Setenv and the like
	ctx        context.Context

	mu       sync.Mutex
	failed   bool
	skipped  bool
	lines    []string
	cleanups []func()
}

// Record runs fn in a goroutine with a Recorder, cleans up, and returns what was recorded. FailNow, Fatal and Skip end
// only fn; a panic of fn is recorded as a failure. t.Context() ends after ten seconds at the latest.
func Record(around testing.TB, fn func(t testing.TB)) *Recorder {
	ctx, cancel := context.WithTimeout(around.Context(), recordLimit)
	defer cancel()
	r := &Recorder{TB: around, ctx: ctx}
	r.guard(func() { fn(r) })
	cancel() // as testing does: the context ends just before the cleanups
	for {
		next := r.popCleanup()
		if next == nil {
			return r
		}
		r.guard(next)
	}
}

// guard runs fn in a goroutine, so that runtime.Goexit ends fn alone, and waits for it.
func (r *Recorder) guard(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.note(true, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		fn()
	}()
	<-done
}

func (r *Recorder) popCleanup() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cleanups) == 0 {
		return nil
	}
	last := r.cleanups[len(r.cleanups)-1]
	r.cleanups = r.cleanups[:len(r.cleanups)-1]
	return last
}

func (r *Recorder) note(failure bool, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = r.failed || failure
	if line != "" {
		r.lines = append(r.lines, line)
	}
}

// Lines returns what was logged and what failed, one a line.
func (r *Recorder) Lines() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// Failed reports whether a failure was recorded.
func (r *Recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// Skipped reports whether fn skipped itself.
func (r *Recorder) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

// Cleanup registers fn to be called when the recording ends, the last one first.
func (r *Recorder) Cleanup(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, fn)
}

// Context ends before the cleanups, or after ten seconds.
func (r *Recorder) Context() context.Context { return r.ctx }

// Helper does nothing: no line numbers are kept.
func (r *Recorder) Helper() {}

// Log notes a line.
func (r *Recorder) Log(args ...any) { r.note(false, strings.TrimSpace(fmt.Sprintln(args...))) }

// Logf notes a line.
func (r *Recorder) Logf(format string, args ...any) { r.note(false, fmt.Sprintf(format, args...)) }

// Fail records a failure.
func (r *Recorder) Fail() { r.note(true, "") }

// FailNow records a failure and ends the goroutine.
func (r *Recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

// Error records a failure.
func (r *Recorder) Error(args ...any) { r.note(true, strings.TrimSpace(fmt.Sprintln(args...))) }

// Errorf records a failure.
func (r *Recorder) Errorf(format string, args ...any) { r.note(true, fmt.Sprintf(format, args...)) }

// Fatal records a failure and ends the goroutine.
func (r *Recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

// Fatalf records a failure and ends the goroutine.
func (r *Recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// Skip ends the goroutine.
func (r *Recorder) Skip(args ...any) {
	r.Log(args...)
	r.SkipNow()
}

// Skipf ends the goroutine.
func (r *Recorder) Skipf(format string, args ...any) {
	r.Logf(format, args...)
	r.SkipNow()
}

// SkipNow ends the goroutine.
func (r *Recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}
