package memory

import (
	"slices"
	"sync"

	"github.com/balsong/balsong/application/port"
)

var _ port.Traces = (*Traces)(nil)

// Traces keeps the spans that were recorded. The zero Traces is ready to use.
type Traces struct {
	mu    sync.Mutex
	spans []port.TraceSpan
}

// Record implements port.Traces.
func (t *Traces) Record(spans ...port.TraceSpan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans = append(t.spans, spans...)
}

// Recorded returns the spans of a name, in the order in which they were recorded; "": all.
func (t *Traces) Recorded(name string) (spans []port.TraceSpan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.spans {
		if name == "" || s.Name == name {
			spans = append(spans, s)
		}
	}
	return slices.Clip(spans)
}
