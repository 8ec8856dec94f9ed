package outage

import (
	"sync"
	"time"
)

// repeatAfter is the least time between two log lines about a subject, apart from the first that names a second cause.
const repeatAfter = time.Minute

// Failures decides which of many failures of a subject, such as a component or a provider, are logged: the first one, the
// first one with another cause, so that a second cause is not hidden behind the first, and from then on one a minute while
// it fails. The zero Failures is ready to use. Safe for concurrent use.
type Failures struct {
	mu       sync.Mutex
	subjects map[string]*failure
}

// failure is what is known of a subject's failures.
type failure struct {
	cause   string    // of the last line
	at      time.Time // of the last line
	changed bool      // a line has named another cause than the first one did
	count   int       // failures since the last line
}

// Due notes a failure and reports whether it is to be logged, and how many there were since the last line, with it.
func (f *Failures) Due(subject, cause string, now time.Time) (count int, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.subjects[subject]
	if known == nil {
		if f.subjects == nil {
			f.subjects = map[string]*failure{}
		}
		f.subjects[subject] = &failure{cause: cause, at: now}
		return 1, true
	}
	known.count++
	news := cause != known.cause && !known.changed
	if !news && now.Sub(known.at) < repeatAfter {
		return known.count, false
	}
	count = known.count
	known.cause, known.at, known.changed, known.count = cause, now, known.changed || news, 0
	return count, true
}

// Forget ends a subject's failures: the next one is a first one again.
func (f *Failures) Forget(subject string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subjects, subject)
}
